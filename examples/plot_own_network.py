"""
============================
Train a network of your own
============================

Put a PyTorch module and an augmentation of your own into
:class:`~ser_estimators.CNNEmbedder`, and search over their settings.
"""

# %%
# Recordings
# ----------
# Synthetic voices of eight speakers; the last two are held out.
from tempfile import TemporaryDirectory

import numpy as np

from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "neutral", "sadness"),
    out_dir=folder.name,
    random_state=0,
)
paths = np.array(corpus.data)
is_test = np.isin(corpus.speakers, ["07", "08"])

# %%
# A module
# --------
# ``network`` is a module class, or any callable that returns a new module for ``(n_channels,
# n_rows)``, the shape of a spectrogram. The module turns spectrograms and masks into one vector per
# clip; the embedding, the softmax, the ensemble, augmentation and test-time views are added by the
# estimator. The mask is one in real frames and zero in padding: pooling over the real frames alone
# makes the prediction for a clip independent of the other clips.
from torch import nn


class RecurrentNetwork(nn.Module):
    """A GRU over the frames, and the mean of its states."""

    def __init__(self, n_channels, n_rows, n_units=32):
        super().__init__()
        self.rnn = nn.GRU(n_channels * n_rows, n_units, batch_first=True)
        self.dropout = nn.Dropout(0.1)

    def forward(self, spectrogram, mask):
        """Return one vector for each clip."""
        # spectrogram (n, n_channels, n_rows, n_frames), mask (n, 1, 1, n_frames)
        frames = spectrogram.flatten(1, 2).transpose(1, 2)
        states, _ = self.rnn(frames)
        is_real = mask[:, 0, 0, :, None]
        return self.dropout((states * is_real).sum(dim=1) / is_real.sum(dim=1))


# %%
# An augmentation
# ---------------
# An augmentation is a callable that changes a batch of training clips. Here a subclass of
# :class:`~ser_estimators.SpectrogramAugmentation` adds a random spectral tilt, like that of another
# microphone, to what the base class does. Random numbers come from the generators that it is given,
# so that training can be repeated.
import torch

from ser_estimators import SpectrogramAugmentation


class TiltedAugmentation(SpectrogramAugmentation):
    """The usual augmentation, and a tilt of up to half a standard deviation."""

    def __call__(self, batch, rng):
        """Change a batch of training clips."""
        batch = super().__call__(batch, rng)
        n, _, n_rows, _ = batch.spectrogram.shape
        slope = torch.rand(n, 1, 1, 1, generator=rng.torch) - 0.5
        tilt = slope * torch.linspace(-1, 1, n_rows)[:, None]
        return batch.replace(spectrogram=batch.spectrogram + tilt * batch.mask)


# %%
# Training and prediction
# -----------------------
# Both go into an ordinary pipeline.
from ser_estimators import make_ser_pipeline

model = make_ser_pipeline(random_state=0).set_params(
    cnn__network=RecurrentNetwork,
    cnn__augmentation=TiltedAugmentation(),
    cnn__max_epochs=25,
)
model.fit(paths[~is_test], corpus.target[~is_test])
accuracy = model.score(paths[is_test], corpus.target[is_test])
print(f"accuracy on two unseen speakers: {accuracy:.2f}")

# %%
# Search
# ------
# Settings of the augmentation are ordinary parameters. Settings of the module are searched through
# factories. With so few clips, the log loss tells candidates apart better than the accuracy.
from functools import partial

from sklearn.model_selection import GridSearchCV, GroupKFold

grid = {
    "cnn__network": [RecurrentNetwork, partial(RecurrentNetwork, n_units=64)],
    "cnn__augmentation__gain": [0.1, 0.5],
}
model.set_params(cnn__max_epochs=8)
search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=GroupKFold(2))
search.fit(paths[~is_test], corpus.target[~is_test], groups=corpus.speakers[~is_test])
losses = {}
for candidate, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    network = candidate["cnn__network"]
    n_units = network.keywords["n_units"] if isinstance(network, partial) else 32
    losses[f"{n_units} units, gain {candidate['cnn__augmentation__gain']}"] = -score

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
bars = ax.barh(list(losses), list(losses.values()))
ax.bar_label(bars, fmt="%.3f", padding=4)
ax.set(xlabel="Log loss on the other speakers", xlim=(0, 1.15 * max(losses.values())))
ax.spines[["top", "right"]].set_visible(False)

# %%
# A fitted model is saved with joblib like any other. It names the class of the module, which must
# be importable where the model is loaded.
folder.cleanup()
