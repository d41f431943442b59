"""The compiled pooling, normalization and ReLU equal those of torch."""

import copy
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ser_estimators import _kernels
from ser_estimators._network import normalization
from ser_estimators._network.normalization import pool_and_normalize

kernel = _kernels.norm
needs_kernel = pytest.mark.skipif(kernel is None, reason="the kernel was not compiled")


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


class Lanes:
    """The kernel as on a processor with narrower vectors."""

    def __init__(self, lanes):
        if lanes > kernel.LANES:
            pytest.skip("this processor has fewer lanes")
        self.LANES = lanes
        self.forward, self.backward = kernel.forward, kernel.backward


def make_norm(n_channels, rng):
    norm = nn.BatchNorm2d(n_channels, eps=1e-4, momentum=0.3)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=n_channels)))
    return norm


def run(x, norm, mask, *, is_pooled, by=None, gradient=None, dtype=torch.float32):
    """Return the output, all gradients and the statistics, of the kernel or of torch."""
    x = x.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    twin = copy.deepcopy(norm)
    if dtype == torch.float64:
        twin = twin.double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_kernels, "norm", by)
        y = pool_and_normalize(x, twin, mask, is_pooled=is_pooled)
        given = torch.ones_like(y) if gradient is None else gradient.to(dtype)
        y.backward(given.contiguous())
    return {
        "output": y,
        "x": x.grad,
        "weight": twin.weight.grad,
        "bias": twin.bias.grad,
        **dict(twin.named_buffers()),
    }


shapes = st.fixed_dictionaries(
    {
        "n": st.integers(1, 4),
        # With some, tiles of the kernel end within windows; with others, tiles have one frame.
        "n_channels": st.sampled_from([1, 3, 16, 48, 257, 513]),
        "n_rows": st.integers(1, 9),
        "n_windows": st.integers(1, 5),
        "window": st.integers(1, 13),
    }
)


all_lanes = pytest.mark.parametrize("lanes", [4, 8, 16])


@needs_kernel
@all_lanes
@pytest.mark.parametrize("is_pooled", [False, True])
@given(shape=shapes, is_odd=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_kernel_equals_torch_in_double_precision(lanes, is_pooled, shape, is_odd, seed):
    by = Lanes(lanes)
    rng = np.random.default_rng(seed)
    n_frames = shape["n_windows"] * shape["window"]
    if is_pooled:
        n_frames = 2 * n_frames - is_odd
    x = rng.normal(size=(shape["n"], shape["n_channels"], shape["n_rows"], n_frames))
    # At least two clips that differ a lot: a deviation near zero would be mostly rounding error.
    other = x[::-1] + rng.normal(size=x.shape) + 4
    x = torch.from_numpy(np.concatenate([x, other]) + 1)
    x = x.float()
    norm = make_norm(shape["n_channels"], rng)
    mask = torch.from_numpy(rng.integers(0, 2, size=(len(x), 1, 1, shape["n_windows"]))).float()
    pooled = torch.nn.functional.max_pool2d(x, 2, ceil_mode=True) if is_pooled else x
    before_relu = copy.deepcopy(norm).double()(pooled.double())
    gradient = torch.from_numpy(rng.normal(size=pooled.shape)).float()
    # The sign of values near zero may differ between single and double precision.
    gradient[before_relu.abs() < 1e-4] = 0
    expected = run(x, norm, mask, is_pooled=is_pooled, gradient=gradient, dtype=torch.float64)
    actual = run(x, norm, mask, is_pooled=is_pooled, gradient=gradient, by=by)
    for name, value in expected.items():
        scale = max(1.0, float(value.detach().abs().max()))
        torch.testing.assert_close(
            actual[name].to(value.dtype), value, rtol=1e-3, atol=1e-4 * scale, msg=prefixed(name)
        )


def prefixed(name):
    return lambda message: f"{name}: {message}"


@needs_kernel
@all_lanes
@pytest.mark.parametrize("is_pooled", [False, True])
def test_kernel_rounds_like_torch_in_bfloat16(is_pooled, lanes):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(0.5, 2, size=(8, 24, 9, 32))).bfloat16()
    norm = make_norm(24, rng)
    mask = torch.ones(8, 1, 1, 8)
    mask[3:, ..., 5:] = 0
    gradient = torch.from_numpy(rng.normal(size=(8, 24, 5, 16) if is_pooled else x.shape))
    options = {"is_pooled": is_pooled, "gradient": gradient, "dtype": torch.bfloat16}
    expected, actual = run(x, norm, mask, **options), run(x, norm, mask, **options, by=Lanes(lanes))
    for name in ("output", "x"):
        assert actual[name].dtype == torch.bfloat16
        # A sum halfway between two numbers is occasionally rounded to the other one.
        same = (actual[name] == expected[name]).float().mean()
        assert same > 0.99, name
        torch.testing.assert_close(actual[name], expected[name], rtol=2**-7, atol=1e-3)
    for name in ("weight", "bias", "running_mean", "running_var"):
        assert actual[name].dtype == torch.float32
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-4, atol=1e-3)


@needs_kernel
@all_lanes
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_maximum_of_ties_and_nan_is_that_of_torch(dtype, lanes):
    rng = np.random.default_rng(0)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1.0], dtype=np.float32)
    x = torch.from_numpy(rng.choice(special, size=(3, 40, 7, 11)))
    batch = x.to(dtype).contiguous(memory_format=torch.channels_last)
    _, corners = torch.nn.functional.max_pool2d(batch, 2, ceil_mode=True, return_indices=True)
    rows, frames = corners // 11, corners % 11
    kept, place, y = (normalization._channels_last(batch, (3, 40, 4, 6)) for _ in range(3))
    ones = [np.ones(40, np.float32) for _ in range(4)]
    arrays = [normalization._array(tensor) for tensor in (batch, kept, place, y)]
    Lanes(lanes).forward(
        *(lanes, dtype == torch.bfloat16, True, 3, 7, 11, 40, 6, 1e-5, arrays[0]),
        *(np.ones(18, bool), *ones[:2], *arrays[1:], *ones[2:]),
    )
    # In bfloat16 their bits are an integer.
    actual = arrays[2].astype(int)
    np.testing.assert_array_equal(actual, (2 * (rows % 2) + frames % 2).permute(0, 2, 3, 1))


@needs_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_pooled", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_propagated(dtype, is_pooled, bad):
    x = draw(2, 3, 4, 4)
    x[0, 1, 2, 3] = bad
    norm, mask = nn.BatchNorm2d(3), torch.ones(2, 1, 1, 2)
    results = [
        run(x, norm, mask, is_pooled=is_pooled, dtype=dtype, by=by)["output"]
        for by in (None, kernel)
    ]
    torch.testing.assert_close(results[1], results[0], equal_nan=True, rtol=1e-2, atol=1e-2)
    assert results[1][:, 1].isnan().any()
    assert not results[1][:, [0, 2]].isnan().any()


@needs_kernel
def test_constant_channel_becomes_its_bias():
    x = torch.full((4, 2, 3, 5), 1e4)
    norm = nn.BatchNorm2d(2)
    with torch.no_grad():
        norm.bias.copy_(torch.tensor([2.0, -1.0]))
    out = run(x, norm, torch.ones(4, 1, 1, 1), is_pooled=False, by=kernel)
    torch.testing.assert_close(out["output"][:, 0], torch.full((4, 3, 5), 2.0), rtol=0, atol=0.01)
    assert (out["output"][:, 1] == 0).all()
    assert out["running_var"].tolist() == pytest.approx([0.9, 0.9])


@needs_kernel
def test_kernel_is_used_only_for_training_on_a_cpu(monkeypatch):
    def refuse(*args):
        raise AssertionError("the kernel was called")

    monkeypatch.setattr(kernel_of_test := Lanes(kernel.LANES), "forward", refuse)
    monkeypatch.setattr(_kernels, "norm", kernel_of_test)
    x, mask = draw(2, 3, 4, 4).requires_grad_(), torch.ones(2, 1, 1, 2)
    for others in ({"affine": False}, {"track_running_stats": False}, {"momentum": None}):
        pool_and_normalize(x, nn.BatchNorm2d(3, **others), mask, is_pooled=False)
    pool_and_normalize(x[:1], nn.BatchNorm2d(3), mask[:1], is_pooled=False)
    with torch.no_grad():
        pool_and_normalize(x, nn.BatchNorm2d(3), mask, is_pooled=False)
    pool_and_normalize(x, nn.BatchNorm2d(3).eval(), mask, is_pooled=False)
    pool_and_normalize(x.double(), nn.BatchNorm2d(3).double(), mask, is_pooled=False)
    pool_and_normalize(x.to("meta"), nn.BatchNorm2d(3).to("meta"), mask.to("meta"), is_pooled=True)
    with pytest.raises(AssertionError, match="the kernel was called"):
        pool_and_normalize(x, nn.BatchNorm2d(3), mask, is_pooled=False)


@needs_kernel
def test_result_does_not_depend_on_the_memory_format():
    x, mask = draw(2, 3, 4, 6), torch.ones(2, 1, 1, 3)
    gradient = draw(2, 3, 4, 6)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        y = pool_and_normalize(given, nn.BatchNorm2d(3), mask, is_pooled=False)
        y.backward(gradient.contiguous(memory_format=layout))
        results.append((y, given.grad))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_single_value_cannot_be_normalized():
    x = torch.ones(1, 3, 1, 1, requires_grad=True)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        pool_and_normalize(x, nn.BatchNorm2d(3), torch.ones(1, 1, 1, 1), is_pooled=False)


@needs_kernel
def test_kernel_is_thread_safe():
    x, mask = draw(8, 48, 10, 40).bfloat16(), torch.ones(8, 1, 1, 5)
    norm = make_norm(48, np.random.default_rng(0))

    def work(_):
        given = x.clone(memory_format=torch.channels_last).requires_grad_()
        own = copy.deepcopy(norm)
        y = pool_and_normalize(given, own, mask, is_pooled=True)
        return torch.autograd.grad(y.float().square().sum(), [given, *own.parameters()])

    alone = work(0)
    with ThreadPoolExecutor(4) as pool:
        for gradients in pool.map(work, range(40)):
            assert all(torch.equal(a, b) for a, b in zip(gradients, alone, strict=True))


@needs_kernel
def test_frozen_parameters_and_inputs_get_no_gradient():
    norm = nn.BatchNorm2d(3)
    norm.weight.requires_grad_(False)
    x = draw(2, 3, 4, 4)
    pool_and_normalize(x, norm, torch.ones(2, 1, 1, 2), is_pooled=True).sum().backward()
    assert norm.weight.grad is None
    assert norm.bias.grad.shape == (3,)


@needs_kernel
@pytest.mark.slow
def test_without_the_kernel_training_gives_nearly_the_same():
    code = (
        "import numpy as np\n"
        "from ser_estimators import CNNEmbedder, _kernels\n"
        "print(_kernels.norm is not None)\n"
        "X = np.random.default_rng(0).normal(size=(24, 20, 60))\n"
        "X[:8, :, 40:] = 0\n"
        "X[::2, 1] += 1\n"
        "y = np.arange(24) % 2\n"
        "cnn = CNNEmbedder(max_epochs=2, batch_size=8, precision='float32', random_state=0)\n"
        "print(*cnn.fit(X, y).predict_proba(X)[:, 0])"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"SER_ESTIMATORS_KERNELS": switch},
        ).stdout.split()
        for switch in ("1", "0")
    ]
    assert [has_kernel for has_kernel, *_ in outputs] == ["True", "False"]
    probabilities = np.array([values for _, *values in outputs], dtype=float)
    assert probabilities.std(axis=1).min() > 0.01
    np.testing.assert_allclose(*probabilities, atol=2e-3)
