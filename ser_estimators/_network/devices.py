"""Device and floating-point type of a network."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["device_at_hand", "is_device_name", "resolve_device", "resolve_precision"]


def resolve_device(device: str) -> str:
    """Resolve "auto"; raise if PyTorch cannot use the device on this machine."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
        if kind not in ("cpu", "cuda"):
            raise RuntimeError(f"{kind} is not supported")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device == {device!r:.200}, must be 'auto', 'cpu' or a CUDA GPU that PyTorch can use, "
            f"such as 'cuda:1': {str(error).splitlines()[0]}"
        ) from error
    return "cpu" if kind == "cpu" else device


def resolve_precision(precision: str, device: str) -> torch.dtype:
    """Resolve "auto": bfloat16 on processors with AMX, else float32."""
    if precision == "auto":
        # Older versions of PyTorch lack this function.
        has: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        # With AVX-512 alone, bfloat16 is slower than float32, even where there are instructions
        # for it: by a third in training, and by half in Whisper base.
        is_faster = device == "cpu" and has.get("amx_bf16")
        precision = "bfloat16" if is_faster else "float32"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def device_at_hand(device: str) -> str:
    """Return the device, or the CPU if the model was trained on a GPU that this machine lacks."""
    try:
        return resolve_device(device)
    except ValueError:
        if _kind(device) == "cuda":
            return "cpu"
        raise


def is_device_name(device: str) -> bool:
    """Return whether a string is "auto", or names a CPU or a CUDA GPU, at hand or not."""
    return device == "auto" or _kind(device) in ("cpu", "cuda")


def _kind(device: str) -> str:
    """Return the type of a device, empty for a string that is not one."""
    try:
        return torch.device(device).type
    except RuntimeError:
        return ""
