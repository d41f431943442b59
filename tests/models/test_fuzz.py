"""Thousands of changed model files: each loads as it was, or is refused for a foreseen reason."""

import contextlib
import copy
import random
import warnings
from pathlib import Path

import numpy as np
import pytest

from ser_estimators import load_model, save_model
from ser_estimators.exceptions import ModelFileError
from ser_estimators.models._files.errors import MismatchError

from .helpers import (
    clip_models,
    clips,
    document_of,
    fit_table_model,
    outputs,
    sealed_file,
    split_file,
    table,
)

FILE = Path("model.safetensors")
ORDINARY = (ValueError, TypeError, RuntimeError, AttributeError, IndexError)
TABLES = ("SVC", "voting", "stacking", "isotonic", "sigmoid", "mlp", "scalers", "LDA eigen")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Return (content, model) of models of most kinds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("originals"))
        models = [clip_models()["cnn and logistic regression"]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            models += [fit_table_model(name) for name in TABLES]
        small = table(12)
        for name in ("RandomForestClassifier", "DecisionTreeClassifier"):
            models.append(fit_table_model(name, X=small[0], y=small[1]))
        return [(save_model(model, FILE).read_bytes(), model) for model in models]


def try_to_load(content):
    """Return a model, or None if it is refused for a reason that was foreseen."""
    FILE.write_bytes(content)
    try:
        return load_model(FILE)
    except ModelFileError as error:
        refusal = error
    assert isinstance(refusal.__cause__, MismatchError), repr(refusal.__cause__)
    assert len(str(refusal)) < 800
    assert "\n" not in str(refusal)
    return None


def changed_bytes(content, rng):
    """Return content with a few bytes changed, removed, repeated or moved."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        # As often in the header as in the values, which are larger.
        end = rng.choice([16, len(changed) // 2, len(changed)])
        at = rng.randrange(max(min(end, len(changed)), 1))
        kind = rng.randrange(5)
        if kind == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[at : at + rng.choice([1, 8, 1000])]
        elif kind == 2:
            changed[at:at] = changed[at : at + rng.choice([1, 8, 1000])]
        elif kind == 3:
            changed[at : at + 8] = rng.choice([0, 1, 2**31, 2**63, 2**64 - 1]).to_bytes(8, "little")
        else:
            other = rng.randrange(len(changed))
            changed[at : at + 8], changed[other : other + 8] = (
                changed[other : other + 8],
                changed[at : at + 8],
            )
    return bytes(changed)


VALUES = [None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, -(2**63), 10**30, 0.5, -1.5, 1e300, ""]
VALUES += ["a", "../../etc/passwd", "os.system", "auto", "linear", [], [0], {}, {"a": 1}]
VALUES += [{"float": "nan"}, {"tuple": [1, 2]}, {"dict": {}}, {"tensor": "0.SVC.coef_"}]
VALUES += [{"same": 0}, {"estimator": "SVC", "params": {}, "defaults": {}}, {"rows": "a"}]
VALUES += [{"labels": ["<U99999", ["a"]]}, {"scalar": ["int64", 3]}, {"splitter": "KFold"}]


def places(node, found=None):
    """Return (container, key) of every value in JSON."""
    found = [] if found is None else found
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        found.append((node, key))
        if isinstance(value, (dict, list)):
            places(value, found)
    return found


def changed_structure(content, rng):
    """Return a file whose description or values were changed, with a checksum that is right."""
    header, data = split_file(content)
    document = document_of(content)
    header = {name: entry for name, entry in header.items() if name != "__metadata__"}
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(6)
        if kind < 3:
            root = document if kind else header
            choices = places(root)
            if not choices:
                continue
            node, key = rng.choice(choices)
            if kind == 1 and isinstance(node, dict) and rng.random() < 0.3:
                node[rng.choice(["new", f"{key}x", "estimator", "C"])] = node.pop(key)
            elif rng.random() < 0.2:
                del node[key]
            elif rng.random() < 0.5:
                node[key] = copy.deepcopy(rng.choice(VALUES))
            else:
                other, its_key = rng.choice(choices)
                node[key] = copy.deepcopy(other[its_key])
        elif kind == 3 and len(data) >= 8:
            at = rng.randrange(len(data) // 8) * 8
            value = rng.choice([0, -1, 1, 2**62, 5, -(2**63)])
            data[at : at + 8] = value.to_bytes(8, "little", signed=True)
        elif kind == 4 and len(data) >= 8:
            at = rng.randrange(len(data) // 8) * 8
            value = rng.choice([np.nan, np.inf, -np.inf, 1e300, -1.0, 0.0])
            data[at : at + 8] = np.float64(value).tobytes()
        elif kind == 5 and len(header) > 1:
            first, second = rng.sample(sorted(header), 2)
            header[first], header[second] = header[second], header[first]
    try:
        return sealed_file(document, header, bytes(data))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None  # the checksum needs a header that makes sense


def run(originals, n_files, change, seed):
    """Load changed files; return how many loaded, and how many were refused."""
    rng = random.Random(seed)
    X, recordings = table()[0], clips(3)
    n_loaded = n_refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(n_files):
            content, model = originals[number % len(originals)]
            changed = change(content, rng)
            if changed is None:
                continue
            loaded = try_to_load(changed)
            if loaded is None:
                n_refused += 1
                continue
            n_loaded += 1
            data = recordings if hasattr(model, "steps") and "mfcc" in dict(model.steps) else X
            if change is changed_bytes:
                assert changed == content
            # It may predict anything, or raise, but not crash or take memory without end.
            with contextlib.suppress(*ORDINARY):
                outputs(loaded, data)
    return n_loaded, n_refused


def test_changed_bytes_are_refused(originals):
    _, n_refused = run(originals, 600, changed_bytes, seed=0)
    assert n_refused > 500


def test_changed_structures_load_or_are_refused(originals):
    n_loaded, n_refused = run(originals, 600, changed_structure, seed=3)
    assert n_refused > 300
    assert n_loaded > 30


@pytest.mark.slow
def test_twenty_thousand_changed_files(originals):
    n_loaded, n_refused = run(originals, 10_000, changed_bytes, seed=2)
    assert n_refused + n_loaded == 10_000
    n_loaded, n_refused = run(originals, 12_000, changed_structure, seed=3)
    assert n_refused + n_loaded > 10_000
    assert n_loaded > 500
