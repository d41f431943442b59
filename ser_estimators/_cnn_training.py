"""The training of CNNEmbedder: its parameters made into a network and skorch's loop around it."""

from __future__ import annotations

import math
from dataclasses import astuple
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from skorch.callbacks import Callback, EarlyStopping, LRScheduler, PassthroughScoring

from ._augmentation import Augmentation, Noise, TrainingExamples
from ._batches import (
    ClipDataset,
    OrderedBatches,
    TrainingBatches,
    coefficients_of,
    n_batches,
)
from ._callbacks import Progress, WeightAveraging, kind_of, learning_rate_factor
from ._devices import resolve_device, resolve_precision
from ._layers import StandardLayer
from ._networks import FeatureMLP, Networks, SpectrogramCNN
from ._training import ShardedNet, continue_from, set_precision
from ._training_set import TrainingSet, soft_targets, split_off_validation

__all__ = ["augmentation_of", "noise_of", "train"]

# Clips at once where nothing is learned: in validation, and for means over all clips.
_PASS_BATCH = 32
# Bands that MFCCs are made of where nobody says otherwise, the default of MFCCTransformer.
_N_MELS = 64


def train(
    cnn: Any,
    X: NDArray[np.float32],
    clips: TrainingSet,
    n_frames: NDArray[np.int64],
    *,
    n_classes: int,
    is_picture: bool,
    n_threads: int,
    previous: Networks | None,
) -> ShardedNet:
    """Train networks as the parameters of a CNNEmbedder say.

    Parameters
    ----------
    cnn : CNNEmbedder
        Its parameters are read and nothing is changed.
    X : ndarray of shape (n_rows, n_coefficients, n_frames)
    clips : TrainingSet
    n_frames : ndarray of shape (n_rows,)
        Frames that are not padding.
    n_classes : int >= 2
    is_picture : bool
        Whether frames follow each other in time; a table has no augmentation.
    n_threads : int > 0
    previous : Networks or None
        What a warm start goes on from.

    Returns
    -------
    ShardedNet
    """
    device = resolve_device(cnn.device)
    random_state = check_random_state(cnn.random_state)
    seed = int(random_state.randint(np.iinfo(np.int32).max))
    # A generator for weights and dropout, one for augmentation and noise, and one each for the
    # order, for mixup and MixStyle, and for the split: a change of one leaves the others.
    weights, augmentation = (torch.Generator().manual_seed(seed + i) for i in (0, 1))
    order, mixing, splitting = (np.random.default_rng([seed, i]) for i in (0, 1, 2))

    validation = None
    if cnn.early_stopping:
        clips, held_out = split_off_validation(clips, cnn.validation_fraction, splitting)
        held_out = held_out.with_copies()
        validation = ClipDataset(X, held_out.rows, n_frames, soft_targets(held_out, n_classes))
    clips = clips.with_copies()
    targets = soft_targets(clips, n_classes, cnn.label_smoothing)
    training = ClipDataset(X, clips.rows, n_frames, targets)

    # float32 also where torch's default is another.
    module = _make_module(cnn, X.shape[1], n_classes, weights).float()
    set_precision(module.trunk, resolve_precision(cnn.precision, device))
    if previous is not None:
        continue_from(previous, module)
    else:
        module.picture.fit_scale(partial(coefficients_of, training, _PASS_BATCH))
        module.start_from_shares(torch.from_numpy(targets.mean(axis=0)))
    examples = TrainingExamples(
        mixup_alpha=cnn.mixup_alpha if is_picture else 0.0,
        mixstyle_p=cnn.mixstyle_p if is_picture else 0.0,
        augmentation=augmentation_of(cnn) if is_picture else None,
        noise=noise_of(cnn, module.picture) if is_picture else None,
        generator=augmentation,
        rng=mixing,
    )
    net = ShardedNet(
        module.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=cnn.weight_decay,
        # Half the time of torch's default, which on a CPU goes through the weights one by one.
        optimizer__fused=device == "cpu" or None,
        optimizer__param_groups=[
            ("*norm*", {"weight_decay": 0.0}),
            ("*.bias", {"weight_decay": 0.0}),
        ],
        lr=cnn.lr,
        max_epochs=cnn.max_epochs,
        batch_size=cnn.batch_size,
        iterator_train=TrainingBatches,
        iterator_train__rng=order,
        iterator_valid=OrderedBatches,
        iterator_valid__batch_size=_PASS_BATCH,
        train_split=None,
        callbacks=_callbacks_of(cnn, cnn.max_epochs * n_batches(len(training), cnn.batch_size)),
        callbacks__print_log=None,
        verbose=0,
        device=device,
        examples=examples,
        n_threads=n_threads if device == "cpu" else 1,
    )
    net.run(training, validation)
    return net


def augmentation_of(cnn: Any) -> Augmentation | None:
    """Return the augmentation that the parameters ask for, None if it would change nothing."""
    augmentation = Augmentation(
        time_stretch=cnn.time_stretch,
        frequency_warp=cnn.frequency_warp,
        gain=cnn.gain,
        time_mask=cnn.time_mask,
        frequency_mask=cnn.frequency_mask,
        time_shift=cnn.time_shift,
    )
    return augmentation if any(astuple(augmentation)) else None


def noise_of(cnn: Any, picture: StandardLayer) -> Noise | None:
    """Return the noise that the parameters ask for."""
    if cnn.noise_snr is None:
        return None
    n_rows = picture.mean.shape[1]
    # A level of all 64 bands comes back from the smaller transform as sqrt(64 / n_rows) times it.
    to_decibels = math.sqrt(n_rows / _N_MELS)
    return Noise(cnn.noise_snr, picture.mean * to_decibels, picture.std * to_decibels)


def _make_module(
    cnn: Any, n_features: int, n_classes: int, generator: torch.Generator
) -> SpectrogramCNN | FeatureMLP:
    if cnn.network == "mlp":
        return FeatureMLP(
            n_features,
            n_classes,
            hidden_layer_sizes=tuple(cnn.hidden_layer_sizes),
            embedding_dim=cnn.embedding_dim,
            n_networks=cnn.n_networks,
            dropout=cnn.dropout,
            generator=generator,
        )
    return SpectrogramCNN(
        n_features,
        n_classes,
        embedding_dim=cnn.embedding_dim,
        n_networks=cnn.n_networks,
        channels=tuple(cnn.channels),
        input_channels=cnn.input_channels,
        se_ratio=cnn.se_ratio,
        dropout=cnn.dropout,
        generator=generator,
    )


def _callbacks_of(cnn: Any, n_steps: int) -> list[tuple[str, Callback] | Callback]:
    given = list(cnn.callbacks or [])
    has_schedule = any(issubclass(kind_of(callback), LRScheduler) for callback in given)
    own = [
        *([] if has_schedule else [_schedule_of(cnn, n_steps)]),
        *_keepers_of_weights(cnn),
        *([Progress(cnn.verbose)] if cnn.verbose else []),
    ]
    # Under names that no user gives a callback: skorch takes each name once.
    return [*((f"CNNEmbedder.{type(callback).__name__}", callback) for callback in own), *given]


def _schedule_of(cnn: Any, n_steps: int) -> LRScheduler:
    return LRScheduler(
        torch.optim.lr_scheduler.LambdaLR,
        lr_lambda=partial(
            learning_rate_factor,
            n_steps=n_steps,
            warmup=cnn.warmup,
            schedule=cnn.lr_schedule,
        ),
        step_every="batch",
    )


def _keepers_of_weights(cnn: Any) -> list[Callback]:
    """Return the callbacks that decide which weights are kept, if not the last ones."""
    if not cnn.early_stopping:
        averaging = WeightAveraging(cnn.weight_averaging)
        return [averaging] if cnn.weight_averaging else []
    best = EarlyStopping(patience=cnn.n_iter_no_change, threshold=0.0, load_best=True)
    return [PassthroughScoring("valid_accuracy", lower_is_better=False), best]
