"""Training callbacks: learning rate, weight averaging, progress."""

from __future__ import annotations

import inspect
import math
import sys
from typing import Any

from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_swa_avg_fn
from tqdm.auto import tqdm

__all__ = ["Progress", "WeightAveraging", "check_callbacks", "class_of", "learning_rate_factor"]

# Fraction of the peak at which a cosine ends, so that the last step still learns.
_MIN_FACTOR = 1e-4
# Values that a callback can monitor only if there are validation clips.
_VALIDATION_SCORES = ("valid_loss", "valid_loss_best", "valid_accuracy", "valid_accuracy_best")


class Progress(Callback):
    """Show the progress of training: a bar in a terminal, about ten lines elsewhere.

    Parameters
    ----------
    verbose : int
        1 for the bar or about ten lines, 2 or more for one line per epoch.
    label : str, default=""
        What is trained, such as "fold 2/6".
    """

    def __init__(self, verbose: int, label: str = "") -> None:
        self.verbose = verbose
        self.label = label

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Draw the empty bar."""
        self.last_line_ = 0
        self.bar_ = None
        if self.verbose == 1 and sys.stderr.isatty():
            self.bar_ = tqdm(
                total=net.max_epochs,
                desc=" ".join(["CNNEmbedder", self.label]).strip(),
                unit="epoch",
            )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Advance the bar, or print the line of the epoch if one is due."""
        epoch, last = len(net.history), net.max_epochs
        if self.bar_ is not None:
            self.bar_.set_postfix(last_losses(net), refresh=False)
            self.bar_.update()
            return
        every = 1 if self.verbose > 1 else math.ceil(last / 10)
        if epoch % every == 0 or epoch in (1, last):
            self._print_line(net)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Close the bar, or print the last line if training ended early."""
        if self.bar_ is not None:
            self.bar_.close()
        elif self.last_line_ < len(net.history):
            self._print_line(net)
        self.bar_ = None

    def _print_line(self, net: Any) -> None:
        self.last_line_, last = len(net.history), net.max_epochs
        losses = "  ".join(f"{name} {loss}" for name, loss in last_losses(net).items())
        epoch, seconds = f"{self.last_line_:>{len(str(last))}}", sum(net.history[:, "dur"])
        label = f"{self.label}, " if self.label else ""
        print(f"[CNNEmbedder] {label}epoch {epoch}/{last}  {losses}  {seconds:.0f} s", flush=True)


def last_losses(net: Any) -> dict[str, str]:
    """Return the losses of the last epoch as text."""
    row = net.history[-1]
    losses = {"loss": f"{row['train_loss']:.3f}"}
    if "valid_loss" in row:
        losses["validation"] = f"{row['valid_loss']:.3f}"
    return losses


class WeightAveraging(Callback):
    """Average the weights over the last epochs.

    Batch statistics are averaged as well.

    Parameters
    ----------
    fraction : float in (0, 1]
        Final fraction of the epochs over which the weights are averaged.
    """

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Start a new average."""
        self.average_: AveragedModel | None = None

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Add the weights to the average, in the last epochs."""
        if len(net.history) > net.max_epochs - round(self.fraction * net.max_epochs):
            if self.average_ is None:
                # One tensor after the other: the default on a GPU fails for counters, which are
                # integers.
                mean = get_swa_avg_fn()
                self.average_ = AveragedModel(net.module_, avg_fn=mean, use_buffers=True)
            self.average_.update_parameters(net.module_)

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Set the weights to the average, unless training ended before the last epochs."""
        if self.average_ is not None:
            net.module_.load_state_dict(self.average_.module.state_dict())
        self.average_ = None


def learning_rate_factor(step: int, *, n_steps: int, warmup: float, schedule: str) -> float:
    """Return the learning rate at a step as a fraction of its peak: warm-up, then a schedule.

    Parameters
    ----------
    step : int
        Number of the step, from 0.
    n_steps : int > 0
        Number of steps of training.
    warmup : float in [0, 1)
        Fraction of the steps over which the rate rises linearly.
    schedule : {"cosine", "constant"}
        Half a cosine down to zero, or the peak to the end.

    Returns
    -------
    float in (0, 1]
    """
    n_warmup = warmup * n_steps
    if step < n_warmup:
        return (step + 1) / (n_warmup + 1)
    if schedule == "constant":
        return 1.0
    progress = (step - n_warmup) / (n_steps - n_warmup)
    return max((1 + math.cos(math.pi * min(progress, 1.0))) / 2, _MIN_FACTOR)


def class_of(item: Any) -> type:
    """Return the class of a skorch callback, given as instance or class, with or without name.

    Parameters
    ----------
    item : object

    Returns
    -------
    type
        For any other object, its own class.
    """
    callback = _without_name(item)
    return callback if isinstance(callback, type) else type(callback)


def check_callbacks(callbacks: Any, *, early_stopping: bool) -> None:
    """Raise unless these are None or callbacks whose monitored score exists.

    Parameters
    ----------
    callbacks : object
    early_stopping : bool
        Whether there are validation clips to monitor.
    """
    is_list = isinstance(callbacks, (list, tuple))
    if not is_list and callbacks is not None:
        raise TypeError(
            f"callbacks == {callbacks!r:.200}, must be a list of skorch callbacks or None."
        )
    for item in callbacks if is_list else ():
        if not issubclass(class_of(item), Callback):
            raise TypeError(
                f"callbacks contains {item!r:.200}, must contain skorch callbacks or "
                "(name, callback)."
            )
        monitored = _monitored_by(_without_name(item))
        if monitored in _VALIDATION_SCORES and not early_stopping:
            of_training = "train_loss_best" if monitored.endswith("_best") else "train_loss"
            raise ValueError(
                f"callbacks contains {class_of(item).__name__} with monitor == {monitored!r:.60}, "
                "but there are no validation clips; set early_stopping=True, which sets clips "
                f"aside, or monitor={of_training!r}."
            )


def _without_name(item: Any) -> Any:
    is_named = isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)
    return item[1] if is_named else item


def _monitored_by(callback: Any) -> Any:
    if not isinstance(callback, type):
        return getattr(callback, "monitor", None)
    parameter = inspect.signature(callback).parameters.get("monitor")
    return parameter and parameter.default
