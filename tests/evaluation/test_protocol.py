"""Progress of an evaluation."""

import re

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score

from ser_estimators import CNNEmbedder
from ser_estimators.evaluation import evaluate

X = np.random.default_rng(0).normal(size=(24, 5))
Y = np.array(["anger", "fear", "fear"] * 8)
SPEAKERS = np.repeat(list("abcdef"), 4)
START = r"\[evaluate\] ([\w -]+), fold (\d)/3: fitting on (\d+) clips, to be tested on (\d+)"
END = (
    r"\[evaluate\] ([\w -]+), fold (\d)/3: balanced accuracy (\d.\d{3}) on (\d+) clips, fitted in "
    r"\d+ s"
)


def run(estimator=None, **arguments):
    if estimator is None:
        estimator = DummyClassifier(strategy="stratified", random_state=0)
    return evaluate(estimator, X, Y, SPEAKERS, cv=3, check_leaks=False, **arguments)


def test_a_line_when_a_fold_starts_and_when_it_ends(capsys):
    report = run(verbose=1, random_split=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12
    starts = [re.fullmatch(START, line).groups() for line in lines[::2]]
    ends = [re.fullmatch(END, line).groups() for line in lines[1::2]]
    folds = [
        (protocol, number, fold)
        for protocol in report.protocols.values()
        for number, fold in enumerate(protocol.folds, start=1)
    ]
    for (protocol, number, fold), start, end in zip(folds, starts, ends, strict=True):
        expected = (protocol.name, str(number), str(len(fold.train)), str(len(fold.test)))
        assert start == expected
        own = np.isin(protocol.tested, fold.test)
        score = balanced_accuracy_score(protocol.y_true[own], protocol.y_pred[own])
        assert end == (protocol.name, str(number), f"{score:.3f}", str(len(fold.test)))


def test_nothing_is_printed_by_default(capfd):
    run(random_split=True, n_jobs=2)
    cnn = CNNEmbedder(network="mlp", n_networks=1, max_epochs=1, random_state=0)
    run(cnn)
    printed = capfd.readouterr()
    assert not printed.out
    assert not printed.err


@pytest.fixture
def fresh_workers(capfd):
    """Start workers that write to where this test reads."""
    get_reusable_executor().shutdown()
    yield
    get_reusable_executor().shutdown()


def test_lines_of_workers_are_told_apart(capfd, fresh_workers):
    run(verbose=1, n_jobs=2)
    lines = capfd.readouterr().out.splitlines()
    for pattern in (START, END):
        found = [match for line in lines if (match := re.fullmatch(pattern, line))]
        assert sorted(match[2] for match in found) == ["1", "2", "3"]
    assert len(lines) == 6


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_network_shows_its_progress(capfd, verbose):
    run(CNNEmbedder(network="mlp", n_networks=1, max_epochs=2, random_state=0), verbose=verbose)
    printed = capfd.readouterr()
    assert "fold 2/3" in printed.out.splitlines()[5] + printed.err
