"""Download an archive, verify its checksum and unpack it, completely or not at all."""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from sklearn.utils import check_scalar

if TYPE_CHECKING:
    import requests

__all__ = ["Archive", "DownloadOptions", "fetch_archive"]

# Default folder of the corpora, and the environment variable that overrides it.
_HOME = "~/ser_estimators_data"
_HOME_VARIABLE = "SER_ESTIMATORS_DATA"

_TIMEOUT = 60.0  # seconds without data
# Bytes per block. requests discards an incomplete block, so blocks are small.
_BLOCK = 1 << 13
_STEP = 20_000_000  # bytes between two progress messages

# Client errors that may be gone in the next attempt; all others from 400 to 499 are permanent.
_TEMPORARY_ERRORS = (408, 425, 429)


@dataclass(frozen=True)
class Archive:
    """A zip file in which a corpus is published.

    Parameters
    ----------
    title : str
        Name of the corpus in messages.
    folder : str
        Name of the folder below `data_home`.
    url : str
    known_hash : str
        Algorithm and digest, such as "md5:0123...".
    page : str
        Web page for a manual download.
    loader : str
        Function that loads a manually unpacked folder.
    """

    title: str
    folder: str
    url: str
    known_hash: str
    page: str
    loader: str


@dataclass(frozen=True)
class DownloadOptions:
    """Parameters that all ``fetch_*`` functions share.

    Parameters
    ----------
    data_home : path-like or None
        Folder of all corpora; None means the environment variable or the default.
    download_if_missing : bool
        Whether to download a corpus that is not in `data_home`.
    force : bool
        Whether to download a corpus that is in `data_home`.
    n_retries : int >= 0
        Number of further attempts after a connection error.
    delay : float >= 0
        Seconds before the first retry.
    """

    data_home: str | os.PathLike[str] | None
    download_if_missing: bool
    force: bool
    n_retries: int
    delay: float


def fetch_archive(archive: Archive, options: DownloadOptions) -> Path:
    """Return the folder of a corpus; if it is missing, download, verify and unpack it.

    The folder is always complete, because it is unpacked elsewhere and then renamed. An incomplete
    download is kept beside it, and the next call resumes it.

    Parameters
    ----------
    archive : Archive
    options : DownloadOptions

    Returns
    -------
    pathlib.Path
    """
    check_scalar(options.n_retries, "n_retries", Integral, min_val=0)
    check_scalar(options.delay, "delay", Real, min_val=0)
    if options.force and not options.download_if_missing:
        raise ValueError(
            "force=True contradicts download_if_missing=False; expected at most one of them"
        )
    home = Path(options.data_home or os.environ.get(_HOME_VARIABLE) or _HOME).expanduser()
    folder = home / archive.folder
    if folder.is_dir() and not options.force:
        return folder
    if not options.download_if_missing:
        raise FileNotFoundError(
            f"{archive.title} is not in '{folder}' and download_if_missing=False; pass "
            f"download_if_missing=True, or the data_home that contains '{archive.folder}'"
        )
    home.mkdir(parents=True, exist_ok=True)
    # Of processes that start together, one downloads while the others wait. The lock file is hidden
    # and stays: if it were removed, a process that still waits for it and one that creates it again
    # would both hold a lock. The system releases the lock of a process that dies.
    with FileLock(home / f".{archive.folder}.lock", mode=0o666):
        if folder.is_dir() and not options.force:
            return folder  # another process has downloaded it
        zipped = _download(archive, home / f"{archive.folder}.zip", options)
        _unpack(archive, zipped, folder)
        zipped.unlink()
    return folder


def _download(archive: Archive, zipped: Path, options: DownloadOptions) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"Downloading {archive.title} needs pooch, which is not installed; run "
            "'pip install ser_estimators[fetch]', or download the corpus manually from "
            f"{archive.page}, unpack it and pass the folder to {archive.loader}"
        ) from error

    part = zipped.with_suffix(".zip.part")
    while True:
        resumes = part.exists()
        try:
            # pooch returns a file that exists. Otherwise it calls the downloader with the path of a
            # temporary file, and renames that only if the checksum is correct.
            pooch.retrieve(
                archive.url,
                known_hash=archive.known_hash,
                fname=zipped.name,
                path=zipped.parent,
                downloader=_Resuming(archive, part, options, pooch.get_logger()),
            )
            return zipped
        except ValueError as error:
            if resumes and not part.exists():
                continue  # the part belonged to another file and is gone: start from the beginning
            raise ValueError(
                f"The file from {archive.url} is not {archive.title} as published: {error} Nothing "
                "was kept. Possible causes are a network that requires a login and a new edition "
                "of the corpus. Try again later, or download it manually from "
                f"{archive.page}, unpack it and pass the folder to {archive.loader}"
            ) from error


class _Resuming:
    """Downloader for pooch that resumes an incomplete download.

    Parameters
    ----------
    archive : Archive
    part : pathlib.Path
        File for the incomplete download.
    options : DownloadOptions
    logger : logging.Logger
    """

    def __init__(self, archive: Archive, part: Path, options: DownloadOptions, logger: Any) -> None:
        self.archive, self.part, self.options, self.logger = archive, part, options, logger

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests

        for attempt in range(1 + self.options.n_retries):
            if attempt:
                time.sleep(self.options.delay * attempt)
            try:
                self._resume(url)
                break
            except requests.RequestException as error:
                if attempt == self.options.n_retries or not _is_temporary(error.response):
                    raise self._failure(url, attempt + 1, error) from error
                self.logger.info(f"{self.archive.title}: {error}; trying again")
        os.replace(self.part, output_file)

    def _failure(self, url: str, n_attempts: int, error: Exception) -> ConnectionError:
        n_bytes = _size(self.part)
        resumes = (
            f"The first {n_bytes} bytes are kept, and the next call resumes there. "
            if n_bytes
            else ""
        )
        attempts = "1 attempt" if n_attempts == 1 else f"{n_attempts} attempts"
        return ConnectionError(
            f"Could not download {self.archive.title} from {url} in {attempts}: {error}. "
            f"{resumes}Alternatively, download it manually from {self.archive.page}, unpack it and "
            f"pass the folder to {self.archive.loader}"
        )

    def _resume(self, url: str) -> None:
        """Download the missing part, or everything if the server cannot send a part."""
        import requests

        n_bytes = _size(self.part)
        headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not compressed
        if n_bytes:
            headers["Range"] = f"bytes={n_bytes}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if n_bytes and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is missing; the checksum shows whether it is the right file
            response.raise_for_status()
            is_part = response.headers.get("Content-Range", "").startswith(f"bytes {n_bytes}-")
            is_part = is_part and response.status_code == requests.codes.partial_content
            self._write(response, n_bytes if is_part else 0)

    def _write(self, response: requests.Response, n_bytes: int) -> None:
        """Append a response to the first bytes of the file."""
        import requests

        announced = response.headers.get("Content-Length")
        total = n_bytes + int(announced) if announced else None
        reported = n_bytes
        with self.part.open("ab" if n_bytes else "wb") as file:
            for block in response.iter_content(_BLOCK):
                n_bytes += file.write(block)
                if n_bytes >= reported + _STEP:
                    reported = n_bytes
                    of = f" of {total / 1e6:.0f}" if total else ""
                    self.logger.info(f"{self.archive.title}: {n_bytes / 1e6:.0f}{of} MB")
        if total is not None and n_bytes < total:  # older versions of urllib3 do not raise
            raise requests.ConnectionError(f"connection broke off after {n_bytes} of {total} bytes")


def _is_temporary(response: requests.Response | None) -> bool:
    """Return whether another attempt may succeed after this response to a request."""
    if response is None or not 400 <= response.status_code < 500:
        return True
    return response.status_code in _TEMPORARY_ERRORS


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unpack(archive: Archive, zipped: Path, folder: Path) -> None:
    """Unpack beside the folder and rename, so that an incomplete folder never has its name."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        unpacked = Path(scratch, "new")
        with zipfile.ZipFile(zipped) as file:
            for name in file.namelist():
                parts = PurePosixPath(name.replace("\\", "/"))
                if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
                    raise ValueError(
                        f"'{zipped}' of {archive.title} contains {name!r}, which would be written "
                        "outside its folder; nothing was unpacked. Expected only names inside it"
                    )
            file.extractall(unpacked)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        unpacked.rename(folder)
