"""load_table: data frames, dicts, and objects of audformat and Hugging Face."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_estimators import AcousticFeatures, Segment
from ser_estimators.datasets import load_table

NAMES = ("a.wav", "b.wav", "c.wav")
TARGET = ["anger", "joy", "anger"]


@pytest.fixture(autouse=True)
def recordings():
    Path("audio").mkdir()
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).normal(0, 0.1, 16000)
        soundfile.write(Path("audio", name), noise, 16000)


def in_audio(name):
    return str(Path("audio", name))


class TestFrames:
    def test_a_data_frame(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(
            {"file": [*NAMES[:2], Path(NAMES[2])], "label": [1, 2, 1], "speaker": [7.0, 7.0, 8.0]},
            index=[5, 5, 9],
        )
        names = {1: "anger", "2": "joy"}
        corpus = load_table(frame, root="audio", emotions=names)
        assert corpus.data == [in_audio(name) for name in NAMES]
        assert corpus.target.tolist() == TARGET
        assert corpus.speakers.tolist() == ["7", "7", "8"]
        assert repr(corpus).startswith("Recordings in a DataFrame\n  3 clips of 2 speakers")

    def test_an_index_of_files_and_segments(self):
        pandas = pytest.importorskip("pandas")
        seconds = pandas.to_timedelta([0, 0.5, 0], unit="s")
        ends = pandas.to_timedelta([0.5, 1.0, None], unit="s")
        index = pandas.MultiIndex.from_arrays(
            [[NAMES[0], NAMES[0], NAMES[1]], seconds, ends], names=["file", "start", "end"]
        )
        frame = pandas.DataFrame({"emotion": pandas.Categorical(TARGET)}, index=index)
        corpus = load_table(frame, root="audio")
        path = in_audio(NAMES[0])
        assert corpus.data == [Segment(path, 0, 0.5), Segment(path, 0.5, 1), in_audio(NAMES[1])]

    def test_a_dict_of_columns(self):
        columns = {"path": [in_audio(name) for name in NAMES], "emotion": TARGET}
        assert load_table(columns).data == columns["path"]
        waveforms = [np.zeros(9), np.ones(9), np.ones(9)]
        corpus = load_table({"path": waveforms, "emotion": TARGET})
        assert [clip is waveform for clip, waveform in zip(corpus.data, waveforms, strict=True)]

    def test_a_column_of_segments(self):
        segments = [Segment(name, 0.25, channel=0) for name in NAMES]
        columns = {"path": segments, "emotion": TARGET, "start": ["", "0.5", ""]}
        expected = [Segment(in_audio(name), 0.25, channel=0) for name in NAMES]
        assert load_table(columns, root="audio").data == expected

    def test_a_table_of_pyarrow(self):
        pyarrow = pytest.importorskip("pyarrow")
        columns = {"path": ["a.wav"], "emotion": ["joy"], "speaker": ["anna"]}
        corpus = load_table(pyarrow.table(columns), root="audio")
        assert (corpus.target.tolist(), corpus.speakers.tolist()) == (["joy"], ["anna"])

    def test_a_data_frame_of_polars(self):
        polars = pytest.importorskip("polars")
        columns = {"path": list(NAMES), "emotion": TARGET, "end": [0.5, None, None]}
        corpus = load_table(polars.DataFrame(columns), root="audio")
        assert corpus.data == [Segment(in_audio("a.wav"), 0, 0.5), *map(in_audio, NAMES[1:])]
        with pytest.raises(ValueError, match="from the DataFrame: it has no rows"):
            load_table(polars.DataFrame({"path": [], "emotion": []}))

    def test_missing_values_of_a_data_frame(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"path": NAMES, "emotion": ["joy", None, float("nan")]})
        with pytest.raises(
            ValueError, match=r"from the DataFrame: 2 rows without .* example row 2; fill them in"
        ):
            load_table(frame, root="audio")

    @pytest.mark.parametrize(
        ("table", "error", "message"),
        [
            (3, TypeError, r"table is 3 \(int\); expected the path of a CSV file, a DataFrame, a"),
            ([1, 2], TypeError, r"table is \[1, 2\] \(list\); expected the path"),
            (None, TypeError, "table is None"),
            ({}, ValueError, "from the dict: it has no rows; expected one per clip"),
            ({"path": [], "emotion": []}, ValueError, "it has no rows"),
            ({"path": ["a"], "emotion": ["b", "c"]}, ValueError, "differ in length: 'path' 1, 'em"),
            ({"x": ["a"], "y": ["b"]}, ValueError, "no column of paths.*its columns are 'x', 'y'"),
        ],
    )
    def test_other_tables(self, table, error, message):
        with pytest.raises(error, match=message):
            load_table(table)

    @pytest.mark.parametrize(
        ("kwargs", "message"),
        [
            ({"path": None}, "path=None is a NoneType; expected the name of a column, 'auto'$"),
            ({"emotion": 3}, "emotion=3 is a int; expected the name of a column"),
            ({"start": True}, "start=True is a bool; .* 'auto' or None"),
        ],
    )
    def test_names_of_columns_are_texts(self, kwargs, message):
        with pytest.raises(TypeError, match=message):
            load_table({"path": ["a"], "emotion": ["b"]}, **kwargs)

    def test_unknown_emotions_are_all_listed(self):
        columns = {"path": [in_audio(name) for name in NAMES], "emotion": TARGET}
        with pytest.raises(
            ValueError, match="'fear', '3', which do not occur; expected some of 'anger', 'joy'"
        ):
            load_table(columns, emotions={"fear": "x", 3: None, "joy": "happiness"})


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of audformat, with pandas 3.1
class TestAudformat:
    @pytest.fixture
    def database(self):
        audformat = pytest.importorskip("audformat")
        db = audformat.Database("calls")
        db.schemes["emotion"] = audformat.Scheme(labels=["anger", "joy"])
        people = {"anna": {"gender": "female"}, "ben": {"gender": "male"}}
        db.schemes["speaker"] = audformat.Scheme(labels=people)
        files = [f"audio/{name}" for name in NAMES]
        db["files"] = audformat.Table(audformat.filewise_index(files))
        db["files"]["speaker"] = audformat.Column(scheme_id="speaker")
        db["files"]["speaker"].set(["anna", "ben", "ben"])
        index = audformat.segmented_index(files, [0, 0.25, 0], [0.5, 0.75, None])
        db["labels"] = audformat.Table(index)
        db["labels"]["emotion"] = audformat.Column(scheme_id="emotion")
        db["labels"]["emotion"].set(TARGET)
        db.save(".")
        return audformat.Database.load(".")

    def test_a_database(self, database):
        corpus = load_table(database)
        paths = [str(Path(database.root, "audio", name)) for name in NAMES]
        assert corpus.data == [Segment(paths[0], 0, 0.5), Segment(paths[1], 0.25, 0.75), paths[2]]
        assert corpus.target.tolist() == TARGET
        assert corpus.speakers.tolist() == ["anna", "ben", "ben"]
        assert corpus.sex.tolist() == ["female", "male", "male"]
        assert repr(corpus).startswith("Recordings in the audformat database calls\n")
        assert AcousticFeatures().fit_transform(corpus.data).shape[0] == 3

    def test_a_table(self, database):
        again = load_table(database["labels"])
        assert again.data == load_table(database).data
        assert again.speakers.tolist() == ["anna", "ben", "ben"]
        assert load_table(database["labels"], speaker=None).speakers is None
        assert load_table(database["labels"].get(), root=database.root).data == again.data

    def test_tables_without_emotions(self, database):
        with pytest.raises(
            ValueError, match="no column of emotions, such as .*; its columns are 'file', 'speaker'"
        ):
            load_table(database["files"])
        with pytest.raises(
            ValueError,
            match=r"no table of the database 'calls' has a column .* 'files', 'labels'\)",
        ):
            load_table(database, emotion="arousal")
        database["more"] = database["labels"].copy()
        with pytest.raises(ValueError, match="the tables 'labels', 'more' .* have a column of emo"):
            load_table(database)

    def test_tables_without_files_and_rows(self, database):
        import audformat
        import pandas

        database["people"] = audformat.MiscTable(pandas.Index(["anna"], name="who"))
        with pytest.raises(ValueError, match="it is a MiscTable without files; expected a table"):
            load_table(database["people"])
        with pytest.raises(ValueError, match="it has no rows"):
            load_table(database["labels"].pick_files([]))


class TestHuggingFace:
    @pytest.fixture
    def datasets(self, monkeypatch):
        monkeypatch.setenv("HF_HOME", str(Path("home").absolute()))
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        datasets = pytest.importorskip("datasets")
        datasets.disable_progress_bars()
        return datasets

    def dataset(self, datasets, audio, **more):
        columns = {"speech": audio, "label": [0, 1, 0], "spk_id": [3, 3, 4], **more}
        dataset = datasets.Dataset.from_dict(columns)
        dataset = dataset.cast_column("speech", datasets.Audio())
        return dataset.cast_column("label", datasets.ClassLabel(names=["anger", "joy"]))

    def test_files(self, datasets):
        dataset = self.dataset(datasets, [in_audio(name) for name in NAMES])
        corpus = load_table(dataset)
        assert corpus.data == [in_audio(name) for name in NAMES]
        assert corpus.target.tolist() == TARGET
        assert corpus.speakers.tolist() == ["3", "3", "4"]
        assert load_table(dataset, emotions={"joy": None}).data == corpus.data[::2]

    def test_segments(self, datasets):
        paths = [in_audio(name) for name in NAMES]
        dataset = self.dataset(datasets, paths, start=[0.0, 0.5, None], end=[0.5, None, None])
        assert load_table(dataset).data == [
            Segment(paths[0], 0, 0.5), Segment(paths[1], 0.5), paths[2]
        ]  # fmt: skip

    def test_bytes(self, datasets):
        contents = [Path("audio", name).read_bytes() for name in NAMES]
        audio = [{"bytes": content, "path": "x.wav"} for content in contents]
        corpus = load_table(self.dataset(datasets, audio), as_frame=True)
        assert [clip["bytes"] for clip in corpus.data] == contents
        assert corpus.frame["path"].tolist() == ["x.wav"] * 3
        expected = AcousticFeatures().fit_transform([in_audio(name) for name in NAMES])
        np.testing.assert_array_equal(AcousticFeatures().fit_transform(corpus.data), expected)
        assert {path.name for path in Path().iterdir()} <= {"audio", "home"}

    def test_waveforms(self, datasets):
        waveform = {"array": np.sin(np.arange(8000.0)), "sampling_rate": 8000}
        dataset = datasets.Dataset.from_dict({"audio": [waveform] * 3, "emotion": TARGET})
        corpus = load_table(dataset)
        assert AcousticFeatures().fit_transform(corpus.data).shape[0] == 3

    def test_missing_labels(self, datasets):
        dataset = self.dataset(datasets, [in_audio(name) for name in NAMES])
        missing = datasets.Dataset.from_dict({"audio": list(NAMES), "label": [0, -1, None]})
        missing = missing.cast_column("label", dataset.features["label"])
        with pytest.raises(ValueError, match="from the dataset: 2 rows without a value .* row 2;"):
            load_table(missing, root="audio")

    def test_datasets_that_are_no_table(self, datasets):
        dataset = self.dataset(datasets, [in_audio(name) for name in NAMES])
        splits = datasets.DatasetDict({"test": dataset, "train": dataset})
        with pytest.raises(
            TypeError, match=r"DatasetDict with the splits .*: pass dataset\['test'\]"
        ):
            load_table(splits)
        with pytest.raises(TypeError, match="IterableDataset of datasets, which has no length; ex"):
            load_table(dataset.to_iterable_dataset())
        with pytest.raises(ValueError, match="it has no rows; expected one per clip"):
            load_table(dataset.select([]))
