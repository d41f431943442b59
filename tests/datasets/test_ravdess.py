"""load_ravdess, on made folders with the quirks of the ones that people have."""

import warnings
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from ser_estimators.datasets import load_ravdess

COUNTS = {
    "neutral": 96,
    "calm": 192,
    "happiness": 192,
    "sadness": 192,
    "anger": 192,
    "fear": 192,
    "disgust": 192,
    "surprise": 192,
}


def names():
    """Names of the 1,440 clips, without their ending."""
    for actor, emotion, intensity, sentence, take in product(
        range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2)
    ):
        if not (emotion == 1 and intensity == 2):
            yield f"03-01-{emotion:02d}-{intensity:02d}-{sentence:02d}-{take:02d}-{actor:02d}"


def make(root, suffix=".wav", folders=True, keep=lambda name: True):
    for name in filter(keep, names()):
        folder = Path(root, f"Actor_{name[-2:]}") if folders else Path(root)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}{suffix}").write_bytes(b"RIFF")
    return Path(root)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("folders", [True, False])
def test_whole_corpus(suffix, folders):
    corpus = load_ravdess(make("corpus", suffix, folders))
    assert len(corpus.data) == len(corpus.target) == len(corpus.speakers) == 1440
    assert Counter(corpus.target) == COUNTS
    assert corpus.target_names.tolist() == sorted(COUNTS)
    assert Counter(corpus.speakers) == {f"{actor:02d}": 60 for actor in range(1, 25)}
    assert "CC BY-NC-SA 4.0" in corpus.DESCR
    assert all(isinstance(path, str) and Path(path).exists() for path in corpus.data)
    for path, emotion, speaker in zip(corpus.data, corpus.target, corpus.speakers, strict=True):
        fields = Path(path).stem.split("-")
        assert fields[6] == speaker
        assert (fields[2] == "05") == (emotion == "anger")


def test_order_does_not_depend_on_the_layout():
    flat, nested = load_ravdess(make("flat", folders=False)), load_ravdess(make("nested"))
    assert [Path(p).name for p in flat.data] == [Path(p).name for p in nested.data]
    np.testing.assert_array_equal(flat.target, nested.target)


def test_calm_is_merged_when_asked():
    corpus = load_ravdess(str(make("corpus")), merge_calm=True)
    assert Counter(corpus.target)["neutral"] == 96 + 192
    assert len(corpus.target_names) == 7
    assert "calm" not in corpus.target_names


def test_song_video_and_other_files_are_left_out():
    root = make("corpus")
    for name in (
        "03-02-01-01-01-01-01.wav",  # song
        "01-01-01-01-01-01-01.wav",  # audio of the video
        "01-01-01-01-01-01-01.mp4",
        "._03-01-01-01-01-01-01.wav",  # left by macOS
        "readme.txt",
    ):
        (root / name).touch()
    assert len(load_ravdess(root).data) == 1440


def test_doubled_archive_is_said_and_taken_once():
    make("corpus")
    make("corpus/audio_speech_actors_01-24")
    with pytest.warns(
        UserWarning, match="1440 clips stand more than once and are taken once, such"
    ):
        corpus = load_ravdess("corpus")
    assert len(corpus.data) == len({Path(path).name for path in corpus.data}) == 1440


def test_missing_actor_is_said():
    root = make("corpus", keep=lambda name: name[-2:] not in ("07", "20"))
    with pytest.warns(UserWarning, match="no clip of actors 07, 20; 1320 clips .* has 1440"):
        assert len(load_ravdess(root).data) == 1320


def test_missing_clip_is_said():
    root = make("corpus", keep=lambda name: name != "03-01-02-01-01-01-03")
    with pytest.warns(UserWarning, match="1439 clips where the whole corpus has 1440"):
        load_ravdess(root)


def test_unknown_actor_is_said():
    root = make("corpus")
    (root / "03-01-02-01-01-01-99.wav").write_bytes(b"RIFF")
    with pytest.warns(UserWarning, match="clips of unknown actors 99; 1441 clips"):
        load_ravdess(root)


def test_wrong_folder_is_said():
    with pytest.raises(
        FileNotFoundError, match="from 'nowhere': it does not exist in .*; expected the"
    ):
        load_ravdess("nowhere")
    Path("file").touch()
    with pytest.raises(FileNotFoundError, match="from 'file': it is a file"):
        load_ravdess("file")
    Path("empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"no file in it or below has a name such as 03-01-"
    ):
        load_ravdess("empty")


@pytest.mark.real_data
def test_real_corpus(ravdess_folder):
    from ser_estimators import MFCCTransformer

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corpus = load_ravdess(ravdess_folder)
    assert Counter(corpus.target) == COUNTS
    frames = MFCCTransformer(n_jobs=2).transform(corpus.data)
    assert len(frames) == 1440
    assert np.isfinite(frames).all()


@pytest.mark.real_data
def test_part_of_the_corpus_with_stereo_files_at_48_khz(ravdess_48k_folder):
    from ser_estimators import MFCCTransformer

    with pytest.warns(UserWarning, match="120 clips where the whole corpus has 1440"):
        corpus = load_ravdess(ravdess_48k_folder)
    assert set(corpus.speakers) == {"01", "20"}
    assert np.isfinite(MFCCTransformer(n_jobs=2).transform(corpus.data)).all()
