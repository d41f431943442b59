"""
==============================
A few labels for a new speaker
==============================

A trained model meets a voice that is unlike those it was trained on. With a few labeled clips of
this voice, ``adapt_model`` fits the last step of the model again: neither the training clips nor
another training of a network is needed.
"""

# %%
# A model and a new speaker
# -------------------------
# Eight synthetic speakers are used for training. Four others have eighteen clips of each emotion.
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
corpora = [
    make_emotional_speech(
        n_speakers=n_speakers,
        n_per_emotion=n_clips,
        emotions=("anger", "happiness", "neutral", "sadness"),
        n_syllables=3,
        out_dir=f"{scratch.name}/{seed}",
        random_state=seed,
    )
    for seed, (n_speakers, n_clips) in enumerate([(8, 4), (4, 18)])
]
known, new = corpora
model = make_pipeline(
    AcousticFeatures(["mfcc", "pitch"]),
    StandardScaler(),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5),
)
model.fit(known.data, known.target)

# %%
# Three clips of each emotion
# ---------------------------
# The model is adapted to them, and tested on the other clips of this speaker.
from ser_estimators import adapt_model

own = np.flatnonzero(new.speakers == new.speakers[0])
labeled = np.concatenate([own[new.target[own] == name][:3] for name in new.target_names])
rest = np.setdiff1d(own, labeled)
paths = np.array(new.data)
adapted = adapt_model(model, paths[labeled], new.target[labeled])
before, after = (one.score(paths[rest], new.target[rest]) for one in (model, adapted))
print(f"accuracy {before:.2f} before, and {after:.2f} after {len(labeled)} clips")

# %%
# How many are needed?
# --------------------
# The features of all clips are computed once, because only the last step changes.
import matplotlib.pyplot as plt

table = model[:-1].transform(new.data)
last = model[-1:]
sizes = (0, 1, 2, 3, 5, 8)
scores = {size: [] for size in sizes}
for speaker in np.unique(new.speakers):
    own = np.flatnonzero(new.speakers == speaker)
    by_emotion = [own[new.target[own] == name] for name in new.target_names]
    test = np.concatenate([rows[8:] for rows in by_emotion])
    for size in sizes:
        rows = np.concatenate([rows[:size] for rows in by_emotion])
        one = adapt_model(last, table[rows], new.target[rows]) if size else last
        scores[size].append(one.score(table[test], new.target[test]))
fig, ax = plt.subplots(layout="constrained")
ax.plot(sizes, list(scores.values()), color="0.8")
ax.plot(sizes, [np.mean(scores[size]) for size in sizes], marker="o", label="mean")
ax.set(xlabel="Labeled clips of each emotion", ylabel="Accuracy on other clips", ylim=(0, 1))
ax.legend(loc="lower right")
plt.show()

# %%
# The result is a pipeline like any other, and is saved like one.
from ser_estimators import load_model, save_model

save_model(adapted, f"{scratch.name}/own.safetensors")
print(load_model(f"{scratch.name}/own.safetensors").predict(paths[rest[:2]]))
scratch.cleanup()
