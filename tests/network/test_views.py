"""Views of a clip: scale, stretch and delay, independent of other clips."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._network.views import View, scale_rows, spread_views, stretch_frames
from ser_estimators._training.augmentation import _resample, _source_frames

from .helpers import make_batch


@given(
    n_views=st.integers(1, 12),
    frequency_warp=st.floats(0, 0.99),
    time_stretch=st.floats(0, 9),
    step=st.integers(1, 64),
)
def test_views_are_evenly_spaced_around_the_clip_itself(
    n_views, frequency_warp, time_stretch, step
):
    views = spread_views(
        n_views, frequency_warp=frequency_warp, time_stretch=time_stretch, step=step
    )
    assert len(views) == n_views
    scales, stretches, delays = (np.array(values) for values in zip(*views, strict=True))
    assert scales.mean() == pytest.approx(1)
    assert np.log(stretches).mean() == pytest.approx(0, abs=1e-12)
    assert (stretches > 0).all()
    assert (delays[::2] == 0).all()
    assert (delays[1::2] == step // 2).all()
    if n_views > 1:
        assert np.ptp(scales) == pytest.approx(frequency_warp)
        assert np.ptp(np.log(stretches)) == pytest.approx(np.log1p(time_stretch))
        np.testing.assert_allclose(np.diff(scales), frequency_warp / (n_views - 1), atol=1e-12)


def test_default_view_is_the_clip_itself():
    spectrogram, mask = make_batch()
    same_spectrogram, same_mask = View()(spectrogram, mask)
    assert same_spectrogram is spectrogram
    assert same_mask is mask


@pytest.mark.parametrize("scale", [0.5, 0.95, 1.3])
def test_rows_are_scaled_as_in_training(scale):
    spectrogram, mask = make_batch(lengths=(30, 18))
    lengths, unit = mask[:, 0, 0].sum(dim=1), torch.ones(2)
    source_frames = _source_frames(lengths, lengths, None)
    expected = _resample(spectrogram, source_frames, unit * scale, unit * 0)
    torch.testing.assert_close(scale_rows(spectrogram, scale) * mask, expected * mask)


@pytest.mark.parametrize("stretch", [0.01, 0.5, 0.9, 1.1, 3.0])
def test_time_is_stretched_as_in_training(stretch):
    spectrogram, mask = make_batch(lengths=(30, 18, 1))
    lengths, unit = mask[:, 0, 0].sum(dim=1), torch.ones(3)
    lengths_out = (lengths * stretch).round().clamp(min=1)
    stretched, new_mask = stretch_frames(spectrogram, mask, stretch)
    assert torch.equal(new_mask.sum(dim=(1, 2, 3)), lengths_out)
    source_frames = _source_frames(lengths, lengths_out, None)
    expected = _resample(spectrogram, source_frames, unit, unit * 0)
    torch.testing.assert_close(stretched, expected * new_mask, atol=1e-4, rtol=0)


@given(
    view=st.builds(
        View,
        frequency_scale=st.floats(0.5, 1.5),
        time_stretch=st.floats(0.5, 2),
        delay=st.integers(0, 20),
    ),
    seed=st.integers(0, 99),
)
def test_view_of_a_clip_does_not_depend_on_a_longer_one(view, seed):
    rng = np.random.default_rng(seed)
    clip = torch.from_numpy(rng.normal(size=(1, 2, 6, 17)).astype(np.float32))
    alone, own_mask = view(clip, torch.ones(1, 1, 1, 17))
    longer = torch.from_numpy(rng.normal(size=(1, 2, 6, 500)).astype(np.float32))
    together, mask = view(
        torch.cat([torch.nn.functional.pad(clip, (0, 483)), longer]),
        torch.cat([(torch.arange(500) < 17).float()[None, None, None], torch.ones(1, 1, 1, 500)]),
    )
    n_frames = alone.shape[3]
    assert own_mask.all()
    torch.testing.assert_close(together[:1, ..., :n_frames], alone, atol=1e-6, rtol=0)
    assert not together[0, ..., n_frames:].any()
    assert not mask[0, ..., n_frames:].any()
    assert mask[1].all()


def test_delay_repeats_the_first_frame_and_keeps_all_others():
    spectrogram, mask = make_batch(lengths=(30, 18))
    delayed, new_mask = View(delay=7)(spectrogram, mask)
    assert torch.equal(delayed[..., 7:], spectrogram)
    assert torch.equal(delayed[..., :7], spectrogram[..., :1].expand(-1, -1, -1, 7))
    assert new_mask.sum(dim=(1, 2, 3)).tolist() == [37, 25]


def test_frames_after_silence_within_a_clip_are_kept():
    spectrogram, mask = make_batch(lengths=(30,))
    mask[..., 10:16] = 0
    stretched, new_mask = stretch_frames(spectrogram * mask, mask, 2.0)
    assert new_mask[0, 0, 0].nonzero().min() == 0
    assert new_mask[0, 0, 0].nonzero().max() == 59
    assert 60 - new_mask.sum() == pytest.approx(12, abs=1)
    assert not (stretched * (1 - new_mask)).any()


def test_stretch_keeps_at_least_one_frame():
    spectrogram, mask = make_batch(lengths=(30,))
    mask[..., :29] = 0
    _, new_mask = stretch_frames(spectrogram * mask, mask, 0.1)
    assert new_mask.shape[3] == 3
    assert new_mask.sum() == 1


def test_longer_vocal_tract_is_lower_and_slower_speech_is_longer():
    spectrogram, mask = torch.zeros(1, 1, 40, 100), torch.ones(1, 1, 1, 100)
    spectrogram[..., 20, 50] = 1
    seen, new_mask = View(frequency_scale=1.1, time_stretch=1.2)(spectrogram, mask)
    row, frame = divmod(int(seen.argmax()), seen.shape[3])
    assert row == 18
    assert frame == pytest.approx(60, abs=1)
    assert new_mask.shape[3] == 120
