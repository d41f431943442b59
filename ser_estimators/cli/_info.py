"""``ser info``: what a model is, and the versions for a bug report."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import click

from ._command import Command, Refused, examples
from ._console import OK, Console, terminal_width
from ._models import SAFE_SUFFIX, check_suffix, find_model, load_model
from ._text import pad, plain, width_of, wrap

__all__ = ["info"]

_WIDTH = 79  # characters of a line that does not go to a terminal


@click.command(
    cls=Command,
    epilog=examples(
        "ser info model.safetensors", "ser info --json model.safetensors", "ser info --versions"
    ),
)
@click.argument("model", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--versions", is_flag=True, help="Show the versions of all packages instead.")
@click.pass_obj
def info(console: Console, model: str | None, as_json: bool, versions: bool) -> int:
    """Show what a model is.

    That is its emotions, its steps with the parameters that differ from their defaults, and, from
    a .safetensors file, the versions that it was saved with and its card. Without MODEL, it is the
    model of the installed package, if there is one.
    """
    if versions:
        from .. import show_versions

        show_versions()
        return OK
    path = find_model(model, console)
    check_suffix(path)
    if path.suffix.lower() == SAFE_SUFFIX:
        from ..models import model_info

        try:
            everything = model_info(path)
        except ValueError as error:
            raise Refused(plain(str(error))) from error
        found = everything if as_json else _summarize(everything)
        if not as_json and any("AudioRanges(" in line for line in everything["outline"]):
            found |= _ranges_of(load_model(path))
    else:
        found = _describe(load_model(path))
    found = {"file": os.fspath(path), "size": f"{path.stat().st_size / 1e6:.1f} MB", **found}
    if as_json:
        click.echo(json.dumps(_finite(found), indent=1, default=repr))
    else:
        click.echo("\n".join(_lines(found, "")))
    return OK


def _summarize(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is worth reading of the result of `model_info`."""
    known = {
        "classes": found["classes"],
        "sampling rate": None if found["sr"] is None else f"{found['sr']} Hz",
        "steps": "\n".join(found["outline"]),
        "encoder": _of_encoder(found["encoder"]),
        "numbers in the file": found["n_values"],
        "versions": found["versions"],
        "card": _readable(found["card"]) if found["card"] else "none",
        "format": found["format"],
    }
    return {name: value for name, value in known.items() if value is not None}


def _of_encoder(encoder: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what is known about a pretrained encoder, and that its license is unknown."""
    if encoder is None:
        return None
    known = {**encoder, "license": encoder["license"] or "unknown"}
    return {name: value for name, value in known.items() if value}


def _readable(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with scores and ranges as text, as on the page of a model."""
    from ..models._card import format_range, format_score

    found = dict(card)
    for name, write in (("scores", lambda _, value: format_score(value)), ("audio", format_range)):
        if name in found:
            found[name] = {key: write(key, value) for key, value in found[name].items()}
    return found


def _describe(model: Any) -> dict[str, Any]:
    """Return what a model itself tells."""
    import numpy as np

    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "steps", [(type(model).__name__.lower(), model)])
    found: dict[str, Any] = {
        "classes": np.asarray(getattr(model, "classes_", ())).tolist(),
        "steps": {name: {"class": type(step).__name__, **_changed(step)} for name, step in steps},
    }
    weights = [
        sum(weight.numel() for weight in step.module_.parameters())
        for _, step in steps
        if hasattr(getattr(step, "module_", None), "parameters")
    ]
    for _, step in steps:
        if type(step).__name__ == "EncoderEmbedder":
            names = ("revision", "license", "layers", "digest")
            fitted = {name: getattr(step, f"{name}_") for name in names}
            found["encoder"] = _of_encoder({"model": os.fspath(step.model), **fitted})
    if weights:
        found["weights of networks"] = sum(weights)
    return found | _ranges_of(model)


def _ranges_of(model: Any) -> dict[str, Any]:
    """Return the ranges of the training audio, if the model knows them."""
    from .._estimators.audio_ranges import AudioRanges, describe_ranges
    from .._utils.pipelines import iter_steps

    for _, step in iter_steps(model):
        if isinstance(step, AudioRanges):
            return {"training audio": describe_ranges(step)}
    return {}


def _changed(step: Any) -> dict[str, Any]:
    """Return the parameters of a step that differ from their defaults."""
    if not hasattr(step, "get_params"):
        return {}
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(step)).parameters.items()
    }
    changed = {}
    for name, value in step.get_params(deep=False).items():
        if repr(value) != repr(defaults.get(name, inspect.Parameter.empty)):
            plain_types = (bool, int, float, str, type(None))
            changed[name] = value if isinstance(value, plain_types) else repr(value)
    return changed


def _finite(value: Any) -> Any:
    """Return a value of JSON with text for infinity and NaN, for which JSON has no number."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _lines(found: Mapping[str, Any], indent: str) -> list[str]:
    """Return nested values, aligned, each in a line of its own; a class follows the name."""
    names = {name: plain(str(name)) for name in found}
    width = terminal_width() or _WIDTH
    at = len(indent) + max((width_of(text) for text in names.values()), default=0) + 2
    lines = []
    for name, value in found.items():
        start = pad(f"{indent}{names[name]}", at)
        if isinstance(value, Mapping):
            inner = dict(value)
            lines.append(f"{start}{plain(str(inner.pop('class', '')))}".rstrip())
            lines += _lines(inner, indent + "  ")
        elif isinstance(value, str) and "\n" in value:  # such as a card
            lines.append(start.rstrip())
            for text in map(plain, value.splitlines()):
                hanging = len(indent) + (4 if text.startswith("- ") else 2)
                lines.append(f"{indent}  {wrap(text, width, indent=hanging)}".rstrip())
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            lines.append(start + wrap(plain(shown), width, indent=at))
    return lines
