"""Checks of parameters."""

import numpy as np
import pytest

from ser_estimators._utils.checks import check_choice, check_finite


@pytest.mark.parametrize("value", ["mean", None, np.str_("mean")])
def test_valid_choice_passes(value):
    check_choice(value, "normalize", ("mean", None))


def test_error_for_another_value_lists_the_choices():
    with pytest.raises(ValueError, match=r"normalize == 'max', must be one of 'mean', None\."):
        check_choice("max", "normalize", ("mean", None))


@pytest.mark.parametrize("value", [0, -1.5, np.float32(3)])
def test_finite_number_passes(value):
    check_finite(value, "gain")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(value):
    with pytest.raises(ValueError, match=f"gain == {value}, must be finite"):
        check_finite(value, "gain")
