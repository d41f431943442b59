"""What is wrong with a model or with a model file, and the error that says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..._audio.failures import printable
from ...exceptions import ModelFileError

__all__ = ["MismatchError", "UnsupportedError", "explained_by_file", "one_line", "reading_failed"]

_DAMAGED = "download or copy it again, or save the model again"


class MismatchError(ValueError):
    """Something in a model file differs from what this version writes.

    Parameters
    ----------
    reason : str
        What was found, and what was expected.
    remedy : str, default: copy the file or save the model again
    """

    def __init__(self, reason: str, remedy: str = _DAMAGED) -> None:
        super().__init__(reason)
        self.remedy = remedy


class UnsupportedError(ValueError):
    """A part of a model that a model file cannot hold.

    Parameters
    ----------
    reason : str
    is_sentence : bool, default=False
        Whether the reason names the part. Otherwise it continues the name of the part.
    """

    def __init__(self, reason: str, *, is_sentence: bool = False) -> None:
        super().__init__(reason)
        self.is_sentence = is_sentence

    def about(self, owner: str) -> UnsupportedError:
        """Return an error that names the part, unless this one does."""
        return self if self.is_sentence else UnsupportedError(f"{owner} {self}", is_sentence=True)


def reading_failed(path: str | os.PathLike[str], reason: str, remedy: str) -> ModelFileError:
    """Return the error for a file that cannot be loaded."""
    name = printable(os.fspath(path))
    return ModelFileError(f"Could not load '{name}': {one_line(reason)}; {remedy}")


def one_line(reason: object) -> str:
    """Return a text as one line; the representation of an array may have several."""
    return " ".join(str(reason).split())


@contextmanager
def explained_by_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into a `ModelFileError` with its name."""
    try:
        yield
    except MismatchError as error:
        raise reading_failed(path, str(error), error.remedy) from error
    except FileNotFoundError as error:
        raise reading_failed(path, "there is no such file", "check the path") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise reading_failed(path, reason, "check the path and its permissions") from error
    except Exception as error:
        # What no check foresaw, such as an error of a constructor.
        reason = f"its content is not that of a model ({type(error).__name__}: {error!s:.200})"
        raise reading_failed(path, reason, _DAMAGED) from error
