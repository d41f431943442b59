"""Stored folds come back as they were, or not at all."""

import json
import warnings
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from ser_estimators.evaluation._fold import Outcome
from ser_estimators.evaluation._plan import make_plans
from ser_estimators.evaluation._report import Fold
from ser_estimators.evaluation._sides import check_side
from ser_estimators.evaluation._store import _decode, _encode, open_store

from .equality import assert_equal

X = np.random.default_rng(0).normal(size=(24, 5))
Y = np.tile(["anger", "fear", "joy"], 8)
SPEAKERS = np.repeat(list("abcdef"), 4)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Store a fold; return its store, plan and content."""
    folder = tmp_path_factory.mktemp("stored")
    cv = [(range(12), range(12, 24))]
    (plan,) = make_plans(check_side(X, Y, SPEAKERS, ""), None, cv, False, 0)
    store = open_store(folder, DummyClassifier(), plan, param_grid=None, scoring=None)
    train, test = plan.splits[0]
    fold = Fold(train, test, 1.5, {"C": 0.1, "range": (0, None)}, [{"epoch": 1, "loss": 0.5}])
    proba = np.random.default_rng(0).random((12, 3))
    store.save(0, Outcome(fold, Y[12:], proba, np.unique(Y)))
    return store, plan, store.path_of(0).read_bytes()


def load_damaged(stored, data):
    """Load a fold from changed content: assert that it is the stored one, or run again."""
    store, plan, intact = stored
    store.path_of(0).write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = store.load(0, plan)
    store.path_of(0).write_bytes(intact)
    expected = store.load(0, plan)
    if outcome is None:
        assert len(caught) == 1
        assert "could not be used" in str(caught[0].message)
        assert "; fold 1 is run again" in str(caught[0].message)
        return
    assert not caught
    for name in ("y_pred", "probabilities", "classes"):
        assert_equal(getattr(outcome, name), getattr(expected, name))
    for field in fields(Fold):
        assert_equal(getattr(outcome.fold, field.name), getattr(expected.fold, field.name))


SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


@SHARED
@given(st.data())
def test_a_changed_byte_is_noticed(stored, data):
    content = bytearray(stored[2])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    load_damaged(stored, bytes(content))


@SHARED
@given(st.data())
def test_a_shorter_file_is_noticed(stored, data):
    load_damaged(stored, stored[2][: data.draw(st.integers(0, len(stored[2])))])


@SHARED
@given(st.binary(max_size=200))
def test_any_other_content_is_noticed(stored, content):
    load_damaged(stored, content)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.floats(width=32, allow_nan=False).map(np.float32)
    | st.integers(-9, 9).map(np.int64)
    | st.booleans().map(np.bool_)
    | st.text(alphabet="äb", max_size=3).map(np.str_),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=9,
)


@given(json_values)
def test_values_come_back_from_json_with_their_types(value):
    assert_equal(_decode(json.loads(json.dumps(_encode(value)))), value)


def test_values_that_json_cannot_represent():
    for value in (object(), [1, {2}], {"a": np.arange(3)}, 1j):
        with pytest.raises(TypeError, match="which cannot be stored as JSON"):
            _encode(value)


def test_labels_of_variable_width(stored):
    store, plan, _ = stored
    y = Y.astype(np.dtypes.StringDType())
    train, test = plan.splits[0]
    store.save(1, Outcome(Fold(train, test, 0.5), y[test], None, None))
    outcome = store.load(1, replace(plan, splits=plan.splits * 2))
    assert_equal(outcome.y_pred, y[test])
    assert outcome.probabilities is outcome.classes is None


def test_folds_that_are_not_stored(stored):
    store, plan, _ = stored
    assert store.load(7, plan) is None
    store.path_of(1).write_bytes(store.path_of(0).read_bytes())
    assert list(store.load_all(replace(plan, splits=plan.splits * 9))) == [0, 1]
