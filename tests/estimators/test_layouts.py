"""The layout of MFCCs, which arrays pass from one step of a pipeline to the next."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.fft import idct
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser_estimators import CNNEmbedder, FeatureMLP, MFCCTransformer, SpectrogramCNN
from ser_estimators._features.layout import layout_of
from ser_estimators._features.mfcc_array import MFCCArray

SMALL = {"network": SpectrogramCNN((4, 8)), "n_networks": 1, "embedding_dim": 8, "max_epochs": 2}


def make(**parameters):
    return MFCCTransformer(n_mfcc=13, n_mels=40, **parameters)


def spectrogram_of(cnn, frames):
    """Return the log-mel spectrogram of the first clip before standardization."""
    import torch

    layer = cnn.module_.inputs
    standardized, _ = layer(torch.from_numpy(np.array(frames[:1])))
    return (standardized * layer.std + layer.mean)[0].numpy()


def test_indexing_copies_and_pickles_preserve_the_layout(voices):
    frames = make(deltas=1).transform(voices.data[:6])
    assert isinstance(frames, np.ndarray)
    layout = layout_of(frames)
    assert (layout.deltas, layout.dct_type, layout.n_mfcc) == (1, 2, 13)
    first, second = train_test_split(frames, random_state=0)
    joblib.dump(frames, "frames.joblib")
    for kept in (
        frames[2:4],
        frames[[0, 3]],
        frames[np.arange(6) > 2],
        frames.copy(),
        first,
        second,
        pickle.loads(pickle.dumps(frames)),
        joblib.load("frames.joblib"),
        list(frames),
    ):
        assert layout_of(kept) == layout
    assert layout_of(np.asarray(frames)) is None
    assert layout_of(None) is layout_of([]) is layout_of([1, 2]) is None
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frames)), frames)


def test_memory_mapped_arrays_preserve_the_layout(voices):
    frames = make(memmap="maps").transform(voices.data[:4])
    assert layout_of(frames[1:]) == layout_of(make().transform(voices.data[:4]))
    base = frames
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_pickle_refers_to_no_private_module(voices):
    frames = make().transform(voices.data[:2])
    assert b"ser_estimators._" not in pickle.dumps(frames)
    assert type(frames) is MFCCArray


def test_derivatives_are_channels_of_the_spectrogram(voices):
    frames = make(deltas=2).transform(voices.data)
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(frames, voices.target)
    found = spectrogram_of(cnn, frames)
    assert found.shape[:2] == (3, 13)
    expected = idct(np.asarray(frames[0, 13:26]), axis=0, norm="ortho")
    real = np.asarray(frames[0]).any(axis=0)
    np.testing.assert_allclose(found[1][:, real], expected[:, real], atol=1e-2)


def test_derivatives_are_searched_in_a_grid(voices):
    pipe = make_pipeline(make(), CNNEmbedder(**SMALL, random_state=0))
    grid = {"mfcctransformer__deltas": [0, 1, 2]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(voices.data, voices.target)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    channels = [
        clone(pipe)
        .set_params(mfcctransformer__deltas=deltas)
        .fit(voices.data, voices.target)[-1]
        .module_.inputs.mean.shape[0]
        for deltas in (0, 1, 2)
    ]
    assert channels == [1, 2, 3]


@pytest.mark.parametrize("changes", [{"norm": None}, {"lifter": 22}, {"norm": None, "lifter": 5}])
def test_scaled_coefficients_give_the_same_spectrogram(voices, changes):
    plain, scaled = (make(**each).transform(voices.data) for each in ({}, changes))
    assert not np.allclose(plain, scaled, rtol=0.1)
    found = [
        spectrogram_of(CNNEmbedder(**SMALL, random_state=0).fit(frames, voices.target), frames)
        for frames in (plain, scaled)
    ]
    np.testing.assert_allclose(*found, atol=0.05)


def test_coefficients_without_an_inverse_are_refused(voices):
    pipe = make_pipeline(make(dct_type=3), CNNEmbedder(**SMALL))
    with pytest.raises(ValueError, match="X has MFCCs with dct_type=3, from which no spectrogram"):
        pipe.fit(voices.data, voices.target)


def test_missing_rows_of_derivatives_are_refused(voices):
    frames = make(deltas=1).transform(voices.data)
    with pytest.raises(ValueError, match="X has 20 rows, but n_mfcc=13 with deltas=1 makes 26"):
        CNNEmbedder(**SMALL).fit(frames[:, :20], voices.target)


def test_other_coefficients_than_in_fit_are_refused(voices):
    frames = make().transform(voices.data)
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(frames, voices.target)
    other = make(norm=None).transform(voices.data)
    with pytest.raises(
        ValueError, match="X has MFCCs with norm=None, but the network was fitted on norm='ortho'"
    ):
        cnn.predict(other)
    # A plain array has no layout and is assumed to have that of fit.
    np.testing.assert_array_equal(cnn.predict_proba(np.asarray(frames)), cnn.predict_proba(frames))


def test_fewer_coefficients_are_a_smoother_spectrogram(voices):
    frames = make().transform(voices.data)
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(frames[:, :8], voices.target)
    assert spectrogram_of(cnn, frames[:, :8]).shape[:2] == (1, 8)


def test_joined_corpora_keep_the_layout_and_other_layouts_lose_it(voices):
    frames, other = (make(deltas=deltas).transform(voices.data[:4]) for deltas in (1, 0))
    layout = layout_of(frames)
    for joined in (
        np.concatenate([frames, frames]),
        np.vstack([frames, frames]),
        np.copy(frames),
        np.pad(frames, ((0, 0), (0, 0), (0, 5))),
        2 * frames,
        pd.Series(list(frames)),
    ):
        assert layout_of(joined) == layout
    for lost in (
        frames[:, ::-1],
        frames.mean(axis=2),
        np.concatenate([frames, frames], axis=1),
        np.concatenate([frames[:, :13], other]),
        frames > 0,
        frames.argmax(axis=1),
    ):
        assert layout_of(lost) is None
    assert isinstance(frames.max(), np.floating)
    assert (frames == frames).all() is np.True_


def test_tables_of_mfccs_have_no_layout(voices):
    pipe = make_pipeline(
        make(dct_type=3),
        FunctionTransformer(lambda frames: frames.mean(axis=2)),
        CNNEmbedder(4, FeatureMLP((4,)), n_networks=1, max_epochs=1),
    )
    assert pipe.fit(voices.data, voices.target).predict(voices.data).shape == (36,)


def test_a_layout_that_fit_did_not_see_is_refused(voices):
    frames = make(deltas=1).transform(voices.data)
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(np.asarray(frames), voices.target)
    with pytest.raises(ValueError, match="X has MFCCs with deltas=1, but the network was fitted"):
        cnn.predict(frames)


@pytest.mark.parametrize("changes", [{"deltas": 1}, {"norm": None}, {"lifter": 22}])
def test_some_rows_are_refused_unless_they_are_ordinary_coefficients(voices, changes):
    frames = make(**changes).transform(voices.data)
    for rows in (frames[:, 1:], frames.transpose(0, 2, 1)):
        with pytest.raises(ValueError, match="X has .* rows, but n_mfcc=13 .* pass all rows of"):
            CNNEmbedder(**SMALL).fit(rows, voices.target)
