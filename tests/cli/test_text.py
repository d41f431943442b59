"""The width of text in a terminal, and text that is safe to print."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators.cli._text import pad, plain, shorten_start, width_of, wrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße, 世界 👋", "Grüße, 世界 👋"),
        ("a\nb\t\x1b[31m", r"a\nb\t\x1b[31m"),
        ("\udcfc.wav", r"\udcfc.wav"),
        ("gpj.\u202ewav", r"gpj.\u202ewav"),
        ("a\u2028b", r"a\u2028b"),
        ("non\xa0breaking", "non\xa0breaking"),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected
    plain(text).encode()


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("ä", 1), ("a\u0308", 1), ("世界", 4), ("ﾊﾝ", 2)]
)
def test_width(text, width):
    assert width_of(text) == width
    assert width_of(pad(text, 10)) == width_of(pad(text, 10, right=True)) == 10
    assert pad(text, 10).startswith(text)
    assert pad(text, 10, right=True).endswith(text)


@given(st.text(alphabet="ab世\u0308/", max_size=30), st.integers(8, 20))
def test_the_end_of_a_text_is_kept(text, width):
    short = shorten_start(text, width)
    assert width_of(short) <= width
    if width_of(text) <= width:
        assert short == text
    else:
        assert short.startswith("...")
        assert text.endswith(short[3:])


def test_wrap():
    text = "it is truncated; run ffmpeg -i /a/very/long/path.wav"
    lines = wrap(text, 20, indent=4).split("\n")
    assert lines[0] == "it is truncated;"
    assert all(re.match(r" {4}\S", line) for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == text
    assert "/a/very/long/path.wav" in lines[-1]  # so that it can be copied
