"""
===================
Pretrained encoders
===================

Recognize emotions with the hidden states of a pretrained speech encoder: which layer to use, a
search that runs the encoder once, and a model that is saved without the encoder's weights.
"""

# %%
# An encoder
# ----------
# ``EncoderEmbedder("openai/whisper-base")`` downloads its encoder from the Hugging Face Hub. Here,
# a tiny encoder with random weights takes its place. It has not learned anything, but the code is
# the same for a real one.
from tempfile import TemporaryDirectory

import torch
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForAudioClassification
from transformers.utils import logging

logging.disable_progress_bar()
scratch = TemporaryDirectory()
folder = f"{scratch.name}/encoder"
torch.manual_seed(0)
config = WhisperConfig(
    d_model=64, encoder_layers=4, encoder_attention_heads=4, encoder_ffn_dim=128, decoder_layers=1
)
WhisperForAudioClassification(config).save_pretrained(folder)
WhisperFeatureExtractor().save_pretrained(folder)

# %%
# Recordings
# ----------
# The last two of eight synthetic speakers are held out.
from ser_estimators.datasets import make_emotional_speech

corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=6,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=f"{scratch.name}/voices",
    random_state=0,
)
n_train = 6 * 24
train, test = corpus.data[:n_train], corpus.data[n_train:]
y_train, y_test = corpus.target[:n_train], corpus.target[n_train:]
speakers = corpus.speakers[:n_train]

# %%
# Embeddings, and a linear classifier
# -----------------------------------
# ``layers="auto"``, the default, compares the layers on held-out speakers, and needs to know who
# speaks.
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import EncoderEmbedder

pipe = Pipeline(
    [
        ("encoder", EncoderEmbedder(folder, memory=f"{scratch.name}/cache")),
        ("scaler", StandardScaler()),
        ("lda", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)),
    ]
)
pipe.fit(train, y_train, encoder__groups=speakers)
print(f"balanced accuracy {pipe.score(test, y_test):.2f}, chance 0.25")

# %%
# Layers
# ------
# The scores are balanced accuracies of each layer together with its neighbors, inside the training
# clips. Layer 0 is the input of the first layer.
import matplotlib.pyplot as plt

encoder = pipe["encoder"]
fig, ax = plt.subplots(layout="constrained")
ax.bar(range(len(encoder.layer_scores_)), encoder.layer_scores_)
ax.set(xlabel="layer", ylabel="balanced accuracy", title=f"chosen: {encoder.layers_}")

# %%
# A search
# --------
# The cache contains all layers, so a search over layers and statistics neither reads files nor runs
# the encoder.
from sklearn.model_selection import GridSearchCV, GroupKFold

search = GridSearchCV(
    pipe,
    {
        "encoder__layers": [0, 1, 2, 3, 4, (2, 3)],
        "encoder__pooling": [("mean",), ("mean", "std")],
    },
    scoring="balanced_accuracy",
    cv=GroupKFold(3),
)
search.fit(train, y_train, groups=speakers)
print(search.best_params_)

# %%
# The saved model
# ---------------
# The file contains the name of the encoder and a digest of its weights, but not the weights. The
# loaded model finds the encoder by its name, and refuses any other.
from pathlib import Path

from ser_estimators import load_model, save_model

path = Path(scratch.name, "emotion.safetensors")
save_model(search.best_estimator_, path)
print(f"{path.stat().st_size / 1e3:.0f} kB")
print(load_model(path).predict(test[:3]))
scratch.cleanup()
