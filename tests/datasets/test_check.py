"""check_corpus: what spoils a model or its evaluation, in one summary."""

import pickle
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from sklearn.utils import Bunch

from ser_estimators import Segment
from ser_estimators.datasets import check_corpus, load_folder, load_table, make_emotional_speech
from ser_estimators.datasets._people import similar_names

RATE = 16000


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Make voices in folders of speakers and emotions."""
    root = tmp_path_factory.mktemp("source") / "own"
    voices = make_emotional_speech(
        3, 2, emotions=("anger", "sadness"), n_syllables=3, out_dir=root / "x",
        random_state=0,
    )  # fmt: skip
    for path, emotion, speaker in zip(voices.data, voices.target, voices.speakers, strict=True):
        folder = root / f"speaker {speaker}" / emotion
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(path, folder)
    shutil.rmtree(root / "x")
    return root


@pytest.fixture
def own(source):
    shutil.copytree(source, "own")
    return Path("own")


def kinds(check):
    return [problem.kind for problem in check.problems]


def check(own="own", **kwargs):
    return check_corpus(load_folder(own), **kwargs)


def clip(own, speaker=1, emotion="anger", take=1):
    return own / f"speaker {speaker:02d}" / emotion / f"{emotion}_{take:02d}.wav"


def test_good_recordings(own):
    found = check(own)
    assert found.problems == []
    lines = str(found).splitlines()
    assert lines[:2] == ["Recordings in the folder own", "  12 clips of 3 speakers"]
    assert "min of audio" in lines[2]
    assert lines[2].endswith("s a clip, at 16000 Hz")
    assert lines[3:] == ["  no problem found"]
    assert repr(found) == "CorpusCheck(12 clips: no problem)"
    assert len(found.to_frame()) == 0


def test_all_problems_are_in_one_summary(own):
    soundfile.write(clip(own), np.zeros(RATE), RATE)  # silent
    loud, _ = soundfile.read(clip(own, take=2))
    soundfile.write(clip(own, take=2), np.clip(loud * 20, -0.9, 0.9), RATE)
    phone = soxr.resample(soundfile.read(clip(own, 2))[0], RATE, 8000)
    soundfile.write(clip(own, 2), soxr.resample(phone, 8000, 44100), 44100)
    clip(own, 2, take=2).write_bytes(b"RIFF" + bytes(100_000))  # unreadable
    soundfile.write(own / "speaker 03/anger/short.wav", loud[:800], RATE)
    shutil.copy(clip(own, 3), clip(own, 3).with_name("copy.wav"))
    again, _ = soundfile.read(clip(own, 3, "sadness"))
    (own / "Speaker_3/fear").mkdir(parents=True)
    soundfile.write(own / "Speaker_3/fear/same.flac", again / 2, RATE)
    clip(own, 1, "sadness").write_bytes(b"")
    with pytest.warns(UserWarning, match="left out: 1 file"):
        found = check(own, n_jobs=2)
    assert kinds(found) == [
        *("left out", "one speaker, two names", "emotion of one speaker", "speaker of one emotion"),
        *("unreadable", "silent", "short", "clipped", "other rate"),
        *("doubled", "two emotions", "two speakers"),
    ]
    text = " ".join(str(found).split())
    for part in (
        "12 problems",
        "left out: 1 file by the loader",
        "'Speaker_3', 'speaker 03' may be one speaker",
        "only 'Speaker_3' has the emotion 'fear'",
        "1 speaker with a single emotion: 'Speaker_3'",
        "contains no sound",
        "(0.05 s) is shorter than",
        "of the samples) is clipped",
        "Hz at 44100 Hz) contains nothing in the upper part",
        "4 clips are 2 recordings, such as",
        "2 clips are 1 recording, such as",
        "at 16000 Hz (12), 44100 Hz (1)",
    ):
        assert part in text
    assert "\xa0" not in str(found)
    assert all(len(line) <= 88 for line in str(found).splitlines())
    table = found.to_frame()
    assert list(table) == ["problem", "clip", "path", "emotion", "speaker", "detail"]
    silent = table[table["problem"] == "silent"].iloc[0]
    assert silent["path"] == str(clip(own))
    assert (silent["emotion"], silent["speaker"]) == ("anger", "speaker 01")
    assert table["clip"].dtype == "Int64"  # although some are missing
    left_out = table[table["problem"] == "left out"].iloc[0]
    assert left_out["path"] == str(clip(own, 1, "sadness"))
    assert left_out["detail"] == "it is empty (0 bytes); download or copy it again"
    assert table["clip"].isna().sum() == 1
    assert "2 clips" not in repr(found)
    assert pickle.loads(pickle.dumps(found)) == found


def test_several_clips_of_one_problem(own):
    for take in (1, 2):
        soundfile.write(clip(own, take=take), np.zeros(RATE), RATE)
    (problem,) = check(own).problems
    expected = (
        f"2 clips, such as '{clip(own)}' (peak 0 of full scale), contain no sound; leave them"
    )
    assert problem.text.startswith(expected)
    assert problem.clips == (0, 1)


def test_only_the_labels(own):
    clip(own).write_bytes(b"RIFF" + bytes(100_000))
    found = check(own, audio=False)
    assert found.problems == []
    assert "  not read (audio=False)" in str(found)


def test_recordings_of_one_emotion_or_of_unknown_speakers(own):
    assert kinds(check(own / "speaker 01")) == []
    corpus = load_folder(own, emotions={"sadness": None})
    assert kinds(check_corpus(corpus, audio=False)) == []


def test_spellings_of_emotions():
    corpus = Bunch(data=["a", "b", "c"], target=["Joy", "joy", "fear"], speakers=None)
    (problem,) = check_corpus(corpus, audio=False).problems
    assert problem.kind == "spelling"
    assert problem.clips == (0, 1)
    assert "'Joy', 'joy' differ only in upper and lower case" in problem.text


def test_segments(own):
    bounds = [(0, 0.3), (0.3, 0.5), (0.2, None)]
    data = [Segment(clip(own), *one) for one in bounds]
    corpus = Bunch(data=data, target=["a", "a", "b"], speakers=["x", "y", "x"])
    found = check_corpus(corpus)
    assert "overlapping" in kinds(found)
    (problem,) = [one for one in found.problems if one.kind == "overlapping"]
    assert problem.clips == (0, 1, 2)
    assert f"'{data[0]}' and '{data[1]}'" in problem.text
    corpus = Bunch(data=data, target=["a"] * 3, speakers=None)
    assert "overlapping" not in kinds(check_corpus(corpus))
    corpus = Bunch(data=data[:2], target=["a", "b"], speakers=None)
    assert kinds(check_corpus(corpus)) == []


@pytest.mark.parametrize(
    ("clips", "is_found"),
    [
        ([Segment("a.wav", 0, 10), Segment("a.wav", 1, 2), Segment("a.wav", 3, 4)], True),
        (["a.wav", Segment("a.wav", 9, 10), Segment("a.wav", 3, 4)], True),
        ([Segment("a.wav"), "b.wav", Segment("./a.wav", 3, 4, 0)], True),
        ([Segment("a.wav", 3, 4, 1), "b.wav", Segment("./a.wav", 3, 4, 0)], False),
        ([Segment("a.wav", 0, 3), "b.wav", Segment("./a.wav", 3, 4)], False),
        (["a.wav", "b.wav", "./a.wav"], False),  # found by its sound
    ],
)
def test_overlaps(clips, is_found):
    corpus = Bunch(data=clips, target=["anger", "anger", "sad"], speakers=None)
    problems = check_corpus(corpus, audio=False).problems
    assert [one.kind for one in problems] == ["overlapping"] * is_found
    if is_found:
        assert problems[0].clips == (0, 2)


def test_missing_values():
    corpus = Bunch(
        data=["a", "b", "c", "d"],
        target=["joy", None, "sad", "sad"],
        speakers=np.array(["x", "x", np.nan, "x"], dtype=object),
    )
    emotion, speaker, *others = check_corpus(corpus, audio=False).problems
    assert (emotion.kind, emotion.clips) == ("no emotion", (1,))
    assert (speaker.kind, speaker.clips) == ("no speaker", (2,))
    assert "1 clip without an emotion, such as 'b'; add the emotion, or leave" in emotion.text
    assert others == []


def test_clips_in_memory():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    quiet = np.zeros(RATE)
    corpus = Bunch(data=[noise, quiet, noise * 0.5], target=["a", "b", "b"], speakers=None)
    found = check_corpus(corpus, sr=8000)
    assert kinds(found) == ["silent"]
    assert found.problems[0].text.startswith("'clip 2' (peak 0 of full scale) contains no sound;")
    assert "at 8000 Hz" in found.audio


def test_a_table_of_one_row():
    soundfile.write("a.wav", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    corpus = load_table({"path": ["a.wav"], "emotion": ["joy"], "speaker": ["x"]})
    assert check_corpus(corpus).problems == []


def test_nothing_can_be_read(own):
    corpus = Bunch(data=["missing.wav"], target=["a"], speakers=None)
    found = check_corpus(corpus)
    assert kinds(found) == ["unreadable"]
    assert "there is no such file" in found.problems[0].details[0]


@pytest.mark.parametrize(
    ("corpus", "error", "message"),
    [
        (["a.wav"], TypeError, "corpus is a list; expected what a loader returns"),
        (Bunch(data=["a"]), ValueError, "corpus has no target; expected clips and labels"),
        (Bunch(), ValueError, "corpus has no data and no target"),
        (
            Bunch(data=["a"], target=["b", "c"]),
            ValueError,
            "corpus has 1 data, 2 target; expected one value",
        ),
        (
            Bunch(data=["a"], target=["b"], speakers=["c", "d"]),
            ValueError,
            "1 target, 2 speakers; expected one",
        ),
    ],
)
def test_no_corpus(corpus, error, message):
    with pytest.raises(error, match=message):
        check_corpus(corpus)


class _Text(HTMLParser):
    text = ""

    def handle_data(self, data):
        self.text += data


def test_in_a_notebook():
    corpus = Bunch(data=["<i>", "b"], target=["Joy", "joy"], speakers=None, DESCR="<b>own")
    found = check_corpus(corpus, audio=False)
    page = _Text()
    page.feed(found._repr_html_())
    assert page.text == str(found)


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["1", "01", "S01", "s 1", "Speaker_001"], [["01", "1", "S01", "Speaker_001", "s 1"]]),
        (["F01", "M01", "f1"], [["F01", "f1"]]),
        (["Anna", "anna", " Anna ", "Ann", "Anna B."], [[" Anna ", "Anna", "anna"]]),
        (["spk-a", "SPK_A", "spk b"], [["SPK_A", "spk-a"]]),
        (["ravdess/01", "emodb/1", "emodb/01"], [["emodb/01", "emodb/1"]]),
        (["10", "1", "100"], []),
        (["-", "_", "?"], []),
        (["01", "02"], []),
    ],
)
def test_names_of_one_speaker(names, groups):
    assert similar_names(names) == groups
