"""Augmentation: changes, invariants, and reproducibility."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators._training.augmentation import (
    AugmentationOptions,
    warp_and_mask,
)
from ser_estimators._training.recordings import RecordingOptions

from ..network.helpers import make_batch

NONE = {
    "time_stretch": 0,
    "frequency_warp": 0,
    "gain": 0,
    "time_mask": 0,
    "frequency_mask": 0,
    "time_shift": 0,
    "smoothing_p": 0,
    "recordings": RecordingOptions(0, 0, 0, 0, 0, 0, 0),
    "mixstyle_p": 0,
    "mixup_alpha": 0,
}


def augment(spectrogram, mask, seed=0, **parameters):
    generator = torch.Generator().manual_seed(seed)
    return warp_and_mask(spectrogram, mask, AugmentationOptions(**(NONE | parameters)), generator)


def test_disabled_augmentation_changes_nothing():
    spectrogram, mask = make_batch()
    same_spectrogram, same_mask = augment(spectrogram, mask)
    torch.testing.assert_close(same_spectrogram, spectrogram, atol=1e-5, rtol=0)
    assert torch.equal(same_mask, mask)


def test_frames_after_silence_within_a_clip_are_kept():
    spectrogram, mask = make_batch(lengths=(30,))
    mask[..., 10:15] = 0
    augmented, _ = augment(spectrogram * mask, mask)
    torch.testing.assert_close(augmented[..., 15:], spectrogram[..., 15:], atol=1e-5, rtol=0)


@given(
    seed=st.integers(0, 1000),
    time_stretch=st.floats(0, 1),
    frequency_warp=st.floats(0, 0.5),
    time_mask=st.floats(0, 1),
    frequency_mask=st.floats(0, 1),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
@settings(max_examples=60)
def test_padding_stays_zero_and_lengths_stay_in_range(
    seed, time_stretch, frequency_warp, time_mask, frequency_mask, lengths
):
    spectrogram, mask = augment(
        *make_batch(lengths),
        seed,
        time_stretch=time_stretch,
        frequency_warp=frequency_warp,
        gain=0.5,
        time_mask=time_mask,
        frequency_mask=frequency_mask,
    )
    assert spectrogram.isfinite().all()
    assert spectrogram.shape[2] == 10
    assert spectrogram.shape[3] == mask.shape[3] == mask.sum(dim=3).max()
    assert not (spectrogram * (1 - mask)).any()
    assert (mask.diff(dim=3) <= 0).all()  # real frames come first
    new_lengths = mask[:, 0, 0].sum(dim=1)
    old_lengths = torch.tensor(lengths)
    assert (new_lengths >= (old_lengths / (1 + time_stretch)).round().clamp(min=1) - 1).all()
    assert (new_lengths <= (old_lengths * (1 + time_stretch)).round() + 1).all()


def test_stretching_keeps_a_constant_and_never_reads_padding():
    spectrogram, mask = augment(
        *make_batch(value=2.0), seed=3, time_stretch=0.5, frequency_warp=0.3
    )
    torch.testing.assert_close(spectrogram, 2.0 * mask.expand_as(spectrogram))


def test_stretching_moves_an_event_in_proportion():
    spectrogram, mask = torch.zeros(1, 1, 4, 100), torch.ones(1, 1, 1, 100)
    spectrogram[..., 50] = 1
    stretched, new_mask = augment(spectrogram, mask, seed=1, time_stretch=0.5)
    n_frames = new_mask.sum().item()
    assert n_frames != 100
    assert stretched[0, 0, 0].argmax().item() == pytest.approx(n_frames / 2, abs=1.5)


def test_padding_before_a_clip_stays_padding():
    spectrogram, mask = make_batch(lengths=(30,) * 20, value=1.0)
    mask[..., :10] = 0
    stretched, new_mask = augment(spectrogram * mask, mask, time_stretch=0.5)
    lengths = new_mask.sum(dim=3).flatten()
    is_real = new_mask[:, 0, 0] == 1
    first = is_real.int().argmax(dim=1)
    # One third is padding, for any stretch.
    torch.testing.assert_close(first.float(), lengths / 2, atol=1.5, rtol=0)
    assert len(set(first.tolist())) > 3
    assert not (stretched * (1 - new_mask)).any()


def test_shift_into_padding_keeps_at_least_one_frame():
    spectrogram, mask = make_batch(lengths=(30,) * 20)
    mask[..., :25] = 0
    spectrogram, mask = augment(spectrogram * mask, mask, time_shift=0.9)
    n_real = mask.sum(dim=3).flatten()
    assert n_real.min() == 1
    assert spectrogram.isfinite().all()


def test_warp_also_shifts_all_rows_by_up_to_a_quarter_of_it():
    # The lowest row would not move if the frequency axis were only scaled.
    spectrogram, mask = torch.zeros(50, 1, 200, 1), torch.ones(50, 1, 1, 1)
    spectrogram += torch.arange(200.0)[:, None]
    rows = augment(spectrogram, mask, frequency_warp=0.4)[0][:, 0, :, 0]
    scale = rows[:, 101] - rows[:, 100]
    shift = rows[:, 100] + 0.5 - 100.5 * scale
    assert 10 < shift.abs().max() <= 20.01
    assert shift.min() < -5
    assert shift.max() > 5


def test_gain_applies_only_to_the_first_channel():
    spectrogram, mask = make_batch([30] * 9)
    both = torch.cat([spectrogram, spectrogram], dim=1)
    shifted, _ = augment(both, mask, gain=0.3)
    torch.testing.assert_close(shifted[:, 1], both[:, 1])
    assert not torch.allclose(shifted[:, 0], both[:, 0], atol=0.05)


def test_warping_moves_rows_and_not_frames():
    spectrogram, mask = torch.zeros(8, 1, 40, 10), torch.ones(8, 1, 1, 10)
    spectrogram[:, :, 20, 5] = 1
    warped, _ = augment(spectrogram, mask, frequency_warp=0.3)
    peaks = warped[:, 0].amax(dim=2).argmax(dim=1)
    assert len(set(peaks.tolist())) > 3
    assert set(warped[:, 0].amax(dim=1).argmax(dim=1).tolist()) == {5}


def test_masks_hide_one_interval_of_limited_length():
    spectrogram, mask = make_batch([30] * 50, value=1.0)
    hidden = augment(spectrogram, mask, time_mask=0.4)[0] == 0
    assert torch.equal(hidden[:, :, :1].expand_as(hidden), hidden)
    n_hidden = hidden[:, 0, 0].sum(dim=1)
    assert 0 < n_hidden.float().mean() < 0.4 * 30
    assert n_hidden.max() <= 0.4 * 30 + 1
    assert (hidden[:, 0, 0].int().diff(dim=1).abs().sum(dim=1) <= 2).all()
    hidden = augment(spectrogram, mask, frequency_mask=0.4)[0] == 0
    assert torch.equal(hidden[..., :1].expand_as(hidden), hidden)


def test_gain_shifts_each_clip_as_a_whole():
    spectrogram, mask = make_batch([30] * 9)
    shifted, _ = augment(spectrogram, mask, gain=0.3)
    difference = (shifted - spectrogram).flatten(1)
    torch.testing.assert_close(difference, difference[:, :1].expand_as(difference))
    assert 0.05 < difference.abs().max() <= 0.3


def test_result_depends_only_on_the_generator():
    parameters = {"time_stretch": 0.3, "frequency_warp": 0.2, "gain": 0.3, "time_mask": 0.3}
    before = torch.get_rng_state()
    first, second, other = (augment(*make_batch(), seed, **parameters)[0] for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, second)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_shift_repeats_the_frames_at_the_edges():
    frames = torch.arange(1.0, 31.0).expand(3, 1, 4, 30).clone()
    mask = torch.ones(3, 1, 1, 30)
    for seed in range(5):
        moved, same_mask = augment(frames, mask, seed, time_shift=0.5)
        assert torch.equal(same_mask, mask)
        for clip in moved[:, 0, 0]:
            steps = clip.diff()
            assert ((steps > -1e-4) & (steps < 1 + 1e-4)).all()
            held_left, held_right = (clip == 1).sum(), (clip == 30).sum()
            assert min(held_left, held_right) <= 1
            assert clip.min() >= 1
            assert clip.max() <= 30
        assert not torch.allclose(moved, frames, atol=0.5)
