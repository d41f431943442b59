"""Label a recording with an ONNX file
===================================

This program needs onnxruntime, NumPy, soundfile and soxr only. ``export_onnx`` writes the model.

.. code-block:: shell

    python examples/onnx_predict.py model.onnx voice.wav
"""

import json
import sys

import numpy as np
import onnxruntime
import soundfile
import soxr

model, recording = sys.argv[1:3] if sys.argv[2:] else sys.exit("Usage: onnx_predict.py MODEL FILE")
session = onnxruntime.InferenceSession(model)
metadata = session.get_modelmeta().custom_metadata_map
samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
waveform = soxr.resample(samples.mean(axis=1), rate, int(metadata["sampling_rate"]))
lengths = np.array([waveform.size])
(probabilities,) = session.run(None, {"waveform": waveform[None], "lengths": lengths})
for emotion, probability in zip(json.loads(metadata["classes"]), probabilities[0], strict=True):
    print(f"{emotion:>12} {probability:.3f}")
