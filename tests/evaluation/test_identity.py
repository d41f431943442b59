"""Digests are equal for equal values, in every process, and differ for others."""

import functools
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from skorch.callbacks import LRScheduler

from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    MFCCTransformer,
    SpectrogramAugmentation,
    make_ser_pipeline,
)
from ser_estimators.evaluation._identity import digest

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_a_copy_has_the_same_digest(value):
    assert digest(pickle.loads(pickle.dumps(value)), "x") == digest(value, "x")


def canonical(value):
    """Return a text that only equal values of equal types have, whatever the order of dicts."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(map(canonical, value.items()))) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ", ".join(map(canonical, value)) + ")"
    return repr(value)


@given(values, values)
@example(1, True)
@example(0.0, -0.0)
@example(["a", "bc"], ["ab", "c"])
def test_other_values_have_other_digests(one, two):
    assert (digest(one, "x") == digest(two, "x")) == (canonical(one) == canonical(two))


@given(st.dictionaries(st.text(), plain), st.sets(st.text()))
def test_the_order_of_dicts_and_sets_is_ignored(mapping, strings):
    backwards = dict(reversed(mapping.items()))
    assert digest(mapping, "x") == digest(backwards, "x")
    grown = set()
    for string in sorted(strings):
        grown |= {string}
    assert digest(strings, "x") == digest(grown, "x")


ARRAYS = [
    np.arange(6),
    np.arange(6).reshape(2, 3),
    np.arange(6.0),
    np.arange(6)[::-1],
    np.arange(6) > 2,
    np.array(["a", "b"]),
    np.array(["a", "b"], dtype=object),
    np.array(["a", 1], dtype=object),
    np.array(["a", "b"], dtype=np.dtypes.StringDType()),
]


def test_arrays():
    digests = [digest(array, "x") for array in ARRAYS]
    assert len(set(digests)) == len(ARRAYS)
    assert digests == [digest(array.copy(), "x") for array in ARRAYS]
    strided = np.arange(12)[::2]
    assert digest(strided, "x") == digest(np.ascontiguousarray(strided), "x")


class Custom(torch.nn.Module):
    """A network of a user."""

    width = 4

    def __init__(self, n_rows, embedding_dim):
        super().__init__()
        self.linear = torch.nn.Linear(n_rows, embedding_dim)

    def forward(self, x):
        return self.linear(x.mean(dim=-1))


def make_custom(n_rows, embedding_dim):
    return Custom(n_rows, embedding_dim)


class Plain:
    """An object that is no estimator."""

    def __init__(self, value):
        self.value = value


def estimators():
    """Return pairs of names and estimators, each different from all others."""
    yield from {
        "pipeline": make_ser_pipeline(random_state=0),
        "other seed": make_ser_pipeline(random_state=1),
        "generator": make_ser_pipeline(random_state=np.random.RandomState(0)),
        "other generator": make_ser_pipeline(random_state=np.random.RandomState(1)),
        "features": make_pipeline(AcousticFeatures(["rms"]), LogisticRegression()),
        "other features": make_pipeline(AcousticFeatures(["f0"]), LogisticRegression()),
        "stronger": LogisticRegression(C=0.1),
        "weaker": LogisticRegression(C=0.2),
        "class": CNNEmbedder(network=Custom),
        "function": CNNEmbedder(network=make_custom),
        "lambda": CNNEmbedder(network=lambda rows, size: Custom(rows, size)),
        "other lambda": CNNEmbedder(network=lambda rows, size: Custom(rows, size + 0)),
        "partial": CNNEmbedder(network=functools.partial(make_custom, 3)),
        "other partial": CNNEmbedder(network=functools.partial(make_custom, 4)),
        "callback": CNNEmbedder(callbacks=[LRScheduler("StepLR", step_size=3)]),
        "other callback": CNNEmbedder(callbacks=[LRScheduler("StepLR", step_size=4)]),
        "augmentation": CNNEmbedder(augmentation=SpectrogramAugmentation(gain=0.1)),
        "other augmentation": CNNEmbedder(augmentation=SpectrogramAugmentation(gain=0.2)),
        "splitter": GroupKFold(3),
        "other splitter": GroupKFold(4),
        "scorer": make_scorer(recall_score, average="macro"),
        "other scorer": make_scorer(recall_score, average="micro"),
        "object": Plain([1, {"a": 2}]),
        "other object": Plain([1, {"a": 3}]),
        "ufunc": np.log,
        "other ufunc": np.exp,
        "builtin": len,
        "method": Plain(1).__init__,
        "bound": [1, 2].index,
        "torch": torch.relu,
        "module": os,
        "a file name": Path("a.wav"),
    }.items()


def test_estimators_and_other_objects():
    found = {name: digest(value, "x") for name, value in estimators()}
    assert len(set(found.values())) == len(found)
    assert found == {name: digest(value, "x") for name, value in estimators()}


def test_digests_are_the_same_in_another_process():
    """Hashes of strings, addresses and the order of sets differ between processes."""
    code = (
        "import json; from tests.evaluation.test_identity import estimators, digest\n"
        "print(json.dumps({name: digest(value, 'x') for name, value in estimators()}))"
    )
    root = Path(__file__).parent.parent.parent
    here = {name: digest(value, "x") for name, value in estimators()}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )  # fmt: skip
    assert json.loads(done.stdout) == here


def test_parameters_that_change_no_result_are_ignored():
    one = MFCCTransformer(n_jobs=2, verbose=1, memory="cache")
    assert digest(one, "x") == digest(MFCCTransformer(), "x")
    assert digest(make_pipeline(one, memory="cache"), "x") == digest(make_pipeline(clone(one)), "x")
    assert digest(MFCCTransformer(n_mfcc=20), "x") != digest(MFCCTransformer(), "x")


class Remembering(BaseEstimator):
    """Has a parameter whose name usually means a cache."""

    def __init__(self, memory=1):
        self.memory = memory


def test_a_memory_that_is_a_length_is_not_ignored():
    assert digest(Remembering(1), "x") != digest(Remembering(2), "x")


def test_the_fitted_state_matters_if_a_clone_keeps_it():
    X = np.arange(8.0).reshape(4, 2)
    one = LogisticRegression().fit(X, [0, 1, 0, 1])
    two = LogisticRegression().fit(X, [0, 0, 1, 1])
    assert digest(one, "x") == digest(two, "x")
    assert digest(FrozenEstimator(one), "x") != digest(FrozenEstimator(two), "x")
    again = pickle.loads(pickle.dumps(FrozenEstimator(one)))
    assert digest(again, "x") == digest(FrozenEstimator(one), "x")


def class_of(code):
    """Return the class that some code defines, in a module without a version."""
    scope = {"__name__": "users_module"}
    exec(code, scope)
    return scope["Made"]


def test_a_class_of_the_user_is_identified_by_its_code():
    code = "class Made:\n    size = 3\n    def f(self, a=1):\n        return [a, 2]\n"
    same = digest(class_of(code), "x")
    assert digest(class_of("\n\n# Elsewhere in a file.\n" + code), "x") == same
    for old, new in (("2]", "3]"), ("a=1", "a=2"), ("size = 3", "size = 4"), ("[a,", "[-a,")):
        assert digest(class_of(code.replace(old, new)), "x") != same, new
    child = code + "class Made(Made):\n    pass\n"
    other = code.replace("2]", "3]") + "class Made(Made):\n    pass\n"
    assert digest(class_of(child), "x") != digest(class_of(other), "x")


def test_classes_that_refer_to_themselves():
    class Recursive:
        def __init__(self):
            super().__init__()

        @property
        def kind(self):
            return Recursive

        @functools.cached_property
        def cached(self):
            return 1

        @staticmethod
        def make():
            return Recursive()

        @classmethod
        def of(cls):
            return cls()

    assert digest(Recursive, "x") == digest(Recursive, "x")
    loop = []
    loop.append(loop)
    assert digest(loop, "x") == digest(loop, "x")


def test_a_variable_of_a_function_that_is_not_assigned_yet():
    def outer():
        function = lambda: later  # noqa: E731
        before = digest(function, "x")
        later = 1
        return before, digest(function, "x")

    before, after = outer()
    assert before != after


def test_a_file_is_identified_by_its_last_change(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    first = digest([str(path)], "X", has_files=True)
    assert digest([path], "X", has_files=True) == first
    assert digest([os.path.relpath(path)], "X", has_files=True) == first
    assert digest([str(path)], "X") != first
    path.write_bytes(b"other")
    second = digest([str(path)], "X", has_files=True)
    assert second != first
    status = path.stat()
    path.write_bytes(b"third")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest([str(path)], "X", has_files=True) != second  # by the change time of the inode
    path.unlink()
    assert digest([str(path)], "X", has_files=True) == digest([str(path)], "X")


@pytest.mark.parametrize(
    "clip",
    [
        b"RIFF",
        (np.arange(3.0), 16000),
        {"array": np.arange(3.0), "sampling_rate": 16000},
        Plain(np.arange(3.0)),
    ],
)
def test_any_kind_of_clip_has_a_digest(clip):
    assert digest(clip, "X", has_files=True) == digest(pickle.loads(pickle.dumps(clip)), "X")


def test_what_cannot_be_identified_is_refused():
    with open("log.txt", "w") as file:
        estimator = CNNEmbedder(callbacks=[Plain({"file": file})])
        message = (
            r"^estimator.callbacks\['value'\]\['file'\] is <_io.TextIOWrapper .* which cannot be "
            r"identified in a later run \(cannot pickle .*\); pass another value, or leave out res"
        )
        with pytest.raises(TypeError, match=message) as caught:
            digest(estimator, "estimator")
    assert len(str(caught.value)) < 500


def test_splitters_are_told_apart_from_their_parameters():
    one, two = (StratifiedKFold(3, shuffle=True, random_state=seed) for seed in (0, 1))
    assert digest(one, "x") != digest(two, "x")


SCALE = 1
TABLE = {"scale": [1, 2]}


def scaled(X):
    return X * SCALE + helped(X)


def helped(X):
    return X + TABLE["scale"][0]


def test_global_values_and_functions_that_a_function_names_matter(monkeypatch):
    before = digest(scaled, "X")
    assert digest(scaled, "X") == before
    monkeypatch.setattr(f"{__name__}.SCALE", 2)
    changed = digest(scaled, "X")
    monkeypatch.setitem(TABLE, "scale", [3])
    assert len({before, changed, digest(scaled, "X")}) == 3
