"""Checks of parameters."""

import numpy as np
import pytest

from ser_estimators._utils.checks import check_choice, check_finite


@pytest.mark.parametrize("value", ["mean", None, np.str_("mean")])
def test_a_choice_passes(value):
    check_choice(value, "normalize", ("mean", None))


def test_another_value_is_told_with_the_choices():
    with pytest.raises(ValueError, match=r"normalize == 'max', must be one of 'mean', None\."):
        check_choice("max", "normalize", ("mean", None))


@pytest.mark.parametrize("value", [0, -1.5, np.float32(3)])
def test_a_number_is_finite(value):
    check_finite(value, "gain")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told(value):
    with pytest.raises(ValueError, match=f"gain == {value}, must be finite"):
        check_finite(value, "gain")
