"""
====================================
A model that knows when it is unsure
====================================

A label is worth more if the model only gives it when it is probably right.
``SelectiveClassifier`` calibrates any classifier on speakers that are held out, and leaves a clip
unanswered where the probability is too low.
"""

# %%
# Recordings
# ----------
# Sixteen synthetic speakers, four of whom are held out. Few features, with noise, make the task as
# hard as it is with real voices.
from tempfile import TemporaryDirectory

import numpy as np

from ser_estimators import AcousticFeatures
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=16,
    n_per_emotion=8,
    emotions=("anger", "fear", "happiness", "neutral", "sadness"),
    n_syllables=3,
    out_dir=scratch.name,
    random_state=0,
)
# The features are computed once here; a pipeline may begin with them as well.
features = AcousticFeatures(["rms", "centroid", "pitch"], statistics=["mean", "std"])
X = np.asarray(features.fit_transform(corpus.data))
X += 0.7 * X.std(axis=0) * np.random.default_rng(0).normal(size=X.shape)
y, speakers = corpus.target, corpus.speakers
is_train = np.isin(speakers, np.unique(speakers)[:12])

# %%
# Four of five answers right
# --------------------------
# The random forest alone is right less often. With ``precision=0.8``, the threshold is chosen on
# training speakers that are held out.
from sklearn.ensemble import RandomForestClassifier

from ser_estimators import SelectiveClassifier

forest = RandomForestClassifier(50, max_depth=12, random_state=0)
model = SelectiveClassifier(forest, precision=0.8)
model.fit(X[is_train], y[is_train], groups=speakers[is_train])
found = model.predict(X[~is_train])
answered = found != "unsure"
truth = y[~is_train]
likely = model.classes_[model.predict_proba(X[~is_train]).argmax(axis=1)]
print(f"{np.mean(likely == truth):.2f} of all clips are right")
right = np.mean((found == truth)[answered])
print(f"{answered.mean():.2f} are answered, {right:.2f} of these are right")
print(f"threshold {model.threshold_:.2f}, temperature {model.temperature_:.2f}")

# %%
# What an answer costs
# --------------------
# ``coverage_curve_`` has the precision for each share of answered clips, from the speakers that
# were held out in ``fit``. The shaded band ends at the lower bound, which the threshold obeys.
import matplotlib.pyplot as plt

curve = model.coverage_curve_
fig, ax = plt.subplots(layout="constrained")
ax.plot(curve["answered"], curve["precision"], label="answers that are right")
ax.fill_between(curve["answered"], curve["low"], curve["precision"], alpha=0.2)
ax.axhline(0.8, color="gray", linestyle="--", label="wished precision")
ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Share of clips answered", ylabel="Precision")
ax.legend(loc="lower left")
plt.show()

# %%
# Can the probabilities be trusted?
# ---------------------------------
# ``evaluate`` adds the share of answers and their accuracy to the report, and the display compares
# the forest with its calibrated self.
from ser_estimators.display import ReliabilityDisplay
from ser_estimators.evaluation import evaluate

reports = {
    name: evaluate(system, X, y, speakers, cv=4, check_leaks=False)
    for name, system in (("forest", forest), ("calibrated", model))
}
for name, value, low, high in reports["calibrated"].main.summary()[-3:]:
    print(f"{name:<20} {value:.3f} ({low:.3f} to {high:.3f})")
ReliabilityDisplay.from_report(reports)
plt.show()

# %%
# Sets of labels
# --------------
# Instead of one label or none, a set contains the true label for 85 % of the clips of new speakers.
sets = model.predict_set(X[~is_train], coverage=0.85)
column = np.searchsorted(model.classes_, truth)
print(f"{sets[np.arange(len(sets)), column].mean():.2f} of the sets contain the true label")
print(f"{sets.sum(axis=1).mean():.1f} labels in a set on average")
for row in sets[::35]:
    print(", ".join(model.classes_[row]))
scratch.cleanup()
