"""The state of torch and numpy in which networks are trained and run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

__all__ = ["default_context"]


@contextlib.contextmanager
def default_context() -> Iterator[None]:
    """Use the defaults of torch and numpy, whatever the code of the caller has set.

    These are: gradients and no inference mode, no automatic mixed precision, the CPU as default
    device, and no error for numbers that underflow to zero, as they do in every softmax. Threads of
    a pool start with the defaults.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        stack.enter_context(np.errstate(under="ignore"))
        # Only if needed, because it slows every operation down.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield
