"""Scores, tables, text and JSON of stress tests."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from ser_estimators.evaluation import StressTest
from ser_estimators.evaluation._metrics import score_clips
from ser_estimators.evaluation._stress_scores import score_condition

NAMES = np.array(["anger", "fear", "joy"])


def draw(seed, n=60, n_speakers=5):
    rng = np.random.default_rng(seed)
    y_true, before, after = (NAMES[rng.integers(3, size=n)] for _ in range(3))
    keep = rng.random(n) < 0.6
    return y_true, np.where(keep, y_true, before), after, rng.integers(n_speakers, size=n)


def make(seed=0, **options):
    y_true, before, after, speakers = draw(seed)
    given = {
        "name": "CNN",
        "predictions": {"as recorded": before, "white noise 20 dB": after, "same": before},
        "y_true": y_true,
        "speakers": speakers,
        "clips": [f"{i}.wav" if i else np.zeros(5) for i in range(len(y_true))],
        "metadata": {
            "sex": np.where(speakers % 2, "female", "male"),
            "seconds": np.arange(60) / 7,
        },
        "description": "Drawn.",
        "corpus": "dice",
        "date": "2026-11-26T12:34:56+00:00",
    }
    return StressTest(**{**given, **options})


@given(seed=st.integers(0, 10_000))
def test_scores_are_those_of_scikit_learn(seed):
    y_true, before, after, speakers = draw(seed)
    score = score_condition(y_true, before, after, speakers, condition="x", confidence=0.9)
    a, b = (balanced_accuracy_score(y_true, y) for y in (before, after))
    assert score.balanced_accuracy[0] == pytest.approx(b)
    assert score.difference[0] == pytest.approx(b - a)
    assert score.accuracy_kept[0] == pytest.approx(b / a)
    assert score.labels_kept[0] == pytest.approx(np.mean(before == after))
    assert score.n_clips == 60
    for value, low, high in score[2:6]:
        assert low <= value <= high


@given(seed=st.integers(0, 10_000))
def test_intervals_of_the_accuracy_are_those_of_evaluate(seed):
    y_true, before, after, speakers = draw(seed)
    score = score_condition(y_true, before, after, speakers, condition="x", confidence=0.95)
    expected = score_clips(NAMES, y_true, after, None, speakers, confidence=0.95)
    for place, scores in enumerate((expected.value, expected.low, expected.high)):
        assert score.balanced_accuracy[place] == pytest.approx(float(scores.balanced_accuracy))


def test_differences_are_paired():
    """If every speaker loses the same, the interval of the loss is narrow, whatever they reach."""
    rng = np.random.default_rng(0)
    y_true = np.tile(["a", "b"], 500)
    speakers = np.repeat(np.arange(10), 100)
    skill = np.linspace(0.3, 0.9, 10)[speakers]
    before = np.where(rng.random(1000) < skill, y_true, "c")
    after = before.copy()
    after[::10] = "c"
    score = score_condition(y_true, before, after, speakers, condition="x", confidence=0.95)
    assert np.ptp(score.difference[1:]) < 0.3 * np.ptp(score.balanced_accuracy[1:])
    same = score_condition(y_true, before, before, speakers, condition="x", confidence=0.95)
    assert same.difference == (0, 0, 0)
    assert same.accuracy_kept == same.labels_kept == (1, 1, 1)


def test_intervals_cover_the_difference():
    """Of 200 drawn corpora, intervals at level 0.9 contain the true loss in about 180."""
    rng = np.random.default_rng(0)
    y_true, speakers = np.tile(["a", "b"], 80), np.repeat(np.arange(8), 20)
    n_covered = 0
    for _ in range(200):
        loss = np.clip(0.2 + 0.1 * rng.standard_normal(8), 0, 1)[speakers]
        after = np.where(rng.random(160) < loss, "c", y_true)
        score = score_condition(y_true, y_true, after, speakers, condition="x", confidence=0.9)
        n_covered += score.difference[1] <= -0.2 <= score.difference[2]
    assert 165 <= n_covered <= 195


def test_one_speaker_and_unknown_speakers_have_no_intervals():
    y_true, before, after, _ = draw(0)
    for speakers in (None, np.zeros(60)):
        score = score_condition(y_true, before, after, speakers, condition="x", confidence=0.95)
        assert not np.isnan([estimate[0] for estimate in score[2:6]]).any()
        assert np.isnan([estimate[1:] for estimate in score[2:6]]).all()


def test_nothing_was_right_as_recorded():
    y_true, _, after, speakers = draw(0)
    wrong = np.array(["z"] * 60)
    score = score_condition(y_true, wrong, after, speakers, condition="x", confidence=0.95)
    assert np.isnan(score.accuracy_kept).all()
    assert score.labels_kept == (0, 0, 0)
    stress = make(predictions={"as recorded": wrong, "noise": after})
    assert " n/a " in str(stress)


def test_groups():
    stress = make()
    assert list(stress.by_class()) == ["anger", "fear", "joy"]
    assert list(stress.by_metadata()) == ["sex"]  # seconds have too many values
    for name, rows in stress.by_class().items():
        part = stress.y_true == name
        recall = np.mean(stress.predictions["white noise 20 dB"][part] == name)
        assert rows[1].balanced_accuracy[0] == pytest.approx(recall)
        assert (rows[1].group, rows[1].condition) == (name, "white noise 20 dB")
        assert rows[1].n_clips == part.sum()
    for name, rows in stress.by_metadata()["sex"].items():
        part = stress.metadata["sex"] == name
        expected = balanced_accuracy_score(stress.y_true[part], stress.predictions["same"][part])
        assert rows[2].balanced_accuracy[0] == pytest.approx(expected)


def test_tables():
    stress = make()
    frame = stress.to_frame()
    assert frame["condition"].tolist() == ["as recorded", "white noise 20 dB", "same"]
    assert list(frame.columns) == [
        "condition",
        *(
            f"{name}{end}"
            for name in ("balanced_accuracy", "difference", "accuracy_kept", "labels_kept")
            for end in ("", "_low", "_high")
        ),
        "n_clips",
    ]
    score = stress.summary()[1]
    assert frame.loc[1, "difference_low"] == score.difference[1]
    by_emotion = stress.to_frame("emotion")
    assert by_emotion["emotion"].tolist() == ["anger", "fear", "joy"] * 3
    assert by_emotion["n_clips"].sum() == 3 * 60
    assert set(stress.to_frame("sex")["sex"]) == {"female", "male"}
    for by in ("seconds", "age", 3):
        with pytest.raises(ValueError, match=r"by == .*, must be one of None, 'emotion', 'sex'"):
            stress.to_frame(by)
    clips = stress.clips_frame()
    assert clips["path"].isna().tolist() == [True] + [False] * 59
    assert (clips["white noise 20 dB"] == stress.predictions["white noise 20 dB"]).all()
    assert make(speakers=None).clips_frame()["speaker"].isna().all()


def test_text():
    stress = make(failures={"MP3 24 kbit/s": "libsndfile 1.0 cannot write MP3; " * 4})
    text = str(stress)
    lines = text.splitlines()
    assert all(len(line) < 80 for line in lines)
    assert lines[:4] == ["CNN", "dice, 60 clips, 5 speakers, 2026-11-26 12:34 UTC", "Drawn.", ""]
    score = stress.summary()[1]
    noise = next(line for line in lines if line.startswith("white noise 20 dB "))
    cells = noise.split()
    assert cells[4] == f"{score.balanced_accuracy[0]:.3f}"
    assert cells[8] == f"{score.difference[0]:+.3f}"
    assert cells[9:11] == [f"{score.accuracy_kept[0]:.2f}", f"{score.labels_kept[0]:.2f}"]
    changes = {name: rows[1].difference[0] for name, rows in stress.by_class().items()}
    worst = min(changes, key=changes.get)
    assert noise.endswith(f"{worst} {changes[worst]:+.2f}")
    same = next(line for line in lines if line.startswith("same "))
    assert same.endswith("+0.000 1.00   1.00")  # no emotion is affected
    assert "! MP3 24 kbit/s could not be tested: libsndfile" in text
    assert "UAR by sex" in text
    assert "UAR by seconds" not in text
    assert "Guessing gives a UAR of 0.333" in " ".join(text.split())
    assert repr(stress) == "StressTest(name='CNN', 2 conditions, 60 clips, 5 speakers)"


def test_text_of_long_names_and_many_groups():
    stress = make()
    long = replace(
        stress,
        name="a" * 200,
        predictions={**stress.predictions, "x" * 80: stress.predictions["same"]},
        metadata={"accent": np.array([f"accent number {i % 7}" for i in range(60)])},
        corpus="c\udcfcrpus",
    )
    lines = str(long).splitlines()
    assert max(map(len, lines)) < 80
    assert sum(line.startswith("UAR by accent") for line in lines) == 3  # seven groups
    assert "c\\xfcrpus" in str(long)
    assert "No intervals: one speaker" in str(replace(stress, speakers=np.zeros(60)))


def test_json_gives_the_same_result(tmp_path):
    stress = make(failures={"MP3": "no"})
    text = stress.to_json(tmp_path / "s.json")
    assert text.isascii()
    assert (tmp_path / "s.json").read_text() == text
    loaded = StressTest.from_json(tmp_path / "s.json")
    assert str(loaded) == str(stress)
    assert loaded.to_json() == text
    assert loaded.clips[0] is None
    assert loaded.clips[1:] == stress.clips[1:]
    pd.testing.assert_frame_equal(loaded.to_frame("emotion"), stress.to_frame("emotion"))
    without = make(speakers=None, metadata={"age": np.array([1.0, np.nan] * 30)})
    without.to_json("w.json")
    assert StressTest.from_json("w.json").speakers is None
    assert str(StressTest.from_json("w.json")) == str(without)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "evaluation report of ser_estimators"}, "it is not a stress test"),
        ({"format": 2}, "it has the format 2, and this version reads format 1"),
        ({"confidence": 1}, "confidence or sr is out of range"),
        ({"sr": 0}, "confidence or sr is out of range"),
        ({"sr": "16000"}, "sr is missing or has the wrong type"),
        ({"classes": []}, "classes is wrong"),
        ({"classes": ["fear", "anger", "joy"]}, "classes is wrong"),
        ({"y_true": []}, "it has no tested clips"),
        ({"y_true": [7] * 60}, "y_true contains something unexpected"),
        ({"predictions": {}}, "predictions is wrong"),
        ({"predictions": {"noise": [0] * 60}}, "predictions is wrong"),
        ({"predictions": {"as recorded": [0] * 59}}, "as recorded has 59 values instead of 60"),
        ({"predictions": []}, "predictions is missing or has the wrong type"),
        ({"failures": {"x": 1}}, "failures is wrong"),
        ({"speakers": ["a"]}, "speakers has 1 values instead of 60"),
        ({"clips": [1] * 60}, "clips contains something unexpected"),
        ({"metadata": {"sex": [[]] * 60}}, "sex contains something unexpected"),
    ],
)
def test_json_that_was_changed(change, message):
    record = json.loads(make().to_json())
    with open("s.json", "w") as file:
        json.dump({**record, **change}, file)
    with pytest.raises(
        ValueError, match=f"Could not load a stress test from 's.json': .*{message}"
    ):
        StressTest.from_json("s.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predictions": {}}, "predictions begins with None; expected 'as recorded'"),
        ({"predictions": {"noise": NAMES}}, "predictions begins with 'noise'; expected"),
        ({"predictions": {"as recorded": NAMES}}, "y_true has 60 labels, and 'as recorded' other"),
        ({"speakers": NAMES}, "and 'speakers' other numbers of values"),
        ({"clips": []}, "and 'clips' other numbers"),
        ({"metadata": {"sex": NAMES}}, "and 'sex' other numbers"),
    ],
)
def test_arrays_that_do_not_belong_together(change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


def test_files_that_are_no_stress_test():
    for content, message in (("", "it is not JSON"), ("[" * 99999, "nested|not JSON")):
        with open("s.json", "w") as file:
            file.write(content)
        with pytest.raises(ValueError, match=message):
            StressTest.from_json("s.json")
    with pytest.raises(FileNotFoundError):
        StressTest.from_json("none.json")
