"""load_ravdess: complete, merged, incomplete and real corpora."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ser_estimators.datasets import load_ravdess

from .helpers import make, ravdess_names

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


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("flat", [True, False])
def test_complete_corpus(suffix, flat):
    corpus = load_ravdess(make("corpus", ravdess_names(), suffix, flat))
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
    flat = load_ravdess(make("flat", ravdess_names(), flat=True))
    nested = load_ravdess(make("nested", ravdess_names()))
    assert [Path(p).name for p in flat.data] == [Path(p).name for p in nested.data]
    np.testing.assert_array_equal(flat.target, nested.target)


def test_calm_becomes_neutral_on_request():
    corpus = load_ravdess(str(make("corpus", ravdess_names())), merge_calm=True)
    assert Counter(corpus.target)["neutral"] == 96 + 192
    assert len(corpus.target_names) == 7
    assert "calm" not in corpus.target_names


def test_songs_videos_and_other_files_are_ignored():
    root = make("corpus", ravdess_names())
    for name in (
        "03-02-01-01-01-01-01.wav",  # song
        "01-01-01-01-01-01-01.wav",  # audio of the video
        "01-01-01-01-01-01-01.mp4",
        "._03-01-01-01-01-01-01.wav",  # left by macOS
        "readme.txt",
    ):
        (root / name).touch()
    assert len(load_ravdess(root).data) == 1440


def test_missing_actors_are_reported():
    root = make("corpus", [n for n in ravdess_names() if n[0] not in ("Actor_07", "Actor_20")])
    with pytest.warns(UserWarning, match="no clips of actors 07, 20; 1320 clips instead of 1440"):
        assert len(load_ravdess(root).data) == 1320


def test_missing_clip_is_reported():
    root = make("corpus", [n for n in ravdess_names() if n[1] != "03-01-02-01-01-01-03"])
    with pytest.warns(UserWarning, match="1439 clips instead of 1440 in the complete corpus"):
        load_ravdess(root)


def test_unknown_actor_is_reported():
    root = make("corpus", ravdess_names())
    (root / "03-01-02-01-01-01-99.wav").write_bytes(b"RIFF")
    with pytest.warns(UserWarning, match="clips of unknown actors 99; 1441 clips"):
        load_ravdess(root)


@pytest.mark.real_data
def test_real_corpus(ravdess_folder):
    from ser_estimators import MFCCTransformer

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corpus = load_ravdess(ravdess_folder, as_frame=True)
    assert Counter(corpus.target) == COUNTS
    assert Counter(corpus.intensity) == {"normal": 768, "strong": 672}
    assert Counter(corpus.sex) == {"female": 720, "male": 720}
    assert corpus.frame.groupby("speaker")["path"].count().eq(60).all()
    frames = MFCCTransformer(n_jobs=2).transform(corpus.data)
    assert len(frames) == 1440
    assert np.isfinite(frames).all()


@pytest.mark.real_data
def test_part_of_the_corpus_with_stereo_files_at_48_khz(ravdess_48k_folder):
    from ser_estimators import MFCCTransformer

    with pytest.warns(UserWarning, match="120 clips instead of 1440 in the complete corpus"):
        corpus = load_ravdess(ravdess_48k_folder)
    assert set(corpus.speakers) == {"01", "20"}
    assert np.isfinite(MFCCTransformer(n_jobs=2).transform(corpus.data)).all()
