"""The feature cache: each file is decoded once, changes are detected, and failures do no harm."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser_estimators import MFCCTransformer
from ser_estimators._audio.files import read_audio
from ser_estimators._features.cache import Entry, FeatureCache, parse_bytes
from ser_estimators.exceptions import AudioLengthWarning, AudioLevelWarning, AudioReadError

from ..helpers import Opens, needs_inotify


@pytest.fixture
def files():
    rng = np.random.default_rng(0)
    Path("clips").mkdir()
    paths = []
    for number in range(20):
        # Absolute, because joblib workers stay in the folder of an earlier test.
        paths.append(os.path.abspath(f"clips/{number:02d}.wav"))
        soundfile.write(paths[-1], 0.1 * rng.normal(size=3000 + 200 * number), 16000)
    return paths


def opens_of_one_decode(path):
    with Opens(os.path.dirname(path)) as opens:
        read_audio(path, 16000)
    return opens.counts[os.path.basename(path)]


def flat_means(frames):
    return frames.mean(axis=2)


@needs_inotify
def test_second_call_opens_no_file_and_returns_the_same(files):
    expected = MFCCTransformer().transform(files)
    mfcc = MFCCTransformer(memory="cache")
    once = opens_of_one_decode(files[0])
    with Opens("clips") as opens:
        np.testing.assert_array_equal(mfcc.transform(files), expected)
    assert set(opens.counts.values()) == {once}
    assert len(opens.counts) == 20
    with Opens("clips") as opens:
        np.testing.assert_array_equal(mfcc.transform(files), expected)
        np.testing.assert_array_equal(clone(mfcc).transform(files[::-1]), expected[::-1])
    assert not opens.counts


@needs_inotify
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_grid_search_decodes_each_file_once(files, backend):
    pipe = make_pipeline(
        MFCCTransformer(memory=os.path.abspath("cache")),
        FunctionTransformer(flat_means),
        LogisticRegression(),
    )
    grid = {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]}
    search = GridSearchCV(pipe, grid, cv=GroupKFold(5), n_jobs=2, error_score="raise")
    once = opens_of_one_decode(files[0])
    with Opens("clips") as opens, joblib.parallel_config(backend=backend):
        search.fit(files, ["anger", "fear"] * 10, groups=np.arange(20) // 4)
        search.predict(files)
    assert len(opens.counts) == 20
    assert set(opens.counts.values()) == {once}


@needs_inotify
def test_other_settings_have_other_entries(files):
    once = opens_of_one_decode(files[0])
    for parameters in (
        {}, {"n_mfcc": 13}, {"sr": 8000, "fmax": 4000}, {"offset": 0.01}, {"trim_db": 40.0},
        {"window": ("kaiser", 8.0)}, {"deltas": 1}, {"normalization": "mean"},
        {"backend": "librosa"}, {"n_mels": np.int64(50)},
    ):  # fmt: skip
        mfcc = MFCCTransformer(**parameters)
        expected = mfcc.transform(files)
        mfcc.set_params(memory="cache")
        with Opens("clips") as opens:
            for _ in range(2):
                np.testing.assert_array_equal(mfcc.transform(files), expected)
        assert set(opens.counts.values()) == {once}, parameters


@pytest.mark.parametrize("how", ["content", "date kept", "moved"])
def test_changed_file_is_detected(files, how):
    mfcc = MFCCTransformer(memory="cache")
    mfcc.transform(files)
    before = os.stat(files[3])
    samples, rate = soundfile.read(files[3])
    other = "other.wav"
    soundfile.write(other, samples[::-1], rate)
    assert os.path.getsize(other) == before.st_size
    if how == "content":
        shutil.copyfile(other, files[3])
    else:
        # As by rsync --times or from an archive: the same size and date.
        if how == "moved":
            os.replace(other, files[3])
        else:
            shutil.copyfile(other, files[3])
        os.utime(files[3], ns=(before.st_atime_ns, before.st_mtime_ns))
    np.testing.assert_array_equal(mfcc.transform(files), MFCCTransformer().transform(files))


@needs_inotify
def test_same_file_under_another_path_is_not_decoded_again(files, monkeypatch):
    mfcc = MFCCTransformer(memory=os.path.abspath("cache"))
    mfcc.transform(files)
    with Opens("clips") as opens:
        mfcc.transform([os.path.abspath(path) for path in files])
        mfcc.transform([Path(path) for path in files])
        monkeypatch.chdir("clips")
        mfcc.transform([os.path.basename(path) for path in files])
    assert not opens.counts


@needs_inotify
def test_file_named_twice_is_decoded_once(files):
    with Opens("clips") as opens:
        frames = MFCCTransformer(memory="cache", n_jobs=2).transform([files[0]] * 30)
    assert opens.counts["00.wav"] == opens_of_one_decode(files[0])
    assert (frames == frames[0]).all()


def test_waveforms_are_not_cached(files):
    MFCCTransformer(memory="cache").transform([np.ones(1900)])
    assert not os.path.exists("cache")


def test_all_unreadable_files_are_listed_with_their_positions(files):
    Path("clips/text.wav").write_text("no sound")
    X = [*files[:3], "gone.wav", *files[3:], "clips/text.wav"]
    for _ in range(2):
        with pytest.raises(AudioReadError, match="Could not read 2 of 22 clips") as caught:
            MFCCTransformer(memory="cache").transform(X)
        assert [index for index, _, _ in caught.value.failures] == [3, 21]
    # All other files have been cached.
    assert len(entries()) == 20


def test_silent_clips_in_the_cache_cause_a_warning_too(files):
    soundfile.write("clips/silent.wav", np.zeros(4000), 16000)
    for _ in range(2):
        with pytest.warns(AudioLevelWarning, match=r"1 of 2 clips is silent.*silent\.wav"):
            MFCCTransformer(memory="cache").transform([files[0], "clips/silent.wav"])


def test_short_clips_in_the_cache_cause_a_warning_too(files):
    soundfile.write("clips/short.wav", np.ones(10) / 2, 16000)
    for _ in range(2):
        with pytest.warns(AudioLengthWarning, match=r"1 of 2 clips is shorter.*short\.wav"):
            MFCCTransformer(memory="cache").transform([files[0], "clips/short.wav"])


def test_only_paths_are_cached(files):
    content = Path(files[0]).read_bytes()
    expected = MFCCTransformer().transform(files[:1])
    waveform = soundfile.read(files[0], dtype="float32")[0]
    for clip in (waveform, content, (waveform, 16000), {"bytes": content, "path": "a"}):
        frames = MFCCTransformer(memory="cache").transform([clip])
        np.testing.assert_allclose(frames, expected, atol=1e-4)
    assert not os.path.exists("cache")


def entries():
    return sorted(Path("cache").glob("*/*/??/*"))


@needs_inotify
@pytest.mark.parametrize("damage", ["cut", "empty", "other", "longer"])
def test_damaged_entry_is_computed_again(files, damage):
    mfcc = MFCCTransformer(memory="cache")
    expected = mfcc.transform(files)
    for path in entries():
        content = path.read_bytes()
        path.write_bytes(
            {"cut": content[:-4], "empty": b"", "other": b"x" * 90, "longer": content + b"\0"}[
                damage
            ]
        )
    np.testing.assert_array_equal(mfcc.transform(files), expected)
    with Opens("clips") as opens:  # it has been replaced
        np.testing.assert_array_equal(mfcc.transform(files), expected)
    assert not opens.counts


CHILD = """
import sys
from ser_estimators import MFCCTransformer
MFCCTransformer().transform([[0.0, 0.1]])  # so that all modules are imported
print("ready", flush=True)
sys.stdin.readline()
frames = MFCCTransformer(memory="cache").transform(sys.argv[1:])
print(float(abs(frames).sum()))
"""


@needs_inotify
def test_concurrent_processes_share_the_work(files):
    expected = float(abs(MFCCTransformer().transform(files)).sum())
    once = opens_of_one_decode(files[0])
    with Opens("clips") as opens:
        children = [
            subprocess.Popen(
                [sys.executable, "-c", CHILD, *files],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        printed = [child.communicate(timeout=120)[0] for child in children]
    assert [float(value) for value in printed] == [expected] * 3
    assert set(opens.counts.values()) == {once}


def test_concurrent_threads_return_the_same(files):
    expected = MFCCTransformer().transform(files)
    with ThreadPoolExecutor(4) as pool:
        for frames in pool.map(
            lambda _: MFCCTransformer(memory="cache", n_jobs=2).transform(files), range(4)
        ):
            np.testing.assert_array_equal(frames, expected)


SLOW_CHILD = """
import os, sys, time
from ser_estimators._features import cache
written = os.fdopen
def slow(number, mode):
    file = written(number, mode)
    write = file.write
    class Slow:
        def __enter__(self): return self
        def __exit__(self, *error): file.close()
        def write(self, data):
            write(bytes(data)[:20]); file.flush(); print("half", flush=True); time.sleep(60)
    return Slow()
cache.os.fdopen = slow
from ser_estimators import MFCCTransformer
MFCCTransformer(memory="cache").transform(sys.argv[1:])
"""


def test_killed_process_leaves_no_incomplete_entry_and_no_lock(files):
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW_CHILD, *files], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "half\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    left_over = list(Path("cache").glob("*/*/*.part"))
    assert len(left_over) == 1
    assert entries() == []
    start = time.monotonic()
    frames = MFCCTransformer(memory="cache").transform(files)
    assert time.monotonic() - start < 30  # no wait for the killed process
    np.testing.assert_array_equal(frames, MFCCTransformer().transform(files))
    os.utime(left_over[0], (0, 0))  # an hour later ...
    soundfile.write("clips/new.wav", np.ones(2500) / 2, 16000)
    MFCCTransformer(memory="cache").transform(["clips/new.wav"])
    assert not left_over[0].exists()


def test_clear_cache_removes_only_features(files):
    mfcc = MFCCTransformer(memory="cache")
    expected = mfcc.transform(files)
    MFCCTransformer(n_mfcc=13, memory="cache").transform(files)
    Path("cache/notes.txt").write_text("mine")
    mfcc.clear_cache()
    assert os.listdir("cache") == ["notes.txt"]
    np.testing.assert_array_equal(mfcc.transform(files), expected)
    MFCCTransformer().clear_cache()
    MFCCTransformer(memory="never made").clear_cache()


def test_size_limit_removes_the_least_recently_used_entries(files):
    mfcc = MFCCTransformer(memory="cache")
    mfcc.transform(files)
    sizes = [path.stat().st_size for path in entries()]
    for path in entries():
        os.utime(path, (1, 1))
    limited = MFCCTransformer(memory="cache", bytes_limit=sum(sizes[:10]))
    limited.transform(files[:5])  # adds nothing, so nothing is removed
    assert len(entries()) == 20
    soundfile.write("clips/new.wav", np.ones(3000) / 2, 16000)
    limited.transform(["clips/new.wav"])
    kept = entries()
    assert sum(path.stat().st_size for path in kept) <= sum(sizes[:10])
    assert len(kept) >= 6
    cache = limited._cache(limited._options(), librosa=None)
    for path in [*files[:5], "clips/new.wav"]:
        assert cache.read(cache.path_of(path)) is not None


@needs_inotify
def test_limit_smaller_than_one_entry_works(files):
    mfcc = MFCCTransformer(memory="cache", bytes_limit=1)
    expected = MFCCTransformer().transform(files)
    once = opens_of_one_decode(files[0])
    for _ in range(2):
        with Opens("clips") as opens:
            np.testing.assert_array_equal(mfcc.transform(files), expected)
        assert set(opens.counts.values()) == {once}
        assert entries() == []


@needs_inotify
def test_with_a_full_disk_only_missing_files_are_decoded(files, monkeypatch):
    mfcc = MFCCTransformer(memory="cache")
    mfcc.transform(files[:18])

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FeatureCache, "write", full)
    with Opens("clips") as opens, pytest.warns(UserWarning, match="No space left on device"):
        frames = mfcc.transform(files)
    np.testing.assert_array_equal(frames, MFCCTransformer().transform(files))
    assert set(opens.counts) == {"18.wav", "19.wav"}


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), NotImplementedError()])
def test_file_system_without_locks_is_supported(files, monkeypatch, error):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    frames = MFCCTransformer(memory="cache").transform(files)
    np.testing.assert_array_equal(frames, MFCCTransformer().transform(files))
    assert len(entries()) == 20


@pytest.mark.skipif(os.name != "posix", reason="no group permissions")
def test_entries_have_the_permissions_of_the_umask(files):
    before = os.umask(0o027)
    try:
        MFCCTransformer(memory="cache").transform(files)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in entries()} == {0o640}


def test_cache_that_cannot_be_cleared_is_an_error(files):
    Path("cache").mkdir()
    Path("cache/ser_estimators-features").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="ser_estimators-features"):
        MFCCTransformer(memory="cache").clear_cache()


def test_folder_that_cannot_be_written_causes_a_warning(files):
    Path("cache").write_text("a file where the folder should be")
    with pytest.warns(
        UserWarning,
        match="features cannot be cached in 'cache.*computed again in every call. Check",
    ):
        frames = MFCCTransformer(memory="cache").transform(files)
    np.testing.assert_array_equal(frames, MFCCTransformer().transform(files))


def test_joblib_memory_is_accepted(files):
    mfcc = MFCCTransformer(memory=joblib.Memory("cache", verbose=0))
    mfcc.transform(files)
    assert len(entries()) == 20
    clone(mfcc).transform(files)
    MFCCTransformer(memory=joblib.Memory(None)).transform(files)
    assert len(entries()) == 20


def test_folder_contains_its_settings(files):
    MFCCTransformer(memory="cache").transform(files)
    (note,) = Path("cache").glob("*/*/settings.json")
    assert '"n_mfcc": 40' in note.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("clip_transformer.VERSIONS", {"features": -1}),
        ("clip_transformer.VERSIONS", {"numpy": "other"}),
        ("mfcc_transformer.version", lambda name: "other"),
    ],
)
def test_other_versions_have_other_entries(files, monkeypatch, change, value):
    mfcc = MFCCTransformer(memory="cache", backend="librosa")
    mfcc.transform(files[:2])
    monkeypatch.setattr(f"ser_estimators._estimators.{change}", value)
    mfcc.transform(files[:2])
    assert len(entries()) == 4


def test_progress_counts_only_missing_files(files, capsys):
    MFCCTransformer(memory="cache").transform(files[:15])
    MFCCTransformer(memory="cache", verbose=1).transform(files)
    assert "5/5" in capsys.readouterr().err
    MFCCTransformer(memory="cache", verbose=1).transform(files)
    assert capsys.readouterr().err == ""


def test_entries_are_read_as_written():
    cache = FeatureCache(Path("cache"), {"a": 1})
    Path("x.wav").write_bytes(b"x")
    features = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    path = cache.path_of("x.wav")
    assert cache.read(path) is None
    cache.write(path, Entry(features[:, ::-1], 0.5, 0.25))
    entry = cache.read(path)
    np.testing.assert_array_equal(entry.features, features[:, ::-1])
    assert (entry.peak, entry.seconds) == (0.5, 0.25)
    assert cache.path_of("no such file") is None
    assert cache.path_of("a\0b") is None
    assert cache.read(None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (0, 0), (500, 500), ("500", 500), ("1K", 1024), ("2.5 MB", 2621440),
     ("10G", 10 * 2**30), ("1t", 2**40)],
)  # fmt: skip
def test_size_is_parsed(value, expected):
    assert parse_bytes(value, "bytes_limit") == expected


@pytest.mark.parametrize("value", ["", "G", "1.2.3", "ten", -5, 1.5, True, []])
def test_invalid_size_is_refused(value):
    with pytest.raises(ValueError, match=r"bytes_limit == .*, must be a number of bytes or a st"):
        parse_bytes(value, "bytes_limit")
