"""Shared by the tests of the displays: no windows, closed figures and a fitted pipeline."""

import matplotlib as mpl
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="package")
def pipe(voices):
    """Fit a small pipeline."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN

    network = SpectrogramCNN(channels=(4, 8))
    cnn = CNNEmbedder(network=network, embedding_dim=8, max_epochs=2, random_state=0)
    pipe = make_pipeline(MFCCTransformer(n_mfcc=20, hop_length=512), cnn, LogisticRegression())
    return pipe.fit(voices.data, voices.target)
