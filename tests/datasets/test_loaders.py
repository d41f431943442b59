"""All loaders: complete corpora in every layout, and the labels that they return."""

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ser_estimators import Segment
from ser_estimators.datasets import load_ravdess, load_tess
from ser_estimators.datasets._bunch import VOCABULARY
from ser_estimators.datasets._crema_d import _CREMA_D
from ser_estimators.datasets._emodb import _EMODB
from ser_estimators.datasets._emovo import _EMOVO
from ser_estimators.datasets._nemo import _NEMO
from ser_estimators.datasets._ravdess import _RAVDESS
from ser_estimators.datasets._savee import _SAVEE
from ser_estimators.datasets._tess import _TESS

from .helpers import LOADERS, NAMES, SIZES, make, savee_names

TABLES = {
    "ravdess": _RAVDESS,
    "crema_d": _CREMA_D,
    "tess": _TESS,
    "savee": _SAVEE,
    "emodb": _EMODB,
    "emovo": _EMOVO,
    "nemo": _NEMO,
}
# Emotions, number of speakers, sexes (None: not tested here) and intensities of complete corpora.
EXPECTED = {
    "ravdess": (
        {"anger": 192, "calm": 192, "disgust": 192, "fear": 192, "happiness": 192}
        | {"neutral": 96, "sadness": 192, "surprise": 192},
        24,
        {"female": 720, "male": 720},
        {"normal": 768, "strong": 672},
    ),
    "crema_d": (
        {"anger": 1271, "disgust": 1271, "fear": 1271, "happiness": 1271}
        | {"neutral": 1087, "sadness": 1271},
        91,
        None,
        {"low": 455, "medium": 455, "high": 455, "unspecified": 6077},
    ),
    "tess": (
        dict.fromkeys(
            ("anger", "disgust", "fear", "happiness", "neutral", "surprise", "sadness"), 400
        ),
        2,
        {"female": 2800},
        None,
    ),
    "savee": (
        {"anger": 60, "disgust": 60, "fear": 60, "happiness": 60, "neutral": 120}
        | {"sadness": 60, "surprise": 60},
        4,
        {"male": 480},
        None,
    ),
    "emodb": (
        {"anger": 127, "boredom": 81, "disgust": 46, "fear": 69, "happiness": 71}
        | {"sadness": 62, "neutral": 79},
        10,
        None,
        None,
    ),
    "emovo": (
        dict.fromkeys(
            ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"), 84
        ),
        6,
        {"female": 294, "male": 294},
        None,
    ),
    "nemo": (
        {"anger": 759, "fear": 758, "happiness": 758, "neutral": 780}
        | {"sadness": 758, "surprise": 668},
        9,
        None,
        None,
    ),
}


@pytest.mark.parametrize("name", LOADERS)
def test_complete_corpus(name, corpora):
    emotions, n_speakers, sexes, intensities = EXPECTED[name]
    corpus = LOADERS[name](corpora[name])
    assert set(corpus) == {
        *("data", "target", "speakers", "sex", "intensity", "frame", "target_names", "DESCR")
    }
    n_clips = SIZES[name]
    assert len(corpus.data) == len(set(corpus.data)) == n_clips
    assert len(corpus.target) == len(corpus.speakers) == len(corpus.sex) == n_clips
    kind = Segment if name == "emovo" else str
    assert all(isinstance(path, kind) and Path(path).is_file() for path in corpus.data)
    assert Counter(corpus.target) == emotions
    assert corpus.target_names.tolist() == sorted(emotions)
    assert len(set(corpus.speakers)) == n_speakers
    assert set(corpus.sex) <= {"female", "male"}
    if sexes:
        assert Counter(corpus.sex) == sexes
    if intensities:
        assert Counter(corpus.intensity) == intensities
    else:
        assert corpus.intensity is None
    assert corpus.frame is None
    for word in ("Source: http", "License: ", "Citation: ", f"{n_clips:,} clips"):
        assert word in corpus.DESCR.replace("The 535", "535").replace("\n", " "), word


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("suffix", [".flac", ".WAV"])
def test_layout_suffix_and_case_do_not_matter(name, suffix, corpora):
    names = NAMES[name]() if name != "savee" else savee_names(flat=True)
    flat = LOADERS[name](make("flat", names, suffix, flat=True, case=str.swapcase))
    usual = LOADERS[name](corpora[name])
    np.testing.assert_array_equal(flat.target, usual.target)
    np.testing.assert_array_equal(flat.speakers, usual.speakers)
    np.testing.assert_array_equal(flat.sex, usual.sex)
    np.testing.assert_array_equal(flat.intensity, usual.intensity)


@pytest.mark.parametrize("name", LOADERS)
def test_archive_that_contains_every_clip_twice(name):
    make("corpus", NAMES[name]())
    make("corpus/again", NAMES[name]())
    expected = (
        rf"in 'corpus': duplicate files of {SIZES[name]} clips, each loaded once, for example"
    )
    with pytest.warns(UserWarning, match=expected) as caught:
        corpus = LOADERS[name]("corpus")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(corpus.data) == SIZES[name]
    assert len({Path(path).stem for path in corpus.data}) >= SIZES[name] // 4


@pytest.mark.parametrize(
    ("name", "clip", "emotion", "speaker", "sex", "intensity"),
    [
        ("ravdess", "03-01-06-02-02-01-12", "fear", "12", "female", "strong"),
        ("ravdess", "03-01-01-01-02-01-13", "neutral", "13", "male", "normal"),
        ("crema_d", "1001_DFA_ANG_XX", "anger", "1001", "male", "unspecified"),
        ("crema_d", "1091_IEO_HAP_HI", "happiness", "1091", "female", "high"),
        ("crema_d", "1047_IEO_FEA_LO", "fear", "1047", "female", "low"),
        ("tess", "OA_bite_neutral", "neutral", "OAF", "female", None),
        ("tess", "YAF_back_ps", "surprise", "YAF", "female", None),
        ("savee", "JE/sa03", "sadness", "JE", "male", None),
        ("savee", "KL/su15", "surprise", "KL", "male", None),
        ("savee", "KL/a15", "anger", "KL", "male", None),
        ("emodb", "03a01Wa", "anger", "03", "male", None),
        ("emodb", "16b02La", "boredom", "16", "female", None),
        ("emodb", "12a05Ta", "sadness", "12", "male", None),
        ("emodb", "08a01Ea", "disgust", "08", "female", None),
        ("emovo", "tri-f1-n5", "sadness", "f1", "female", None),
        ("emovo", "rab-m3-b1", "anger", "m3", "male", None),
        ("nemo", "EB0_surprised_9", "surprise", "EB0", "female", None),
        ("nemo", "MK0_anger_90", "anger", "MK0", "female", None),
        ("nemo", "WR0_neutral_1", "neutral", "WR0", "male", None),
    ],
)
def test_names_are_parsed_correctly(name, clip, emotion, speaker, sex, intensity, corpora):
    corpus = LOADERS[name](corpora[name])
    (row,) = [i for i, path in enumerate(corpus.data) if os.fspath(path).endswith(f"{clip}.wav")]
    assert corpus.target[row] == emotion
    assert corpus.speakers[row] == speaker
    assert corpus.sex[row] == sex
    if intensity:
        assert corpus.intensity[row] == intensity


def test_numbers_of_women_and_men_are_the_published_ones():
    assert Counter(_CREMA_D.sexes.values()) == {"male": 48, "female": 43}
    assert Counter(_EMODB.sexes.values()) == {"male": 5, "female": 5}
    assert Counter(_EMOVO.sexes.values()) == {"male": 3, "female": 3}
    assert Counter(_NEMO.sexes.values()) == {"male": 5, "female": 4}
    assert Counter(_RAVDESS.sexes.values()) == {"male": 12, "female": 12}


def test_all_corpora_share_one_vocabulary():
    names = {name for table in TABLES.values() for name in table.emotions.values()}
    assert names == set(VOCABULARY)
    for name, table in TABLES.items():
        for code in table.emotions:
            assert f'"{code}"' in LOADERS[name].__doc__


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("ravdess", "03-01-09-01-01-01-01"),  # no such emotion
        ("ravdess", "03-01-05-03-01-01-01"),  # no such intensity
        ("ravdess", "03-01-05-01-01-01-01 (1)"),
        ("crema_d", "1001_DFA_SUR_XX"),
        ("crema_d", "1001_DFA_ANG_QQ"),
        ("crema_d", "1001_DFA_ANG"),
        ("tess", "OAF_back_bored"),
        ("tess", "YAF_back"),
        ("savee", "DC_x01"),
        ("savee", "DC_a01_copy"),
        ("emodb", "03a01Xa"),
        ("emodb", "03a01Wa_16k"),
        ("emovo", "cal-f1-b1"),
        ("emovo", "dis-f1-b1 (1)"),
        ("nemo", "EB0_disgust_1"),
        ("nemo", "EB0_anger_1 (1)"),
        ("nemo", "EB0_anger_100"),
    ],
)
def test_unknown_names_are_left_out_and_reported(name, unknown):
    make("corpus", NAMES[name]())
    make("corpus", [("more", unknown)])
    example = TABLES[name].example
    expected = (
        f"in 'corpus': left out: 1 file, for example 'corpus/more/{unknown}.wav', whose name "
        f"cannot be parsed (expected a name such as {example})"
    )
    with pytest.warns(UserWarning, match=re.escape(expected)):
        assert len(LOADERS[name]("corpus").data) == SIZES[name]


@pytest.mark.parametrize(
    ("name", "unknown", "speaker"),
    [
        ("crema_d", "1092_DFA_ANG_XX", "1092"),
        ("emodb", "17a01Wa", "17"),
        ("emovo", "dis-f9-b1", "f9"),
        ("nemo", "xy1_anger_1", "xy1"),
    ],
)
def test_unknown_speakers_are_kept_without_sex(name, unknown, speaker):
    make("corpus", [*NAMES[name](), ("", unknown)])
    with pytest.warns(UserWarning, match=f"clips of unknown .* {speaker}.*; .* instead of"):
        corpus = LOADERS[name]("corpus")
    assert Counter(corpus.sex)["unknown"] == 1
    assert corpus.speakers[corpus.sex == "unknown"][0] == speaker


@pytest.mark.parametrize("name", LOADERS)
def test_wrong_folder_is_reported(name):
    load = LOADERS[name]
    here = re.escape(str(Path.cwd()))
    with pytest.raises(
        FileNotFoundError, match=f"from 'nowhere': it does not exist in '{here}'; expected the "
    ):
        load("nowhere")
    with pytest.raises(
        FileNotFoundError, match="from '/nowhere': it does not exist; expected the "
    ):
        load("/nowhere")
    Path("file").touch()
    with pytest.raises(FileNotFoundError, match="from 'file': it is a file; expected the folder"):
        load("file")
    Path("empty").mkdir()
    with pytest.raises(
        FileNotFoundError,
        match=r"subfolders contain a file with a name such as .*; expected the folde",
    ):
        load("empty")


def test_emotions_are_renamed_and_left_out(corpora):
    tess = load_tess(corpora["tess"], emotions={"ps": "pleasant surprise", "sad": None})
    assert len(tess.data) == 2400
    assert "pleasant surprise" in tess.target_names
    assert not {"sadness", "surprise"} & set(tess.target)
    assert len(tess.speakers) == len(tess.sex) == 2400
    merged = load_ravdess(corpora["ravdess"], merge_calm=True, emotions={"01": None})
    assert Counter(merged.target)["neutral"] == 192
