"""Max pooling, batch normalization and ReLU as one compiled operation for training on a CPU."""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .. import _kernels

__all__ = ["pool_and_normalize"]

_FLOATS = (torch.bfloat16, torch.float32)


def pool_and_normalize(x: Tensor, norm: nn.BatchNorm2d, mask: Tensor, *, is_pooled: bool) -> Tensor:
    """Optionally halve both axes by max pooling, normalize, rectify, and set padding to zero.

    Pooling comes first because it leaves a quarter of the values for the operations that follow.

    Parameters
    ----------
    x : Tensor of shape (n, n_channels, n_rows, n_frames)
    norm : BatchNorm2d
        In training mode it uses the statistics of x and updates its running statistics.
    mask : Tensor of shape (n, 1, 1, n_windows)
        One for windows of real frames and zero for padding; the windows divide the frames of the
        result.
    is_pooled : bool

    Returns
    -------
    Tensor of shape (n, n_channels, n_rows, n_frames), both axes halved and rounded up if pooled
    """
    if _is_for_kernel(x, norm):
        return _by_kernel(x, norm, mask, is_pooled)
    if is_pooled:
        x = functional.max_pool2d(x, 2, ceil_mode=True)
    return _clear_padding(norm(x), mask).relu_()


def _clear_padding(x: Tensor, mask: Tensor) -> Tensor:
    """Add minus infinity to padding in place, which the following ReLU turns into zero.

    The backward pass needs neither x nor the mask for this.
    """
    padding = mask.log().to(x.dtype).repeat_interleave(x.shape[3] // mask.shape[3], dim=3)
    # Expanded to all channels, because torch adds values one by one along a broadcast innermost
    # axis, which takes 15 times as long in bfloat16.
    padding = padding.expand(-1, x.shape[1], -1, -1)
    return x.add_(padding.contiguous(memory_format=torch.channels_last))


def _is_for_kernel(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Return whether the kernel can process x; otherwise, torch does."""
    return (
        _kernels.norm is not None
        and norm.training
        and torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype in _FLOATS
        # torch refuses to normalize a single value.
        and len(x) > 1
        and norm.affine
        and norm.weight.dtype == torch.float32
        and norm.track_running_stats
        and norm.momentum is not None
    )


def _by_kernel(x: Tensor, norm: Any, mask: Tensor, is_pooled: bool) -> Tensor:
    y, mean, variance = _PoolAndNormalize.apply(
        x, norm.weight, norm.bias, (mask[:, 0, 0] > 0).contiguous(), is_pooled, norm.eps
    )
    n_values = y.numel() // y.shape[1]
    with torch.no_grad():
        # As in torch, the running variance is unbiased.
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * (n_values / (n_values - 1)), norm.momentum)
    return y


class _PoolAndNormalize(torch.autograd.Function):
    """The kernel as an autograd function on tensors in the channels-last format."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        is_real: Tensor,
        is_pooled: bool,
        epsilon: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = x.contiguous(memory_format=torch.channels_last)
        n, n_channels, n_rows, n_frames = x.shape
        if is_pooled:
            n_rows, n_frames = math.ceil(n_rows / 2), math.ceil(n_frames / 2)
        y = _channels_last(x, (n, n_channels, n_rows, n_frames))
        # For backward: the pooled values, and the position of each in its window.
        kept, place = (_channels_last(x, y.shape if is_pooled else (0, 0, 0, 0)) for _ in range(2))
        mean, variance = torch.empty_like(weight), torch.empty_like(weight)
        ctx.kernel, ctx.sizes = _kernels.norm, _sizes(x, is_real, is_pooled, epsilon)
        ctx.kernel.forward(
            ctx.kernel.LANES,
            *ctx.sizes,
            *map(_array, (x, is_real, weight, bias, kept, place, y, mean, variance)),
        )
        ctx.shape = x.shape
        ctx.save_for_backward(
            kept if is_pooled else x, place, is_real, weight, bias, mean, variance
        )
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        kept, place, is_real, weight, bias, mean, variance = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        out = _channels_last(kept, ctx.shape)
        of_weight, of_bias = torch.empty_like(weight), torch.empty_like(bias)
        ctx.kernel.backward(
            ctx.kernel.LANES,
            *ctx.sizes,
            *map(_array, (gradient, is_real, weight, bias, mean, variance)),
            *map(_array, (kept, place, out, of_weight, of_bias)),
        )
        return out, of_weight, of_bias, None, None, None


def _channels_last(like: Tensor, shape: Any) -> Tensor:
    """Return an uninitialized tensor in the channels-last format."""
    return torch.empty(
        shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def _sizes(x: Tensor, is_real: Tensor, is_pooled: bool, epsilon: float) -> tuple[Any, ...]:
    n, n_channels, n_rows, n_frames = x.shape
    is_bfloat16 = x.dtype == torch.bfloat16
    sizes = n, n_rows, n_frames, n_channels, is_real.shape[1]
    return is_bfloat16, is_pooled, *sizes, epsilon


def _array(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor as an array, in memory order."""
    tensor = tensor.detach()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    # NumPy has no bfloat16.
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
