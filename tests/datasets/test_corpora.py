"""The loaders of corpora and concatenate_corpora, on made folders with all quirks of real ones."""

import re
import subprocess
import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

from ser_estimators import datasets
from ser_estimators.datasets import (
    concatenate_corpora,
    load_crema_d,
    load_emodb,
    load_ravdess,
    load_savee,
    load_tess,
    make_emotional_speech,
)
from ser_estimators.datasets._bunch import VOCABULARY
from ser_estimators.datasets._crema_d import _CREMA_D
from ser_estimators.datasets._emodb import _EMODB
from ser_estimators.datasets._ravdess import _RAVDESS
from ser_estimators.datasets._savee import _SAVEE
from ser_estimators.datasets._tess import _TESS
from ser_estimators.exceptions import AudioReadError

LOADERS = {
    "ravdess": load_ravdess,
    "crema_d": load_crema_d,
    "tess": load_tess,
    "savee": load_savee,
    "emodb": load_emodb,
}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"


def ravdess_names():
    for actor, emotion, intensity, sentence, take in product(
        range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2)
    ):
        if not (emotion == 1 and intensity == 2):
            yield (
                f"Actor_{actor:02d}",
                f"03-01-{emotion:02d}-{intensity:02d}-{sentence:02d}-{take:02d}-{actor:02d}",
            )


def crema_d_names():
    """One sentence at three levels, eleven at none, and 20 clips that were never published."""
    sentences = "TIE IOM IWW TAI MTI IWL ITH DFA ITS TSI WSI".split()  # noqa: SIM905
    for actor in range(1001, 1092):
        for emotion in ("ANG", "DIS", "FEA", "HAP", "SAD"):
            spoken = sentences[3:] if actor == 1091 else sentences
            names = [f"IEO_{emotion}_{level}" for level in ("LO", "MD", "HI")]
            names += [f"{sentence}_{emotion}_XX" for sentence in spoken]
            yield from (("AudioWAV", f"{actor}_{name}") for name in names)
        for sentence in sentences[4:] if actor == 1091 else ["IEO", *sentences]:
            yield "AudioWAV", f"{actor}_{sentence}_NEU_XX"


def tess_names():
    words = ["back", "bite"] + [f"{a}{b}" for a, b in product("abcdefghijk", "lmnopqrstuvwxyzabc")]
    for speaker, word, emotion in product(
        ("OAF", "YAF"), words[:200], ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    ):
        quirk = (speaker, word, emotion) == ("OAF", "bite", "neutral")
        folder = {"ps": "Pleasant_surprise", "sad": "Sad"}.get(emotion, emotion)
        yield f"{speaker}_{folder}", f"{'OA' if quirk else speaker}_{word}_{emotion}"


def savee_names(flat=False):
    for speaker, code in product(("DC", "JE", "JK", "KL"), ("a", "d", "f", "h", "n", "sa", "su")):
        for number in range(1, 31 if code == "n" else 16):
            name = f"{code}{number:02d}"
            yield (speaker, name) if not flat else ("ALL", f"{speaker}_{name}")


EMODB_COUNTS = {"W": 127, "L": 81, "E": 46, "A": 69, "F": 71, "T": 62, "N": 79}


def emodb_names():
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    texts = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    for letter, count in EMODB_COUNTS.items():
        takes = product("ab", texts, speakers)
        for (version, text, speaker), _ in zip(takes, range(count), strict=False):
            yield "wav", f"{speaker}{text}{letter}{version}"


NAMES = {
    "ravdess": ravdess_names,
    "crema_d": crema_d_names,
    "tess": tess_names,
    "savee": savee_names,
    "emodb": emodb_names,
}
SIZES = {"ravdess": 1440, "crema_d": 7442, "tess": 2800, "savee": 480, "emodb": 535}


def make(root, names, suffix=".wav", flat=False, case=str, content=b"RIFF"):
    root = Path(root)
    for folder, name in names:
        home = root if flat else root / folder
        home.mkdir(parents=True, exist_ok=True)
        (home / case(name + suffix)).write_bytes(content)
    return root


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Make all corpora whole, once."""
    root = tmp_path_factory.mktemp("corpora")
    return {name: make(root / name, names()) for name, names in NAMES.items()}


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
}


@pytest.mark.parametrize("name", LOADERS)
def test_whole_corpus(name, corpora):
    emotions, n_speakers, sexes, intensities = EXPECTED[name]
    corpus = LOADERS[name](corpora[name])
    assert set(corpus) == {
        *("data", "target", "speakers", "sex", "intensity", "frame", "target_names", "DESCR")
    }
    n_clips = SIZES[name]
    assert len(corpus.data) == len(set(corpus.data)) == n_clips
    assert len(corpus.target) == len(corpus.speakers) == len(corpus.sex) == n_clips
    assert all(isinstance(path, str) and Path(path).is_file() for path in corpus.data)
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
    for word in ("Source: http", "Licence: ", "Citation: ", f"{n_clips:,} clips"):
        assert word in corpus.DESCR.replace("The 535", "535").replace("\n", " "), word


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("suffix", [".flac", ".WAV"])
def test_layouts_suffixes_and_case_change_nothing(name, suffix, corpora):
    names = NAMES[name]() if name != "savee" else savee_names(flat=True)
    flat = LOADERS[name](make("flat", names, suffix, flat=True, case=str.swapcase))
    usual = LOADERS[name](corpora[name])
    np.testing.assert_array_equal(flat.target, usual.target)
    np.testing.assert_array_equal(flat.speakers, usual.speakers)
    np.testing.assert_array_equal(flat.sex, usual.sex)
    np.testing.assert_array_equal(flat.intensity, usual.intensity)


@pytest.mark.parametrize("name", LOADERS)
def test_archive_in_which_everything_stands_twice(name):
    make("corpus", NAMES[name]())
    make("corpus/again", NAMES[name]())
    expected = rf"in 'corpus': {SIZES[name]} clips stand more than once and are taken once, such as"
    with pytest.warns(UserWarning, match=expected) as caught:
        corpus = LOADERS[name]("corpus")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert len(corpus.data) == SIZES[name]
    assert len({Path(path).stem for path in corpus.data}) >= SIZES[name] // 4


def test_both_layouts_of_savee_at_once_are_copies():
    make("savee", savee_names())
    make("savee", savee_names(flat=True))
    with pytest.warns(UserWarning, match="480 clips stand more than once"):
        assert len(load_savee("savee").data) == 480


def test_one_speaker_of_savee_passed_as_the_folder(monkeypatch):
    make("savee", savee_names())
    expected = "SAVEE in .*: no clip of speakers JE, JK, KL; 120 clips where the whole .* has 480$"
    with pytest.warns(UserWarning, match=expected):
        assert set(load_savee("savee/DC").speakers) == {"DC"}
    monkeypatch.chdir("savee/DC")
    with pytest.warns(UserWarning, match=expected):
        assert set(load_savee(".").speakers) == {"DC"}


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
    ],
)
def test_names_are_read_right(name, clip, emotion, speaker, sex, intensity, corpora):
    corpus = LOADERS[name](corpora[name])
    (row,) = [i for i, path in enumerate(corpus.data) if path.endswith(f"{clip}.wav")]
    assert corpus.target[row] == emotion
    assert corpus.speakers[row] == speaker
    assert corpus.sex[row] == sex
    if intensity:
        assert corpus.intensity[row] == intensity


def test_numbers_of_women_and_men_are_those_published():
    assert Counter(_CREMA_D.sexes.values()) == {"male": 48, "female": 43}
    assert Counter(_EMODB.sexes.values()) == {"male": 5, "female": 5}
    assert Counter(_RAVDESS.sexes.values()) == {"male": 12, "female": 12}


def test_one_vocabulary_over_all_corpora():
    tables = [corpus.emotions for corpus in (_RAVDESS, _CREMA_D, _TESS, _SAVEE, _EMODB)]
    assert set().union(*(table.values() for table in tables)) == set(VOCABULARY)
    for loader, table in zip(LOADERS.values(), tables, strict=True):
        for code in table:
            assert f'"{code}"' in loader.__doc__


def test_misspelt_intensity_of_crema_d():
    make("new", [("", "1040_ITH_SAD_XX")])
    make("old", [("", "1040_ITH_SAD_X")])
    with pytest.warns(UserWarning, match="1 clips where the whole corpus has 7442"):
        assert load_crema_d("old").intensity.tolist() == ["unspecified"]
    with pytest.warns(UserWarning, match="1 clips stand more than once"):
        assert len(load_crema_d(".").data) == 1


def test_many_missing_speakers_are_counted():
    make("crema", [name for name in crema_d_names() if name[1] < "1003"])
    with pytest.warns(UserWarning, match=r"no clip of actors 1003, .*, 1026 and 65 more; 164 clip"):
        load_crema_d("crema")


def test_git_lfs_pointers_are_left_out_and_said():
    names = list(crema_d_names())
    make("CREMA-D", names[:5], content=POINTER)
    make("CREMA-D", names[5:])
    with pytest.warns(
        UserWarning,
        match=r"7437 clips where the whole corpus has 7442; left out: 5 files that are git-lfs "
        r"pointers, not audio: run 'git lfs pull' in their repository \(such as 'CREMA-D/AudioWAV/",
    ):
        corpus = load_crema_d("CREMA-D")
    assert len(corpus.data) == 7437


def test_clone_of_nothing_but_pointers():
    make("CREMA-D", list(crema_d_names())[:30], content=POINTER)
    with pytest.raises(
        AudioReadError, match="from 'CREMA-D': no file can be audio: 30 files that are git-lfs"
    ) as caught:
        load_crema_d("CREMA-D")
    assert len(caught.value.failures) == 30
    assert caught.value.failures[0][1].endswith(".wav")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"1 files that are empty \(0 bytes\): download or copy them again"),
        (b"\n<!DOCTYPE html><title>404</title>", "1 files that are web pages, not audio"),
        (b"<html>" + 3000 * b"<p>", "1 files that are web pages, not audio"),
    ],
)
def test_other_files_that_are_no_audio(content, words):
    make("savee", savee_names())
    Path("savee/KL/su15.wav").write_bytes(content)
    with pytest.warns(UserWarning, match=f"479 clips .* 480; left out: {words}.*'savee/KL/su15.wa"):
        assert len(load_savee("savee").data) == 479


def test_links_to_nothing_are_left_out_and_said():
    make("savee", savee_names())
    Path("savee/KL/su15.wav").unlink()
    Path("savee/KL/su15.wav").symlink_to("../.git/annex/objects/su15.wav")
    with pytest.warns(
        UserWarning, match="left out: 1 files that are links to nothing: get what they stand for"
    ):
        assert len(load_savee("savee").data) == 479


def test_linked_folders_are_gone_through_once():
    make("elsewhere", savee_names())
    Path("savee").mkdir()
    for speaker in ("DC", "JE", "JK", "KL"):
        Path("savee", speaker).symlink_to(Path("elsewhere", speaker).absolute())
    Path("savee/again").symlink_to(Path("savee").absolute())
    Path("savee/JE2").symlink_to(Path("elsewhere/JE").absolute())
    corpus = load_savee("savee")
    assert len(corpus.data) == 480
    assert all(path.startswith("savee/") for path in corpus.data)


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", str(Path.cwd()))
    make("savee", savee_names())
    assert len(load_savee("~/savee").data) == 480


def test_the_folder_wav_goes_before_other_signals_of_the_same_names():
    make("emodb", [("egg", name) for _, name in emodb_names()])
    make("emodb", [("wav", name) for _, name in emodb_names()])
    with pytest.warns(UserWarning, match="535 clips stand more than once and are taken once"):
        corpus = load_emodb("emodb")
    assert {Path(path).parent.name for path in corpus.data} == {"wav"}


def test_readable_copy_stands_in_for_an_unreadable_one():
    make("savee", savee_names())
    make("savee", [("copy", "DC_a01")])
    Path("savee/DC/a01.wav").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"SAVEE in 'savee': left out: 1 files that are empty"):
        corpus = load_savee("savee")
    assert len(corpus.data) == 480
    assert "savee/copy/DC_a01.wav" in corpus.data


@pytest.mark.parametrize(
    ("name", "stranger"),
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
    ],
)
def test_unknown_names_are_left_out_and_said(name, stranger):
    make("corpus", NAMES[name]())
    make("corpus", [("more", stranger)])
    expected = (
        "in 'corpus': left out: 1 files with names of this kind that cannot be read as "
        f"{LOADERS[name].__globals__[f'_{name.upper()}'].example} (such as 'corpus/more/{stranger}"
    )
    with pytest.warns(UserWarning, match=re.escape(expected)):
        assert len(LOADERS[name]("corpus").data) == SIZES[name]


@pytest.mark.parametrize(
    ("name", "stranger"), [("crema_d", "1092_DFA_ANG_XX"), ("emodb", "17a01Wa")]
)
def test_unknown_speakers_are_kept_without_sex(name, stranger):
    make("corpus", [*NAMES[name](), ("", stranger)])
    with pytest.warns(UserWarning, match=f"clips of unknown .* {stranger[:2]}.*; .* where the"):
        corpus = LOADERS[name]("corpus")
    assert Counter(corpus.sex)["unknown"] == 1
    assert corpus.speakers[corpus.sex == "unknown"][0] == re.split("_|a", stranger)[0]


def test_files_of_other_corpora_and_hidden_ones_are_no_concern():
    for names in (savee_names(), emodb_names(), tess_names(), [("x", "notes"), ("x", "1001")]):
        make("all", names)
    make("all/.git/lfs", [("", "DC_a99")])
    make("all", [("DC", "._a01")])
    Path("all/DC/a01.txt").touch()
    Path("all/DC/link.wav").symlink_to("nothing.wav")
    Path("all/DC_a98.wav").mkdir()
    assert len(load_savee("all").data) == 480
    assert len(load_emodb("all").data) == 535
    assert len(load_tess("all").data) == 2800


@pytest.mark.parametrize("name", LOADERS)
def test_wrong_folder_is_said(name):
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
    with pytest.raises(FileNotFoundError, match=r"below has a name such as .*; expected the folde"):
        load("empty")


def test_nothing_but_unknown_names_is_said():
    make("tess", [("", "OAF_back_bored"), ("", "OAF_bar_bored")])
    with pytest.raises(FileNotFoundError, match=r"such as OAF_back_angry.wav, but 2 files with na"):
        load_tess("tess")


def test_other_endings_are_said():
    make("clone/AudioMP3", list(crema_d_names())[:7], suffix=".mp3")
    with pytest.raises(FileNotFoundError, match=r"its 7 files with names .* end in \.mp3, such as"):
        load_crema_d("clone")


def test_emotions_are_renamed_and_left_out(corpora):
    tess = load_tess(corpora["tess"], emotions={"ps": "pleasant surprise", "sad": None})
    assert len(tess.data) == 2400
    assert "pleasant surprise" in tess.target_names
    assert not {"sadness", "surprise"} & set(tess.target)
    assert len(tess.speakers) == len(tess.sex) == 2400
    merged = load_ravdess(corpora["ravdess"], merge_calm=True, emotions={"01": None})
    assert Counter(merged.target)["neutral"] == 192


@pytest.mark.parametrize(
    ("emotions", "error", "message"),
    [
        (
            {"joy": "happiness"},
            ValueError,
            r"names the code 'joy', which TESS does not have; expec",
        ),
        ({"ps": ""}, ValueError, "gives '' for the code 'ps'; expected the name of an emotion, or"),
        ({"ps": 3}, ValueError, "gives 3 for the code 'ps'"),
        (["ps"], TypeError, r"emotions=\['ps'\] is a list; expected a dict of codes of TESS"),
        (dict.fromkeys(_TESS.emotions), ValueError, "leaves no clip of the 2800 of TESS in"),
    ],
)
def test_bad_emotions_are_named(emotions, error, message, corpora):
    with pytest.raises(error, match=message):
        load_tess(corpora["tess"], emotions=emotions)


def test_frame(corpora):
    ravdess = load_ravdess(corpora["ravdess"], as_frame=True)
    assert list(ravdess.frame) == ["path", "emotion", "speaker", "sex", "intensity"]
    assert ravdess.frame["path"].tolist() == ravdess.data
    assert ravdess.frame["emotion"].tolist() == ravdess.target.tolist()
    assert list(load_savee(corpora["savee"], as_frame=True).frame) == [
        *("path", "emotion", "speaker", "sex")
    ]


def test_frame_without_pandas(corpora, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # makes `import pandas` fail
    with pytest.raises(ImportError, match="pandas is not installed; install it with 'pip install"):
        load_savee(corpora["savee"], as_frame=True)


def test_concatenate(corpora):
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


def test_concatenate_shared_emotions(corpora):
    parts = {name: LOADERS[name](corpora[name]) for name in ("ravdess", "crema_d", "emodb")}
    shared = concatenate_corpora(parts, shared_only=True)
    expected = ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]
    assert shared.target_names.tolist() == expected
    for name, part in parts.items():
        counts = Counter(shared.target[shared.corpus == name])
        assert counts == {e: n for e, n in Counter(part.target).items() if e in expected}


def test_concatenate_takes_a_bunch_of_your_own(corpora):
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


def test_concatenate_says_what_is_wrong(corpora):
    savee = load_savee(corpora["savee"])
    own = Bunch(data=["a.wav"], target=["joy"], speakers=["1"])
    two = Bunch(data=["a.wav", "b.wav"], target=["joy", "joy"], speakers=["1", "2"])
    for bad, error, message in [
        (savee, TypeError, "corpora is one corpus; expected a dict of names to corpora"),
        ([savee], TypeError, "corpora is a list; expected a dict"),
        ({}, ValueError, "corpora is empty; expected one at least"),
        ({1: savee}, TypeError, "corpora has the name 1; expected a string"),
        ({"": savee}, ValueError, "has the name ''; expected one that is not empty"),
        ({"a/b": savee}, ValueError, "has the name 'a/b'; expected .* no slash"),
        ({"a": savee.data}, TypeError, r"corpora\['a'\] is a list; expected the Bunch"),
        ({"a": Bunch(data=[])}, ValueError, r"corpora\['a'\] has no target and no speakers; exp"),
        ({"a": Bunch(**own | {"sex": []})}, ValueError, "has 1 data, 1 target, 1 speakers, 0 sex;"),
        (
            {"a": Bunch(**two | {"target": ["joy", None]})},
            ValueError,
            r"corpora\['a'\] has no value in target for 1 of 2 clips, such as clip 2; leave such",
        ),
        (
            {"a": Bunch(**two | {"speakers": [float("nan"), "1"]})},
            ValueError,
            "has no value in speakers for 1 of 2 clips, such as clip 1",
        ),
        ({"a": savee, "b": savee}, ValueError, "DC/a01.wav' is in corpora 'a' and 'b'; expected"),
    ]:
        with pytest.raises(error, match=message):
            concatenate_corpora(bad)
    with pytest.raises(ValueError, match="no emotion is in all corpora .a: anger.*; b: joy.; exp"):
        concatenate_corpora({"a": savee, "b": own}, shared_only=True)


def test_synthetic_voices_join_real_corpora(corpora):
    voices = make_emotional_speech(2, 1, n_syllables=1, out_dir="voices", random_state=0)
    assert voices.sex.tolist() == ["male"] * 8 + ["female"] * 8
    savee = load_savee(corpora["savee"])
    assert set(voices) == set(savee)
    assert len(concatenate_corpora({"voices": voices, "savee": savee}).data) == 496


@pytest.mark.real_data
def test_real_ravdess(ravdess_folder):
    corpus = load_ravdess(ravdess_folder, as_frame=True)
    assert Counter(corpus.intensity) == {"normal": 768, "strong": 672}
    assert Counter(corpus.sex) == {"female": 720, "male": 720}
    assert corpus.frame.groupby("speaker")["path"].count().eq(60).all()


def test_importing_the_loaders_loads_nothing_heavy():
    code = (
        "import sys, ser_estimators.datasets as datasets; dir(datasets)\n"
        "heavy = {'torch', 'librosa', 'soundfile', 'pandas', 'pooch', 'requests', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "datasets.load_savee; datasets.fetch_tess; datasets.make_emotional_speech\n"
        # scikit-learn imports pandas by itself, wherever it is installed
        "heavy -= {'pandas', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_the_module():
    assert set(datasets.__all__) <= set(dir(datasets))
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)
    with pytest.raises(
        AttributeError, match=r"'ser_estimators.datasets' has no attribute 'load_x'"
    ):
        _ = datasets.load_x
