"""Augmentation as if clips had been recorded elsewhere: each change alone, and what stays."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import MFCCTransformer
from ser_estimators._network.inputs import LogMelLayer
from ser_estimators._training.augmentation import Generators, SpectrogramBatch
from ser_estimators._training.recordings import RecordingOptions, augment_recordings

from ..network.helpers import make_batch

NOTHING = RecordingOptions(
    p=1.0, room_p=0, noise_p=0, noise_snr=0.0, equalization=0.0, band_p=0, silence_p=0
)
MEAN, STD = -40.0, 20.0


def generators(seed=0):
    return Generators(torch.Generator().manual_seed(seed), np.random.default_rng(seed))


def batch_of(decibels, mask=None):
    """Return a batch of spectrograms in dB, (n, rows, frames)."""
    n, n_rows, n_frames = decibels.shape
    mask = torch.ones(n, 1, 1, n_frames) if mask is None else mask
    mean, std = torch.full((1, n_rows, 1), MEAN), torch.full((1, n_rows, 1), STD)
    spectrogram = (decibels[:, None] - MEAN) / STD * mask
    return SpectrogramBatch(spectrogram, mask, torch.eye(n), mean, std)


def change(decibels, seed=0, mask=None, **options):
    """Return changed spectrograms in dB, and the mask."""
    batch = batch_of(decibels, mask)
    changed = augment_recordings(batch, replace(NOTHING, **options), generators(seed))
    return changed.spectrogram[:, 0] * STD + MEAN, changed.mask


def one_loud_frame(n=40, n_rows=64, n_frames=200, place=0):
    """Return clips that are silent but for a frame, with a mean power of 0 dB."""
    decibels = torch.full((n, n_rows, n_frames), -200.0)
    decibels[..., place] = 10 * math.log10(n_frames)
    return decibels


def level(decibels):
    return 10 * torch.log10((10 ** (decibels / 10)).mean(dim=(1, 2)))


def test_no_chance_changes_nothing():
    batch = batch_of(one_loud_frame())
    assert augment_recordings(batch, replace(NOTHING, p=0.0), generators()) is batch
    same = augment_recordings(batch, NOTHING, generators())
    torch.testing.assert_close(
        (same.spectrogram * STD + MEAN).clamp(min=-110),
        (batch.spectrogram * STD + MEAN).clamp(min=-110),
        atol=0.2,
        rtol=0,
    )


def test_a_fraction_of_the_clips_is_changed():
    decibels = torch.randn(4000, 4, 6, generator=torch.Generator().manual_seed(0)) - 40
    changed, _ = change(decibels, p=0.3, noise_p=0.5, noise_snr=-20.0)
    is_changed = (changed - decibels).abs().amax(dim=(1, 2)) > 0.01
    assert 0.12 < is_changed.float().mean() < 0.18


@pytest.mark.parametrize("snr", [-10, 10])
def test_noise_has_the_requested_power(snr):
    noisy, _ = change(one_loud_frame(400), noise_p=1.0, noise_snr=snr)
    found = -level(noisy[..., 1:])
    assert (found >= snr - 0.5).sum() > 270  # the others are babble, mostly of silence
    is_noise = (noisy[..., 1:] > -120).all(dim=2).all(dim=1)
    assert found[is_noise].min() >= snr - 0.5
    assert found[is_noise].max() <= snr + 40.5
    assert found[is_noise].max() - found[is_noise].min() > 30
    assert (noisy[..., 0] >= 10 * math.log10(200) - 0.01).all()


def test_babble_is_made_of_other_clips():
    """Every clip has a row of its own, so that the rows of babble name the talkers."""
    decibels = torch.full((40, 40, 50), -200.0)
    decibels[torch.arange(40), torch.arange(40)] = 0.0
    changed, _ = change(decibels, noise_p=1.0, noise_snr=-20.0)
    rows = (changed > -100).all(dim=2).sum(dim=1)
    is_babble = rows <= 4
    assert 4 <= is_babble.sum() <= 22
    assert (rows[is_babble] >= 2).any()


def test_rooms_decay_exponentially():
    place = 20
    changed, _ = change(one_loud_frame(200, place=place), room_p=1.0)
    power = 10 ** (changed[:, 0] / 10)
    assert (power[:, :place].sum(dim=1) < 1e-6 * power[:, place]).all()
    ratio = 10 * torch.log10(power[:, place] / power[:, place + 1 : place + 49].sum(dim=1))
    assert ratio.min() > -4.1
    assert ratio.max() < 10.1
    assert ratio.max() - ratio.min() > 12
    tail = changed[:, 0, place + 1 : place + 20]
    steps = tail[:, 1:] - tail[:, :-1]
    torch.testing.assert_close(steps[:, :5], steps[:, :1].expand(-1, 5), atol=0.05, rtol=0)
    reverberation = -60 / steps[:, 0]  # frames
    assert reverberation.min() > 8.9
    assert reverberation.max() < 56.1
    # The direct sound is unchanged.
    torch.testing.assert_close(power[:, place], torch.full((200,), 200.0), atol=0.1, rtol=1e-3)


def test_frequency_responses_are_smooth_and_constant_over_time():
    decibels = torch.randn(100, 64, 30, generator=torch.Generator().manual_seed(0)) - 40
    changed, _ = change(decibels, equalization=6.0)
    gain = changed - decibels
    torch.testing.assert_close(gain, gain[..., :1].expand_as(gain), atol=1e-3, rtol=0)
    is_changed = gain.abs().amax(dim=(1, 2)) > 0.01
    assert 0.5 < is_changed.float().mean() < 0.9
    assert 6 < gain.abs().max() <= 12.01
    assert (gain[:, 1:, 0] - gain[:, :-1, 0]).abs().max() < 12 / 12 + 12 / 63 + 0.01


def test_bands_attenuate_the_ends():
    decibels = torch.zeros(100, 64, 10)
    changed, _ = change(decibels, band_p=1.0)
    middle, low, high = changed[:, 12:38], changed[:, 0], changed[:, -1]
    torch.testing.assert_close(middle, torch.zeros_like(middle), atol=0.1, rtol=0)
    assert low.min() < -20
    assert high.min() < -30
    assert high.max() > -40  # the lines are not without noise
    assert (changed[:, 40:].diff(dim=1) < 0.01).all()


def test_silence_is_cut_at_the_ends_only():
    decibels = torch.full((200, 8, 60), -90.0)
    decibels[..., 20:25] = decibels[..., 35:45] = 0.0
    changed, mask = change(decibels, silence_p=1.0)
    lengths = mask.sum(dim=(1, 2, 3)).long()
    assert lengths.min() == 25
    assert lengths.max() > 40
    assert len(lengths.unique()) > 10
    for clip, length in zip(changed, lengths.tolist(), strict=True):
        loud = torch.nonzero(clip[0, :length] > -10)[:, 0]
        assert len(loud) == 15
        assert loud[-1] - loud[0] == 24
    assert (lengths == 25).float().mean() > 0.3
    # Padding stays at the end.
    assert (mask[..., 1:] <= mask[..., :-1]).all()


def test_silent_clips_and_single_frames_are_kept():
    mask = torch.ones(3, 1, 1, 9)
    mask[1, ..., 1:] = 0
    changed, after = change(torch.full((3, 4, 9), -90.0), mask=mask, silence_p=1.0, noise_p=1.0)
    assert torch.equal(after, mask)
    assert changed.isfinite().all()


@given(
    seed=st.integers(0, 1000),
    chances=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    snr=st.floats(-100, 100),
    equalization=st.floats(0, 300),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
@settings(max_examples=60)
def test_every_change_is_finite_and_leaves_padding(seed, chances, snr, equalization, lengths):
    spectrogram, mask = make_batch(lengths=tuple(lengths))
    n_rows = spectrogram.shape[2]
    both = torch.cat([spectrogram, spectrogram], dim=1)
    mean, std = torch.full((2, n_rows, 1), MEAN), torch.full((2, n_rows, 1), STD)
    batch = SpectrogramBatch(both, mask, torch.eye(len(mask)), mean, std)
    before = both.clone(), mask.clone()
    p, room, noise, band, silence = chances
    options = RecordingOptions(p, room, noise, snr, equalization, band, silence)
    changed = augment_recordings(batch, options, generators(seed))
    assert torch.equal(both, before[0])
    assert torch.equal(mask, before[1])
    assert changed.spectrogram.isfinite().all()
    assert not (changed.spectrogram * (1 - changed.mask)).any()
    assert (changed.mask.sum(dim=(1, 2, 3)) >= 1).all()
    if silence == 0:
        assert torch.equal(changed.spectrogram[:, 1], both[:, 1])
        assert torch.equal(changed.mask, mask)
    again = augment_recordings(batch, options, generators(seed))
    assert torch.equal(again.spectrogram, changed.spectrogram)


@pytest.mark.parametrize("n_mfcc", [13, 40, 64])
def test_scale_is_decibels_for_any_number_of_coefficients(n_mfcc):
    waveform = np.random.default_rng(0).normal(scale=0.1, size=16_000).astype(np.float32)
    coefficients = torch.from_numpy(MFCCTransformer(n_mfcc=n_mfcc).fit_transform([waveform]))
    layer = LogMelLayer(n_mfcc)
    layer.fit_scale(lambda: [coefficients])
    spectrogram, mask = layer(coefficients)
    mean, std = layer.mean * layer.decibels, layer.std * layer.decibels
    # The first coefficient is the mean over the bands, in dB, times the root of their number.
    assert mean.mean().item() == pytest.approx(coefficients[0, 0].mean().item() / 8, rel=1e-4)
    batch = SpectrogramBatch(spectrogram, mask, torch.eye(1), mean, std)
    strong = augment_recordings(
        batch, replace(NOTHING, noise_p=1.0, noise_snr=-60.0), generators(1)
    )
    # Noise of 20 to 60 dB above the clip raises the level of the bands by as much.
    raised = (strong.spectrogram - spectrogram) * std
    assert 15 < raised.max().item() < 75
