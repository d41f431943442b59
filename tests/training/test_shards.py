"""Shards of a batch, and replicas of the encoders that process them."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_estimators._training.shards import (
    Replica,
    cut_by_length,
    gather_statistics,
    n_shards,
    shard_sizes,
)

from .helpers import make_net


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=70), extra=st.integers(0, 5))
def test_shards_contain_every_frame_once_and_no_superfluous_padding(lengths, extra):
    n_frames = torch.tensor(lengths)
    mask = (torch.arange(max(lengths) + extra) < n_frames[:, None]).float()[:, None, None]
    number = torch.arange(1.0, len(lengths) + 1)
    shards, targets = cut_by_length(number[:, None, None, None] * mask, mask, number[:, None])
    assert len(shards) == n_shards(len(lengths))
    assert min(len(spectrogram) for spectrogram, _ in shards) >= len(lengths) // (2 * len(shards))
    widths = [spectrogram.shape[3] for spectrogram, _ in shards]
    assert widths == sorted(widths, reverse=True)
    for spectrogram, of_shard in shards:
        assert of_shard[..., -1].any()
        assert spectrogram.shape == of_shard.shape
    in_shards = torch.cat([spectrogram.sum(dim=(1, 2, 3)) for spectrogram, _ in shards])
    torch.testing.assert_close(in_shards, targets[:, 0] * n_frames[targets[:, 0].long() - 1])
    assert sorted(targets[:, 0].tolist()) == number.tolist()


def test_shards_have_about_the_same_work():
    lengths = torch.linspace(400, 100, 48)
    sizes = shard_sizes(lengths)
    work = torch.stack([part.sum() for part in lengths.split(sizes)])
    assert sizes == sorted(sizes)
    assert work.max() / work.min() < 1.15
    assert shard_sizes(torch.ones(48)) == [16, 16, 16]
    # A very long clip is not alone in its shard, whose statistics it would determine.
    assert min(shard_sizes(torch.tensor([1e6] + [1.0] * 31))) == 8


def test_shards_keep_frames_after_silence_within_a_clip():
    mask = torch.ones(2, 1, 1, 9)
    mask[:, ..., 3:6] = 0
    [(spectrogram, _)], _ = cut_by_length(mask, mask, torch.eye(2))
    assert spectrogram.shape[3] == 9


def test_replicas_share_weights_and_not_statistics():
    net, _, _ = make_net(2)
    encoders = net.module_.encoders
    twin = Replica(encoders)
    for own, other in zip(encoders.parameters(), twin.parameters(), strict=True):
        assert own is other
    for own, other in zip(encoders.buffers(), twin.buffers(), strict=True):
        assert own is not other


def test_statistics_are_the_mean_over_replicas_that_processed_a_batch():
    net, coefficients, _ = make_net(24)
    encoders = net.module_.encoders
    twins = [Replica(encoders) for _ in range(4)]
    for twin, part in zip(twins[:2], coefficients.chunk(2), strict=True):
        twin.train()(*net.module_.inputs(part))
        twin.is_used = True
    expected = (twins[0][0].stem.norm.running_mean + twins[1][0].stem.norm.running_mean) / 2
    assert expected.abs().min() > 0
    gather_statistics(encoders, twins)
    for module in (encoders, *twins):
        torch.testing.assert_close(module[0].stem.norm.running_mean, expected)
        assert module[0].stem.norm.num_batches_tracked == 1
