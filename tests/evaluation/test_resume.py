"""An evaluation goes on where it was interrupted, and never uses folds of another one."""

import os
import subprocess
import sys
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from ser_estimators import CNNEmbedder
from ser_estimators.evaluation import _store, evaluate

from .equality import assert_equal

X = np.random.default_rng(0).normal(size=(24, 5))
Y = np.tile(["anger", "fear", "joy"], 8)
SPEAKERS = np.repeat(list("abcdef"), 4)


class Counting(DummyClassifier):
    """Counts its fits, and draws its predictions from the global generator."""

    n_fits = 0

    def __init__(self, strategy="uniform", random_state=None):
        super().__init__(strategy=strategy, random_state=random_state)

    def fit(self, X, y):
        Counting.n_fits += 1
        self.history_ = [{"epoch": 1, "loss": 1 / 3, "rate": np.float32(0.1)}]
        return super().fit(X, y)


def run(estimator=None, *, X=X, y=Y, speakers=SPEAKERS, **arguments):
    """Return a report, and how many fits it took."""
    arguments = {"cv": 3, "check_leaks": False, "resume": "finished"} | arguments
    Counting.n_fits = 0
    report = evaluate(Counting() if estimator is None else estimator, X, y, speakers, **arguments)
    return report, Counting.n_fits


def assert_same(one, two):
    """Assert that two reports are equal, with the type of every value."""
    assert list(one.protocols) == list(two.protocols)
    for a, b in zip(one.protocols.values(), two.protocols.values(), strict=True):
        for field in fields(a):
            if field.name not in ("folds", "scores"):
                assert_equal(getattr(a, field.name), getattr(b, field.name))
        for x, y in zip(a.folds, b.folds, strict=True):
            for field in fields(x):
                assert_equal(getattr(x, field.name), getattr(y, field.name))
        assert a.summary() == b.summary() or np.isnan(a.scores.low.accuracy)


@pytest.mark.parametrize(
    "y",
    [
        Y,
        list(Y),
        Y.astype(object),
        np.arange(24) % 3,
        [0, 1, 2] * 8,
        np.arange(24.0) % 3,
        np.arange(24) % 2 > 0,
    ],
    ids=["strings", "list", "objects", "int", "list of int", "float", "bool"],
)
def test_a_finished_evaluation_is_loaded(y):
    one, n_fits = run(y=y, random_split=True)
    assert n_fits == 6
    again, n_fits = run(y=y, random_split=True)
    assert n_fits == 0
    assert_same(one, again)
    assert one.main.folds[0].fit_seconds > 0


def test_estimators_without_probabilities():
    one, _ = run(RidgeClassifier())
    again, _ = run(RidgeClassifier())
    assert one.main.probabilities is again.main.probabilities is None
    assert_same(one, again)


def test_a_network_with_its_learning_curve():
    cnn = CNNEmbedder(network="mlp", n_networks=1, max_epochs=2, random_state=0)
    one, _ = run(cnn)
    again, _ = run(cnn)
    assert len(again.main.folds[0].history) == 2
    assert_same(one, again)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_is_missing_is_run(n_jobs, capsys):
    one, _ = run(random_split=True)
    folders = sorted(Path("finished").iterdir())
    assert [folder.name.rsplit("-", 1)[0] for folder in folders] == [
        "random-split",
        "speaker-independent",
    ]
    Path(folders[1], "fold-002.npz").unlink()
    again, _ = run(random_split=True, n_jobs=n_jobs, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        f"[evaluate] speaker-independent: 2 of 3 folds loaded from {str(folders[1].absolute())!r}"
    )
    assert lines[-1].startswith("[evaluate] random split: 3 of 3 folds loaded")
    for number in (0, 2):
        assert_equal(one.main.folds[number].fit_seconds, again.main.folds[number].fit_seconds)
    assert run(random_split=True)[1] == 0


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from sklearn.dummy import DummyClassifier
from ser_estimators.evaluation import evaluate

class Killed(DummyClassifier):
    def fit(self, X, y):
        self.history_ = [{"epoch": 1, "loss": float(np.sum(X))}]
        with open("fits.txt", "a") as file:
            file.write("x")
        if os.path.getsize("fits.txt") == 3 and "killed" in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)

def main(folder, n_jobs):
    X, y = np.arange(48.0).reshape(24, 2), ["a", "b"] * 12
    report = evaluate(
        Killed(strategy="uniform", random_state=0), X, y, np.repeat(list("uvwxyz"), 4), cv=6,
        random_split=True, check_leaks=False, resume=folder, n_jobs=n_jobs,
    )
    for protocol in report.protocols.values():
        print(protocol.probabilities.tolist(), protocol.y_pred.tolist(), protocol.summary())
        print([(fold.history, fold.train.tolist()) for fold in protocol.folds])

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
"""


def execute(*arguments):
    Path("killed.py").write_text(KILLED)
    Path("fits.txt").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "killed.py", *arguments], capture_output=True, text=True)
    return done, Path("fits.txt").stat().st_size


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return what an evaluation prints that nobody kills."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("undisturbed"))
        done, n_fits = execute("finished", "1")
    assert n_fits == 12
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("n_jobs", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_process_that_is_killed_goes_on(undisturbed, n_jobs):
    killed, _ = execute("finished", n_jobs, "killed")
    assert killed.returncode != 0
    n_finished = len(list(Path("finished").glob("*/*.npz")))
    assert 1 <= n_finished < 12
    resumed, n_fits = execute("finished", "1")
    assert n_fits == 12 - n_finished
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == undisturbed
    assert not resumed.stderr


def test_a_file_that_was_being_written_is_ignored():
    """A process that is killed leaves the file beside the place of the fold."""
    run()
    (folder,) = Path("finished").iterdir()
    (folder / ".fold-001.npz-abc").write_bytes((folder / "fold-001.npz").read_bytes()[:99])
    (folder / "fold-001.npz").unlink()
    assert run()[1] == 1


CHANGES = [
    {"estimator": Counting(strategy="prior")},
    {"estimator": Counting(random_state=0)},
    {"estimator": make_pipeline("passthrough", Counting())},
    {"X": X + 1},
    {"X": X[:, :4]},
    {"y": np.tile(["anger", "joy", "fear"], 8)},
    {"speakers": np.repeat(list("abcdeg"), 4)},
    {"speakers": "unknown"},
    {"random_state": 1},
    {"cv": 2},
    {"cv": GroupKFold(3)},
    {"cv": LeaveOneGroupOut()},
    {"param_grid": {"strategy": ["uniform"]}},
    {"X_test": X[:6], "y_test": Y[:6], "speakers_test": SPEAKERS[:6], "cv": None},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: "-".join(changes))
def test_folds_of_another_evaluation_are_never_used(changes):
    estimator = changes.get("estimator")
    changes = {name: value for name, value in changes.items() if name != "estimator"}
    expected, n_fits = run(estimator, **changes, resume=None)
    assert n_fits > 0
    run()
    report, n_changed = run(estimator, **changes)
    assert n_changed == n_fits
    assert len(report.main.tested) == len(expected.main.tested)
    assert run()[1] == run(estimator, **changes)[1] == 0  # both are in the folder


def test_the_grid_and_the_scoring_matter():
    grid = {"strategy": ["prior", "uniform"], "random_state": [0]}
    assert run(param_grid=grid)[1] > 0
    assert run(param_grid=grid)[1] == 0
    assert run(param_grid=[grid])[1] > 0
    assert run(param_grid=grid, scoring="accuracy")[1] > 0


def test_versions_matter(monkeypatch):
    run()
    real = _store.version
    with monkeypatch.context() as patched:
        patched.setattr(_store, "version", lambda name: "0.0" if name == "torch" else real(name))
        assert run()[1] == 3
    assert run()[1] == 0


def test_metadata_routing_matters():
    run()
    with sklearn.config_context(enable_metadata_routing=True):
        assert run()[1] == 3
        assert run()[1] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": 0.9},
        {"name": "other"},
        {"corpus": "other"},
        {"n_jobs": 2},
        {"verbose": 1},
        {"check_leaks": True},
        {"metadata": {"sex": ["female"] * 24}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_does_not_change_a_fold_is_ignored(changes):
    one, _ = run()
    again, n_fits = run(**changes)
    assert n_fits == 0
    assert_equal(one.main.y_pred, again.main.y_pred)


def test_files_are_recognized_by_their_last_change(voices):
    paths = []
    for index, source in enumerate(voices.data):
        paths.append(f"{index}.wav")
        Path(paths[-1]).write_bytes(Path(source).read_bytes())
    arguments = {"X": paths, "y": voices.target, "speakers": voices.speakers}
    assert run(**arguments)[1] == 3
    assert run(**arguments)[1] == 0
    assert run(**arguments | {"X": [os.path.abspath(path) for path in paths]})[1] == 0
    Path(paths[3]).write_bytes(Path(voices.data[4]).read_bytes())
    assert run(**arguments)[1] == 3


GRIDS = [
    {"logisticregression__C": [0.1, 1.0], "minmaxscaler__feature_range": [(0, 1), (0, 2)]},
    [{"logisticregression__C": np.array([0.1, 1.0])}, {"logisticregression__C": [10]}],
    {"minmaxscaler": [StandardScaler(), "passthrough", MinMaxScaler((0, 3))]},
    {"logisticregression__class_weight": [None, {"anger": 2, "fear": 1, "joy": 1}]},
]


@pytest.mark.parametrize("grid", GRIDS, ids=range(4))
@pytest.mark.parametrize("is_own", [False, True])
def test_best_parameters_come_back(grid, is_own):
    estimator = make_pipeline(MinMaxScaler(), LogisticRegression())
    arguments = {"param_grid": grid}
    if is_own:
        estimator, arguments = GridSearchCV(estimator, grid, cv=GroupKFold(3)), {}
    one, _ = run(estimator, cv=2, **arguments)
    again, _ = run(estimator, cv=2, **arguments)
    for a, b in zip(one.main.folds, again.main.folds, strict=True):
        assert a.fit_seconds == b.fit_seconds
        assert repr(a.best_params) == repr(b.best_params)
        assert_equal(a.best_params, b.best_params)


def test_best_parameters_that_were_drawn_come_back():
    from scipy.stats import loguniform

    search = RandomizedSearchCV(
        LogisticRegression(), {"C": loguniform(0.1, 10)}, n_iter=2, cv=GroupKFold(3), random_state=0
    )
    one, _ = run(search)
    again, _ = run(search)
    assert_same(one, again)


class Drawn:
    """A distribution of values that no JSON can represent."""

    def rvs(self, random_state=None):
        return StandardScaler()


def test_a_fold_that_cannot_be_stored_is_reported_and_used():
    search = RandomizedSearchCV(
        make_pipeline(MinMaxScaler(), LogisticRegression()),
        {"minmaxscaler": Drawn()}, n_iter=1, cv=GroupKFold(3),
    )  # fmt: skip
    message = r"fold \d is finished, but was not stored for resume in '.*': best_params_\['minmax"
    with pytest.warns(UserWarning, match=message) as caught:
        report, _ = run(search)
    assert len(caught) == 3
    assert len(report.main.y_pred) == 24
    assert not list(Path("finished").glob("*/*.npz"))


class Filling(Counting):
    """Removes the folder of results, as if a disk were unplugged."""

    def fit(self, X, y):
        (folder,) = Path("finished").iterdir()
        (folder / "evaluation.json").unlink(missing_ok=True)
        if folder.exists():
            folder.rmdir()
        return super().fit(X, y)


def test_a_folder_that_vanishes_loses_no_result():
    with pytest.warns(UserWarning, match="was not stored for resume in .*no such folder") as caught:
        report, n_fits = run(Filling(), cv=[(range(12), range(12, 24))])
    assert len(caught) == n_fits == 1
    assert len(report.main.y_pred) == 12


def test_a_damaged_fold_is_run_again():
    one, _ = run()
    (path, *_) = sorted(Path("finished").glob("*/*.npz"))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.warns(
        UserWarning, match=r"fold-001.npz' could not be used \(BadZipFile.*run again"
    ):
        report, n_fits = run()
    assert n_fits == 1
    assert run()[1] == 0
    np.testing.assert_array_equal(report.main.y_true, one.main.y_true)


@pytest.mark.parametrize(
    ("resume", "error", "message"),
    [
        (3, TypeError, "resume is 3; expected a folder, which need not exist"),
        ("", ValueError, "resume is empty; expected a folder"),
        ("file.txt", ValueError, "resume is 'file.txt', which is a file; expected a folder"),
    ],
)
def test_bad_folders(resume, error, message):
    Path("file.txt").write_text("")
    with pytest.raises(error, match=message):
        run(resume=resume)


class Unidentified:
    """Can be copied, but not pickled."""

    def __deepcopy__(self, memo):
        return self

    def __reduce_ex__(self, protocol):
        raise TypeError("no")


def test_parameters_that_cannot_be_identified_are_refused_before_training():
    message = (
        r"^estimator.random_state is .*Unid.* cannot be identified in a later run \(no\); pass"
    )
    with pytest.raises(TypeError, match=message):
        run(Counting(random_state=Unidentified()))
    assert Counting.n_fits == 0


def test_splits_without_a_seed_are_others_each_time():
    cv = StratifiedKFold(3, shuffle=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run(cv=cv)[1] == run(cv=cv)[1] == 3
