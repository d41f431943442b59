"""AcousticFeatures: columns and names, files and waveforms, searches, cache and invalid input."""

import re
import shutil

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from ser_estimators import AcousticFeatures, CNNEmbedder, FeatureMLP
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

from ..helpers import Opens, needs_inotify

GROUPS = AcousticFeatures().features


@pytest.fixture
def clips(voices):
    return [soundfile.read(path, dtype="float32")[0] for path in voices.data[:4]]


def test_table_has_a_named_column_for_every_feature_and_statistic(clips):
    acoustic = AcousticFeatures()
    table = acoustic.fit_transform(clips)
    names = acoustic.get_feature_names_out()
    assert table.shape == (4, len(names))
    assert table.dtype == np.float32
    assert np.isfinite(table).all()
    assert len(set(names)) == len(names)
    assert names[:2].tolist() == ["mfcc_0_mean", "mfcc_0_std"]
    for name in ("mfcc_delta2_19_slope", "chroma_C#_p50", "f0_mean", "voicing_range", "jitter_p50"):
        assert name in names


def test_values_equal_librosa(clips):
    acoustic = AcousticFeatures(
        features=("centroid", "mfcc", "zero_crossing_rate"),
        statistics=("mean", "p90"),
        trim_db=None,
    )
    table = pd.DataFrame(acoustic.transform(clips), columns=acoustic.get_feature_names_out())
    options = {"sr": 16000, "n_fft": 1024, "hop_length": 256}
    for row, clip in enumerate(clips):
        centroid = librosa.feature.spectral_centroid(y=clip, pad_mode="constant", **options)
        mfcc = librosa.feature.mfcc(y=clip, n_mfcc=20, n_mels=64, **options)
        crossings = librosa.feature.zero_crossing_rate(clip, frame_length=1024, hop_length=256)
        for name, expected in (
            ("centroid_mean", centroid.mean()),
            ("centroid_p90", np.percentile(centroid, 90)),
            ("mfcc_7_mean", mfcc[7].mean()),
            ("zero_crossing_rate_mean", crossings.mean()),
        ):
            assert table[name][row] == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("group", GROUPS)
def test_columns_of_a_group_do_not_depend_on_other_groups(clips, group):
    everything = AcousticFeatures(statistics=("mean",))
    table = pd.DataFrame(everything.transform(clips), columns=everything.get_feature_names_out())
    alone = AcousticFeatures(features=(group,), statistics=("mean",))
    np.testing.assert_allclose(
        alone.transform(clips), table[alone.get_feature_names_out()], rtol=1e-4, atol=1e-5
    )


def test_columns_are_in_the_order_of_the_features(clips):
    first = AcousticFeatures(features=("rms", "mfcc_delta"), statistics=("std",))
    second = AcousticFeatures(features=("mfcc_delta", "rms"), statistics=("std",))
    assert first.get_feature_names_out()[0] == "rms_std"
    assert second.get_feature_names_out()[-1] == "rms_std"
    np.testing.assert_array_equal(first.transform(clips)[:, 0], second.transform(clips)[:, -1])


def test_features_do_not_depend_on_other_clips_and_threads(clips):
    together = AcousticFeatures(n_jobs=2).transform(clips)
    for row, clip in zip(together, clips, strict=True):
        np.testing.assert_array_equal(AcousticFeatures().transform([clip])[0], row)


def test_empty_mel_bands_cause_a_warning(clips):
    with pytest.warns(UserWarning, match=r"of 128 mel bands are empty.*Raise n_fft or lower n_me"):
        AcousticFeatures(n_fft=256, n_mels=128).transform(clips)
    # Features that use no mel bands cause no warning.
    AcousticFeatures(["pitch"], n_fft=256, n_mels=128).transform(clips)


def test_files_and_waveforms_agree(voices, clips):
    np.testing.assert_array_equal(
        AcousticFeatures().transform(voices.data[:4]), AcousticFeatures().transform(clips)
    )


@pytest.mark.parametrize(
    "clip",
    [[0.3], np.zeros(5000), np.ones(5000), np.eye(1, 5000, 99)[0], 0.1 * np.ones(30)],
    ids=["sample", "silence", "constant", "click", "short"],
)
@pytest.mark.filterwarnings("ignore:1 of 1 clip is")
def test_difficult_signals_have_finite_features(clip):
    assert np.isfinite(AcousticFeatures().transform([np.asarray(clip)])).all()


def test_silence_around_a_clip_is_trimmed(clips):
    # A multiple of the hop length of the trimming, so that both are cut at the same sample.
    padded = [np.pad(clip, 4096) for clip in clips]
    np.testing.assert_allclose(
        AcousticFeatures().transform(padded),
        AcousticFeatures().transform(clips),
        rtol=0.02,
        atol=0.05,
    )
    kept = AcousticFeatures(trim_db=None)
    assert np.abs(kept.transform(padded) - kept.transform(clips)).max() > 1


def test_pitch_of_a_voice(voices):
    acoustic = AcousticFeatures(features=("pitch",), statistics=("p50",))
    table = pd.DataFrame(
        acoustic.transform(voices.data), columns=acoustic.get_feature_names_out()
    ).assign(speaker=voices.speakers)
    pitches = table.groupby("speaker")["f0_p50"].median()
    assert pitches.between(70, 400).all()
    assert pitches.max() > 1.3 * pitches.min()  # low and high voices differ


def test_set_output_names_the_columns(clips):
    acoustic = AcousticFeatures(features=("rms",)).set_output(transform="pandas")
    table = acoustic.fit_transform(clips)
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == acoustic.get_feature_names_out().tolist()


def test_transform_needs_no_fit_and_fit_opens_no_file():
    check_is_fitted(AcousticFeatures())
    assert not hasattr(AcousticFeatures().fit(["no_such_file.wav"]), "n_features_in_")


@pytest.mark.parametrize(
    "model",
    [
        SVC(C=10),
        RandomForestClassifier(50, random_state=0),
        CNNEmbedder(8, FeatureMLP((16,)), max_epochs=30, random_state=0),
    ],
    ids=["svm", "forest", "mlp"],
)
def test_classifiers_learn_from_the_table_in_a_grid_search(voices, model, tmp_path):
    pipe = make_pipeline(AcousticFeatures(memory=tmp_path / "cache"), StandardScaler(), model)
    search = GridSearchCV(
        pipe,
        {"acousticfeatures__statistics": [("mean",), ("mean", "std", "p50")]},
        cv=GroupKFold(3),
        error_score="raise",
    )
    search.fit(voices.data, voices.target, groups=voices.speakers)
    assert search.best_score_ > 0.6  # chance level is a third
    assert set(search.predict(voices.data)) <= set(voices.target)


@needs_inotify
def test_other_statistics_of_cached_frames_read_no_file(voices):
    shutil.copytree(voices.data[0].rsplit("/", 1)[0], "clips")
    paths = ["clips/" + path.rsplit("/", 1)[1] for path in voices.data[:6]]
    expected = [
        AcousticFeatures(statistics=statistics).transform(paths)
        for statistics in (("mean",), ("p10", "std"))
    ]
    cached = AcousticFeatures(memory="cache", statistics=("mean",))
    np.testing.assert_array_equal(cached.transform(paths), expected[0])
    with Opens("clips") as opens:
        np.testing.assert_array_equal(cached.transform(paths), expected[0])
        other = clone(cached).set_params(statistics=("p10", "std"))
        np.testing.assert_array_equal(other.transform(paths), expected[1])
    assert not opens.counts
    changed = clone(cached).set_params(f0_max=300.0)
    np.testing.assert_array_equal(
        changed.transform(paths),
        AcousticFeatures(statistics=("mean",), f0_max=300.0).transform(paths),
    )
    cached.clear_cache()
    with Opens("clips") as opens:
        cached.transform(paths)
    assert len(opens.counts) == 6


def test_all_unreadable_files_are_listed(voices):
    with pytest.raises(AudioReadError, match=r"Could not read 2 of 3 clips:\n  clip 1, 'a.wav'"):
        AcousticFeatures().transform(["a.wav", voices.data[0], "b.wav"])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"features": "mfcc"}, ValueError, "features == 'mfcc', must be a sequence of one or more"),
        ({"features": ()}, ValueError, "features == (), must be a sequence of one or more of mfcc"),
        (
            {"features": ("mfcc", "loudness")},
            ValueError,
            "features contains 'loudness', must be among",
        ),
        (
            {"features": ("rms", "rms")},
            ValueError,
            "features == ('rms', 'rms'), must not contain dup",
        ),
        (
            {"statistics": ("median",)},
            ValueError,
            "statistics contains 'median', must be among mean",
        ),
        ({"statistics": None}, ValueError, "statistics == None, must be a sequence"),
        ({"n_mfcc": 65}, ValueError, "n_mfcc == 65, must be <= 64"),
        ({"n_fft": 1}, ValueError, "n_fft == 1, must be >= 2"),
        ({"hop_length": 0}, ValueError, "hop_length == 0, must be >= 1"),
        ({"f0_min": 0.0}, ValueError, "f0_min == 0.0, must be > 0"),
        ({"f0_min": 700.0}, ValueError, "f0_min == 700.0 Hz, must be below f0_max == 600.0 Hz"),
        ({"f0_max": float("inf")}, ValueError, "f0_max == inf, must be finite"),
        (
            {"f0_max": 9000},
            ValueError,
            "f0_max == 9000 Hz, must be <= sr / 8 == 2000 Hz: higher",
        ),
        ({"f0_max": 600.1, "sr": 4800}, ValueError, "must be <= sr / 8 == 600 Hz"),
        (
            {"f0_min": 5, "features": ("jitter",)},
            ValueError,
            "f0_min == 5 Hz, must be >= 20 Hz: the pitch is estimated in windows of 3 / f0_min == "
            "0.6 s, in",
        ),
        ({"sr": 0}, ValueError, "sr == 0, must be >= 1"),
        ({"trim_db": 0}, ValueError, "trim_db == 0, must be > 0"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_invalid_parameter_is_reported(parameters, error, message, method):
    with pytest.raises(error, match=re.escape(message)):
        getattr(AcousticFeatures(**parameters), method)([np.ones(500)])


def test_range_of_the_pitch_does_not_matter_without_voice_features(clips):
    AcousticFeatures(("rms", "mfcc"), f0_min=1.0, f0_max=9000.0).transform(clips)


@pytest.mark.parametrize("sr", [8000, 16000])
def test_highest_pitch_is_found(sr):
    highest = sr / 8
    acoustic = AcousticFeatures(("pitch",), ("p50",), sr=sr, f0_max=highest)
    for f0 in np.linspace(0.7, 0.97, 7) * highest:
        tone = 0.3 * np.sin(2 * np.pi * f0 * np.arange(sr) / sr)
        assert acoustic.transform([tone])[0, 0] == pytest.approx(f0, rel=0.02)


def test_lowest_pitch_is_found():
    # A voice whose pitch glides between 120 and 190 Hz.
    time = np.arange(32000) / 16000
    f0 = 150 * 2 ** (0.3 * np.sin(2 * np.pi * 3 * time))
    phase = 2 * np.pi * np.cumsum(f0) / 16000
    voice = 0.1 * sum(np.sin(number * phase) / number for number in range(1, 15))
    acoustic = AcousticFeatures(("pitch",), ("p50",), f0_min=20.0, trim_db=None)
    assert acoustic.transform([voice])[0, 0] == pytest.approx(150, rel=0.1)


def test_numpy_errors_as_exceptions_do_no_harm(clips, voices):
    quiet = [clip * np.float32(1e-17) for clip in clips]  # the squares of which underflow
    acoustic = AcousticFeatures()
    with pytest.warns(AudioLevelWarning, match="4 of 4 clips are silent"):
        expected = acoustic.transform(quiet)
    table = acoustic.transform(voices.data[:4])
    with np.errstate(all="raise"):
        with pytest.warns(AudioLevelWarning, match="4 of 4 clips are silent"):
            np.testing.assert_array_equal(acoustic.transform(quiet), expected)
        np.testing.assert_array_equal(acoustic.transform(voices.data[:4]), table)
        assert np.geterr()["under"] == "raise"


@pytest.mark.slow
@pytest.mark.real_data
def test_svm_recognizes_emotions_of_unseen_speakers(ravdess_folder):
    from sklearn.metrics import balanced_accuracy_score

    from ser_estimators.datasets import load_ravdess

    corpus = load_ravdess(ravdess_folder)
    table = AcousticFeatures(n_jobs=2).transform(corpus.data)
    held_out = np.isin(corpus.speakers.astype(int), (1, 11, 20, 21))
    # C as chosen by cross-validation on the training speakers.
    svm = make_pipeline(StandardScaler(), SVC(C=10))
    svm.fit(table[~held_out], corpus.target[~held_out])
    predicted = svm.predict(table[held_out])
    assert balanced_accuracy_score(corpus.target[held_out], predicted) >= 0.5
