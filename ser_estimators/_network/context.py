"""The state of torch and numpy in which networks are trained and run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import numpy as np
import torch

__all__ = ["default_context"]


@contextlib.contextmanager
def default_context() -> Iterator[None]:
    """Use the defaults of torch and numpy, whatever the code of the caller has set.

    These are: gradients and no inference mode, no automatic mixed precision, the CPU and float32 as
    defaults, no detection of anomalies (with which torch's threads may deadlock),
    and no error for numbers that underflow to zero, as they do in every softmax. Threads of a pool
    start with the defaults.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))
        stack.enter_context(np.errstate(under="ignore"))
        stack.enter_context(_float32_by_default())
        if torch.is_anomaly_enabled():
            stack.enter_context(torch.autograd.set_detect_anomaly(False))
        # Only if needed, because it slows every operation down.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


class _Float32:
    """How many calls need float32 as the default of torch, which all threads share."""

    lock = threading.Lock()
    n_users = 0
    before = torch.float32


@contextlib.contextmanager
def _float32_by_default() -> Iterator[None]:
    """Create tensors in float32, while any thread needs it."""
    with _Float32.lock:
        if not _Float32.n_users:
            _Float32.before = torch.get_default_dtype()
        _Float32.n_users += 1
        _set_default_dtype(torch.float32)
    try:
        yield
    finally:
        with _Float32.lock:
            _Float32.n_users -= 1
            if not _Float32.n_users:
                _set_default_dtype(_Float32.before)


def _set_default_dtype(dtype: torch.dtype) -> None:
    if torch.get_default_dtype() != dtype:
        torch.set_default_dtype(dtype)
