"""evaluate and compare: splits, leaks, nested search, other corpora, warnings and errors."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
import soundfile
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
)
from sklearn.pipeline import Pipeline

import ser_estimators
from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import compare, evaluate
from ser_estimators.evaluation._leaks import find_same_recordings
from ser_estimators.exceptions import AudioReadError, LeakWarning

SMALL = {"cnn__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 12}


class Prosody(ClassifierMixin, BaseEstimator):
    """Tells emotions by their loudness: as fast as a dummy, and better."""

    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        levels = self._levels(X)
        self.means_ = np.array([levels[np.asarray(y) == name].mean() for name in self.classes_])
        return self

    def predict_proba(self, X):
        distance = -np.abs(self._levels(X)[:, None] - self.means_)
        shares = np.exp(self.power * distance)
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _levels(self, X):
        return np.array([np.log10(soundfile.read(path)[0].std()) * 10 for path in X])


@pytest.fixture(scope="module")
def report(voices):
    return evaluate(
        Prosody(),
        voices.data,
        voices.target,
        voices.speakers,
        cv=3,
        random_split=True,
        name="level",
    )


def test_folds_keep_speakers_apart_and_test_each_clip_once(report, voices):
    protocol = report.main
    assert protocol.name == "speaker-independent"
    assert protocol.is_honest
    assert len(protocol.folds) == 3
    for fold in protocol.folds:
        assert not set(voices.speakers[fold.train]) & set(voices.speakers[fold.test])
    tested = np.concatenate([fold.test for fold in protocol.folds])
    assert sorted(tested) == list(range(36))
    np.testing.assert_array_equal(protocol.y_true, voices.target[tested])
    assert protocol.clips == [voices.data[i] for i in tested]


def test_scores_are_sklearns(report):
    for protocol in report.protocols.values():
        scores = {title: value for title, value, _, _ in protocol.summary()}
        truth, predicted = protocol.y_true, protocol.y_pred
        assert scores["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
        assert scores["balanced accuracy (UAR)"] == pytest.approx(
            balanced_accuracy_score(truth, predicted)
        )
        assert scores["macro F1"] == pytest.approx(f1_score(truth, predicted, average="macro"))
        assert scores["log loss"] == pytest.approx(log_loss(truth, protocol.probabilities))
        for title, value, low, high in protocol.summary():
            assert low <= value <= high, title


def test_an_even_number_of_folds_does_not_part_men_from_women():
    # Speakers take turns, as in RAVDESS: odd numbers are men, even ones women.
    speakers = np.repeat(np.arange(1, 25), 4)
    clips = [np.full(800, speaker / 100) for speaker in speakers]
    labels = np.tile(["anger", "fear"], 48)
    reports = [
        evaluate(
            DummyClassifier(), clips, labels, speakers, cv=6, check_leaks=False, random_state=seed
        )
        for seed in (0, 0, 1)
    ]
    sexes = [set(speakers[fold.test] % 2) for fold in reports[0].main.folds]
    assert sum(len(sex) == 2 for sex in sexes) >= 4
    first, again, other = ([set(f.test) for f in report.main.folds] for report in reports)
    assert first == again
    assert first != other


def test_random_split_stands_beside_and_is_labelled(report, voices):
    protocol = report.protocols["random split"]
    assert len(protocol.folds) == 3
    assert not protocol.is_honest
    assert protocol.shared_speakers == sorted(set(voices.speakers))
    assert "Not what a new speaker will see" in protocol.description
    text = str(report)
    assert "say nothing of speakers" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 79


def test_random_split_alone_warns_of_nothing(voices):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(Prosody(), voices.data, voices.target, voices.speakers, random_split=True)


@pytest.mark.parametrize(
    ("cv", "n_folds"), [(GroupKFold(3), 3), (LeaveOneGroupOut(), 6), (2, 2), (99, 6), (None, 5)]
)
def test_any_splitter_by_group(voices, cv, n_folds):
    report = evaluate(Prosody(), voices.data, voices.target, voices.speakers, cv=cv)
    assert report.main.is_honest
    assert len(report.main.folds) == n_folds
    assert f"{n_folds} folds of 36 clips and 6 speakers. No speaker is" in report.main.description


def test_clips_tested_several_times_are_said(voices):
    cv = GroupShuffleSplit(3, test_size=0.5, random_state=0)
    report = evaluate(Prosody(), voices.data, voices.target, voices.speakers, cv=cv)
    n_tested = len(set(report.main.tested.tolist()))
    assert len(report.main.tested) == 54 > n_tested
    assert "Some are tested in several folds, 54 times in all." in report.main.description


def test_masks_and_lists_are_splits_too(voices):
    is_test = voices.speakers == "03"
    by_mask = evaluate(
        Prosody(), voices.data, voices.target, voices.speakers, cv=[(~is_test, is_test)],
        random_split=True,
    )  # fmt: skip
    by_list = evaluate(
        Prosody(), voices.data, voices.target, voices.speakers,
        cv=[(np.flatnonzero(~is_test).tolist(), np.flatnonzero(is_test).tolist())],
    )  # fmt: skip
    np.testing.assert_array_equal(by_mask.main.y_pred, by_list.main.y_pred)
    assert by_mask.main.description.startswith("1 fold of 36 clips and 6 speakers. No")
    assert by_mask.main.description.endswith("6 clips are tested.")
    assert len(by_mask.protocols["random split"].folds) == 2
    assert "No intervals: one speaker" in str(by_mask)
    assert "n/a" in str(by_mask)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([], "cv holds no split"),
        ([(range(30), [])], "the test side of split 1 of cv is empty"),
        (
            [(range(30), [36])],
            "the test side of split 1 of cv goes from 36 to 36; expected.*0 to 35",
        ),
        ([(range(30), [-1])], "goes from -1 to -1"),
        ([(range(30), [0.5])], "has the shape .1,. and the type float64; expected positions"),
        ([range(30)], "split 1 of cv is range.0, 30.; expected a pair"),
    ],
)
def test_broken_splits_are_refused_before_training(voices, cv, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Unfittable(), voices.data, voices.target, voices.speakers, cv=cv)


class Unfittable(ClassifierMixin, BaseEstimator):
    """Shows that nothing was trained."""

    def fit(self, X, y):
        raise AssertionError("fit was called")


def test_leaks_are_found_before_training(voices):
    X, y, speakers = planted(voices, ".wav", shutil.copyfile)
    with (
        pytest.warns(LeakWarning, match="1 pair of clips is one recording"),
        pytest.raises(AssertionError, match="fit was called"),
    ):
        evaluate(Unfittable(), X, y, speakers, cv=LeaveOneGroupOut())


def test_nobody_looked_is_said_and_is_not_honest(voices):
    report = evaluate(Prosody(), voices.data, voices.target, voices.speakers, check_leaks=False)
    assert report.main.leaks is None
    assert not report.main.is_honest
    assert "Nobody looked for recordings" in str(report)


def test_random_split_of_people_who_speak_once(voices):
    report = evaluate(Prosody(), voices.data, voices.target, range(36), cv=3, random_split=True)
    random = report.protocols["random split"]
    assert random.shared_speakers == []
    assert random.description == (
        "3 random folds. No speaker is trained on and tested in one fold here either."
    )


def test_splitter_that_mixes_speakers_is_a_warning_and_no_honest_protocol(voices):
    with pytest.warns(
        LeakWarning, match="6 speakers of 6 stand on both sides of a split of cv, such"
    ):
        report = evaluate(
            Prosody(),
            voices.data,
            voices.target,
            voices.speakers,
            cv=KFold(3, shuffle=True, random_state=0),
        )
    assert report.main.name == "custom splits"
    assert not report.main.is_honest


def planted(voices, suffix, write):
    """Copy a clip of speaker 01 under another name, and say that speaker 02 spoke it."""
    copy = Path(f"innocent{suffix}")
    write(voices.data[0], copy)
    return (
        [*voices.data, str(copy)],
        [*voices.target, voices.target[0]],
        [*voices.speakers, "02"],
    )


def as_flac(source, copy):
    soundfile.write(copy, *soundfile.read(source))


def as_padded_flac(source, copy):
    samples, rate = soundfile.read(source)
    silence = np.zeros(rate // 3)
    soundfile.write(copy, np.concatenate([silence, samples, silence, silence]), rate)


def as_quiet_mp3(source, copy):
    samples, rate = soundfile.read(source)
    soundfile.write(copy, samples / 2, rate)


@pytest.mark.parametrize(
    ("suffix", "write", "kind"),
    [
        (".wav", shutil.copyfile, "same bytes"),
        (".flac", as_flac, "same sound"),
        (".flac", as_padded_flac, "same sound"),
        (".mp3", as_quiet_mp3, "same sound"),
    ],
)
def test_planted_recording_is_found(voices, suffix, write, kind):
    X, y, speakers = planted(voices, suffix, write)
    with pytest.warns(LeakWarning, match=rf"1 pair of clips.*innocent{suffix}.*\({kind}\)"):
        report = evaluate(Prosody(), X, y, speakers, cv=LeaveOneGroupOut())
    (leak,) = report.main.leaks
    assert {leak.train, leak.test} == {0, 36}
    assert leak.kind == kind
    assert not report.main.is_honest
    assert "1 pair of clips is one recording on both sides" in " ".join(str(report).split())


def noise(rng, n):
    return rng.normal(size=n) * 0.1


SOUNDS = {
    "hiss": lambda rng: noise(rng, 16000),
    "tone": lambda rng: np.sin(2 * np.pi * 440 * np.arange(16000) / 16000 + rng.uniform(0, 6)),
    "click": lambda rng: np.eye(1, 16000, 8000)[0] * rng.uniform(0.1, 0.9),
    "dc": lambda rng: np.full(16000, rng.uniform(0.1, 0.9)),
    "one sample": lambda rng: noise(rng, 1),
    "row of a table": lambda rng: noise(rng, 40),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_sounds_without_shape_are_one_recording_only_if_their_bytes_are(kind):
    rng = np.random.default_rng(0)
    waveforms = [SOUNDS[kind](rng) for _ in range(12)]
    assert find_same_recordings(waveforms) == []
    assert find_same_recordings([*waveforms, waveforms[3].copy()]) == [{3, 12}]


def test_waveforms_of_one_recording_are_found_whatever_stands_between(voices):
    samples = [soundfile.read(path)[0] for path in voices.data]
    loud = [*samples, samples[5] * 3, samples[7][200:]]
    assert sorted(map(sorted, find_same_recordings(loud))) == [[5, 36], [7, 37]]


def test_copy_on_one_side_only_is_no_leak(voices):
    X, y, speakers = planted(voices, ".wav", shutil.copyfile)
    speakers[-1] = "01"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate(Prosody(), X, y, speakers, cv=LeaveOneGroupOut())
    assert report.main.leaks == []


def test_recording_shared_with_the_other_corpus_is_found(voices):
    half = len(voices.data) // 2
    X, y, speakers = voices.data[:half], voices.target[:half], voices.speakers[:half]
    other = [*voices.data[half:], voices.data[3]]
    with pytest.warns(LeakWarning, match="1 pair of clips is one recording on both sides of the"):
        report = evaluate(
            Prosody(),
            X,
            y,
            speakers,
            X_test=other,
            y_test=[*voices.target[half:], voices.target[3]],
            speakers_test=[*voices.speakers[half:], "x"],
        )
    (leak,) = report.main.leaks
    assert (leak.train, leak.test) == (3, half + len(other) - 1)


def test_other_corpus(voices):
    half = len(voices.data) // 2
    report = evaluate(
        Prosody(),
        voices.data[:half],
        voices.target[:half],
        voices.speakers[:half],
        X_test=voices.data[half:],
        y_test=voices.target[half:],
        # The same names in another corpus are other people.
        speakers_test=voices.speakers[:half],
    )
    assert list(report.protocols) == ["other corpus"]
    assert "3 names of speakers, such as '01', stand in both corpora and are taken for" in (
        report.main.description
    )
    assert report.main.is_honest
    expected = Prosody().fit(voices.data[:half], voices.target[:half]).predict(voices.data[half:])
    np.testing.assert_array_equal(report.main.y_pred, expected)


def test_other_corpus_needs_a_class_in_common(voices):
    arguments = (Prosody(), voices.data, voices.target, voices.speakers)
    with pytest.raises(ValueError, match="y and y_test have no class in common: anger, .* and joy"):
        evaluate(*arguments, X_test=["a.wav"], y_test=["joy"], speakers_test=["x"])
    with pytest.raises(TypeError, match="y holds labels such as '.*', y_test such as 3; expected"):
        evaluate(*arguments, X_test=["a.wav"], y_test=[3], speakers_test=["x"])


class Spy(DummyClassifier):
    """Remembers the clips that every fit saw."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        Spy.seen.append(list(X))
        return super().fit(X, y)


def test_nested_search_keeps_speakers_apart_on_both_levels(voices):
    Spy.seen = []
    who = dict(zip(voices.data, voices.speakers, strict=True))
    report = evaluate(
        Spy(), voices.data, voices.target, voices.speakers, cv=3,
        param_grid={"strategy": ["prior", "stratified"]}, check_leaks=False,
    )  # fmt: skip
    assert len(Spy.seen) == 3 * (2 * 3 + 1)  # folds x (candidates x inner folds + the refit)
    for number, fold in enumerate(report.main.folds):
        fits = Spy.seen[number * 7 : number * 7 + 7]
        outer_test = {voices.speakers[i] for i in fold.test}
        refit = {who[clip] for clip in fits[-1]}
        assert not refit & outer_test
        for inner in fits[:-1]:
            trained = {who[clip] for clip in inner}
            left_out = refit - trained
            assert not trained & outer_test
            assert left_out
            # All clips of a speaker are in, or none.
            assert sum(who[clip] in trained for clip in fits[-1]) == len(inner)
        assert fold.best_params["strategy"] in ("prior", "stratified")


class GroupSpy(Prosody):
    """Notes which speakers it was fitted on."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, groups=None):
        GroupSpy.seen.append(None if groups is None else list(groups))
        return super().fit(X, y)


def in_pipeline(estimator):
    return Pipeline([("as they are", "passthrough"), ("level", estimator)])


@pytest.mark.parametrize(
    ("estimator", "param_grid"),
    [
        (GroupSpy(), None),
        (in_pipeline(GroupSpy()), None),
        (in_pipeline(in_pipeline(GroupSpy())), None),
        (GroupSpy(), {"power": [1.0, 2.0]}),
        (GroupSpy(), [{"power": [1.0]}, {"power": [2.0]}]),
        (in_pipeline(GroupSpy()), {"level__power": [1.0, 2.0]}),
        (GridSearchCV(in_pipeline(GroupSpy()), {"level__power": [1, 2]}, cv=GroupKFold(3)), None),
    ],
    ids=["bare", "pipeline", "nested", "searched", "list", "pipeline searched", "search"],
)
def test_a_step_that_takes_groups_gets_the_speakers(voices, estimator, param_grid):
    GroupSpy.seen = []
    report = evaluate(
        estimator, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False,
        param_grid=param_grid,
    )  # fmt: skip
    is_searched = param_grid is not None or isinstance(estimator, GridSearchCV)
    fits_per_fold = 7 if is_searched else 1
    assert len(GroupSpy.seen) == 3 * fits_per_fold
    if is_searched:
        name = "power" if isinstance(estimator, GroupSpy) else "level__power"
        assert [list(fold.best_params) for fold in report.main.folds] == [[name]] * 3
    for number, fold in enumerate(report.main.folds):
        last = GroupSpy.seen[(number + 1) * fits_per_fold - 1]
        assert last == [voices.speakers[i] for i in fold.train]
    with sklearn.config_context(enable_metadata_routing=True):
        evaluate(GroupSpy(), voices.data, voices.target, voices.speakers, cv=3)
    assert GroupSpy.seen[-3:] == [None] * 3


@pytest.mark.parametrize("cv", [None, 3, KFold(3, shuffle=True, random_state=0)])
def test_a_search_that_mixes_speakers_by_itself_is_told(voices, cv):
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "most_frequent"]}, cv=cv)
    with pytest.warns(LeakWarning, match="GridSearchCV puts speakers on both sides of its splits"):
        evaluate(search, voices.data, voices.target, voices.speakers, cv=3, check_leaks=False)


class Rated(DummyClassifier):
    """Has a parameter for the sampling rate, as pipelines over sound do."""

    def __init__(self, sr=None):
        super().__init__()
        self.sr = sr


@pytest.mark.parametrize(("sr", "expected"), [(None, 16000), (8000, 8000), ("native", 16000)])
def test_the_sampling_rate_is_that_of_the_estimator_where_it_says_one(voices, sr, expected):
    report = evaluate(Rated(sr), voices.data, voices.target, voices.speakers, check_leaks=False)
    assert report.sr == expected
    assert report.versions["ser_estimators"] == ser_estimators.__version__
    assert set(report.versions) >= {"scikit-learn", "numpy", "torch"}


def test_a_waveform_of_nan_is_found_before_training(voices):
    X = np.random.default_rng(0).normal(size=(36, 2000)) * 0.1
    X[30, 7] = np.nan
    with pytest.raises(AudioReadError, match="clip 31 of 36: 1 of its 2000 samples are NaN"):
        evaluate(
            Unfittable(), X, voices.target, voices.speakers, cv=3, check_leaks=False
        )  # fmt: skip


def test_a_wide_table_is_searched_for_leaks_without_a_word(voices):
    table = np.random.default_rng(0).normal(size=(36, 1700)) * 1000
    evaluate(DummyClassifier(), table, voices.target, voices.speakers, cv=3)


@pytest.mark.parametrize("grid", ["strategy", 3, [{"strategy": "prior"}], {"strategy": 3}])
def test_what_is_no_grid_is_refused(voices, grid):
    with pytest.raises((TypeError, ValueError), match=r"[Pp]arameter (grid|value)|param_grid"):
        evaluate(
            DummyClassifier(), voices.data, voices.target, voices.speakers, cv=2,
            param_grid=grid, check_leaks=False,
        )  # fmt: skip


def test_search_with_a_single_training_speaker_is_refused(voices):
    two = np.isin(voices.speakers, ["01", "02"])
    with pytest.raises(ValueError, match="trains on one speaker, '0[12]'; expected at least two"):
        evaluate(
            Prosody(),
            [voices.data[i] for i in np.flatnonzero(two)],
            voices.target[two],
            voices.speakers[two],
            param_grid={"power": [1, 2]},
        )


def test_missing_class_is_a_warning_that_names_it(voices):
    y = voices.target.astype(object)
    y[voices.speakers == "03"] = "boredom"
    with pytest.warns(UserWarning, match=r"fold \d: no clip of 'boredom' to train on"):
        report = evaluate(
            Prosody(), voices.data, y, voices.speakers, cv=LeaveOneGroupOut(), check_leaks=False
        )
    recall = {name: cells["recall"][0] for name, cells, _ in report.main.by_class()}
    assert recall["boredom"] == 0
    np.testing.assert_allclose(report.main.probabilities.sum(axis=1), 1)


def test_rare_class_is_no_word_of_sklearns(voices):
    y = voices.target.astype(object)
    y[0] = "boredom"
    with pytest.warns(UserWarning, match="no clip of 'boredom' to train on") as caught:
        evaluate(
            DummyClassifier(), voices.data, y, voices.speakers, cv=3, random_split=True,
            param_grid={"strategy": ["prior"]},
        )  # fmt: skip
    assert all("no clip of 'boredom' to train on" in str(one.message) for one in caught)


def test_more_folds_than_clips_of_any_class(voices):
    with pytest.raises(ValueError, match="no class has as many clips as the 6 folds: '.*' has the"):
        evaluate(
            Prosody(), voices.data, [str(i // 2) for i in range(36)], voices.speakers, cv=6,
        )  # fmt: skip


class Broken(DummyClassifier):
    """Predicts NaN, or what is no label."""

    def __init__(self, how="nan"):
        super().__init__()
        self.how = how

    def predict(self, X):
        return np.full(len(X), "joy") if self.how == "stranger" else super().predict(X)

    def predict_proba(self, X):
        return super().predict_proba(X) * (np.nan if self.how == "nan" else 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", "fold 1: predict_proba gives NaN or infinity for 12 of 12 clips"),
        ("stranger", "fold 1: the estimator predicts 'joy', which is no label of y"),
    ],
)
def test_predictions_that_are_none_are_refused(voices, how, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Broken(how), voices.data, voices.target, voices.speakers, cv=3)


def test_without_probabilities(voices):
    from ser_estimators import MFCCTransformer

    frames = MFCCTransformer().transform(voices.data).mean(axis=2)
    report = evaluate(
        RidgeClassifier(), frames, voices.target, voices.speakers, cv=2, check_leaks=False
    )
    assert report.main.probabilities is None
    assert [row[0] for row in report.main.summary()][-1] == "macro F1"
    assert report.main.mistakes(3) == []


def test_workers_give_the_same_and_progress_is_printed(voices, capsys):
    arguments = {"cv": 2, "check_leaks": False, "verbose": 1}
    pipe = make_ser_pipeline(random_state=0).set_params(**SMALL)
    one, two = (
        evaluate(pipe, voices.data, voices.target, voices.speakers, n_jobs=n, **arguments)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.main.probabilities, two.main.probabilities)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("[evaluate] speaker-independent, fold 2/2: 18 clips trained in")
    assert one.main.folds[0].history[0]["epoch"] == 1
    assert not hasattr(pipe["cnn"], "net_")  # the estimator itself is left as it was


@pytest.mark.parametrize("kind", [np.asarray, list])
def test_waveforms_and_arrays(kind):
    X = kind(np.random.default_rng(0).normal(size=(12, 3000)))
    report = evaluate(DummyClassifier(), X, ["a", "b"] * 6, np.repeat([1, 2, 3], 4), cv=3)
    assert len(report.main.y_true) == 12
    assert report.main.leaks == []
    np.testing.assert_array_equal(report.main.clips[0], X[report.main.tested[0]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"speakers": None}, ValueError, "speakers is missing: without it.*speakers=corpus.spea"),
        ({"speakers": ["a"] * 36}, ValueError, "speakers names 1 speaker; expected at least two"),
        ({"speakers": ["a"] * 35}, ValueError, r"speakers has the shape \(35,\); expected \(36,\)"),
        ({"y": ["x"] * 3}, ValueError, r"y has the shape \(3,\); expected \(36,\)"),
        ({"speakers": [None, *"ab" * 17, "a"]}, ValueError, "speakers has no value for 1 clip, su"),
        ({"cv": "five"}, TypeError, "cv is 'five'; expected a number of folds, a splitter"),
        ({"cv": 1}, ValueError, "cv == 1, must be >= 2"),
        ({"confidence": 1.0}, ValueError, "confidence == 1.0, must be < 1"),
        ({"speakers": [float("nan"), *"ab" * 17, "a"]}, ValueError, "speakers has no value for 1"),
        (
            {"speakers": [3, *"ab" * 17, "a"]},
            TypeError,
            "speakers mixes strings with others.*and 3",
        ),
        ({"y": [None] * 36}, ValueError, "y has no value for 36 clips, such as clip 1"),
        ({"y": "anger"}, TypeError, "y is 'anger'; expected one value a clip"),
        ({"y": None}, TypeError, "y is None; expected one value a clip"),
        ({"y_test": ["anger"]}, ValueError, "y_test is given without X_test"),
        ({"X_test": ["a.wav"], "cv": 3}, ValueError, "cv=3 splits X, but with X_test all of X is"),
        ({"X_test": ["a.wav"], "random_split": True}, ValueError, "random_split=True splits X"),
        ({"X": [np.zeros(9)] * 35 + [np.array([])]}, AudioReadError, "it holds no samples"),
        ({"X": "a.wav"}, TypeError, "single path"),
        ({"estimator": 3}, TypeError, "estimator is 3; expected a classifier"),
        (
            {"X_test": ["a.wav"], "y_test": ["anger"]},
            ValueError,
            "speakers_test is missing.*speakers_test=corpus.speakers",
        ),
    ],
)
def test_bad_arguments_are_named(voices, changes, error, message):
    arguments = {
        "estimator": Prosody(),
        "X": voices.data,
        "y": voices.target,
        "speakers": voices.speakers,
    }
    with pytest.raises(error, match=message):
        evaluate(**arguments | changes)


def test_compare(voices, report):
    worse = evaluate(DummyClassifier(), voices.data, voices.target, voices.speakers, cv=3)
    result = compare({"level": report, "prior": worse})
    assert result.n_speakers == 6
    assert result.scores["prior"] == pytest.approx(1 / 3)
    ((first, second, difference, p),) = result.differences
    assert (first, second) == ("level", "prior")
    assert difference == pytest.approx(result.scores["level"] - result.scores["prior"])
    assert p == pytest.approx(2 / 2**6)  # better for each of the six
    assert "level - prior" in str(result)
    assert "6 speakers" in str(result)
    same = compare({"a": report, "b": report}).differences[0]
    assert same[2:] == (0.0, 1.0)


def test_compare_says_what_its_p_values_cannot_say(voices, report):
    pairs = compare({"a": report, "b": report, "c": report})
    assert "each of the 3 pairs by itself" in str(pairs)
    assert "cannot be under" not in str(pairs)
    four = np.isin(voices.speakers, ["01", "02", "03", "04"])
    arguments = [np.array(voices.data)[four], voices.target[four], voices.speakers[four]]
    few = evaluate(Prosody(), *arguments, cv=2)
    assert "with 4 speakers it cannot be under 0.125" in str(compare({"a": few, "b": few}))


def test_compare_takes_a_dict_of_reports(report):
    for wrong in ([report, report], {"a": report, "b": 0.7}):
        with pytest.raises(TypeError, match="expected a dict of names to what evaluate returned"):
            compare(wrong)


def test_compare_refuses_other_folds(voices, report):
    other = evaluate(Prosody(), voices.data, voices.target, voices.speakers, cv=2)
    with pytest.raises(ValueError, match="'a' and 'b' are of different folds or clips; evaluate"):
        compare({"a": report, "b": other})
    with pytest.raises(ValueError, match="reports holds 1; expected at least two"):
        compare({"a": report})
    with pytest.raises(ValueError, match="report 'b' has no protocol 'random split'; it has spea"):
        compare({"a": report, "b": other}, protocol="random split")


@pytest.mark.real_data
def test_real_corpus_split_by_speaker_raises_no_alarm(ravdess_folder):
    from ser_estimators.datasets import load_ravdess

    corpus = load_ravdess(ravdess_folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate(DummyClassifier(), corpus.data, corpus.target, corpus.speakers, n_jobs=2)
    assert report.main.leaks == []
