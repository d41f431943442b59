"""SpectrogramDisplay: the three kinds of values, estimators, colors and parameters."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy.fft import idct
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ser_estimators import MFCCTransformer
from ser_estimators.display import SpectrogramDisplay

from .helpers import SR, chirp


@pytest.mark.parametrize(
    "parameters",
    [
        {"offset": 0.5},
        {"duration": 0.5},
        {"trim_db": 10.0},
        {"loudness": -30.0},
        {"preemphasis": 0.97},
        {"window": "boxcar"},
        {"win_length": 512},
        {"center": False},
        {"htk": True},
        {"mel_norm": None},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_mel_spectrogram_matches_the_mfccs_for_all_parameters(parameters):
    # With as many coefficients as mel bands the DCT is invertible.
    mfcc = MFCCTransformer(n_mfcc=64).set_params(**parameters)
    display = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    expected = idct(mfcc.transform([chirp()])[0], axis=0, norm="ortho")
    np.testing.assert_allclose(display.values, expected, atol=1e-3)
    default = SpectrogramDisplay.from_clip(chirp(), transformer=MFCCTransformer(n_mfcc=64))
    assert display.values.shape != default.values.shape or not np.allclose(
        display.values, default.values, atol=0.1
    )


def test_recovered_spectrogram_ignores_derivatives():
    plain, with_deltas = (
        SpectrogramDisplay.from_clip(
            chirp(), kind="mel_from_mfcc", transformer=MFCCTransformer(n_mfcc=20, deltas=deltas)
        )
        for deltas in (0, 2)
    )
    np.testing.assert_array_equal(with_deltas.values, plain.values)


def test_mfccs_are_the_transformers_and_colors_ignore_the_first():
    mfcc = MFCCTransformer(n_mfcc=13)
    display = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", transformer=mfcc)
    np.testing.assert_array_equal(display.values, mfcc.transform([chirp()])[0])
    assert display.mesh_.get_clim() == tuple(np.percentile(display.values[1:], [2, 98]))
    assert display.colorbar_.extend == "both"
    assert display.ax_.get_ylabel() == "Coefficient"
    assert display.ax_.get_ylim() == (-0.5, 12.5)
    one = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", transformer=MFCCTransformer(n_mfcc=1))
    one.figure_.canvas.draw()


def test_spectrogram_recovered_from_all_coefficients_is_the_original():
    mfcc = MFCCTransformer(n_mfcc=64)
    mel = SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    recovered = SpectrogramDisplay.from_clip(chirp(), kind="mel_from_mfcc", transformer=mfcc)
    np.testing.assert_allclose(recovered.values, mel.values, atol=1e-3)


def test_recovered_spectrogram_is_what_the_network_sees(pipe, voices):
    """Apart from the standardization of the rows and a common factor."""
    import torch

    display = SpectrogramDisplay.from_estimator(pipe, voices.data[0])
    frames = pipe[0].transform(voices.data[:1])
    layer = pipe[1].module_.inputs
    seen = layer(torch.from_numpy(frames))[0][0, 0].numpy() * layer.std.numpy()
    seen = seen.reshape(display.values.shape) + layer.mean.numpy().reshape(-1, 1)
    factor = np.sqrt(20 / 64)  # rows to mel bands
    np.testing.assert_allclose(display.values, factor * seen, atol=1e-3)
    assert display.values.shape[0] == 20
    assert display.hop_length == 512
    # In decibels like the mel spectrogram.
    mel = SpectrogramDisplay.from_estimator(pipe, voices.data[0], kind="mel")
    assert display.values.mean() == pytest.approx(mel.values.mean(), abs=0.01)


def test_spectrogram_finds_the_transformer(pipe, voices):
    nested = make_pipeline(pipe[:-1], LogisticRegression())
    fitted_search = GridSearchCV(make_pipeline(MFCCTransformer(), LogisticRegression()), {})
    fitted_search.best_estimator_ = pipe
    for estimator in (pipe, pipe[0], nested, GridSearchCV(pipe, {}), fitted_search):
        display = SpectrogramDisplay.from_estimator(estimator, voices.data[0], kind="mfcc")
        np.testing.assert_array_equal(display.values, pipe[0].transform(voices.data[:1])[0])
    with pytest.raises(TypeError, match="The Pipeline contains no MFCCTransformer; expected one"):
        SpectrogramDisplay.from_estimator(pipe[1:], voices.data[0])


def test_transformer_is_not_changed():
    mfcc = MFCCTransformer().fit(np.zeros((2, 100)))
    SpectrogramDisplay.from_clip(chirp(), transformer=mfcc)
    assert mfcc.n_features_in_ == 100


def test_frames_of_a_long_clip_are_averaged():
    values = np.tile(np.arange(10_000.0), (4, 1))
    display = SpectrogramDisplay(values, n_mels=4).plot(max_columns=100)
    np.testing.assert_allclose(display.mesh_.get_array()[0], 49.5 + 100 * np.arange(100))
    assert display.ax_.get_xlim() == (0, pytest.approx(9999.5 * 256 / SR))
    assert display.values is values


def test_spectrogram_parameters_are_checked():
    with pytest.raises(
        ValueError, match="kind == 'picture', must be one of 'mel', 'mfcc', 'mel_from_mfcc'"
    ):
        SpectrogramDisplay.from_clip(chirp(), kind="picture")
    with pytest.raises(
        ValueError, match="kind == 'picture', must be one of 'mel', 'mfcc', 'mel_from_mfcc'"
    ):
        SpectrogramDisplay([[0.0]], kind="picture").plot()
    with pytest.raises(TypeError, match="transformer is a Pipeline; .* Pass a pipeline to from_es"):
        SpectrogramDisplay.from_clip(chirp(), transformer=make_pipeline(MFCCTransformer()))
    with pytest.raises(ValueError, match="n_mfcc == 99, must be <= n_mels"):
        SpectrogramDisplay.from_clip(chirp(), transformer=MFCCTransformer(n_mfcc=99))
    with pytest.raises(ValueError, match=r"values has the shape \(3,\); expected \(n_rows"):
        SpectrogramDisplay([1.0, 2.0, 3.0]).plot()
    with pytest.raises(ValueError, match="max_columns == 0, must be >= 1"):
        SpectrogramDisplay.from_clip(chirp(), max_columns=0)


def test_colors_can_be_chosen():
    display = SpectrogramDisplay.from_clip(
        chirp(), kind="mfcc", cmap="viridis", colorbar=False, mesh_kwargs={"vmin": -5, "vmax": 5}
    )
    assert display.mesh_.get_clim() == (-5, 5)
    assert display.mesh_.get_cmap().name == "viridis"
    assert display.colorbar_ is None
    norm = mpl.colors.Normalize(-9, 9)
    display = SpectrogramDisplay.from_clip(chirp(), kind="mfcc", mesh_kwargs={"norm": norm})
    assert display.mesh_.get_clim() == (-9, 9)


def test_default_color_map_is_legible_in_gray():
    colors = mpl.colormaps["magma"](np.linspace(0, 1, 64))[:, :3]
    assert (np.diff(colors @ [0.2126, 0.7152, 0.0722]) > 0).all()
