"""The parameters of CNNEmbedder: validation, and conversion for network and training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._features.layout import MFCCLayout
from .._network.build import NetworkSpec
from .._network.devices import is_device_name, resolve_device
from .._utils.checks import check_choice, check_finite
from .._utils.public import Moved
from .._utils.stack_level import find_stack_level
from .._utils.text import listed
from .feature_mlp import FeatureMLP
from .spectrogram_augmentation import SpectrogramAugmentation
from .spectrogram_cnn import SpectrogramCNN

if TYPE_CHECKING:
    from .._training.options import TrainingOptions

__all__ = [
    "MOVED",
    "OBJECTS",
    "augmentation_of",
    "check_parameters",
    "class_weight_by_index",
    "is_table",
    "network_spec",
    "training_options",
]

# Replacements of former parameters.
MOVED = {
    name: Moved(f"augmentation=SpectrogramAugmentation({name}=...)", f"augmentation__{name}")
    for name in (
        "time_stretch",
        "frequency_warp",
        "gain",
        "time_mask",
        "frequency_mask",
        "time_shift",
        "noise_snr",
        "mixstyle_p",
        "mixup_alpha",
    )
} | {
    "channels": Moved("network=SpectrogramCNN(channels=...)", "network__channels"),
    "se_ratio": Moved("network=SpectrogramCNN(se_ratio=...)", "network__se_ratio"),
    "hidden_layer_sizes": Moved(
        "network=FeatureMLP(hidden_layer_sizes=...)", "network__hidden_layer_sizes"
    ),
    "input_channels": Moved("MFCCTransformer(deltas=...), which determines the channels"),
}
# Objects that strings stand for.
OBJECTS: dict[str, dict[str, Callable[[], Any]]] = {
    "network": {"cnn": SpectrogramCNN, "mlp": FeatureMLP},
    "augmentation": {"default": SpectrogramAugmentation},
}
# Smallest value.
_INTEGERS = {
    "embedding_dim": 1,
    "n_networks": 1,
    "max_epochs": 1,
    "batch_size": 2,
    "n_views": 1,
    "n_iter_no_change": 1,
    "verbose": 0,
}
# Smallest and largest value, and which of the two are allowed.
_NUMBERS: dict[str, tuple[float, float | None, str]] = {
    "lr": (0, None, "neither"),
    "weight_decay": (0, None, "left"),
    "dropout": (0, 1, "left"),
    "warmup": (0, 1, "left"),
    "label_smoothing": (0, 1, "left"),
    "weight_averaging": (0, 1, "both"),
    "validation_fraction": (0, 1, "neither"),
}
_CHOICES = {
    "lr_schedule": ("cosine", "constant"),
    "precision": ("auto", "float32", "bfloat16"),
    "norm": ("l2", None),
}


def check_parameters(estimator: Any, *, is_device_needed: bool = True) -> None:
    """Raise for a parameter of CNNEmbedder that has a wrong type or is out of its range.

    Parameters
    ----------
    estimator : CNNEmbedder
    is_device_needed : bool, default=True
        Whether the device has to exist on this machine, as for training.
    """
    for name, least in _INTEGERS.items():
        check_scalar(getattr(estimator, name), name, Integral, min_val=least)
    for name, (smallest, largest, boundaries) in _NUMBERS.items():
        value = getattr(estimator, name)
        check_scalar(value, name, Real)
        check_finite(value, name)
        check_scalar(
            value, name, Real, min_val=smallest, max_val=largest, include_boundaries=boundaries
        )
    for name, choices in _CHOICES.items():
        check_choice(getattr(estimator, name), name, choices)
    for name in ("early_stopping", "warm_start"):
        check_scalar(getattr(estimator, name), name, (bool, np.bool_))
    if estimator.embedding_dim < estimator.n_networks:
        raise ValueError(
            f"embedding_dim == {estimator.embedding_dim}, must be >= n_networks == "
            f"{estimator.n_networks}, among which it is divided."
        )
    if estimator.embedding_dim == 1 and estimator.norm is not None:
        raise ValueError(
            f"embedding_dim == 1, must be >= 2 with norm == {estimator.norm!r}, which would leave "
            "only the sign; or set norm=None."
        )
    _check_network(estimator.network)
    _check_augmentation(estimator.augmentation)
    if estimator.callbacks is not None:
        # Imported here, because it loads skorch.
        from .._training.callbacks import check_callbacks

        check_callbacks(estimator.callbacks, early_stopping=estimator.early_stopping)
    _check_class_weight(estimator.class_weight)
    check_scalar(estimator.device, "device", str)
    if is_device_needed:
        resolve_device(estimator.device)
    elif not is_device_name(estimator.device):
        raise ValueError(
            f"device == {estimator.device!r:.200}, must be 'auto', 'cpu' or a CUDA GPU, such as "
            "'cuda:1'"
        )


def is_table(network: Any) -> bool:
    """Return whether a network takes tables rather than spectrograms."""
    return network == "mlp" or isinstance(network, FeatureMLP)


def augmentation_of(estimator: Any) -> Callable[..., Any] | None:
    """Return the augmentation of an estimator as an object."""
    is_default = isinstance(estimator.augmentation, str)
    return SpectrogramAugmentation() if is_default else estimator.augmentation


def network_spec(
    estimator: Any, n_coefficients: int, n_classes: int, layout: MFCCLayout | None, *, seed: int
) -> NetworkSpec:
    """Describe the ensemble that an estimator trains.

    Parameters
    ----------
    estimator : CNNEmbedder
    n_coefficients : int > 0
        Number of rows of X, which are divided among the channels.
    n_classes : int >= 2
    layout : MFCCLayout or None
        Meaning of the rows of X; if None, they are one channel.
    """
    network = estimator.network
    if isinstance(network, str):
        network = OBJECTS["network"][network]()
    arguments: Mapping[str, Any]
    if isinstance(network, SpectrogramCNN):
        kind = "cnn"
        arguments = {"channels": tuple(network.channels), "se_ratio": network.se_ratio}
    elif isinstance(network, FeatureMLP):
        kind, layout = "mlp", None
        arguments = {"hidden_layer_sizes": tuple(network.hidden_layer_sizes)}
    else:
        kind, arguments = "custom", {"factory": network}
    n_channels = 1 if layout is None else 1 + layout.deltas
    return NetworkSpec(
        kind=kind,
        n_rows=n_coefficients // n_channels,
        n_channels=n_channels,
        n_classes=n_classes,
        embedding_dim=estimator.embedding_dim,
        n_networks=estimator.n_networks,
        dropout=estimator.dropout,
        arguments=arguments,
        layout=layout,
        seed=seed,
    )


def training_options(estimator: Any) -> TrainingOptions:
    """Return the settings of training."""
    # Imported here, because prediction needs no training code.
    from .._training.options import TrainingOptions

    return TrainingOptions(
        max_epochs=estimator.max_epochs,
        batch_size=estimator.batch_size,
        lr=estimator.lr,
        warmup=estimator.warmup,
        lr_schedule=estimator.lr_schedule,
        weight_decay=estimator.weight_decay,
        weight_averaging=estimator.weight_averaging,
        label_smoothing=estimator.label_smoothing,
        early_stopping=estimator.early_stopping,
        validation_fraction=estimator.validation_fraction,
        n_iter_no_change=estimator.n_iter_no_change,
        callbacks=estimator.callbacks,
        device=estimator.device,
        precision=estimator.precision,
        verbose=estimator.verbose,
    )


def class_weight_by_index(
    class_weight: dict[Any, float] | str | None, classes: NDArray[Any]
) -> dict[int, float] | str | None:
    """Return class weights by class index instead of label."""
    if not isinstance(class_weight, dict):
        return class_weight
    known = classes.tolist()
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        warnings.warn(
            f"class_weight names {unknown[0]!r:.200}, which is not a label of y; expected some of "
            f"{listed(known)}",
            UserWarning,
            stacklevel=find_stack_level(),
        )
    return {index: class_weight.get(label, 1.0) for index, label in enumerate(known)}


def _check_network(network: Any) -> None:
    if isinstance(network, (SpectrogramCNN, FeatureMLP)):
        network._check_params()
    elif isinstance(network, str):
        check_choice(network, "network", OBJECTS["network"])
    elif not callable(network) or _is_module(network) or network in (SpectrogramCNN, FeatureMLP):
        raise TypeError(
            f"network is {network!r:.80}; expected 'cnn', 'mlp', a SpectrogramCNN, a "
            "FeatureMLP, or a torch.nn.Module class or callable that returns a new module for "
            "(n_channels, n_rows)"
        )


def _is_module(network: Any) -> bool:
    # An instance would be shared by all networks, clones and fits.
    from torch import nn

    return isinstance(network, nn.Module)


def _check_augmentation(augmentation: Any) -> None:
    if isinstance(augmentation, SpectrogramAugmentation):
        augmentation._check_params()
    elif isinstance(augmentation, str):
        check_choice(augmentation, "augmentation", OBJECTS["augmentation"])
    elif augmentation is not None and (
        not callable(augmentation) or isinstance(augmentation, type)
    ):
        raise TypeError(
            f"augmentation is {augmentation!r:.80}; expected 'default', a "
            "SpectrogramAugmentation, a callable (batch, rng) that returns a batch, or None"
        )


def _check_class_weight(class_weight: Any) -> None:
    if not isinstance(class_weight, dict):
        check_choice(class_weight, "class_weight", (None, "balanced"))
        return
    for label, weight in class_weight.items():
        check_scalar(weight, f"class_weight[{label!r:.200}]", Real, min_val=0)
        check_finite(weight, f"class_weight[{label!r:.200}]")
