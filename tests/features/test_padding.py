"""Padding of clips: values, peak memory, and memory-mapped results."""

import errno
import gc
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN, make_ser_pipeline
from ser_estimators._features import padding
from ser_estimators._features.padding import gather


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=30), block=st.integers(1, 200))
@pytest.mark.parametrize("large", [0, 1 << 30])
@pytest.mark.parametrize("folder", [None, Path("maps")])
def test_clips_are_stacked_and_padded(lengths, block, folder, large):
    rng = np.random.default_rng(0)
    clips = [rng.normal(size=(3, n)).astype(np.float32) for n in lengths]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(padding, "_BLOCK_FLOATS", block)
        patch.setattr(padding, "_LARGE_BYTES", large)
        # Arrays in any memory order are accepted.
        frames, n_frames = gather(iter([np.asfortranarray(clip) for clip in clips]), memmap=folder)
    assert frames.shape == (len(clips), 3, max(lengths))
    for row, clip in zip(frames, clips, strict=True):
        np.testing.assert_array_equal(row[:, : clip.shape[1]], clip)
        assert not row[:, clip.shape[1] :].any()
    is_sparse = not large and len(clips) * max(lengths) > 2 * sum(lengths)
    assert frames.flags.writeable is not is_sparse
    if is_sparse:
        assert n_frames.tolist() == lengths
    else:
        assert n_frames is None


def test_padding_takes_no_disk_space():
    clips = [np.ones((4, n), dtype=np.float32) for n in (10, 2_000_000, 10, 10, 10, 10)]
    frames, n_frames = gather(clips, memmap=Path("maps"))
    assert n_frames.tolist() == [10, 2_000_000, 10, 10, 10, 10]
    assert frames.nbytes > 190_000_000
    assert os.stat(map_of(frames).filename).st_blocks * 512 < 40_000_000


def test_padding_cannot_be_changed():
    clips = [np.ones((4, n), dtype=np.float32) for n in (10, 2_000_000, 10, 10)]
    frames, _ = gather(clips)
    with pytest.raises(ValueError, match="read-only"):
        frames[0, 0, 10] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        frames.flags.writeable = True


def test_padding_may_be_larger_than_the_memory():
    # 40 TB of padding, for clips of 4 MB.
    clips = [np.ones((1, n), dtype=np.float32) for n in [1_000_000] + [10] * 10]
    wide = padding.pad(clips, 1 << 40)
    assert wide[:, 0, 0].tolist() == [1] * 11
    assert wide[3, 0, 5:15].tolist() == [1] * 5 + [0] * 5


def test_file_is_removed_with_the_last_reference():
    clips = [np.ones((2, 5), dtype=np.float32)] * 3
    frames, _ = gather(clips, memmap=Path("maps"))
    assert isinstance(map_of(frames), np.memmap)
    (file,) = Path("maps").iterdir()
    assert file.stat().st_size == frames.nbytes
    view = frames[1:, :1]
    del frames
    gc.collect()
    assert file.exists()
    assert view.sum() == 10
    del view
    gc.collect()
    assert not file.exists()


def test_file_is_removed_at_the_end_of_the_process():
    code = (
        "import numpy as np\n"
        "from ser_estimators import MFCCTransformer\n"
        "frames = MFCCTransformer(memmap='maps').transform([np.ones(900)])\n"
        "while not hasattr(frames, 'filename'): frames = frames.base\n"
        "print(frames.filename)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(done.stdout.strip()).exists()
    assert list(Path("maps").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="not on this system")
def test_full_disk_is_an_error(monkeypatch):
    def full(number, start, n_bytes):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ser_estimators._features.padding.os.posix_fallocate", full)
    clips = [np.ones((200, 1000), dtype=np.float32)] * 3
    with pytest.raises(OSError, match=r"No space left.* for 2 MB of features.*'maps'") as caught:
        gather(clips, memmap=Path("maps"))
    assert caught.value.errno == errno.ENOSPC
    assert list(Path("maps").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="not on this system")
def test_disk_space_is_reserved_if_the_file_system_supports_it(monkeypatch):
    clips = [np.zeros((200, 1000), dtype=np.float32)] * 3
    frames, _ = gather(clips, memmap=Path("maps"))
    assert os.stat(frames.filename).st_blocks * 512 >= frames.nbytes

    def cannot(number, start, n_bytes):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("ser_estimators._features.padding.os.posix_fallocate", cannot)
    assert not gather(clips, memmap=Path("maps"))[0].any()


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_files_of_a_killed_process_are_removed_by_the_next_call():
    code = (
        "import os, signal, numpy as np\n"
        "from ser_estimators import MFCCTransformer\n"
        "frames = MFCCTransformer(memmap='maps').transform([np.ones(900)])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (left_over,) = Path("maps").iterdir()
    Path("maps/frames-mine.f32").touch()
    own, _ = gather([np.ones((2, 5), dtype=np.float32)], memmap=Path("maps"))
    other, _ = gather([np.ones((2, 5), dtype=np.float32)], memmap=Path("maps"))
    assert not left_over.exists()
    # Files in use and other files are kept.
    assert Path(own.filename).exists()
    assert Path(other.filename).exists()
    assert Path("maps/frames-mine.f32").exists()


def test_failure_leaves_no_file():
    def clips():
        yield np.ones((2, 5), dtype=np.float32)
        raise RuntimeError("failed")

    with pytest.raises(RuntimeError, match="failed"):
        gather(clips(), memmap=Path("maps"))
    assert list(Path("maps").iterdir()) == []


def test_training_on_a_file_equals_training_in_memory(voices):
    small = {"cnn__network__channels": (4, 8), "cnn__embedding_dim": 8, "cnn__max_epochs": 3}
    in_memory, in_file = (
        make_ser_pipeline(random_state=0).set_params(mfcc__memmap=folder, **small)
        for folder in (None, "maps")
    )
    for pipe in (in_memory, in_file):
        pipe.fit(voices.data, voices.target)
    np.testing.assert_array_equal(
        in_memory.predict_proba(voices.data), in_file.predict_proba(voices.data)
    )
    gc.collect()
    assert list(Path("maps").iterdir()) == []


def test_memory_map_is_shared_with_other_processes(voices):
    frames = MFCCTransformer(memmap="maps").transform(voices.data)
    expected = frames.sum(axis=(1, 2))
    np.testing.assert_allclose(pickle.loads(pickle.dumps(frames)).sum(axis=(1, 2)), expected)
    halves = joblib.Parallel(n_jobs=2)(
        joblib.delayed(np.sum)(half, axis=(1, 2)) for half in (frames[:18], frames[18:])
    )
    np.testing.assert_allclose(np.concatenate(halves), expected)


PEAK = """
import sys
import numpy as np
from ser_estimators import MFCCTransformer

def megabytes(name):
    lines = open("/proc/self/status").read().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(name))
    return int(kilobytes) / 1024

paths = [f"{i % 10}.wav" for i in range(int(sys.argv[2]))]
"""

TRANSFORM = (
    PEAK
    + """
frames = MFCCTransformer(n_jobs=2).transform(paths)
print(frames.nbytes / 2**20, megabytes("VmHWM"))
"""
)

TRAIN = (
    PEAK
    + """
from ser_estimators import CNNEmbedder, SpectrogramCNN
import threading, time
peak, done = [0.0], threading.Event()
def watch():
    while not done.wait(0.02):
        # Without memory-mapped pages, which the system can drop at any time.
        peak[0] = max(peak[0], megabytes("RssAnon"))
thread = threading.Thread(target=watch, daemon=True); thread.start()
frames = MFCCTransformer(n_jobs=2, memmap="maps").transform(paths)
cnn = CNNEmbedder(4, SpectrogramCNN((4,)), max_epochs=1, batch_size=64, random_state=0)
cnn.fit(frames, np.arange(len(paths)) % 2)
cnn.predict(frames)
done.set(); thread.join()
print(frames.nbytes / 2**20, peak[0])
"""
)


def measure(code, seconds, n_clips):
    rng = np.random.default_rng(0)
    for number in range(10):
        soundfile.write(f"{number}.wav", 0.1 * rng.normal(size=int(16000 * seconds)), 16000)
    done = subprocess.run(
        [sys.executable, "-c", code, str(seconds), str(n_clips)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return map(float, done.stdout.split())


def map_of(frames):
    """Return the memory map of which an array is a view."""
    while not isinstance(frames, np.memmap) or frames.filename is None:
        frames = frames.base
    return frames


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@needs_proc
@pytest.mark.parametrize("n_clips", [4000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_peak_memory_of_transform_is_near_the_size_of_its_result(n_clips):
    result, peak = measure(TRANSFORM, 3.0, n_clips)
    assert result > 0.028 * n_clips  # MB: 3 s of 40 coefficients
    assert peak < 1.5 * result + 300


@needs_proc
@pytest.mark.slow
def test_training_on_a_file_does_not_load_it():
    # Enough clips that torch has compiled kernels for most lengths.
    less, baseline = measure(TRAIN, 3.0, 1500)
    result, peak = measure(TRAIN, 3.0, 6000)
    assert result > 170
    assert peak - baseline < 0.5 * (result - less)


def test_read_only_memory_map_is_accepted(voices):
    frames = MFCCTransformer(memmap="maps").transform(voices.data)
    file = map_of(frames)
    file.flush()
    read_only = np.memmap(file.filename, dtype=np.float32, mode="r", shape=frames.shape)
    cnn = CNNEmbedder(4, SpectrogramCNN((4,)), max_epochs=1, random_state=0).fit(
        read_only, voices.target
    )
    assert len(cnn.predict(read_only)) == 36
