"""
===========================================
Run a model without PyTorch or scikit-learn
===========================================

Export a fitted pipeline as one ONNX file, from a waveform to probabilities, and predict with ONNX
Runtime.
"""

# %%
# A model
# -------
# The voices are synthetic.
from pathlib import Path
from tempfile import TemporaryDirectory

from ser_estimators import make_ser_pipeline
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
folder = Path(scratch.name)
corpus = make_emotional_speech(
    n_speakers=6,
    n_per_emotion=4,
    emotions=("anger", "neutral", "sadness"),
    out_dir=folder / "voices",
    random_state=0,
)
train, test = corpus.data[:60], corpus.data[60:]
model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=20)
model.fit(train, corpus.target[:60])

# %%
# Export
# ------
# Before the file is written, its probabilities are compared with those of the pipeline.
# ``pip install ".[onnx]"`` installs what this needs.
from ser_estimators import export_onnx

path = export_onnx(model, folder / "model.onnx")
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# Prediction
# ----------
# The program that predicts needs ONNX Runtime and a reader of audio files only. Labels and sampling
# rate are in the metadata of the file. The voices already have this rate; other recordings are
# resampled first, as in :ref:`sphx_glr_auto_examples_onnx_predict.py`.
import json

import numpy as np
import onnxruntime
import soundfile

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # more than one is slower for short clips
session = onnxruntime.InferenceSession(path, options)
metadata = session.get_modelmeta().custom_metadata_map
classes = json.loads(metadata["classes"])
waveforms = []
for file in test:
    waveform, rate = soundfile.read(file, dtype="float32")
    assert rate == int(metadata["sampling_rate"])
    waveforms.append(waveform)


def predict(waveform):
    """Return the probabilities of one clip."""
    inputs = {"waveform": waveform[None], "lengths": np.array([waveform.size])}
    return session.run(["probabilities"], inputs)[0][0]


for emotion, probability in zip(classes, predict(waveforms[0]), strict=True):
    print(f"{emotion:>8} {probability:.3f}")

# %%
# Several clips are rows that are padded with any values, and ``lengths`` says where each one ends.
lengths = np.array([waveform.size for waveform in waveforms])
padded = np.zeros((len(waveforms), lengths.max()), dtype=np.float32)
for row, waveform in zip(padded, waveforms, strict=True):
    row[: waveform.size] = waveform
(probabilities,) = session.run(None, {"waveform": padded, "lengths": lengths})

# %%
# The same probabilities, sooner
# ------------------------------
difference = np.abs(probabilities - model.predict_proba(test)).max()
print(f"largest difference from the pipeline: {difference:.0e}")

# %%
# One clip at a time, as in a server, with the median of many calls:
from time import perf_counter


def milliseconds(function, clips):
    """Return the median time of a call."""
    times = []
    for clip in clips * 4:
        start = perf_counter()
        function(clip)
        times.append(perf_counter() - start)
    return 1000 * np.median(times)


pipeline_ms = milliseconds(lambda waveform: model.predict_proba([waveform]), waveforms)
onnx_ms = milliseconds(predict, waveforms)
print(f"pipeline {pipeline_ms:.1f} ms, ONNX {onnx_ms:.1f} ms: {pipeline_ms / onnx_ms:.1f} times")
scratch.cleanup()

# %%
# :doc:`/onnx` tells more, also about a page that labels recordings in the browser.
