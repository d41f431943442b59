"""CNNEmbedder: validation of X and y."""

import numpy as np
import pandas as pd
import pytest

from .helpers import SMALL, fit_proba, make_cnn, make_frames


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["anger"] * 48, "y has one class, 'anger'; expected at least two"),
        (["anger"] * 47, r"inconsistent numbers of samples: \[48, 47\]"),
        (["anger"] * 46 + [None, float("nan")], r"contains NaN: 2 of 48 .*\(clip 47, 48\)"),
        (np.r_[np.nan, np.arange(47) % 2], r"contains NaN: 1 of 48 .*\(clip 1\)"),
        ([None] * 48, r"\(clip 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, \.\.\.\)"),
        (np.linspace(0, 1, 48), "continuous"),
        ([pd.NA, *["anger", "fear"] * 23, "fear"], r"contains NaN: 1 of 48 .*\(clip 1\)"),
        (
            np.array(["anger", 1] * 24, dtype=object),
            "y mixes labels of different types, int and str; expected one",
        ),
        (None, "requires y to be passed"),
        (np.eye(48), "y should be a 1d array|Multioutput|multilabel"),
    ],
)
def test_invalid_labels_are_reported(frames, y, message):
    with pytest.raises(ValueError, match=message):
        make_cnn(**SMALL).fit(frames[0], y)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (["a.wav", "b.wav"], TypeError, "list of paths.*put an MFCCTransformer before this step"),
        (np.array(["a.wav", "b.wav"]), TypeError, "list of paths.*put an MFCCTransformer before"),
        (pd.Series(["a.wav", "b.wav"]), TypeError, "list of paths.*put an MFCCTransformer before"),
        ([np.ones((13, 4)), np.ones((13, 5))], ValueError, "clips of unequal shapes.*pad shorter"),
        (
            pd.Series([np.ones((13, 4)), np.ones((13, 5))]),
            ValueError,
            "clips of unequal shapes.*pad shorter",
        ),
        ([], ValueError, r"X is \[\]; expected coefficients of shape \(n_clips, n_coeff"),
        (None, ValueError, "X is None; expected coefficients of shape"),
        (np.ones((2, 13, 4, 5)), ValueError, r"X has the shape \(2, 13, 4, 5\)"),
        (np.ones((2, 13, 0)), ValueError, r"X has the shape \(2, 13, 0\)"),
        (np.full((2, 13, 4), np.nan), ValueError, "Input X contains NaN"),
    ],
)
def test_invalid_input_is_reported(fitted, X, error, message):
    with pytest.raises(error, match=message):
        make_cnn(**SMALL).fit(X, ["a", "b"])
    with pytest.raises(error, match=message):
        fitted.predict(X)


def test_clips_may_be_elements_of_a_series(fitted, frames):
    X, _ = frames
    clips = pd.Series(list(X))
    assert np.array_equal(fitted.predict_proba(clips), fitted.predict_proba(X))
    as_objects = np.empty(len(X), dtype=object)
    as_objects[:] = list(X)
    assert np.array_equal(fitted.predict_proba(as_objects), fitted.predict_proba(X))


def test_another_number_of_coefficients_is_an_error(fitted):
    with pytest.raises(ValueError, match="X has 12 features, but CNNEmbedder is expecting 13"):
        fitted.predict(np.ones((2, 12, 30)))


@pytest.mark.parametrize("n_frames", [1, 2, 3, 5])
@pytest.mark.parametrize("n_coefficients", [1, 2, 40])
def test_tiny_inputs_are_accepted(n_frames, n_coefficients):
    X, y = make_frames(20, n_coefficients, 30)
    X = X[:, :, :n_frames]
    assert np.isfinite(fit_proba(X, y, random_state=0, channels=(4, 4, 4, 4, 4))).all()


@pytest.mark.parametrize("n_clips", [2, 3, 17, 33])
def test_small_numbers_of_clips_are_accepted(n_clips):
    X, y = make_frames(n_clips)
    assert np.isfinite(fit_proba(X, y, random_state=0)).all()


def test_class_with_one_clip_is_accepted(frames):
    X, y = frames
    y = y.astype(object)
    y[3] = "fear"
    assert fit_proba(X, y, random_state=0).shape == (48, 3)


def test_clips_of_zeros_are_accepted(frames):
    X, y = frames[0].copy(), frames[1]
    X[:3] = 0
    assert np.isfinite(fit_proba(X, y, random_state=0)).all()


def test_memory_mapped_input_gives_the_same_result(frames):
    np.save("X.npy", frames[0])
    mapped = np.load("X.npy", mmap_mode="r")
    np.testing.assert_array_equal(
        fit_proba(mapped, frames[1], random_state=0), fit_proba(*frames, random_state=0)
    )


@pytest.mark.parametrize(
    "labels",
    [
        ["sad", "angry"],
        np.array(["b", "a"], dtype=object),
        [10, 30],
        np.array([2, 1], dtype=np.int32),
        [True, False],
        [-1.0, 1.0],
    ],
    ids=["str", "object", "int", "int32", "bool", "float"],
)
def test_dtype_of_labels_is_preserved(frames, labels):
    X, y = frames
    y = np.asarray(labels)[(y == "anger").astype(int)]
    cnn = make_cnn(**SMALL, random_state=0).fit(X, y)
    assert cnn.classes_.dtype == y.dtype
    assert cnn.predict(X).dtype == y.dtype
    assert set(cnn.predict(X).tolist()) <= set(y.tolist())
