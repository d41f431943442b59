"""The training loop of skorch, with gradients computed in parallel shards."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from torch import Tensor

from .._network.custom import CustomEncoder
from .._network.ensemble import (
    Ensemble,
    average_logits,
    copy_tensors,
    set_precision,
    tensors_of,
)
from .._network.layers import seed_dropout
from .._network.threads import thread_pool
from .._utils.stack_level import is_called_by
from .augmentation import Generators, SpectrogramBatch, checked
from .batches import ClipDataset, OrderedBatches, Prefetch, coefficients_of
from .shards import Replica, cut_by_length, gather_statistics, n_shards

__all__ = ["ShardedNet", "continue_from"]

# Clips of the batch on which the trained network is checked for NaN.
_CHECKED_CLIPS = 16
# Batches in which NaN of the augmentation is looked for, if the loss is NaN.
_CHECKED_BATCHES = 10


def continue_from(previous: Ensemble, module: Ensemble) -> None:
    """Copy the weights, statistics and scale of an ensemble of the same shape."""
    try:
        copy_tensors(module, tensors_of(previous))
    except ValueError as error:
        raise ValueError(
            "warm_start=True continues the network of the last fit, which has another shape; "
            "keep the parameters of the network, or set warm_start=False"
        ) from error


# Time of the last interrupt that ended training, and the seconds after which the next one does.
_last_interrupt = -math.inf
_PATIENCE = 60.0


def _is_first_interrupt() -> bool:
    """Return whether there was none in the last minute, and remember this one.

    Two in short succession stop the program. Otherwise, a loop over many fits could not be stopped,
    because each interrupt would only end one of them.
    """
    global _last_interrupt
    before, _last_interrupt = _last_interrupt, time.monotonic()
    return _last_interrupt - before > _PATIENCE


class _StopTraining(Exception):  # noqa: N818 - it is not an error
    """A callback has ended training."""


class ShardedNet(NeuralNet):
    """skorch's training loop with augmentation, soft targets and parallel shards.

    Each batch is split into shards. Each shard runs through a replica of each encoder, which shares
    its weights but has its own batch statistics; the heads process the whole batch. Gradients are
    added in the order of the shards, so the result does not depend on the number of threads.
    Several operations in parallel are also faster than one operation on several threads, because
    they need no barriers. Batch normalization over shards is known as ghost batch normalization
    [1]_.

    Parameters
    ----------
    *args, **kwargs
        Those of ``skorch.NeuralNet``.
    augmentation : callable or None
        Changes each batch of training clips.
    rng : Generators
        Random number generators of the augmentation.
    n_threads : int > 0
        Number of shards that run in parallel.

    References
    ----------
    .. [1] E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the
       generalization gap in large batch training of neural networks", NeurIPS 2017.
    """

    def __init__(
        self,
        *args: Any,
        augmentation: Callable[[SpectrogramBatch, Generators], SpectrogramBatch] | None,
        rng: Generators,
        n_threads: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.augmentation: Any = augmentation
        self.rng: Any = rng
        self.n_threads = n_threads

    def run(self, training: ClipDataset, validation: ClipDataset | None = None) -> bool:
        """Train the module from its current weights.

        A keyboard interrupt after the first epoch ends training; earlier ones, a second one within
        a minute, and those in a search or a cross-validation are raised. It differs from the
        regular end of training, which skorch's ``EarlyStopping`` requests by raising the same
        exception.

        Returns
        -------
        bool
            Whether training was interrupted.
        """
        is_interrupted = False
        if validation is not None:
            self.set_params(train_split=predefined_split(validation))
        self.initialize()
        try:
            self.notify("on_train_begin", X=training, y=None)
            # After the callbacks, which may load a state.
            self.prepare(len(training))
            try:
                with contextlib.suppress(_StopTraining):
                    self.fit_loop(training)
            except KeyboardInterrupt:
                # A search would compare the interrupted network with complete ones.
                if is_called_by("sklearn.model_selection"):
                    raise
                if not (self._drop_unfinished_epoch() and _is_first_interrupt()):
                    raise
                is_interrupted = True
            self.notify("on_train_end", X=training, y=None)
            self._check_outputs(training)
        finally:
            self._release()
        return is_interrupted

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; after an epoch, ``EarlyStopping`` may end training."""
        if method_name != "on_epoch_end":
            super().notify(method_name, **cb_kwargs)
            return
        self.on_epoch_end(self, **cb_kwargs)
        is_end = False
        # All callbacks are called after the last epoch, whichever of them ends training.
        for _, callback in self.callbacks_:
            try:
                callback.on_epoch_end(self, **cb_kwargs)
            except KeyboardInterrupt:
                if not isinstance(callback, EarlyStopping):
                    raise
                is_end = True
        if is_end:
            raise _StopTraining

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch of training or validation; gather the batch statistics after training."""
        if training:
            iterator = self.prefetch_ = Prefetch(iterator, self.make_examples, self.pool_)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if training:
            gather_statistics(self.module_.encoders, self.replicas_)

    def validation_step(self, batch: tuple[Tensor, Tensor], **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch of validation clips, and the accuracy."""
        coefficients, targets = (tensor.to(self.device) for tensor in batch)
        module = self.module_.eval()
        with torch.no_grad():
            spectrogram, mask = module.inputs(coefficients)
            # no_grad applies to the current thread only.
            run = torch.no_grad()(lambda encoder: encoder(spectrogram, mask))
            encoded = torch.cat(list(self.pool_.map(run, module.encoders)), dim=1)
            logits = average_logits(module.classify(module.embed(encoded)))
            loss = self.get_loss(logits, targets, training=False)
        is_correct = logits.argmax(dim=1) == targets.argmax(dim=1)
        self.history.record_batch("valid_accuracy", is_correct.double().mean().item())
        return {"loss": loss, "y_pred": logits}

    def prepare(self, n_clips: int) -> None:
        """Create the replicas and the threads."""
        # A batch may be one clip larger than batch_size.
        n_replicas = n_shards(min(self.batch_size + 1, n_clips))
        self.replicas_ = [Replica(self.module_.encoders).train() for _ in range(n_replicas)]
        seed_dropout(self.replicas_, self.rng.torch)
        n_tasks = n_replicas * len(self.module_.encoders)
        self.pool_ = thread_pool(min(self.n_threads, n_tasks))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Raise if the loss is NaN or infinity."""
        epoch, loss = len(self.history), np.mean(self.history[-1, "batches", :, "train_loss"])
        if not np.isfinite(loss):
            self._check_augmentation(kwargs["dataset_train"])
            raise self._diverged(f"the loss is {loss} in epoch {epoch}")
        super().on_epoch_end(net, **kwargs)

    @torch.no_grad()
    def _check_outputs(self, training: ClipDataset) -> None:
        """Raise if outputs are NaN or infinity after the last step, which no loss reflects."""
        coefficients = next(coefficients_of(training, _CHECKED_CLIPS))
        if not self.module_.eval()(coefficients.to(self.device)).isfinite().all():
            raise self._diverged("the network returns NaN or infinity")

    def _check_augmentation(self, training: ClipDataset) -> None:
        """Raise if the augmentation returns NaN or infinity for some of the first clips."""
        for clips in islice(OrderedBatches(training, self.batch_size), _CHECKED_BATCHES):
            _, shards = self.make_examples(clips)
            if not all(spectrogram.isfinite().all() for spectrogram, _ in shards):
                raise ValueError("augmentation returned NaN or infinity; expected finite values")

    def _diverged(self, what: str) -> ValueError:
        is_custom = any(isinstance(encoder, CustomEncoder) for encoder in self.module_.encoders)
        or_else = ", or check that network returns finite values" if is_custom else ""
        return ValueError(f"Training diverged: {what}. Lower lr (now {self.lr}){or_else}")

    def _drop_unfinished_epoch(self) -> bool:
        """Remove an unfinished epoch from the history; return whether there are finished ones.

        The network keeps what it learned in the unfinished epoch.
        """
        if self.history and "dur" not in self.history[-1]:
            self.history.pop()
        if any(twin.is_used for twin in self.replicas_):
            gather_statistics(self.module_.encoders, self.replicas_)
        return len(self.history) > 0

    def _release(self) -> None:
        """Release the threads and replicas, which only training needs."""
        if hasattr(self, "pool_"):
            self.pool_.shutdown()
            del self.pool_, self.replicas_
        if hasattr(self, "prefetch_"):
            del self.prefetch_
        for _, callback in self.callbacks_:
            # It refers to the optimizer, which would be pickled with the user's callback.
            if isinstance(callback, LRScheduler):
                callback.lr_scheduler_ = None

    def trained_ensemble(self) -> Ensemble:
        """Return the module without the parts that only training needs."""
        # On the CPU, so that a model trained on a GPU loads on machines without one.
        ensemble: Ensemble = self.module_.to("cpu").eval()
        ensemble.set_generator(None)
        set_precision(ensemble.encoders, torch.float32)
        return ensemble

    @torch.no_grad()
    def make_examples(
        self, clips: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Turn a batch of coefficients and targets into shards of augmented spectrograms.

        Parameters
        ----------
        clips : (Tensor, Tensor)
            Coefficients and targets.

        Returns
        -------
        targets : Tensor of shape (n, n_classes)
            In the order of the clips in the shards.
        shards : list of (Tensor, Tensor)
            Spectrograms and their masks.
        """
        coefficients, targets = (tensor.to(self.device) for tensor in clips)
        spectrogram, mask = self.module_.inputs(coefficients)
        if self.augmentation is not None:
            inputs = self.module_.inputs
            mean, std = (rows * inputs.decibels for rows in (inputs.mean, inputs.std))
            batch = SpectrogramBatch(spectrogram, mask, targets, mean, std)
            batch = checked(self.augmentation(batch, self.rng), like=batch)
            spectrogram, mask, targets = batch.spectrogram, batch.mask, batch.targets
        shards, targets = cut_by_length(spectrogram, mask, targets)
        return targets, shards

    def train_step_single(
        self, batch: tuple[Tensor, list[tuple[Tensor, Tensor]]], **fit_params: Any
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch and accumulate its gradients in the parameters."""
        module = self.module_.train()
        targets, shards = batch
        for twin, _ in zip(self.replicas_, shards, strict=False):
            twin.is_used = True
        tasks = [
            (encoder, *shard)
            for twin, shard in zip(self.replicas_, shards, strict=False)
            for encoder in twin
        ]
        outputs = list(self.pool_.map(lambda task: task[0](*task[1:]), tasks))

        # Detached from the encoders, and concatenated in the order of a single pass.
        leaves = [output.detach().requires_grad_() for output in outputs]
        n_encoders = len(leaves) // len(shards)
        by_shard = [leaves[i : i + n_encoders] for i in range(0, len(leaves), n_encoders)]
        encoded = torch.cat([torch.cat(shard, dim=1) for shard in by_shard])
        logits = module.classify(module.embed(encoded))
        # logits (n, n_networks, n_classes): each network has its own loss
        targets = targets[:, None].expand_as(logits)
        loss = self.get_loss(logits.flatten(0, 1), targets.flatten(0, 1), training=True)
        loss.backward()

        def gradients_of(
            task: tuple[Any, ...], output: Tensor, leaf: Tensor
        ) -> list[tuple[Tensor, Tensor]]:
            # A callback such as skorch's Freezer may have frozen some, and an encoder of the user
            # need not use all.
            parameters = [p for p in task[0].parameters() if p.requires_grad]
            if not (parameters and output.requires_grad):
                return []
            found = torch.autograd.grad(output, parameters, leaf.grad, allow_unused=True)
            return [
                (parameter, gradient)
                for parameter, gradient in zip(parameters, found, strict=True)
                if gradient is not None
            ]

        gradients = list(self.pool_.map(gradients_of, tasks, outputs, leaves))
        # The threads are idle while the gradients are added and the optimizer steps.
        self.prefetch_.begin()
        for of_task in gradients:
            for parameter, gradient in of_task:
                parameter.grad = (
                    gradient if parameter.grad is None else parameter.grad.add_(gradient)
                )
        return {"loss": loss, "y_pred": logits}
