"""The number of features that a transformer makes is that of their names."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from ser_estimators import AcousticFeatures, CNNEmbedder, MFCCTransformer
from ser_estimators.models._files.outputs import n_outputs

from .helpers import SMALL, clips, table

TABLES = {
    "scaler": StandardScaler(),
    "normalizer": Normalizer(),
    "PCA": PCA(2),
    "LDA": LinearDiscriminantAnalysis(n_components=1),
    "selection": VarianceThreshold(0.5),
    "identity": FunctionTransformer(feature_names_out="one-to-one"),
    "frozen": FrozenEstimator(PCA(3).fit(table()[0])),
    "pipeline": Pipeline([("scale", StandardScaler()), ("pca", PCA(2)), ("none", "passthrough")]),
    "union": FeatureUnion([("a", "passthrough"), ("b", "drop"), ("c", PCA(2))]),
    "network": CNNEmbedder(network="mlp", **SMALL),
}
CLIPS = {
    "MFCC": MFCCTransformer(n_mfcc=7, deltas=2),
    "acoustic": AcousticFeatures(("mfcc", "chroma"), n_mfcc=5, statistics=("mean", "std", "p10")),
    "all": AcousticFeatures(),
    "union of clips": FeatureUnion(
        [("a", AcousticFeatures(("rms",))), ("b", make_pipeline(AcousticFeatures(("pitch",))))]
    ),
}


@pytest.mark.parametrize("name", [*TABLES, *CLIPS])
def test_number_is_that_of_the_names(name):
    if name in TABLES:
        X, y = table()
        step = TABLES[name].fit(X * np.arange(1, 6), y)
    else:
        step = CLIPS[name].fit(clips())
    assert n_outputs(step) == len(step.get_feature_names_out())


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        PCA(2),
        VarianceThreshold(),
        CNNEmbedder(),
        Pipeline([("none", "passthrough")]),
        FeatureUnion([("a", "passthrough")]),
        FeatureUnion([("a", AcousticFeatures()), ("b", PCA())]),
    ],
    ids=lambda step: type(step).__name__,
)
def test_transformers_that_do_not_say(step):
    assert n_outputs(step) is None
