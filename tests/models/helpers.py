"""Small fitted models of every kind, and changes of their files."""

import contextlib
import hashlib
import json
import warnings

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from ser_estimators import (
    AcousticFeatures,
    AudioRanges,
    CNNEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SelectiveClassifier,
    SpectrogramAugmentation,
    SpectrogramCNN,
)

EMOTIONS = np.array(["anger", "fear", "sadness"])
SMALL = {
    "n_networks": 2,
    "embedding_dim": 4,
    "max_epochs": 1,
    "random_state": 0,
    "device": "cpu",
    "precision": "float32",
}


def clips(n=12):
    """Return clips of a quarter of a second."""
    rng = np.random.default_rng(0)
    return [(0.1 * rng.normal(size=4000)).astype(np.float32) for _ in range(n)]


def clip_labels(n=12):
    return EMOTIONS[np.arange(n) % 3]


def table(n=60, n_features=5):
    """Return a table of three classes."""
    rng = np.random.default_rng(1)
    y = EMOTIONS[np.arange(n) % 3]
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    X[:, 1] += np.arange(n) % 3
    return X, y


def cnn(**parameters):
    own = {
        "network": SpectrogramCNN((4, 4, 4), se_ratio=0.25),
        "augmentation": SpectrogramAugmentation(gain=0.1),
    }
    return CNNEmbedder(**SMALL | own | parameters)


def clip_models():
    """Return fitted models of clips by name."""
    features = AcousticFeatures(("mfcc", "rms"), n_mfcc=4)
    mfcc = MFCCTransformer(n_mfcc=13, n_jobs=2, memory="cache")
    mlp = CNNEmbedder(network=FeatureMLP((5, 3)), **SMALL)
    models = {
        "cnn": Pipeline([("mfcc", MFCCTransformer(n_mfcc=13, deltas=1)), ("cnn", cnn())]),
        "cnn and logistic regression": Pipeline(
            [("mfcc", mfcc), ("cnn", cnn(device="cpu")), ("lr", LogisticRegression())], verbose=True
        ),
        "mlp": Pipeline([("features", features), ("scale", StandardScaler()), ("mlp", mlp)]),
        "union": make_pipeline(
            FeatureUnion(
                [
                    ("acoustic", features),
                    ("cnn", make_pipeline(MFCCTransformer(n_mfcc=8), cnn(network="cnn"))),
                ],
                transformer_weights={"cnn": 2.0},
            ),
            # The features are not scaled, so it needs more iterations than the default.
            LogisticRegression(C=0.1, max_iter=1000),
        ),
        "ranges": make_pipeline(AudioRanges(), features, LogisticRegression(max_iter=1000)),
        "transformer": MFCCTransformer(n_mfcc=13, window=("kaiser", 8.0)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return {name: model.fit(clips(), clip_labels()) for name, model in models.items()}


def table_models():
    """Return models of tables, not fitted, by name."""
    forest = {"n_estimators": 7, "random_state": 0}
    voters = [("lr", LogisticRegression()), ("gone", "drop"), ("nb", GaussianNB())]
    return {
        "LogisticRegression": LogisticRegression(class_weight={"anger": 2.0}),
        "LinearSVC": LinearSVC(random_state=0),
        "SVC": SVC(C=3.0),
        "SVC linear": SVC(kernel="linear", decision_function_shape="ovo"),
        "SVC poly": SVC(kernel="poly", degree=2, coef0=1.0, gamma=0.1, break_ties=True),
        "RandomForestClassifier": RandomForestClassifier(**forest, max_depth=4),
        "RandomForestClassifier oob": RandomForestClassifier(n_estimators=40, oob_score=True),
        "ExtraTreesClassifier": ExtraTreesClassifier(**forest),
        "DecisionTreeClassifier": DecisionTreeClassifier(random_state=0),
        "ExtraTreeClassifier": ExtraTreeClassifier(random_state=0),
        "LDA": LinearDiscriminantAnalysis(),
        "LDA lsqr": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5),
        "LDA eigen": LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto"),
        "GaussianNB": GaussianNB(),
        "DummyClassifier": DummyClassifier(strategy="stratified", random_state=0),
        "PCA": make_pipeline(PCA(2, whiten=True), LogisticRegression()),
        "scalers": make_pipeline(
            StandardScaler(with_mean=False),
            MinMaxScaler(),
            RobustScaler(with_centering=False),
            Normalizer("l1"),
            VarianceThreshold(),
            LogisticRegression(),
        ),
        "sigmoid": CalibratedClassifierCV(LinearSVC(), cv=StratifiedKFold(3)),
        "isotonic": CalibratedClassifierCV(SVC(), method="isotonic", cv=3),
        "temperature": CalibratedClassifierCV(
            LogisticRegression(), method="temperature", ensemble=False
        ),
        "frozen": CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(*table()))),
        "voting": VotingClassifier(voters, voting="soft", weights=[2, 5, 1]),
        "hard voting": VotingClassifier(voters, n_jobs=1, verbose=False),
        "stacking": StackingClassifier(
            [("svc", SVC()), ("forest", RandomForestClassifier(**forest))],
            LogisticRegression(),
            cv=StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(0)),
            passthrough=True,
        ),
        "passthrough": Pipeline(
            [("nothing", "passthrough"), ("none", None), ("lr", LogisticRegression())]
        ),
        # fit replaces "passthrough" in a FeatureUnion.
        "union": make_pipeline(
            FeatureUnion([("same", "passthrough"), ("gone", "drop"), ("scaled", StandardScaler())]),
            LogisticRegression(),
        ),
        "mlp": CNNEmbedder(network="mlp", **SMALL),
        "selective": SelectiveClassifier(
            LogisticRegression(), threshold=0.6, cv=StratifiedKFold(2)
        ),
        "selective always": SelectiveClassifier(GaussianNB()),
        "frozen selective": SelectiveClassifier(
            FrozenEstimator(make_pipeline(StandardScaler(), GaussianNB()).fit(*table())),
            precision=0.5,
            unsure="?",
        ),
        "groups": StackingClassifier([("nb", GaussianNB())], cv=GroupKFold(2)),
    }


def fit_table_model(name, y=None, X=None):
    """Return one of `table_models`, fitted."""
    own_X, own_y = table()
    X, y = own_X if X is None else X, own_y if y is None else y
    model = table_models()[name]
    if name == "groups":
        return model.set_params(cv=2).fit(X, y).set_params(cv=GroupKFold(2))
    return model.fit(X, y)


def outputs(model, X):
    """Return all predictions of a model."""
    found = {}
    for name in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(model, name):
            # Some solvers of discriminant analysis cannot transform.
            with contextlib.suppress(NotImplementedError):
                found[name] = getattr(model, name)(X)
    return found


def split_file(content):
    """Return the header of a safetensors file as a dict, and the values of its tensors."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def join_file(header, data):
    """Return the content of a safetensors file."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def document_of(content):
    return json.loads(split_file(content)[0]["__metadata__"]["ser_estimators"])


def changed_file(content, change):
    """Return a file whose document and header were changed, with a checksum that is right.

    Parameters
    ----------
    content : bytes
    change : callable
        ``change(document, header)`` changes both in place.
    """
    header, data = split_file(content)
    document = json.loads(header["__metadata__"]["ser_estimators"])
    change(document, header)
    return sealed_file(document, header, data)


def sealed_file(document, header, data):
    """Return a file with a checksum, as somebody would write it on purpose."""
    document["sha256"] = "0" * 64
    text = json.dumps(document, separators=(",", ":"))
    digest = hashlib.sha256(text.encode())
    names = {"F32": "float32", "F64": "float64", "I64": "int64", "I32": "int32", "U8": "uint8"}
    names |= {"BOOL": "bool", "U32": "uint32"}
    for name, entry in sorted(header.items()):
        if name == "__metadata__":
            continue
        start, stop = (*entry["data_offsets"], 0)[:2]
        label = f"{name} {names.get(entry['dtype'], entry['dtype'])} {list(entry['shape'])}\n"
        digest.update(label.encode() + data[start:stop])
    document["sha256"] = digest.hexdigest()
    text = json.dumps(document, separators=(",", ":"))
    return join_file(header | {"__metadata__": {"ser_estimators": text}}, data)
