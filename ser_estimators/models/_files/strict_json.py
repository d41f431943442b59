"""JSON from files that nobody has checked: size, depth and number of values are limited."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from .errors import MismatchError

__all__ = ["parse_json"]

# Strings are skipped as a whole, also one without an end, so that the time is linear in the length.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[{]|[\]}]|,', re.DOTALL)
_MAX_DEPTH = 100


def parse_json(text: str, *, max_values: int) -> Any:
    """Parse JSON in which every key occurs once and every number is finite.

    Parameters
    ----------
    text : str
    max_values : int
        Limit on the number of values, which are counted before any of them is created, because
        ``[[],[],[]]`` takes twenty times as much memory as text.

    Returns
    -------
    dict, list, str, int, float, bool or None

    Raises
    ------
    MismatchError
        If the text is not such JSON.
    """
    _check_size(text, max_values)
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_not_finite,
            parse_float=_finite,
        )
    except MismatchError:
        raise
    except (ValueError, RecursionError) as error:
        raise MismatchError(f"its header is not JSON ({error!s:.100})") from error


def _check_size(text: str, max_values: int) -> None:
    n_values, depth = 1, 0
    for found in _TOKEN.finditer(text):
        token = found[0][0]
        if token == ",":
            n_values += 1
        elif token in "[{":
            n_values += 1
            depth += 1
            if depth > _MAX_DEPTH:
                raise MismatchError(f"its header is nested more than {_MAX_DEPTH} levels deep")
        elif token in "]}":
            depth -= 1
        if n_values > max_values:
            raise MismatchError(
                f"its header has more than {max_values} values, too many for its size"
            )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MismatchError(f"{twice!r:.80} occurs twice in its header")
    return found


def _not_finite(text: str) -> NoReturn:
    raise MismatchError(f"its header has the number {text}, which JSON does not have")


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise MismatchError(f"its header has the number {text:.40}, which is too large")
    return number
