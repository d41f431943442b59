"""Changes of model files, each with the model that it is made in and the reason of the refusal."""


def step(document, number):
    """Return the description of a step of a pipeline."""
    return document["model"]["params"]["steps"][number]["tuple"][1]


def cnn_of(document):
    return step(document, 1)


def network_of(document):
    return cnn_of(document)["fitted"]["module_"]["dict"]


def spec_of(document):
    return network_of(document)["spec"]["dict"]


def setter(find, **values):
    """Return a change that sets entries of a part of the document."""

    def change(document, header):
        find(document).update(values)

    return change


def dropper(find, name):
    def change(document, header):
        del find(document)[name]

    return change


def model_of(document):
    return document["model"]


def params_of(document):
    return document["model"]["params"]


def defaults_of(document):
    return document["model"]["defaults"]


def fitted_of(document):
    return document["model"]["fitted"]


def mfcc_of(document):
    return step(document, 0)["params"]


def rename_tensor(document, header):
    name = next(name for name in header if "module_" in name)
    header["9.CNNEmbedder.other.name"] = header.pop(name)


def climb(document, header):
    name = next(name for name in header if "module_" in name)
    header["../../outside"] = header.pop(name)


def unused_tensor(document, header):
    end = max(entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_")
    header["0.SVC.more.more"] = {"dtype": "F32", "shape": [0], "data_offsets": [end, end]}


def use_twice(document, header):
    first, second = [
        name for name in network_of(document)["tensors"]["dict"] if "running_mean" in name
    ][:2]
    tensors = network_of(document)["tensors"]["dict"]
    tensors[second] = tensors[first]


def swap(first, second):
    """Return a change that exchanges the values of two tensors."""

    def change(document, header):
        names = [next(name for name in header if name.endswith(end)) for end in (first, second)]
        a, b = (header[name] for name in names)
        header[names[0]], header[names[1]] = b, a

    return change


def describe(end, **entries):
    """Return a change of the description of a tensor."""

    def change(document, header):
        header[next(name for name in header if name.endswith(end))].update(entries)

    return change


def halved(document, header):
    (size,) = header["0.SVC.support_"]["shape"]
    header["0.SVC.support_"]["shape"] = [2, size // 2]


def step_instead(document, node):
    """Put something else into the place of a step without tensors, keeping the numbers."""
    steps = params_of(document)["steps"]
    steps.insert(1, node)


CHANGES = {
    # The document
    "extra entry": ("SVC", lambda d, h: d.update(more=1), "other entries than expected .'more'"),
    "missing entry": ("SVC", lambda d, h: d.pop("card"), "other entries than expected .'card'"),
    "other classes": (
        "SVC",
        lambda d, h: d.update(classes=["<U4", ["a", "b", "c"]]),
        "its document names other classes than its model",
    ),
    "other rate": ("SVC", lambda d, h: d.update(sr=8000), "names another sampling rate"),
    "versions": ("SVC", lambda d, h: d.update(versions=[]), "its versions are not a dict"),
    "card": ("SVC", lambda d, h: d.update(card={"code": "x"}), "its card has unknown entries"),
    "card of numbers": (
        "SVC",
        lambda d, h: d.update(card={"name": 3}),
        "its card is not one: name is a int; expected a string",
    ),
    # Estimators
    "unknown estimator": (
        "SVC",
        setter(model_of, estimator="os.system"),
        "it has the estimator 'os.system', which this version of ser_estimators does not know",
    ),
    "private class": (
        "SVC",
        setter(model_of, estimator="_SigmoidCalibration"),
        "it has the estimator '_SigmoidCalibration', which",
    ),
    "list as name": ("SVC", setter(model_of, estimator=["SVC"]), r"the estimator \['SVC'\], which"),
    "no estimator": ("SVC", lambda d, h: d.update(model=3), "its model is not an estimator"),
    "extra key": ("SVC", setter(model_of, code="x"), "an estimator has the entries"),
    "missing key": ("SVC", dropper(model_of, "params"), "an estimator has the entries"),
    "unknown parameter": (
        "SVC",
        setter(params_of, shell="rm"),
        "SVC has no parameter 'shell' in this version",
    ),
    "unknown default": (
        "SVC",
        setter(defaults_of, shell="rm"),
        "SVC has no parameter 'shell' in this version",
    ),
    "parameter of the machine": (
        "SVC",
        setter(params_of, verbose=True),
        "SVC has no parameter 'verbose' in this version",
    ),
    "missing parameter": ("SVC", dropper(defaults_of, "tol"), "SVC lacks the parameter 'tol'"),
    "parameter twice": ("SVC", setter(params_of, tol=1.0), "are not dicts of different names"),
    "wrong parameter": (
        "SVC",
        setter(params_of, C="a"),
        "The 'C' parameter of SVC must be a float in the range",
    ),
    "not fitted": ("encoder", dropper(model_of, "fitted"), "its model is not fitted"),
    "no fitted part": (
        "cnn",
        lambda d, h: step(d, 0).pop("fitted"),
        "MFCCTransformer lacks the entry 'fitted'",
    ),
    "fitted list": ("SVC", setter(model_of, fitted=[]), "what SVC has learned is not a dict"),
    "unknown attribute": (
        "SVC",
        setter(fitted_of, __class__="x"),
        "SVC has the unknown attribute '__class__'",
    ),
    "missing attribute": ("SVC", dropper(fitted_of, "gamma"), "SVC lacks the attribute 'gamma'"),
    "output": ("SVC", setter(model_of, output="exec"), "SVC has the output 'exec'"),
    "output of a pipeline": ("cnn", setter(model_of, output="exec"), "Pipeline has the output"),
    "circle": (
        "cnn",
        lambda d, h: d["model"]["params"]["steps"][0]["tuple"].__setitem__(1, {"same": 0}),
        "an estimator refers to the unknown estimator 0",
    ),
    # Values
    "unknown tag": ("SVC", setter(params_of, C={"eval": "1"}), r"unknown entry \['eval'\]"),
    "two tags": (
        "SVC",
        setter(params_of, C={"float": "inf", "tuple": []}),
        "0.SVC.C has the unknown entry",
    ),
    "no number": ("SVC", setter(params_of, C={"float": "x"}), "0.SVC.C is 'x'; expected a num"),
    "scalar": ("SVC", setter(params_of, C={"scalar": ["O", 1]}), "expected a type and a number"),
    "scalar type": (
        "SVC",
        setter(params_of, C={"scalar": ["int8", 1.5]}),
        "is 1.5; expected a number of type int8",
    ),
    "large scalar": (
        "SVC",
        setter(params_of, C={"scalar": ["int8", 300]}),
        "0.SVC.C is 300, which is no int8",
    ),
    "items": ("SVC", setter(params_of, C={"tuple": 1}), "0.SVC.C is a int; expected a list"),
    "dict": ("SVC", setter(params_of, C={"dict": [1]}), "0.SVC.C is not a dict"),
    "dict with a key twice": (
        "SVC",
        setter(params_of, C={"dict": [["a", 1], ["a", 2]]}),
        "0.SVC.C has a key twice",
    ),
    "dict with a list as key": (
        "SVC",
        setter(params_of, C={"dict": [[[1], 1]]}),
        "0.SVC.C has a key that is a list",
    ),
    "splitter": (
        "SVC",
        setter(params_of, C={"splitter": "PredefinedSplit", "params": {}}),
        "0.SVC.C is the unknown splitter 'PredefinedSplit'",
    ),
    "splitter without parameters": (
        "SVC",
        setter(params_of, C={"splitter": "KFold", "params": {}}),
        "0.SVC.C has other parameters than a KFold",
    ),
    "splitter of a kind": (
        "SVC",
        setter(
            params_of,
            C={"splitter": "KFold", "params": {"n_splits": 0, "random_state": 0, "shuffle": 1}},
        ),
        "0.SVC.C cannot be made",
    ),
    "labels": ("SVC", setter(fitted_of, classes_={"labels": 1}), "are not a type and a list"),
    "labels of another type": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["O8", ["a"]]}),
        "labels have the type 'O8'",
    ),
    "mixed labels": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["<U5", ["a", 1]]}),
        "labels are not of the type <U5",
    ),
    "long labels": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["<U99999", ["a", "b", "c"]]}),
        "labels take more than 262144 bytes",
    ),
    "cut labels": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["<U1", ["ab", "b", "c"]]}),
        "labels do not fit the type <U1",
    ),
    "large labels": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["int8", [1, 2, 300]]}),
        "labels are not of the type int8",
    ),
    "labels twice": (
        "SVC",
        setter(fitted_of, classes_={"labels": ["<U1", ["a", "a", "c"]]}),
        "classes_ of SVC has no labels, or some twice",
    ),
    "random state": (
        "seeded",
        lambda d, h: params_of(d)["random_state"]["random_state"].update(pos=625),
        "random_state is not the state of a RandomState",
    ),
    "random state without a key": (
        "seeded",
        lambda d, h: params_of(d)["random_state"]["random_state"].pop("has_gauss"),
        "random_state is not the state of a RandomState",
    ),
    # Tensors
    "renamed tensor": ("cnn", rename_tensor, "is missing, or used twice"),
    "path as name": ("cnn", climb, "'../../outside' is not the name of a tensor"),
    "unused tensor": ("cnn", unused_tensor, "no estimator has the tensor '0.SVC.more.more'"),
    "tensor twice": ("cnn", use_twice, "refers to the tensor .*; expected its own name"),
    "tensor of another estimator": (
        "SVC",
        setter(fitted_of, dual_coef_={"tensor": "0.SVC.intercept_"}),
        "0.SVC.dual_coef_ refers to the tensor '0.SVC.intercept_'; expected its own name",
    ),
    "order": (
        "SVC",
        setter(fitted_of, dual_coef_={"tensor": "0.SVC.dual_coef_", "order": "A"}),
        "0.SVC.dual_coef_ has the order 'A'; expected 'F'",
    ),
    "type": ("SVC", describe("support_", dtype="F32"), "support_ of SVC is an array of float32"),
    "unknown type": ("SVC", describe("support_", dtype="BF16"), "has the type 'BF16'; expected"),
    "shape": ("SVC", halved, r"support_ of SVC has the shape \(2, .*; expected 1 axes"),
    "negative shape": ("SVC", describe("support_", shape=[-1, -60]), r"the shape \[-1, -60\]"),
    "large shape": (
        "SVC",
        describe("support_", shape=[0, 1 << 40, 1 << 40]),
        "the tensor '0.SVC.support_' has the shape",
    ),
    "axes": ("SVC", describe("support_", shape=[1] * 9 + [60]), "has the shape"),
    "offsets": ("SVC", describe("support_", data_offsets=[0]), "has the offsets"),
    "swapped offsets": ("SVC", describe("support_", data_offsets=[8, 0]), "has -8 bytes, but its"),
    "large offsets": (
        "SVC",
        describe("support_", data_offsets=[0, 1 << 50]),
        "bytes, but its type and shape need",
    ),
    "extra entry of a tensor": ("SVC", describe("support_", code=1), "is not described by dtype"),
    # Network
    "network": (
        "cnn",
        setter(spec_of, kind="custom"),
        "an entry 'kind' that is 'custom'; expected",
    ),
    "rows": ("cnn", setter(spec_of, n_rows=12), "the network has n_rows=12; expected 13"),
    "classes": ("cnn", setter(spec_of, n_classes=4), "the network has n_classes=4; expected 3"),
    "networks": ("cnn", setter(spec_of, n_networks=10**9), "n_networks=1000000000, more than its"),
    "embedding": (
        "cnn",
        setter(spec_of, embedding_dim=65536),
        r"tensors differ, such as 'heads.0.embedding.weight': shape \(2, 12\), expected \(32768",
    ),
    "channels": (
        "cnn",
        lambda d, h: spec_of(d)["arguments"]["dict"].update(channels={"tuple": [65536, 65536]}),
        "tensors differ, such as",
    ),
    "large channels": (
        "cnn",
        lambda d, h: spec_of(d)["arguments"]["dict"].update(channels={"tuple": [1 << 40]}),
        r"the network has the sizes \(1099511627776,\)",
    ),
    "arguments": (
        "cnn",
        lambda d, h: spec_of(d)["arguments"]["dict"].update(factory="x"),
        "the network has other arguments than channels, se_ratio",
    ),
    "layout": (
        "cnn",
        lambda d, h: spec_of(d)["layout"]["tuple"].__setitem__(2, 3),
        r"the network has the layout \(13, 64, 3",
    ),
    "delay": (
        "cnn",
        lambda d, h: cnn_of(d)["fitted"]["views_"][1]["tuple"].__setitem__(2, 1000),
        "a view has a delay of 1000 frames; expected at most 8",
    ),
    "stretch": (
        "cnn",
        lambda d, h: cnn_of(d)["fitted"]["views_"][1]["tuple"].__setitem__(1, 1e6),
        "views_ of CNNEmbedder has at position 1 a value that is 1000000.0; expected 0.0625 to 16",
    ),
    "no views": (
        "cnn",
        lambda d, h: cnn_of(d)["fitted"].update(views_=[]),
        "views_ of CNNEmbedder has 0 views; expected 1 to 1000",
    ),
    "history": (
        "cnn",
        lambda d, h: cnn_of(d)["fitted"].update(n_iter_=2),
        "n_iter_ of CNNEmbedder is 2, unlike its history",
    ),
    "device": (
        "cnn",
        lambda d, h: cnn_of(d)["params"].update(device="meta"),
        "device == 'meta', must be 'auto', 'cpu' or a CUDA GPU, such as 'cuda:1'",
    ),
    "callbacks": (
        "cnn",
        lambda d, h: cnn_of(d)["defaults"].update(callbacks=[1]),
        "its CNNEmbedder has callbacks",
    ),
    "coefficients": (
        "cnn",
        lambda d, h: mfcc_of(d).update(n_mfcc=12),
        "CNNEmbedder was fitted on 13 features, but MFCCTransformer before it makes 12",
    ),
    "transform": (
        "cnn",
        lambda d, h: step(d, 0)["defaults"].update(n_fft=1 << 40),
        "n_fft of MFCCTransformer is 1099511627776; expected at most 65536",
    ),
    "window": (
        "cnn",
        lambda d, h: step(d, 0)["defaults"].update(window={"tuple": ["taylor", 10**9, 30]}),
        "window of MFCCTransformer is .*; expected numbers up to 100",
    ),
    "samples": (
        "cnn",
        lambda d, h: step(d, 0)["fitted"].update(n_features_in_="x"),
        "n_features_in_ of MFCCTransformer is 'x'",
    ),
    "units": (
        "mlp",
        lambda d, h: d["model"]["fitted"]["module_"]["dict"]["spec"]["dict"].update(
            arguments={"dict": {"hidden_layer_sizes": {"tuple": [65536] * 24}}}
        ),
        "tensors differ, such as",
    ),
    # Pipelines
    "steps": ("cnn", lambda d, h: params_of(d).update(steps=[]), "Pipeline has no list of steps"),
    "step": (
        "cnn",
        lambda d, h: step_instead(d, 3),
        "Pipeline has a step that is not a name and an estimator",
    ),
    "word": (
        "cnn",
        lambda d, h: step_instead(d, {"tuple": ["mfcc", "drop"]}),
        "Pipeline has the step 'drop'",
    ),
    "names": (
        "scalers",
        lambda d, h: params_of(d)["steps"][0]["tuple"].__setitem__(0, "minmaxscaler"),
        "Pipeline has steps with the same name",
    ),
    "step that cannot transform": (
        "PCA",
        lambda d, h: params_of(d)["steps"].append({"tuple": ["more", None]}),
        "Pipeline has the step 'logisticregression' that is a LogisticRegression; expected one",
    ),
    "voters": (
        "voting",
        lambda d, h: fitted_of(d)["estimators_"].append({"same": 3}),
        "VotingClassifier has 3 fitted estimators; expected 2",
    ),
    "voter": (
        "voting",
        lambda d, h: fitted_of(d)["estimators_"].append("drop"),
        "estimators_ of VotingClassifier has at position 2 a value that is a str; expected one",
    ),
    "weights": (
        "voting",
        lambda d, h: params_of(d).update(weights=[1]),
        "weights of VotingClassifier are not one number for each estimator",
    ),
    "calibrators": (
        "sigmoid",
        lambda d, h: fitted_of(d)["parts"][0]["dict"]["calibrators"].pop(),
        "CalibratedClassifierCV has 2 calibrators for 3 classes",
    ),
    "class of a part": (
        "sigmoid",
        lambda d, h: fitted_of(d)["classes_"]["labels"][1].pop(),
        "CalibratedClassifierCV has a part with 3 classes; expected at most 2",
    ),
    "calibrator": (
        "sigmoid",
        lambda d, h: fitted_of(d)["parts"][0]["dict"]["calibrators"].__setitem__(0, 1),
        "parts of CalibratedClassifierCV has at position 0 a value that has an entry",
    ),
    "method": (
        "sigmoid",
        lambda d, h: fitted_of(d)["parts"][0]["dict"].update(method="x"),
        "that is 'x'; expected one of 'sigmoid', 'isotonic', 'temperature'",
    ),
    # What C code reads
    "vectors of an SVM": (
        "SVC",
        swap("n_support", "n_iter_"),
        "SVC with 3 classes has 5. vectors, not",
    ),
    "probabilities of an SVM": (
        "SVC",
        swap("probA", "intercept_"),
        "SVC with 3 classes has 0 pairs|intercept_ of SVC|has the shape",
    ),
    "parameters of trees": (
        "RandomForestClassifier",
        lambda d, h: fitted_of(d)["tree_parameters"]["dict"].update(code=1),
        "the trees have other parameters than a DecisionTreeClassifier of this version",
    ),
    "wrong parameters of trees": (
        "RandomForestClassifier",
        lambda d, h: fitted_of(d)["tree_parameters"]["dict"].update(criterion="x"),
        "The 'criterion' parameter of DecisionTreeClassifier must be",
    ),
    "number of trees": (
        "RandomForestClassifier",
        swap("n_nodes", "random_states"),
        "the trees have another number of nodes than their arrays",
    ),
    "depth": (
        "RandomForestClassifier",
        swap("max_depths", "n_nodes"),
        "another number of nodes|has a depth of",
    ),
}
