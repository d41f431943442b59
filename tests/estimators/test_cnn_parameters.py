"""CNNEmbedder: every parameter is validated and has an effect."""

import re

import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback

from ser_estimators import SpectrogramAugmentation

from .helpers import SMALL, fit_proba, make_cnn


@pytest.mark.parametrize(
    "parameter",
    [
        {"dropout": 0.9},
        {"label_smoothing": 0.9},
        {"mixup_alpha": 5.0},
        {"mixstyle_p": 0.0},
        {"weight_averaging": 1.0},
        {"n_views": 1},
        {"time_stretch": 0.9},
        {"gain": 2.0},
        {"time_mask": 0.9},
        {"frequency_mask": 0.9},
        {"time_shift": 0.5},
        {"recording_p": 0.9},
        {"weight_decay": 10.0},
        {"lr": 0.1},
        {"warmup": 0.9},
        {"lr_schedule": "constant"},
        {"batch_size": 8},
        {"max_epochs": 6},
        {"embedding_dim": 9},
        {"channels": (4, 9)},
    ],
    ids=lambda parameter: next(iter(parameter)),
)
def test_every_parameter_has_an_effect(frames, parameter):
    default = fit_proba(*frames, random_state=0)
    assert np.abs(default - fit_proba(*frames, random_state=0, **parameter)).max() > 1e-4


def test_frequency_warp_has_an_effect_in_training(frames):
    warped, plain = (
        fit_proba(*frames, random_state=0, n_views=1, frequency_warp=warp) for warp in (0.5, 0.0)
    )
    assert np.abs(warped - plain).max() > 1e-4


@pytest.mark.parametrize(
    "parameters",
    [
        {"time_mask": 1.0, "frequency_mask": 1.0},
        {"mixstyle_p": 1.0, "weight_averaging": 1.0},
        {"dropout": 0.999, "label_smoothing": 0.999},
        {"warmup": 0.999, "time_shift": 0.999},
        {"frequency_warp": 0.999, "n_views": 50},
        {"augmentation": SpectrogramAugmentation(noise_snr=-1e6, recording_p=1.0)},
        {"augmentation": SpectrogramAugmentation(noise_snr=1e6, recording_p=1.0)},
        {"augmentation": SpectrogramAugmentation(equalization=1e6, band_p=1.0, recording_p=1.0)},
        {"embedding_dim": 1, "norm": None},
    ],
    ids=str,
)
def test_limits_of_the_ranges_are_accepted(frames, parameters):
    cnn = make_cnn(**SMALL | parameters, random_state=0).fit(*frames)
    assert np.isfinite(cnn.predict_proba(frames[0])).all()
    assert np.isfinite(cnn.transform(frames[0])).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"embedding_dim": 0}, ValueError, "embedding_dim == 0, must be >= 1"),
        ({"n_networks": 0}, ValueError, "n_networks == 0, must be >= 1"),
        ({"n_networks": 9}, ValueError, "embedding_dim == 8, must be >= n_networks == 9"),
        ({"max_epochs": 1.5}, TypeError, "max_epochs must be an instance of int"),
        ({"batch_size": 1}, ValueError, "batch_size == 1, must be >= 2"),
        ({"channels": ()}, ValueError, "channels == (), must be a sequence of integers"),
        ({"channels": "32"}, ValueError, "channels == '32', must be a sequence of integers"),
        ({"channels": 32}, ValueError, "channels == 32, must be a sequence of integers"),
        ({"channels": (8, 0)}, ValueError, "channels == (8, 0), must contain integers >= 1"),
        ({"channels": (8, 1.5)}, TypeError, "channels == (8, 1.5), must contain integers"),
        (
            {"network": "mlp", "hidden_layer_sizes": ()},
            ValueError,
            "hidden_layer_sizes == (), must be a sequence of",
        ),
        ({"network": "rnn"}, ValueError, "network == 'rnn', must be one of 'cnn', 'mlp'"),
        ({"lr": 0}, ValueError, "lr == 0, must be > 0"),
        ({"lr": float("inf")}, ValueError, "lr == inf, must be finite"),
        ({"warmup": 1.0}, ValueError, "warmup == 1.0, must be < 1"),
        ({"norm": "l3"}, ValueError, "norm == 'l3', must be one of 'l2', None"),
        ({"embedding_dim": 1}, ValueError, "embedding_dim == 1, must be >= 2 with norm == 'l2'"),
        (
            {"embedding_dim": 1, "network": "mlp"},
            ValueError,
            "only the sign; or set norm=None",
        ),
        ({"lr_schedule": "step"}, ValueError, "lr_schedule == 'step', must be one of 'cosine', 'c"),
        ({"gain": float("nan")}, ValueError, "gain == nan, must be finite"),
        ({"weight_decay": -1}, ValueError, "weight_decay == -1, must be >= 0"),
        ({"mixup_alpha": -0.1}, ValueError, "mixup_alpha == -0.1, must be >= 0"),
        ({"dropout": 1.0}, ValueError, "dropout == 1.0, must be < 1"),
        ({"se_ratio": 1.1}, ValueError, "se_ratio == 1.1, must be <= 1"),
        ({"se_ratio": -0.1}, ValueError, "se_ratio == -0.1, must be >= 0"),
        ({"label_smoothing": -1}, ValueError, "label_smoothing == -1, must be >= 0"),
        ({"label_smoothing": 1}, ValueError, "label_smoothing == 1, must be < 1"),
        ({"frequency_warp": 1}, ValueError, "frequency_warp == 1, must be < 1"),
        ({"time_mask": 1.1}, ValueError, "time_mask == 1.1, must be <= 1"),
        ({"time_mask": -0.1}, ValueError, "time_mask == -0.1, must be >= 0"),
        ({"frequency_mask": -0.1}, ValueError, "frequency_mask == -0.1, must be >= 0"),
        ({"n_views": 0}, ValueError, "n_views == 0, must be >= 1"),
        ({"mixstyle_p": -0.1}, ValueError, "mixstyle_p == -0.1, must be >= 0"),
        ({"mixstyle_p": 1.1}, ValueError, "mixstyle_p == 1.1, must be <= 1"),
        ({"weight_averaging": -0.1}, ValueError, "weight_averaging == -0.1, must be >= 0"),
        ({"weight_averaging": 1.1}, ValueError, "weight_averaging == 1.1, must be <= 1"),
        ({"frequency_mask": "x"}, TypeError, "frequency_mask must be an instance of float"),
        ({"class_weight": "even"}, ValueError, "class_weight == 'even', must be one of None, 'bal"),
        (
            {"class_weight": np.ones(2)},
            ValueError,
            "class_weight == array([1., 1.]), must be one of",
        ),
        ({"class_weight": pd.Series([1, 1])}, ValueError, "must be one of None, 'balanced'"),
        ({"class_weight": {"anger": -1}}, ValueError, "class_weight['anger'] == -1, must be >= 0"),
        ({"class_weight": {"anger": float("inf")}}, ValueError, "['anger'] == inf, must be finite"),
        (
            {"class_weight": {"anger": 0, "sadness": 0}},
            ValueError,
            "class_weight leaves 0 clip(s) with a positive weight; expected at least 2: give",
        ),
        ({"verbose": -1}, ValueError, "verbose == -1, must be >= 0"),
        ({"verbose": "x"}, TypeError, "verbose must be an instance of int"),
        ({"early_stopping": 1}, TypeError, "early_stopping must be an instance of"),
        ({"warm_start": "yes"}, TypeError, "warm_start must be an instance of"),
        ({"validation_fraction": 1}, ValueError, "validation_fraction == 1, must be < 1"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change == 0, must be >= 1"),
        ({"callbacks": "log"}, TypeError, "callbacks == 'log', must be a list of skorch callbacks"),
        ({"callbacks": [1]}, TypeError, "callbacks contains 1, must contain skorch callbacks"),
        ({"callbacks": ["log"]}, TypeError, "callbacks contains 'log', must contain skorch"),
        ({"callbacks": [(1, Callback())]}, TypeError, "callbacks contains (1, <"),
        ({"callbacks": [("a", 1)]}, TypeError, "callbacks contains ('a', 1), must contain skorch"),
        ({"callbacks": [int]}, TypeError, "callbacks contains <class 'int'>, must contain"),
        (
            {"precision": "half"},
            ValueError,
            "precision == 'half', must be one of 'auto', 'float32'",
        ),
        ({"time_shift": 1}, ValueError, "time_shift == 1, must be < 1"),
        ({"time_shift": -0.1}, ValueError, "time_shift == -0.1, must be >= 0"),
        ({"noise_snr": float("nan")}, ValueError, "noise_snr == nan, must be finite"),
        ({"noise_snr": "loud"}, TypeError, "noise_snr must be an instance of"),
        ({"random_state": "x"}, ValueError, "'x' cannot be used to seed"),
        ({"device": "abacus"}, ValueError, "device == 'abacus', must be"),
        ({"device": "cuda:77"}, ValueError, "device == 'cuda:77', must be"),
        ({"device": "meta"}, ValueError, "device == 'meta', must be 'auto', 'cpu' or a CUDA GPU"),
        ({"device": None}, TypeError, "device must be an instance of str"),
    ],
)
def test_invalid_parameter_is_reported(frames, parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make_cnn(**SMALL | parameters).fit(*frames)
