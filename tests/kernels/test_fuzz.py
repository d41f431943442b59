"""Random calls of the installed kernels; ``make test-sanitize`` makes many more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import _kernels

from .calls import backward_call, check_backward, check_forward, check_mel, forward_call, mel_call
from .fuzz import check_threads, fuzz

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=50)
needs_mel = pytest.mark.skipif(_kernels.mel is None, reason="the kernel is not in use")
needs_norm = pytest.mark.skipif(_kernels.norm is None, reason="the kernel is not in use")


@needs_mel
@given(seed=seeds)
@few
def test_mel_power(seed):
    fuzz(lambda rng: mel_call(_kernels.mel, rng), check_mel, seed)


@needs_norm
@given(seed=seeds)
@few
def test_forward(seed):
    fuzz(lambda rng: forward_call(_kernels.norm, rng), check_forward, seed)


@needs_norm
@given(seed=seeds)
@few
def test_backward(seed):
    fuzz(lambda rng: backward_call(_kernels.norm, rng), check_backward, seed)


@needs_mel
def test_indexes_that_another_thread_changes():
    check_threads(_kernels.mel, np.random.default_rng(0))
