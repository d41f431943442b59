"""Checks of scikit-learn on lists of paths, because its own checks use arrays only.

Each test is named after the check that it corresponds to. The network is tested in a pipeline with
an MFCCTransformer.
"""

import copy
import pickle
from inspect import signature
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN

CNN = CNNEmbedder(8, SpectrogramCNN((4, 8)), max_epochs=3, random_state=0)
ESTIMATORS = {"mfcc": MFCCTransformer(), "mfcc+cnn": make_pipeline(MFCCTransformer(), CNN)}
METHODS = ("transform", "predict", "predict_proba", "score")

each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


@pytest.fixture
def X(voices):
    return list(voices.data)


@pytest.fixture
def y(voices):
    return voices.target


def outputs(estimator, X, y):
    """Return the output of every method, by name."""
    results = {}
    for name in METHODS:
        if hasattr(estimator, name):
            method = getattr(estimator, name)
            results[name] = method(X, y) if name == "score" else method(X)
    assert results
    return results


def steps_of(estimator):
    """Return the estimators that have the state and the parameters."""
    return [step for _, step in getattr(estimator, "steps", [("only", estimator)])]


def assert_same(actual, expected, atol=0.0):
    assert actual.keys() == expected.keys()
    for name in expected:
        if np.asarray(expected[name]).dtype.kind == "U":
            np.testing.assert_array_equal(actual[name], expected[name])
        else:
            np.testing.assert_allclose(actual[name], expected[name], atol=atol, rtol=0)


@each_estimator
def test_check_estimators_fit_returns_self(estimator, X, y):
    estimator = clone(estimator)
    assert estimator.fit(X, y) is estimator


@each_estimator
def test_check_fit_idempotent(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    first = outputs(estimator, X, y)
    assert_same(outputs(estimator.fit(X, y), X, y), first)


@each_estimator
def test_check_fit_transform_equals_fit_then_transform(estimator, X, y):
    together = clone(estimator).fit_transform(X, y)
    np.testing.assert_array_equal(together, clone(estimator).fit(X, y).transform(X))


@each_estimator
def test_check_dict_unchanged(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    before = [joblib.hash(vars(step)) for step in steps_of(estimator)]
    outputs(estimator, X, y)
    assert [joblib.hash(vars(step)) for step in steps_of(estimator)] == before


@each_estimator
def test_check_estimators_overwrite_params(estimator, X, y):
    estimator = clone(estimator)
    before = [joblib.hash(step.get_params()) for step in steps_of(estimator)]
    estimator.fit(X, y)
    assert [joblib.hash(step.get_params()) for step in steps_of(estimator)] == before


@each_estimator
def test_input_is_not_modified(estimator, X, y):
    X_before, y_before = copy.deepcopy(X), y.copy()
    outputs(clone(estimator).fit(X, y), X, y)
    assert X_before == X
    np.testing.assert_array_equal(y, y_before)


@each_estimator
def test_check_dont_overwrite_attributes(estimator, X, y):
    for step in steps_of(estimator):
        parameters = set(signature(type(step)).parameters)
        fitted = clone(step)
        data = MFCCTransformer().transform(X) if isinstance(step, CNNEmbedder) else X
        fitted.fit(data, y)
        added = {name for name in vars(fitted) if name not in parameters}
        assert all(name.endswith("_") or name.startswith("_") for name in added), added


@each_estimator
def test_check_methods_subset_invariance(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    whole = outputs(estimator, X, y)
    for name in set(whole) - {"score"}:
        for size in (1, 7):
            parts = [getattr(estimator, name)(X[i : i + size]) for i in range(0, len(X), size)]
            if name == "transform" and parts[0].ndim == 3:
                for start, part in zip(range(0, len(X), size), parts, strict=True):
                    n_frames = part.shape[2]
                    rows = slice(start, start + size)
                    np.testing.assert_array_equal(whole[name][rows, :, :n_frames], part)
            else:
                assert_same({name: np.concatenate(parts)}, {name: whole[name]}, atol=1e-5)


@each_estimator
def test_check_methods_sample_order_invariance(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = outputs(estimator, [X[i] for i in order], y[order])
    whole = outputs(estimator, X, y)
    expected = {name: v if name == "score" else v[order] for name, v in whole.items()}
    assert_same(shuffled, expected, atol=1e-5)


@each_estimator
def test_check_estimators_pickle(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    expected = outputs(estimator, X, y)
    assert_same(outputs(pickle.loads(pickle.dumps(estimator)), X, y), expected)
    joblib.dump(estimator, "estimator.joblib")
    assert_same(outputs(joblib.load("estimator.joblib"), X, y), expected)
    mapped = joblib.load("estimator.joblib", mmap_mode="r")
    assert_same(outputs(mapped, X, y), expected)
    assert_same(outputs(copy.deepcopy(estimator), X, y), expected)


@each_estimator
def test_check_clone_is_unfitted_and_equal(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    copied = clone(estimator)
    assert repr(copied) == repr(clone(estimator))
    assert_same(outputs(copied.fit(X, y), X, y), outputs(estimator, X, y))


@pytest.mark.parametrize("estimator", [ESTIMATORS["mfcc+cnn"]], ids=["mfcc+cnn"])
def test_check_estimators_unfitted(estimator, X, y):
    for name in METHODS:
        method = getattr(clone(estimator), name)
        with pytest.raises(NotFittedError):
            method(*([X, y] if name == "score" else [X]))


@pytest.mark.parametrize("estimator", [ESTIMATORS["mfcc"]], ids=["mfcc"])
def test_check_transformers_unfitted_stateless(estimator, X):
    assert clone(estimator).transform(X).shape[0] == len(X)


@pytest.mark.parametrize(
    "convert",
    [tuple, np.array, pd.Series, lambda X: [Path(path) for path in X]],
    ids=["tuple", "array", "Series", "Paths"],
)
@each_estimator
def test_check_data_not_a_list(estimator, convert, X, y):
    expected = outputs(clone(estimator).fit(X, y), X, y)
    other = convert(X)
    labels = pd.Series(y, index=range(9, 9 + len(y)))
    assert_same(outputs(clone(estimator).fit(other, labels), other, labels), expected)


@each_estimator
def test_check_fit2d_1sample(estimator, X, y):
    with_one = clone(estimator)
    if isinstance(estimator, MFCCTransformer):
        assert with_one.fit(X[:1], y[:1]).transform(X[:1]).shape[0] == 1
    else:
        with pytest.raises(ValueError, match="one class"):
            with_one.fit(X[:1], y[:1])


@each_estimator
def test_check_estimators_empty_data_messages(estimator, X):
    with pytest.raises(ValueError, match="X is empty"):
        clone(estimator).fit([], [])


@each_estimator
@pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLengthWarning")
def test_check_any_length_after_fit(estimator, X, y):
    estimator = clone(estimator).fit(X, y)
    waveforms = [np.random.default_rng(0).normal(size=n) / 10 for n in (1, 100, 40_000)]
    for result in outputs(estimator, waveforms, y[:3]).values():
        assert np.ndim(result) == 0 or len(result) == 3


@each_estimator
def test_check_n_jobs_changes_nothing(estimator, X, y):
    name = "n_jobs" if isinstance(estimator, MFCCTransformer) else "mfcctransformer__n_jobs"
    expected = outputs(clone(estimator).fit(X, y), X, y)
    parallel = clone(estimator).set_params(**{name: 2}).fit(X, y)
    assert_same(outputs(parallel, X, y), expected)


@pytest.mark.parametrize("estimator", [ESTIMATORS["mfcc+cnn"]], ids=["mfcc+cnn"])
@pytest.mark.parametrize("dtype", [str, object, "int32", "int64", "float64", bool])
def test_check_classifiers_classes(estimator, dtype, X, y):
    numbers = np.unique(y, return_inverse=True)[1]
    labels = (y if dtype in (str, object) else numbers).astype(dtype)
    estimator = clone(estimator).fit(X, labels)
    predicted = estimator.predict(X)
    assert predicted.dtype == labels.dtype
    assert set(predicted.tolist()) <= set(labels.tolist())
    np.testing.assert_array_equal(estimator.classes_, np.unique(labels))


@pytest.mark.parametrize("estimator", [ESTIMATORS["mfcc+cnn"]], ids=["mfcc+cnn"])
def test_check_classifiers_regression_target(estimator, X):
    with pytest.raises(ValueError, match="continuous"):
        clone(estimator).fit(X, np.linspace(0, 1, len(X)))
