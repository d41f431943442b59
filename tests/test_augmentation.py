"""Augmentation: what stays, what changes, and that nothing but the generators decides it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import CNNEmbedder, MFCCTransformer
from ser_estimators._augmentation import (
    Augmentation,
    Noise,
    mix_style,
    mix_up,
)
from ser_estimators._cnn_training import noise_of
from ser_estimators._layers import PictureLayer

NONE = {
    "time_stretch": 0,
    "frequency_warp": 0,
    "gain": 0,
    "time_mask": 0,
    "frequency_mask": 0,
    "time_shift": 0,
}


def make_batch(lengths=(30, 18, 1), n_rows=10, n_frames=30, value=None):
    generator = torch.Generator().manual_seed(0)
    picture = torch.randn(len(lengths), 1, n_rows, n_frames, generator=generator)
    if value is not None:
        picture = torch.full_like(picture, value)
    frames = torch.arange(n_frames)
    mask = (frames < torch.tensor(lengths)[:, None]).float()[:, None, None]
    return picture * mask, mask


def augment(picture, mask, seed=0, **parameters):
    generator = torch.Generator().manual_seed(seed)
    return Augmentation(**(NONE | parameters))(picture, mask, generator)


def test_nothing_asked_for_changes_nothing():
    picture, mask = make_batch()
    same_picture, same_mask = augment(picture, mask)
    torch.testing.assert_close(same_picture, picture, atol=1e-5, rtol=0)
    assert torch.equal(same_mask, mask)


def test_what_follows_a_silence_within_a_clip_is_kept():
    picture, mask = make_batch(lengths=(30,))
    mask[..., 10:15] = 0
    augmented, _ = augment(picture * mask, mask)
    torch.testing.assert_close(augmented[..., 15:], picture[..., 15:], atol=1e-5, rtol=0)


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
    picture, mask = augment(
        *make_batch(lengths),
        seed,
        time_stretch=time_stretch,
        frequency_warp=frequency_warp,
        gain=0.5,
        time_mask=time_mask,
        frequency_mask=frequency_mask,
    )
    assert picture.isfinite().all()
    assert picture.shape[2] == 10
    assert picture.shape[3] == mask.shape[3] == mask.sum(dim=3).max()
    assert not (picture * (1 - mask)).any()
    assert (mask.diff(dim=3) <= 0).all()  # real frames come first
    new_lengths = mask[:, 0, 0].sum(dim=1)
    old_lengths = torch.tensor(lengths)
    assert (new_lengths >= (old_lengths / (1 + time_stretch)).round().clamp(min=1) - 1).all()
    assert (new_lengths <= (old_lengths * (1 + time_stretch)).round() + 1).all()


def test_stretching_keeps_a_constant_and_never_reads_padding():
    picture, mask = augment(*make_batch(value=2.0), seed=3, time_stretch=0.5, frequency_warp=0.3)
    torch.testing.assert_close(picture, 2.0 * mask.expand_as(picture))


def test_stretching_moves_an_event_in_proportion():
    picture, mask = torch.zeros(1, 1, 4, 100), torch.ones(1, 1, 1, 100)
    picture[..., 50] = 1
    stretched, new_mask = augment(picture, mask, seed=1, time_stretch=0.5)
    n_frames = new_mask.sum().item()
    assert n_frames != 100
    assert stretched[0, 0, 0].argmax().item() == pytest.approx(n_frames / 2, abs=1.5)


def test_padding_before_a_clip_stays_padding():
    picture, mask = make_batch(lengths=(30,) * 20, value=1.0)
    mask[..., :10] = 0
    stretched, new_mask = augment(picture * mask, mask, time_stretch=0.5)
    lengths = new_mask.sum(dim=3).flatten()
    is_real = new_mask[:, 0, 0] == 1
    first = is_real.int().argmax(dim=1)
    # A third is padding, however long it has become.
    torch.testing.assert_close(first.float(), lengths / 2, atol=1.5, rtol=0)
    assert len(set(first.tolist())) > 3
    assert not (stretched * (1 - new_mask)).any()


def test_a_shift_into_padding_leaves_a_frame_to_pool():
    picture, mask = make_batch(lengths=(30,) * 20)
    mask[..., :25] = 0
    picture, mask = augment(picture * mask, mask, time_shift=0.9)
    n_real = mask.sum(dim=3).flatten()
    assert n_real.min() == 1
    assert picture.isfinite().all()


def test_a_warp_also_shifts_all_rows_by_up_to_a_quarter_of_it():
    # The lowest row would stay in its place if frequency were only scaled.
    picture, mask = torch.zeros(50, 1, 200, 1), torch.ones(50, 1, 1, 1)
    picture += torch.arange(200.0)[:, None]
    rows = augment(picture, mask, frequency_warp=0.4)[0][:, 0, :, 0]
    scale = rows[:, 101] - rows[:, 100]
    shift = rows[:, 100] + 0.5 - 100.5 * scale
    assert 10 < shift.abs().max() <= 20.01
    assert shift.min() < -5
    assert shift.max() > 5


def test_gain_is_for_the_first_channel_alone():
    picture, mask = make_batch([30] * 9)
    both = torch.cat([picture, picture], dim=1)
    shifted, _ = augment(both, mask, gain=0.3)
    torch.testing.assert_close(shifted[:, 1], both[:, 1])
    assert not torch.allclose(shifted[:, 0], both[:, 0], atol=0.05)


def test_warping_moves_rows_and_not_frames():
    picture, mask = torch.zeros(8, 1, 40, 10), torch.ones(8, 1, 1, 10)
    picture[:, :, 20, 5] = 1
    warped, _ = augment(picture, mask, frequency_warp=0.3)
    peaks = warped[:, 0].amax(dim=2).argmax(dim=1)
    assert len(set(peaks.tolist())) > 3
    assert set(warped[:, 0].amax(dim=1).argmax(dim=1).tolist()) == {5}


def test_masks_hide_one_interval_of_at_most_their_share():
    picture, mask = make_batch([30] * 50, value=1.0)
    hidden = augment(picture, mask, time_mask=0.4)[0] == 0
    assert torch.equal(hidden[:, :, :1].expand_as(hidden), hidden)
    n_hidden = hidden[:, 0, 0].sum(dim=1)
    assert 0 < n_hidden.float().mean() < 0.4 * 30
    assert n_hidden.max() <= 0.4 * 30 + 1
    assert (hidden[:, 0, 0].int().diff(dim=1).abs().sum(dim=1) <= 2).all()
    hidden = augment(picture, mask, frequency_mask=0.4)[0] == 0
    assert torch.equal(hidden[..., :1].expand_as(hidden), hidden)


def test_gain_shifts_each_clip_as_a_whole():
    picture, mask = make_batch([30] * 9)
    shifted, _ = augment(picture, mask, gain=0.3)
    difference = (shifted - picture).flatten(1)
    torch.testing.assert_close(difference, difference[:, :1].expand_as(difference))
    assert 0.05 < difference.abs().max() <= 0.3


def test_generators_decide_and_the_global_one_is_left():
    parameters = {"time_stretch": 0.3, "frequency_warp": 0.2, "gain": 0.3, "time_mask": 0.3}
    before = torch.get_rng_state()
    first, second, other = (augment(*make_batch(), seed, **parameters)[0] for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first, second)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_mix_up_blends_pictures_and_targets_by_one_share():
    picture = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 3).contiguous()
    targets = torch.eye(4)
    mask = (torch.arange(3) < torch.tensor([[1], [2], [3], [3]])).float()[:, None, None]
    mixed, new_mask, new_targets = mix_up(picture, mask, targets, 0.5, np.random.default_rng(0))
    torch.testing.assert_close(new_targets.sum(dim=1), torch.ones(4))
    # Clip i holds the number i everywhere, so that the blend is the mean of its target.
    torch.testing.assert_close(mixed[:, 0, 0, 0], new_targets @ torch.arange(4.0))
    # A blend is as long as the longer of its two clips.
    for blend, target in zip(new_mask, new_targets, strict=True):
        assert torch.equal(blend, mask[target > 0].amax(dim=0))
    assert not torch.equal(new_targets, targets)


def row_statistics(picture, mask):
    real = mask[:, 0, 0].bool()
    clips = [clip[..., is_real] for clip, is_real in zip(picture, real, strict=True)]
    return (
        torch.stack([clip.mean(dim=2) for clip in clips]),
        torch.stack([clip.std(dim=2, correction=0) for clip in clips]),
    )


@pytest.mark.parametrize("seed", range(5))
def test_style_lies_between_two_clips_and_the_course_stays(seed):
    picture, mask = make_batch(lengths=(30, 18))
    picture[1] = (3 * picture[1] + 2) * mask[1]
    styled = mix_style(picture, mask, 1.0, np.random.default_rng(seed))
    assert not (styled * (1 - mask)).any()
    for before, after in zip(
        row_statistics(picture, mask), row_statistics(styled, mask), strict=True
    ):
        low, high = before.amin(dim=0), before.amax(dim=0)
        assert (after >= low - 1e-3).all()
        assert (after <= high + 1e-3).all()
    for clip, original, length in zip(styled, picture, (30, 18), strict=True):
        for row, row_before in zip(clip[0, :, :length], original[0, :, :length], strict=True):
            assert torch.corrcoef(torch.stack([row, row_before]))[0, 1] > 0.9999


def test_style_of_as_many_clips_as_asked_for_is_mixed():
    generator = torch.Generator().manual_seed(0)
    picture, mask = torch.randn(500, 1, 2, 10, generator=generator), torch.ones(500, 1, 1, 10)
    styled = mix_style(picture, mask, 0.3, np.random.default_rng(0))
    is_changed = ((styled - picture).abs() > 1e-3).flatten(1).any(dim=1)
    # Shares near 1 are common, and change little.
    assert 0.2 < is_changed.float().mean() < 0.36


def test_style_of_constant_rows_and_of_a_single_frame_stays_finite():
    picture, mask = make_batch(lengths=(30, 1), value=2.0)
    styled = mix_style(picture, mask, 1.0, np.random.default_rng(0))
    torch.testing.assert_close(styled, picture)


def test_a_shift_moves_and_holds_the_edges():
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


def noise_in_decibels(picture, mask, snr, seed=0):
    """Add noise to a picture in dB that was standardised by 20 dB around -40 dB."""
    mean, std = torch.full((1, 10, 1), -40.0), torch.full((1, 10, 1), 20.0)
    standard = (picture - mean) / std * mask
    generator = torch.Generator().manual_seed(seed)
    return (Noise(snr, mean, std)(standard, mask, generator) * std + mean), standard


@pytest.mark.parametrize("snr", [-10, 10])
def test_noise_has_the_power_asked_for(snr):
    # Clips of silence but for one loud frame of mean power 0 dB over all of the clip.
    picture = torch.full((40, 1, 10, 200), -300.0)
    picture[..., 0] = 10 * np.log10(200)
    mask = torch.ones(40, 1, 1, 200)
    noisy, _ = noise_in_decibels(picture, mask, snr)
    level = 10 * torch.log10((10 ** (noisy[..., 1:] / 10)).mean(dim=(1, 2, 3)))
    assert (-level >= snr - 0.5).all()
    assert (-level <= snr + 30.5).all()
    assert (-level).max() - (-level).min() > 20
    assert (noisy >= picture - 1e-3).all()


@pytest.mark.parametrize("n_mfcc", [13, 40, 64])
def test_noise_measures_in_decibels_whatever_the_number_of_coefficients(n_mfcc):
    waveform = np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32)
    mfcc = MFCCTransformer(n_mfcc=n_mfcc)
    coefficients = mfcc.fit_transform([waveform])
    picture = PictureLayer(n_mfcc)
    picture.fit_scale(lambda: [torch.from_numpy(coefficients)])
    noise = noise_of(CNNEmbedder(noise_snr=10.0), picture)
    # The first coefficient is the mean over the bands, in decibels, times the root of their number.
    level = coefficients[:, 0].mean() / np.sqrt(mfcc.n_mels)
    assert noise.mean.mean().item() == pytest.approx(level, rel=1e-4)
    assert noise.snr == 10


def test_noise_leaves_padding_and_other_channels_alone():
    picture, mask = make_batch()
    both = torch.cat([picture, picture], dim=1)
    mean, std = torch.zeros(2, 10, 1), torch.ones(2, 10, 1)
    before = both.clone()
    noisy = Noise(0.0, mean, std)(both, mask, torch.Generator().manual_seed(0))
    assert torch.equal(both, before)
    assert torch.equal(noisy[:, 1], both[:, 1])
    assert not (noisy * (1 - mask)).any()
    assert noisy.isfinite().all()
    assert (noisy[:, 0] > both[:, 0]).any()
