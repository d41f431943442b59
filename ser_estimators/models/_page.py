"""write_card: a model card as a page, in Markdown with the front matter of Hugging Face's hub."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._utils.writing import write_file
from ._card import ModelCard, format_interval, format_range, read_card
from ._files.info import describe_document, model_info
from ._files.save import SUFFIX, describe_model

__all__ = ["describe_card", "write_card"]

_TAGS = ("speech-emotion-recognition", "emotion", "audio", "ser_estimators", "scikit-learn")
_DEFAULT_NAME = "Speech emotion recognition"


def write_card(
    model: Any, path: str | os.PathLike[str] | None = None, *, card: ModelCard | None = None
) -> Path:
    """Write a model card as a page, so that the folder of the model can be pushed to a hub.

    The page is Markdown with the front matter of the Hugging Face Hub [1]_: license, languages,
    tags and scores. It says how to predict with the model, what it predicts, on what it was
    trained, how well it works, and for what it was not tested.

    Parameters
    ----------
    model : path-like or fitted estimator
        A file of `save_model`, or a model that can be saved.
    path : path-like or None, default=None
        File to write. None writes ``README.md`` beside the model file.
    card : ModelCard or None, default=None
        What is known about the model; None takes the card in the model file.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    ModelFileError
        If the model file cannot be read, or model files cannot hold the model.
    TypeError
        If `card` is not a ModelCard, or `path` is missing for a model that is not a file.
    OSError
        If the page cannot be written.

    See Also
    --------
    ModelCard : What can be said about a model.
    save_model : Save the model.

    References
    ----------
    .. [1] https://huggingface.co/docs/hub/model-cards

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators import save_model
    >>> from ser_estimators.models import ModelCard, write_card
    >>> clips = list(np.random.default_rng(0).normal(size=(4, 900)))
    >>> model = DummyClassifier().fit(clips, ["fear", "fear", "fear", "anger"])
    >>> card = ModelCard(name="Guesses", license="bsd-3-clause")
    >>> page = write_card(save_model(model, "dummy.safetensors", card=card))
    >>> page.name, page.read_text().splitlines()[:2]
    ('README.md', ['---', 'license: "bsd-3-clause"'])
    """
    if card is not None and not isinstance(card, ModelCard):
        raise TypeError(f"card is a {type(card).__name__}; expected a ModelCard or None")
    is_file = isinstance(model, (str, os.PathLike))
    if is_file:
        info = model_info(model)
    elif path is None:
        raise TypeError("path is None; expected the page to write, because the model is not a file")
    else:
        document, tensors = describe_model(model)
        shapes = {
            name: {"dtype": tensor.dtype.name, "shape": list(tensor.shape)}
            for name, tensor in tensors.items()
        }
        info = describe_document(document, shapes, None)
    name = Path(model).name if is_file else f"model{SUFFIX}"
    target = Path(model).parent / "README.md" if path is None else Path(path)
    return write_file(target, _page(info, card or read_card(info["card"]), name))


def describe_card(card: ModelCard) -> str:
    """Return what a card says, as Markdown without front matter."""
    lines = [f"# {_inline(card.name or _DEFAULT_NAME)}"]
    lines += ["", card.summary] if card.summary else []
    lines += ["", f"License: {card.license}"] if card.license else []
    lines += _training(card) + _scores(card) + _limitations(card)
    return "\n".join(lines) + "\n"


def _page(info: Mapping[str, Any], card: ModelCard, file_name: str) -> str:
    lines = ["---", *_front_matter(card), "---", "", f"# {_inline(card.name or _DEFAULT_NAME)}"]
    lines += ["", card.summary] if card.summary else []
    lines += [
        "",
        "## Prediction",
        "",
        "```python",
        "from ser_estimators import load_model",
        "",
        f"model = load_model({file_name!r})",
    ]
    if info["sr"] is None:
        lines += ["labels = model.predict(X)", "```"]
    else:
        lines += ['labels = model.predict(["voice.wav"])  # any list of audio files', "```", ""]
        lines += [f"Files of any sampling rate are resampled to {info['sr']} Hz."]
    lines += ["", "The file contains no code, only settings and numbers."]
    if info["classes"]:
        lines += ["", "## Labels", "", ", ".join(_inline(str(label)) for label in info["classes"])]
    lines += _training(card) + _scores(card) + _limitations(card)
    lines += _encoder(info["encoder"])
    lines += ["", "## Model", "", "```text", *info["outline"], "```", ""]
    size = "" if info["n_bytes"] is None else f", {info['n_bytes'] / 1e6:.1f} MB"
    versions = ", ".join(f"{package} {text}" for package, text in info["versions"].items())
    lines += [f"{info['n_values']} values{size}. Saved with {versions}."]
    return "\n".join(lines) + "\n"


def _encoder(encoder: Mapping[str, Any] | None) -> list[str]:
    """Return what a user of the model has to get besides the file."""
    if encoder is None:
        return []
    rows = {
        "Model": encoder["model"],
        "Revision": encoder["revision"],
        "License": encoder["license"] or "unknown",
        "Layers": ", ".join(map(str, encoder["layers"])),
        "SHA-256": encoder["digest"],
    }
    lines = [f"- {name}: {_inline(value)}" for name, value in rows.items() if value]
    start = "The file does not contain the pretrained encoder, which has a license of its own."
    return ["", "## Pretrained encoder", "", start, "", *lines]


def _front_matter(card: ModelCard) -> Iterator[str]:
    """Yield lines of YAML, of which JSON is a part."""
    if card.license:
        yield f"license: {_yaml(card.license)}"
    if card.languages:
        yield "language:"
        yield from (f"- {_yaml(language)}" for language in card.languages)
    yield "library_name: ser_estimators"
    yield "pipeline_tag: audio-classification"
    yield "tags:"
    yield from (f"- {tag}" for tag in _TAGS)
    if not card.scores:
        return
    kinds = {name: _metric(name) for name in card.scores}
    yield "metrics:"
    yield from (f"- {kind}" for kind in dict.fromkeys(kinds.values()))
    yield "model-index:"
    yield f"- name: {_yaml(card.name or _DEFAULT_NAME)}"
    yield "  results:"
    corpora = ", ".join(card.corpora) or "unknown"
    yield "  - task:"
    yield "      type: audio-classification"
    yield "      name: Speech emotion recognition"
    yield "    dataset:"
    yield f"      type: {_yaml(_identifier(corpora))}"
    yield f"      name: {_yaml(corpora)}"
    yield "    metrics:"
    for name, numbers in card.scores.items():
        yield f"    - type: {kinds[name]}"
        yield f"      value: {numbers[0]:.4g}"
        yield f"      name: {_yaml(name)}"


def _training(card: ModelCard) -> list[str]:
    rows = []
    if card.corpora:
        rows.append(f"- Corpora: {', '.join(map(_inline, card.corpora))}")
    if card.languages:
        rows.append(f"- Languages: {', '.join(map(_inline, card.languages))}")
    if card.date:
        rows.append(f"- Date: {_inline(card.date)}")
    for name, ends in card.audio.items():
        rows.append(f"- {name.capitalize()} of the clips: {format_range(name, ends)}")
    return ["", "## Training", "", *rows] if rows else []


def _scores(card: ModelCard) -> list[str]:
    if not card.scores:
        return []
    lines = ["", "## Scores", ""]
    if card.evaluation:
        lines += [card.evaluation, ""]
    lines += ["| score | value | interval |", "|---|---|---|"]
    for name, numbers in card.scores.items():
        interval = format_interval(numbers[1:])
        lines.append(f"| {_inline(name)} | {numbers[0]:.3f} | {interval} |")
    return lines


def _limitations(card: ModelCard) -> list[str]:
    return ["", "## Limitations", "", card.limitations] if card.limitations else []


def _yaml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _metric(name: str) -> str:
    """Return the name of a score as an identifier, "balanced_accuracy" for its longer title."""
    return _identifier(name.partition("(")[0])


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text.lower()).strip("_") or "unknown"


def _inline(text: str) -> str:
    """Return a text that stays one line and one cell of a table in Markdown."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
