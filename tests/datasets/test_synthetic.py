"""make_emotional_speech: files, seeds and parameters."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import MFCCTransformer
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.datasets._voice import PROSODY


def read(corpus):
    return [soundfile.read(path)[0] for path in corpus.data]


def test_files_and_bunch():
    corpus = make_emotional_speech(3, 2, n_syllables=1, out_dir="new/folder", random_state=0)
    assert len(corpus.data) == len(corpus.target) == len(corpus.speakers) == 3 * 2 * 8
    assert corpus.target_names.tolist() == sorted(PROSODY)
    assert set(corpus.speakers) == {"01", "02", "03"}
    assert corpus.data[0] == str(Path("new/folder/speaker_01/anger_01.wav"))
    assert "not a substitute for real speech" in corpus.DESCR
    assert "not a substitute for real speech" in make_emotional_speech.__doc__
    for path in corpus.data:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        samples, _ = soundfile.read(path)
        assert 0.003 < np.sqrt(np.mean(samples**2)) < 0.5
        assert np.abs(samples).max() < 1


def test_seed_determines_the_voices():
    parameters = {"emotions": ["anger", "fear"], "n_syllables": 1}
    first, second, other = (
        read(make_emotional_speech(1, 1, **parameters, out_dir=str(i), random_state=seed))
        for i, seed in enumerate((7, 7, 8))
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_smaller_corpus_is_a_subset_of_a_larger_one():
    parameters = {"n_syllables": 1, "random_state": 0}
    small = make_emotional_speech(1, 1, emotions=["fear"], out_dir="small", **parameters)
    large = make_emotional_speech(2, 2, emotions=["anger", "fear"], out_dir="large", **parameters)
    place = [Path(path).name for path in large.data].index("fear_01.wav")
    np.testing.assert_array_equal(read(small)[0], read(large)[place])


def test_failed_write_keeps_the_old_file():
    resource = pytest.importorskip("resource")
    parameters = {"emotions": ["anger"], "n_syllables": 1, "out_dir": "voices"}
    old = Path(make_emotional_speech(1, 1, **parameters, random_state=0).data[0])
    content = old.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal at this limit, so that a longer file is an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            make_emotional_speech(1, 1, **parameters, random_state=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert old.read_bytes() == content
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("sr", [8000, 22050, 48000])
def test_any_sampling_rate(sr):
    corpus = make_emotional_speech(
        1, 1, emotions=["calm"], n_syllables=2, sr=sr, out_dir="x", random_state=0
    )
    samples, rate = soundfile.read(corpus.data[0])
    assert rate == sr
    assert 0.3 < len(samples) / sr < 1.5


@pytest.mark.slow
def test_unseen_speakers_are_harder_but_not_too_hard(tmp_path_factory):
    corpus = make_emotional_speech(10, 4, out_dir=tmp_path_factory.mktemp("v"), random_state=0)
    frames = MFCCTransformer(n_jobs=2).transform(corpus.data)
    table = np.array(
        [
            np.r_[clip[:, real].mean(axis=1), clip[:, real].std(axis=1)]
            for clip, real in ((clip, clip.any(axis=0)) for clip in frames)
        ]
    )
    svm = make_pipeline(StandardScaler(), SVC(C=10))
    unseen = cross_val_score(
        svm, table, corpus.target, groups=corpus.speakers, cv=GroupKFold(5)
    ).mean()
    random = cross_val_score(
        svm, table, corpus.target, cv=StratifiedKFold(5, shuffle=True, random_state=0)
    ).mean()
    assert 0.4 < unseen < random - 0.02 < 0.9


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_speakers": 0}, ValueError, "n_speakers == 0, must be >= 1"),
        ({"n_per_emotion": 1.5}, TypeError, "n_per_emotion must be an instance of int"),
        ({"n_syllables": -1}, ValueError, "n_syllables == -1"),
        ({"sr": 4000}, ValueError, "sr == 4000, must be >= 8000"),
        (
            {"emotions": "anger"},
            ValueError,
            r"emotions='anger'; expected a sequence: pass \['anger'\]",
        ),
        ({"emotions": []}, ValueError, "emotions is empty; expected some of anger, calm"),
        ({"emotions": ["joy"]}, ValueError, "emotions contains 'joy'; expected some of anger"),
        ({"emotions": ["anger"] * 2}, ValueError, "contains duplicates; expected distinct names"),
        ({"out_dir": "file"}, NotADirectoryError, "out_dir='file' is a file"),
    ],
)
def test_invalid_parameter_is_reported(parameters, error, message):
    Path("file").touch()
    with pytest.raises(error, match=message):
        make_emotional_speech(**{"n_speakers": 1, "n_per_emotion": 1, "out_dir": "x"} | parameters)
