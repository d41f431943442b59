"""Segments of files in evaluations: leaks, names, tables, saved and resumed reports."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.model_selection import GridSearchCV, GroupKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, Segment, predict_clips, predict_table
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.display import WaveformDisplay
from ser_estimators.evaluation import EvaluationReport, StressTest, evaluate, stress_test
from ser_estimators.evaluation._identity import digest
from ser_estimators.evaluation._leaks import Leak, find_leaks, find_same_recordings
from ser_estimators.exceptions import LeakWarning

RATE = 16000


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Make a recording for each of four speakers, and its segments with their emotions."""
    folder = tmp_path_factory.mktemp("calls")
    voices = make_emotional_speech(
        4, 3, emotions=("anger", "sadness"), n_syllables=2, out_dir=folder / "v", random_state=0
    )
    clips, speakers = [], []
    for speaker in np.unique(voices.speakers):
        waveforms = [
            soundfile.read(path)[0]
            for path, who in zip(voices.data, voices.speakers, strict=True)
            if who == speaker
        ]
        path = folder / f"call {speaker}.wav"
        soundfile.write(path, np.concatenate(waveforms), RATE)
        ends = np.cumsum([waveform.size for waveform in waveforms]) / RATE
        clips += map(Segment, [path] * len(ends), [0, *ends[:-1]], ends)
        speakers += [f"speaker {speaker}"] * len(ends)
    return clips, voices.target, np.array(speakers)


@pytest.fixture
def model():
    return make_pipeline(AcousticFeatures(features=("mfcc",)), KNeighborsClassifier(1))


def test_segments_are_split_searched_and_predicted(calls, model):
    X, y, speakers = calls
    X_train, X_test, y_train, y_test, groups, _ = train_test_split(
        X, y, speakers, test_size=6, shuffle=False
    )
    search = GridSearchCV(model, {"kneighborsclassifier__n_neighbors": [1, 2]}, cv=GroupKFold(2))
    search.fit(X_train, y_train, groups=groups)
    assert search.predict(np.array(X_test, dtype=object)).shape == y_test.shape
    found = predict_clips(search, [*X_test, Segment(X[0].path, 999)], on_error="skip")
    assert found.names[0] == str(X_test[0])
    assert found.errors[-1].startswith("the segment starts at 999 s")


def test_predictions_of_a_table_of_segments(calls, model):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    X, y, _ = calls
    table = pandas.DataFrame({"path": X[:3]})
    model.fit(X, y)
    found = predict_table(table, model, resume="parts")
    assert found["label"].tolist() == y[:3].tolist()
    again = predict_table(table, model, resume="parts")
    assert again["label"].tolist() == y[:3].tolist()
    others = pandas.DataFrame({"path": X[3:6]})
    assert predict_table(others, model, resume="parts")["label"].tolist() == y[3:6].tolist()


def test_a_report_on_segments(calls, model):
    X, y, speakers = calls
    report = evaluate(model, X, y, speakers, cv=2)
    assert report.main.leaks == []
    assert report.corpus == Path(X[0].path).parent.name
    saved = report.to_json("report.json")
    again = EvaluationReport.from_json("report.json")
    assert again.main.clips == report.main.clips
    assert again.to_json() == saved
    page = report.to_html("report.html").read_text()
    assert again.to_html("again.html").read_text().count("data:audio") == page.count("data:audio")
    assert page.count("data:audio") == len(report.main.mistakes(8))


def test_tables_of_segments(calls, model):
    pytest.importorskip("pandas")
    X, y, speakers = calls
    table = evaluate(model, X, y, speakers, cv=2).main.clips_frame()
    assert table["path"].tolist() == [clip.path for clip in X]
    assert table["start"].tolist() == [clip.start for clip in X]
    assert table["end"].tolist() == [clip.end for clip in X]
    assert "channel" not in table
    whole = [clip.path for clip in X]
    whole[0] = Segment(X[0].path, channel=0)
    table = evaluate(model, whole, y, speakers, cv=2, check_leaks=False).main.clips_frame()
    assert table["channel"].tolist()[0] == 0
    assert table["channel"].isna().sum() == len(X) - 1
    assert not {"start", "end"} & set(table)


def test_a_stress_test_of_segments(calls, model):
    X, y, speakers = calls
    model.fit(X, y)
    stress = stress_test(model, X, y, speakers, conditions=["gain -10 dB"])
    assert stress.predictions["as recorded"].tolist() == model.predict(X).tolist()
    stress.to_json("stress.json")
    assert StressTest.from_json("stress.json").clips == X
    pytest.importorskip("pandas")
    table = stress.clips_frame()
    assert table["path"].tolist() == [clip.path for clip in X]
    assert table["end"].tolist() == [clip.end for clip in X]


def test_segments_of_one_file_in_training_and_test(calls, model):
    X, y, speakers = calls
    two = np.where(np.arange(len(X)) % 2, speakers, "agent")
    with pytest.warns(LeakWarning, match="same file.*keeps them together as speakers") as caught:
        report = evaluate(model, X, y, two, cv=2)
    (warning,) = [one for one in caught if one.category is LeakWarning]
    assert "3 pairs of clips, such as '" in str(warning.message)
    assert {leak.kind for leak in report.main.leaks} == {"same file"}
    assert not report.main.is_honest
    report.to_json("report.json")
    assert EvaluationReport.from_json("report.json").main.leaks == report.main.leaks


def test_a_file_has_one_leak_whatever_its_segments(calls):
    X = calls[0][:6]
    (path,) = {clip.path for clip in X}
    n = len(X)
    assert find_same_recordings(X) == [set(range(n))]
    assert find_same_recordings([*X[:2], path]) == [{0, 1, 2}]
    split = (np.arange(n // 2), np.arange(n // 2, n))
    assert find_leaks([set(range(n))], X, [split]) == [Leak(0, n // 2, "same file")]
    many = X * 1000  # as many pairs as a loop would need minutes for
    half = np.arange(len(many)) % 2 == 0
    split = (np.flatnonzero(half), np.flatnonzero(~half))
    assert find_leaks([set(range(len(many)))], many, [split]) == [Leak(0, 1, "same file")]


def test_the_same_segment_of_a_copy(calls, tmp_path):
    """A copied file leaks by its sound, and paths to one file are one file."""
    clip = calls[0][0]
    copy = tmp_path / "copy.wav"
    copy.write_bytes(Path(clip.path).read_bytes())
    clips = [clip, Segment(copy, clip.start, clip.end)]
    assert find_same_recordings(clips) == [{0, 1}]
    split = (np.array([0]), np.array([1]))
    assert find_leaks([{0, 1}], clips, [split])[0].kind == "same sound"
    copy.unlink()
    copy.symlink_to(clip.path)
    assert find_leaks([{0, 1}], clips, [split])[0].kind == "same file"


def test_what_identifies_a_segment(calls):
    path = calls[0][0].path
    segments = [path, *(Segment(path, *bounds) for bounds in ((1,), (1, 2), (0, 2), (1, 2, 0)))]
    assert len({digest([clip], "X", has_files=True) for clip in segments}) == len(segments)
    assert digest(Segment(path, 1), "X") == digest(Segment(path, 1.0), "X")
    before = digest(Segment(path, 1), "X", has_files=True)
    assert before != digest(Segment(path, 1), "X")  # the file's size and times count


def test_an_evaluation_of_other_segments_is_not_resumed(calls, model):
    X, y, speakers = calls
    evaluate(model, X, y, speakers, cv=2, resume="folds")
    n_folds = len(list(Path("folds").iterdir()))
    evaluate(model, X, y, speakers, cv=2, resume="folds")
    assert len(list(Path("folds").iterdir())) == n_folds
    shorter = [Segment(clip.path, clip.start, clip.end - 0.01) for clip in X]
    evaluate(model, shorter, y, speakers, cv=2, resume="folds")
    assert len(list(Path("folds").iterdir())) == 2 * n_folds


def test_the_title_of_a_plot(calls):
    pytest.importorskip("matplotlib")
    clip = calls[0][1]
    display = WaveformDisplay.from_clip(clip)
    assert display.name == Path(str(clip)).name
