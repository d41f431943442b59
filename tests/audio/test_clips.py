"""Validation of X: accepted types, and the errors for all others."""

import os
import pickle
import threading
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from ser_estimators import AcousticFeatures, MFCCTransformer
from ser_estimators._audio.clips import check_clips
from ser_estimators._audio.reading import Reading
from ser_estimators._audio.workers import map_waveforms
from ser_estimators.exceptions import AudioLevelWarning, AudioReadError

SR = 16000
# Most clips here are a few samples long.
pytestmark = pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLengthWarning")


def collect(X, **kwargs):
    """Return the waveforms of X."""
    return map_waveforms(lambda waveform: waveform, check_clips(X), Reading(SR), **kwargs)


@pytest.fixture
def files():
    rng = np.random.default_rng(0)
    for name, n_samples in (("a.wav", 100), ("b.wav", 200), ("c.wav", 50)):
        soundfile.write(name, rng.uniform(-0.5, 0.5, n_samples), SR, subtype="FLOAT")
    return ["a.wav", "b.wav", "c.wav"]


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        np.array,
        lambda paths: np.array(paths, dtype=object),
        lambda paths: [Path(path) for path in paths],
        lambda paths: np.array([Path(path) for path in paths]),
        lambda paths: [np.str_(path) for path in paths],
        lambda paths: np.array(paths, dtype=np.dtypes.StringDType()),
        pd.Series,
        lambda paths: pd.Series(paths, index=[7, 3, 5]),
        lambda paths: pd.Series(paths, dtype="category"),
        lambda paths: pd.DataFrame({"path": paths})["path"],
        pd.Index,
    ],
    ids=[
        "list",
        "tuple",
        "array",
        "objects",
        "Paths",
        "array of Paths",
        "np.str_",
        "StringDType",
        "Series",
        "index",
        "category",
        "column",
        "Index",
    ],
)
def test_paths_are_read(files, kind):
    waveforms = collect(kind(files))
    assert [len(waveform) for waveform in waveforms] == [100, 200, 50]
    assert all(waveform.dtype == np.float32 for waveform in waveforms)


def test_waveforms_of_unequal_length():
    clips = [np.arange(4) / 10, [0.1, 0.2], (0.5,), np.ones(3, dtype=np.float32)]
    assert [waveform.tolist() for waveform in collect(clips)][1] == pytest.approx([0.1, 0.2])
    assert [len(waveform) for waveform in collect(clips)] == [4, 2, 1, 3]


def test_object_array_of_waveforms():
    clips = np.empty(2, dtype=object)
    clips[:] = [np.ones(3), np.ones(5)]
    assert [len(waveform) for waveform in collect(clips)] == [3, 5]


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("int8", -128, 127), ("int16", -(2**15), 2**15 - 1), ("int32", -(2**31), 2**31 - 1)],
)
def test_integer_pcm_is_rescaled(dtype, low, high):
    (waveform,) = collect([np.array([low, 0, high], dtype=dtype)])
    np.testing.assert_allclose(waveform, [-1, 0, 1], atol=0.01)


def test_unsigned_pcm_is_centered():
    (waveform,) = collect([np.array([0, 128, 255], dtype=np.uint8)])
    np.testing.assert_allclose(waveform, [-1, 0, 1], atol=0.01)


@pytest.mark.parametrize("clip", [[12000, -9000, 1], [3, -2, 0], np.array([2**40, 1]), (0, 2)])
def test_integers_of_unknown_scale_are_refused(clip):
    message = r"Clip 2 of 2 is a waveform of 64-bit integers up to \d+, .* dtype=np.int16\), or div"
    with pytest.raises(ValueError, match=message):
        check_clips([[0.5, 0.1], clip])
    for sampled in ((clip, SR), {"array": clip, "sampling_rate": SR}):
        with pytest.raises(ValueError, match=message):
            check_clips([(np.ones(3), SR), sampled])


def test_integers_within_one_are_samples():
    assert collect([[0, 1, -1], np.array([1, 0])])[0].tolist() == [0, 1, -1]


def test_wide_integers_in_an_array_are_not_rescaled_but_warned_of():
    clip = [12000, -9000, 1]
    with pytest.warns(AudioLevelWarning, match="pass them as int16 or divide by 32768"):
        assert collect(np.array([clip]))[0].tolist() == clip


def test_tensors_and_series_are_accepted_as_waveforms():
    import torch

    for clips in ([torch.ones(3), torch.ones(5)], [pd.Series(np.ones(3)), pd.Series(np.ones(5))]):
        assert [len(waveform) for waveform in collect(clips)] == [3, 5]


def test_file_and_array_of_one_recording_agree():
    samples = (np.random.default_rng(0).uniform(-1, 1, 500) * 32767).astype(np.int16)
    soundfile.write("a.wav", samples, SR)
    np.testing.assert_array_equal(collect(["a.wav"])[0], collect([samples])[0])
    np.testing.assert_array_equal(collect(["a.wav"])[0], collect(samples[None])[0])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("a.wav", TypeError, r"single path 'a.wav'; expected a list of paths: pass \['a.wav'\]"),
        (Path("a.wav"), TypeError, r"single path .*a.wav'\); expected a list"),
        (b"a.wav", TypeError, r"single path 'a.wav'.*pass \['a.wav'\]"),
        ([], ValueError, "X is empty; expected a list of audio paths"),
        ((), ValueError, "X is empty"),
        (np.array([]), ValueError, "X is empty"),
        (pd.Series([], dtype=object), ValueError, "X is empty"),
        (iter(["a.wav"]), TypeError, r"X is a list_iterator; .*list\(X\)"),
        (None, TypeError, "X is a NoneType"),
        (3, TypeError, "X is a int"),
        ({"a.wav": 1}, TypeError, r"X is a dict with the keys \['a.wav'\].*column of clips, such"),
        ({"file": ["a.wav"], "y": [1]}, TypeError, r'keys .*\. Pass its column.* X\["file"\]'),
        ({"path": ["a.wav"], "bytes": [None]}, TypeError, r'such as X\["path"\]'),
        ({"a.wav"}, TypeError, "X is a set"),
        (["a.wav", np.ones(3)], TypeError, "clip 1 is a path, clip 2 is a waveform"),
        ([np.ones(3), "a.wav"], TypeError, "clip 1 is a waveform, clip 2 is a path"),
        ([b"RIFF", "a.wav"], TypeError, "clip 1 is encoded audio, clip 2 is a path"),
        ([np.ones(3), (np.ones(3), SR)], TypeError, "clip 2 is a waveform with its sampling rate"),
        (["a.wav", None], TypeError, r"Clip 2 of 2 is None \(NoneType\)"),
        (["a.wav", float("nan")], TypeError, r"Clip 2 of 2 is nan \(float\)"),
        (pd.Series(["a.wav", None]), TypeError, "Clip 2 of 2 is (None|nan)"),
        (["a.wav", pd.NA], TypeError, "Clip 2 of 2 is <NA>"),
        ([pd.NaT, "a.wav"], TypeError, "Clip 1 of 2 is NaT"),
        (["a.wav", 3], TypeError, "clip 1 is a path, clip 2 is a number"),
        ([b"a.wav"], TypeError, r"Clip 1 of 1 is b'a.wav', which looks like a path in bytes; pass"),
        (np.array([b"RIFF"]), TypeError, r"array of the type '\|S4', which removes zeros"),
        ([True, False], TypeError, "Clip 1 of 2 is True"),
        ([["a.wav"]], TypeError, "Clip 1 of 1 is"),
        ([0.1, 0.2], ValueError, r"if it is a single waveform, pass \[X\]. Reshape your data"),
        (np.ones(5), ValueError, r"1-D array of 5 numbers; .*Reshape your data"),
        ([np.ones((2, 5))], ValueError, r"Clip 1 of 1 is an array of shape \(2, 5\).*y.mean"),
        (np.ones((2, 3, 4)), ValueError, r"X is an array of shape \(2, 3, 4\)"),
        (np.array("a.wav"), ValueError, r"X is an array of shape \(\)"),
        (pd.DataFrame({"file": ["a.wav"]}), ValueError, r'X is a table .* X\["file"\]'),
        (pd.DataFrame({"y": [1], "a": [{"path": "a.wav"}]}), ValueError, r'X is a .* X\["a"\]'),
        (np.array([["a.wav"]]), ValueError, r"table of shape \(1, 1\) that contains paths.*\[:, 0"),
        ([np.ones(3) + 1j], TypeError, "Clip 1 of 1 is"),
    ],
)
def test_invalid_X_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        check_clips(X)
    with pytest.raises(error, match=message):
        MFCCTransformer().fit(X)


def test_sparse_matrix_is_refused_by_sklearn():
    with pytest.raises(TypeError, match="[Ss]parse"):
        MFCCTransformer().fit(sparse.eye_array(3).tocsr())


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.ones(3), np.ones(0)], "Could not use clip 2 of 2: it contains no samples"),
        ([np.array([0.1, np.nan])], "clip 1 of 1: 1 of its 2 samples are NaN or infinity"),
        ([np.array([0.1, 1e39])], r"clip 1 of 1: its samples reach 1e\+39; expected a waveform"),
        (np.array([[0.1, 0.2], [np.inf, np.nan]]), "clip 2 of 2: 2 of its 2 samples"),
    ],
)
def test_invalid_waveform_is_reported_by_fit(X, message):
    with pytest.raises(AudioReadError, match=message):
        MFCCTransformer().fit(X)


def test_all_bad_files_are_listed_together(files):
    Path("empty.wav").touch()
    X = ["gone.wav", files[0], "empty.wav", files[1]]
    with pytest.raises(AudioReadError) as caught:
        collect(X)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Could not read 2 of 4 clips:"
    assert lines[1].startswith("  clip 1, 'gone.wav': there is no such file")
    assert lines[2].startswith("  clip 3, 'empty.wav': the file is empty")
    assert [failure[:2] for failure in caught.value.failures] == [(0, "gone.wav"), (2, "empty.wav")]


def test_long_lists_are_shortened_in_the_message_only(files):
    gone = [f"{number}.wav" for number in range(500)]
    with pytest.raises(AudioReadError, match="clip 10, '9.wav'; and 490 more: there") as caught:
        collect(gone)
    assert len(str(caught.value).splitlines()) == 2
    assert len(caught.value.failures) == 500
    # Clips that failed for another reason are listed too.
    Path("empty.wav").touch()
    with pytest.raises(AudioReadError, match="clip 501, 'empty.wav': the file is empty") as caught:
        collect([*gone, "empty.wav", files[0]])
    assert "clip 5, '4.wav'; and 495 more: there is no such file" in str(caught.value)


def test_message_lists_a_few_of_many_reasons():
    for number in range(30):
        Path(f"{number}.m4a").write_bytes(bytes(4) + b"ftypM4A " + bytes(99))
    with pytest.raises(AudioReadError, match="and 2[0-9] more, see the attribute `failures`") as e:
        collect([f"{number}.m4a" for number in range(30)])
    assert len({reason for _, _, reason in e.value.failures}) == 30  # each names its file
    assert len(str(e.value)) < 3000


def test_single_failure_is_one_sentence(files):
    with pytest.raises(
        AudioReadError, match=r"^Could not read 'x.wav' \(clip 2 of 2\): there is no"
    ):
        collect([files[0], "x.wav"])


def test_silent_clips_cause_one_warning(files):
    X = [np.zeros(9), np.ones(9), *[np.full(9, 1e-8)] * 6]
    with pytest.warns(
        AudioLevelWarning, match="7 of 8 clips are silent.*clip 1, clip 3.*2 more. Leave them"
    ):
        collect(X)
    soundfile.write("silent.wav", np.zeros(50), SR)
    with pytest.warns(
        AudioLevelWarning, match=r"1 of 2 clips is silent.*clip 2 'silent.wav'. Leave it"
    ):
        collect([files[0], "silent.wav"])
    with pytest.warns(AudioLevelWarning, match="1 of 1 clip is silent, so its features"):
        collect(["silent.wav"])


def test_pcm_that_was_cast_to_float_causes_one_warning():
    X = [np.array([12000.0, -9000.0]), np.ones(2)]
    with pytest.warns(AudioLevelWarning, match="clip 1. Waveforms are expected on the scale"):
        collect(X)


def test_warning_points_at_the_line_of_the_caller():
    with pytest.warns(AudioLevelWarning) as caught:
        MFCCTransformer().transform([np.zeros(9)])
    assert caught[0].filename == __file__


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_any_joblib_backend_works(files, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert [len(w) for w in collect(files)] == [100, 200, 50]


def test_failures_contain_the_paths_as_passed():
    X = ["./gone.wav", "x//y.wav"]
    with pytest.raises(AudioReadError) as caught:
        collect(X)
    assert [failure[1] for failure in caught.value.failures] == X


@pytest.mark.parametrize(("n_clips", "n_jobs"), [(2, 2), (4, 4), (9, 3)])
def test_few_clips_are_distributed_over_all_threads(n_clips, n_jobs):
    # With fewer threads than requested, the barrier would never open.
    meeting = threading.Barrier(n_jobs)

    def work(waveform):
        meeting.wait(timeout=30)
        return waveform

    assert len(map_waveforms(work, [np.ones(9)] * n_clips, Reading(SR), n_jobs=n_jobs)) == n_clips


def test_any_other_error_has_a_note_with_the_clip(files):
    def work(waveform):
        if len(waveform) == 50:
            raise MemoryError("no room")
        return waveform

    for clips, name in ((files, ", 'c.wav'"), ([np.ones(9), np.ones(9), np.ones(50)], "")):
        with pytest.raises(MemoryError, match="no room") as caught:
            map_waveforms(work, clips, Reading(SR), n_jobs=2)
        assert caught.value.__notes__ == [f"in clip 3 of 3{name}"]


@pytest.mark.parametrize("estimator", [MFCCTransformer(), AcousticFeatures()], ids=["mfcc", "af"])
def test_file_with_huge_samples_is_reported(estimator):
    noise = np.random.default_rng(0).normal(size=4000)
    soundfile.write("huge.wav", 1e25 * noise, SR, subtype="FLOAT")
    with pytest.raises(AudioReadError, match=r"'huge.wav' .*its samples reach 4e\+25; expected a"):
        estimator.transform(["huge.wav"])


def test_one_recording_with_two_channels_causes_a_warning():
    stereo = np.random.default_rng(0).uniform(-0.5, 0.5, size=(3000, 2))
    with pytest.warns(UserWarning, match=r"shape \(3000, 2\).*2 channels, pass \[X.mean\(axis=1"):
        MFCCTransformer().fit(stereo)
    MFCCTransformer().fit(stereo[:999])
    MFCCTransformer().fit(stereo.T)


@pytest.mark.skipif(os.name != "posix", reason="file names are text")
def test_file_names_that_are_not_valid_text_are_read_and_printed():
    names = [os.fsdecode(b"f\xfcr.wav"), "für 語.wav"]
    for name in names:
        soundfile.write(os.fsencode(name), np.ones(100) / 2, SR, subtype="FLOAT")
    assert [len(waveform) for waveform in collect(names)] == [100, 100]
    os.truncate(os.fsencode(names[0]), 0)
    with pytest.raises(
        AudioReadError, match=r"'f\\xfcr.wav' \(clip 1 of 2\): the file is empty"
    ) as e:
        collect(names)
    assert e.value.failures[0][1] == names[0]
    str(e.value).encode()


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_order_is_preserved_for_any_number_of_jobs(files, n_jobs):
    assert [len(w) for w in collect(files * 20, n_jobs=n_jobs)] == [100, 200, 50] * 20


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-1, 1),
    )
)
def test_rows_of_an_array_are_waveforms(X):
    np.testing.assert_array_equal(np.array(_quiet(X)), X.astype(np.float32))


def _quiet(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioLevelWarning)
        return collect(X)


def test_read_errors_are_pickled_completely():
    with pytest.raises(AudioReadError) as caught:
        collect(["gone.wav"])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.failures == caught.value.failures
