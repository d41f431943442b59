"""CNNEmbedder with custom networks and custom augmentations."""

import pickle
from functools import partial

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from torch import nn

from ser_estimators import CNNEmbedder, SpectrogramAugmentation, SpectrogramCNN

from .helpers import make_frames


class Recurrent(nn.Module):
    """A recurrent network with dropout and batch normalization, pooled over real frames."""

    def __init__(self, n_channels, n_rows, n_units=12):
        super().__init__()
        self.rnn = nn.GRU(n_channels * n_rows, n_units, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.bn = nn.BatchNorm1d(n_units)

    def forward(self, spectrogram, mask):
        # spectrogram (n, n_channels, n_rows, n_frames)
        states, _ = self.rnn(spectrogram.flatten(1, 2).transpose(1, 2))
        weights = mask[:, 0, 0, :, None]
        pooled = (states * weights).sum(dim=1) / weights.sum(dim=1)
        return self.bn(self.dropout(pooled))


class Plain(nn.Module):
    """A network with weights and a constant buffer as its only state."""

    def __init__(self, n_channels, n_rows):
        super().__init__()
        self.linear = nn.Linear(n_channels * n_rows, 6)
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, spectrogram, mask):
        return self.scale * self.linear(spectrogram.flatten(1, 2).mean(dim=2))


QUICK = {"n_networks": 2, "embedding_dim": 8, "max_epochs": 15, "batch_size": 16, "lr": 0.01}
NETWORKS = {"class": Recurrent, "factory": partial(Recurrent, n_units=9), "plain": Plain}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]


def test_custom_network_learns_and_is_pickled(network, frames):
    X, y = frames
    before = torch.get_rng_state()
    cnn = CNNEmbedder(network=network, random_state=0, **QUICK).fit(X, y)
    assert torch.equal(before, torch.get_rng_state())
    X_new, y_new = make_frames(seed=1)
    assert cnn.score(X_new, y_new) > 0.9
    assert cnn.transform(X).shape == (len(X), 8)
    joblib.dump(cnn, "own.joblib")
    loaded = joblib.load("own.joblib")
    np.testing.assert_array_equal(loaded.predict_proba(X), cnn.predict_proba(X))


def test_custom_network_is_reproducible_with_any_number_of_threads(network, frames):
    X, y = frames
    parameters = QUICK | {"max_epochs": 2}
    results = []
    before = torch.get_num_threads()
    try:
        for n_threads, seed in ((1, 0), (3, 0), (1, 1)):
            torch.set_num_threads(n_threads)
            cnn = CNNEmbedder(network=network, random_state=seed, **parameters).fit(X, y)
            results.append(cnn.predict_proba(X))
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(results[0], results[1])
    assert not np.allclose(results[0], results[2])


def test_prediction_of_a_custom_network_does_not_depend_on_other_clips(frames):
    X, y = frames
    cnn = CNNEmbedder(network=Recurrent, random_state=0, **QUICK | {"max_epochs": 3}).fit(X, y)
    together = cnn.predict_proba(X)
    for index in (0, 7):
        n_frames = np.flatnonzero(X[index].any(axis=0))[-1] + 1
        alone = cnn.predict_proba(X[index : index + 1, :, :n_frames])
        np.testing.assert_allclose(alone[0], together[index], atol=1e-5)


def test_custom_network_is_cloned_and_searched(frames):
    X, y = frames
    cnn = CNNEmbedder(network=Recurrent, random_state=0, **QUICK | {"max_epochs": 2})
    assert clone(cnn).network is Recurrent
    grid = {"network": [Recurrent, partial(Recurrent, n_units=5), "cnn"], "dropout": [0.1]}
    search = GridSearchCV(cnn, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_custom_network_supports_warm_start(frames):
    X, y = frames
    parameters = QUICK | {"max_epochs": 2, "warm_start": True}
    cnn = CNNEmbedder(network=Plain, random_state=0, **parameters).fit(X, y)
    assert len(cnn.fit(X, y).history_) == 4
    with pytest.raises(ValueError, match="another shape"):
        cnn.set_params(network=Recurrent).fit(X, y)


def return_text(n_channels, n_rows):
    return "network"


SHARED = Plain(1, 13)


def return_shared(n_channels, n_rows):
    return SHARED


class NotPooled(nn.Module):
    def __init__(self, n_channels, n_rows):
        super().__init__()

    def forward(self, spectrogram, mask):
        return spectrogram


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        (return_text, TypeError, r"network\(n_channels, n_rows\) returned a str; expected a torch"),
        (return_shared, ValueError, "returned the same module twice; expected a new one"),
        (NotPooled, ValueError, r"\(2, 1, 13, 32\) for 2 spectrograms .*; expected one vector per"),
        (SHARED, TypeError, r"network is Plain[\s\S]*; expected 'cnn', 'mlp', a SpectrogramCNN"),
        (3, TypeError, "network is 3; expected"),
        ("rnn", ValueError, "network == 'rnn', must be one of 'cnn', 'mlp'"),
    ],
)
def test_invalid_networks_are_refused(frames, network, error, message):
    with pytest.raises(error, match=message):
        CNNEmbedder(network=network, **QUICK).fit(*frames)


class Louder(SpectrogramAugmentation):
    """A subclass that changes the result of the default augmentation."""

    def __call__(self, batch, rng):
        batch = super().__call__(batch, rng)
        gain = torch.rand(len(batch.mask), 1, 1, 1, generator=rng.torch)
        return batch.replace(spectrogram=batch.spectrogram + gain * batch.mask)


def reverse(batch, rng):
    """Reverse clips without padding, at random."""
    if rng.numpy.random() < 0.5:
        return batch
    return batch.replace(
        spectrogram=batch.spectrogram.flip(3), mask=batch.mask.flip(3), targets=batch.targets
    )


@pytest.mark.parametrize("augmentation", [Louder(), reverse], ids=["subclass", "function"])
def test_custom_augmentation_is_reproducible(frames, augmentation):
    X, y = frames
    parameters = QUICK | {"max_epochs": 8, "random_state": 0}
    cnn, same, none = (
        CNNEmbedder(augmentation=each, **parameters).fit(X, y)
        for each in (augmentation, augmentation, None)
    )
    assert cnn.score(X, y) > 0.9
    np.testing.assert_array_equal(cnn.predict_proba(X), same.predict_proba(X))
    assert not np.allclose(cnn.transform(X), none.transform(X), atol=1e-3)
    loaded = pickle.loads(pickle.dumps(cnn))
    np.testing.assert_array_equal(loaded.predict_proba(X), cnn.predict_proba(X))


def test_custom_augmentation_is_cloned_and_searched(frames):
    X, y = frames
    cnn = CNNEmbedder(augmentation=Louder(gain=0.1), **QUICK | {"max_epochs": 1})
    fresh = clone(cnn)
    assert type(fresh.augmentation) is Louder
    assert fresh.augmentation is not cnn.augmentation
    assert fresh.augmentation.gain == 0.1
    grid = {"augmentation__gain": [0.0, 0.5], "n_views": [1]}
    search = GridSearchCV(cnn, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["augmentation__gain"] in (0.0, 0.5)
    assert cnn.augmentation.gain == 0.1


def return_nothing(batch, rng):
    return None


def cut_frames(batch, rng):
    return batch.replace(spectrogram=batch.spectrogram[..., :-1])


@pytest.mark.parametrize(
    ("augmentation", "error", "message"),
    [
        (return_nothing, TypeError, "augmentation returned a NoneType; expected a batch, such as"),
        (cut_frames, ValueError, "spectrogram, mask and targets of the shapes .*; expected"),
        (0.3, TypeError, "augmentation is 0.3; expected 'default', a SpectrogramAugm"),
        ("strong", ValueError, "augmentation == 'strong', must be one of 'default'"),
    ],
)
def test_invalid_augmentations_are_refused(frames, augmentation, error, message):
    with pytest.raises(error, match=message):
        CNNEmbedder(augmentation=augmentation, **QUICK).fit(*frames)


def test_views_depend_on_the_augmentation(frames):
    X, y = frames
    parameters = QUICK | {"max_epochs": 1}
    wide = SpectrogramAugmentation(frequency_warp=0.4, time_stretch=0.0)
    scales = {
        name: [view[0] for view in CNNEmbedder(augmentation=each, **parameters).fit(X, y).views_]
        for name, each in {"wide": wide, "none": None, "function": reverse}.items()
    }
    assert scales["wide"] == pytest.approx([0.8, 1, 1.2])
    assert scales["none"] == scales["function"] == [1, 1, 1]


def test_nested_parameters_replace_strings_by_objects():
    cnn = CNNEmbedder().set_params(augmentation__gain=0.9, network__channels=(8,))
    assert cnn.augmentation.gain == 0.9
    assert cnn.network.channels == (8,)
    assert CNNEmbedder().augmentation == "default"  # no object is shared between estimators
    cnn.set_params(network="mlp", network__hidden_layer_sizes=(4,))
    assert cnn.network.hidden_layer_sizes == (4,)
    with pytest.raises(ValueError, match="Invalid parameter 'channels' for estimator FeatureMLP"):
        cnn.set_params(network__channels=(8,))
    with pytest.raises(ValueError, match="Invalid parameter 'volume' for estimator Spectr"):
        CNNEmbedder().set_params(augmentation__volume=1)


@pytest.mark.parametrize(
    ("name", "value", "nested", "place"),
    [
        ("gain", 0.7, "augmentation__gain", r"augmentation=SpectrogramAugmentation\(gain=...\)"),
        ("mixup_alpha", 0.2, "augmentation__mixup_alpha", r"SpectrogramAugmentation\(mixup_alpha="),
        ("channels", (4,), "network__channels", r"network=SpectrogramCNN\(channels=...\)"),
        ("se_ratio", 0.5, "network__se_ratio", r"network=SpectrogramCNN\(se_ratio=...\)"),
        (
            "hidden_layer_sizes",
            (4,),
            "network__hidden_layer_sizes",
            r"network=FeatureMLP\(hidden_layer_sizes=...\)",
        ),
    ],
)
def test_former_parameters_work_with_a_warning_that_names_the_new_place(name, value, nested, place):
    others = {"network": "mlp"} if name == "hidden_layer_sizes" else {}
    message = f"The parameter '{name}' of CNNEmbedder has moved and will be removed; use .*{place}"
    with pytest.warns(FutureWarning, match=message) as caught:
        first = CNNEmbedder(**others, **{name: value})
    assert caught[0].filename == __file__
    with pytest.warns(FutureWarning, match=message):
        second = make_pipeline(CNNEmbedder(**others)).set_params(**{f"cnnembedder__{name}": value})
    for cnn in (first, clone(first), second[0]):
        assert cnn.get_params()[nested] == value
        assert name not in cnn.get_params()


def test_former_parameter_without_replacement_is_an_error():
    message = r"no longer has the parameter 'input_channels'; use MFCCTransformer\(deltas=...\)"
    with pytest.raises(TypeError, match=message):
        CNNEmbedder(input_channels=2)
    with pytest.raises(TypeError, match=message):
        CNNEmbedder().set_params(input_channels=2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'volume'"):
        CNNEmbedder(volume=1)


def test_there_are_at_most_25_parameters():
    assert len(CNNEmbedder().get_params(deep=False)) <= 25


class Projected(nn.Module):
    """A network with state outside its ``state_dict``: a buffer, a plain tensor, a running mean."""

    def __init__(self, n_channels, n_rows):
        super().__init__()
        self.linear = nn.Linear(n_channels * n_rows, 6)
        self.register_buffer("projection", torch.randn(13, 13), persistent=False)
        self.plain = torch.randn(13)
        self.register_buffer("running", torch.zeros(13))
        self.head = nn.Linear(6, 2)  # which forward does not use

    def forward(self, spectrogram, mask):
        x = spectrogram.flatten(1, 2).mean(dim=2)
        if self.training:
            self.running.lerp_(x.detach().mean(dim=0) + 1, 0.5)
        return self.linear((x - self.running) @ self.projection + self.plain)


def test_state_outside_the_parameters_is_trained_and_saved(frames):
    X, y = frames
    cnn = CNNEmbedder(network=Projected, random_state=0, **QUICK).fit(X, y)
    assert cnn.module_.encoders[0].module.running.abs().sum() > 1
    loaded = pickle.loads(pickle.dumps(cnn))
    np.testing.assert_array_equal(loaded.predict_proba(X), cnn.predict_proba(X))


class Lazy(nn.Module):
    def __init__(self, n_channels, n_rows):
        super().__init__()
        self.linear = nn.LazyLinear(6)
        self.precision = 3  # a name that the package uses for its own modules

    def forward(self, spectrogram, mask):
        return self.linear(spectrogram.flatten(1, 2).mean(dim=2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lazy_modules_and_another_default_dtype(frames, dtype):
    X, y = frames
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        cnn = CNNEmbedder(network=Lazy, random_state=0, **QUICK | {"max_epochs": 1}).fit(X, y)
        loaded = pickle.loads(pickle.dumps(cnn))
    finally:
        torch.set_default_dtype(before)
    assert cnn.module_.encoders[0].module.precision == 3
    np.testing.assert_allclose(loaded.predict_proba(X), cnn.predict_proba(X), atol=1e-6)


class Frozen(nn.Module):
    def __init__(self, n_channels, n_rows):
        super().__init__()
        self.linear = nn.Linear(n_channels * n_rows, 6).requires_grad_(False)

    def forward(self, spectrogram, mask):
        return self.linear(spectrogram.flatten(1, 2).mean(dim=2))


def test_frozen_module_is_trained_above(frames):
    cnn = CNNEmbedder(network=Frozen, random_state=0, **QUICK | {"lr": 0.03}).fit(*frames)
    assert cnn.score(*frames) > 0.9


class TooFewArguments(nn.Module):
    def forward(self, spectrogram):
        return spectrogram


class ReturnsTuple(Frozen):
    def forward(self, spectrogram, mask):
        return super().forward(spectrogram, mask), mask


class DependsOnLength(Frozen):
    def forward(self, spectrogram, mask):
        return spectrogram[:, 0, 0]


@pytest.mark.parametrize(
    ("network", "message", "note"),
    [
        (TooFewArguments, "positional argument", "in network(n_channels=1, n_rows=13)"),
        (ReturnsTuple, "network returned a tuple; expected a tensor", ""),
        (DependsOnLength, "features for short and long clips; expected the same number", ""),
    ],
)
def test_errors_of_modules_name_the_interface(frames, network, message, note):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        CNNEmbedder(network=network, **QUICK).fit(*frames)
    assert not note or caught.value.__notes__ == [note]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": SpectrogramCNN}, "network is <class .*; expected 'cnn', 'mlp', a Spectr"),
        ({"augmentation": SpectrogramAugmentation}, "augmentation is <class .*; expected 'default"),
    ],
)
def test_classes_in_place_of_objects_are_refused(frames, parameters, message):
    with pytest.raises(TypeError, match=message):
        CNNEmbedder(**QUICK | parameters).fit(*frames)


class Strong(SpectrogramAugmentation):
    """A subclass with a parameter of its own, and without most of the others."""

    def __init__(self, strength=1.0, *, gain=0.3):
        super().__init__(gain=gain)
        self.strength = strength

    def __call__(self, batch, rng):
        batch = super().__call__(batch, rng)
        return batch.replace(spectrogram=batch.spectrogram * self.strength)


def test_parameters_of_an_augmentation_of_the_user_are_searched(frames):
    X, y = frames
    cnn = CNNEmbedder(augmentation=Strong(0.9), random_state=0, **QUICK | {"max_epochs": 1})
    search = GridSearchCV(cnn, {"augmentation__strength": [0.5, 1.0]}, cv=2, error_score="raise")
    assert search.fit(X, y).best_estimator_.augmentation.strength in (0.5, 1.0)


def double(batch, rng):
    return batch.replace(spectrogram=batch.spectrogram.double())


def to_numpy(batch, rng):
    return batch.replace(mask=batch.mask.numpy())


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (double, "augmentation returned a spectrogram of type torch.float64; expected a tensor"),
        (to_numpy, "augmentation returned a mask of type ndarray; expected a tensor"),
    ],
)
def test_wrong_types_of_an_augmentation_are_named(frames, augmentation, message):
    with pytest.raises(TypeError, match=message):
        CNNEmbedder(augmentation=augmentation, **QUICK).fit(*frames)


def test_a_subclass_may_have_a_parameter_of_a_former_name(frames):
    class Tuned(CNNEmbedder):
        def __init__(self, gain=1.0):
            super().__init__(n_networks=1, embedding_dim=4, max_epochs=1)
            self.gain = gain

    assert Tuned().set_params(gain=2.0).gain == 2.0
    with pytest.raises(TypeError, match="no longer has the parameter 'channels'"):
        Tuned().set_params(channels=(4,))


def test_parameters_of_a_class_are_an_error_and_a_failure_changes_nothing():
    with pytest.raises(ValueError, match="network is .*Projected.*, which has no parameters"):
        CNNEmbedder(network=Projected).set_params(network__channels=(4,))
    with pytest.raises(ValueError, match="augmentation is None, which has no parameters"):
        CNNEmbedder(augmentation=None).set_params(augmentation__gain=1)
    cnn = CNNEmbedder()
    with pytest.raises(ValueError, match="Invalid parameter 'volume'"):
        cnn.set_params(augmentation__volume=1, lr=0.5)
    assert cnn.augmentation == "default"
    assert cnn.lr == 0.003
    cnn = CNNEmbedder(augmentation=SpectrogramAugmentation(gain=0.2))
    with pytest.raises(ValueError, match="Invalid parameter 'volume'"):
        cnn.set_params(augmentation__gain=0.5, augmentation__volume=1)
    assert cnn.augmentation.gain == 0.2


def test_nan_of_an_augmentation_or_a_network_is_not_called_divergence(frames):
    def blank(batch, rng):
        return batch.replace(spectrogram=batch.spectrogram * float("nan"))

    with pytest.raises(ValueError, match="augmentation returned NaN or infinity; expected finite"):
        CNNEmbedder(augmentation=blank, **QUICK).fit(*frames)

    class Nowhere(nn.Module):
        def __init__(self, n_channels, n_rows):
            super().__init__()

        def forward(self, spectrogram, mask):
            return spectrogram.mean(dim=(1, 3)) / 0

    with pytest.raises(ValueError, match="Lower lr .*, or check that network returns finite"):
        CNNEmbedder(8, Nowhere, max_epochs=1, n_networks=1).fit(*frames)
