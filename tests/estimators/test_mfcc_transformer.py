"""MFCCTransformer: shapes, padding, parameters, and equal results for files and arrays."""

import re

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from ser_estimators import MFCCTransformer, make_ser_pipeline
from ser_estimators._audio.reading import Reading
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

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


def test_values_equal_librosa(clips):
    mfcc = MFCCTransformer(
        sr=22050, n_mfcc=13, n_fft=512, hop_length=128, n_mels=40, fmin=50, fmax=8000
    )
    expected = librosa.feature.mfcc(
        y=clips[0], sr=22050, n_mfcc=13, n_fft=512, hop_length=128, n_mels=40, fmin=50, fmax=8000
    )
    np.testing.assert_allclose(mfcc.transform(clips[:1])[0], expected, atol=1e-3)


def test_features_of_a_clip_do_not_depend_on_other_clips(clips):
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


def test_rate_of_the_file_has_little_effect():
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


def test_fit_on_paths_resets_the_number_of_features(clips):
    transformer = MFCCTransformer().fit(np.ones((2, 500)))
    assert transformer.n_features_in_ == 500
    with pytest.raises(
        ValueError, match="X has 400 features, but MFCCTransformer is expecting 500"
    ):
        transformer.transform(np.ones((2, 400)))
    assert len(transformer.transform(clips)) == 3
    transformer.fit(clips)
    assert len(transformer.transform(np.ones((2, 400)))) == 2


def test_unequal_lengths_of_X_and_y_are_an_error_before_reading():
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[2, 3\]"):
        MFCCTransformer().fit(["a.wav", "b.wav"], ["anger", "anger", "fear"])


def test_fit_on_a_list_resets_the_feature_names(clips):
    table = pd.DataFrame(np.ones((2, 500))).rename(columns=str)
    transformer = MFCCTransformer().fit(table)
    assert len(transformer.feature_names_in_) == 500
    assert len(transformer.fit(clips).transform(np.ones((2, 400)))) == 2


def test_empty_mel_bands_cause_a_warning_in_every_call(clips):
    transformer = MFCCTransformer(n_fft=256, n_mels=128)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"of 128 mel bands are empty.*62.5 Hz.*Raise n_fft"):
            transformer.transform(clips)


def test_set_output_of_a_pipeline_applies_to_the_embedding(clips):
    pipe = make_ser_pipeline(random_state=0)[:-1].set_params(
        cnn__network__channels=(4,), cnn__max_epochs=1, cnn__embedding_dim=3
    )
    pipe.set_output(transform="pandas")
    table = pipe.fit_transform(clips, ["a", "b", "a"])
    names = ["cnnembedder0", "cnnembedder1", "cnnembedder2", "statistics_mean_0"]
    assert table.columns[:4].tolist() == names
    assert table.shape == (3, 3 + 4 * 64)


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
        ({"win_length": 2000}, ValueError, "win_length == 2000, must be <= 1024"),
        ({"window": "no such"}, ValueError, "window == 'no such', must be a window that scipy"),
        ({"mel_norm": "area"}, ValueError, "mel_norm == 'area', must be one of 'slaney', None"),
        ({"mel_norm": 0.0}, ValueError, "mel_norm == 0.0, must be > 0"),
        ({"mel_norm": float("nan")}, ValueError, "mel_norm == nan, must be finite"),
        ({"window": float("nan")}, ValueError, "window == nan of win_length == 1024 contains NaN"),
        ({"center": "no"}, TypeError, "center must be an instance of"),
        ({"htk": 1}, TypeError, "htk must be an instance of"),
        ({"n_jobs": 1.5}, TypeError, "n_jobs must be an instance of int"),
        ({"n_jobs": "2"}, TypeError, "n_jobs must be an instance of int"),
        ({"memory": ""}, ValueError, "memory is empty; expected a folder, which need not exist"),
        ({"memmap": ""}, ValueError, "memmap is ''; expected a folder, which need not"),
        ({"memmap": __file__}, ValueError, "expected a folder, which need not exist"),
        ({"dct_type": 4}, ValueError, "dct_type == 4, must be one of 1, 2, 3"),
        ({"dct_type": 1, "n_mels": 1, "n_mfcc": 1}, ValueError, "n_mels == 1, must be >= 2 for"),
        ({"norm": "l2"}, ValueError, "norm == 'l2', must be one of 'ortho', None"),
        ({"lifter": -1}, ValueError, "lifter == -1, must be >= 0"),
        ({"lifter": float("inf")}, ValueError, "lifter == inf, must be finite"),
        ({"deltas": 3}, ValueError, "deltas == 3, must be one of 0, 1, 2"),
        ({"normalization": "l2"}, ValueError, "must be one of None, 'mean', 'mean_variance'"),
        ({"offset": -0.1}, ValueError, "offset == -0.1, must be >= 0"),
        ({"offset": float("nan")}, ValueError, "offset == nan, must be finite"),
        ({"duration": 0}, ValueError, "duration == 0, must be > 0"),
        ({"res_type": "kaiser_best"}, ValueError, "res_type == 'kaiser_best', must be one of 'sox"),
        ({"trim_db": -3}, ValueError, "trim_db == -3, must be > 0"),
        ({"loudness": 3.0}, ValueError, "loudness == 3.0, must be <= 0"),
        ({"loudness": float("-inf")}, ValueError, "loudness == -inf, must be finite"),
        ({"preemphasis": 1.5}, ValueError, "preemphasis == 1.5, must be <= 1"),
        ({"backend": "torchaudio"}, ValueError, "backend == 'torchaudio', must be one of 'native'"),
        ({"memory": 3}, TypeError, "memory is 3; expected a folder, a joblib.Memory or None"),
        ({"bytes_limit": "much"}, ValueError, "bytes_limit == 'much', must be a number of bytes"),
        ({"bytes_limit": -1}, ValueError, "bytes_limit == -1, must be a number of bytes"),
        ({"memmap": 3}, TypeError, "memmap is 3; expected a folder or None"),
        ({"verbose": -1}, ValueError, "verbose == -1, must be >= 0"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_invalid_parameter_is_reported(parameters, error, message, method):
    with pytest.raises(error, match=re.escape(message)):
        getattr(MFCCTransformer(**parameters), method)([np.ones(500)])


OPTIONS = [
    {"win_length": 400},
    {"window": "hamming"},
    {"center": False},
    {"htk": True},
    {"mel_norm": None},
    {"dct_type": 3},
    {"norm": None},
    {"lifter": 22},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_equals_librosa_with_both_backends(clips, options):
    common = {"sr": SR, "n_mfcc": 13, "n_fft": 1024, "hop_length": 256, "n_mels": 64}
    native, librosas = (
        MFCCTransformer(**common | options, backend=backend).transform(clips)
        for backend in ("native", "librosa")
    )
    expected = librosa.feature.mfcc(y=clips[0], **common | options)
    np.testing.assert_array_equal(librosas[0, :, : expected.shape[1]], expected)
    np.testing.assert_allclose(native, librosas, atol=1e-3)


@pytest.mark.parametrize("backend", ["native", "librosa"])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLengthWarning")
def test_clip_shorter_than_a_frame(backend, center):
    frames = MFCCTransformer(backend=backend, center=center).transform([np.ones(700)])
    assert frames.shape == (1, 40, 3 if center else 1)


def test_offset_and_duration_of_files_and_of_waveforms(clips):
    for number, clip in enumerate(clips):
        soundfile.write(f"{number}.wav", clip, SR, subtype="FLOAT")
    paths = [f"{number}.wav" for number in range(3)]
    part = MFCCTransformer(offset=0.05, duration=0.1)
    expected = MFCCTransformer().transform([clip[800:2400] for clip in clips])
    np.testing.assert_array_equal(part.transform(clips), expected)
    np.testing.assert_array_equal(part.transform(paths), expected)
    for X in (clips, paths):
        with pytest.raises(
            AudioReadError, match=r"clip 2.*offset=0.2 s is beyond its end at 0.188 s; lower off"
        ):
            MFCCTransformer(offset=0.2).transform(X)


def test_duration_longer_than_the_clip_reads_all_of_it(clips):
    np.testing.assert_array_equal(
        MFCCTransformer(duration=100.0).transform(clips), MFCCTransformer().transform(clips)
    )


def test_resampling_quality_is_that_of_soxr(clips):
    soundfile.write("48k.wav", clips[2], 48000, subtype="FLOAT")
    for quality in ("HQ", "LQ"):
        expected = soxr.resample(clips[2], 48000, SR, quality=quality)
        np.testing.assert_allclose(
            MFCCTransformer(res_type=f"soxr_{quality.lower()}").transform(["48k.wav"]),
            MFCCTransformer().transform([expected]),
            atol=1e-3,
        )


def test_deltas_follow_the_coefficients_and_are_zero_in_padding(clips):
    plain, stacked = MFCCTransformer().transform(clips), MFCCTransformer(deltas=2).transform(clips)
    assert stacked.shape == (3, 120, plain.shape[2])
    np.testing.assert_array_equal(stacked[:, :40], plain)
    n = 1 + len(clips[1]) // 256
    np.testing.assert_allclose(
        stacked[1, 40:80, :n], librosa.feature.delta(plain[1, :, :n]), atol=1e-3
    )
    assert not stacked[1, :, n:].any()


def test_normalization_is_computed_per_clip(clips):
    frames = MFCCTransformer(normalization="mean").transform(clips)
    n = 1 + len(clips[1]) // 256
    np.testing.assert_allclose(frames[1, :, :n].mean(axis=1), 0, atol=1e-4)
    assert not frames[1, :, n:].any()
    scaled = MFCCTransformer(normalization="mean_variance").transform(clips)
    np.testing.assert_allclose(scaled[1, :, :n].std(axis=1), 1, atol=1e-3)
    # Constant changes of the spectrum are removed, such as a gain.
    louder = MFCCTransformer(normalization="mean").transform([2 * clip for clip in clips])
    np.testing.assert_allclose(louder, frames, atol=1e-2)


def test_effects_are_applied_to_the_waveform(clips):
    quiet = np.concatenate([np.zeros(9000), clips[0], np.zeros(9000)]).astype(np.float32)
    mfcc = MFCCTransformer(trim_db=40.0, loudness=-20.0, preemphasis=0.97)
    cleaned = Reading(SR, trim_db=40.0, loudness=-20.0, preemphasis=0.97).process(quiet)
    assert len(cleaned) < 12000
    np.testing.assert_array_equal(mfcc.transform([quiet]), MFCCTransformer().transform([cleaned]))


def test_silence_is_not_trimmed_and_causes_a_warning(clips):
    mfcc = MFCCTransformer(trim_db=40.0, loudness=-20.0, preemphasis=0.97)
    with pytest.warns(AudioLevelWarning, match="1 of 2 clips is silent"):
        frames = mfcc.transform([clips[0], np.zeros(8000)])
    assert frames.shape[2] >= 1 + 8000 // 256


def test_progress_bar_is_shown_on_request(clips, capsys):
    MFCCTransformer().transform(clips)
    assert capsys.readouterr().err == ""
    MFCCTransformer(verbose=1).transform(clips)
    assert "MFCC: 100%" in (shown := capsys.readouterr().err)
    assert "3/3" in shown


def test_parameters_change_the_result(clips):
    default = MFCCTransformer().transform(clips)
    for parameters in ({"n_fft": 512}, {"n_mels": 80}, {"fmin": 100.0}, {"fmax": 6000.0}):
        changed = clone(MFCCTransformer()).set_params(**parameters).transform(clips)
        assert changed.shape == default.shape
        assert np.abs(changed - default).max() > 1
