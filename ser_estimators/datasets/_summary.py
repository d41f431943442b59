"""Summaries of a corpus for the terminal and for notebooks."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Summary", "summarize"]

_WIDTH = 88  # characters of a line in the terminal
_MAX_COLUMNS = 8  # that are named

# Colors are those of the page, so that the table is readable on light and dark backgrounds. The
# selectors are more specific than those of notebooks, which style all tables.
_STYLE = """\
.ser-corpus { margin: .3em 0; overflow-x: auto; }
.ser-corpus p { margin: .3em 0; }
.ser-corpus table.ser-emotions { border-collapse: collapse; border: 0; margin: .5em 0;
  width: auto; font-variant-numeric: tabular-nums; }
.ser-corpus table.ser-emotions :is(tr, th, td) { background: none; color: inherit; }
.ser-corpus table.ser-emotions :is(th, td) { padding: .15em .8em .15em 0; text-align: right;
  border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.ser-corpus table.ser-emotions th { font-weight: 600; }
.ser-corpus table.ser-emotions :is(th:first-child, td.ser-bar) { text-align: left; }
.ser-corpus td.ser-bar { min-width: 10em; }
.ser-corpus td.ser-bar i { display: block; height: .7em; background: currentColor; opacity: .4; }
"""


@dataclass(frozen=True)
class Summary:
    """What a corpus contains, in numbers.

    Parameters
    ----------
    title : str
        Name of the corpus, or the names of several corpora; may be empty.
    size : str
        Numbers of clips and speakers, and columns of their table that were not read.
    corpora : tuple of str
        Names of the corpora, if there are several; they are columns of the table.
    emotions : dict of str to (dict of str to int)
        For each emotion the number of clips, by corpus. The name of a single corpus is "".
    attributes : tuple of str
        Attributes that are not None.
    """

    title: str
    size: str
    corpora: tuple[str, ...]
    emotions: Mapping[str, Mapping[str, int]]
    attributes: tuple[str, ...]

    def to_text(self) -> str:
        """Return a few lines of text."""
        # Lines do not break between an emotion and its number.
        counts = [f"{name}\xa0{sum(counts.values()):,}" for name, counts in self.emotions.items()]
        lines = [self.title or "Corpus", f"  {self.size}"]
        for heading, items in (("emotions", counts), ("attributes", self.attributes)):
            if items:
                lines += textwrap.wrap(
                    f"{heading}: {', '.join(items)}",
                    _WIDTH,
                    initial_indent="  ",
                    subsequent_indent="    ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        return "\n".join(lines).replace("\xa0", " ")

    def to_html(self) -> str:
        """Return a table of the emotions with a heading, which needs no other file."""
        attributes = ", ".join(f"<code>{escape(name)}</code>" for name in self.attributes)
        return (
            f'<div class="ser-corpus"><style>{_STYLE}</style>'
            f"<p><strong>{escape(self.title or 'Corpus')}</strong><br>{escape(self.size)}</p>"
            f"{self._table() if self.emotions else ''}"
            f"<p>Attributes: {attributes}</p></div>"
        )

    def _table(self) -> str:
        headings = ["emotion", *self.corpora, "clips"]
        rows = []
        totals = {name: sum(counts.values()) for name, counts in self.emotions.items()}
        for name, counts in self.emotions.items():
            numbers = [counts.get(corpus, 0) for corpus in self.corpora] + [totals[name]]
            percent = 100 * totals[name] / max(totals.values())
            rows.append(
                f'<tr><th scope="row">{escape(name)}</th>'
                + "".join(f"<td>{number:,}</td>" for number in numbers)
                + f'<td class="ser-bar"><i style="width: {percent:.0f}%"></i></td></tr>'
            )
        head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
        return (
            f'<table class="ser-emotions"><thead><tr>{head}<td></td></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )


def summarize(corpus: Mapping[str, Any]) -> Summary:
    """Summarize a corpus, of which any attribute may be missing or changed.

    Parameters
    ----------
    corpus : dict
        The Bunch of a loader.

    Returns
    -------
    Summary
    """
    names = _texts(corpus, "corpus")
    corpora = tuple(dict.fromkeys(names))
    targets = _texts(corpus, "target")
    emotions: dict[str, Counter[str]] = {name: Counter() for name in sorted(set(targets))}
    for number, target in enumerate(targets):
        emotions[target][names[number] if number < len(names) else ""] += 1
    description = str(corpus.get("DESCR") or "").strip()
    return Summary(
        title=", ".join(corpora) if corpora else description.partition("\n")[0],
        size=_size(corpus),
        corpora=corpora if len(corpora) > 1 else (),
        emotions=emotions,
        attributes=tuple(str(name) for name, value in corpus.items() if value is not None),
    )


def _size(corpus: Mapping[str, Any]) -> str:
    n_clips, speakers = len(_values(corpus, "data")), _texts(corpus, "speakers")
    clips = _count(n_clips, "clip")
    if not n_clips:
        return clips
    if not speakers:
        return f"{clips} of unknown speakers{_unused(corpus)}"
    people = dict(zip(speakers, _texts(corpus, "sex"), strict=False))
    by_sex = ", ".join(f"{n:,} {sex}" for sex, n in sorted(Counter(people.values()).items()))
    known = f"{_count(len(set(speakers)), 'speaker')}{by_sex and f' ({by_sex})'}"
    return f"{clips} of {known}{_unused(corpus)}"


def _unused(corpus: Mapping[str, Any]) -> str:
    """Return which columns of a table were not read, such as one of speakers with a rare name."""
    names = _texts(corpus, "unused_columns")
    if not names:
        return ""
    more = f" and {len(names) - _MAX_COLUMNS:,} more" if len(names) > _MAX_COLUMNS else ""
    return f"; columns not read: {', '.join(map(repr, names[:_MAX_COLUMNS]))}{more}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _texts(corpus: Mapping[str, Any], name: str) -> list[str]:
    return [str(value) for value in _values(corpus, name)]


def _values(corpus: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return the values of all clips; none if the attribute is missing or is a single value."""
    values = corpus.get(name)
    if isinstance(values, str):
        return []
    try:
        return list(values)  # type: ignore[arg-type]
    except TypeError:
        return []
