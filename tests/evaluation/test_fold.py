"""A fold: nested search, predictions that are refused, interrupts, labels of progress."""

import signal
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from skorch.callbacks import Callback

from ser_estimators import CNNEmbedder
from ser_estimators._utils.progress import current_progress
from ser_estimators.evaluation import evaluate
from ser_estimators.evaluation._fold import _history_of
from ser_estimators.exceptions import TrainingInterruptedWarning

from .helpers import Loudness, in_pipeline


class Spy(DummyClassifier):
    """Records the clips of every fit."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        Spy.seen.append(list(X))
        return super().fit(X, y)


def test_a_nested_search_keeps_speakers_apart_on_both_levels(voices):
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
            # Either all clips of a speaker are used, or none.
            assert sum(who[clip] in trained for clip in fits[-1]) == len(inner)
        assert fold.best_params["strategy"] in ("prior", "stratified")


@pytest.mark.parametrize("grid", ["strategy", 3, [{"strategy": "prior"}], {"strategy": 3}])
def test_what_is_not_a_grid_is_refused(voices, grid):
    with pytest.raises((TypeError, ValueError), match=r"[Pp]arameter (grid|value)|param_grid"):
        evaluate(
            DummyClassifier(), voices.data, voices.target, voices.speakers, cv=2,
            param_grid=grid, check_leaks=False,
        )  # fmt: skip


def test_a_search_with_a_single_training_speaker_is_refused(voices):
    two = np.isin(voices.speakers, ["01", "02"])
    with pytest.raises(ValueError, match="fold 1 has a single training speaker, '0[12]'; the inn"):
        evaluate(
            Loudness(),
            [voices.data[i] for i in np.flatnonzero(two)],
            voices.target[two],
            voices.speakers[two],
            param_grid={"power": [1, 2]},
        )


class Broken(DummyClassifier):
    """Predicts NaN, or a label that is not in y."""

    def __init__(self, how="nan"):
        super().__init__()
        self.how = how

    def predict(self, X):
        return np.full(len(X), "joy") if self.how == "unknown" else super().predict(X)

    def predict_proba(self, X):
        return super().predict_proba(X) * (np.nan if self.how == "nan" else 1)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", "fold 1: predict_proba returned NaN or infinity for 12 of 12 clips"),
        ("unknown", "fold 1: the estimator predicted 'joy', which is not a label in y"),
    ],
)
def test_useless_predictions_are_refused(voices, how, message):
    with pytest.raises(ValueError, match=message):
        evaluate(Broken(how), voices.data, voices.target, voices.speakers, cv=3)


class Curved(DummyClassifier):
    """Has an attribute that may be a learning curve."""

    def __init__(self, curve=None):
        super().__init__()
        self.curve = curve

    def fit(self, X, y):
        self.history_ = self.curve
        return super().fit(X, y)


CURVE = [{"train_loss": 1.0}, {"train_loss": 0.5}]


@pytest.mark.parametrize(
    ("curve", "is_kept"),
    [
        (CURVE, True),
        ([{"train_loss": 1.0}, {"valid_loss": 0.5}], True),
        ({"loss": [1.0, 0.5]}, False),
        ([1.0, 0.5], False),
        (None, False),
    ],
)
def test_only_a_list_of_dicts_is_a_learning_curve(curve, is_kept):
    clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    report = evaluate(Curved(curve), clips, ["anger", "fear"] * 6, np.repeat([1, 2, 3], 4))
    expected = curve if is_kept else None
    assert [fold.history for fold in report.main.folds] == [expected] * 3


def test_the_learning_curve_is_that_of_the_best_estimator():
    X, y = np.zeros((6, 2)), [0, 1] * 3
    search = GridSearchCV(in_pipeline(Curved()), {"level__curve": [CURVE]}, cv=2).fit(X, y)
    assert _history_of(search) == CURVE
    assert _history_of(DummyClassifier()) is None


class Interrupted(Curved):
    """Behaves like a network whose training was interrupted: it warns, and returns."""

    n_fits = 0

    def fit(self, X, y):
        Interrupted.n_fits += 1
        warnings.warn("Training was interrupted", TrainingInterruptedWarning, stacklevel=2)
        return super().fit(X, y)


TABLE = np.random.default_rng(0).normal(size=(12, 3))
LABELS, SPEAKERS = ["anger", "fear"] * 6, np.repeat(list("abc"), 4)


@pytest.mark.parametrize(
    "estimator",
    [
        Interrupted(),
        in_pipeline(Interrupted()),
        # Candidates that fail count as bad ones.
        GridSearchCV(Interrupted(), {"curve": [None, CURVE]}, cv=GroupKFold(2), error_score=-1),
    ],
)
@pytest.mark.parametrize("action", ["error", "ignore", "always"])
def test_an_interrupted_training_ends_the_evaluation(estimator, action):
    Interrupted.n_fits = 0
    with warnings.catch_warnings():
        warnings.simplefilter(action, TrainingInterruptedWarning)
        with pytest.raises(
            KeyboardInterrupt,
            match="^training was interrupted, so the evaluation",
        ):
            evaluate(estimator, TABLE, LABELS, SPEAKERS, cv=3, resume="finished")
    assert Interrupted.n_fits == 1
    assert not list(Path("finished").glob("*/*.npz"))


def test_an_interrupted_training_in_a_worker_ends_the_evaluation():
    with pytest.raises(
        KeyboardInterrupt,
        match="^training was interrupted, so the evaluation",
    ):
        evaluate(Interrupted(), TABLE, LABELS, SPEAKERS, cv=3, n_jobs=2)


class Press(Callback):
    """Interrupts the process after the first epoch, like a key that is pressed."""

    def on_epoch_end(self, net, **others):
        signal.raise_signal(signal.SIGINT)


def test_a_network_that_is_interrupted_is_no_result():
    cnn = CNNEmbedder(network="mlp", n_networks=1, max_epochs=2, callbacks=[Press()])
    # Processes that a shell starts in the background ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            evaluate(cnn, TABLE, LABELS, SPEAKERS, cv=3, check_leaks=False)
    finally:
        signal.signal(signal.SIGINT, before)


class Chatty(Curved):
    """Raises a warning of its own."""

    def fit(self, X, y):
        warnings.warn("something else", RuntimeWarning, stacklevel=2)
        return super().fit(X, y)


def test_other_warnings_of_training_are_shown():
    with pytest.warns(RuntimeWarning, match="something else") as caught:
        evaluate(Chatty(), TABLE, LABELS, SPEAKERS, cv=[(range(8), range(8, 12))])
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="something else"):
            evaluate(Chatty(), TABLE, LABELS, SPEAKERS, cv=3)


def test_interrupts_outside_an_evaluation_are_warnings_as_before():
    show = warnings.showwarning
    with joblib.parallel_config("threading", n_jobs=2):
        evaluate(Labeled(), TABLE, LABELS, SPEAKERS, cv=3)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Interrupted(), TABLE, LABELS, SPEAKERS, cv=3)
    with pytest.warns(TrainingInterruptedWarning):
        Interrupted().fit(TABLE, LABELS)
    warnings.showwarning = show


class Labeled(Curved):
    """Keeps the label of its progress in its learning curve."""

    def fit(self, X, y):
        super().fit(X, y)
        self.history_ = [current_progress()._asdict()]
        return self


@pytest.mark.parametrize(("n_jobs", "verbose"), [(1, 0), (1, 1), (2, 1)])
def test_the_progress_of_networks_is_labeled(n_jobs, verbose):
    report = evaluate(
        Labeled(), TABLE, LABELS, SPEAKERS, cv=3, n_jobs=n_jobs, verbose=verbose, check_leaks=False
    )
    assert [fold.history for fold in report.main.folds] == [
        [{"label": f"fold {number}/3", "verbose": verbose}] for number in (1, 2, 3)
    ]
    assert current_progress().label == ""
