"""Predictions of large tables: the recipes of the documentation for Dask and Spark."""

import json
import os
import re
import socket
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

import ser_estimators
from ser_estimators import make_ser_pipeline, predict_clips, save_model

from ..helpers import Opens, needs_inotify
from .helpers import SMALL

pytest.importorskip("distributed")
pa = pytest.importorskip("pyarrow")

PAGE = Path(ser_estimators.__file__).parent.parent / "docs" / "cluster.md"


def recipe(title, replaced, number=0):
    """Return a block of code in a section of the page, with other files and names."""
    if not PAGE.exists():
        pytest.skip("needs the source code of the documentation")
    section = PAGE.read_text().split(f"## {title}\n")[1]
    code = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[number]
    for old, new in replaced.items():
        assert old in code
        code = code.replace(old, new)
    return code


@pytest.fixture(scope="module")
def model(voices):
    return make_ser_pipeline(random_state=0).set_params(**SMALL).fit(voices.data, voices.target)


@pytest.fixture
def folder(model, tmp_path):
    Path("models").mkdir()
    joblib.dump(model, "models/emotion.joblib")
    save_model(model, "models/emotion.safetensors")
    return str(tmp_path)


@needs_inotify
def test_dask_predicts_a_table(client, model, voices, folder):
    from dask import dataframe

    files = [*voices.data, os.path.abspath("gone.wav")]
    table = pd.DataFrame({"path": files})
    dataframe.from_pandas(table, npartitions=4).to_parquet(f"{folder}/paths", write_index=False)
    names = {"path": files, "client": client}
    replaced = {'Client("scheduler-address:8786")': "client"}
    # A pickle, which a process opens once to load it; a model file is opened twice.
    replaced |= {"/shared/emotion.safetensors": f"{folder}/models/emotion.joblib"}
    replaced |= {"/shared/": f"{folder}/"}
    code = recipe("A million files", replaced)
    with Opens("models") as opens:
        exec(code, names)
    # By each worker that had work, and by the client, which asks for the types of the columns.
    assert opens.counts["emotion.joblib"] in (2, 3)

    found = pd.read_parquet("predictions")
    assert found["path"].tolist() == files
    expected = predict_clips(model, voices.data)
    assert found["label"][:-1].tolist() == expected.labels.tolist()
    np.testing.assert_allclose(
        found.filter(like="probability")[:-1], expected.probabilities, atol=1e-5
    )
    assert found["error"].tolist()[:-1] == [""] * len(voices.data)
    where = f"there is no such file on the host '{socket.gethostname()}'"
    assert found["error"].tolist()[-1].startswith(where)

    # Once more, from the parts that were finished.
    assert len(list(Path("parts").iterdir())) == 4
    folders = {os.path.dirname(path) for path in voices.data}
    with Opens(*folders) as opens:
        exec(code, names)
    assert not opens.counts
    pd.testing.assert_frame_equal(pd.read_parquet("predictions"), found)


def test_dask_predicts_a_bag(client, model, voices, folder):
    files = [*voices.data, os.path.abspath("gone.wav")]
    replaced = {
        'Client("scheduler-address:8786")': "client",
        "partition_size=1000": "npartitions=3",
    }
    replaced |= {"/shared/emotion": f"{folder}/models/emotion", "/shared/": f"{folder}/"}
    exec(recipe("A million files", replaced, number=2), {"paths": files, "client": client})

    parts = sorted(Path("predictions").iterdir())
    rows = [strict_json(line) for part in parts for line in part.read_text().splitlines()]
    assert len(parts) == 3
    assert [row["path"] for row in rows] == files
    assert [row["label"] for row in rows[:-1]] == model.predict(voices.data).tolist()
    assert rows[-1]["label"] is None
    assert {rows[-1][f"probability_{name}"] for name in model.classes_} == {None}
    assert rows[-1]["error"].startswith("there is no such file on the host")


def strict_json(line):
    """Parse a line, in which NaN is an error, as it is for all but Python's parser."""
    return json.loads(line, parse_constant=pytest.fail)


def test_function_for_spark(model, voices, folder):
    code = recipe("Spark", {"/shared/emotion": f"{folder}/models/emotion"})
    names = {}
    exec(code.split("\nfound =")[0], names)
    files = [voices.data[0], "gone.wav", voices.data[1]]
    tables = (pd.DataFrame({"path": part}) for part in (files[:2], files[2:], files[1:2]))
    found = list(names["predict_batches"](tables))
    assert [table["path"].tolist() for table in found] == [files[:2], files[2:], files[1:2]]
    assert found[0]["label"][0] == model.predict(files[:1])[0]
    assert found[0]["error"][1].startswith("there is no such file")

    # Spark converts each column to the type of the schema.
    types = {"string": pa.string(), "double": pa.float64()}
    columns = [column.replace("`", "").split() for column in names["schema"].split(", ")]
    assert [name for name, _ in columns] == list(found[0].columns)
    schema = pa.schema([(name, types[kind]) for name, kind in columns])
    for table in found:
        assert pa.Table.from_pandas(table, schema=schema).num_rows == len(table)
