"""
==============
Across corpora
==============

How well does a model of one corpus recognize the emotions of another one? ``cross_corpus`` trains
on each of several corpora and tests on all of them.
"""

# %%
# Two corpora
# -----------
# The second one has other speakers, who are recorded over a telephone in a noisy room.
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from ser_estimators.conditions import add_white_noise, limit_band
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
corpora = {
    name: make_emotional_speech(
        n_speakers=8,
        n_per_emotion=4,
        emotions=("anger", "happiness", "neutral", "sadness"),
        n_syllables=3,
        out_dir=Path(scratch.name, name),
        random_state=seed,
    )
    for seed, name in enumerate(["studio", "calls"])
}
rng = np.random.default_rng(0)
for path in corpora["calls"].data:
    waveform, sr = soundfile.read(path, dtype="float32")
    noisy = add_white_noise(waveform, sr, rng, snr=20)
    soundfile.write(path, limit_band(noisy, sr), sr)

# %%
# The matrix
# ----------
# Rows are the corpora that a model is trained on, and columns those that are tested. Within a
# corpus, speakers are held out in cross-validation. The second matrix is that of a model that
# receives the speakers of the test clips: the line and the room are a part of what all clips of a
# speaker have in common.
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from ser_estimators import AcousticFeatures, SpeakerNormalizer, ViewVotingClassifier
from ser_estimators.evaluation import cross_corpus

lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
pipe = make_pipeline(
    AcousticFeatures(["mfcc", "pitch"]), ViewVotingClassifier(lda, normalizer=SpeakerNormalizer())
)
found = cross_corpus(pipe, corpora, cv=4)
print(found)

# %%
# The scores are a table as well.
print(found.to_frame().round(2).to_string(index=False))
scratch.cleanup()
