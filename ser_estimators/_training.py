"""How networks are trained, by skorch's loop on shards of batches, and how they predict."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from torch import Tensor, nn

from ._augmentation import TrainingExamples
from ._batches import ClipDataset, MadeAhead, coefficients_of
from ._layers import ConvolutionalTrunk, clip_lengths
from ._networks import Networks, SideBySide, average_logits
from ._threads import one_thread_per_operation, thread_pool
from ._training_set import count_frames
from ._views import View

__all__ = ["ShardedNet", "continue_from", "predict_in_batches", "set_precision"]

# A batch is cut into parts of about so many clips, whatever the number of threads: enough for the
# means of batch normalisation, and few enough to stay in a processor's cache.
_SHARD_CLIPS = 16


def continue_from(previous: Networks, module: Networks) -> None:
    """Give a network the weights, statistics and scale of another one of the same shape."""
    try:
        module.load_state_dict(previous.state_dict())
    except RuntimeError as error:
        raise ValueError(
            "warm_start=True goes on with the network of the last fit, which has another shape; "
            "keep the parameters that make the network, or set warm_start=False"
        ) from error


class _StopTraining(Exception):  # noqa: N818 - it is no error
    """A callback has ended the training."""


class ShardedNet(NeuralNet):
    """skorch's training loop with augmentation, soft targets and gradients made in parallel shards.

    Each batch is cut into shards. Each shard runs through a replica of each network's trunk, which
    shares its weights and has batch statistics of its own; the heads see the whole batch. Gradients
    are added in the order of the shards, so that the result does not depend on how many threads
    worked on them, and several operations side by side are faster than one operation on several
    threads: they have no barriers. Batch normalisation over shards is known as ghost batch
    normalisation [1]_.

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

        Unlike with ``fit``, an interrupt from the keyboard is not taken for the end of training,
        which skorch's ``EarlyStopping`` asks for by raising the same exception.
        """
        if validation is not None:
            self.set_params(train_split=predefined_split(validation))
        self.initialize()
        try:
            self.notify("on_train_begin", X=training, y=None)
            # After the callbacks, which may have loaded a state.
            self.prepare(len(training))
            with contextlib.suppress(_StopTraining):
                self.fit_loop(training)
            self.notify("on_train_end", X=training, y=None)
            self._check_answers(training)
        finally:
            self._release()

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; after an epoch ``EarlyStopping`` may end the training."""
        if method_name != "on_epoch_end":
            super().notify(method_name, **cb_kwargs)
            return
        self.on_epoch_end(self, **cb_kwargs)
        is_end = False
        # All see the last epoch, whichever of them ends the training.
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
        """Run an epoch of training or validation, and gather the batch statistics between."""
        if training:
            iterator = self.ahead_ = MadeAhead(iterator, self.make_examples, self.pool_)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if training:
            gather_statistics(self.module_.trunk, self.replicas_)

    def validation_step(self, batch: tuple[Tensor, Tensor], **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of a batch of validation clips, and the share of right answers."""
        coefficients, targets = (tensor.to(self.device) for tensor in batch)
        module = self.module_.eval()
        with torch.no_grad():
            picture, mask = module.picture(coefficients)
            # inference_mode and no_grad hold for a thread alone.
            run = torch.no_grad()(lambda trunk: trunk(picture, mask))
            statistics = torch.cat(list(self.pool_.map(run, module.trunk)), dim=1)
            logits = average_logits(module.classify(module.embed(statistics)))
            loss = self.get_loss(logits, targets, training=False)
        is_right = logits.argmax(dim=1) == targets.argmax(dim=1)
        self.history.record_batch("valid_accuracy", is_right.double().mean().item())
        return {"loss": loss, "y_pred": logits}

    def prepare(self, n_clips: int) -> None:
        """Make the replicas and the threads."""
        # A batch may be one clip larger than asked for.
        n_replicas = n_shards(min(self.batch_size + 1, n_clips))
        self.replicas_ = [replica(self.module_.trunk).train() for _ in range(n_replicas)]
        n_tasks = n_replicas * len(self.module_.trunk)
        self.pool_ = thread_pool(min(self.n_threads, n_tasks))

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Stop if the loss is no number."""
        epoch, loss = len(self.history), np.mean(self.history[-1, "batches", :, "train_loss"])
        if not np.isfinite(loss):
            raise self._diverged(f"the loss is {loss} in epoch {epoch}")
        super().on_epoch_end(net, **kwargs)

    @torch.no_grad()
    def _check_answers(self, training: ClipDataset) -> None:
        """Raise if the answers are no numbers: no loss has seen what the last step did."""
        coefficients = next(coefficients_of(training, _SHARD_CLIPS))
        if not self.module_.eval()(coefficients.to(self.device)).isfinite().all():
            raise self._diverged("its answers are no numbers")

    def _diverged(self, what: str) -> ValueError:
        return ValueError(f"Training diverged: {what}. Lower lr (now {self.lr})")

    def _release(self) -> None:
        """End the threads and drop the replicas, which only training needs."""
        if hasattr(self, "pool_"):
            self.pool_.shutdown()
            del self.pool_, self.replicas_
        if hasattr(self, "ahead_"):
            del self.ahead_
        for _, callback in self.callbacks_:
            # It holds the optimizer, which would be pickled with the user's callback.
            if isinstance(callback, LRScheduler):
                callback.lr_scheduler_ = None

    def trim_for_prediction(self) -> None:
        """Drop what only training needs, so that pickles are small."""
        super().trim_for_prediction()
        # On the CPU, so that a model trained on a GPU is saved for machines without one.
        self.module_.to("cpu")
        self.device = "cpu"
        self.module = type(self.module_)  # the instance would be pickled a second time
        self.module_.set_generator(None)
        set_precision(self.module_.trunk, torch.float32)
        self.examples = self.iterator_train__rng = self.train_split = None

    @torch.no_grad()
    def make_examples(
        self, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Make a batch of coefficients and targets into targets and shards of augmented pictures.

        Parameters
        ----------
        batch : (Tensor, Tensor)

        Returns
        -------
        targets : Tensor of shape (n, n_classes)
            In the order of the clips in the shards.
        shards : list of (Tensor, Tensor)
            Pictures and their masks.
        """
        coefficients, targets = (tensor.to(self.device) for tensor in batch)
        picture, mask = self.module_.picture(coefficients)
        shards, targets = cut_by_length(*self.examples(picture, mask, targets))
        return targets, shards

    def train_step_single(
        self, batch: tuple[Tensor, list[tuple[Tensor, Tensor]]], **fit_params: Any
    ) -> dict[str, Tensor]:
        """Compute the loss of examples and leave its gradients in the parameters."""
        module = self.module_.train()
        targets, shards = batch
        tasks = [
            (trunk, *shard)
            for twin, shard in zip(self.replicas_, shards, strict=False)
            for trunk in twin
        ]
        outputs = list(self.pool_.map(lambda task: task[0](*task[1:]), tasks))

        # Cut from the trunks, and put together as one trunk would have given them.
        leaves = [output.detach().requires_grad_() for output in outputs]
        n_trunks = len(leaves) // len(shards)
        by_shard = [leaves[i : i + n_trunks] for i in range(0, len(leaves), n_trunks)]
        statistics = torch.cat([torch.cat(shard, dim=1) for shard in by_shard])
        logits = module.classify(module.embed(statistics))
        # logits (n, n_networks, n_classes): each network has a loss of its own
        targets = targets[:, None].expand_as(logits)
        loss = self.get_loss(logits.flatten(0, 1), targets.flatten(0, 1), training=True)
        loss.backward()

        def gradients_of(
            task: tuple[Any, ...], output: Tensor, leaf: Tensor
        ) -> list[tuple[Tensor, Tensor]]:
            # A callback such as skorch's Freezer may have frozen some.
            parameters = [p for p in task[0].parameters() if p.requires_grad]
            if not parameters:
                return []
            return list(
                zip(parameters, torch.autograd.grad(output, parameters, leaf.grad), strict=True)
            )

        gradients = list(self.pool_.map(gradients_of, tasks, outputs, leaves))
        # The threads have nothing to do while the gradients are added and the optimizer steps.
        self.ahead_.begin()
        for of_task in gradients:
            for parameter, gradient in of_task:
                parameter.grad = (
                    gradient if parameter.grad is None else parameter.grad.add_(gradient)
                )
        return {"loss": loss, "y_pred": logits}


def cut_by_length(
    picture: Tensor, mask: Tensor, targets: Tensor
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Cut a batch into shards of clips of similar length, each without frames that all lack.

    Parameters
    ----------
    picture : Tensor of shape (n, n_channels, n_rows, n_frames)
    mask : Tensor of shape (n, 1, 1, n_frames)
    targets : Tensor of shape (n, n_classes)

    Returns
    -------
    shards : list of (Tensor, Tensor)
        Pictures and masks, the longest first.
    targets : Tensor of shape (n, n_classes)
        In the order of the clips in the shards.
    """
    lengths, order = clip_lengths(mask).sort(descending=True, stable=True)
    sizes = shard_sizes(lengths)
    parts = [part.split(sizes) for part in (lengths, picture[order], mask[order])]
    shards = [
        (picture[..., : int(longest[0])], mask[..., : int(longest[0])])
        for longest, picture, mask in zip(*parts, strict=True)
    ]
    return shards, targets[order]


def shard_sizes(lengths: Tensor) -> list[int]:
    """Share clips out to shards that are about the same work, of half the usual clips at least.

    Parameters
    ----------
    lengths : Tensor of shape (n,)
        Frames of the clips, the longest first.

    Returns
    -------
    list of int
    """
    n_clips, n_parts = len(lengths), n_shards(len(lengths))
    total = lengths.cumsum(0, dtype=torch.float64)
    ends = [round(n_clips * part / n_parts) for part in range(n_parts + 1)]
    least = n_clips // (2 * n_parts)
    for part in range(1, n_parts):
        end = int(torch.searchsorted(total, total[-1] * part / n_parts)) + 1
        ends[part] = min(max(end, ends[part - 1] + least), n_clips - least * (n_parts - part))
    return [end - start for start, end in pairwise(ends)]


def n_shards(n_clips: int) -> int:
    """Count the parts into which a batch is cut."""
    return max(1, round(n_clips / _SHARD_CLIPS))


def replica(trunk: SideBySide) -> SideBySide:
    """Copy a module, sharing its parameters but not its batch statistics."""
    copied = copy.deepcopy(trunk)
    for original, twin in zip(trunk.modules(), copied.modules(), strict=True):
        for name, _ in original.named_parameters(recurse=False):
            setattr(twin, name, getattr(original, name))
    return copied


@torch.no_grad()
def gather_statistics(trunk: SideBySide, replicas: list[SideBySide]) -> None:
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


def _n_batches_seen(trunk: SideBySide) -> int:
    return int(next(b for name, b in trunk.named_buffers() if name.endswith("num_batches_tracked")))


def set_precision(trunk: nn.Module, precision: torch.dtype) -> None:
    """Set in what numbers the convolutions of a training are computed."""
    for module in trunk.modules():
        if isinstance(module, ConvolutionalTrunk):
            module.precision = precision


def predict_in_batches(
    module: Networks,
    coefficients: NDArray[np.float32],
    *,
    batch_size: int,
    device: str,
    embed: bool,
    views: Sequence[View],
) -> NDArray[np.float32]:
    """Run a trained network on clips, batches side by side.

    Parameters
    ----------
    module : Networks
        On the CPU.
    coefficients : ndarray of shape (n_clips, n_coefficients, n_frames)
    batch_size : int > 0
    device : str
    embed : bool
        Whether to return the embedding, or else the logits.
    views : sequence of View
        Each clip is seen in each of them; embeddings are averaged, or else probabilities.

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
        picture, mask = module.picture(batch.to(device))
        embeddings = [module.embed(module.trunk(*view(picture, mask))) for view in views]
        # embeddings (n, embedding_dim) each
        if embed:
            output = torch.stack(embeddings).mean(dim=0)
        else:
            output = average_logits(torch.cat([module.classify(e) for e in embeddings], dim=1))
        return output.cpu().numpy()

    starts = range(0, len(coefficients), batch_size)
    with (
        one_thread_per_operation() as n_threads,
        thread_pool(min(n_threads, len(starts)) if device == "cpu" else 1) as pool,
    ):
        return np.concatenate(list(pool.map(run, starts)))
