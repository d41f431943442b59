"""ser cross: a matrix of corpora by corpora."""

import csv
import json
import shutil
from pathlib import Path

import pytest

FAST = ["--set", "cnn__max_epochs=1", "--set", "cnn__n_networks=1", "--cv", "2", "-q"]


@pytest.fixture(scope="module")
def corpora(folder, tmp_path_factory):
    """Divide the speakers among two folders."""
    root = tmp_path_factory.mktemp("corpora")
    for index, speaker in enumerate(sorted(folder.iterdir())):
        shutil.copytree(speaker, root / ("first" if index < 3 else "second") / speaker.name)
    return root


def test_matrix(run, corpora):
    names = corpora / "first", corpora / "second"
    done = run("cross", *names, *FAST, "--csv", "scores.csv", "--json", "--resume", "store")
    assert done.status == 0, done.err
    content = json.loads(done.out)
    assert content["corpora"] == ["first", "second"]
    assert content["emotions"] == ["anger", "neutral", "sadness"]
    rows = list(csv.DictReader(Path("scores.csv").read_text().splitlines()))
    # Without and with the speakers of the test clips.
    assert len(rows) == len(content["scores"]) == 8
    assert {(row["trained"], row["tested"]) for row in rows} == {
        (one, other) for one in content["corpora"] for other in content["corpora"]
    }
    again = run("cross", *names, *FAST, "--resume", "store")
    assert again.out.splitlines()[1] == "3 shared emotions: anger, neutral, sadness"
    assert f"{content['scores'][0]['balanced_accuracy']:.3f} ± " in again.out


def test_wrong_corpora(run, corpora, voices):
    done = run("cross", corpora / "first")
    assert (done.status, done.out) == (2, "")
    assert "there is one corpus; expected two or more" in done.err
    done = run("cross", corpora / "first", corpora / "first")
    assert done.status == 2
    assert "two corpora are named 'first'; pass each corpus once" in done.err
    rows = [f"{path},{label}" for path, label in zip(voices.data, voices.target, strict=True)]
    Path("t.csv").write_text("\n".join(["path,emotion", *rows]))
    done = run("cross", corpora / "first", "t.csv")
    assert done.status == 2
    assert "nothing in 't.csv' says who speaks" in done.err
