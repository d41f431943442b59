"""
=========================
Unlike the training audio
=========================

A model that says which recordings are not like those that it was trained on.
"""

# %%
# A first step that listens
# -------------------------
# ``AudioRanges`` passes clips on unchanged. It is fitted on the training clips, here synthetic
# voices, and warns of clips that are different. ``make_ser_pipeline(warn_unlike=True)`` begins with
# it; here, it is part of a small pipeline.
import warnings
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures, AudioRanges, predict_clips
from ser_estimators.conditions import standard_conditions
from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=12,
    n_per_emotion=3,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=f"{folder.name}/voices",
    random_state=0,
)
is_new = np.isin(corpus.speakers, np.unique(corpus.speakers)[-4:])
paths = np.array(corpus.data)
pipe = make_pipeline(
    AudioRanges(), AcousticFeatures(["mfcc", "pitch"]), StandardScaler(), LogisticRegression()
)
pipe.fit(paths[~is_new], corpus.target[~is_new], audioranges__groups=corpus.speakers[~is_new])
for name, (low, high) in pipe["audioranges"].ranges_.items():
    print(f"{name:15} {low:8.2f} to {high:.2f}")

# %%
# One warning
# -----------
# A new voice over a telephone. The warning says what is different, and which clip it is.
voices = [soundfile.read(path, dtype="float32")[0] for path in paths[is_new]]
conditions = standard_conditions()
call = conditions["telephone band"](voices[0], 16000)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    label = pipe.predict([call])[0]
print(f"{label}\n{caught[0].message}")

# %%
# ``predict_clips`` has the reasons for each clip.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    found = predict_clips(pipe, [voices[0], call])
for name, label, reason in zip(found.names, found.labels, found.unlike, strict=True):
    print(f"{name}: {label}; {reason or 'like the training audio'}")

# %%
# How much is noticed
# -------------------
# A score below -1 is outside of the ranges. The voices as they are belong to speakers that the
# model has not heard.
names = ("white noise 20 dB", "room 0.8 s", "sampled at 8 kHz", "clipped by 10 dB", "gain -10 dB")
scores = {"as recorded": pipe["audioranges"].score_samples(voices)}
for name in names:
    condition = conditions[name]
    options = {"rng": np.random.default_rng(0)} if name.startswith(("white", "room")) else {}
    changed = [condition(voice, 16000, **options) for voice in voices]
    scores[name] = pipe["audioranges"].score_samples(changed)
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.boxplot(list(scores.values()), orientation="horizontal", tick_labels=list(scores))
ax.axvline(-1, linestyle="--", color="gray")
ax.invert_yaxis()
ax.set(xlabel="score: below -1, a clip is unlike the training audio")
folder.cleanup()
