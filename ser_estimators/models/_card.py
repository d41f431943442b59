"""ModelCard: what is known about a model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, Self

from ._files.errors import MismatchError

__all__ = [
    "AUDIO_UNITS",
    "ModelCard",
    "format_interval",
    "format_range",
    "format_score",
    "read_card",
    "write_fields",
]

_TEXTS = ("name", "summary", "license", "evaluation", "date", "limitations")
_LISTS = ("languages", "corpora")
_MAX_TEXT, _MAX_ITEMS = 10_000, 100
# Ranges of the training audio, with the unit of each.
AUDIO_UNITS = {"duration": "s", "level": "dBFS", "bandwidth": "Hz"}


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model besides the model itself: part of its file, and of its page.

    Everything is optional. Nothing is filled in by itself, not even the date, so that the same
    model with the same card gives the same file.

    Parameters
    ----------
    name : str, default=""
        Title of the model.
    summary : str, default=""
        One paragraph: what the model is for.
    license : str, default=""
        License of the model as hubs spell it, such as "cc-by-nc-sa-4.0". A model may have to keep
        the license of the corpora that it was trained on.
    languages : sequence of str, default=()
        Languages of the speakers, such as "en".
    corpora : sequence of str, default=()
        Names of the corpora that the model was trained on.
    scores : dict of str to (float, float, float), default={}
        Value of each score, with the ends of its confidence interval; the value alone if there is
        none.
    evaluation : str, default=""
        How these scores were measured: which speakers were held out.
    audio : dict of str to (float, float), default={}
        Ranges of the training audio, as `describe_audio` returns them: "duration" in s, "level" in
        dBFS, "bandwidth" in Hz.
    date : str, default=""
        Day of the training, such as "2026-05-17".
    limitations : str, default=""
        What the model was not tested on, and what it should not be used for.

    See Also
    --------
    save_model : Save a model together with its card.
    write_card : Write the card as a page, beside the model file.
    ser_estimators.evaluation.EvaluationReport : Where scores come from.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators.evaluation import evaluate
    >>> from ser_estimators.models import ModelCard
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    >>> report = evaluate(DummyClassifier(), clips, emotions, speakers, cv=3, corpus="noise")
    >>> card = ModelCard.from_report(report, name="Guesses", license="bsd-3-clause")
    >>> card.corpora, card.scores["accuracy"]
    (('noise',), (0.5, 0.5, 0.5))
    """

    name: str = ""
    summary: str = ""
    license: str = ""
    languages: Sequence[str] = ()
    corpora: Sequence[str] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)
    evaluation: str = ""
    audio: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    date: str = ""
    limitations: str = ""

    def __post_init__(self) -> None:
        for name in _TEXTS:
            _check_text(getattr(self, name), name)
        for name in _LISTS:
            object.__setattr__(self, name, _texts(getattr(self, name), name))
        object.__setattr__(self, "scores", _scores(self.scores))
        object.__setattr__(self, "audio", _ranges(self.audio))

    @classmethod
    def from_report(cls, report: Any, **others: Any) -> Self:
        """Return a card with the scores, the corpus and the date of an evaluation.

        Parameters
        ----------
        report : EvaluationReport
            Its main protocol is used.
        **others : dict
            Other parameters, which take precedence over those of the report.

        Returns
        -------
        ModelCard
        """
        main = report.main
        found = {
            # Without speakers, there is no interval.
            "scores": {
                title: (value, low, high) if math.isfinite(low + high) else value
                for title, value, low, high in main.summary()
            },
            "evaluation": f"{main.name}: {main.description.rstrip('.')}. Tested on "
            f"{main.n_clips} clips of {main.describe_speakers()}.",
            "corpora": (report.corpus,) if report.corpus else (),
            "date": report.date[:10],
        }
        return cls(**found | others)


def format_score(numbers: Sequence[float]) -> str:
    """Return a score with its interval, if there is one: "0.241 (0.095 to 0.387)"."""
    value, *ends = numbers
    return f"{value:.3f} ({format_interval(ends)})" if ends else f"{value:.3f}"


def format_interval(ends: Sequence[float]) -> str:
    """Return the ends of an interval, empty if there are none: "0.095 to 0.387"."""
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else ""


def format_range(name: str, ends: Sequence[float]) -> str:
    """Return a range of the training audio with its unit: "-58.5 to -35 dBFS"."""
    return f"{ends[0]:g} to {ends[1]:g} {AUDIO_UNITS[name]}"


def write_fields(card: ModelCard) -> dict[str, Any]:
    """Return what is known in a card as JSON, without what is not."""
    found: dict[str, Any] = {}
    for each in fields(card):
        value = getattr(card, each.name)
        if not value:
            continue
        if isinstance(value, Mapping):
            value = {key: list(item) for key, item in value.items()}
        found[each.name] = list(value) if isinstance(value, tuple) else value
    return found


def read_card(node: Any) -> ModelCard:
    """Return the card that JSON describes.

    Raises
    ------
    MismatchError
        If it does not describe a card.
    """
    if not isinstance(node, dict) or not set(node) <= {each.name for each in fields(ModelCard)}:
        raise MismatchError("its card has unknown entries")
    try:
        return ModelCard(**node)
    except (TypeError, ValueError) as error:
        raise MismatchError(f"its card is not one: {error!s:.200}") from error


def _check_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a string")
    if len(value) > _MAX_TEXT:
        raise ValueError(f"{name} has {len(value)} characters; expected at most {_MAX_TEXT}")


def _texts(values: Any, name: str) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} is {values!r:.80}; expected a list of strings")
    if len(values) > _MAX_ITEMS:
        raise ValueError(f"{name} has {len(values)} entries; expected at most {_MAX_ITEMS}")
    for value in values:
        _check_text(value, name)
    return tuple(values)


def _scores(values: Any) -> dict[str, tuple[float, ...]]:
    _check_mapping(values, "scores")
    found = {}
    for name, value in values.items():
        numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        if len(numbers) not in (1, 3) or not all(map(_is_number, numbers)):
            raise ValueError(
                f"scores[{name!r:.80}] is {value!r:.80}; expected a number, or a number and the "
                "ends of its interval"
            )
        found[name] = tuple(map(float, numbers))
    return found


def _ranges(values: Any) -> dict[str, tuple[float, float]]:
    _check_mapping(values, "audio")
    found = {}
    for name, value in values.items():
        if name not in AUDIO_UNITS:
            raise ValueError(f"audio has {name!r:.80}; expected {', '.join(AUDIO_UNITS)}")
        is_pair = isinstance(value, (tuple, list)) and len(value) == 2
        if not is_pair or not all(map(_is_number, value)) or value[0] > value[1]:
            raise ValueError(f"audio[{name!r}] is {value!r:.80}; expected two ends of a range")
        found[name] = float(value[0]), float(value[1])
    return found


def _check_mapping(values: Any, name: str) -> None:
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} is a {type(values).__name__}; expected a dict")
    if len(values) > _MAX_ITEMS:
        raise ValueError(f"{name} has {len(values)} entries; expected at most {_MAX_ITEMS}")
    for key in values:
        _check_text(key, f"a key of {name}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
