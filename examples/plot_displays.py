"""
=========================================
Plot recordings, training and embeddings
=========================================

The display classes follow scikit-learn's conventions: class methods such as ``from_estimator``
compute and draw in one call, and the figure and axes are attributes of the result.
"""

# %%
# A recording
# -----------
# :class:`~ser_estimators.display.WaveformDisplay` shows the samples of a recording, and
# :class:`~ser_estimators.display.SpectrogramDisplay` the log-mel spectrogram that the network of a
# pipeline sees: the parameters are those of the pipeline, which need not be fitted.
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from ser_estimators import make_ser_pipeline
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.display import (
    EmbeddingDisplay,
    SpectrogramDisplay,
    TrainingHistoryDisplay,
    WaveformDisplay,
)

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=folder.name,
    random_state=0,
)
model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=40)

figure, axes = plt.subplots(2, figsize=(7, 5), layout="constrained")
WaveformDisplay.from_clip(corpus.data[0], ax=axes[0])
SpectrogramDisplay.from_estimator(model, corpus.data[0], ax=axes[1])

# %%
# The same emotion, two voices
# ----------------------------
figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained", sharey=True)
for ax, speaker in zip(axes, ("01", "02"), strict=True):
    chosen = (corpus.target == "anger") & (corpus.speakers == speaker)
    clip = corpus.data[chosen.argmax()]
    title = f"anger, speaker {speaker}"
    SpectrogramDisplay.from_estimator(model, clip, name=title, colorbar=False, ax=ax)

# %%
# Training
# --------
# :class:`~ser_estimators.display.TrainingHistoryDisplay` shows the loss of each epoch. The
# training loss is computed on augmented recordings.
is_test = corpus.speakers >= "07"
train = [path for path, test in zip(corpus.data, is_test, strict=True) if not test]
test = [path for path, test in zip(corpus.data, is_test, strict=True) if test]
model.fit(train, corpus.target[~is_test])

TrainingHistoryDisplay.from_estimator(model)

# %%
# Embedding
# ---------
# :class:`~ser_estimators.display.EmbeddingDisplay` projects the embedding of each recording to two
# dimensions. On the left are the training speakers, on the right two speakers whom the network has
# not been trained on.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
EmbeddingDisplay.from_estimator(
    model, train, corpus.target[~is_test], label_name="emotion", ax=axes[0]
)
EmbeddingDisplay.from_estimator(
    model, test, corpus.target[is_test], label_name="emotion", ax=axes[1]
)
axes[0].set_title("Training speakers")
axes[1].set_title("Unseen speakers")
folder.cleanup()
