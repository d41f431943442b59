"""load_emodb: recordings beside laryngograms."""

from pathlib import Path

import pytest

from ser_estimators.datasets import load_emodb

from .helpers import emodb_names, make


def test_folder_wav_takes_precedence_over_other_signals():
    make("emodb", [("egg", name) for _, name in emodb_names()])
    make("emodb", [("wav", name) for _, name in emodb_names()])
    with pytest.warns(UserWarning, match="duplicate files of 535 clips, each loaded once"):
        corpus = load_emodb("emodb")
    assert {Path(path).parent.name for path in corpus.data} == {"wav"}
