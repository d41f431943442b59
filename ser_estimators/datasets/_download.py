"""From an address with a checksum to a folder that is whole or not there."""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sklearn.utils import check_scalar

if TYPE_CHECKING:
    import requests

__all__ = ["Archive", "fetch_archive"]

# Where corpora are kept if nobody says, and the variable that says otherwise.
_HOME = "~/ser_estimators_data"
_HOME_VARIABLE = "SER_ESTIMATORS_DATA"

_TIMEOUT = 60.0  # seconds without a byte
# Bytes written at once. requests throws away a block that comes in part, so blocks are small.
_BLOCK = 1 << 13
_STEP = 20_000_000  # bytes between two lines of progress

# Answers of a server that another try may mend; the other ones from 400 to 499 come again.
_PASSING = (408, 425, 429)


@dataclass(frozen=True)
class Archive:
    """A zip file that a corpus is published in.

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
        Where people find it.
    loader : str
        The function to call on a folder that was unpacked by hand.
    """

    title: str
    folder: str
    url: str
    known_hash: str
    page: str
    loader: str


def fetch_archive(
    archive: Archive,
    *,
    data_home: str | os.PathLike[str] | None,
    download_if_missing: bool,
    force: bool,
    n_retries: int,
    delay: float,
) -> Path:
    """Return the folder of a corpus; download, check and unpack it if it is not there.

    A folder of that name is always whole: it is unpacked elsewhere and renamed. What a broken
    download has brought is kept beside it, and the next call goes on from there.

    Parameters
    ----------
    archive : Archive
    data_home : path-like or None
    download_if_missing, force : bool
    n_retries : int >= 0
    delay : float >= 0
        Seconds.

    Returns
    -------
    pathlib.Path
    """
    check_scalar(n_retries, "n_retries", Integral, min_val=0)
    check_scalar(delay, "delay", Real, min_val=0)
    if force and not download_if_missing:
        raise ValueError(
            "force=True with download_if_missing=False asks to download and not to; expected one"
        )
    home = Path(data_home or os.environ.get(_HOME_VARIABLE) or _HOME).expanduser()
    folder = home / archive.folder
    if folder.is_dir() and not force:
        return folder
    if not download_if_missing:
        raise FileNotFoundError(
            f"{archive.title} is not in '{folder}' and download_if_missing=False; pass "
            f"download_if_missing=True, or the data_home that holds the folder '{archive.folder}'"
        )
    home.mkdir(parents=True, exist_ok=True)
    with _alone_in(home):
        if folder.is_dir() and not force:
            return folder  # another process was faster
        zipped = _download(archive, home / f"{archive.folder}.zip", n_retries, delay)
        _unpack(archive, zipped, folder)
        zipped.unlink()
    return folder


def _download(archive: Archive, zipped: Path, n_retries: int, delay: float) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"downloading {archive.title} needs pooch, which is not installed; install it with "
            "'pip install ser_estimators[fetch]', or download the corpus by hand from "
            f"{archive.page}, unpack it and pass the folder to {archive.loader}"
        ) from error

    rest = zipped.with_suffix(".zip.part")
    while True:
        has_rest = rest.exists()
        try:
            # pooch looks whether the file is there already, has the parts moved to its own
            # temporary file, and gives that its name only if the checksum is right.
            pooch.retrieve(
                archive.url,
                known_hash=archive.known_hash,
                fname=zipped.name,
                path=zipped.parent,
                downloader=_Resuming(archive, rest, n_retries, delay, pooch.get_logger()),
            )
            return zipped
        except ValueError as error:
            if has_rest and not rest.exists():
                continue  # it was the rest of another file, and is gone: once more from the start
            raise ValueError(
                f"What {archive.url} sent is not {archive.title} as it was published: {error} "
                "Nothing was kept. Try again later; a network that asks for a login and a newer "
                f"edition of the corpus both look like this. By hand: {archive.page}, then "
                f"{archive.loader}"
            ) from error


class _Resuming:
    """What pooch calls to get a file: goes on where the last try broke off."""

    def __init__(
        self, archive: Archive, rest: Path, n_retries: int, delay: float, logger: Any
    ) -> None:
        self.archive, self.rest = archive, rest
        self.n_retries, self.delay, self.logger = n_retries, delay, logger

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests

        for attempt in range(1 + self.n_retries):
            if attempt:
                time.sleep(self.delay * attempt)
            try:
                self._go_on(url)
                break
            except requests.RequestException as error:
                response = error.response
                if response is not None and 400 <= response.status_code < 500:
                    last = response.status_code not in _PASSING
                else:
                    last = False
                if last or attempt == self.n_retries:
                    raise self._failure(url, attempt + 1, error) from error
                self.logger.info(f"{self.archive.title}: {error}; trying again")
        os.replace(self.rest, output_file)

    def _failure(self, url: str, n_tries: int, error: Exception) -> ConnectionError:
        kept = _size(self.rest)
        goes_on = (
            f"The first {kept} bytes are kept, and the next call goes on there. " if kept else ""
        )
        return ConnectionError(
            f"Could not download {self.archive.title} from {url} in {n_tries} tries: {error}. "
            f"{goes_on}By hand: download it from {self.archive.page}, unpack it and pass the "
            f"folder to {self.archive.loader}"
        )

    def _go_on(self, url: str) -> None:
        """Get what is missing; a server that cannot send a part sends all."""
        import requests

        have = _size(self.rest)
        headers = {"Accept-Encoding": "identity"}  # bytes as they are in the file
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if have and response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is missing; the checksum tells whether it is the right file
            response.raise_for_status()
            is_rest = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            is_rest = is_rest and response.status_code == requests.codes.partial_content
            self._write(response, have if is_rest else 0)

    def _write(self, response: requests.Response, have: int) -> None:
        import requests

        announced = response.headers.get("Content-Length")
        total = have + int(announced) if announced else None
        told = have
        with self.rest.open("ab" if have else "wb") as file:
            for block in response.iter_content(_BLOCK):
                have += file.write(block)
                if have >= told + _STEP:
                    told = have
                    of = f" of {total / 1e6:.0f}" if total else ""
                    self.logger.info(f"{self.archive.title}: {have / 1e6:.0f}{of} MB")
        if total is not None and have < total:  # older versions of urllib3 say nothing
            raise requests.ConnectionError(f"connection broke off after {have} of {total} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _unpack(archive: Archive, zipped: Path, folder: Path) -> None:
    """Unpack beside the folder and rename, so that no half folder ever has its name."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        unpacked = Path(scratch, "new")
        with zipfile.ZipFile(zipped) as file:
            for name in file.namelist():
                parts = PurePosixPath(name.replace("\\", "/"))
                if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
                    raise ValueError(
                        f"'{zipped}' of {archive.title} holds {name!r}, which would be written "
                        "outside its folder; nothing was unpacked: expected names below it"
                    )
            file.extractall(unpacked)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        unpacked.rename(folder)


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    """Keep other processes out of a folder, until this one leaves or dies.

    Jobs that start together then download once: the others wait, and find the corpus there.
    """
    try:
        import fcntl
    except ImportError:  # Windows: the last job to finish wins, or fails and says so
        yield
        return
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which frees the lock
