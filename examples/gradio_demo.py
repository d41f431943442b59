"""A web page for the microphone
=============================

A Gradio demo: record or upload a voice, and see the probability of each emotion.

.. code-block:: shell

    python examples/gradio_demo.py emotion.safetensors
"""

import sys

import gradio

from ser_estimators import load_model, predict_clips

model = load_model(sys.argv[1] if sys.argv[1:] else sys.exit("Usage: gradio_demo.py MODEL"))


def label(voice: str | None) -> dict[str, float]:
    """Return the probability of each emotion in the voice of a file."""
    if voice is None:
        raise gradio.Error("Record or upload a voice first.", print_exception=False)
    found = predict_clips(model, [voice], on_error="skip", max_duration=60)
    if found.failures:
        raise gradio.Error(found.errors[0], print_exception=False)
    return dict(zip(map(str, found.classes), found.probabilities[0].tolist(), strict=True))


gradio.Interface(
    label,
    gradio.Audio(sources=["microphone", "upload"], type="filepath", label="Voice"),
    gradio.Label(label="Emotion"),
    title="Emotion in a voice",
    description="Record or upload a voice of up to a minute. The model may be wrong about it.",
    flagging_mode="never",
    analytics_enabled=False,
).launch(max_file_size="20mb")
