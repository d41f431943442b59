"""How the network is trained: skorch's loop, with batches, gradients and progress of our own."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from ._augmentation import TrainingExamples
from ._networks import ConvolutionalTrunk, FeatureMLP, SpectrogramCNN
from ._threads import one_thread_per_operation, thread_pool

__all__ = ["EpochLog", "ShardedNet", "TrainingBatches", "count_frames"]

# A batch is cut into this many parts, whatever the number of threads, but never into parts of fewer
# clips on average than batch normalisation needs for its means.
_N_SHARDS = 4
_MIN_SHARD_CLIPS = 8


def count_frames(coefficients: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the frames of each clip up to the last that is not padding, at least one.

    Parameters
    ----------
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)

    Returns
    -------
    ndarray of shape (n_clips,), int64
    """
    n_frames = np.ones(len(coefficients), dtype=np.int64)
    for index, clip in enumerate(coefficients):
        real = np.flatnonzero(clip.any(axis=0))
        if real.size:
            n_frames[index] = real[-1] + 1
    return n_frames


class TrainingBatches:
    """Batches of one epoch in random order, cut to their longest clip: skorch's iterator.

    Arrays are indexed once for a batch instead of once for a clip, and only a batch is ever
    copied, so that they may be memory-mapped. The batches of an epoch differ by one clip at most,
    so that none is too small for batch normalisation.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        With ``X`` of shape (n_clips, n_coefficients, n_frames) and ``y`` of shape (n_clips,).
    batch_size : int >= 2
        Largest number of clips in a batch, exceeded by one where a batch of one would be left.
    n_frames : ndarray of shape (n_clips,)
        Frames of each clip.
    rng : numpy.random.Generator
        Source of the order.
    """

    def __init__(
        self, dataset: Any, batch_size: int, n_frames: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.n_frames = n_frames
        self.rng = rng

    def __len__(self) -> int:
        return n_batches(len(self.n_frames), self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.rng.permutation(len(self.n_frames))
        for indices in np.array_split(order, len(self)):
            longest = self.n_frames[indices].max()
            yield (
                torch.from_numpy(self.dataset.X[indices, :, :longest]),
                torch.from_numpy(self.dataset.y[indices]),
            )


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

    def run(self, dataset: Any) -> None:
        """Train from scratch; unlike ``fit``, an interrupt is not taken for the end of training."""
        self.initialize()
        try:
            self.notify("on_train_begin", X=dataset, y=None)
            self.fit_loop(dataset)
            self.notify("on_train_end", X=dataset, y=None)
        finally:
            self._release()

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Make the replicas and the threads."""
        super().on_train_begin(net, X, y, **kwargs)
        self.replicas_ = [replica(self.module_.trunk) for _ in range(_N_SHARDS)]
        self.pool_ = thread_pool(self.n_threads)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Gather the batch statistics of the replicas, and stop if the loss is no number."""
        gather_statistics(self.module_.trunk, self.replicas_)
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
        self.module = type(self.module_)  # the instance would be pickled a second time
        self.module_.dropout.generator = None
        self.examples = self.iterator_train__n_frames = self.iterator_train__rng = None

    def train_step_single(
        self, batch: tuple[Tensor, Tensor], **fit_params: Any
    ) -> dict[str, Tensor]:
        """Compute the loss of a batch and leave its gradients in the parameters."""
        module = self.module_.train()
        for twin in self.replicas_:
            twin.train()
        coefficients, y = (tensor.to(self.device) for tensor in batch)
        with torch.no_grad():
            picture, mask = module.picture(coefficients)
            picture, mask, targets = self.examples(picture, mask, y)

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


class EpochLog(Callback):
    """Print the loss as training goes on: about ten lines, or one an epoch.

    Parameters
    ----------
    verbose : int
        1 for about ten lines, more for a line an epoch.
    """

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print the line of the epoch that has ended, if its turn has come."""
        epoch, last = len(net.history), net.max_epochs
        every = 1 if self.verbose > 1 else math.ceil(last / 10)
        if epoch % every == 0 or epoch in (1, last):
            row = net.history[-1]
            seconds = sum(net.history[:, "dur"])
            print(
                f"[CNNEmbedder] epoch {epoch:>{len(str(last))}}/{last}  "
                f"loss {row['train_loss']:.3f}  {seconds:.0f} s",
                flush=True,
            )


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
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    batch_size : int > 0
    device : str
    embed : bool
        Whether to return the embedding, or else the logits.

    Returns
    -------
    ndarray of shape (n_clips, embedding_dim) or (n_clips, n_classes), float32
    """
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
