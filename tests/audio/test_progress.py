"""ClipProgress: a bar in a terminal, about ten lines elsewhere, nothing without a name."""

import sys

import pytest

from ser_estimators._audio.progress import ClipProgress


def lines_of(capsys, total, *steps, **options):
    with ClipProgress(total, "Step", **options) as progress:
        for step in steps:
            progress.advance(step)
    found = capsys.readouterr()
    assert found.err == ""
    return [line.rsplit("  ", 1)[0] for line in found.out.splitlines()]


@pytest.mark.parametrize(("total", "n_lines"), [(0, 0), (1, 1), (5, 5), (144, 11), (1000, 11)])
def test_about_ten_lines(capsys, total, n_lines):
    lines = lines_of(capsys, total, *[1] * total)
    assert len(lines) == n_lines
    assert not lines or lines[-1] == f"[Step] clip {total}/{total}"


def test_the_first_clip_is_shown_at_once(capsys):
    lines = lines_of(capsys, 30, 1, 1, 1, 20)
    assert lines == ["[Step] clip  1/30", "[Step] clip  3/30", "[Step] clip 23/30"]


def test_clips_of_several_steps(capsys):
    assert lines_of(capsys, 2, 1, 1, 1, 1, 1, 1, n_steps=3) == [
        "[Step] clip 1/2",
        "[Step] clip 2/2",
    ]


def test_label_and_skipped_clips(capsys):
    with ClipProgress(20, "Step", label="fold 2/6", n_steps=3) as progress:
        progress.skip(20)
    assert capsys.readouterr().out == "[Step] fold 2/6, clip 20/20  0 s\n"


def test_nothing_without_a_name(capsys):
    with ClipProgress(2, None) as progress:
        progress.advance(2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with ClipProgress(4, "Step", label="fold 1/2", n_steps=2) as progress:
        for _ in range(5):
            progress.advance()
        assert progress.bar_.n == 2
        progress.advance(3)
    found = capsys.readouterr()
    assert found.out == ""
    assert "Step fold 1/2: 100%" in found.err
    assert "4/4" in found.err
