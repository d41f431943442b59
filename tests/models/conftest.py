"""A small trained pipeline and its ONNX file, for the tests that run it."""

import pytest

from ser_estimators import SpectrogramCNN, export_onnx, make_ser_pipeline


@pytest.fixture(scope="session")
def pipe(voices):
    """Train three small networks with three views, and a logistic regression."""
    pipe = make_ser_pipeline(random_state=0).set_params(
        cnn__network=SpectrogramCNN(channels=(4, 8, 8)), cnn__embedding_dim=9, cnn__max_epochs=8
    )
    return pipe.fit(voices.data, voices.target)


@pytest.fixture(scope="session")
def onnx_file(pipe, tmp_path_factory):
    return export_onnx(pipe, tmp_path_factory.mktemp("onnx") / "model.onnx")
