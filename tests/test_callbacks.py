"""Callbacks: the schedule of the learning rate; test_cnn_fitting sees the others at work."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._callbacks import learning_rate_factor


@given(n_steps=st.integers(1, 300), warmup=st.floats(0, 0.9))
def test_learning_rate_rises_then_falls_and_is_never_zero(n_steps, warmup):
    rates = [learning_rate_factor(s, n_steps=n_steps, warmup=warmup) for s in range(n_steps + 1)]
    assert min(rates) > 0
    assert max(rates) <= 1
    peak = int(np.argmax(rates))
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    assert rates[-1] <= 1e-3
