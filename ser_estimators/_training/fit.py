"""Training of an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import Callback, EarlyStopping, LRScheduler, PassthroughScoring

from .._network.build import NetworkSpec, build
from .._network.devices import resolve_device, resolve_precision
from .._network.ensemble import Ensemble, set_precision
from .._utils.progress import current_progress
from .augmentation import Generators, SpectrogramBatch
from .batches import ClipDataset, OrderedBatches, TrainingBatches, coefficients_of, n_batches
from .callbacks import Progress, WeightAveraging, class_of, learning_rate_factor
from .loop import ShardedNet, continue_from
from .options import TrainingOptions
from .training_set import TrainingSet, soft_targets
from .validation import split_off_validation

__all__ = ["train"]

# Clips per batch in validation, and in passes over all clips.
_PASS_BATCH = 32


def train(
    spec: NetworkSpec,
    X: NDArray[np.float32],
    clips: TrainingSet,
    n_frames: NDArray[np.int64],
    options: TrainingOptions,
    *,
    augmentation: Callable[[SpectrogramBatch, Generators], SpectrogramBatch] | None,
    n_threads: int,
    previous: Ensemble | None = None,
) -> tuple[Ensemble, list[dict[str, Any]], bool]:
    """Train an ensemble.

    Parameters
    ----------
    spec : NetworkSpec
    X : ndarray of shape (n_rows, n_coefficients, n_frames)
    clips : TrainingSet
    n_frames : ndarray of shape (n_rows,)
        Number of frames that are not padding.
    options : TrainingOptions
    augmentation : callable or None
        Changes each training batch at random.
    n_threads : int > 0
    previous : Ensemble or None, default=None
        Ensemble from whose weights training continues.

    Returns
    -------
    ensemble : Ensemble
        On the CPU, ready for prediction.
    history : list of dict
        One entry per epoch, see ``skorch.history``.
    is_interrupted : bool
        Whether training was interrupted from the keyboard, after at least one epoch.
    """
    device = resolve_device(options.device)
    # One generator for weights and dropout, one for augmentation and noise, and one each for the
    # order, for the mixing of clips and for the split: a change of one does not affect the others.
    weights, augmenting = (torch.Generator().manual_seed(spec.seed + i) for i in (0, 1))
    order, mixing, splitting = (np.random.default_rng([spec.seed, i]) for i in (0, 1, 2))

    validation = None
    if options.early_stopping:
        clips, held_out = split_off_validation(clips, options.validation_fraction, splitting)
        held_out = held_out.with_copies()
        targets = soft_targets(held_out, spec.n_classes)
        validation = ClipDataset(X, held_out.rows, n_frames, targets)
    clips = clips.with_copies()
    targets = soft_targets(clips, spec.n_classes, options.label_smoothing)
    training = ClipDataset(X, clips.rows, n_frames, targets)

    # float32 even if the default of torch is another type.
    ensemble = build(spec, weights).float()
    precision = options.precision
    if precision == "auto" and spec.kind == "custom":
        # Some layers, such as torch.nn.GRU, do not round the same in every thread in bfloat16.
        precision = "float32"
    set_precision(ensemble.encoders, resolve_precision(precision, device))
    if previous is not None:
        continue_from(previous, ensemble)
    else:
        ensemble.inputs.fit_scale(partial(coefficients_of, training, _PASS_BATCH))
        ensemble.set_prior(torch.from_numpy(targets.mean(axis=0)))
    n_steps = options.max_epochs * n_batches(len(training), options.batch_size)
    net = ShardedNet(
        ensemble.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=options.weight_decay,
        # Twice as fast as the default, which updates the parameters one by one on a CPU.
        optimizer__fused=device == "cpu" or None,
        optimizer__param_groups=[(name, {"weight_decay": 0.0}) for name in _not_decayed(ensemble)],
        lr=options.lr,
        max_epochs=options.max_epochs,
        batch_size=options.batch_size,
        iterator_train=TrainingBatches,
        iterator_train__rng=order,
        iterator_valid=OrderedBatches,
        iterator_valid__batch_size=_PASS_BATCH,
        train_split=None,
        callbacks=_callbacks_of(options, n_steps),
        callbacks__print_log=None,
        verbose=0,
        device=device,
        augmentation=augmentation,
        rng=Generators(augmenting, mixing),
        n_threads=n_threads if device == "cpu" else 1,
    )
    is_interrupted = net.run(training, validation)
    return net.trained_ensemble(), list(net.history), is_interrupted


def _not_decayed(ensemble: Ensemble) -> list[str]:
    """Return patterns of the names of biases and normalization, which have no weight decay."""
    patterns = ["*norm*", "*.bias"]
    names = [name for name, parameter in ensemble.named_parameters() if parameter.ndim < 2]
    return patterns + [
        name for name in names if not any(fnmatch(name, pattern) for pattern in patterns)
    ]


def _callbacks_of(options: TrainingOptions, n_steps: int) -> list[tuple[str, Callback] | Callback]:
    given = list(options.callbacks or [])
    progress = current_progress()
    verbose = max(options.verbose, progress.verbose)
    has_schedule = any(issubclass(class_of(callback), LRScheduler) for callback in given)
    own = [
        *([] if has_schedule else [_schedule_of(options, n_steps)]),
        *_weight_keepers(options),
        *([Progress(verbose, progress.label)] if verbose else []),
    ]
    # With names that users do not choose, because skorch requires unique names.
    return [*((f"CNNEmbedder.{type(callback).__name__}", callback) for callback in own), *given]


def _schedule_of(options: TrainingOptions, n_steps: int) -> LRScheduler:
    return LRScheduler(
        torch.optim.lr_scheduler.LambdaLR,
        lr_lambda=partial(
            learning_rate_factor,
            n_steps=n_steps,
            warmup=options.warmup,
            schedule=options.lr_schedule,
        ),
        step_every="batch",
    )


def _weight_keepers(options: TrainingOptions) -> list[Callback]:
    """Return the callbacks that replace the last weights by better ones."""
    if not options.early_stopping:
        averaging = WeightAveraging(options.weight_averaging)
        return [averaging] if options.weight_averaging else []
    best = EarlyStopping(patience=options.n_iter_no_change, threshold=0.0, load_best=True)
    return [PassthroughScoring("valid_accuracy", lower_is_better=False), best]
