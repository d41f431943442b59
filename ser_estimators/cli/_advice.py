"""Messages of the library, which advise programs, in the words of the command line."""

from __future__ import annotations

import re

__all__ = ["for_command_line"]

# Parts of messages, and what replaces them.
_REPLACEMENTS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\bload_(\w+)\('(.*?)'\)", r"'\1:\2'"),
        (
            r"ass the (name of the one to use|column of durations) as (\w+)=\.\.\.",
            r"ass the \1 with --\2-column",
        ),
        (r"\bas end=\.\.\. or duration=\.\.\.", "with --end-column or --duration-column"),
        (r"(start|end|duration|channel)=None\b", r"--\1-column none"),
        (r", or to root=\.\.\.", ""),
        (r"\blayout=\.\.\.", "--layout"),
        (r'\blayout="([\w/]+)"', r"--layout \1"),
        (r",? for load_table\b", ""),
        (r",? or use load_folder\b", ""),
        (
            r"it is a table \((\.\w+)\), not audio; pass its column .*?\)\['path'\]",
            r"it is a table or a list (\1), not audio; pass a CSV file with a column path, or '-' "
            "and, on standard input, one path per line",
        ),
        (r"\. If it is samples without a header, pass \(numpy.*?, sr\)", ""),
        (r"max_duration=", "--max-duration "),
        (r"with set_params\(model=\.\.\.\), encoder__model in a pipeline", "with --encoder"),
        (r"pass that folder as model\b", "pass that folder with --encoder"),
    )
)


def for_command_line(text: str) -> str:
    """Return a message with options of commands instead of functions and parameters.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> for_command_line("to load this corpus, use load_ravdess('/data/ravdess')")
    "to load this corpus, use 'ravdess:/data/ravdess'"
    """
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text
