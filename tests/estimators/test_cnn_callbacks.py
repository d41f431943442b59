"""Callbacks of skorch and custom callbacks in CNNEmbedder."""

import math
import pickle
import threading
from fnmatch import fnmatch

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochTimer,
    Freezer,
    LoadInitState,
    LRScheduler,
)

from ser_estimators._training import loop
from ser_estimators.exceptions import TrainingInterruptedWarning

from .helpers import SMALL, make_cnn
from .test_cnn_fitting import QUICK, Losses


def test_callbacks_are_called_and_may_end_training(frames):
    X, y = frames
    n_threads = threading.active_count()
    losses = Losses()
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10.0, sink=lambda _: None)
    cnn = make_cnn(**QUICK | {"max_epochs": 30}, callbacks=[losses, ("stop", stop)]).fit(X, y)
    assert cnn.n_iter_ == len(losses.weights_) < 30
    assert threading.active_count() == n_threads
    fresh, _ = clone(cnn).callbacks
    assert fresh is not losses
    assert not hasattr(fresh, "weights_")


def test_callbacks_may_have_any_name_or_be_classes(frames):
    # Including the names that skorch would give the callbacks of the estimator.
    names = ("progress", "early_stopping", "LRScheduler", "EarlyStopping", "PassthroughScoring")
    losses = [Losses() for _ in names]
    callbacks = [*zip(names, losses, strict=True), EpochTimer, ("second", Losses)]
    stopped = {"early_stopping": True, "verbose": 1}
    make_cnn(**QUICK, **stopped, callbacks=callbacks).fit(*frames)
    assert all(len(callback.weights_) > 0 for callback in losses)
    named = ("WeightAveraging", losses[0])
    assert make_cnn(**QUICK, callbacks=[named]).fit(*frames).n_iter_ == len(losses[0].weights_)


class Rates(Callback):
    """Record the learning rate of each step."""

    def on_train_begin(self, net, **kwargs):
        self.rates_ = []

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])


@pytest.mark.parametrize("named", [False, True])
def test_learning_rate_scheduler_replaces_the_schedule(frames, named):
    rates = Rates()
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.1)
    callbacks = [("schedule", schedule) if named else schedule, rates]
    make_cnn(**QUICK | {"max_epochs": 3}, lr=0.01, callbacks=callbacks).fit(*frames)
    # Three batches per epoch.
    np.testing.assert_allclose(rates.rates_, np.repeat([1e-2, 1e-3, 1e-4], 3))


def test_scheduler_is_not_pickled(frames):
    plain = make_cnn(**QUICK).fit(*frames)
    scheduled = make_cnn(**QUICK, callbacks=[LRScheduler("StepLR", step_size=1)]).fit(*frames)
    assert len(pickle.dumps(scheduled)) < len(pickle.dumps(plain)) + 1_000


def test_callback_may_load_an_initial_state(frames, tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor=None, f_pickle=None)
    first = make_cnn(**QUICK, weight_averaging=0, callbacks=[checkpoint]).fit(*frames)
    again = [LoadInitState(checkpoint)]
    second = make_cnn(**QUICK, weight_averaging=0, callbacks=again).fit(*frames)
    before, after = (cnn.module_.encoders[0].stem.norm for cnn in (first, second))
    # The batches of this fit are added to those of the loaded state.
    assert after.num_batches_tracked == 2 * before.num_batches_tracked > 0


@pytest.mark.parametrize(
    "callback",
    [EarlyStopping(), EarlyStopping, ("stop", EarlyStopping("valid_accuracy")), Checkpoint],
)
def test_missing_monitor_is_an_error_before_training(frames, callback):
    cnn = make_cnn(**QUICK, callbacks=[callback])
    with pytest.raises(ValueError, match="monitor == 'valid_.*set early_stopping=True, which sets"):
        cnn.fit(*frames)
    assert not hasattr(cnn, "history_")


def test_validation_may_be_monitored(frames):
    stop = EarlyStopping("valid_accuracy", patience=2, lower_is_better=False, sink=lambda _: None)
    # The early stopping of the estimator itself would not end training.
    own = {"early_stopping": True, "max_epochs": 50, "n_iter_no_change": 50}
    cnn = make_cnn(**QUICK | own, callbacks=[stop])
    assert cnn.fit(*frames).n_iter_ < 50


@pytest.mark.parametrize("frozen", ["encoders.*.stem.*", "encoders.*"])
def test_callback_may_freeze_layers(frames, frozen):
    X, y = frames
    cnn = make_cnn(**QUICK, warm_start=True).fit(X, y)
    before = {name: p.detach().clone() for name, p in cnn.module_.named_parameters()}
    cnn.set_params(callbacks=[Freezer(frozen)]).fit(X, y)
    changed = {
        name
        for name, parameter in cnn.module_.named_parameters()
        if not torch.equal(parameter, before[name])
    }
    assert changed == {name for name in before if not fnmatch(name, frozen)}


def test_failing_callback_restores_the_last_fit(frames):
    class Failing(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("failed")

    cnn = make_cnn(**QUICK).fit(*frames)
    expected = cnn.predict_proba(frames[0])
    with pytest.raises(RuntimeError, match="failed"):
        cnn.set_params(callbacks=[Failing()]).fit(*frames)
    assert np.array_equal(cnn.predict_proba(frames[0]), expected)


class Interrupt(Callback):
    """Interrupts training at some moment of some epoch."""

    def __init__(self, moment, epoch):
        self.moment = moment
        self.epoch = epoch

    def notify(self, method_name, net, **kwargs):
        if method_name == self.moment and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, net, **kwargs):
        self.notify("on_epoch_end", net)

    def on_batch_end(self, net, **kwargs):
        self.notify("on_batch_end", net)

    def on_epoch_begin(self, net, **kwargs):
        self.notify("on_epoch_begin", net)


@pytest.fixture(autouse=True)
def no_interrupts_before(monkeypatch):
    monkeypatch.setattr(loop, "_last_interrupt", -math.inf)


def test_second_interrupt_stops_the_program(frames):
    cnn = make_cnn(**SMALL, callbacks=[Interrupt("on_epoch_end", 2)])
    with pytest.warns(TrainingInterruptedWarning, match="Interrupt again within a minute to stop"):
        cnn.fit(*frames)
    with pytest.raises(KeyboardInterrupt):
        cnn.fit(*frames)


def test_interrupt_stops_searches_and_cross_validation(frames):
    X, y = frames
    cnn = make_cnn(**SMALL, callbacks=[Interrupt("on_epoch_end", 2)])
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(cnn, {"lr": [0.001, 0.01]}, cv=2, error_score=np.nan).fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(cnn, X, y, cv=2, error_score=np.nan)


def test_interrupt_in_the_first_epoch_is_raised(frames):
    cnn = make_cnn(**SMALL, callbacks=[Interrupt("on_batch_end", 1)])
    with pytest.raises(KeyboardInterrupt):
        cnn.fit(*frames)
    assert not hasattr(cnn, "module_")


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    ("moment", "epoch", "n_kept"),
    [("on_epoch_end", 3, 3), ("on_batch_end", 3, 2), ("on_epoch_begin", 3, 2)],
)
def test_interrupt_keeps_what_was_trained(frames, moment, epoch, n_kept, early_stopping):
    X, y = frames
    cnn = make_cnn(
        **SMALL | {"max_epochs": 20},
        early_stopping=early_stopping,
        random_state=0,
        callbacks=[Interrupt(moment, epoch)],
    )
    text = f"interrupted after {n_kept} of 20 epochs"
    with pytest.warns(TrainingInterruptedWarning, match=text):
        cnn.fit(X, y)
    assert cnn.n_iter_ == len(cnn.history_) == n_kept
    assert cnn.interrupted_
    assert all("dur" in row for row in cnn.history_)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(cnn)).predict_proba(X), cnn.predict_proba(X)
    )
    # What is kept has learned something, and may be trained further.
    untrained = make_cnn(**SMALL | {"max_epochs": 1}, lr=1e-9, random_state=0).fit(X, y)
    assert log_loss(y, cnn.predict_proba(X)) < log_loss(y, untrained.predict_proba(X))
    cnn.set_params(callbacks=None, max_epochs=3, warm_start=True).fit(X, y)
    assert not cnn.interrupted_
