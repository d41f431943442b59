"""Ranges of measures cover the clips of unseen speakers, whatever the number of measures."""

import numpy as np
import pytest

from ser_estimators._features.audio_ranges import distances, fit_ranges

LEAST = np.full(6, 0.1)


def clips_of(n_speakers, seed, n_clips=40, spread=1.0, n_measures=6):
    """Return measures whose means differ by speaker, with skewed columns, and the speakers."""
    rng = np.random.default_rng(seed)
    means = spread * rng.normal(size=(n_speakers, 1, n_measures))
    table = means + rng.normal(size=(n_speakers, n_clips, n_measures))
    table[..., ::2] = np.exp(table[..., ::2] / 2)
    return table.reshape(-1, n_measures), np.repeat(np.arange(n_speakers), n_clips)


@pytest.mark.parametrize("n_speakers", [6, 20])
@pytest.mark.parametrize("n_measures", [1, 6])
def test_false_alarms_on_unseen_speakers(n_speakers, n_measures):
    rates = []
    for seed in range(10):
        table, speakers = clips_of(n_speakers, seed, n_measures=n_measures)
        least = LEAST[:n_measures]
        ranges = fit_ranges(table, speakers, false_alarms=0.03, least=least)
        unseen, _ = clips_of(20, 1000 + seed, n_measures=n_measures)
        rates.append((distances(unseen, ranges) > 1).any(axis=1).mean())
    assert 0.001 < np.mean(rates) < 0.06


def test_more_false_alarms_are_narrower_ranges():
    table, speakers = clips_of(10, 0)
    wide, narrow = (
        fit_ranges(table, speakers, false_alarms=rate, least=LEAST) for rate in (0.01, 0.3)
    )
    assert (narrow.high <= wide.high).all()
    assert (narrow.low >= wide.low).all()
    assert (narrow.high - narrow.low).sum() < 0.95 * (wide.high - wide.low).sum()


def test_speakers_matter():
    """Without them, clips of a speaker are compared with others of the same one."""
    table, speakers = clips_of(6, 0, spread=3.0)
    order = np.random.default_rng(0).permutation(len(table))
    known = fit_ranges(table[order], speakers[order], false_alarms=0.03, least=LEAST)
    unknown = fit_ranges(table[order], None, false_alarms=0.03, least=LEAST)
    blocks = fit_ranges(table, None, false_alarms=0.03, least=LEAST)
    width = [(one.high - one.low).sum() for one in (unknown, blocks, known)]
    assert width[0] < width[1] < 1.2 * width[2]


@pytest.mark.parametrize("n_clips", [1, 2, 3, 15])
@pytest.mark.parametrize("speakers", [None, 1])
def test_few_clips(n_clips, speakers):
    table = np.random.default_rng(0).normal(size=(n_clips, 6))
    groups = None if speakers is None else np.zeros(n_clips, dtype=int)
    ranges = fit_ranges(table, groups, false_alarms=0.03, least=LEAST)
    assert (ranges.low < ranges.center).all()
    assert (ranges.center < ranges.high).all()
    assert (distances(table, ranges) <= 1).all()


def test_equal_clips_have_ranges():
    table = np.ones((20, 6))
    ranges = fit_ranges(table, None, false_alarms=0.03, least=LEAST)
    assert (ranges.high - ranges.low >= 2 * LEAST).all()
    assert (distances(table + 0.05, ranges) < 1).all()
    assert (distances(table - 1, ranges) > 1).all()


def test_distances():
    ranges = fit_ranges(np.arange(100.0)[:, None], None, false_alarms=0.1, least=LEAST[:1])
    limits = np.array([ranges.low, ranges.center, ranges.high])
    assert distances(limits, ranges).ravel() == pytest.approx([1, 0, 1])
