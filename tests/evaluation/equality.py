"""Exact comparison of results."""

import numpy as np


def assert_equal(one, two):
    """Assert that two values have the same content and types; estimators only the same type."""
    if isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    elif isinstance(one, dict):
        assert list(one) == list(two)
        for key, value in one.items():
            assert_equal(value, two[key])
    elif isinstance(one, (list, tuple)):
        assert type(one) is type(two)
        for a, b in zip(one, two, strict=True):
            assert_equal(a, b)
    else:
        assert type(one) is type(two)
        assert hasattr(one, "get_params") or one == two
