"""The check of a corpus before training."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from numbers import Integral
from typing import Any

from sklearn.utils import Bunch, check_scalar

from .._audio.clips import check_clips
from .._audio.kinds import name_of
from .._utils.checks import is_missing
from .._utils.frames import make_frame
from .._utils.text import printable, readable, type_name
from ._listening import Heard, hear
from ._problems import Problem, in_audio, in_labels
from ._summary import summarize

__all__ = ["CorpusCheck", "check_corpus"]

_WIDTH = 88  # characters of a line in the terminal


@dataclass(frozen=True)
class CorpusCheck:
    """What a corpus contains, and what may be wrong with it.

    ``print(check)`` shows it.

    Parameters
    ----------
    title : str
        Name of the corpus.
    summary : str
        What it contains.
    audio : str
        Lengths and rates of the clips; empty if they were not read.
    problems : list of Problem
        Each has a ``kind``, a ``text``, the positions of its ``clips``, and their ``details``.
    names : list of str
        Names of the clips.
    emotions : list of str
    speakers : list of str or None

    Examples
    --------
    >>> from sklearn.utils import Bunch
    >>> from ser_estimators.datasets import check_corpus
    >>> corpus = Bunch(data=["a.wav", "b.wav"], target=["Joy", "joy"], speakers=["1", "01"])
    >>> check = check_corpus(corpus, audio=False)
    >>> [problem.kind for problem in check.problems][:2]
    ['spelling', 'one speaker, two names']
    >>> check.to_frame()["path"].tolist()[:2]
    ['a.wav', 'b.wav']
    """

    title: str
    summary: str
    audio: str
    problems: list[Problem]
    names: list[str] = field(repr=False)
    emotions: list[str] = field(repr=False)
    speakers: list[str] | None = field(repr=False)

    # The path in pickles, which stays the same if the class moves to another file.
    __module__ = "ser_estimators.datasets"

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(problem.kind for problem in self.problems))
        return f"CorpusCheck({len(self.names)} clips: {kinds or 'no problem'})"

    def __str__(self) -> str:
        n = len(self.problems)
        found = "no problem found" if n == 0 else f"{n} problem{'s' * (n > 1)}"
        lines = [self.title, f"  {self.summary}"]
        lines += [f"  {self.audio}" if self.audio else "  not read (audio=False)", f"  {found}"]
        for problem in self.problems:
            lines += textwrap.wrap(
                printable(f"{problem.kind}: {problem.text}"),
                _WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def to_frame(self) -> Any:
        """Return a table with a row for each clip and problem, which requires pandas.

        Returns
        -------
        pandas.DataFrame
            Columns: problem, clip (position in ``corpus.data``, missing for files that were left
            out), path, emotion, speaker (if known) and detail.
        """
        rows: list[tuple[Any, ...]] = []
        for problem in self.problems:
            details = problem.details or ("",) * len(problem.clips)
            for index, detail in zip(problem.clips, details, strict=False):
                speaker = None if self.speakers is None else self.speakers[index]
                rows.append(
                    (problem.kind, index, self.names[index], self.emotions[index], speaker, detail)
                )
            for path, detail in zip(problem.paths, problem.details, strict=False):
                rows.append((problem.kind, None, path, None, None, detail))
        names = ("problem", "clip", "path", "emotion", "speaker", "detail")
        columns: dict[str, Any] = {
            name: [readable(row[i]) if isinstance(row[i], str) else row[i] for row in rows]
            for i, name in enumerate(names)
        }
        if self.speakers is None:
            del columns["speaker"]
        table = make_frame(columns, caller="to_frame", instead="the attribute problems")
        # Integers, of which some may be missing.
        return table.assign(clip=table["clip"].astype("Int64"))


def check_corpus(
    corpus: Bunch,
    *,
    audio: bool = True,
    sr: int = 16000,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> CorpusCheck:
    """Check a corpus for what spoils a model or its evaluation.

    These problems are found:

    - files that the loader has left out, such as missing ones, and clips without an emotion or a
      speaker;
    - emotions that differ only in upper and lower case, and clips of different emotions that
      overlap in one file;
    - speakers whose names may be those of one person, such as "1", "01" and "S01"; emotions that
      only one speaker has, and speakers with a single emotion;
    - clips that cannot be read, are silent, clipped or shorter than a syllable;
    - clips whose sound ends steeply within their band, as if their rate was another one than the
      header says: a telephone recording that was resampled to 44.1 kHz, for example;
    - recordings that occur more than once, in whatever format and at whatever level, also with
      different emotions or under different speakers.

    Parameters
    ----------
    corpus : Bunch
        The result of a loader, or a custom Bunch with ``data``, ``target`` and ``speakers``.
    audio : bool, default=True
        Whether to read the clips, which takes about as long as computing features. If False, only
        the labels are checked.
    sr : int > 0, default=16000
        Sampling rate of waveforms that come without one, in Hz.
    n_jobs : int or None, default=None
        Number of threads. None means 1 unless in a ``joblib.parallel_config`` context, -1 means all
        processors.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    CorpusCheck
        ``print(check)`` shows it, ``check.to_frame()`` is a table of the clips concerned. Nothing
        is raised or changed because of a problem.

    Raises
    ------
    TypeError, ValueError
        If `corpus` is not a Bunch, lacks data or target, or its arrays differ in length.

    See Also
    --------
    load_folder, load_table : Load own recordings.
    ser_estimators.evaluation.evaluate : Searches its splits for such recordings and speakers, too.

    Examples
    --------
    >>> from ser_estimators.datasets import check_corpus, make_emotional_speech
    >>> voices = make_emotional_speech(
    ...     2, 1, emotions=["anger", "sadness"], n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> voices.target[3] = "fear"
    >>> print(check_corpus(voices, audio=False))
    Synthetic emotional speech
      4 clips of 2 speakers (1 female, 1 male)
      not read (audio=False)
      2 problems
      - emotion of one speaker: only '02' has the emotion 'fear', so a model learns the
        voice and cannot be tested on it; add speakers, or leave the emotion out
      - emotion of one speaker: only '01' has the emotion 'sadness', so a model learns the
        voice and cannot be tested on it; add speakers, or leave the emotion out
    """
    check_scalar(sr, "sr", Integral, min_val=1)
    check_scalar(verbose, "verbose", Integral, min_val=0)
    emotions, speakers = _check(corpus)
    clips = check_clips(corpus.data)
    names = [name_of(clip) or f"clip {index + 1}" for index, clip in enumerate(clips)]
    problems = []
    if left_out := corpus.get("left_out"):
        path, reason = left_out[0]
        number = "1 file" if len(left_out) == 1 else f"{len(left_out)} files"
        problems.append(
            Problem(
                "left out",
                f"{number} by the loader, such as '{path}': {reason}",
                details=tuple(reason for _, reason in left_out),
                paths=tuple(path for path, _ in left_out),
            )
        )
    problems += in_labels(names, clips, emotions, speakers)
    heard: list[Heard] = []
    if audio:
        heard = hear(clips, sr=int(sr), n_jobs=n_jobs, progress="check" if verbose else None)
        problems += in_audio(names, heard, emotions, speakers)
    summary = summarize(corpus)
    return CorpusCheck(
        summary.title or "Corpus",
        summary.size,
        _describe([one for one in heard if not one.reason]),
        problems,
        names,
        emotions,
        speakers,
    )


def _check(corpus: Any) -> tuple[list[str], list[str] | None]:
    """Return the emotions and the speakers of a corpus, or raise if it is none."""
    if not isinstance(corpus, Bunch):
        raise TypeError(
            f"corpus is a {type_name(corpus)}; expected what a loader returns, such as "
            "load_folder(...), or Bunch(data=..., target=..., speakers=...)"
        )
    if missing := [name for name in ("data", "target") if corpus.get(name) is None]:
        raise ValueError(f"corpus has no {' and no '.join(missing)}; expected clips and labels")
    columns = {name: corpus.get(name) for name in ("data", "target", "speakers")}
    lengths = {name: len(values) for name, values in columns.items() if values is not None}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise ValueError(f"corpus has {listed}; expected one value of each per clip")
    emotions, speakers = (
        None if values is None else ["" if is_missing(value) else str(value) for value in values]
        for values in (columns["target"], columns["speakers"])
    )
    return emotions or [], speakers


def _describe(heard: list[Heard]) -> str:
    if not heard:
        return ""
    seconds = [one.seconds for one in heard]
    rates = Counter(one.sr for one in heard)
    listed = ", ".join(
        f"{rate} Hz" + (f" ({number:,})" if len(rates) > 1 else "")
        for rate, number in rates.most_common()
    )
    total = sum(seconds)
    length = f"{total / 3600:.1f} h" if total > 5400 else f"{total / 60:.1f} min"
    return f"{length} of audio, {min(seconds):.2g} to {max(seconds):.2g} s a clip, at {listed}"
