"""What the description of a model says about it in short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

__all__ = ["encoder_of", "estimators_in", "outline", "sampling_rate"]


def estimators_in(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the descriptions of all estimators in JSON, the outermost first."""
    if isinstance(node, Mapping):
        if _is_estimator(node):
            yield node
        for value in node.values():
            yield from estimators_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from estimators_in(value)


def _is_estimator(node: Any) -> bool:
    # A parameter may have the name "estimator" too.
    return isinstance(node, Mapping) and isinstance(node.get("estimator"), str)


def sampling_rate(node: Any) -> int | None:
    """Return the sampling rate of the first transformer of clips in a description, or None."""
    for found in estimators_in(node):
        for group in ("params", "defaults"):
            parameters = found.get(group)
            sr = parameters.get("sr") if isinstance(parameters, Mapping) else None
            if isinstance(sr, Mapping) and isinstance(sr.get("scalar"), list):
                sr = sr["scalar"][-1] if sr["scalar"] else None  # a number of NumPy
            if type(sr) is int:
                return sr
        # That of an encoder is not a parameter.
        fitted = found.get("fitted")
        sr = fitted.get("sr_") if isinstance(fitted, Mapping) else None
        if type(sr) is int:
            return sr
    return None


def encoder_of(node: Any) -> dict[str, Any] | None:
    """Return what a description says about the first fitted pretrained encoder, or None."""
    for found in estimators_in(node):
        fitted = found.get("fitted")
        if found["estimator"] == "EncoderEmbedder" and isinstance(fitted, Mapping):
            return {
                "model": _text_of(found.get("params"), "model")
                or _text_of(found.get("defaults"), "model"),
                **{name: _text_of(fitted, f"{name}_") for name in ("revision", "license")},
                "layers": _numbers_of(fitted.get("layers_")),
                "digest": _text_of(fitted, "digest_"),
            }
    return None


def _text_of(values: Any, name: str) -> str | None:
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, str) else None


def _numbers_of(value: Any) -> list[int]:
    items = value.get("tuple") if isinstance(value, Mapping) else value
    return [item for item in items if type(item) is int] if isinstance(items, list) else []


def outline(node: Any) -> list[str]:
    """Return a line for each estimator in a description, with the parameters that were changed.

    Estimators inside others are indented, and equal neighbors are one line. What stands for an
    estimator that is not fitted, such as the original of a fitted copy, is left out.
    """
    lines: list[str] = []
    _outline(node, 0, lines)
    runs = ((line, len(list(run))) for line, run in groupby(lines))
    return [line if length == 1 else f"{line}, {length} times" for line, length in runs]


def _outline(node: Any, depth: int, lines: list[str]) -> None:
    if _is_estimator(node):
        given = node.get("params") or {}
        shown = [
            f"{name}={text}" for name, value in given.items() if (text := _plain(value)) is not None
        ]
        lines.append("  " * depth + f"{node['estimator']}({', '.join(shown)})")
        depth += 1
        fitted = node.get("fitted") or {}
        # Ensembles have fitted copies of the estimators among their parameters.
        has_copies = any("estimators" in name or name == "parts" for name in fitted)
        # A copy that is the original itself was frozen.
        has_copies |= "estimator" in (fitted.get("estimator_") or {})
        groups: tuple[Any, ...] = (fitted,) if has_copies else (given, fitted)
    elif isinstance(node, Mapping):
        groups = tuple(node.values())
    elif isinstance(node, list):
        groups = tuple(node)
    else:
        return
    for group in groups:
        if isinstance(group, Mapping) and not _is_estimator(group):
            for value in group.values():
                _outline(value, depth, lines)
        else:
            _outline(group, depth, lines)


def _plain(value: Any) -> str | None:
    """Return a value of a parameter as Python writes it; None for estimators and arrays."""
    if isinstance(value, list):
        parts = [_plain(item) for item in value]
        return None if None in parts else f"[{', '.join(map(str, parts))}]"
    if not isinstance(value, Mapping):
        return repr(value)
    if "tuple" in value:
        parts = [_plain(item) for item in value["tuple"]]
        end = "," if len(parts) == 1 else ""
        return None if None in parts else f"({', '.join(map(str, parts))}{end})"
    if "scalar" in value:
        return _plain(value["scalar"][1])
    if "float" in value:
        return str(value["float"])
    return None
