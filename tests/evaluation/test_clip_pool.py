"""Clips of a stress test: their random numbers and other voices follow from their samples alone."""

import numpy as np
import pytest

from ser_estimators.evaluation._clip_pool import make_pool
from ser_estimators.evaluation._sides import Side
from ser_estimators.exceptions import AudioReadError

from .stressed import SR, clips_of


def pool_of(clips, speakers, seed=0, **options):
    labels = np.array(["a"] * len(clips))
    return make_pool(Side(clips, labels, speakers), SR, seed=seed, **options)


def chosen(pool, index):
    return [other.tobytes() for other in pool.others(index)]


def test_random_numbers_depend_on_the_samples_only():
    clips, _, speakers = clips_of()
    pool = pool_of(clips, speakers)
    order = np.random.default_rng(0).permutation(len(clips))
    shuffled = pool_of([clips[i] for i in order], speakers[order], n_jobs=2)
    draws = [pool.generator(i).random() for i in range(len(clips))]
    assert len(set(draws)) == len(clips)
    assert [shuffled.generator(place).random() for place in range(len(order))] == [
        draws[i] for i in order
    ]
    assert pool.generator(3).random() == draws[3]  # in the same state again
    other_seed = pool_of(clips, speakers, seed=1)
    assert other_seed.generator(3).random() != draws[3]


def test_other_voices_are_of_other_speakers_in_any_order():
    clips, _, speakers = clips_of()
    pool = pool_of(clips, speakers)
    order = np.random.default_rng(0).permutation(len(clips))
    shuffled = pool_of([clips[i] for i in order], speakers[order])
    by_bytes = {clip.tobytes(): speaker for clip, speaker in zip(clips, speakers, strict=True)}
    for place, i in enumerate(order):
        others = chosen(pool, i)
        assert len(set(others)) == 6
        assert all(by_bytes[other] != speakers[i] for other in others)
        assert chosen(shuffled, place) == others
    assert len({tuple(chosen(pool, i)) for i in range(len(clips))}) > len(clips) // 2
    assert chosen(pool_of(clips, speakers, seed=1), 0) != chosen(pool, 0)


def test_a_clip_more_changes_few_choices():
    clips, _, speakers = clips_of(n_speakers=8, n_each=6)
    before, after = pool_of(clips[:-1], speakers[:-1]), pool_of(clips, speakers)
    n_changed = sum(chosen(before, i) != chosen(after, i) for i in range(len(before)))
    assert 0 < n_changed < len(before) / 4


def test_unknown_speakers_and_equal_clips():
    clips, _, _ = clips_of(n_speakers=1, n_each=2)  # four clips
    pool = pool_of([*clips, clips[0].copy()], None)
    for i in range(5):
        others = chosen(pool, i)
        assert len(others) == 3  # neither the clip itself nor its copy, and no clip twice
        assert clips[i % 4].tobytes() not in others
    assert chosen(pool_of(clips, np.array(["a"] * 4)), 0) == []


def test_any_seed_is_taken():
    clips, _, speakers = clips_of()
    pool = pool_of(clips, speakers, seed=2**70)
    assert len(chosen(pool, 0)) == 6
    assert 0 <= pool.generator(0).random() < 1


def test_bad_clips_are_all_reported_at_once():
    with pytest.raises(AudioReadError, match="Could not read 2 of 2 clips") as info:
        pool_of(["a.wav", __file__], None)
    assert [index for index, _, _ in info.value.failures] == [0, 1]
