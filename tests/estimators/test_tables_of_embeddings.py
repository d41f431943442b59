"""Embeddings as tables: the index of the clips, and the names of the columns."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    MFCCTransformer,
    SpectrogramCNN,
    make_ser_pipeline,
)

SMALL = {"network": SpectrogramCNN((4, 8)), "n_networks": 1, "embedding_dim": 6, "max_epochs": 1}


@pytest.fixture
def clips(voices):
    """Return a shuffled table of clips."""
    frame = pd.DataFrame(
        {"path": voices.data, "age": np.arange(36.0), "emotion": voices.target},
        index=[f"clip {number}" for number in range(36)],
    )
    return frame.sample(frac=1, random_state=0)


def make_net(**parameters):
    return make_pipeline(MFCCTransformer(), CNNEmbedder(**SMALL | parameters, random_state=0))


@pytest.mark.parametrize("n_clips", [36, 18])
def test_union_joins_the_rows_of_the_same_clips(clips, n_clips):
    clips = clips[:n_clips]
    acoustic = AcousticFeatures(["rms"], ["mean"])
    union = FeatureUnion([("acoustic", clone(acoustic)), ("net", make_net())]).set_output(
        transform="pandas"
    )
    table = union.fit_transform(clips["path"], clips["emotion"])
    assert table.index.tolist() == clips.index.tolist()
    net = union["net"].set_output(transform="default")
    expected = np.column_stack([acoustic.transform(clips["path"]), net.transform(clips["path"])])
    np.testing.assert_allclose(table, expected, atol=1e-5)
    embedding = [f"net__cnnembedder{number}" for number in range(6)]
    assert list(table.columns) == ["acoustic__rms_mean", *embedding]


def test_column_transformer_joins_the_rows_of_the_same_clips(clips):
    columns = ColumnTransformer([("net", make_net(), "path"), ("age", "passthrough", ["age"])])
    plain = clone(columns).fit_transform(clips, clips["emotion"])
    table = columns.set_output(transform="pandas").fit_transform(clips, clips["emotion"])
    assert table.index.tolist() == clips.index.tolist()
    np.testing.assert_allclose(table, plain, atol=1e-5)
    assert table["age__age"].tolist() == clips["age"].tolist()


def test_index_passes_through_elementwise_steps(clips):
    double = FunctionTransformer(lambda X: 2 * X)
    cnn = CNNEmbedder(**SMALL).set_output(transform="pandas")
    pipe = make_pipeline(MFCCTransformer(), double, cnn)
    assert pipe.fit_transform(clips["path"], clips["emotion"]).index.tolist() == list(clips.index)


def test_index_with_the_global_setting(clips):
    pipe = make_net()
    with sklearn.config_context(transform_output="pandas"):
        table = pipe.fit_transform(clips["path"], clips["emotion"])
        other = pipe.transform(list(clips["path"]))
    assert table.index.tolist() == clips.index.tolist()
    assert other.index.tolist() == list(range(36))


def test_subclass_with_its_own_transform_keeps_the_index(clips):
    class Doubled(CNNEmbedder):
        def transform(self, X):
            return 2 * super().transform(X)

    pipe = make_pipeline(MFCCTransformer(), Doubled(**SMALL)).set_output(transform="pandas")
    assert pipe.fit_transform(clips["path"], clips["emotion"]).index.tolist() == list(clips.index)


def test_polars_has_no_index(clips):
    pytest.importorskip("polars")
    pipe = make_net().set_output(transform="polars")
    assert pipe.fit_transform(clips["path"], clips["emotion"]).shape == (36, 6)


def test_names_of_features_pass_through_a_pipeline(clips):
    pipe = make_ser_pipeline(random_state=0).set_params(
        **{f"cnn__{name}": value for name, value in SMALL.items()}
    )
    pipe.fit(clips["path"], clips["emotion"])
    names = pipe[:-1].get_feature_names_out()
    assert names.tolist() == [f"cnnembedder{number}" for number in range(6)]
    assert pipe[:1].get_feature_names_out().tolist() == [f"mfcc_{number}" for number in range(64)]


@pytest.mark.parametrize("deltas", [0, 1, 2])
def test_names_of_rows_of_mfccs(voices, deltas):
    mfcc = MFCCTransformer(n_mfcc=3, deltas=deltas)
    names = mfcc.get_feature_names_out()
    assert len(names) == mfcc.transform(voices.data[:1]).shape[1]
    expected = [f"{kind}_{i}" for kind in ("mfcc", "mfcc_delta", "mfcc_delta2") for i in range(3)]
    assert names.tolist() == expected[: 3 * (1 + deltas)]


def test_frames_are_never_a_table(voices):
    with sklearn.config_context(transform_output="pandas"):
        frames = MFCCTransformer().set_output(transform="pandas").transform(voices.data[:2])
    assert frames.ndim == 3
