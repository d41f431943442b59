"""CNNEmbedder: sample weights, groups, early stopping and warm start."""

import re
import sys

import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from ser_estimators import CNNEmbedder

from .helpers import MLP, SMALL, make_cnn, make_frames, table

QUICK = SMALL | {"random_state": 0}


def proba(frames, fit_params=None, **parameters):
    X, y = frames
    return make_cnn(**QUICK | parameters).fit(X, y, **fit_params or {}).predict_proba(X)


def test_weight_of_two_equals_two_copies(frames):
    X, y = frames
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.random.default_rng(1).permutation(np.repeat(np.arange(len(y)), weights))
    for early_stopping in (False, True):
        parameters = QUICK | {"early_stopping": early_stopping, "validation_fraction": 0.3}
        weighted = make_cnn(**parameters).fit(X, y, sample_weight=weights)
        copied = make_cnn(**parameters).fit(X[repeated], y[repeated])
        assert np.array_equal(weighted.predict_proba(X), copied.predict_proba(X))
        assert not np.array_equal(
            weighted.predict_proba(X), make_cnn(**parameters).fit(X, y).predict_proba(X)
        )


def test_equal_weights_up_to_one_have_no_effect(frames):
    plain = proba(frames)
    for weight in (1, 0.3):
        weights = np.full(len(frames[1]), weight)
        assert np.array_equal(proba(frames, {"sample_weight": weights}), plain)


def test_biases_and_normalization_have_no_weight_decay(frames):
    # With this learning rate and this decay, a step shrinks weights by a third and hardly changes
    # parameters without decay.
    parameters = {"lr": 1e-6, "weight_decay": 3e5, "weight_averaging": 0, "warm_start": True}
    cnn = make_cnn(**QUICK | {"max_epochs": 1}).fit(*frames)
    before = {name: p.detach().clone() for name, p in cnn.module_.named_parameters()}
    cnn.set_params(**parameters).fit(*frames)
    for name, parameter in cnn.module_.named_parameters():
        is_near = torch.allclose(parameter, before[name], atol=1e-5, rtol=0)
        assert is_near == (name.endswith("bias") or "norm" in name), name


def test_order_of_the_clips_has_no_effect(frames):
    X, y = frames
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = make_cnn(**QUICK).fit(X[order], y[order]).predict_proba(X)
    assert np.array_equal(shuffled, proba(frames))


def test_weights_move_the_decision():
    # Two classes that do not differ: the one with more weight is predicted.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4, 8)), np.tile(["anger", "fear"], 30)
    for label in ("anger", "fear"):
        weights = np.where(y == label, 1, 0.05)
        by_sample = make_cnn(**QUICK).fit(X, y, sample_weight=weights)
        assert (by_sample.predict(X) == label).mean() > 0.9
        by_class = make_cnn(**QUICK, class_weight={label: 20}).fit(X, y)
        assert (by_class.predict(X) == label).mean() > 0.9


def test_class_of_weight_zero_is_never_predicted(frames):
    X, y = frames
    cnn = make_cnn(**QUICK | {"max_epochs": 20}, class_weight={"anger": 0}).fit(X, y)
    assert cnn.classes_.tolist() == ["anger", "sadness"]
    assert (cnn.predict(X) == "sadness").all()
    assert np.array_equal(proba(frames, class_weight={}), proba(frames))


def test_single_clip_with_a_positive_weight_is_an_error(frames):
    X, y = frames
    is_kept = (y == "anger") | (np.arange(len(y)) == 1)
    with pytest.raises(ValueError, match=r"class_weight leaves 1 clip\(s\) with a positive weight"):
        make_cnn(**QUICK, class_weight={"anger": 0}).fit(X[is_kept], y[is_kept])


def test_early_stopping_keeps_two_training_clips(frames):
    X, y = frames
    anger, sadness = (np.flatnonzero(y == label) for label in ("anger", "sadness"))
    cnn = make_cnn(**QUICK, early_stopping=True, class_weight={"anger": 0})
    kept = np.r_[anger[:5], sadness[:2]]
    with pytest.raises(ValueError, match="all clips of some class, or all clips but one"):
        cnn.fit(X[kept], y[kept])
    kept = np.r_[anger[:5], sadness[:3]]
    assert cnn.fit(X[kept], y[kept]).score(X[sadness], y[sadness]) == 1


def test_only_the_ratio_of_class_weights_matters(frames):
    huge, small = ({"anger": scale, "sadness": scale / 2} for scale in (1e308, 1))
    assert np.array_equal(proba(frames, class_weight=huge), proba(frames, class_weight=small))
    assert not np.array_equal(proba(frames, class_weight=small), proba(frames))


def test_class_of_weight_zero_is_not_in_the_validation_set(frames):
    stopped = {"early_stopping": True, "validation_fraction": 0.3}
    cnn = make_cnn(**QUICK, **stopped, class_weight={"anger": 0}).fit(*frames)
    # All validation clips have the same label, which is soon predicted for every clip.
    assert cnn.history_[-1]["valid_accuracy"] == 1


def test_balanced_classes_have_the_same_weight():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4, 8)), np.array(["anger"] * 72 + ["fear"] * 8)
    plain = make_cnn(**QUICK).fit(X, y).predict_proba(X).mean(axis=0)
    balanced = make_cnn(**QUICK, class_weight="balanced").fit(X, y).predict_proba(X).mean(axis=0)
    assert plain[1] < 0.3
    assert abs(balanced[1] - 0.5) < 0.2


def test_class_weight_for_an_unknown_label_causes_a_warning(frames):
    with pytest.warns(
        UserWarning, match="'angry', which is not a label of y; expected some of 'anger"
    ):
        proba(frames, class_weight={"angry": 2})


def test_class_without_sample_weight_is_not_in_classes(frames):
    X, y = frames
    y = y.astype(object)
    y[:3] = "fear"
    cnn = make_cnn(**QUICK).fit(X, y, sample_weight=y != "fear")
    assert cnn.classes_.tolist() == ["anger", "sadness"]


@pytest.mark.parametrize(
    ("fit_params", "message"),
    [
        ({"sample_weight": [1.0]}, "inconsistent numbers of samples"),
        ({"sample_weight": np.full(48, -1)}, "sample_weight is -1 for clip 1 of 48"),
        ({"sample_weight": np.full(48, np.nan)}, "sample_weight contains NaN"),
        ({"sample_weight": np.zeros(48)}, "sample_weight is zero for all clips"),
        ({"sample_weight": np.ones((48, 2))}, re.escape("shape (48, 2); expected (n_clips,)")),
        ({"groups": ["01"]}, "inconsistent numbers of samples"),
        (
            {"groups": ["01"] * 47 + [None]},
            "groups is missing for 1 of 48 clips, the first of which is clip 48",
        ),
        (
            {"groups": ["01"] * 46 + ["", " "]},
            "groups is missing for 2 of 48 clips, the first of which is clip 47",
        ),
        (
            {"groups": np.ones((48, 2))},
            re.escape("groups has the shape (48, 2); expected (n_clips"),
        ),
        (
            {"groups": np.array(["01", 1] * 24, dtype=object)},
            "groups mixes groups of different types, int and str; expected one type",
        ),
        ({"sample_weight": np.full(48, 1e19)}, "sample_weight adds up to 4.8e.20; expected at mo"),
    ],
)
def test_invalid_weights_and_groups_are_reported(frames, fit_params, message):
    with pytest.raises(ValueError, match=message):
        proba(frames, fit_params)


class Losses(Callback):
    """Record the output weights of the network after each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.weights_ = []

    def on_epoch_end(self, net, **kwargs):
        self.weights_.append(net.module_.heads[0].output.weight.detach().clone().numpy())


def test_early_stopping_restores_the_best_epoch(frames):
    X, y = frames
    losses = Losses()
    cnn = make_cnn(
        **QUICK | {"max_epochs": 60},
        early_stopping=True,
        n_iter_no_change=8,
        validation_fraction=0.25,
        callbacks=[losses],
    ).fit(X, y)
    curve = [row["valid_loss"] for row in cnn.history_]
    best = int(np.argmin(curve))
    assert len(curve) == cnn.n_iter_ == min(best + 1 + 8, 60)
    # The callback was called after the last epoch as well.
    assert cnn.n_iter_ == len(losses.weights_) < 60
    assert np.array_equal(cnn.module_.heads[0].output.weight.detach(), losses.weights_[best])
    assert all(0 <= row["valid_accuracy"] <= 1 for row in cnn.history_)
    # Plain Python numbers.
    assert {type(value) for row in cnn.history_ for value in row.values()} == {int, float}
    assert cnn.score(X, y) > 0.9


def test_validation_loss_is_that_of_the_validation_clips(frames):
    X, y = frames
    groups = np.arange(len(y)) // 12
    stopped = {"early_stopping": True, "n_iter_no_change": 4, "n_views": 1}
    cnn = make_cnn(**QUICK, **stopped).fit(X, y, groups=groups)
    losses = [
        -np.log(cnn.predict_proba(X[groups == group])[np.arange(12), np.arange(12) % 2]).mean()
        for group in range(4)
    ]
    best = min(row["valid_loss"] for row in cnn.history_)
    assert np.isclose(losses, best, rtol=1e-4).sum() == 1


def test_no_clips_are_set_aside_without_early_stopping(frames):
    X, y = frames
    groups = np.arange(len(y)) // 12
    cnn = make_cnn(**QUICK).fit(X, y, groups=groups)
    assert "valid_loss" not in cnn.history_[0]
    assert np.array_equal(cnn.predict_proba(X), proba(frames))


def test_single_group_with_early_stopping_is_an_error(frames):
    X, y = frames
    with pytest.raises(ValueError, match="found no clips for validation: each of the 1 groups"):
        make_cnn(**QUICK, early_stopping=True).fit(X, y, groups=np.zeros(len(y)))


def test_groups_are_routed_through_a_pipeline_and_cross_validation(frames):
    X, y = frames
    groups = np.arange(len(y)) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        cnn = make_cnn(**QUICK, early_stopping=True).set_fit_request(groups=True)
        pipe = make_pipeline(cnn, LogisticRegression()).fit(X, y, groups=groups)
        scores = cross_validate(
            pipe,
            X,
            y,
            cv=GroupKFold(3),
            params={"groups": groups},
            error_score="raise",
        )
    direct = make_cnn(**QUICK, early_stopping=True).fit(X, y, groups=groups)
    assert pipe[0].history_[0]["valid_loss"] == direct.history_[0]["valid_loss"]
    assert len(scores["test_score"]) == 3
    # Without metadata routing, by the name of the step.
    old = make_pipeline(clone(cnn), LogisticRegression())
    old.fit(X, y, cnnembedder__groups=groups)
    assert old[0].history_[0]["valid_loss"] == direct.history_[0]["valid_loss"]


def test_warm_start_continues_from_the_last_weights(frames):
    X, y = frames
    cnn = make_cnn(**QUICK, warm_start=True).fit(X, y)
    mean = cnn.module_.inputs.mean.clone()
    cnn.set_params(max_epochs=3).fit(X[:40] + 1, y[:40])
    fresh = make_cnn(**QUICK | {"max_epochs": 3}).fit(X[:40] + 1, y[:40])
    assert [row["epoch"] for row in cnn.history_] == list(range(1, 8))
    assert cnn.n_iter_ == 7
    assert np.array_equal(cnn.module_.inputs.mean, mean)
    assert cnn.history_[4]["train_loss"] < fresh.history_[0]["train_loss"] - 0.05
    # The default starts from new weights.
    cnn.set_params(warm_start=False, max_epochs=4).fit(X, y)
    assert len(cnn.history_) == 4
    assert np.array_equal(cnn.predict_proba(X), proba(frames))


def test_warm_start_with_other_data_or_another_network_is_an_error(frames):
    X, y = frames
    cnn = make_cnn(**QUICK, warm_start=True).fit(X, y)
    expected = cnn.predict_proba(X)
    with pytest.raises(ValueError, match="classes 'anger', 'sadness', but y has 'anger', 'fear"):
        cnn.fit(X, np.where(y == "sadness", "fear", y))
    with pytest.raises(ValueError, match="has another shape; keep the parameters"):
        cnn.set_params(embedding_dim=5).fit(X, y)
    assert np.array_equal(cnn.predict_proba(X), expected)
    cnn.set_params(embedding_dim=8)
    with pytest.raises(ValueError, match="network for 13 coefficients, but X has 12"):
        cnn.fit(X[:, :12], y)
    assert len(cnn.fit(X, y).history_) == 8


@pytest.mark.parametrize(("share", "n_averaged"), [(1.0, 6), (0.5, 3), (0.2, 1), (0.01, 1)])
def test_weights_of_the_last_epochs_are_averaged(frames, share, n_averaged):
    losses = Losses()
    parameters = QUICK | {"max_epochs": 6, "callbacks": [losses]}
    cnn = make_cnn(**parameters, weight_averaging=share).fit(*frames)
    expected = np.mean(losses.weights_[-n_averaged:], axis=0)
    kept = cnn.module_.heads[0].output.weight.detach().numpy()
    np.testing.assert_allclose(kept, expected, atol=1e-6)
    statistics = cnn.module_.encoders[0].stem.norm.running_mean
    last = make_cnn(**parameters, weight_averaging=0).fit(*frames).module_
    assert torch.equal(statistics, last.encoders[0].stem.norm.running_mean) == (n_averaged == 1)


def test_early_stopping_does_not_average_weights(frames):
    stopped = {"early_stopping": True, "max_epochs": 6}
    assert np.array_equal(proba(frames, **stopped, weight_averaging=1.0), proba(frames, **stopped))


class Terminal:
    """A stream that claims to be a terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_search_passes_groups_to_the_network_by_name(monkeypatch):
    X, y = make_frames()
    speakers = np.repeat(["01", "02", "03", "04"], 12)
    given = []

    def fit(self, X, y, groups=None):
        given.append(sorted(set(groups)))
        return fitted(self, X, y, groups=groups)

    fitted = CNNEmbedder.fit
    monkeypatch.setattr(CNNEmbedder, "fit", fit)
    cnn = make_pipeline(make_cnn(**QUICK), LogisticRegression())
    search = GridSearchCV(cnn, {"logisticregression__C": [1.0]}, cv=GroupKFold(2), refit=False)
    search.fit(X, y, groups=speakers, cnnembedder__groups=speakers)
    first, second = given
    assert len(first) == len(second) == 2
    assert {*first, *second} == set(speakers)


def test_progress_bar_in_a_terminal(frames, monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    make_cnn(**QUICK, early_stopping=True, verbose=1).fit(*frames)
    assert re.search(r"CNNEmbedder: 100%.*4/4 .*loss=\d\.\d{3}, validation=", terminal.text)
    assert capsys.readouterr().out == ""


def test_last_epoch_is_printed_if_training_ends_early(frames, capsys):
    stopped = {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 100}
    cnn = make_cnn(**QUICK | stopped, verbose=1).fit(*frames)
    lines = capsys.readouterr().out.splitlines()
    assert cnn.n_iter_ < 100
    assert lines[-1].startswith(f"[CNNEmbedder] epoch {cnn.n_iter_:>3}/100  loss ")
    assert len(set(lines)) == len(lines)


def test_table_is_not_augmented():
    X, y = table()
    short = MLP | {"max_epochs": 3}
    plain = make_cnn(**short, random_state=0).fit(X, y).predict_proba(X)
    changes = {"time_stretch": 0.5, "frequency_warp": 0.5, "gain": 5.0, "time_mask": 1.0}
    changes |= {"frequency_mask": 1.0, "time_shift": 0.9, "recording_p": 1.0}
    changes |= {"mixstyle_p": 1.0, "mixup_alpha": 1.0}
    for name, value in changes.items():
        changed = make_cnn(**short | {name: value}, random_state=0).fit(X, y)
        assert np.array_equal(changed.predict_proba(X), plain), name


def test_weights_groups_and_early_stopping_work_for_tables():
    X, y = table()
    groups = np.arange(len(y)) % 10
    weights = np.where(y == "anger", 2, 1)
    cnn = make_cnn(**MLP, random_state=0, early_stopping=True, class_weight="balanced")
    cnn.fit(X, y, sample_weight=weights, groups=groups)
    assert cnn.score(X, y) > 0.85
    assert cnn.history_[0]["valid_loss"] > 0
