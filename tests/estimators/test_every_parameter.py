"""Every parameter in the signatures of the estimators is validated and has an effect.

These tests fail for a new parameter until it has an entry in each table.
"""

import re
from inspect import signature

import numpy as np
import pytest
from sklearn.base import clone
from skorch.callbacks import Callback

from ser_estimators import (
    AcousticFeatures,
    AudioRanges,
    CNNEmbedder,
    EncoderEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SpectrogramAugmentation,
    SpectrogramCNN,
)

from ..encoders.helpers import save_encoder
from .helpers import make_frames

# An invalid value and a valid value other than the default of each parameter. None stands for
# parameters that do not change the result, which have separate tests.
READING = {
    "sr": (0, 8000),
    "offset": (-1, 0.1),
    "duration": (0, 0.2),
    "res_type": ("best", "soxr_lq"),
    "trim_db": (-1, 10.0),
    "loudness": (3, -30.0),
    "preemphasis": (2, 0.97),
    "memory": (3, None),
    "bytes_limit": ("much", None),
    "n_jobs": ("all", None),
    "verbose": (-1, None),
}
PROCESSING = ("trim_db", "loudness", "preemphasis")
MFCC = READING | {
    "n_mfcc": (0, 20),
    "n_fft": (0, 512),
    "win_length": (2000, 500),
    "hop_length": (0, 128),
    "window": ("triangular?", "hamming"),
    "center": ("yes", False),
    "n_mels": (0, 50),
    "fmin": (-1, 100.0),
    "fmax": (9000, 4000.0),
    "htk": (1, True),
    "mel_norm": ("l2", None),
    "dct_type": (4, 3),
    "norm": ("l2", None),
    "lifter": (-1, 22),
    "deltas": (3, 1),
    "normalization": ("max", "mean"),
    "backend": ("essentia", "librosa"),
    "memmap": (3, None),
}
ACOUSTIC = READING | {
    "features": (("loudness",), ("mfcc", "rms")),
    "statistics": (("mode",), ("max",)),
    "n_mfcc": (0, 13),
    "n_fft": (1, 512),
    "hop_length": (0, 128),
    "n_mels": (0, 50),
    "f0_min": (0, 100.0),
    "f0_max": (10, 200.0),
}
RANGES = {
    "false_alarms": (1, 0.5),
    **{name: values for name, values in READING.items() if name not in PROCESSING},
}
ENCODER = {
    "model": ("", "hubert"),
    "layers": (9, 1),
    "pooling": ((), ("mean",)),
    "speeds": ((3.0,), (1.1,)),
    "revision": (1, None),
    "local_files_only": ("yes", None),
    **{name: values for name, values in READING.items() if name not in ("sr", "preemphasis")},
    "batch_size": (0, None),
    "device": ("abacus", None),
    "precision": ("half", "bfloat16"),
}
CNN = {
    "embedding_dim": (0, 9),
    "network": ("rnn", SpectrogramCNN((4, 9))),
    "n_networks": (0, 2),
    "dropout": (1, 0.9),
    "augmentation": ("strong", None),
    "max_epochs": (0, 6),
    "batch_size": (1, 8),
    "lr": (0, 0.1),
    "warmup": (1, 0.9),
    "lr_schedule": ("linear", "constant"),
    "weight_decay": (-1, 10.0),
    "weight_averaging": (2, 1.0),
    "label_smoothing": (1, 0.9),
    "n_views": (0, 1),
    "norm": ("l1", None),
    "class_weight": ("even", {"anger": 3.0}),
    "early_stopping": ("yes", True),
    "validation_fraction": (1, None),  # with early_stopping only
    "n_iter_no_change": (0, None),
    "warm_start": ("yes", None),
    "callbacks": ("log", None),
    "device": ("abacus", None),
    "precision": ("half", "bfloat16"),
    "random_state": ("x", 1),
    "verbose": (-1, None),
}
AUGMENTATION = {
    "time_stretch": (-1, 0.9),
    "frequency_warp": (1, 0.5),
    "gain": (-1, 2.0),
    "time_mask": (2, 0.9),
    "frequency_mask": (2, 0.9),
    "time_shift": (1, 0.5),
    "mixstyle_p": (2, 0.0),
    "mixup_alpha": (-1, 5.0),
    "smoothing_p": (2, 0.9),
    "recording_p": (2, 0.0),
    "room_p": (2, 1.0),
    "noise_p": (2, 0.0),
    "noise_snr": ("loud", -10.0),
    "equalization": (-1, 0.0),
    "band_p": (2, 1.0),
    "silence_p": (2, 1.0),
}
SPECTROGRAM_CNN = {
    "channels": ((0,), (4, 9)),
    "se_ratio": (2, 0.5),
    "statistics": ("yes", True),
}
FEATURE_MLP = {"hidden_layer_sizes": ((), (5,))}
TABLES = {
    MFCCTransformer: MFCC,
    AcousticFeatures: ACOUSTIC,
    AudioRanges: RANGES,
    EncoderEmbedder: ENCODER,
    CNNEmbedder: CNN,
    SpectrogramAugmentation: AUGMENTATION,
    SpectrogramCNN: SPECTROGRAM_CNN,
    FeatureMLP: FEATURE_MLP,
}
CASES = [(cls, name, *values) for cls, table in TABLES.items() for name, values in table.items()]


def embedder(owner, **changes):
    """Return a small CNNEmbedder with changed parameters of it, its network or its augmentation."""
    parameters = {
        "network": SpectrogramCNN((4, 4, 8)),
        "embedding_dim": 8,
        "n_networks": 1,
        "max_epochs": 4,
        "batch_size": 16,
        "precision": "float32",
        "random_state": 0,
    }
    if owner is SpectrogramAugmentation:
        changes = {"recording_p": 0.9} | changes  # without it, its parameters have no effect
        parameters["augmentation"] = SpectrogramAugmentation(**changes)
    elif owner is SpectrogramCNN:
        parameters["network"] = SpectrogramCNN(**{"channels": (4, 4, 8)} | changes)
    elif owner is FeatureMLP:
        parameters["network"] = FeatureMLP(**changes)
    else:
        parameters |= changes
    return CNNEmbedder(**parameters)


def result_of(owner, **changes):
    """Return the output of an estimator for fixed data."""
    if owner in (MFCCTransformer, AcousticFeatures, AudioRanges, EncoderEmbedder):
        rng = np.random.default_rng(0)
        time = np.arange(8000) / 16000
        voice = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 9))
        clip = 0.2 * voice * np.hanning(8000) + 0.001 * rng.normal(size=8000)
        import soundfile

        soundfile.write("clip.wav", clip, 22050)  # so that it is resampled
        if owner is AudioRanges:
            names = ["clip.wav"] + [f"{number}.wav" for number in range(100)]
            for name in names[1:]:
                noise = 10 ** rng.uniform(-4, -1) * rng.normal(size=8000)
                soundfile.write(name, rng.uniform(0.05, 1) * clip + noise, 22050)
            fitted = owner(**changes).fit(names)
            return np.array([fitted.low_, fitted.high_])
        if owner is EncoderEmbedder:
            save_encoder("whisper")
            save_encoder("hubert", "hubert")
            changes = {"model": "whisper", "layers": 2, "precision": "float32"} | changes
        return np.asarray(owner(**changes).fit_transform(["clip.wav"]))
    X, y = make_frames()
    if owner is FeatureMLP:
        X = X[:, :, 0]
    cnn = embedder(owner, **changes).fit(X, y)
    return np.hstack([cnn.predict_proba(X), cnn.transform(X)])


@pytest.mark.parametrize("owner", TABLES, ids=lambda owner: owner.__name__)
def test_tables_contain_every_parameter_of_the_signature(owner):
    assert set(TABLES[owner]) == set(signature(owner).parameters)


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "other"), CASES, ids=[f"{c.__name__}-{n}" for c, n, *_ in CASES]
)
def test_error_for_an_invalid_value_names_the_parameter(owner, name, wrong, other):
    with pytest.raises((TypeError, ValueError)) as caught:
        result_of(owner, **{name: wrong})
    # check_random_state does not know the name of the parameter.
    expected = "seed" if name == "random_state" else rf"\b{name}\b"
    assert re.search(expected, str(caught.value)), caught.value


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "other"),
    [case for case in CASES if case[3] is not None or case[1] in ("mel_norm", "norm")],
    ids=[f"{c.__name__}-{n}" for c, n, _, o in CASES if o is not None or n in ("mel_norm", "norm")],
)
def test_another_value_changes_the_result(owner, name, wrong, other):
    default, changed = result_of(owner), result_of(owner, **{name: other})
    # The backends agree to 1e-3.
    least = 0 if name == "backend" else 1e-4
    assert default.shape != changed.shape or np.abs(default - changed).max() > least


def test_no_augmentation_changes_the_result():
    assert not np.allclose(result_of(CNNEmbedder), result_of(CNNEmbedder, augmentation=None))


@pytest.mark.parametrize("changes", [{"validation_fraction": 0.4}, {"n_iter_no_change": 1}])
def test_parameters_of_early_stopping_have_an_effect(changes):
    X, y = make_frames()
    default, changed = (
        embedder(CNNEmbedder, early_stopping=True, max_epochs=40, lr=0.03, **each).fit(X, y)
        for each in ({}, changes)
    )
    assert default.n_iter_ != changed.n_iter_ or not np.allclose(
        default.predict_proba(X), changed.predict_proba(X)
    )


def test_warm_start_and_callbacks_have_an_effect():
    X, y = make_frames()

    class Counter(Callback):
        epochs = 0

        def on_epoch_end(self, net, **kwargs):
            Counter.epochs += 1

    cnn = embedder(CNNEmbedder, warm_start=True, callbacks=[Counter]).fit(X, y).fit(X, y)
    assert len(cnn.history_) == Counter.epochs == 8
    assert len(clone(cnn).set_params(warm_start=False).fit(X, y).fit(X, y).history_) == 4
