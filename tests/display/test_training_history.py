"""TrainingHistoryDisplay: curves, panels and histories that cannot be drawn."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ser_estimators import CNNEmbedder, MFCCTransformer
from ser_estimators.display import TrainingHistoryDisplay

from .helpers import HISTORY


def test_history_of_a_fitted_network(pipe):
    search = GridSearchCV(pipe, {})
    search.best_estimator_ = pipe
    for estimator in (pipe, pipe[1], search):
        display = TrainingHistoryDisplay.from_estimator(estimator)
        assert list(display.lines_) == [("loss", "training")]
        epochs, losses = display.lines_["loss", "training"].get_data()
        assert list(epochs) == [1, 2]
        assert list(losses) == [row["train_loss"] for row in pipe[1].history_]
        assert len(display.axes_) == 1
        assert display.ax_.get_ylabel() == "Loss"
        assert display.ax_.get_xlabel() == "Epoch"


def test_only_available_values_are_drawn():
    display = TrainingHistoryDisplay.from_history(HISTORY, name="a run")
    assert list(display.lines_) == [
        ("loss", "training"),
        ("loss", "validation"),
        ("accuracy", "training"),
        ("accuracy", "validation"),
    ]
    assert [ax.get_ylabel() for ax in display.axes_] == ["Loss", "Accuracy"]
    assert [ax.get_title() for ax in display.axes_] == ["a run", "a run"]
    assert display.axes_[1].get_ylim() == (0, 1.02)
    for ax in display.axes_:
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == ["training", "validation"]
    accuracy = TrainingHistoryDisplay.from_history([{"valid_acc": 0.5}, {"valid_acc": 0.7}])
    (line,) = accuracy.lines_.values()
    assert list(line.get_xdata()) == [1, 2]  # counted, because there is no "epoch"
    assert accuracy.ax_.get_ylabel() == "Accuracy"


def test_missing_values_are_left_out():
    history = [
        {"epoch": 1, "train_loss": 2.0, "valid_loss": None},
        {"epoch": 2, "train_loss": 1.0, "valid_loss": 1.5},
        {"epoch": 3, "train_loss": float("nan")},
        {"epoch": 4, "train_loss": float("inf"), "valid_loss": 1.2},
    ]
    for given in (history, tuple(history), pd.DataFrame(history)):
        display = TrainingHistoryDisplay.from_history(given)
        assert list(display.lines_["loss", "training"].get_xdata()) == [1, 2]
        assert list(display.lines_["loss", "validation"].get_xdata()) == [2, 4]


def test_training_and_validation_differ_in_more_than_color():
    lines = TrainingHistoryDisplay.from_history(HISTORY).lines_
    training, validation = lines["loss", "training"], lines["loss", "validation"]
    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_marker() != validation.get_marker()
    assert training.get_color() != validation.get_color()


def test_epochs_are_integers_from_the_first():
    one = TrainingHistoryDisplay.from_history(HISTORY[:1])
    one.figure_.canvas.draw()
    ticks = [tick for tick in one.ax_.get_xticks() if 0.5 <= tick <= 1.5]
    assert ticks == [1]
    # A second history on the same axes does not cut off the first one.
    both = TrainingHistoryDisplay.from_history(HISTORY)
    TrainingHistoryDisplay.from_history(HISTORY[:3], ax=both.axes_)
    assert both.ax_.get_xlim() == (0.5, 12.5)


def test_panels_and_axes_are_chosen():
    _, axes = plt.subplots(2)
    display = TrainingHistoryDisplay.from_history(HISTORY, ax=axes, metrics=["accuracy", "loss"])
    assert [ax.get_ylabel() for ax in axes] == ["Accuracy", "Loss"]
    assert display.figure_ is axes[0].figure
    with pytest.raises(ValueError, match="ax contains 1 axes for 2 metrics, loss and accuracy; "):
        TrainingHistoryDisplay.from_history(HISTORY, ax=axes[0])
    display = TrainingHistoryDisplay.from_history(HISTORY, ax=axes[0], metrics="accuracy")
    assert display.ax_ is axes[0]
    assert (
        TrainingHistoryDisplay.from_history(HISTORY, line_kwargs={"lw": 5})
        .lines_["loss", "training"]
        .get_linewidth()
        == 5
    )


@pytest.mark.parametrize(
    ("history", "error", "match"),
    [
        (
            [],
            ValueError,
            r"history of length 0 with the keys \[\] contains nothing to draw; expected",
        ),
        (
            [{"epoch": 1, "dur": 2.0}],
            ValueError,
            r"length 1 with the keys \['dur', 'epoch'\] contains nothing to draw",
        ),
        ([{"train_loss": None}], ValueError, r"the keys \['train_loss'\] contains nothing to draw"),
        ({"loss": [1, 2]}, TypeError, "history is a dict; expected a list with one dict per epoch"),
        ([1.0, 0.5], TypeError, "history is a list; expected a list with one dict per epoch"),
        (None, TypeError, "history is a NoneType"),
    ],
)
def test_invalid_histories_are_refused(history, error, match):
    with pytest.raises(error, match=match):
        TrainingHistoryDisplay.from_history(history)


@pytest.mark.parametrize(
    ("metrics", "match"),
    [
        (["loss", "f1"], "metrics == 'f1', must be one of 'loss', 'accuracy'"),
        ("accuracy", "metrics contains 'accuracy', but history only has values for loss"),
        ([], "metrics is empty; expected 'loss', 'accuracy' or both"),
    ],
)
def test_invalid_metrics_are_refused(metrics, match):
    with pytest.raises(ValueError, match=match):
        TrainingHistoryDisplay.from_history([{"train_loss": 1.0}], metrics=metrics)


def test_estimators_without_a_history_are_refused():
    pipe = make_pipeline(MFCCTransformer(), CNNEmbedder(), LogisticRegression())
    with pytest.raises(NotFittedError, match="This CNNEmbedder instance is not fitted yet"):
        TrainingHistoryDisplay.from_estimator(pipe)
    with pytest.raises(NotFittedError, match="This CNNEmbedder instance is not fitted yet"):
        TrainingHistoryDisplay.from_estimator(GridSearchCV(pipe, {}))
    with pytest.raises(TypeError, match="The LogisticRegression contains no CNNEmbedder, and no"):
        TrainingHistoryDisplay.from_estimator(LogisticRegression())
