"""Small networks, and clips for them."""

import torch

from ser_estimators._network.build import NetworkSpec, build


def make_network(n_coefficients=13, n_classes=3, *, seed=0, **changes):
    """Return a small convolutional ensemble, ready for prediction."""
    arguments = {"channels": (4, 8, 8), "se_ratio": 0.0}
    fields = {"embedding_dim": 6, "n_networks": 1, "dropout": 0.5, "n_channels": 1}
    arguments |= {name: changes.pop(name) for name in arguments if name in changes}
    fields |= changes
    spec = NetworkSpec(
        kind="cnn",
        n_rows=n_coefficients // fields["n_channels"],
        n_classes=n_classes,
        arguments=arguments,
        **fields,
    )
    return build(spec, torch.Generator().manual_seed(seed)).eval()


def make_mlp(n_networks):
    """Return a small fully connected ensemble."""
    spec = NetworkSpec(
        kind="mlp",
        n_rows=13,
        n_channels=1,
        n_classes=3,
        embedding_dim=8,
        n_networks=n_networks,
        dropout=0.0,
        arguments={"hidden_layer_sizes": (9, 7)},
    )
    return build(spec, torch.Generator().manual_seed(0))


def make_clips(lengths, n_coefficients=13, n_frames=None, seed=0):
    """Return random coefficients of clips, padded with zeros."""
    generator = torch.Generator().manual_seed(seed)
    clips = torch.zeros(len(lengths), n_coefficients, n_frames or max(lengths))
    for clip, length in zip(clips, lengths, strict=True):
        clip[:, :length] = torch.randn(n_coefficients, length, generator=generator) - 5
    return clips


def make_batch(lengths=(30, 18, 1), n_rows=10, n_frames=30, value=None):
    """Return random spectrograms, zero in padding, and their masks."""
    generator = torch.Generator().manual_seed(0)
    spectrogram = torch.randn(len(lengths), 1, n_rows, n_frames, generator=generator)
    if value is not None:
        spectrogram = torch.full_like(spectrogram, value)
    frames = torch.arange(n_frames)
    mask = (frames < torch.tensor(lengths)[:, None]).float()[:, None, None]
    return spectrogram * mask, mask
