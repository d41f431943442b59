"""The learning rate schedule; test_cnn_fitting and test_cnn_callbacks test other callbacks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._training.callbacks import learning_rate_factor


def rates_of(n_steps, warmup, schedule):
    options = {"n_steps": n_steps, "warmup": warmup, "schedule": schedule}
    return [learning_rate_factor(step, **options) for step in range(n_steps + 1)]


@given(n_steps=st.integers(1, 300), warmup=st.floats(0, 0.9))
def test_learning_rate_rises_and_is_then_constant(n_steps, warmup):
    rates = rates_of(n_steps, warmup, "constant")
    n_warmup = int(np.ceil(warmup * n_steps))
    assert (np.diff(rates) >= 0).all()
    assert rates[0] <= 1 / (1 + warmup * n_steps)
    assert rates[n_warmup:] == [1.0] * (n_steps + 1 - n_warmup)


@given(n_steps=st.integers(1, 300), warmup=st.floats(0, 0.9))
def test_learning_rate_rises_then_falls_and_is_never_zero(n_steps, warmup):
    rates = rates_of(n_steps, warmup, "cosine")
    assert min(rates) > 0
    assert max(rates) <= 1
    peak = int(np.argmax(rates))
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    assert rates[-1] <= 1e-3
