"""Random valid calls of the compiled kernels, and checks of their results with NumPy."""

from dataclasses import dataclass, replace

import numpy as np

from ser_estimators._features.spectrum import _kernel_tables


@dataclass
class Call:
    """A call of a kernel: its arguments by name, in their order."""

    function: object
    numbers: dict
    arrays: dict
    outputs: tuple

    def __call__(self):
        """Make the call."""
        self.function(*self.numbers.values(), *self.arrays.values())

    def with_array(self, name, array):
        """Return the call with another array."""
        return replace(self, arrays=self.arrays | {name: array})

    def with_numbers(self, **numbers):
        """Return the call with other numbers."""
        return replace(self, numbers=self.numbers | numbers)

    def contents(self):
        """Return what is in the arrays."""
        return {name: array.tobytes() for name, array in self.arrays.items()}


def lanes_of(kernel, rng):
    return int(rng.choice([lanes for lanes in (4, 8, 16) if lanes <= kernel.LANES]))


def mel_call(kernel, rng):
    """Return a random call of ``mel_power``."""
    n_fft = 2 ** int(rng.integers(3, 12))
    hop, n_frames = int(rng.integers(1, n_fft + 20)), max(1, int(rng.integers(-9, 40)))
    n_bands = int(rng.integers(1, 20))
    counts = rng.integers(0, 9, n_bands) * int(rng.integers(8) > 0)
    n_samples = n_fft + hop * (n_frames - 1) + int(rng.integers(0, 3))
    arrays = {
        "x": rng.normal(size=n_samples).astype(np.float32),
        "window": rng.uniform(size=n_fft).astype(np.float32),
        **_kernel_tables(n_fft)._asdict(),
        "start": np.concatenate([[0], counts.cumsum()]).astype(np.int32),
        "bin": rng.integers(0, n_fft // 2 + 1, counts.sum()).astype(np.int32),
        "weight": rng.uniform(size=counts.sum()).astype(np.float32),
        "out": np.full((n_bands, n_frames), np.nan, dtype=np.float32),
    }
    numbers = {
        "lanes": lanes_of(kernel, rng),
        "hop": hop,
        "n_frames": n_frames,
        "n_bands": n_bands,
    }
    return Call(kernel.mel_power, numbers, arrays, ("out",))


def check_mel(call):
    """Compare the result of a call with NumPy's in float64."""
    numbers, arrays = call.numbers, call.arrays
    n_fft = arrays["window"].size
    frames = np.lib.stride_tricks.sliding_window_view(arrays["x"].astype(float), n_fft)
    frames = frames[:: numbers["hop"]][: numbers["n_frames"]]
    power = np.abs(np.fft.rfft(frames * arrays["window"])) ** 2
    rows = np.repeat(np.arange(numbers["n_bands"]), np.diff(arrays["start"]))
    filters = np.zeros((numbers["n_bands"], power.shape[1]))
    np.add.at(filters, (rows, arrays["bin"]), arrays["weight"])
    np.testing.assert_allclose(
        arrays["out"], filters @ power.T, rtol=2e-4, atol=1e-5 * power.max(), err_msg="out"
    )


def norm_sizes(rng):
    """Return random sizes of a call, and the shapes of its input and output."""
    is_pooled = bool(rng.integers(2))
    clips, rows, windows = (int(rng.integers(1, high)) for high in (4, 7, 5))
    # For some of these, tiles end within a window; for others, a tile is a single frame.
    channels = int(rng.choice([1, 2, 3, 16, 48, 257, 513]))
    frames_out = windows * int(rng.integers(1, 7))
    frames = 2 * frames_out - int(rng.integers(2)) if is_pooled else frames_out
    rows_out = (rows + 1) // 2 if is_pooled else rows
    numbers = {
        "is_bfloat16": bool(rng.integers(2)),
        "is_pooled": is_pooled,
        "clips": clips,
        "rows": rows,
        "frames": frames,
        "channels": channels,
        "windows": windows,
        "epsilon": float(rng.choice([1e-5, 1e-3, 1.0])),
    }
    return numbers, (clips, rows, frames, channels), (clips, rows_out, frames_out, channels)


def encode(values, is_bfloat16):
    """Return values in the type of a feature map."""
    values = values.astype(np.float32)
    return (
        (values.view(np.uint32) >> 16).astype(np.uint16).view(np.int16) if is_bfloat16 else values
    )


def decode(array):
    """Return a feature map in float64."""
    if array.dtype == np.int16:
        array = (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array.astype(float)


def parameters_of(numbers, rng):
    shape = numbers["clips"], numbers["windows"]
    channels = numbers["channels"]
    return {
        "is_real": rng.integers(0, 2, shape).astype(bool),
        "weight": rng.normal(size=channels).astype(np.float32),
        "bias": rng.normal(size=channels).astype(np.float32),
    }


def forward_call(kernel, rng):
    """Return a random call of ``forward``."""
    numbers, shape, shape_out = norm_sizes(rng)
    # Integers, some of which are equal.
    x = rng.integers(-3, 4, shape) if rng.integers(2) else rng.normal(1, 2, shape)
    x = encode(x, numbers["is_bfloat16"])
    pooled = shape_out if numbers["is_pooled"] else 0
    arrays = {
        "x": x,
        **parameters_of(numbers, rng),
        "kept": np.full(pooled, 9, dtype=x.dtype),
        "place": np.full(pooled, 9, dtype=x.dtype),
        "y": np.full(shape_out, 9, dtype=x.dtype),
        "mean": np.full(numbers["channels"], 9, dtype=np.float32),
        "variance": np.full(numbers["channels"], 9, dtype=np.float32),
    }
    numbers = {"lanes": lanes_of(kernel, rng)} | numbers
    return Call(kernel.forward, numbers, arrays, ("kept", "place", "y", "mean", "variance"))


def corners(array, shape_out):
    """Return the four values of each window of two rows and two frames, on the first axis."""
    clips, rows_out, frames_out, channels = shape_out
    padded = np.full((clips, 2 * rows_out, 2 * frames_out, channels), -np.inf)
    padded[:, : array.shape[1], : array.shape[2]] = array
    return np.stack([padded[:, k // 2 :: 2, k % 2 :: 2] for k in range(4)])


def real_frames(call, shape_out):
    windows = call.arrays["is_real"].astype(bool)
    repeated = windows.repeat(shape_out[2] // windows.shape[1], axis=1)
    return np.broadcast_to(repeated[:, None, :, None], shape_out)


def check_forward(call):
    """Compare the results of a call with NumPy's in float64."""
    numbers, arrays = call.numbers, call.arrays
    x, shape_out = decode(arrays["x"]), arrays["y"].shape
    if numbers["is_pooled"]:
        values = corners(x, shape_out)
        x = values.max(axis=0)
        assert (decode(arrays["kept"]) == x).all(), "kept"
        assert (arrays["place"] == values.argmax(axis=0)).all(), "place"
    axes = 0, 1, 2
    mean, variance = arrays["mean"], arrays["variance"].astype(float)
    # The kernel sums up float32 differences from the first value, and rounds their squares.
    square = np.square(x - decode(arrays["x"])[0, 0, 0]).max(axis=axes)
    assert (np.abs(mean - x.mean(axis=axes)) <= 1e-5 * np.sqrt(square) + 1e-6).all(), "mean"
    assert (np.abs(variance - x.var(axis=axes)) <= 1e-5 * square).all(), "variance"
    y = arrays["weight"] * (x - mean) / np.sqrt(variance + numbers["epsilon"]) + arrays["bias"]
    check_close(arrays, numbers, y=np.where(real_frames(call, shape_out), np.maximum(y, 0), 0))


def check_close(arrays, numbers, **expected):
    for name, value in expected.items():
        is_rounded = numbers["is_bfloat16"] and value.ndim == 4
        rtol = 2**-7 if is_rounded else 1e-3
        np.testing.assert_allclose(
            decode(arrays[name]),
            value,
            rtol=rtol,
            atol=rtol / 10 * max(1.0, np.abs(value).max()),
            err_msg=name,
        )


def backward_call(kernel, rng):
    """Return a random call of ``backward``."""
    numbers, shape, shape_out = norm_sizes(rng)
    is_bfloat16 = numbers["is_bfloat16"]
    channels = numbers["channels"]
    kept = encode(rng.normal(1, 2, shape_out), is_bfloat16)
    arrays = {
        "gradient": encode(rng.normal(size=shape_out), is_bfloat16),
        **parameters_of(numbers, rng),
        "mean": rng.normal(size=channels).astype(np.float32),
        "variance": rng.uniform(0.1, 2, channels).astype(np.float32),
        "kept": kept,
        "place": rng.integers(0, 4, shape_out if numbers["is_pooled"] else 0).astype(kept.dtype),
        "out": np.full(shape, 9, dtype=kept.dtype),
        "weight_gradient": np.full(channels, 9, dtype=np.float32),
        "bias_gradient": np.full(channels, 9, dtype=np.float32),
    }
    numbers = {"lanes": lanes_of(kernel, rng)} | numbers
    call = Call(kernel.backward, numbers, arrays, ("out", "weight_gradient", "bias_gradient"))
    # Where y is close to zero, rounding decides whether the gradient passes.
    arrays["gradient"][np.abs(before_relu(call)[1]) < 1e-3] = 0
    return call


def before_relu(call):
    """Return x - mean, and y before the ReLU, of a backward call."""
    arrays = call.arrays
    difference = decode(arrays["kept"]) - arrays["mean"]
    deviation = np.sqrt(arrays["variance"].astype(float) + call.numbers["epsilon"])
    return difference, arrays["weight"] * difference / deviation + arrays["bias"]


def check_backward(call):
    """Compare the results of a call with NumPy's in float64."""
    numbers, arrays = call.numbers, call.arrays
    shape_out = arrays["gradient"].shape
    difference, y = before_relu(call)
    gradient = np.where(real_frames(call, shape_out) & (y > 0), decode(arrays["gradient"]), 0)
    deviation = np.sqrt(arrays["variance"].astype(float) + numbers["epsilon"])
    axes = 0, 1, 2
    of_bias = gradient.sum(axis=axes)
    of_weight = (gradient * difference).sum(axis=axes) / deviation
    out = gradient - gradient.mean(axis=axes)
    out -= difference / deviation * of_weight / np.prod(shape_out[:3])
    out *= arrays["weight"] / deviation
    if numbers["is_pooled"]:
        full = np.zeros((shape_out[0], 2 * shape_out[1], 2 * shape_out[2], shape_out[3]))
        for k in range(4):
            full[:, k // 2 :: 2, k % 2 :: 2] = np.where(arrays["place"] == k, out, 0)
        out = full[:, : numbers["rows"], : numbers["frames"]]
    check_close(arrays, numbers, out=out, weight_gradient=of_weight, bias_gradient=of_bias)
