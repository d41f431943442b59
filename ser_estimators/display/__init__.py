"""Plots of clips, training, embeddings and evaluations, as scikit-learn's displays.

As in scikit-learn, the constructor stores data, ``plot`` draws it, and class methods do both.
matplotlib is imported when the first plot is drawn, and ``plt.show`` is never called. All plots
remain legible in gray and for color-blind readers. For a confusion matrix, use
``sklearn.metrics.ConfusionMatrixDisplay``.
"""

from __future__ import annotations

from ._embedding import EmbeddingDisplay
from ._reliability import ReliabilityDisplay
from ._spectrogram import SpectrogramDisplay
from ._stress_test import StressTestDisplay
from ._training_history import TrainingHistoryDisplay
from ._waveform import WaveformDisplay

__all__ = [
    "EmbeddingDisplay",
    "ReliabilityDisplay",
    "SpectrogramDisplay",
    "StressTestDisplay",
    "TrainingHistoryDisplay",
    "WaveformDisplay",
]
