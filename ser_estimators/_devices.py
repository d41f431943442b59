"""Where a network runs, and in what numbers it is trained."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["device_at_hand", "resolve_device", "resolve_precision"]


def resolve_device(device: str) -> str:
    """Return what "auto" stands for, or raise if PyTorch cannot use a device here."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
        if kind not in ("cpu", "cuda"):
            raise RuntimeError(f"{kind} is not supported")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device == {device!r}, must be 'auto', 'cpu' or a CUDA GPU that this PyTorch has, "
            f"such as 'cuda:1': {str(error).splitlines()[0]}"
        ) from error
    return "cpu" if kind == "cpu" else device


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Return in what to train: "auto" is bfloat16 where the processor has products of it."""
    if precision == "auto":
        # Older versions of PyTorch do not say.
        has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        is_native = device == "cpu" and (has.get("avx512_bf16") or has.get("amx_bf16"))
        precision = "bfloat16" if is_native else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def device_at_hand(device: str) -> str:
    """Return the device, or the CPU if this machine lacks that GPU: models come from others."""
    try:
        return resolve_device(device)
    except ValueError:
        if _is_cuda(device):
            return "cpu"
        raise


def _is_cuda(device: str) -> bool:
    try:
        return torch.device(device).type == "cuda"
    except RuntimeError:
        return False
