"""Conditions that a user names or passes."""

from functools import partial

import numpy as np
import pytest

from ser_estimators.conditions import add_white_noise, amplify, standard_conditions
from ser_estimators.evaluation._conditions import check_conditions


class Microphone:
    """A condition that is an object, with a method and a call."""

    def __call__(self, waveform, sr, *, rng):
        return waveform

    def record(self, waveform, sr):
        return waveform


def named(conditions):
    return [condition.name for condition in check_conditions(conditions)]


def needs(function):
    (condition,) = check_conditions({"mine": function})
    return condition.needs_rng, condition.needs_others


def test_standard_conditions():
    assert named("standard") == list(standard_conditions())
    found = {one.name: one for one in check_conditions("standard")}
    assert (found["silence cut"].needs_rng, found["silence cut"].needs_others) == (False, False)
    assert (found["room 0.4 s"].needs_rng, found["room 0.4 s"].needs_others) == (True, False)
    assert (found["babble 20 dB"].needs_rng, found["babble 20 dB"].needs_others) == (True, True)


@pytest.mark.parametrize("kind", [list, tuple])
def test_some_by_name_in_their_order(kind):
    assert named(kind(["room 0.4 s", "gain -20 dB"])) == ["room 0.4 s", "gain -20 dB"]


def test_functions_by_name():
    assert named({"half": lambda waveform, sr: waveform / 2, **standard_conditions()})[0] == "half"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda w, sr: w, (False, False)),
        (lambda w, sr, gain=2.0: w, (False, False)),
        (lambda *arguments: arguments[0], (False, False)),
        (lambda w, sr, rng: w, (True, False)),
        (lambda w, sr, others: w, (False, True)),
        (lambda w, sr, *, others, rng=None: w, (True, True)),
        (partial(amplify, decibels=3), (False, False)),
        (partial(add_white_noise, snr=3), (True, False)),
        (partial(add_white_noise, snr=3, rng=np.random.default_rng(0)), (True, False)),
        (Microphone(), (True, False)),
        (Microphone().record, (False, False)),
        (np.fmax, (False, False)),  # has no signature in some versions of NumPy
    ],
)
def test_what_functions_take(function, expected):
    assert needs(function) == expected


@pytest.mark.parametrize(
    ("conditions", "error", "message"),
    [
        (None, TypeError, 'conditions is None .*; expected "standard", a list of their names, or'),
        (7, TypeError, r"conditions is 7 \(int\); expected"),
        (amplify, TypeError, r"conditions is <function amplify .*; expected"),
        (b"standard", TypeError, r"conditions is b'standard' \(bytes\)"),
        ("all", ValueError, "conditions is 'all'; expected \"standard\""),
        ("silence cut", ValueError, r"conditions is 'silence cut'; pass \['silence cut'\]"),
        ([], ValueError, "conditions is empty; expected"),
        ({}, ValueError, "conditions is empty; expected"),
        ([amplify], TypeError, r"conditions contains <function amplify"),
        (["gain -20dB"], ValueError, "'gain -20dB', which is not a standard condition; did you me"),
        (["qqq"], ValueError, "'qqq', which is not a standard condition; expected .* See ser_est"),
        (["silence cut"] * 2, ValueError, "conditions contains 'silence cut' twice"),
        ({1: amplify}, TypeError, "conditions has the name 1; expected names as strings"),
        ({"": amplify}, ValueError, "conditions has the name ''; expected 1 to 80 characters"),
        ({" ": amplify}, ValueError, "expected 1 to 80 characters"),
        ({"a\nb": amplify}, ValueError, "expected 1 to 80 characters in one line"),
        ({"a" * 81: amplify}, ValueError, "expected 1 to 80 characters"),
        ({"as recorded": amplify}, ValueError, "is that of the clips as they are, and is always"),
        ({"x": 3}, TypeError, r"conditions\['x'\] is 3 \(int\); expected a function of a waveform"),
        ({"x": "gain -20 dB"}, TypeError, r"conditions\['x'\] is 'gain -20 dB' \(str\)"),
        (
            {"x": amplify},
            TypeError,
            "cannot be called as function\\(waveform, sr\\): missing a req",
        ),
        ({"x": lambda w: w}, TypeError, r"a function of \(w\), which cannot be called as"),
        (
            {"x": lambda w, sr, rng, level: w},
            TypeError,
            r"called as function\(waveform, sr, rng=rng\): missing .* with functools.partial",
        ),
    ],
)
def test_what_is_refused(conditions, error, message):
    with pytest.raises(error, match=message):
        check_conditions(conditions)
