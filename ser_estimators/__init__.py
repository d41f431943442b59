"""Speech emotion recognition as ordinary scikit-learn.

Public names are loaded when they are first used (PEP 562), so that importing the package costs
nothing: neither torch nor librosa nor scikit-learn is imported before it is needed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

    from . import datasets, display, evaluation, exceptions
    from ._acoustic_features import AcousticFeatures
    from ._cnn_embedder import CNNEmbedder
    from ._mfcc_transformer import MFCCTransformer
    from .pipeline import make_ser_pipeline

__version__ = "0.1.0"

__all__ = [
    "AcousticFeatures",
    "CNNEmbedder",
    "LogisticRegression",
    "MFCCTransformer",
    "datasets",
    "display",
    "evaluation",
    "exceptions",
    "make_ser_pipeline",
]

_HOMES = {
    "AcousticFeatures": "ser_estimators._acoustic_features",
    "CNNEmbedder": "ser_estimators._cnn_embedder",
    "LogisticRegression": "sklearn.linear_model",
    "MFCCTransformer": "ser_estimators._mfcc_transformer",
    "make_ser_pipeline": "ser_estimators.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in __all__:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # the next access finds it without coming here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
