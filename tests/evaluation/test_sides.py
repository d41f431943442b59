"""Clips, labels and speakers are checked before anything else."""

import numpy as np
import pytest

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
    ],
)
def test_bad_columns_are_named(changes, error, message):
    arguments = {"X": PATHS, "y": LABELS, "speakers": SPEAKERS, "suffix": ""}
    with pytest.raises(error, match=message):
        check_side(**arguments | changes)


def test_a_waveform_with_nan_is_found_before_training(voices):
    X = np.random.default_rng(0).normal(size=(36, 2000)) * 0.1
    X[30, 7] = np.nan
    with pytest.raises(AudioReadError, match="clip 31 of 36: 1 of .* NaN"):
        evaluate(Unfittable(), X, voices.target, voices.speakers, cv=3, check_leaks=False)


def test_nan_in_a_table_is_accepted():
    table = np.full((6, 30), np.nan)
    assert check_side(table, LABELS, SPEAKERS, "").clips is table
