"""The parameters of CNNEmbedder, and what they may be."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from .._network.devices import resolve_device
from .._training.callbacks import check_callbacks
from .._utils.checks import check_choice, check_finite

__all__ = ["check_parameters"]

# Smallest value.
_INTEGERS = {
    "embedding_dim": 1,
    "n_networks": 1,
    "input_channels": 1,
    "max_epochs": 1,
    "batch_size": 2,
    "n_views": 1,
    "n_iter_no_change": 1,
    "verbose": 0,
}
# Smallest and largest value, and which of the two it may be.
_NUMBERS: dict[str, tuple[float | None, float | None, str]] = {
    "lr": (0, None, "neither"),
    "weight_decay": (0, None, "left"),
    "mixup_alpha": (0, None, "left"),
    "time_stretch": (0, None, "left"),
    "gain": (0, None, "left"),
    "dropout": (0, 1, "left"),
    "warmup": (0, 1, "left"),
    "label_smoothing": (0, 1, "left"),
    "frequency_warp": (0, 1, "left"),
    "time_shift": (0, 1, "left"),
    "time_mask": (0, 1, "both"),
    "frequency_mask": (0, 1, "both"),
    "mixstyle_p": (0, 1, "both"),
    "se_ratio": (0, 1, "both"),
    "weight_averaging": (0, 1, "both"),
    "validation_fraction": (0, 1, "neither"),
    "noise_snr": (None, None, "both"),
}
_CHOICES = {
    "network": ("cnn", "mlp"),
    "lr_schedule": ("cosine", "constant"),
    "precision": ("auto", "float32", "bfloat16"),
    "norm": ("l2", None),
}


def check_parameters(estimator: Any) -> None:
    """Raise for a parameter of CNNEmbedder that is of the wrong type or out of its range."""
    for name, least in _INTEGERS.items():
        check_scalar(getattr(estimator, name), name, Integral, min_val=least)
    for name, (smallest, largest, boundaries) in _NUMBERS.items():
        value = getattr(estimator, name)
        if value is None and name == "noise_snr":
            continue
        check_scalar(value, name, Real)
        check_finite(value, name)
        check_scalar(
            value, name, Real, min_val=smallest, max_val=largest, include_boundaries=boundaries
        )
    for name, choices in _CHOICES.items():
        check_choice(getattr(estimator, name), name, choices)
    for name in ("early_stopping", "warm_start"):
        check_scalar(getattr(estimator, name), name, (bool, np.bool_))
    for name in ("channels", "hidden_layer_sizes"):
        sizes = getattr(estimator, name)
        if isinstance(sizes, str) or np.ndim(sizes) != 1 or not len(sizes):
            raise ValueError(f"{name} == {sizes!r}, must be a sequence of integers.")
        for count in sizes:
            check_scalar(count, name, Integral, min_val=1)
    if estimator.embedding_dim < estimator.n_networks:
        raise ValueError(
            f"embedding_dim == {estimator.embedding_dim}, must be >= n_networks, "
            f"{estimator.n_networks}, which share it out."
        )
    if estimator.embedding_dim == 1 and estimator.norm is not None:
        raise ValueError(
            f"embedding_dim == 1, must be >= 2 with norm == {estimator.norm!r}, which would leave "
            "nothing but a sign; or set norm=None."
        )
    check_callbacks(estimator.callbacks, early_stopping=estimator.early_stopping)
    _check_class_weight(estimator.class_weight)
    check_scalar(estimator.device, "device", str)
    resolve_device(estimator.device)


def _check_class_weight(class_weight: Any) -> None:
    if not isinstance(class_weight, dict):
        check_choice(class_weight, "class_weight", (None, "balanced"))
        return
    for label, weight in class_weight.items():
        check_scalar(weight, f"class_weight[{label!r}]", Real, min_val=0)
        check_finite(weight, f"class_weight[{label!r}]")
