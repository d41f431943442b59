"""Repositories of the Hugging Face Hub: download, or what was downloaded before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .._utils.text import represent, shorten
from ..exceptions import EncoderError

__all__ = ["download", "is_repository"]

_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")
_REFUSED = (401, 403)  # statuses of HTTP


def is_repository(name: str) -> bool:
    """Return whether a name can be that of a repository, such as "openai/whisper-base"."""
    return _REPOSITORY.fullmatch(name) is not None and not name.startswith(".")


def download(
    name: str, revision: str | None, patterns: list[str], *, local_files_only: bool
) -> Path:
    """Return the folder of a repository, whose files are downloaded if necessary.

    What was downloaded before is used if the hub does not answer as expected.

    Parameters
    ----------
    name : str
    revision : str or None
        Branch, tag or commit; None takes the default branch.
    patterns : list of str
        Files that are downloaded.
    local_files_only : bool
        Whether to use only what has been downloaded before.

    Raises
    ------
    EncoderError
        If there is no such folder. The message says what to do.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RevisionNotFoundError

    def find(*, is_local: bool) -> Path:
        return Path(
            snapshot_download(
                name, revision=revision, allow_patterns=patterns, local_files_only=is_local
            )
        )

    # Networks, proxies and login pages of hotels cause errors of many libraries.
    try:
        return find(is_local=local_files_only)
    except Exception as error:
        failure = error
    if not local_files_only and not isinstance(failure, RevisionNotFoundError):
        try:
            return find(is_local=True)
        except Exception as error:  # the first failure says more
            failure.add_note(f"In the cache: {_text(error)}")
    raise EncoderError(_explain(failure, name, revision, local_files_only)) from failure


def _explain(error: BaseException, name: str, revision: str | None, local_files_only: bool) -> str:
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    what = f"the encoder {name!r}" if revision is None else f"revision {revision!r} of {name!r}"
    cause = error.__cause__
    if isinstance(error, LocalEntryNotFoundError) and cause and hasattr(cause, "response"):
        error = cause  # what the hub has answered
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, RevisionNotFoundError):
        return (
            f"There is no revision {revision!r:.200} of {name!r} on the Hugging Face Hub; check it"
        )
    if isinstance(error, HFValidationError):
        return f"{represent(name, 200)} is not a name on the Hugging Face Hub: {_text(error)}"
    # The hub hides private models from those who may not see them.
    if isinstance(error, GatedRepoError) or (
        status in _REFUSED and not isinstance(error, RepositoryNotFoundError)
    ):
        return (
            f"Could not download {what}: the Hugging Face Hub refuses access (status {status}). "
            "Accept the conditions on the page of the model, if it has some, and log in with 'hf "
            "auth login'"
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"There is no folder and no public model {name!r:.200} on the Hugging Face Hub; check "
            "the name, or log in with 'hf auth login' for a private one"
        )
    absent = "it has not been downloaded"
    if revision is None:
        absent = f"there is no such folder, {absent}"
    if local_files_only:
        why = f"{absent}, and local_files_only=True forbids downloading it"
    elif isinstance(error, LocalEntryNotFoundError):
        why = f"{absent}, and the Hugging Face Hub cannot be reached"
    else:
        why = (
            f"{absent}, and the Hugging Face Hub does not answer as expected "
            f"({type(error).__name__}: {_text(error)})"
        )
    return (
        f"Could not load {what}: {why}. On a machine with internet access, run '"
        f"{_command(name, revision)}', and copy the folder; then pass that folder as model"
    )


def _command(name: str, revision: str | None) -> str:
    """Return the command that fills a folder with files instead of links."""
    option = "" if revision is None else f" --revision {revision}"
    files = "config.json preprocessor_config.json model.safetensors README.md"
    return f"hf download {name} {files}{option} --local-dir {name.rpartition('/')[2]}"


def _text(error: Any) -> str:
    return shorten(" ".join(str(error).split()), 300)
