"""Fuzz test of the compiled kernels: calls with random arguments, valid and invalid.

A valid call must agree with NumPy and write to nothing but its outputs. An invalid call must raise
an error that names an argument, and write nothing. The test suite makes some thousand calls of the
installed kernels. ``make test-sanitize`` compiles kernels with a check at every memory access, and
makes as many calls as fit into a minute::

    python -m tests.kernels.fuzz --seconds 60 --kernels build/sanitize

To reproduce a failure, start with the seed that was printed last: ``--seed 1500``.
"""

import argparse
import re
import threading
import time
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np

from ser_estimators import _kernels

from .calls import backward_call, check_backward, check_forward, check_mel, forward_call, mel_call

MARGIN = 16
NOT_ARRAYS = (None, 5, 1.5, "samples", [1.0, 2.0], range(3), object())
OTHER_TYPES = ("f8", "i8", "u8", "c16", "f2", ">f4", ">i4", ">i2", "S4", "O", "M8[s]", "f4,i4")
NOT_POSITIVE = (0, -1, -(2**31), -(2**62), -(2**63))
HUGE = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**61, 2**62 - 1, 2**62, 2**63 - 1, 2**64, 10**30)
BAD_INDEXES = (-1, -(2**31), 2**31 - 1, 2**30)


# Each function returns an invalid call and the argument that its error must name, or None if any
# argument may be named. It returns None instead if the call cannot be made invalid in this way.


def any_of(rng, names):
    # Sorted, because the order of a set of strings differs between processes.
    names = sorted(names)
    return names[rng.integers(len(names))] if names else None


def other_type(call, rng):
    name = any_of(rng, call.arrays)
    dtype = np.dtype(OTHER_TYPES[rng.integers(len(OTHER_TYPES))])
    return call.with_array(name, np.zeros(call.arrays[name].shape, dtype)), name


def not_an_array(call, rng):
    name = any_of(rng, call.arrays)
    return call.with_array(name, NOT_ARRAYS[rng.integers(len(NOT_ARRAYS))]), name


def bytes_only(call, rng):
    name = any_of(rng, set(call.arrays) - {"is_real"})
    return call.with_array(name, call.arrays[name].tobytes()), name


def with_gaps(call, rng):
    name = any_of(rng, (name for name, array in call.arrays.items() if array.size > 1))
    if name is None:
        return None
    array = call.arrays[name]
    if rng.integers(2):
        return call.with_array(name, array.ravel()[::-1]), name
    return call.with_array(name, array.ravel().repeat(2)[::2]), name


def read_only(call, rng):
    name = any_of(rng, call.outputs)
    array = call.arrays[name].copy()
    array.setflags(write=False)
    return call.with_array(name, array), name


def misaligned(call, rng):
    arrays = call.arrays.items()
    name = any_of(rng, (name for name, array in arrays if array.itemsize > 1 and array.size))
    array = call.arrays[name]
    offset = int(rng.integers(1, array.itemsize))
    memory = bytearray(array.nbytes + offset)
    moved = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    moved[...] = array
    return call.with_array(name, moved), name


def overlapping(call, rng):
    name = any_of(rng, (name for name in call.outputs if call.arrays[name].size))
    other = any_of(rng, (n for n, array in call.arrays.items() if n != name and array.size))
    output, array = call.arrays[name], call.arrays[other]
    # The output begins within the other array, or the other array within the output.
    spans = [output.nbytes, array.nbytes]
    is_output_later = bool(rng.integers(2))
    offset = int(rng.integers(0, spans[is_output_later])) // 4 * 4
    offsets = [offset, 0] if is_output_later else [0, offset]
    memory = bytearray(sum(spans))
    output, array = (
        np.frombuffer(memory, a.dtype, a.size, at).reshape(a.shape)
        for a, at in zip((output, array), offsets, strict=True)
    )
    array[...] = call.arrays[other]
    return call.with_array(name, output).with_array(other, array), name


def other_length(call, rng):
    name = any_of(rng, call.arrays)
    array = call.arrays[name].ravel()
    if array.size and (name == "x" or rng.integers(2)):
        smaller = array[: rng.integers(0, array.size)]
        # mel_power accepts some more samples than it needs.
        smaller = smaller[: -MARGIN or None] if name == "x" else smaller
        return call.with_array(name, smaller.copy()), None
    if name == "x":
        return None
    longer = np.zeros(array.size + int(rng.integers(1, 2 * array.size + 2)), array.dtype)
    longer[: array.size] = array
    return call.with_array(name, longer), None


def hostile_number(call, rng):
    name = any_of(rng, set(call.numbers) - {"is_bfloat16", "is_pooled", "epsilon", "hop"})
    value = call.numbers[name]
    others = (*NOT_POSITIVE, *HUGE, value + 1, 2**31 + value, 2**32 + value, 2**62 + value)
    other = others[rng.integers(len(others))]
    return call.with_numbers(**{name: other}), None


def hostile_numbers(call, rng):
    """Change several sizes: their product must not wrap around to a valid size."""
    names = sorted(set(call.numbers) - {"lanes", "is_bfloat16", "is_pooled", "epsilon", "hop"})
    values = [2**power for power in (16, 20, 21, 31, 32, 33, 60, 61, 62)]
    chosen = rng.permutation(names)[: rng.integers(2, len(names) + 1)]
    numbers = {str(name): values[rng.integers(len(values))] for name in chosen}
    return call.with_numbers(**numbers), None


def hostile_hop(call, rng):
    if "hop" not in call.numbers:
        return None
    if call.numbers["n_frames"] == 1 or rng.integers(2):
        return call.with_numbers(hop=NOT_POSITIVE[rng.integers(len(NOT_POSITIVE))]), None
    return call.with_numbers(hop=HUGE[rng.integers(len(HUGE))]), None


def other_flag(call, rng):
    if "is_pooled" not in call.numbers:
        return None
    name = any_of(rng, ("is_bfloat16", "is_pooled"))
    return call.with_numbers(**{name: not call.numbers[name]}), None


def not_a_number(call, rng):
    name = any_of(rng, set(call.numbers) - {"is_bfloat16", "is_pooled"})
    value = ("many", None, 1j, [2])[rng.integers(4)]
    return call.with_numbers(**{name: value}), None


def another_count(call, rng):
    arrays = dict(call.arrays)
    if rng.integers(2):
        arrays["one_more"] = np.zeros(3, dtype=np.float32)
    else:
        del arrays[any_of(rng, arrays)]
    return replace(call, arrays=arrays), None


def bad_index(call, rng):
    names = [n for n in ("place", "start", "bin") if "window" in call.arrays]
    name = any_of(rng, (name for name in names if call.arrays[name].size))
    if name is None:
        return None
    array = call.arrays[name].copy()
    half = call.arrays["window"].size // 2
    end = {"place": half, "start": call.arrays["bin"].size + 1, "bin": half + 1}[name]
    bad = (*BAD_INDEXES, end)
    array[rng.integers(array.size)] = bad[rng.integers(len(bad))]
    return call.with_array(name, array), name


def bad_rows(call, rng):
    """Make rows of the filters overlap, or leave out weights."""
    if "start" not in call.arrays or call.arrays["bin"].size == 0:
        return None
    start = call.arrays["start"].copy()
    place = int(rng.integers(start.size))
    if place in (0, start.size - 1):
        start[place] += rng.choice([-1, 1])
    else:
        start[place] = start[place + 1] + 1
    return call.with_array("start", start), "start"


def empty_start(call, rng):
    """Make ``4 * (n_bands + 1)`` wrap around to zero."""
    if "start" not in call.arrays:
        return None
    call = call.with_array("start", np.zeros(0, dtype=np.int32))
    return call.with_numbers(n_bands=2**62 - 1), None


INVALID = (
    other_type,
    not_an_array,
    bytes_only,
    with_gaps,
    read_only,
    misaligned,
    overlapping,
    other_length,
    hostile_number,
    hostile_numbers,
    hostile_hop,
    other_flag,
    not_a_number,
    another_count,
    bad_index,
    bad_rows,
    empty_start,
)


# Checks


def check_valid(call, check, rng):
    """Assert that a valid call agrees with NumPy and writes to nothing but its outputs."""
    if rng.integers(2):
        fenced, fences = fence(call)
    else:
        fenced, fences = call, []
    before = fenced.contents()
    fenced()
    after = fenced.contents()
    for name in set(call.arrays) - set(call.outputs):
        assert after[name] == before[name], f"{name} was written"
    for memory, content in fences:
        assert (memory[:MARGIN] == content[:MARGIN]).all(), "written before an array"
        assert (memory[-MARGIN:] == content[-MARGIN:]).all(), "written after an array"
    check(fenced)


def fence(call):
    """Surround all arrays with margins."""
    arrays, fences = {}, []
    for name, array in call.arrays.items():
        memory = np.full(array.nbytes + 2 * MARGIN, 0xA5, dtype=np.uint8)
        inside = memory[MARGIN : MARGIN + array.nbytes].view(array.dtype).reshape(array.shape)
        inside[...] = array
        arrays[name] = inside
        fences.append((memory, memory.copy()))
    return replace(call, arrays=arrays), fences


def check_invalid(call, change, rng):
    """Assert that an invalid call raises an error that names an argument, and writes nothing."""
    made = change(call, rng)
    if made is None:
        return
    bad, name = made
    arrays = {n: array for n, array in bad.arrays.items() if isinstance(array, np.ndarray)}
    before = {n: array.tobytes() for n, array in arrays.items()}
    error = error_of(bad)
    words = set(re.findall(r"\w+", str(error)))
    what = f"{change.__name__} of {name}: {error!r}"
    if isinstance(error, OverflowError):
        # The integer does not fit into any type of C.
        assert any(isinstance(n, int) and abs(n) >= 2**31 for n in bad.numbers.values()), what
    elif name is not None:
        assert name in words, what
    elif change not in (not_a_number, another_count):
        assert words & (set(bad.numbers) | set(bad.arrays)), what
    else:
        assert error is not None, what
    assert {n: array.tobytes() for n, array in arrays.items()} == before, change.__name__


def error_of(call):
    """Make a call and return its error, or None."""
    try:
        call()
    except (OverflowError, TypeError, ValueError) as error:
        return error
    return None


def check_threads(kernel, rng):
    """Assert that calls raise no other error while a thread changes their indexes."""
    call = mel_call(kernel, rng)
    call.numbers["n_frames"] = n_frames = 2000
    n_samples = call.arrays["window"].size + call.numbers["hop"] * n_frames
    call.arrays["x"] = np.zeros(n_samples, dtype=np.float32)
    call.arrays["out"] = np.zeros((call.numbers["n_bands"], n_frames), dtype=np.float32)
    indexes = {name: call.arrays[name].copy() for name in ("place", "start", "bin")}
    call.arrays.update({name: array.copy() for name, array in indexes.items()})
    done = threading.Event()

    def overwrite():
        while not done.is_set():
            for name, array in indexes.items():
                # Repeated, so that most of the time passes with bad indexes.
                for _ in range(50):
                    call.arrays[name][1::2] = BAD_INDEXES[2]
                call.arrays[name][...] = array
                # A call begins here, with good indexes.
                time.sleep(0)

    thread = threading.Thread(target=overwrite)
    thread.start()
    try:
        for _ in range(10):
            error = error_of(call)
            assert error is None or str(error).split("[")[0] in indexes, error
    finally:
        done.set()
        thread.join()


def calls_of(mel, norm):
    """Yield functions that return random calls, each with its check."""
    if mel is not None:
        yield lambda rng: mel_call(mel, rng), check_mel
    if norm is not None:
        yield lambda rng: forward_call(norm, rng), check_forward
        yield lambda rng: backward_call(norm, rng), check_backward


def fuzz(make, check, seed):
    """Make a valid call, and one invalid call of each kind."""
    rng = np.random.default_rng(seed)
    check_valid(make(rng), check, rng)
    call = make(rng)
    for change in INVALID:
        check_invalid(call, change, rng)


def load(name, folder):
    """Import a kernel from a folder."""
    paths = [path for end in EXTENSION_SUFFIXES if (path := Path(folder, f"{name}{end}")).exists()]
    if not paths:
        raise SystemExit(f"no {name} in {folder}")
    spec = spec_from_file_location(f"to_check.{name}", paths[0])
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    """Make calls until the time has elapsed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first calls")
    parser.add_argument("--kernels", help="folder of the compiled modules; default: the installed")
    options = parser.parse_args()
    mel, norm = _kernels.mel, _kernels.norm
    if options.kernels:
        mel, norm = load("_mel", options.kernels), load("_norm", options.kernels)
    if mel is None or norm is None:
        raise SystemExit(f"a kernel is missing: {_kernels.status()}")
    end = time.monotonic() + options.seconds
    seed = options.seed
    while time.monotonic() < end:
        if (seed - options.seed) % 500 == 0:
            print(f"seed {seed}", flush=True)
        if seed % 100 == 0:
            check_threads(mel, np.random.default_rng(seed))
        for make, check in calls_of(mel, norm):
            fuzz(make, check, seed)
        seed += 1
    n_calls = (seed - options.seed) * 3 * (1 + len(INVALID))
    print(f"about {n_calls} calls with seeds {options.seed} to {seed - 1}: no failure")


if __name__ == "__main__":
    main()
