"""Small networks, and clips for them."""

import numpy as np

from ser_estimators import CNNEmbedder, FeatureMLP, SpectrogramAugmentation, SpectrogramCNN

OBJECTS = {"cnn": SpectrogramCNN, "mlp": FeatureMLP}

SMALL = {
    "channels": (4, 8),
    "n_networks": 1,
    "embedding_dim": 8,
    "max_epochs": 4,
    "batch_size": 16,
}


def make_cnn(*args, **parameters):
    """Return a CNNEmbedder; parameters of its network and augmentation are also accepted."""
    kind = parameters.get("network", "cnn")
    if kind != "cnn":
        parameters.pop("channels", None)  # of SMALL
    for name, cls in (("network", OBJECTS.get(kind)), ("augmentation", SpectrogramAugmentation)):
        if cls is not None:
            names = set(cls().get_params())
            own = {key: parameters.pop(key) for key in names & set(parameters)}
            if own:
                parameters[name] = cls(**own)
    return CNNEmbedder(*args, **parameters)


def make_frames(n_clips=48, n_coefficients=13, n_frames=30, seed=0):
    """Return clips of two classes that differ in level, with padding at the end."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_clips, n_coefficients, n_frames)).astype(np.float32)
    y = np.arange(n_clips) % 2
    X[y == 1, 0] += 5
    for clip, length in zip(X, rng.integers(8, n_frames + 1, size=n_clips), strict=True):
        clip[:, length:] = 0
    return X, np.array(["anger", "sadness"])[y]


def table(n=300, seed=0):
    """Return a table of two classes that differ only in the column with the smallest scale."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["anger", "fear"], n // 2)
    X = rng.normal(size=(n, 12))
    X[:, 3] += 3 * (y == "anger")
    X[:, 3] *= 1e-3
    X[:, 5] *= 1e4
    return X, y


MLP = {
    "network": "mlp",
    "n_networks": 1,
    "hidden_layer_sizes": (32, 8),
    "embedding_dim": 6,
    "max_epochs": 40,
}


def fit_proba(X, y, **parameters):
    return make_cnn(**SMALL | parameters).fit(X, y).predict_proba(X)
