"""
============================
Predict with a trained model
============================

Label recordings with the model of the package ``ser-estimators-acted``, read its card, and train a
classifier on its embeddings.
"""

# %%
# A model without training
# ------------------------
# The package contains the default pipeline, trained on acted speech. It is installed with ``pip
# install ser-estimators-acted`` and has a license of its own, which excludes commercial use.
import ser_estimators_acted

model = ser_estimators_acted.load()
print(*model.classes_)

# %%
# The recordings of this example are synthetic voices. The model has learned real ones, so that its
# labels mean nothing here; pass paths of real recordings instead.
from tempfile import TemporaryDirectory

import pandas

from ser_estimators import predict_clips
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=4,
    n_per_emotion=3,
    emotions=("anger", "neutral", "sadness"),
    out_dir=scratch.name,
    random_state=0,
)
found = predict_clips(model, corpus.data[:5])
table = pandas.DataFrame(found.probabilities, index=found.labels, columns=found.classes)
print(table.round(2).to_string())

# %%
# The model card
# --------------
# The card says how well the model works on speakers that it was not trained on, and what it was not
# tested on.
from textwrap import fill

from ser_estimators.models import model_info

card = model_info(ser_estimators_acted.model_path())["card"]
for score, (value, low, high) in card["scores"].items():
    print(f"{value:.2f} ({low:.2f} to {high:.2f})  {score}")
print(f"\nlicense: {card['license']}\n")
print(*(fill(line, 80) for line in card["limitations"].splitlines()), sep="\n")

# %%
# Other labels
# ------------
# All steps but the last compute embeddings. A new classifier on them takes milliseconds to train,
# and may have other labels. ``FrozenEstimator`` keeps the trained steps as they are.
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

own = make_pipeline(FrozenEstimator(model[:-1]), LogisticRegression(max_iter=1000))
scores = cross_val_score(
    own, corpus.data, corpus.target, groups=corpus.speakers, cv=GroupKFold(4), error_score="raise"
)
print(f"accuracy on unseen speakers: {scores.mean():.2f}; chance is 0.33")
scratch.cleanup()
