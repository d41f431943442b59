"""Shared by all loaders: searching a folder, parsing file names, reporting what is missing."""

from __future__ import annotations

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sklearn.utils import Bunch

from .._audio.segment import Segment
from .._utils.stack_level import find_stack_level
from ._bunch import UNKNOWN, make_bunch
from ._search import (
    count,
    describe_unreadable,
    examples,
    fault_of,
    find_audio,
    join,
    unreadable_error,
)

__all__ = ["Corpus", "load_corpus"]

# Files in other audio formats distinguish a folder of such files from a wrong folder.
_SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True)
class Corpus:
    """File names of a corpus and what they encode.

    Parameters
    ----------
    title : str
        Name of the corpus, for messages.
    example : str
        Example of a file name, for messages.
    expected : str
        The folder to pass and where to get it, for messages.
    name : re.Pattern
        Matches all of "folder/stem" in lower case. It has the groups ``speaker``, ``emotion`` and,
        if the corpus has intensities, ``intensity``. Two files whose groups are all equal are
        copies of one clip, and clips are sorted by their groups.
    alike : re.Pattern
        Matches all names that look as if they belong to the corpus. Files that it matches and
        `name` does not are reported.
    emotions, intensities : dict of {str: str}
        Name of each code.
    sexes : dict of {str: {"female", "male"}}
        Sex of each speaker of the complete corpus.
    n_clips : int
        Number of clips of the complete corpus.
    descr : str
        Description, source, license and citation.
    aliases : dict of {str: str}
        Correct code of each misspelled one, which is in lower case.
    people : str, default="speakers"
        What the corpus calls its speakers.
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
    """Codes of a clip in the spelling of the corpus, and all of its readable copies."""

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
    channel: int | None = None,
) -> Bunch:
    """Find the clips of a corpus, and warn of missing, duplicate, unreadable and unknown ones.

    Parameters
    ----------
    corpus : Corpus
    root : path-like
        The folder to search, including its subfolders.
    emotions : dict of {str: str or None} or None
        New names for some of the codes; None as a name leaves out the clips of that code.
    as_frame : bool
    renamed : dict of {str: str} or None, default=None
        New names for some of the names, applied last.
    channel : int >= 0 or None, default=None
        The channel of each file to read; None averages all of them.

    Returns
    -------
    sklearn.utils.Bunch
        Result of `make_bunch`.
    """
    names = _emotion_names(corpus, emotions)
    _clip_of("", channel)  # checks it before the folder is searched
    root = _check_folder(corpus, root)
    found = _FoundFiles(corpus, root)
    if not found.clips:
        raise found.no_clip_error()
    remarks = found.remarks()
    if remarks:
        warnings.warn(
            f"{corpus.title} in '{root}': {'; '.join(remarks)}", stacklevel=find_stack_level()
        )

    clips = [clip for clip in found.clips if names[clip.emotion] is not None]
    if not clips:
        raise ValueError(
            f"emotions={emotions!r} leaves out every clip of {corpus.title} in '{root}'; expected "
            "a name for at least one code that occurs there"
        )
    targets = [str(names[clip.emotion]) for clip in clips]
    return make_bunch(
        data=[_clip_of(str(clip.paths[0]), channel) for clip in clips],
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


def _clip_of(path: str, channel: int | None) -> str | Segment:
    return path if channel is None else Segment(path, channel=channel)


def _emotion_names(
    corpus: Corpus, emotions: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return the name of each code, None for codes to leave out."""
    if emotions is None:
        return dict(corpus.emotions)
    codes = ", ".join(f"{code!r} ({name})" for code, name in corpus.emotions.items())
    if not isinstance(emotions, Mapping):
        raise TypeError(
            f"emotions={emotions!r} is a {type(emotions).__name__}; expected a dict that maps "
            f"codes of {corpus.title} to names of emotions, such as "
            f"{{{next(iter(corpus.emotions))!r}: 'other'}}. The codes are {codes}"
        )
    for code, name in emotions.items():
        if code not in corpus.emotions:
            raise ValueError(
                f"emotions contains the code {code!r}, which {corpus.title} does not have; "
                f"expected some of {codes}"
            )
        if name is not None and not (isinstance(name, str) and name):
            raise ValueError(
                f"emotions maps the code {code!r} to {name!r}; expected the name of an emotion, or "
                "None to leave out the clips of this code"
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


class _FoundFiles:
    """The files of a corpus that a folder contains."""

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
        for path, size in find_audio(root):
            # The folder of "a01.wav" in "." has a name only in the absolute path.
            folder = path.parent.name or path.parent.absolute().name
            text = f"{folder}/{path.stem}".casefold()
            suffix = path.suffix.casefold()
            if suffix not in _SUFFIXES:
                if corpus.name.fullmatch(text):
                    self.other_endings.append(path)
                continue
            match = corpus.name.fullmatch(text)
            codes = match.groupdict() if match else {}
            for group, code in codes.items():
                codes[group] = spelling[group].get(code, code)
            if match is None or not self._is_known(codes):
                if (match or corpus.alike.fullmatch(text)) and size is not None:
                    self.unknown.append(path)
            elif fault := fault_of(path, size):
                self.unreadable[fault].append(path)
            else:
                key = tuple(self._key(match, codes))
                clip = clips.setdefault(
                    key, _Clip(codes["emotion"], codes["speaker"], codes.get("intensity", ""), [])
                )
                clip.paths.append(path)
        self.clips = [clips[key] for key in sorted(clips)]
        for clip in self.clips:
            # Other folders may contain signals of the same name, such as laryngograms.
            clip.paths.sort(key=lambda path: path.parent.name.casefold() != "wav")

    def _is_known(self, codes: Mapping[str, str]) -> bool:
        intensities = self.corpus.intensities
        return codes["emotion"] in self.corpus.emotions and (
            intensities is None or codes["intensity"] in intensities
        )

    def _key(self, match: re.Match[str], codes: Mapping[str, str]) -> Iterator[str]:
        """Yield the groups in order, with misspelled codes corrected."""
        names = {number: name for name, number in self.corpus.name.groupindex.items()}
        for number, text in enumerate(match.groups(), start=1):
            yield codes[names[number]].casefold() if number in names else text or ""

    def no_clip_error(self) -> Exception:
        """Return the error for a folder without a readable clip."""
        start = f"Could not load {self.corpus.title} from '{self.root}':"
        if self.unreadable:
            return unreadable_error(start, self.unreadable)
        if self.other_endings:
            endings = sorted({path.suffix.casefold() for path in self.other_endings})
            return FileNotFoundError(
                f"{start} files named like this corpus end in {' and '.join(endings)} "
                f"({examples(self.other_endings)}); expected .wav or .flac: convert them, or pass "
                f"{self.corpus.expected}"
            )
        also = f" ({self._unknown()})" if self.unknown else ""
        return FileNotFoundError(
            f"{start} neither it nor its subfolders contain a file with a name such as "
            f"{self.corpus.example}{also}; expected {self.corpus.expected}"
        )

    def remarks(self) -> list[str]:
        """Describe what is missing, duplicate, unreadable or unknown, with counts."""
        corpus, remarks = self.corpus, []
        speakers = {clip.speaker for clip in self.clips}
        missing = sorted(set(corpus.sexes) - speakers)
        if len(missing) > len(corpus.sexes) / 2:
            there = sorted(set(corpus.sexes) & speakers)
            remarks.append(
                f"clips of {len(there)} of {len(corpus.sexes)} {corpus.people} only: {join(there)}"
            )
        elif missing:
            remarks.append(f"no clips of {corpus.people} {join(missing)}")
        if unknown := sorted(speakers - set(corpus.sexes)):
            remarks.append(f"clips of unknown {corpus.people} {join(unknown)}")
        if len(self.clips) != corpus.n_clips:
            remarks.append(
                f"{count(self.clips, 'clip')} instead of {corpus.n_clips} in the complete corpus"
            )
        if copied := [clip.paths for clip in self.clips if len(clip.paths) > 1]:
            remarks.append(
                f"duplicate files of {count(copied, 'clip')}, each loaded once, for example "
                f"'{copied[0][0]}' and '{copied[0][1]}'"
            )
        remarks += [f"left out: {text}" for text in describe_unreadable(self.unreadable)]
        if self.unknown:
            remarks.append(f"left out: {self._unknown()}")
        return remarks

    def _unknown(self) -> str:
        return (
            f"{examples(self.unknown)}, whose name cannot be parsed (expected a name such as "
            f"{self.corpus.example})"
        )
