"""The parameters of CNNEmbedder, and what they may be."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_scalar

from ._checks import check_choice, check_finite
from ._devices import resolve_device

__all__ = ["check_parameters"]


def check_parameters(estimator: Any) -> None:
    """Raise for a parameter of CNNEmbedder that is of the wrong type or out of its range."""
    for name in ("embedding_dim", "max_epochs", "n_iter_no_change", "n_views"):
        check_scalar(getattr(estimator, name), name, Integral, min_val=1)
    check_scalar(estimator.batch_size, "batch_size", Integral, min_val=2)
    check_scalar(estimator.n_networks, "n_networks", Integral, min_val=1)
    if estimator.embedding_dim < estimator.n_networks:
        raise ValueError(
            f"embedding_dim == {estimator.embedding_dim}, must be >= n_networks, "
            f"{estimator.n_networks}, which share it out."
        )
    check_scalar(estimator.input_channels, "input_channels", Integral, min_val=1)
    check_choice(estimator.network, "network", ("cnn", "mlp"))
    for name in ("channels", "hidden_layer_sizes"):
        sizes = getattr(estimator, name)
        if isinstance(sizes, str) or np.ndim(sizes) != 1 or not len(sizes):
            raise ValueError(f"{name} == {sizes!r}, must be a sequence of integers.")
        for count in sizes:
            check_scalar(count, name, Integral, min_val=1)
    _check_class_weight(estimator.class_weight)
    check_scalar(
        estimator.validation_fraction,
        "validation_fraction",
        Real,
        min_val=0,
        max_val=1,
        include_boundaries="neither",
    )
    if not isinstance(estimator.callbacks, (list, tuple, type(None))):
        raise TypeError(
            f"callbacks == {estimator.callbacks!r}, must be a list of skorch callbacks or None."
        )
    for name in ("early_stopping", "warm_start"):
        check_scalar(getattr(estimator, name), name, (bool, np.bool_))
    check_choice(estimator.lr_schedule, "lr_schedule", ("cosine", "constant"))
    check_choice(estimator.precision, "precision", ("auto", "float32", "bfloat16"))
    resolve_device(estimator.device)
    for name in ("lr", "weight_decay", "mixup_alpha", "time_stretch", "gain"):
        value = getattr(estimator, name)
        if isinstance(value, Real) and not math.isfinite(value):
            raise ValueError(f"{name} == {value}, must be finite.")
    if estimator.noise_snr is not None:
        check_scalar(estimator.noise_snr, "noise_snr", Real)
        check_finite(estimator.noise_snr, "noise_snr")
    check_scalar(estimator.lr, "lr", Real, min_val=0, include_boundaries="neither")
    for name in ("weight_decay", "mixup_alpha", "time_stretch", "gain"):
        check_scalar(getattr(estimator, name), name, Real, min_val=0)
    for name in ("warmup", "dropout", "label_smoothing", "frequency_warp", "time_shift"):
        check_scalar(
            getattr(estimator, name), name, Real, min_val=0, max_val=1, include_boundaries="left"
        )
    for name in ("time_mask", "frequency_mask", "mixstyle_p", "weight_averaging"):
        check_scalar(getattr(estimator, name), name, Real, min_val=0, max_val=1)


def _check_class_weight(class_weight: Any) -> None:
    if not isinstance(class_weight, dict):
        check_choice(class_weight, "class_weight", (None, "balanced"))
        return
    for label, weight in class_weight.items():
        check_scalar(weight, f"class_weight[{label!r}]", Real, min_val=0)
        check_finite(weight, f"class_weight[{label!r}]")
    if not any(class_weight.values()):
        raise ValueError(
            f"class_weight == {class_weight!r}; expected at least one weight that is not 0"
        )
