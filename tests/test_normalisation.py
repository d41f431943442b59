"""The compiled pooling, normalisation and ReLU are torch's own, in fewer passes over memory."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ser_estimators import _normalisation
from ser_estimators._normalisation import pool_and_normalise

kernel = _normalisation._norm_kernel
needs_kernel = pytest.mark.skipif(kernel is None, reason="the kernel was not compiled")


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


class Lanes:
    """The kernel, as it is on a processor with narrower vectors."""

    def __init__(self, lanes):
        self.LANES = lanes
        self.forward, self.backward = kernel.forward, kernel.backward


def make_norm(n_channels, rng):
    norm = nn.BatchNorm2d(n_channels)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=n_channels)))
    return norm


def run(x, norm, mask, *, is_pooled, by=None, gradient=None, dtype=torch.float32):
    """Return the output, all gradients and the statistics, by the kernel or by torch."""
    x = x.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    twin = nn.BatchNorm2d(x.shape[1])
    twin.load_state_dict(norm.state_dict())
    if dtype == torch.float64:
        twin = twin.double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_normalisation, "_norm_kernel", by)
        y = pool_and_normalise(x, twin, mask, is_pooled=is_pooled)
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
        "n_channels": st.sampled_from([1, 3, 16, 40]),
        "n_rows": st.integers(1, 9),
        "n_windows": st.integers(1, 5),
        "window": st.integers(1, 4),
    }
)


@needs_kernel
@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("is_pooled", [False, True])
@given(shape=shapes, is_odd=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_kernel_is_torch_of_more_digits(lanes, is_pooled, shape, is_odd, seed):
    if lanes > kernel.LANES:
        pytest.skip("this processor has fewer lanes")
    rng = np.random.default_rng(seed)
    n_frames = shape["n_windows"] * shape["window"]
    if is_pooled:
        n_frames = 2 * n_frames - is_odd
    x = rng.normal(size=(shape["n"], shape["n_channels"], shape["n_rows"], n_frames))
    # Enough values for the statistics to mean something.
    x = torch.from_numpy(np.concatenate([x, x[::-1] + rng.normal(size=x.shape)]) + 1)
    x = x.float()
    norm = make_norm(shape["n_channels"], rng)
    mask = torch.from_numpy(rng.integers(0, 2, size=(len(x), 1, 1, shape["n_windows"]))).float()
    out = run(x, norm, mask, is_pooled=is_pooled, dtype=torch.float64)
    gradient = torch.from_numpy(rng.normal(size=out["output"].shape)).float()
    expected = run(x, norm, mask, is_pooled=is_pooled, gradient=gradient, dtype=torch.float64)
    actual = run(x, norm, mask, is_pooled=is_pooled, gradient=gradient, by=Lanes(lanes))
    for name, value in expected.items():
        scale = max(1.0, float(value.detach().abs().max()))
        torch.testing.assert_close(
            actual[name].to(value.dtype), value, rtol=1e-3, atol=1e-4 * scale, msg=name
        )


@needs_kernel
@pytest.mark.parametrize("is_pooled", [False, True])
def test_kernel_in_bfloat16_rounds_as_torch_does(is_pooled):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(0.5, 2, size=(8, 24, 9, 32))).bfloat16()
    norm = make_norm(24, rng)
    mask = torch.ones(8, 1, 1, 8)
    mask[3:, ..., 5:] = 0
    gradient = torch.from_numpy(rng.normal(size=(8, 24, 5, 16) if is_pooled else x.shape))
    options = {"is_pooled": is_pooled, "gradient": gradient, "dtype": torch.bfloat16}
    expected, actual = run(x, norm, mask, **options), run(x, norm, mask, **options, by=kernel)
    for name in ("output", "x"):
        assert actual[name].dtype == torch.bfloat16
        # Now and then a sum that lies between two numbers is rounded to the other one.
        same = (actual[name] == expected[name]).float().mean()
        assert same > 0.99, name
        torch.testing.assert_close(actual[name], expected[name], rtol=2**-7, atol=1e-3)
    for name in ("weight", "bias", "running_mean", "running_var"):
        assert actual[name].dtype == torch.float32
        torch.testing.assert_close(actual[name], expected[name], rtol=1e-4, atol=1e-3)


@needs_kernel
def test_the_first_of_equal_numbers_gets_the_gradient():
    x = torch.zeros(2, 1, 2, 2)
    x[1] = 3.0
    norm, mask = nn.BatchNorm2d(1), torch.ones(2, 1, 1, 1)
    gradient = torch.tensor([1.0, 5.0])[:, None, None, None]
    expected = run(x, norm, mask, is_pooled=True, gradient=gradient)
    actual = run(x, norm, mask, is_pooled=True, gradient=gradient, by=kernel)
    torch.testing.assert_close(actual["x"], expected["x"])
    assert (actual["x"].flatten(1)[:, 1:] == 0).all()


@needs_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("is_pooled", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_not_hidden(dtype, is_pooled, bad):
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
def test_a_constant_channel_becomes_its_bias():
    x = torch.full((4, 2, 3, 5), 1e4)
    norm = nn.BatchNorm2d(2)
    with torch.no_grad():
        norm.bias.copy_(torch.tensor([2.0, -1.0]))
    out = run(x, norm, torch.ones(4, 1, 1, 1), is_pooled=False, by=kernel)
    torch.testing.assert_close(out["output"][:, 0], torch.full((4, 3, 5), 2.0), rtol=0, atol=0.01)
    assert (out["output"][:, 1] == 0).all()
    assert out["running_var"].tolist() == pytest.approx([0.9, 0.9])


@needs_kernel
def test_only_a_training_on_a_cpu_goes_through_the_kernel(monkeypatch):
    def refuse(*args):
        raise AssertionError("the kernel was called")

    monkeypatch.setattr(kernel_of_test := Lanes(kernel.LANES), "forward", refuse)
    monkeypatch.setattr(_normalisation, "_norm_kernel", kernel_of_test)
    x, mask = draw(2, 3, 4, 4).requires_grad_(), torch.ones(2, 1, 1, 2)
    with torch.no_grad():
        pool_and_normalise(x, nn.BatchNorm2d(3), mask, is_pooled=False)
    pool_and_normalise(x, nn.BatchNorm2d(3).eval(), mask, is_pooled=False)
    pool_and_normalise(x.double(), nn.BatchNorm2d(3).double(), mask, is_pooled=False)
    pool_and_normalise(x.to("meta"), nn.BatchNorm2d(3).to("meta"), mask.to("meta"), is_pooled=True)
    with pytest.raises(AssertionError, match="the kernel was called"):
        pool_and_normalise(x, nn.BatchNorm2d(3), mask, is_pooled=False)


@needs_kernel
def test_the_layout_of_what_comes_in_does_not_matter():
    x, mask = draw(2, 3, 4, 6), torch.ones(2, 1, 1, 3)
    gradient = draw(2, 3, 4, 6)
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        given = x.clone(memory_format=layout).requires_grad_()
        y = pool_and_normalise(given, nn.BatchNorm2d(3), mask, is_pooled=False)
        y.backward(gradient.contiguous(memory_format=layout))
        results.append((y, given.grad))
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@needs_kernel
def test_frozen_parameters_and_inputs_get_no_gradient():
    norm = nn.BatchNorm2d(3)
    norm.weight.requires_grad_(False)
    x = draw(2, 3, 4, 4)
    pool_and_normalise(x, norm, torch.ones(2, 1, 1, 2), is_pooled=True).sum().backward()
    assert norm.weight.grad is None
    assert norm.bias.grad.shape == (3,)


SIZES = {"clips": 2, "rows": 3, "frames": 4, "channels": 5, "windows": 2}


def forward_arguments(is_pooled, **changes):
    """Return the arguments of a forward call, some of them wrong."""
    sizes = SIZES | {name: value for name, value in changes.items() if name in SIZES}
    n_out = 2 * (2 * 2 if is_pooled else 3 * 4) * 5
    arrays = {
        "x": np.zeros(120, np.float32),
        "is_real": np.ones(4, bool),
        "weight": np.ones(5, np.float32),
        "bias": np.ones(5, np.float32),
        "kept": np.zeros(n_out if is_pooled else 0, np.float32),
        "place": np.zeros(n_out if is_pooled else 0, np.float32),
        "y": np.zeros(n_out, np.float32),
        "mean": np.zeros(5, np.float32),
        "variance": np.zeros(5, np.float32),
    }
    arrays |= {name: np.zeros(n, np.float32) for name, n in changes.items() if name in arrays}
    lanes = changes.get("lanes", 4)
    return lanes, False, is_pooled, *sizes.values(), 1e-5, *arrays.values()


@needs_kernel
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 5}, "lanes must be"),
        ({"clips": 0}, "must be positive"),
        ({"channels": -5}, "must be positive"),
        ({"windows": 3}, "must divide"),
        ({"clips": 2**40, "rows": 2**40}, "must fit into memory"),
        ({"clips": 3}, "is_real must have"),
        ({"is_real": 9}, "is_real must have"),
        ({"channels": 4}, "must be floats for each channel"),
        ({"weight": 4}, "must be floats for each channel"),
        ({"bias": 6}, "must be floats for each channel"),
        ({"mean": 4}, "must be floats for each channel"),
        ({"variance": 4}, "must be floats for each channel"),
        ({"place": 3}, "place must have the size"),
        ({"kept": 3}, "x, kept and y must have"),
        ({"x": 119}, "x, kept and y must have"),
        ({"y": 119}, "x, kept and y must have"),
        ({"rows": 5}, "must have"),
    ],
)
@pytest.mark.parametrize("is_pooled", [False, True])
def test_kernel_reads_and_writes_nothing_outside(changes, message, is_pooled):
    kernel.forward(*forward_arguments(is_pooled))
    with pytest.raises(ValueError, match=message):
        kernel.forward(*forward_arguments(is_pooled, **changes))


@needs_kernel
@pytest.mark.parametrize("wrong", ["gradient", "kept", "place", "out", "of_weight", "of_bias"])
@pytest.mark.parametrize("is_pooled", [False, True])
def test_kernel_reads_and_writes_nothing_outside_on_the_way_back(wrong, is_pooled):
    n_out = 2 * (2 * 2 if is_pooled else 3 * 4) * 5
    of_channels = [np.ones(5, np.float32) for _ in range(4)]
    lengths = {"gradient": n_out, "kept": n_out, "place": n_out * is_pooled, "out": 120}
    lengths |= {"of_weight": 5, "of_bias": 5}

    def call():
        arrays = {name: np.zeros(n, np.float32) for name, n in lengths.items()}
        gradient = arrays.pop("gradient")
        kernel.backward(
            *(4, False, is_pooled, *SIZES.values(), 1e-5, gradient, np.ones(4, bool)),
            *of_channels,
            *arrays.values(),
        )

    call()
    lengths[wrong] += 1
    with pytest.raises(ValueError, match="must (have|be floats)"):
        call()


@needs_kernel
def test_without_the_module_training_gives_nearly_the_same():
    code = (
        "import sys\n"
        "if sys.argv[1] == 'without': sys.modules['ser_estimators._norm_kernel'] = None\n"
        "import numpy as np\n"
        "from ser_estimators import CNNEmbedder, _normalisation\n"
        "assert (_normalisation._norm_kernel is None) == (sys.argv[1] == 'without')\n"
        "X = np.random.default_rng(0).normal(size=(24, 20, 60))\n"
        "X[:8, :, 40:] = 0\n"
        "X[::2, 1] += 1\n"
        "y = np.arange(24) % 2\n"
        "cnn = CNNEmbedder(max_epochs=2, batch_size=8, precision='float32', random_state=0)\n"
        "print(*cnn.fit(X, y).predict_proba(X)[:, 0])"
    )
    results = [
        subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, check=True
        ).stdout.split()
        for how in ("with", "without")
    ]
    probabilities = np.array(results, dtype=float)
    assert probabilities.std(axis=1).min() > 0.01
    np.testing.assert_allclose(*probabilities, atol=2e-3)
