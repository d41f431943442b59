"""A clip has the same embedding alone and in any batch, whatever the precision."""

import numpy as np
import pytest
import torch

from ser_estimators import EncoderEmbedder
from ser_estimators._encoders.embedding import embed
from ser_estimators._encoders.files import find_files
from ser_estimators._encoders.loading import load_encoder
from ser_estimators._network.threads import map_in_threads

from .helpers import MODELS

SR = 16000


@pytest.fixture(scope="module")
def clips():
    """Return clips of many lengths; the encoder of Whisper divides those above two seconds."""
    rng = np.random.default_rng(0)
    seconds = [*rng.uniform(0.2, 1.9, size=20), 0.15, 2.0, 4.7, 2.001]
    return [(0.1 * rng.normal(size=round(SR * each))).astype(np.float32) for each in seconds]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["whisper", "hubert-large", "wavlm"])
def test_the_same_alone_in_a_batch_and_in_any_order(encoder_folders, clips, kind, precision):
    folder = encoder_folders[kind]
    embedder = EncoderEmbedder(folder, layers=[0, 1, 2, 3], precision=precision).fit(clips)
    together = embedder.transform(clips)
    alone = np.concatenate([embedder.transform([clip]) for clip in clips])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(embedder.transform(clips[::-1])[::-1], together)
    embedder.set_params(batch_size=3)
    np.testing.assert_array_equal(embedder.transform(clips[5:])[:4], together[5:9])


@pytest.mark.parametrize("kind", ["hubert", "whisper"])
def test_a_recording_longer_than_thirty_seconds(encoder_folders, clips, kind):
    recording = np.tile(clips[21], 16)  # 32 seconds
    embedder = EncoderEmbedder(encoder_folders[kind], layers=-1, precision="bfloat16").fit(clips)
    (expected,) = embedder.transform([recording])
    found = embedder.transform([*clips[:3], recording, clips[4]])[3]
    np.testing.assert_array_equal(found, expected)


def test_the_number_of_threads_does_not_matter(whisper_folder, clips):
    embedder = EncoderEmbedder(whisper_folder, layers=-1, precision="bfloat16").fit(clips)
    n_threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found.append(embedder.transform(clips))
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(n_threads)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_batches_of_bfloat16_would_be_noticed(clips, tmp_path):
    """A negative control: what the embedder does not do changes embeddings by far more."""
    from .helpers import save_encoder

    save_encoder(tmp_path, d_model=64, encoder_ffn_dim=128, encoder_layers=6)
    files = find_files(tmp_path, revision=None, local_files_only=True)
    family = load_encoder(files, n_layers=6, device="cpu", dtype=torch.bfloat16)
    alone = embed(family, clips, batch_size=1)
    np.testing.assert_array_equal(embed(family, clips, batch_size=1, run=map_in_threads), alone)
    assert np.abs(embed(family, clips, batch_size=16) - alone).max() > 1e-3


@pytest.mark.parametrize("kind", MODELS)
def test_clips_are_counted_when_all_of_their_parts_are_done(encoder_folders, clips, kind):
    files = find_files(encoder_folders[kind], revision=None, local_files_only=True)
    family = load_encoder(files, n_layers=1, device="cpu", dtype=torch.float32)
    counted = []
    embed(family, clips, batch_size=4, advance=lambda: counted.append(1))
    assert len(counted) == len(clips)


def test_an_error_in_a_thread_is_raised():
    def fail(number):
        if number == 2:
            raise ValueError("no 2")
        return number

    assert list(map_in_threads(fail, [0, 1])) == [0, 1]
    assert list(map_in_threads(fail, [])) == []
    with pytest.raises(ValueError, match="no 2"):
        list(map_in_threads(fail, list(range(5))))
    with pytest.raises(ValueError, match="no 2"):
        list(map_in_threads(fail, [2]))
