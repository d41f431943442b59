"""A trained model for ser_estimators: emotions of acted speech in English and Polish.

License: CC BY-NC-SA 4.0, that of the corpora that the model was trained on. ``README.md`` is the
model card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["__version__", "load", "model_path"]

__version__ = "0.1.0"


def model_path() -> Path:
    """Return the path of the model file, which contains no code.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> import ser_estimators_acted
    >>> from ser_estimators.models import model_info
    >>> model_info(ser_estimators_acted.model_path())["card"]["license"]
    'cc-by-nc-sa-4.0'
    """
    return Path(__file__).with_name("acted.safetensors")


def load() -> Any:
    """Load the model.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted: ``predict`` and ``predict_proba`` take a list of audio files, of their content, or
        of waveforms at 16 kHz, and the speakers as ``groups``. Recordings that are unlike the
        training audio cause a `ser_estimators.exceptions.UnlikeAudioWarning`.

    Examples
    --------
    >>> import numpy as np
    >>> import ser_estimators_acted
    >>> model = ser_estimators_acted.load()
    >>> model.classes_.tolist()
    ['anger', 'calm', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']

    White noise is unlike speech:

    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=16000)
    >>> "noisier" in model["audio"].find_unlike([noise])[0]
    True
    """
    from ser_estimators import load_model

    return load_model(model_path())
