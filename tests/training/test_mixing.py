"""Mixing of clips: mixup and MixStyle."""

import numpy as np
import pytest
import torch

from ser_estimators._training.mixing import mix_style, mix_up

from ..network.helpers import make_batch


def test_mix_up_blends_spectrograms_and_targets_with_the_same_weight():
    spectrogram = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 3).contiguous()
    targets = torch.eye(4)
    mask = (torch.arange(3) < torch.tensor([[1], [2], [3], [3]])).float()[:, None, None]
    mixed, new_mask, new_targets = mix_up(spectrogram, mask, targets, 0.5, np.random.default_rng(0))
    torch.testing.assert_close(new_targets.sum(dim=1), torch.ones(4))
    # All values of clip i are i, so a blend is the mean of its target.
    torch.testing.assert_close(mixed[:, 0, 0, 0], new_targets @ torch.arange(4.0))
    # A blend is as long as the longer of its two clips.
    for blend, target in zip(new_mask, new_targets, strict=True):
        assert torch.equal(blend, mask[target > 0].amax(dim=0))
    assert not torch.equal(new_targets, targets)


def row_statistics(spectrogram, mask):
    real = mask[:, 0, 0].bool()
    clips = [clip[..., is_real] for clip, is_real in zip(spectrogram, real, strict=True)]
    return (
        torch.stack([clip.mean(dim=2) for clip in clips]),
        torch.stack([clip.std(dim=2, correction=0) for clip in clips]),
    )


@pytest.mark.parametrize("seed", range(5))
def test_style_is_between_two_clips_and_the_course_is_unchanged(seed):
    spectrogram, mask = make_batch(lengths=(30, 18))
    spectrogram[1] = (3 * spectrogram[1] + 2) * mask[1]
    styled = mix_style(spectrogram, mask, 1.0, np.random.default_rng(seed))
    assert not (styled * (1 - mask)).any()
    for before, after in zip(
        row_statistics(spectrogram, mask), row_statistics(styled, mask), strict=True
    ):
        low, high = before.amin(dim=0), before.amax(dim=0)
        assert (after >= low - 1e-3).all()
        assert (after <= high + 1e-3).all()
    for clip, original, length in zip(styled, spectrogram, (30, 18), strict=True):
        for row, row_before in zip(clip[0, :, :length], original[0, :, :length], strict=True):
            assert torch.corrcoef(torch.stack([row, row_before]))[0, 1] > 0.9999


def test_requested_fraction_of_clips_is_mixed():
    generator = torch.Generator().manual_seed(0)
    spectrogram, mask = torch.randn(500, 1, 2, 10, generator=generator), torch.ones(500, 1, 1, 10)
    styled = mix_style(spectrogram, mask, 0.3, np.random.default_rng(0))
    is_changed = ((styled - spectrogram).abs() > 1e-3).flatten(1).any(dim=1)
    # Weights near 1 are common, and change little.
    assert 0.2 < is_changed.float().mean() < 0.36


def test_style_of_constant_rows_and_of_a_single_frame_stays_finite():
    spectrogram, mask = make_batch(lengths=(30, 1), value=2.0)
    styled = mix_style(spectrogram, mask, 1.0, np.random.default_rng(0))
    torch.testing.assert_close(styled, spectrogram)
