"""Which arguments the kernels accept, and the errors for others."""

import array
import re

import numpy as np
import pytest

from ser_estimators import _kernels
from ser_estimators._features.spectrum import _kernel_tables

from .calls import Call, backward_call, check_mel, forward_call, mel_call

needs_mel = pytest.mark.skipif(_kernels.mel is None, reason="the kernel is not in use")
needs_norm = pytest.mark.skipif(_kernels.norm is None, reason="the kernel is not in use")


def floats(*shape):
    return np.ones(shape, dtype=np.float32)


def ints(*values):
    return np.array(values, dtype=np.int32)


def smallest_mel_call():
    """Return a call for two frames of eight samples and one band of two bins."""
    arrays = {
        "x": floats(11),
        "window": floats(8),
        **_kernel_tables(8)._asdict(),
        "start": ints(0, 2),
        "bin": ints(0, 4),
        "weight": floats(2),
        "out": floats(1, 2),
    }
    numbers = {"lanes": 4, "hop": 3, "n_frames": 2, "n_bands": 1}
    return Call(_kernels.mel.mel_power, numbers, arrays, ("out",))


def small_norm_call(name, *, is_pooled):
    """Return a call of the function for two clips of 3 rows, 4 frames and 5 channels."""
    shape = {"clips": 2, "rows": 3, "frames": 4, "channels": 5, "windows": 2}
    n_out = 2 * (2 * 2 if is_pooled else 3 * 4) * 5
    n_pooled = n_out if is_pooled else 0
    lengths = {
        "forward": {"x": 120, "is_real": 4, "weight": 5, "bias": 5}
        | {"kept": n_pooled, "place": n_pooled, "y": n_out, "mean": 5, "variance": 5},
        "backward": {"gradient": n_out, "is_real": 4, "weight": 5, "bias": 5}
        | {"mean": 5, "variance": 5, "kept": n_out, "place": n_pooled, "out": 120}
        | {"weight_gradient": 5, "bias_gradient": 5},
    }
    arrays = {n: floats(length) for n, length in lengths[name].items()}
    arrays["is_real"] = np.ones(4, dtype=bool)
    flags = {"lanes": 4, "is_bfloat16": False, "is_pooled": is_pooled}
    numbers = flags | shape | {"epsilon": 1e-5}
    return Call(getattr(_kernels.norm, name), numbers, arrays, ())


def changed(call, changes):
    """Return a call with other numbers and arrays."""
    for name, value in changes.items():
        if name in call.numbers:
            call = call.with_numbers(**{name: value})
        else:
            call = call.with_array(name, value)
    return call


@needs_mel
def test_spectrum_by_hand():
    call = smallest_mel_call()
    call()
    # The square of the sum of eight ones.
    np.testing.assert_allclose(call.arrays["out"], 64)


@needs_mel
@pytest.mark.parametrize(
    "wrap",
    [
        memoryview,
        lambda a: array.array(a.dtype.char, a.tobytes()),
        # Their formats have a prefix for the byte order.
        lambda a: np.ctypeslib.as_ctypes(a.copy()),
    ],
    ids=["memoryview", "array", "ctypes"],
)
def test_arrays_of_other_libraries(wrap):
    call = mel_call(_kernels.mel, np.random.default_rng(2))
    wrapped = {name: wrap(value) for name, value in call.arrays.items() if name != "out"}
    changed(call, wrapped)()
    check_mel(call)


@needs_mel
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 5}, "lanes is 5, expected 4, 8 or 16"),
        ({"hop": 0}, "hop is 0, expected a positive number"),
        ({"n_bands": -1}, "n_bands is -1, expected a positive number"),
        ({"hop": 4}, "x has size 11, expected at least 2 frames of 8 samples, 4 apart"),
        ({"n_frames": 3}, "x has size 11, expected at least 3 frames of 8 samples, 3 apart"),
        ({"n_frames": 2**62}, "x has size 11, expected at least"),
        ({"n_bands": 2**24 + 1}, "n_bands is 16777217, expected at most 16777216"),
        ({"n_bands": 2**62 - 1}, "n_bands is 4611686018427387903, expected at most 16777216"),
        (
            {"n_bands": 4, "n_frames": 2**62},
            "n_frames is 4611686018427387904, expected fewer frames of 4 bands",
        ),
        ({"window": floats(6)}, "window has size 6, expected a power of two from 8 to"),
        ({"window": floats(4)}, "window has size 4, expected a power of two from 8 to"),
        (
            {"window": floats(16)},
            "x has size 11, expected at least 2 frames of 16 samples, 3 apart",
        ),
        ({"cosine": floats(3)}, "cosine has size 3, expected 4: n_fft / 2"),
        ({"real_sine": floats(4)}, "real_sine has size 4, expected 3: n_fft / 4 + 1"),
        ({"place": ints(0, 1, 2, 4)}, "place[3] is 4, expected 0 to 3"),
        ({"start": ints(0, 3)}, "start[1] is 3, expected 0 to 2"),
        ({"start": ints(1, 2)}, "start[0] is 1, expected 0 to 0"),
        ({"start": ints(0, 1)}, "start[1] is 1, expected 2: the length of weight"),
        ({"start": ints(0, 2, 2)}, "start has size 3, expected 2: n_bands + 1"),
        ({"bin": ints(0, 5)}, "bin[1] is 5, expected 0 to 4"),
        ({"bin": ints(-1, 0)}, "bin[0] is -1, expected 0 to 4"),
        ({"weight": floats(1)}, "weight has size 1, expected 2: the length of bin"),
        ({"out": floats(1, 3)}, "out has size 3, expected 2: n_bands * n_frames"),
        ({"x": np.ones(11)}, "x has elements of format 'd' and 8 bytes, expected float32"),
        ({"x": np.ones(11, dtype=">f4")}, "x has elements of format '>f' and 4 bytes, expected"),
        (
            {"bin": np.ones(2, np.int16)},
            "bin has elements of format 'h' and 2 bytes, expected int32",
        ),
        ({"x": np.empty(11, "M8[s]")}, "x has no buffer, expected an array of float32"),
        ({"x": floats(22)[::2]}, "x is not C-contiguous, expected a C-contiguous array"),
        ({"out": bytes(8)}, "out is read-only, expected a writable array"),
        (
            {"x": np.frombuffer(bytes(45), np.float32, 11, 1)},
            "x is not aligned, expected an address divisible by 4",
        ),
    ],
)
def test_errors_of_mel_power(changes, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        changed(smallest_mel_call(), changes)()


@needs_mel
def test_lanes_that_the_processor_does_not_have():
    if _kernels.mel.LANES == 16:
        pytest.skip("this processor has all of them")
    with pytest.raises(ValueError, match=f"expected at most {_kernels.mel.LANES} on this"):
        changed(smallest_mel_call(), {"lanes": 16})()


@needs_mel
def test_arguments_that_are_not_arrays():
    with pytest.raises(TypeError, match="^x is of type list, expected an array of float32$"):
        changed(smallest_mel_call(), {"x": [1.0] * 11})()
    with pytest.raises(TypeError, match="takes exactly 15 arguments"):
        _kernels.mel.mel_power(4)


@needs_mel
def test_outputs_must_not_overlap():
    memory = floats(13)
    call = changed(smallest_mel_call(), {"x": memory[:11], "out": memory[10:12]})
    message = "^out overlaps x in memory, expected separate arrays$"
    with pytest.raises(ValueError, match=message):
        call()
    # Adjacent arrays do not overlap, and inputs may.
    changed(call, {"out": memory[11:], "cosine": memory[:4], "sine": memory[:4]})()


@needs_norm
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 5}, "lanes is 5, expected 4, 8 or 16"),
        ({"clips": 0}, "clips is 0, expected a positive number"),
        ({"channels": -5}, "channels is -5, expected a positive number"),
        ({"windows": 0}, "windows is 0, expected a positive number"),
        ({"windows": 3}, "windows is 3, expected a divisor of the"),
        ({"clips": 2**40, "rows": 2**40}, "clips, rows, frames and channels are"),
        ({"clips": 2**61}, "clips, rows, frames and channels are"),
        ({"clips": 2**56}, "clips, rows, frames and channels are"),
        ({"is_bfloat16": True}, "x has elements of format 'f' and 4 bytes, expected int16"),
        ({"x": np.ones(120)}, "x has elements of format 'd' and 8 bytes, expected float32"),
        ({"is_real": floats(4)}, "is_real has elements of format 'f' and 4 bytes, expected bool"),
        ({"clips": 3}, "x has size 120, expected 180: clips * rows * frames * channels"),
        ({"x": floats(119)}, "x has size 119, expected 120: clips * rows * frames * channels"),
        (
            {"is_real": np.ones(9, dtype=bool)},
            "is_real has size 9, expected 4: clips * windows",
        ),
        *(
            ({name: floats(4)}, f"{name} has size 4, expected 5: channels")
            for name in ("weight", "bias", "mean", "variance")
        ),
    ],
)
@pytest.mark.parametrize("is_pooled", [False, True])
def test_errors_of_forward(changes, message, is_pooled):
    small_norm_call("forward", is_pooled=is_pooled)()
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        changed(small_norm_call("forward", is_pooled=is_pooled), changes)()


@needs_norm
@pytest.mark.parametrize("function", ["forward", "backward"])
@pytest.mark.parametrize("is_pooled", [False, True])
def test_every_size_is_checked(function, is_pooled):
    call = small_norm_call(function, is_pooled=is_pooled)
    call()
    for name, value in call.arrays.items():
        message = f"^{name} has size {value.size + 1}, expected {value.size}: "
        with pytest.raises(ValueError, match=message):
            changed(call, {name: np.ones(value.size + 1, dtype=value.dtype)})()


@needs_norm
def test_arrays_for_pooling_must_be_empty_without_it():
    call = small_norm_call("forward", is_pooled=False)
    with pytest.raises(ValueError, match="^kept has size 3, expected 0: nothing is pooled$"):
        changed(call, {"kept": floats(3)})()


@needs_norm
@pytest.mark.parametrize("is_pooled", [False, True])
def test_outputs_of_both_passes_must_not_overlap(is_pooled):
    forward = small_norm_call("forward", is_pooled=is_pooled)
    same = forward.arrays["mean"]
    with pytest.raises(ValueError, match="^mean overlaps variance"):
        changed(forward, {"variance": same})()
    backward = small_norm_call("backward", is_pooled=is_pooled)
    with pytest.raises(ValueError, match="^bias_gradient overlaps bias"):
        changed(backward, {"bias_gradient": backward.arrays["bias"]})()


@needs_norm
@pytest.mark.parametrize("make", [forward_call, backward_call])
def test_the_mask_may_be_bytes(make):
    for dtype in (np.uint8, np.int8):
        call = make(_kernels.norm, np.random.default_rng(1))
        call()
        written = {name: call.arrays[name].copy() for name in call.outputs}
        changed(call, {"is_real": call.arrays["is_real"].astype(dtype)})()
        for name, value in written.items():
            np.testing.assert_array_equal(call.arrays[name], value)
