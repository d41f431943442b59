"""Training options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["TrainingOptions"]


@dataclass(frozen=True)
class TrainingOptions:
    """How an ensemble is trained; `CNNEmbedder` documents each setting under the same name."""

    max_epochs: int
    batch_size: int
    lr: float
    warmup: float
    lr_schedule: str
    weight_decay: float
    weight_averaging: float
    label_smoothing: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    callbacks: Sequence[Any] | None
    device: str
    precision: str
    verbose: int
