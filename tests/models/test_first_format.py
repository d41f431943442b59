"""Model files of the first format, which every later version must load.

They were written by ``python -m tests.models.test_first_format`` when the format was new, and are
never written again.
"""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from ser_estimators import (
    AcousticFeatures,
    CNNEmbedder,
    FeatureMLP,
    MFCCTransformer,
    load_model,
    save_model,
)
from ser_estimators.models import ModelCard, model_info

from .helpers import SMALL, clip_labels, clips, cnn

FOLDER = Path(__file__).parent.parent / "data" / "model-files-format-1"
NAMES = ("acoustic", "network", "union")
CARD = ModelCard(
    name="Noise",
    license="bsd-3-clause",
    languages=["en"],
    corpora=["noise"],
    scores={"balanced accuracy (UAR)": (0.4, 0.3, 0.5), "accuracy": 0.4},
    audio={"duration": (0.25, 0.25)},
    date="2026-11-26",
)


def fit_models():
    """Return models that contain estimators of most kinds, fitted on noise."""
    acoustic = AcousticFeatures(("mfcc", "rms"), n_mfcc=4)
    forest = ExtraTreesClassifier(5, max_depth=3, random_state=0)
    voters = [
        ("svc", SVC()),
        ("lda", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)),
        ("forest", forest),
    ]
    stack = StackingClassifier(voters, LogisticRegression(), cv=2)
    sigmoid = CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)
    lr = {"class_weight": "balanced", "max_iter": 1000, "random_state": 0}
    mlp = CNNEmbedder(network=FeatureMLP((5, 3)), **SMALL)
    union = FeatureUnion([("acoustic", acoustic), ("cnn", make_pipeline(MFCCTransformer(), cnn()))])
    models = {
        "network": Pipeline(
            [
                ("mfcc", MFCCTransformer(n_mfcc=13, deltas=1)),
                ("cnn", cnn()),
                ("lr", LogisticRegression(**lr)),
            ]
        ),
        "acoustic": make_pipeline(
            acoustic,
            StandardScaler(),
            VotingClassifier([("stack", stack), ("sigmoid", sigmoid), ("mlp", mlp)], voting="soft"),
        ),
        "union": make_pipeline(union, StandardScaler(), LogisticRegression(**lr)),
    }
    return {name: model.fit(clips(24), clip_labels(24)) for name, model in models.items()}


@pytest.mark.parametrize("name", NAMES)
def test_file_of_the_first_format_loads_and_predicts_the_same(name):
    model = load_model(FOLDER / f"{name}.safetensors")
    expected = json.loads((FOLDER / "probabilities.json").read_text())[name]
    np.testing.assert_allclose(model.predict_proba(clips()), expected, atol=1e-3)
    assert model.classes_.tolist() == ["anger", "fear", "sadness"]
    model.fit(clips(), clip_labels())  # and can be fitted again


@pytest.mark.parametrize("name", NAMES)
def test_information_on_a_file_of_the_first_format(name):
    info = model_info(FOLDER / f"{name}.safetensors")
    assert info["format"] == 1
    assert info["sr"] == 16000
    assert info["classes"] == ["anger", "fear", "sadness"]
    assert info["card"]["license"] == "bsd-3-clause"


def test_files_of_the_first_format_are_small_and_complete():
    assert {path.stem for path in FOLDER.glob("*.safetensors")} == set(NAMES)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 200_000


def test_model_of_another_version_of_scikit_learn_loads():
    """Parameters that another version does not have are ignored if they were not set."""
    from .helpers import changed_file, fit_table_model, table

    model = fit_table_model("SVC")
    content = save_model(model, "model.safetensors").read_bytes()

    def older(document, header):
        document["versions"]["scikit-learn"] = "1.0.0"
        document["model"]["defaults"] |= {"gone": "deprecated", "old": 1, "probability": "warn"}
        del document["model"]["defaults"]["break_ties"]

    Path("model.safetensors").write_bytes(changed_file(content, older))
    loaded = load_model("model.safetensors")
    assert loaded.get_params() == model.get_params()
    X, _ = table()
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))

    def with_a_parameter(document, header):
        older(document, header)
        document["model"]["params"]["removed"] = 3

    Path("model.safetensors").write_bytes(changed_file(content, with_a_parameter))
    with pytest.raises(
        ValueError, match="SVC has no parameter 'removed' in this version; load it w"
    ):
        load_model("model.safetensors")


if __name__ == "__main__":
    assert not FOLDER.exists(), f"{FOLDER} is the first of its format, and stays as it is"
    FOLDER.mkdir()
    warnings.simplefilter("ignore")
    probabilities = {}
    for name, model in fit_models().items():
        save_model(model, FOLDER / f"{name}.safetensors", card=CARD)
        probabilities[name] = model.predict_proba(clips()).tolist()
    text = re.sub(r"(\d\.\d{6})\d+", r"\1", json.dumps(probabilities))
    (FOLDER / "probabilities.json").write_text(text + "\n")
    print(f"wrote {FOLDER}")
