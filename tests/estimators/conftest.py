"""Fixtures for the tests of CNNEmbedder."""

import pytest

from .helpers import SMALL, make_cnn, make_frames


@pytest.fixture(scope="session")
def frames():
    return make_frames()


@pytest.fixture(scope="session")
def fitted(frames):
    return make_cnn(**SMALL | {"max_epochs": 20}, random_state=0).fit(*frames)
