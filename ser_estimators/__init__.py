"""Speech emotion recognition as ordinary scikit-learn.

Public names are loaded on first use, so that importing the package imports neither torch nor
librosa nor scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from ._utils import former_modules
from ._utils.version import __version__ as __version__

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

    from . import cluster, conditions, datasets, display, evaluation, exceptions, models
    from ._audio.segment import Segment
    from ._estimators.acoustic_features import AcousticFeatures
    from ._estimators.adapt_model import adapt_model
    from ._estimators.audio_ranges import AudioRanges
    from ._estimators.cnn_embedder import CNNEmbedder
    from ._estimators.encoder_embedder import EncoderEmbedder
    from ._estimators.feature_mlp import FeatureMLP
    from ._estimators.mfcc_transformer import MFCCTransformer
    from ._estimators.selective_classifier import SelectiveClassifier
    from ._estimators.speaker_normalizer import SpeakerNormalizer
    from ._estimators.spectrogram_augmentation import SpectrogramAugmentation
    from ._estimators.spectrogram_cnn import SpectrogramCNN
    from ._estimators.view_voting import ViewVotingClassifier
    from ._utils.versions import show_versions
    from .models import export_onnx, load_model, save_model
    from .pipeline import make_ser_pipeline

__all__ = [
    "AcousticFeatures",
    "AudioRanges",
    "CNNEmbedder",
    "EncoderEmbedder",
    "FeatureMLP",
    "FitCache",
    "LogisticRegression",
    "MFCCTransformer",
    "Predictions",
    "Segment",
    "SelectiveClassifier",
    "SpeakerNormalizer",
    "SpectrogramAugmentation",
    "SpectrogramCNN",
    "ViewVotingClassifier",
    "adapt_model",
    "cluster",
    "conditions",
    "datasets",
    "display",
    "evaluation",
    "exceptions",
    "export_onnx",
    "load_model",
    "make_ser_pipeline",
    "models",
    "predict_clips",
    "predict_table",
    "save_model",
    "show_versions",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submodules=[
        "cluster",
        "conditions",
        "datasets",
        "display",
        "evaluation",
        "exceptions",
        "models",
    ],
    submod_attrs={
        "_audio.segment": ["Segment"],
        "_estimators.acoustic_features": ["AcousticFeatures"],
        "_estimators.adapt_model": ["adapt_model"],
        "_estimators.audio_ranges": ["AudioRanges"],
        "_estimators.cnn_embedder": ["CNNEmbedder"],
        "_estimators.encoder_embedder": ["EncoderEmbedder"],
        "_estimators.feature_mlp": ["FeatureMLP"],
        "_estimators.fit_cache": ["FitCache"],
        "_estimators.mfcc_transformer": ["MFCCTransformer"],
        "_estimators.selective_classifier": ["SelectiveClassifier"],
        "_estimators.speaker_normalizer": ["SpeakerNormalizer"],
        "_estimators.spectrogram_augmentation": ["SpectrogramAugmentation"],
        "_estimators.spectrogram_cnn": ["SpectrogramCNN"],
        # Not public names, but ones that pickled arrays refer to.
        "_estimators.embedding_array": ["EmbeddingArray"],
        "_features.mfcc_array": ["MFCCArray"],
        "_estimators.view_voting": ["ViewVotingClassifier"],
        "_utils.versions": ["show_versions"],
        "models._files.load": ["load_model"],
        "models._onnx.export": ["export_onnx"],
        "models._predictions": ["Predictions", "predict_clips"],
        "models._files.save": ["save_model"],
        "models._tables": ["predict_table"],
        "pipeline": ["LogisticRegression", "make_ser_pipeline"],
    },
)

former_modules.install()
