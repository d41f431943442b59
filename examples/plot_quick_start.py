"""
=====================================
Recognize the emotion of a recording
=====================================

Train a pipeline on labeled recordings, and predict the emotion of a new file together with the
probability of each emotion.
"""

# %%
# Recordings and their emotions
# -----------------------------
# The pipeline learns from a list of audio files and a list of emotions of the same length. Here the
# files are synthetic voices. With recordings of your own, continue as in
# :ref:`sphx_glr_auto_examples_plot_own_recordings.py`; loaders such as
# :func:`ser_estimators.datasets.load_ravdess` read published corpora.
from tempfile import TemporaryDirectory

from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=folder.name,
    random_state=0,
)
print(len(corpus.data), "recordings of the emotions", ", ".join(corpus.target_names))

# %%
# The last speaker is held out, to have a recording of a voice that is new to the model.
is_new = corpus.speakers == "08"
paths = [path for path, new in zip(corpus.data, is_new, strict=True) if not new]
new_file = corpus.data[is_new.argmax()]

# %%
# Training
# --------
# :func:`~ser_estimators.make_ser_pipeline` returns an ordinary scikit-learn pipeline of three
# steps: MFCCs, a convolutional network and a linear classifier. The default number of epochs is
# meant for real speech; fewer are enough here.
from ser_estimators import make_ser_pipeline

model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=40)
model.fit(paths, corpus.target[~is_new])

# %%
# Predicting one file
# -------------------
# Estimators take a list of files, also for a single one. The columns of ``predict_proba`` are in
# the order of ``classes_``.
emotion = model.predict([new_file])[0]
probabilities = model.predict_proba([new_file])[0]

print(f"predicted: {emotion}, in truth: {corpus.target[is_new.argmax()]}")
for name, probability in zip(model.classes_, probabilities, strict=True):
    print(f"{name:>10}  {probability:.3f}")

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.barh(model.classes_, probabilities)
axes.set(xlabel="Probability", xlim=(0, 1), title="One recording of a new speaker")
axes.invert_yaxis()

# %%
# Keeping the model
# -----------------
# A model file contains no code, so it is safe to share. The loaded model predicts the same.
from ser_estimators import load_model, save_model

path = save_model(model, f"{folder.name}/emotion.safetensors")
print(load_model(path).predict([new_file])[0])
folder.cleanup()
