"""What all loaders share: the walk over a folder, what names mean, and what is said of gaps."""

from __future__ import annotations

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sklearn.utils import Bunch

from .._stack_level import find_stack_level
from ..exceptions import AudioReadError
from ._bunch import UNKNOWN, make_bunch

__all__ = ["Corpus", "load_corpus"]

_SUFFIXES = (".wav", ".flac")

# Other endings of audio, so that a folder of nothing else can be told from a wrong folder.
_OTHER_SUFFIXES = (".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff")

# Only files that are smaller (bytes) are opened, half a second of 16-bit PCM at 16 kHz: what is no
# sound is rarely larger, and opening every file of a corpus on a network disk takes minutes.
_SMALL = 16 * 1024

_LFS = "git-lfs pointers, not audio: run 'git lfs pull' in their repository"
_EMPTY = "empty (0 bytes): download or copy them again"
_PAGE = "web pages, not audio: the download went wrong, download them again"
_LINK = "links to nothing: get what they stand for, such as with 'datalad get', or copy it there"


@dataclass(frozen=True)
class Corpus:
    """How the files of a corpus are named, and what the names mean.

    Parameters
    ----------
    title : str
        Name of the corpus in messages.
    example : str
        A file name, for messages.
    expected : str
        The folder to pass and where it comes from, for messages.
    name : re.Pattern
        Matches the whole of "folder/stem" in lower case. The groups ``speaker``, ``emotion`` and,
        where the corpus has it, ``intensity`` are read; two files whose groups are all equal are
        copies of one clip, and clips are sorted by their groups.
    alike : re.Pattern
        Matches the names that belong to the corpus by all appearances; those that `name` does not
        match are remarked on.
    emotions, intensities : dict of str to str
        Names of the codes.
    sexes : dict of str to {"female", "male"}
        The speakers of the whole corpus.
    aliases : dict of str to str
        Misspelt codes, in lower case, and what they stand for.
    n_clips : int
        Clips of the whole corpus.
    people : str, default="speakers"
        What the corpus calls its speakers.
    descr : str
        Description, source, licence and citation.
    """

    title: str
    example: str
    expected: str
    name: re.Pattern[str]
    alike: re.Pattern[str]
    emotions: Mapping[str, str]
    sexes: Mapping[str, str]
    n_clips: int
    descr: str
    intensities: Mapping[str, str] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    people: str = "speakers"


@dataclass(frozen=True)
class _Clip:
    """One clip: its codes in the corpus' own spelling, and all readable files that hold it."""

    emotion: str
    speaker: str
    intensity: str
    paths: list[Path]


def load_corpus(
    corpus: Corpus,
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None,
    as_frame: bool,
    renamed: Mapping[str, str] | None = None,
) -> Bunch:
    """Find the clips of a corpus and say what is missing, doubled, unreadable or unknown.

    Parameters
    ----------
    corpus : Corpus
    root : path-like
        The folder to search, with all that are below.
    emotions : dict of str to str or None, or None
        Other names for some of the corpus' codes; None leaves the clips of a code out.
    as_frame : bool
    renamed : dict of str to str, default=None
        Other names for some names, applied last.

    Returns
    -------
    sklearn.utils.Bunch
        As `make_bunch` makes it.
    """
    names = _emotion_names(corpus, emotions)
    root = _check_folder(corpus, root)
    found = _Findings(corpus, root)
    if not found.clips:
        raise found.nothing()
    remarks = found.remarks()
    if remarks:
        warnings.warn(
            f"{corpus.title} in '{root}': {'; '.join(remarks)}", stacklevel=find_stack_level()
        )

    clips = [clip for clip in found.clips if names[clip.emotion] is not None]
    if not clips:
        raise ValueError(
            f"emotions={emotions!r} leaves no clip of the {len(found.clips)} of {corpus.title} in "
            f"'{root}'; expected a name for at least one code that is there"
        )
    targets = [str(names[clip.emotion]) for clip in clips]
    return make_bunch(
        data=[str(clip.paths[0]) for clip in clips],
        target=[(renamed or {}).get(target, target) for target in targets],
        speakers=[clip.speaker for clip in clips],
        sex=[corpus.sexes.get(clip.speaker, UNKNOWN) for clip in clips],
        intensity=(
            None
            if corpus.intensities is None
            else [corpus.intensities[clip.intensity] for clip in clips]
        ),
        descr=corpus.descr,
        as_frame=as_frame,
    )


def _emotion_names(
    corpus: Corpus, emotions: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return the name of each code, None for those to leave out."""
    if emotions is None:
        return dict(corpus.emotions)
    codes = ", ".join(f"{code!r} ({name})" for code, name in corpus.emotions.items())
    if not isinstance(emotions, Mapping):
        raise TypeError(
            f"emotions={emotions!r} is a {type(emotions).__name__}; expected a dict of codes of "
            f"{corpus.title} to names of emotions, such as "
            f"{{{next(iter(corpus.emotions))!r}: 'other'}}. Codes: {codes}"
        )
    for code, name in emotions.items():
        if code not in corpus.emotions:
            raise ValueError(
                f"emotions names the code {code!r}, which {corpus.title} does not have; "
                f"expected some of: {codes}"
            )
        if name is not None and not (isinstance(name, str) and name):
            raise ValueError(
                f"emotions gives {name!r} for the code {code!r}; expected the name of an emotion, "
                "or None to leave its clips out"
            )
    return {**corpus.emotions, **emotions}


def _check_folder(corpus: Corpus, root: str | os.PathLike[str]) -> Path:
    root = Path(root).expanduser()
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        where = "" if root.is_absolute() or root.exists() else f" in '{Path.cwd()}'"
        raise FileNotFoundError(
            f"Could not load {corpus.title} from '{root}': it {what}{where}; expected "
            f"{corpus.expected}"
        )
    return root


class _Findings:
    """What a folder holds of a corpus."""

    def __init__(self, corpus: Corpus, root: Path) -> None:
        self.corpus, self.root = corpus, root
        self.unreadable: dict[str, list[Path]] = defaultdict(list)
        self.unknown: list[Path] = []
        self.other_endings: list[Path] = []
        spelling = {
            group: {code.casefold(): code for code in codes} | dict(corpus.aliases)
            for group, codes in (
                ("speaker", corpus.sexes),
                ("emotion", corpus.emotions),
                ("intensity", corpus.intensities or {}),
            )
        }
        clips: dict[tuple[str, ...], _Clip] = {}
        for path, size in _files(root):
            # The absolute path, because the folder of "a01.wav" below "." has no name.
            folder = path.parent.name or path.parent.absolute().name
            text = f"{folder}/{path.stem}".casefold()
            suffix = path.suffix.casefold()
            if suffix not in _SUFFIXES:
                if suffix in _OTHER_SUFFIXES and corpus.name.fullmatch(text):
                    self.other_endings.append(path)
                continue
            match = corpus.name.fullmatch(text)
            codes = match.groupdict() if match else {}
            for group, code in codes.items():
                codes[group] = spelling[group].get(code, code)
            if match is None or not self._is_known(codes):
                if (match or corpus.alike.fullmatch(text)) and size is not None:
                    self.unknown.append(path)
            elif fault := _fault_of(path, size):
                self.unreadable[fault].append(path)
            else:
                key = tuple(self._key(match, codes))
                clip = clips.setdefault(
                    key, _Clip(codes["emotion"], codes["speaker"], codes.get("intensity", ""), [])
                )
                clip.paths.append(path)
        self.clips = [clips[key] for key in sorted(clips)]
        for clip in self.clips:
            # Beside the sound there may be other signals of the same name, such as laryngograms.
            clip.paths.sort(key=lambda path: path.parent.name.casefold() != "wav")

    def _is_known(self, codes: Mapping[str, str]) -> bool:
        intensities = self.corpus.intensities
        return codes["emotion"] in self.corpus.emotions and (
            intensities is None or codes["intensity"] in intensities
        )

    def _key(self, match: re.Match[str], codes: Mapping[str, str]) -> Iterator[str]:
        """Yield the groups in order, with misspelt codes put right."""
        names = {number: name for name, number in self.corpus.name.groupindex.items()}
        for number, text in enumerate(match.groups(), start=1):
            yield codes[names[number]].casefold() if number in names else text or ""

    def nothing(self) -> Exception:
        """Make the error for a folder without one readable clip."""
        start = f"Could not load {self.corpus.title} from '{self.root}':"
        if self.unreadable:
            failures = [(path, fault) for fault, paths in self.unreadable.items() for path in paths]
            return AudioReadError(
                f"{start} no file can be audio: {'; '.join(self._unreadable())}",
                tuple((i, str(path), fault) for i, (path, fault) in enumerate(failures)),
            )
        if self.other_endings:
            endings = sorted({path.suffix.casefold() for path in self.other_endings})
            return FileNotFoundError(
                f"{start} its {len(self.other_endings)} files with names of this corpus end in "
                f"{' and '.join(endings)}, {_such_as(self.other_endings)}; expected .wav or .flac: "
                f"convert them, or pass {self.corpus.expected}"
            )
        also = f", but {self._unknown()}" if self.unknown else ""
        return FileNotFoundError(
            f"{start} no file in it or below has a name such as {self.corpus.example}{also}; "
            f"expected {self.corpus.expected}"
        )

    def remarks(self) -> list[str]:
        """Say what is missing, doubled, unreadable or unknown, with counts."""
        corpus, remarks = self.corpus, []
        speakers = {clip.speaker for clip in self.clips}
        if missing := sorted(set(corpus.sexes) - speakers):
            remarks.append(f"no clip of {corpus.people} {_some(missing)}")
        if strangers := sorted(speakers - set(corpus.sexes)):
            remarks.append(f"clips of unknown {corpus.people} {_some(strangers)}")
        if len(self.clips) != corpus.n_clips:
            remarks.append(f"{len(self.clips)} clips where the whole corpus has {corpus.n_clips}")
        if doubled := [clip.paths for clip in self.clips if len(clip.paths) > 1]:
            remarks.append(
                f"{len(doubled)} clips stand more than once and are taken once, such as "
                + " and ".join(f"'{path}'" for path in doubled[0][:2])
            )
        remarks += [f"left out: {text}" for text in self._unreadable()]
        if self.unknown:
            remarks.append(f"left out: {self._unknown()}")
        return remarks

    def _unreadable(self) -> list[str]:
        return [
            f"{len(paths)} files that are {fault} ({_such_as(paths)})"
            for fault, paths in self.unreadable.items()
        ]

    def _unknown(self) -> str:
        return (
            f"{len(self.unknown)} files with names of this kind that cannot be read as "
            f"{self.corpus.example} ({_such_as(self.unknown)})"
        )


def _files(root: Path) -> Iterator[tuple[Path, int | None]]:
    """Yield every file below a folder with its size in bytes, in an order that is always the same.

    Linked folders are gone through as well, each folder once, and a link to nothing has no size.
    Hidden folders, such as git's, and hidden files, such as those that macOS leaves, are passed by.
    """
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.casefold() in _SUFFIXES + _OTHER_SUFFIXES and name[0] != ".":
                path = Path(folder, name)
                try:
                    yield path, path.stat().st_size
                except OSError:
                    yield path, None


def _fault_of(path: Path, size: int | None) -> str | None:
    """Say why a file cannot be audio, without decoding anything; None if it may be."""
    if size is None:
        return _LINK
    if size == 0:
        return _EMPTY
    if size >= _SMALL:
        return None
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"version https://git-lfs"):
        return _LFS
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return _PAGE
    return None


def _such_as(paths: Sequence[Path]) -> str:
    return f"such as '{paths[0]}'"


def _some(names: Iterable[str]) -> str:
    """Join names, no more than a reader takes in: ninety missing actors are a count."""
    names = list(names)
    more = f" and {len(names) - 24} more" if len(names) > 24 else ""
    return ", ".join(islice(names, 24)) + more
