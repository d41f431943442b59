"""Clips, labels and speakers are checked before anything else."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.utils import Bunch

from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._sides import check_side
from ser_estimators.exceptions import AudioReadError

from .helpers import Unfittable

PATHS = [f"{i}.wav" for i in range(6)]
LABELS = ["anger", "fear"] * 3
SPEAKERS = ["a", "a", "b", "b", "c", "c"]


def test_some_clips_are_taken():
    side = check_side(PATHS, LABELS, SPEAKERS, "")
    assert side.n_speakers == 3
    part = side.take(np.array([4, 1]))
    assert part.clips == ["4.wav", "1.wav"]
    assert part.labels.tolist() == ["anger", "fear"]
    assert part.speakers.tolist() == ["c", "a"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"speakers": None}, ValueError, "speakers is missing. Without it.*speakers=corpus.spea"),
        ({"speakers": ["a"] * 5}, ValueError, r"speakers has shape \(5,\); expected \(6,\), one"),
        ({"y": ["x"] * 3}, ValueError, r"y has shape \(3,\); expected \(6,\)"),
        ({"speakers": [None, *"abcab"]}, ValueError, "speakers has no value for 1 clip, such as"),
        ({"speakers": [float("nan"), *"abcab"]}, ValueError, "speakers has no value for 1 clip"),
        (
            {"speakers": [3, *"abcab"]},
            TypeError,
            "speakers mixes strings with other types, such as 'a' and 3; expected values of one",
        ),
        ({"y": [None] * 6}, ValueError, "y has no value for 6 clips, such as clip 1; remove"),
        ({"y": "anger"}, TypeError, "y is 'anger'; expected one value per clip"),
        ({"y": None}, TypeError, "y is None; expected one value per clip"),
        ({"y": {"a": 1}}, TypeError, "y is {'a': 1}; expected one value per clip"),
        ({"y": [[1], [1, 2]] * 3}, ValueError, "y contains lists of unequal lengths; expected one"),
        ({"speakers": "anna"}, TypeError, "speakers is 'anna'; expected one value per clip"),
        ({"X": csr_array(np.eye(6))}, TypeError, "X is a sparse matrix; expected .*X.toarray"),
    ],
)
def test_bad_columns_are_named(changes, error, message):
    arguments = {"X": PATHS, "y": LABELS, "speakers": SPEAKERS, "suffix": ""}
    with pytest.raises(error, match=message):
        check_side(**arguments | changes)


def test_unknown_speakers():
    side = check_side(PATHS, LABELS, "unknown", "")
    assert side.speakers is None
    assert side.n_speakers == 0
    assert not side.has_clip_numbers
    assert side.take(np.array([4, 1])).speakers is None


@pytest.mark.parametrize(
    ("speakers", "expected"),
    [
        (range(6), True),
        ([3, 1, 2, 6, 5, 4], True),
        (range(2, 8), False),
        (list("abcdef"), False),  # so few people may speak once each
        ([0, 0, 1, 2, 3, 4], False),
        (np.arange(6.0), False),
    ],
)
def test_speakers_that_look_like_clip_numbers(speakers, expected):
    assert check_side(PATHS, LABELS, speakers, "").has_clip_numbers == expected


@pytest.mark.parametrize(("n_clips", "expected"), [(20, False), (21, True)])
def test_many_speakers_who_speak_once_look_like_clip_numbers(n_clips, expected):
    speakers = [f"speaker {index}" for index in range(n_clips)]
    side = check_side(["a.wav"] * n_clips, ["anger"] * n_clips, speakers, "")
    assert side.has_clip_numbers == expected


METADATA = {
    "sex": ["f", "m", None, float("nan"), "f", "m"],
    "age": [20, None, 30, 40, 50, 60],
    "room": np.arange(6),
    "is_child": [True, False] * 3,
    "path": PATHS,
    "emotion": LABELS,
    "speaker": SPEAKERS,
    "intensity": None,
}


@pytest.mark.parametrize("kind", [dict, Bunch, "frame"])
def test_metadata(kind):
    pandas = pytest.importorskip("pandas")
    metadata = pandas.DataFrame(METADATA) if kind == "frame" else kind(**METADATA)
    if kind == "frame":
        metadata = metadata.drop(columns="intensity")
    side = check_side(PATHS, LABELS, SPEAKERS, "", metadata)
    assert list(side.metadata) == ["sex", "age", "room", "is_child"]
    assert side.metadata["sex"].tolist() == ["f", "m", "unknown", "unknown", "f", "m"]
    np.testing.assert_array_equal(side.metadata["age"], [20, np.nan, 30, 40, 50, 60])
    assert [side.metadata[name].dtype.kind for name in side.metadata] == list("Ufib")
    part = side.take(np.array([4, 1]))
    assert part.metadata["sex"].tolist() == ["f", "m"]
    assert check_side(PATHS, LABELS, SPEAKERS, "").metadata == {}


def test_a_whole_corpus_is_metadata_too(voices):
    side = check_side(voices.data, voices.target, voices.speakers, "", voices)
    assert list(side.metadata) == ["sex"]
    missing = {"nothing": [None] * 36, "numbers": np.array([1] * 36, dtype=object)}
    side = check_side(voices.data, voices.target, voices.speakers, "", missing)
    assert set(side.metadata["nothing"]) == {"unknown"}
    assert side.metadata["numbers"].dtype.kind == "i"


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        (["f"] * 6, TypeError, r"metadata_test is \['f', .*; expected columns by name: a DataFr"),
        ("sex", TypeError, "metadata_test is 'sex'; expected columns by name"),
        ({3: ["f"] * 6}, TypeError, "metadata_test has the column 3; expected names of columns th"),
        ({"sex": ["f"] * 5}, ValueError, r"metadata_test\['sex'\] has shape \(5,\); expected \(6,"),
        ({"sex": "f"}, TypeError, r"metadata_test\['sex'\] is 'f'; expected one value per clip"),
        ({"sex": ["f", 1] * 3}, TypeError, r"metadata_test\['sex'\] mixes strings with other ty"),
        ({"sex": [b"f"] * 6}, TypeError, r"\['sex'\] contains b'f' \(bytes\); expected strings or"),
        ({"sex": [{}] * 6}, TypeError, r"\['sex'\] contains {} \(dict\); expected strings or num"),
    ],
)
def test_bad_metadata_are_named(metadata, error, message):
    with pytest.raises(error, match=message):
        check_side(PATHS, LABELS, SPEAKERS, "_test", metadata)


class Odd:
    """A kind of clip that this module knows nothing of."""


def test_clips_of_any_kind_are_taken(monkeypatch):
    clips = [Odd() for _ in range(6)]
    monkeypatch.setattr("ser_estimators.evaluation._sides.check_clips", list)
    part = check_side(clips, LABELS, SPEAKERS, "").take(np.array([4, 1]))
    assert part.clips == [clips[4], clips[1]]


def test_a_waveform_with_nan_is_found_before_training(voices):
    X = np.random.default_rng(0).normal(size=(36, 2000)) * 0.1
    X[30, 7] = np.nan
    with pytest.raises(AudioReadError, match="clip 31 of 36: 1 of .* NaN"):
        evaluate(Unfittable(), X, voices.target, voices.speakers, cv=3, check_leaks=False)


def test_nan_in_a_table_is_accepted():
    table = np.full((6, 30), np.nan)
    assert check_side(table, LABELS, SPEAKERS, "").clips is table
