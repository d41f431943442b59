"""What may be wrong with a corpus: each check returns the clips that it concerns."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._audio.segment import Segment
from ._listening import Heard, same_recordings
from ._people import similar_names
from ._search import count, join

__all__ = ["Problem", "in_audio", "in_labels"]

_SILENT = 3e-4  # of full scale, ten steps of 16 bits
_SHORT = 0.1  # seconds; no syllable is shorter
_CLIPPED = 0.002  # fraction of the samples
# Compressed files often end at 16 kHz, which costs speech nothing.
_FULL_BAND, _BAND = 0.8, 12_000.0
_MAX_NAMED = 3  # clips that a text names
# About one clip, and about several.
_TEXTS = {
    "unreadable": (
        "cannot be read; repair it, or leave it out",
        "cannot be read; repair them, or leave them out",
    ),
    "silent": (
        "contains no sound; leave it out, or check the recording",
        "contain no sound; leave them out, or check the recordings",
    ),
    "short": (
        f"is shorter than {_SHORT} s, less than a syllable; leave it out",
        f"are shorter than {_SHORT} s, less than a syllable; leave them out",
    ),
    "clipped": (
        "is clipped; record it again at a lower level if possible",
        "are clipped; record them again at a lower level if possible",
    ),
    "other rate": (
        "contains nothing in the upper part of its band, as if it had been recorded at a lower "
        "rate than its header says; make sure that this does not depend on the emotion",
        "contain nothing in the upper part of their band, as if they had been recorded at a lower "
        "rate than their headers say; make sure that this does not depend on the emotion",
    ),
}


@dataclass(frozen=True)
class Problem:
    """Something that may be wrong with some clips.

    Parameters
    ----------
    kind : str
        For example "doubled".
    text : str
        What was found, and what to do.
    clips : tuple of int
        Positions of the clips in ``corpus.data``.
    details : tuple of str
        What was found in each of these clips; may be empty.
    paths : tuple of str
        Files that are no clips, to which the details belong then.
    """

    kind: str
    text: str
    clips: tuple[int, ...] = ()
    details: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


def in_labels(
    names: Sequence[str],
    clips: Sequence[Any],
    emotions: Sequence[str],
    speakers: Sequence[str] | None,
) -> Iterator[Problem]:
    """Yield what is wrong with the emotions, the speakers and the segments.

    Parameters
    ----------
    names : sequence of str
        Names of the clips.
    clips : sequence
    emotions : sequence of str
    speakers : sequence of str or None
        Empty strings are missing values, as in `emotions`.
    """
    for noun, values in (("emotion", emotions), ("speaker", speakers)):
        missing = _where(values or [], {""})
        if missing:
            yield Problem(
                f"no {noun}",
                f"{count(missing, 'clip')} without {'an' if noun == 'emotion' else 'a'} {noun}, "
                f"such as {_some(missing[:1], names)}; add the {noun}, or leave such clips out",
                missing,
            )
    spellings: dict[str, set[str]] = defaultdict(set)
    for emotion in emotions:
        spellings[emotion.casefold()].add(emotion)
    for found in spellings.values():
        if len(found) > 1:
            yield Problem(
                "spelling",
                f"the emotions {_list(sorted(found))} differ only in upper and lower case; rename "
                "one, in the data or with emotions=... of the loader in Python",
                _where(emotions, found),
            )
    if speakers is not None:
        yield from _in_speakers(emotions, speakers)
    yield from _overlaps(names, clips, emotions)


def _in_speakers(emotions: Sequence[str], speakers: Sequence[str]) -> Iterator[Problem]:
    for group in similar_names(set(speakers) - {""}):
        yield Problem(
            "one speaker, two names",
            f"{_list(group)} may be one speaker, who could then appear in both training and test; "
            "give them one name, or ignore this if they are different people",
            _where(speakers, set(group)),
        )
    people: dict[str, set[str]] = defaultdict(set)
    felt: dict[str, set[str]] = defaultdict(set)
    for emotion, speaker in zip(emotions, speakers, strict=True):
        if emotion and speaker:
            people[emotion].add(speaker)
            felt[speaker].add(emotion)
    if len(felt) > 1:
        for emotion, who in sorted(people.items()):
            if len(who) == 1:
                yield Problem(
                    "emotion of one speaker",
                    f"only {next(iter(who))!r:.80} has the emotion {emotion!r:.80}, so a model "
                    "learns the voice and cannot be tested on it; add speakers, or leave the "
                    "emotion out",
                    _where(emotions, {emotion}),
                )
    single = {speaker for speaker, found in felt.items() if len(found) == 1}
    if single and len(people) > 1:
        yield Problem(
            "speaker of one emotion",
            f"{count(sorted(single), 'speaker')} with a single emotion: {_list(sorted(single))}; "
            "a model may learn the voice instead. Add clips of other emotions if possible",
            _where(speakers, single),
        )


def _overlaps(
    names: Sequence[str], clips: Sequence[Any], emotions: Sequence[str]
) -> Iterator[Problem]:
    """Yield clips of one file that share time and channel but not the emotion."""
    by_file: dict[str, list[tuple[Segment, int]]] = defaultdict(list)
    for index, clip in enumerate(clips):
        if isinstance(clip, (str, os.PathLike)):
            segment = clip if isinstance(clip, Segment) else Segment(os.fspath(clip))
            by_file[os.path.abspath(segment.path)].append((segment, index))
    found: set[int] = set()
    for segments in by_file.values():
        # Those that may overlap the next one, which starts later.
        open_: list[tuple[Segment, int]] = []
        for second, there in sorted(segments, key=lambda each: (each[0].start, each[1])):
            open_ = [one for one in open_ if one[0].end is None or one[0].end > second.start]
            for first, here in open_:
                # Files that are listed twice as a whole are found by their sound.
                is_part = isinstance(clips[here], Segment) or isinstance(clips[there], Segment)
                channels = {first.channel, second.channel}
                is_same = len(channels) == 1 or None in channels
                if is_part and is_same and emotions[here] != emotions[there]:
                    found |= {here, there}
            open_.append((second, there))
    if found:
        yield Problem(
            "overlapping",
            f"{count(sorted(found), 'clip')} of different emotions overlap in one file, such as "
            f"{_some(sorted(found), names)}; check their starts and ends",
            tuple(sorted(found)),
        )


def in_audio(
    names: Sequence[str],
    heard: Sequence[Heard],
    emotions: Sequence[str],
    speakers: Sequence[str] | None,
) -> Iterator[Problem]:
    """Yield what is wrong with what can be heard.

    Parameters
    ----------
    names : sequence of str
    heard : sequence of Heard
        One for each clip, as `hear` returns them.
    emotions : sequence of str
    speakers : sequence of str or None
    """
    found: dict[str, dict[int, str]] = {
        "unreadable": {i: one.reason for i, one in enumerate(heard) if one.reason},
        "silent": {},
        "short": {},
        "clipped": {},
        "other rate": {},
    }
    for index, one in enumerate(heard):
        if one.quality is None:
            continue
        if one.quality.peak < _SILENT:
            found["silent"][index] = f"peak {one.quality.peak:.1g} of full scale"
            continue
        if one.seconds < _SHORT:
            found["short"][index] = f"{one.seconds:.2g} s"
        if one.quality.clipped > _CLIPPED:
            found["clipped"][index] = f"{one.quality.clipped:.1%} of the samples"
        edge = one.quality.edge
        if edge is not None and edge < min(_FULL_BAND * one.sr / 2, _BAND):
            found["other rate"][index] = f"no sound above {edge:.0f} Hz at {one.sr} Hz"
    for kind, details in found.items():
        if details:
            first = next(iter(details))
            of_one, of_many = _TEXTS[kind]
            example = f"{_some([first], names)} ({details[first]})"
            yield Problem(
                kind,
                f"{example} {of_one}"
                if len(details) == 1
                else f"{len(details)} clips, such as {example}, {of_many}",
                tuple(details),
                tuple(details.values()),
            )
    yield from _doubled(names, heard, emotions, speakers, set(found["silent"]))


def _doubled(
    names: Sequence[str],
    heard: Sequence[Heard],
    emotions: Sequence[str],
    speakers: Sequence[str] | None,
    silent: set[int],
) -> Iterator[Problem]:
    groups = same_recordings(heard, lambda index: not heard[index].reason and index not in silent)
    if not groups:
        return

    def problem(kind: str, groups: list[list[int]], text: str) -> Iterator[Problem]:
        if groups:
            clips = tuple(index for group in groups for index in group)
            details = tuple(
                f"as {_some([other for other in group if other != index][:1], names)}"
                for group in groups
                for index in group
            )
            yield Problem(
                kind,
                f"{count(clips, 'clip')} are {count(groups, 'recording')}, such as "
                f"{_some(groups[0], names)}{text}",
                clips,
                details,
            )

    yield from problem("doubled", groups, "; keep one clip of each")
    differ = [group for group in groups if len({emotions[i] for i in group}) > 1]
    yield from problem("two emotions", differ, ", with different emotions; correct the labels")
    if speakers is not None:
        differ = [group for group in groups if len({speakers[i] for i in group}) > 1]
        yield from problem(
            "two speakers",
            differ,
            ", with different speakers, who may be one person; correct the names",
        )


def _where(values: Sequence[str], wanted: set[str]) -> tuple[int, ...]:
    return tuple(index for index, value in enumerate(values) if value in wanted)


def _list(names: Sequence[str]) -> str:
    return join([f"{name!r:.80}" for name in names])


def _some(clips: Sequence[int], names: Sequence[str]) -> str:
    return " and ".join(f"'{names[index]}'" for index in clips[:_MAX_NAMED])
