"""Tiny encoders that the tests share."""

import pytest

from .helpers import MODELS, save_encoder


@pytest.fixture(scope="session")
def encoder_folders(tmp_path_factory):
    """Save a tiny encoder of every kind, and return the folders by kind."""
    root = tmp_path_factory.mktemp("encoders")
    for kind in MODELS:
        save_encoder(root / kind, kind)
    return {kind: root / kind for kind in MODELS}


@pytest.fixture(scope="session")
def whisper_folder(encoder_folders):
    return encoder_folders["whisper"]
