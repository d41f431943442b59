"""
=====================
Adapting to a speaker
=====================

Voices differ more than emotions do. If there are several recordings of the same person, such as the
turns of a call, a model recognizes the emotions better when it knows which clips belong together.
No labels of the new speakers are needed.
"""

# %%
# Recordings
# ----------
# Twelve synthetic speakers, four of whom are held out.
from tempfile import TemporaryDirectory

import numpy as np

from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=12,
    n_per_emotion=6,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=scratch.name,
    random_state=0,
)
is_train = np.isin(corpus.speakers, np.unique(corpus.speakers)[:8])
paths = np.array(corpus.data)
X_train, y_train, who_train = paths[is_train], corpus.target[is_train], corpus.speakers[is_train]
X_test, y_test, who_test = paths[~is_train], corpus.target[~is_train], corpus.speakers[~is_train]

# %%
# A model that takes speakers
# ---------------------------
# ``SpeakerNormalizer`` removes what the clips of a speaker have in common. Inside a
# ``ViewVotingClassifier``, it receives the speakers of ``fit`` and of ``predict``.
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import Pipeline

from ser_estimators import AcousticFeatures, SpeakerNormalizer, ViewVotingClassifier

lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
pipe = Pipeline(
    [
        ("features", AcousticFeatures()),
        ("voting", ViewVotingClassifier(lda, normalizer=SpeakerNormalizer())),
    ]
)
pipe.fit(X_train, y_train, voting__groups=who_train)
alone = np.mean(pipe.predict(X_test) == y_test)
adapted = np.mean(pipe.predict(X_test, groups=who_test) == y_test)
print(f"accuracy {alone:.2f} for single clips, {adapted:.2f} with the speakers")

# %%
# How many clips?
# ---------------
# The clips of each speaker are divided into groups, and each group is predicted as if the rest did
# not exist.
import matplotlib.pyplot as plt
from sklearn.metrics import balanced_accuracy_score

embedded = pipe[:-1].transform(X_test)
rng = np.random.default_rng(0)
sizes, scores = (1, 2, 4, 8, 24), []
for size in sizes:
    order = np.concatenate([rng.permutation(24) for _ in range(4)])
    groups = np.char.add(who_test.astype(str), (order // size).astype(str))
    predicted = pipe[-1].predict(embedded, groups=groups)
    scores.append(balanced_accuracy_score(y_test, predicted))
fig, ax = plt.subplots(layout="constrained")
ax.plot(range(len(sizes)), scores, marker="o", label="adapted to the speaker")
ax.axhline(alone, color="gray", linestyle="--", label="single clips")
ax.set(xticks=range(len(sizes)), xticklabels=sizes, ylim=(0, 1))
ax.set(xlabel="Clips of the speaker", ylabel="Balanced accuracy")
ax.legend(loc="lower right")
plt.show()

# %%
# In an evaluation
# ----------------
# ``evaluate`` scores the same models in both ways and keeps them apart, because the second score
# only holds where several clips of a speaker are known.
from ser_estimators.evaluation import evaluate

report = evaluate(pipe, corpus.data, corpus.target, corpus.speakers, cv=3)
for name, protocol in report.protocols.items():
    print(f"{protocol.scores.value.balanced_accuracy:.3f}  {name}")

# %%
# Labels without probabilities are rarely all that is needed: ``predict_clips`` returns a table, and
# clips whose speaker is unknown (None) are predicted one by one.
from ser_estimators import predict_clips

speakers = [*who_test[:3], None]
print(predict_clips(pipe, list(X_test[:4]), speakers=speakers).probabilities.round(2))
scratch.cleanup()
