"""MFCCTransformer: shapes, padding, parameters and one set of numbers for files and arrays."""

import re

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ser_estimators import MFCCTransformer, make_ser_pipeline

SR = 16000


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return [rng.uniform(-0.5, 0.5, n).astype(np.float32) for n in (8000, 3000, 16000)]


def test_shape_dtype_and_padding(clips):
    frames = MFCCTransformer(n_mfcc=20).fit_transform(clips)
    assert frames.shape == (3, 20, 1 + 16000 // 256)
    assert frames.dtype == np.float32
    real = (frames != 0).any(axis=1)
    assert real.sum(axis=1).tolist() == [1 + n // 256 for n in (8000, 3000, 16000)]
    assert not (np.diff(real.astype(int), axis=1) > 0).any()  # padding comes last


def test_numbers_are_librosas(clips):
    mfcc = MFCCTransformer(
        sr=22050, n_mfcc=13, n_fft=512, hop_length=128, n_mels=40, fmin=50, fmax=8000
    )
    expected = librosa.feature.mfcc(
        y=clips[0], sr=22050, n_mfcc=13, n_fft=512, hop_length=128, n_mels=40, fmin=50, fmax=8000
    )
    np.testing.assert_allclose(mfcc.transform(clips[:1])[0], expected, atol=1e-3)


def test_clip_is_the_same_alone_and_beside_others(clips):
    together = MFCCTransformer().transform(clips)
    for index, clip in enumerate(clips):
        alone = MFCCTransformer().transform([clip])[0]
        np.testing.assert_array_equal(together[index, :, : alone.shape[1]], alone)
        assert not together[index, :, alone.shape[1] :].any()


def test_files_arrays_and_lists_agree(clips):
    same = np.stack([clips[0], clips[0][::-1]])
    for number, samples in enumerate(same):
        soundfile.write(f"{number}.wav", samples, SR, subtype="FLOAT")
    expected = MFCCTransformer().transform(list(same))
    np.testing.assert_array_equal(MFCCTransformer().transform(same), expected)
    np.testing.assert_array_equal(MFCCTransformer().transform(["0.wav", "1.wav"]), expected)
    np.testing.assert_array_equal(MFCCTransformer(n_jobs=2).transform(["0.wav", "1.wav"]), expected)


def test_rate_of_the_file_hardly_matters():
    t = np.arange(48000) / 48000
    tone = 0.3 * np.sin(2 * np.pi * 300 * t) * (1 + np.sin(8 * t))
    soundfile.write("48k.wav", tone, 48000, subtype="FLOAT")
    soundfile.write("16k.wav", tone[::3], 16000, subtype="FLOAT")
    high, low = MFCCTransformer(n_mfcc=13, fmax=4000).transform(["48k.wav", "16k.wav"])
    assert np.abs(high - low)[:, 3:-3].mean() < 1.0


def test_transform_needs_no_fit_and_fit_opens_no_file(clips):
    transformer = MFCCTransformer().fit(["no_such_file.wav"])
    check_is_fitted(transformer)
    check_is_fitted(MFCCTransformer())
    assert not hasattr(transformer, "n_features_in_")
    assert len(MFCCTransformer().transform(clips)) == 3


def test_fit_on_paths_forgets_the_shape_of_an_array(clips):
    transformer = MFCCTransformer().fit(np.ones((2, 500)))
    assert transformer.n_features_in_ == 500
    with pytest.raises(
        ValueError, match="X has 400 features, but MFCCTransformer is expecting 500"
    ):
        transformer.transform(np.ones((2, 400)))
    assert len(transformer.transform(clips)) == 3
    transformer.fit(clips)
    assert len(transformer.transform(np.ones((2, 400)))) == 2


def test_unequal_lengths_of_X_and_y_are_told_before_reading():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[2, 3\]"):
        MFCCTransformer().fit(["a.wav", "b.wav"], ["anger", "anger", "fear"])


def test_fit_on_a_list_forgets_the_columns_of_a_table(clips):
    table = pd.DataFrame(np.ones((2, 500))).rename(columns=str)
    transformer = MFCCTransformer().fit(table)
    assert len(transformer.feature_names_in_) == 500
    assert len(transformer.fit(clips).transform(np.ones((2, 400)))) == 2


def test_empty_mel_bands_are_a_warning_at_every_call(clips):
    transformer = MFCCTransformer(n_fft=256, n_mels=128)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"of 128 mel bands are empty.*62.5 Hz.*Raise n_fft"):
            transformer.transform(clips)


def test_set_output_of_a_pipeline_reaches_the_table(clips):
    pipe = make_ser_pipeline(random_state=0)[:-1].set_params(
        cnn__channels=(4,), cnn__max_epochs=1, cnn__embedding_dim=3
    )
    pipe.set_output(transform="pandas")
    table = pipe.fit_transform(clips, ["a", "b", "a"])
    assert table.columns.tolist() == ["cnnembedder0", "cnnembedder1", "cnnembedder2"]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"sr": 0}, ValueError, "sr == 0, must be >= 1"),
        ({"sr": "16000"}, TypeError, "sr must be an instance of int"),
        ({"sr": 16000.0}, TypeError, "sr must be an instance of int"),
        ({"n_mfcc": 0}, ValueError, "n_mfcc == 0, must be >= 1"),
        ({"n_mfcc": 65}, ValueError, "n_mfcc == 65, must be <= n_mels == 64"),
        ({"n_fft": -1}, ValueError, "n_fft == -1"),
        ({"hop_length": 0}, ValueError, "hop_length == 0"),
        ({"n_mels": 2.5}, TypeError, "n_mels must be an instance of int"),
        ({"fmin": -1.0}, ValueError, "fmin == -1.0, must be >= 0"),
        ({"fmax": 9000}, ValueError, "fmax == 9000, must be <= 8000.0"),
        ({"fmin": 500, "fmax": 400}, ValueError, "fmin == 500 Hz, must be below fmax == 400 Hz"),
        ({"fmin": float("nan")}, ValueError, "fmin == nan Hz, must be below"),
        ({"fmax": float("nan")}, ValueError, "must be below fmax == nan Hz"),
        ({"fmax": "high"}, TypeError, "fmax must be an instance of float"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_bad_parameter_is_named(parameters, error, message, method):
    with pytest.raises(error, match=re.escape(message)):
        getattr(MFCCTransformer(**parameters), method)([np.ones(500)])


def test_parameters_change_the_result(clips):
    default = MFCCTransformer().transform(clips)
    for parameters in ({"n_fft": 512}, {"n_mels": 80}, {"fmin": 100.0}, {"fmax": 6000.0}):
        changed = clone(MFCCTransformer()).set_params(**parameters).transform(clips)
        assert changed.shape == default.shape
        assert np.abs(changed - default).max() > 1
