"""Pictures of clips, of the training and of the embedding, after scikit-learn's displays.

As there, a constructor stores data, ``plot`` draws it, and class methods do both in one call.
matplotlib is loaded when the first picture is drawn, and nothing here calls ``plt.show``. All
pictures can be told apart by the colour-blind and in grey. For a confusion matrix, use
``sklearn.metrics.ConfusionMatrixDisplay``.
"""

from __future__ import annotations

from ._embedding import EmbeddingDisplay
from ._spectrogram import SpectrogramDisplay
from ._training_history import TrainingHistoryDisplay
from ._waveform import WaveformDisplay

__all__ = ["EmbeddingDisplay", "SpectrogramDisplay", "TrainingHistoryDisplay", "WaveformDisplay"]
