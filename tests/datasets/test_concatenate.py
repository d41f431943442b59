"""concatenate_corpora: columns, shared emotions, custom Bunches and errors."""

from collections import Counter

import pytest
from sklearn.utils import Bunch

from ser_estimators.datasets import concatenate_corpora, load_savee, make_emotional_speech
from ser_estimators.datasets._bunch import VOCABULARY

from .helpers import LOADERS


def test_columns_of_all_corpora(corpora):
    parts = {name: LOADERS[name](corpora[name]) for name in ("ravdess", "savee", "emodb")}
    whole = concatenate_corpora(parts, as_frame=True)
    n_clips = 1440 + 480 + 535
    for key in ("data", "target", "speakers", "sex", "intensity", "corpus"):
        assert len(whole[key]) == n_clips, key
    assert whole.data == [path for part in parts.values() for path in part.data]
    assert Counter(whole.corpus) == {"ravdess": 1440, "savee": 480, "emodb": 535}
    assert len(set(whole.speakers)) == 24 + 4 + 10
    assert {"ravdess/03", "emodb/03"} <= set(whole.speakers)
    assert set(whole.intensity) == {"normal", "strong", "unknown"}
    assert list(whole.frame) == ["path", "emotion", "speaker", "sex", "intensity", "corpus"]
    assert whole.target_names.tolist() == sorted(VOCABULARY)
    assert all(part.DESCR in whole.DESCR for part in parts.values())


def test_shared_emotions(corpora):
    parts = {name: LOADERS[name](corpora[name]) for name in ("ravdess", "crema_d", "emodb")}
    shared = concatenate_corpora(parts, shared_only=True)
    expected = ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert shared.target_names.tolist() == expected
    for name, part in parts.items():
        counts = Counter(shared.target[shared.corpus == name])
        assert counts == {e: n for e, n in Counter(part.target).items() if e in expected}


def test_custom_bunch(corpora):
    own = Bunch(data=["a.wav", "b.wav"], target=["joy", "anger"], speakers=[1, 2])
    whole = concatenate_corpora({"own": own})
    assert whole.speakers.tolist() == ["own/1", "own/2"]
    assert whole.sex.tolist() == ["unknown"] * 2
    assert whole.intensity is None
    savee = load_savee(corpora["savee"])
    again = concatenate_corpora({"x": whole, "savee": savee}, shared_only=True)
    assert again.speakers[0] == "x/own/2"
    assert again.target_names.tolist() == ["anger"]


@pytest.mark.parametrize("shared_only", [False, True])
def test_columns_of_a_table_are_read_by_position(shared_only):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(
        {"path": ["a", "b", "c"], "emotion": ["anger", "fear", "joy"], "who": [1, 2, 3]}
    ).iloc[[0, 2, 1]]
    own = Bunch(
        data=table["path"], target=table["emotion"], speakers=table["who"], sex=table["who"]
    )
    whole = concatenate_corpora({"own": own}, shared_only=shared_only)
    assert whole.data == ["a", "c", "b"]
    assert whole.target.tolist() == ["anger", "joy", "fear"]
    assert whole.speakers.tolist() == ["own/1", "own/3", "own/2"]
    assert whole.sex.tolist() == [1, 3, 2]


def test_invalid_corpora_are_reported(corpora):
    savee = load_savee(corpora["savee"])
    own = Bunch(data=["a.wav"], target=["joy"], speakers=["1"])
    two = Bunch(data=["a.wav", "b.wav"], target=["joy", "joy"], speakers=["1", "2"])
    for invalid, error, message in [
        (savee, TypeError, "corpora is a single corpus; expected a dict of names and corpora"),
        ([savee], TypeError, "corpora is a list; expected a dict"),
        ({}, ValueError, "corpora is empty; expected at least one"),
        ({1: savee}, TypeError, "corpora has the name 1; expected a string"),
        ({"": savee}, ValueError, "has the name ''; expected one that is not empty"),
        ({"a/b": savee}, ValueError, "has the name 'a/b'; expected .* no slash"),
        ({"a": savee.data}, TypeError, r"corpora\['a'\] is a list; expected the Bunch"),
        ({"a": Bunch(data=[])}, ValueError, r"corpora\['a'\] has no target and no speakers; exp"),
        ({"a": Bunch(**own | {"sex": []})}, ValueError, "has 1 data, 1 target, 1 speakers, 0 sex;"),
        (
            {"a": Bunch(**two | {"target": ["joy", None]})},
            ValueError,
            r"corpora\['a'\] has no value in target for 1 of 2 clips, for example clip 2; ",
        ),
        (
            {"a": Bunch(**two | {"speakers": [float("nan"), "1"]})},
            ValueError,
            "has no value in speakers for 1 of 2 clips, for example clip 1",
        ),
        (
            {"a": savee, "b": savee},
            ValueError,
            "DC/a01.wav' is in the corpora 'a' and 'b'; expected",
        ),
    ]:
        with pytest.raises(error, match=message):
            concatenate_corpora(invalid)
    with pytest.raises(ValueError, match="no emotion is in all corpora .a: anger.*; b: joy.; exp"):
        concatenate_corpora({"a": savee, "b": own}, shared_only=True)


def test_synthetic_voices_and_a_real_corpus(corpora):
    voices = make_emotional_speech(2, 1, n_syllables=1, out_dir="voices", random_state=0)
    assert voices.sex.tolist() == ["male"] * 8 + ["female"] * 8
    savee = load_savee(corpora["savee"])
    assert set(voices) == set(savee)
    assert len(concatenate_corpora({"voices": voices, "savee": savee}).data) == 496
