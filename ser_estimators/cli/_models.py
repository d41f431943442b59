"""Model files: the one to predict with, loading and saving."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ._command import Refused
from ._console import Console
from ._text import plain

if TYPE_CHECKING:
    from ..models import ModelCard

Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = [
    "SAFE_SUFFIX",
    "SUFFIXES",
    "card_of",
    "check_encoder",
    "check_suffix",
    "find_model",
    "load_model",
    "model_option",
    "move_back",
    "move_encoder",
    "save_model",
]

_PACKAGE = "ser_estimators_acted"
_DISTRIBUTION = "ser-estimators-acted"
_JOBLIB = (".joblib", ".pkl")
SAFE_SUFFIX = ".safetensors"
SUFFIXES = (SAFE_SUFFIX, *_JOBLIB)

_model_option = click.option(
    "-m",
    "--model",
    "model_file",
    type=click.Path(),
    metavar="FILE",
    help="Model file, .safetensors or .joblib. A .joblib file can run any code: load only your "
    "own. "
    f"[default: the model of the package {_DISTRIBUTION}, if it is installed]",
)


def check_encoder(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Raise for an empty name, which would be the current folder."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty; expected a folder or a name on the Hugging Face Hub")
    return value


_encoder_option = click.option(
    "--encoder",
    metavar="FOLDER",
    callback=check_encoder,
    help="Where the pretrained encoder of the model is on this machine, if it has one and the "
    "encoder has been moved.",
)


def model_option(function: Function) -> Function:
    """Add the options of a saved model: its file, and the place of its encoder."""
    return _model_option(_encoder_option(function))


def find_model(file: str | None, console: Console) -> Path:
    """Return the path of a model, of that in the installed package if there is no file.

    Parameters
    ----------
    file : str or None
    console : Console
        Says which model is used.

    Raises
    ------
    Refused
        If there is none.
    """
    if file is not None:
        path = Path(file)
        if not path.exists():
            raise Refused(f"there is no model '{plain(file)}'; check the path")
        if path.suffix.lower() == ".onnx":
            raise Refused(
                f"'{plain(file)}' is an ONNX file, which runs in ONNX Runtime, see docs/onnx.md; "
                f"expected the model itself, {', '.join(SUFFIXES)}"
            )
        return path
    if importlib.util.find_spec(_PACKAGE) is None:
        raise Refused(
            "there is no model: pass one with --model FILE, install one that was trained on acted "
            f"speech (non-commercial license) with 'pip install {_DISTRIBUTION}' or, in a copy of "
            f"the source code, 'pip install packages/{_DISTRIBUTION}', or train one with 'ser "
            "train DATA -o model.safetensors'"
        )
    package = importlib.import_module(_PACKAGE)
    path = Path(package.model_path())
    version = getattr(package, "__version__", "")
    console.note(
        f"Model: {f'{_PACKAGE} {version}'.strip()}, trained on acted speech{_license_of(path)}; "
        "--model FILE chooses another one"
    )
    return path


def _license_of(path: Path) -> str:
    """Return the license of a model in words, empty if it is not known."""
    card = None
    with contextlib.suppress(OSError, ValueError):  # reported when the model is loaded
        card = card_of(path)
    if card is None or not card.license:
        return ""
    is_limited = "-nc" in card.license.lower()
    return f", license {plain(card.license)}{' (non-commercial)' if is_limited else ''}"


def check_suffix(path: Path) -> None:
    """Raise unless the format of a model file is known by its name."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise Refused(
            f"'{plain(os.fspath(path))}' does not end like a model file; expected "
            f"{', '.join(SUFFIXES)}"
        )


def load_model(path: Path, encoder: str | None = None) -> Any:
    """Load a fitted classifier from a file.

    Parameters
    ----------
    path : Path
    encoder : str or None, default=None
        Where its pretrained encoder is; None takes the place that the model names.

    Raises
    ------
    Refused
        If the file is something else.
    """
    check_suffix(path)
    start = f"Could not load the model '{plain(os.fspath(path))}':"
    try:
        if path.suffix.lower() == SAFE_SUFFIX:
            from .. import models

            model = models.load_model(path)
        elif not path.is_file():
            # Reading a pipe would wait for somebody to write into it.
            raise OSError("it is not a regular file; pass the path of one")
        else:
            import joblib

            model = joblib.load(path)
    except Exception as error:
        reason = " ".join(str(error).split())
        if path.suffix.lower() == SAFE_SUFFIX and isinstance(error, ValueError):
            raise Refused(plain(reason)) from error  # it names the file
        if path.suffix.lower() != SAFE_SUFFIX and not isinstance(error, (OSError, ImportError)):
            reason = f"it is not a model that joblib has saved ({type(error).__name__}: {reason})"
        raise Refused(f"{start} {plain(reason):.1000}") from error
    if not hasattr(model, "predict"):
        raise Refused(f"{start} it contains a {type(model).__name__}; expected a classifier")
    _check_fitted(model, start)
    if encoder is not None:
        move_encoder(model, path, encoder)
    return model


def move_encoder(model: Any, path: Path, encoder: str) -> list[Any]:
    """Say where the pretrained encoder of a model is, and return where the model says it is.

    There is a place for each `EncoderEmbedder` in the model, for `move_back`.

    Raises
    ------
    Refused
        If the model has none.
    """
    embedders = list(_embedders_in(model, set()))
    if not embedders:
        raise Refused(
            f"the model '{plain(os.fspath(path))}' has no pretrained encoder; omit --encoder"
        )
    places = [embedder.model for embedder in embedders]
    for embedder in embedders:
        embedder.set_params(model=encoder)
    return places


def move_back(model: Any, places: Sequence[Any]) -> None:
    """Let a model, or a copy of it, say again where its pretrained encoder is."""
    for embedder, place in zip(_embedders_in(model, set()), places, strict=True):
        embedder.set_params(model=place)


def _embedders_in(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the encoders in a model, also those of fitted copies, such as in an ensemble."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        parts: Iterable[Any] = value.values()
    elif isinstance(value, (list, tuple)):
        parts = value
    elif type(value).__module__.partition(".")[0] in ("sklearn", "ser_estimators"):
        if type(value).__name__ == "EncoderEmbedder":
            yield value
        parts = getattr(value, "__dict__", {}).values()
    else:
        return
    for part in parts:
        yield from _embedders_in(part, seen)


def card_of(path: Path) -> ModelCard | None:
    """Return the card in a model file, None for pickles and files without a card."""
    if path.suffix.lower() != SAFE_SUFFIX:
        return None
    from .. import models

    card = models.model_info(path)["card"]
    return models.ModelCard(**card) if card else None


def _check_fitted(model: Any, start: str) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise Refused(f"{start} it is not fitted; save it after fit") from None
    except TypeError:
        pass  # not an estimator of scikit-learn


def save_model(model: Any, path: Path, card: ModelCard) -> None:
    """Save a model in the format of the suffix; a file that was there before is replaced last.

    Parameters
    ----------
    model : fitted estimator
    path : Path
    card : ModelCard
        Pickles do not have it.
    """
    if path.suffix.lower() == SAFE_SUFFIX:
        from .. import models

        models.save_model(model, path, card=card)
        return
    import joblib

    from .._utils.writing import write_file

    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    write_file(path, buffer.getvalue())
