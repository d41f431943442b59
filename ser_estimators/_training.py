"""How the network is trained: skorch's loop, with batches, gradients and progress of our own."""

from __future__ import annotations

import contextlib
import copy
import math
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from ._augmentation import TrainingExamples
from ._networks import ConvolutionalTrunk, FeatureMLP, SpectrogramCNN
from ._threads import one_thread_per_operation, thread_pool
from ._training_set import count_frames

__all__ = [
    "BestWeights",
    "ClipDataset",
    "OrderedBatches",
    "Progress",
    "ShardedNet",
    "TrainingBatches",
    "predict_in_batches",
]

# A batch is cut into this many parts, whatever the number of threads, but never into parts of fewer
# clips on average than batch normalisation needs for its means.
_N_SHARDS = 4
_MIN_SHARD_CLIPS = 8


class ClipDataset(Dataset[Any]):
    """Clips of an array, each as often as it occurs, and what the network should answer.

    Arrays are indexed once for a batch instead of once for a clip, and only a batch is ever
    copied, so that they may be memory-mapped.

    Parameters
    ----------
    coefficients : ndarray of shape (n_rows, n_coefficients, n_frames)
    rows : ndarray of shape (n_clips,)
        Where each clip stands among the coefficients.
    n_frames : ndarray of shape (n_rows,)
        Frames that are not padding.
    targets : ndarray of shape (n_clips, n_classes), float32
    """

    def __init__(
        self,
        coefficients: NDArray[np.float32],
        rows: NDArray[np.int64],
        n_frames: NDArray[np.int64],
        targets: NDArray[np.float32],
    ) -> None:
        self.coefficients = coefficients
        self.rows = rows
        self.n_frames = n_frames
        self.targets = targets

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return coefficients, cut to the longest clip, and targets of some clips."""
        rows = self.rows[indices]
        longest = self.n_frames[rows].max()
        return (
            torch.from_numpy(self.coefficients[rows, :, :longest]),
            torch.from_numpy(self.targets[indices]),
        )


class TrainingBatches:
    """Batches of one epoch in random order: skorch's iterator for training.

    The batches of an epoch differ by one clip at most, so that none is too small for batch
    normalisation.

    Parameters
    ----------
    dataset : ClipDataset
    batch_size : int >= 2
        Largest number of clips in a batch, exceeded by one where a batch of one would be left.
    rng : numpy.random.Generator
        Source of the order.
    """

    def __init__(self, dataset: ClipDataset, batch_size: int, rng: np.random.Generator) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.rng = rng

    def __len__(self) -> int:
        return n_batches(len(self.dataset), self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.rng.permutation(len(self.dataset))
        for indices in np.array_split(order, len(self)):
            yield self.dataset.batch(indices)


class OrderedBatches:
    """All clips in their order: skorch's iterator for validation, and for means over the clips.

    Parameters
    ----------
    dataset : ClipDataset
    batch_size : int > 0
        Largest number of clips in a batch.
    """

    def __init__(self, dataset: ClipDataset, batch_size: int) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self.dataset), self.batch_size):
            yield self.dataset.batch(
                np.arange(start, min(start + self.batch_size, len(self.dataset)))
            )


def coefficients_of(dataset: ClipDataset, batch_size: int) -> Iterator[Tensor]:
    """Yield the coefficients of all clips, in batches cut to their longest clip."""
    return (coefficients for coefficients, _ in OrderedBatches(dataset, batch_size))


def continue_from(
    previous: SpectrogramCNN | FeatureMLP, module: SpectrogramCNN | FeatureMLP
) -> None:
    """Give a network the weights, statistics and scale of another one of the same shape."""
    try:
        module.load_state_dict(previous.state_dict())
    except RuntimeError as error:
        raise ValueError(
            "warm_start=True goes on with the network of the last fit, which has another shape; "
            "keep the parameters that make the network, or set warm_start=False"
        ) from error


class StopTraining(Exception):  # noqa: N818 - it is no error
    """Raised by a callback that ends the training."""


def _both(training: Any, validation: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Be a split of skorch's that was made before."""
    return training, validation


def n_batches(n_clips: int, batch_size: int) -> int:
    """Count the batches of an epoch, none of which has fewer than two clips."""
    count = math.ceil(n_clips / batch_size)
    return count if count == 1 or n_clips // count >= 2 else count - 1


class ShardedNet(NeuralNet):
    """skorch's training loop with augmentation, soft targets and gradients made in parallel shards.

    Each batch is cut into a fixed number of shards. Each shard runs through a replica of the
    network's trunk, which shares its weights and has batch statistics of its own; the head sees the
    whole batch. Gradients are added in the order of the shards, so that the result does not depend
    on how many threads worked on them, and several operations side by side are faster than one
    operation on several threads: they have no barriers. Batch normalisation over shards is known
    as ghost batch normalisation [1]_.

    Parameters
    ----------
    *args, **kwargs
        Those of ``skorch.NeuralNet``.
    examples : TrainingExamples
        Makes pictures and labels into what the network is trained on.
    n_threads : int > 0
        Shards that run at once.

    References
    ----------
    .. [1] E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the
       generalization gap in large batch training of neural networks", NeurIPS 2017.
    """

    def __init__(
        self, *args: Any, examples: TrainingExamples, n_threads: int, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples: Any = examples
        self.n_threads = n_threads

    def run(self, training: ClipDataset, validation: ClipDataset | None = None) -> None:
        """Train the module from the weights that it has.

        Unlike with ``fit``, an interrupt from the keyboard is not taken for the end of training;
        one that a callback raises is, as skorch's own ``EarlyStopping`` does.
        """
        if validation is not None:
            self.set_params(train_split=partial(_both, training, validation))
        self.initialize()
        try:
            self.notify("on_train_begin", X=training, y=None)
            with contextlib.suppress(StopTraining):
                self.fit_loop(training)
            self.notify("on_train_end", X=training, y=None)
        finally:
            self._release()

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; an interrupt after an epoch only ends the training."""
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as interrupt:
            if method_name != "on_epoch_end":
                raise
            raise StopTraining from interrupt

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch of training or validation, and gather the batch statistics between."""
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if training:
            gather_statistics(self.module_.trunk, self.replicas_)

    def validation_step(self, batch: tuple[Tensor, Tensor], **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch of validation clips, and the weight of the right answers."""
        coefficients, targets = (tensor.to(self.device) for tensor in batch)
        with torch.no_grad():
            logits = self.module_.eval()(coefficients)
            loss = self.get_loss(logits, targets, training=False)
        is_right = logits.argmax(dim=1) == targets.argmax(dim=1)
        weights = targets.sum(dim=1)
        self.history.record_batch("valid_right", (weights * is_right).sum().item())
        self.history.record_batch("valid_weight", weights.sum().item())
        return {"loss": loss, "y_pred": logits}

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Make the replicas and the threads."""
        super().on_train_begin(net, X, y, **kwargs)
        self.replicas_ = [replica(self.module_.trunk) for _ in range(_N_SHARDS)]
        self.pool_ = thread_pool(self.n_threads)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop if the loss is no number."""
        epoch, loss = len(self.history), np.mean(self.history[-1, "batches", :, "train_loss"])
        if not np.isfinite(loss):
            raise ValueError(
                f"Training diverged: the loss is {loss} in epoch {epoch}. Lower lr (now {self.lr})"
            )
        super().on_epoch_end(net, **kwargs)

    def _release(self) -> None:
        """End the threads and drop the replicas, which only training needs."""
        if hasattr(self, "pool_"):
            self.pool_.shutdown()
            del self.pool_, self.replicas_

    def trim_for_prediction(self) -> None:
        """Drop what only training needs, so that pickles are small."""
        super().trim_for_prediction()
        # On the CPU, so that a model trained on a GPU is saved for machines without one.
        self.module_.to("cpu")
        self.device = "cpu"
        self.module = type(self.module_)  # the instance would be pickled a second time
        self.module_.dropout.generator = None
        self.examples = self.iterator_train__rng = self.train_split = None

    def train_step_single(
        self, batch: tuple[Tensor, Tensor], **fit_params: Any
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch and leave its gradients in the parameters."""
        module = self.module_.train()
        for twin in self.replicas_:
            twin.train()
        coefficients, targets = (tensor.to(self.device) for tensor in batch)
        with torch.no_grad():
            picture, mask = module.picture(coefficients)
            picture, mask, targets = self.examples(picture, mask, targets)

        # As many chunks come out, because each has more clips than there are shards.
        n_shards = max(1, min(_N_SHARDS, len(targets) // _MIN_SHARD_CLIPS))
        shards = zip(self.replicas_, picture.chunk(n_shards), mask.chunk(n_shards), strict=False)
        outputs = list(self.pool_.map(lambda shard: shard[0](*shard[1:]), shards))

        statistics = torch.cat([output.detach() for output in outputs]).requires_grad_()
        logits = module.classify(module.embed(statistics))
        loss = self.get_loss(logits, targets, training=True)
        loss.backward()

        trunk_parameters = list(module.trunk.parameters())
        if not trunk_parameters:
            return {"loss": loss, "y_pred": logits}
        pieces = zip(outputs, statistics.grad.chunk(n_shards), strict=True)  # type: ignore[union-attr]
        gradients = self.pool_.map(
            lambda piece: torch.autograd.grad(piece[0], trunk_parameters, piece[1]), pieces
        )
        for shard in gradients:
            for parameter, gradient in zip(trunk_parameters, shard, strict=True):
                parameter.grad = (
                    gradient if parameter.grad is None else parameter.grad.add_(gradient)
                )
        return {"loss": loss, "y_pred": logits}


class BestWeights(Callback):
    """Keep the weights of the epoch with the lowest validation loss, in memory, and stop early.

    Parameters
    ----------
    n_iter_no_change : int > 0
        Training ends after so many epochs without a lower loss.
    """

    def __init__(self, n_iter_no_change: int) -> None:
        self.n_iter_no_change = n_iter_no_change

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget what an earlier training has left."""
        self.best_loss_, self.best_epoch_ = math.inf, 0
        self.best_state_: dict[str, Tensor] = {}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Look at the epoch that has ended."""
        row = net.history[-1]
        batches = row["batches"]
        row["valid_accuracy"] = sum(b["valid_right"] for b in batches if "valid_right" in b) / sum(
            b["valid_weight"] for b in batches if "valid_weight" in b
        )
        if row["valid_loss"] < self.best_loss_:
            self.best_loss_, self.best_epoch_ = row["valid_loss"], row["epoch"]
            self.best_state_ = copy.deepcopy(net.module_.state_dict())
        elif row["epoch"] - self.best_epoch_ >= self.n_iter_no_change:
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Go back to the best weights, if the loss was ever a number."""
        if self.best_state_:
            net.module_.load_state_dict(self.best_state_)


class Progress(Callback):
    """Show how training goes on: a bar in a terminal, else about ten lines, or a line an epoch.

    Parameters
    ----------
    verbose : int
        1 for the bar or ten lines, more for a line an epoch.
    """

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Draw the empty bar, if there is to be one."""
        self.bar_ = None
        if self.verbose == 1 and sys.stderr.isatty():
            self.bar_ = tqdm(total=net.max_epochs, desc="CNNEmbedder", unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Move the bar, or print the line of the epoch that has ended if its turn has come."""
        epoch, last, row = len(net.history), net.max_epochs, net.history[-1]
        losses = {"loss": f"{row['train_loss']:.3f}"}
        if "valid_loss" in row:
            losses["validation"] = f"{row['valid_loss']:.3f}"
        if self.bar_ is not None:
            self.bar_.set_postfix(losses, refresh=False)
            self.bar_.update()
            return
        every = 1 if self.verbose > 1 else math.ceil(last / 10)
        if epoch % every == 0 or epoch in (1, last):
            listed = "  ".join(f"{name} {loss}" for name, loss in losses.items())
            seconds = sum(net.history[:, "dur"])
            print(
                f"[CNNEmbedder] epoch {epoch:>{len(str(last))}}/{last}  {listed}  {seconds:.0f} s",
                flush=True,
            )

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Leave the bar as it is."""
        if self.bar_ is not None:
            self.bar_.close()
        self.bar_ = None


def learning_rate_factor(step: int, *, n_steps: int, warmup: float) -> float:
    """Share of the peak learning rate at a step: a linear rise, then half a cosine down to zero.

    Parameters
    ----------
    step : int
        From 0.
    n_steps : int > 0
        Steps of the whole training.
    warmup : float in [0, 1)
        Share of the steps in which the rate rises.

    Returns
    -------
    float in (0, 1]
    """
    n_warmup = warmup * n_steps
    if step < n_warmup:
        return (step + 1) / (n_warmup + 1)
    progress = (step - n_warmup) / (n_steps - n_warmup)
    return max((1 + math.cos(math.pi * min(progress, 1.0))) / 2, 1e-4)


def replica(trunk: ConvolutionalTrunk) -> ConvolutionalTrunk:
    """Copy a module, sharing its parameters but not its batch statistics."""
    copied = copy.deepcopy(trunk)
    for original, twin in zip(trunk.modules(), copied.modules(), strict=True):
        for name, _ in original.named_parameters(recurse=False):
            setattr(twin, name, getattr(original, name))
    return copied


@torch.no_grad()
def gather_statistics(trunk: ConvolutionalTrunk, replicas: list[ConvolutionalTrunk]) -> None:
    """Give a trunk, and all its replicas, the mean of the statistics that replicas have gathered.

    Replicas that have seen no batch since the last time are left out: small batches have fewer
    shards than there are replicas.
    """
    if not any(True for _ in trunk.buffers()):
        return
    n_before = _n_batches_seen(trunk)
    used = [twin for twin in replicas if _n_batches_seen(twin) > n_before]
    for own, *gathered in zip(trunk.buffers(), *(twin.buffers() for twin in used), strict=True):
        own.copy_(torch.stack(gathered).to(torch.float64).mean(dim=0))
    for twin in replicas:
        for own, buffer in zip(trunk.buffers(), twin.buffers(), strict=True):
            buffer.copy_(own)


def _n_batches_seen(trunk: ConvolutionalTrunk) -> int:
    return int(trunk.get_buffer("stem.norm.num_batches_tracked"))


def predict_in_batches(
    module: SpectrogramCNN | FeatureMLP,
    coefficients: NDArray[np.float32],
    *,
    batch_size: int,
    device: str,
    embed: bool,
) -> NDArray[np.float32]:
    """Run a trained network on clips, batches side by side.

    Parameters
    ----------
    module : SpectrogramCNN or FeatureMLP
        On the CPU.
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    batch_size : int > 0
    device : str
    embed : bool
        Whether to return the embedding, or else the logits.

    Returns
    -------
    ndarray of shape (n_clips, embedding_dim) or (n_clips, n_classes), float32
    """
    if device != "cpu":
        module = copy.deepcopy(module).to(device)
    module.eval()
    n_frames = count_frames(coefficients)

    @torch.inference_mode()
    def run(start: int) -> NDArray[np.float32]:
        part = slice(start, start + batch_size)
        # A copy, because torch warns of arrays that it may not write to.
        batch = torch.from_numpy(np.array(coefficients[part, :, : n_frames[part].max()]))
        embedding = module.embed(module.trunk(*module.picture(batch.to(device))))
        return (embedding if embed else module.classify(embedding)).cpu().numpy()

    with (
        one_thread_per_operation() as n_threads,
        thread_pool(n_threads if device == "cpu" else 1) as pool,
    ):
        return np.concatenate(list(pool.map(run, range(0, len(coefficients), batch_size))))
