"""CNNEmbedder: a convolutional network as a scikit-learn classifier and transformer."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import Tags, check_random_state, check_scalar
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from skorch.callbacks import LRScheduler
from skorch.dataset import Dataset
from torch import Tensor

from ._augmentation import Augmentation, TrainingExamples
from ._checks import check_choice
from ._clips import is_missing
from ._networks import FeatureMLP, SpectrogramCNN
from ._threads import one_thread_per_operation
from ._training import (
    EpochLog,
    ShardedNet,
    TrainingBatches,
    count_frames,
    learning_rate_factor,
    n_batches,
    predict_in_batches,
)

__all__ = ["CNNEmbedder"]

# Share of the training in which the learning rate rises to its peak.
_WARMUP = 0.2
_PREDICT_BATCH = 32


class CNNEmbedder(
    ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Convolutional network on MFCC frames: a classifier, and a transformer to its embedding.

    The network undoes the cosine transform of the MFCCs, so that it sees a smoothed log-mel
    spectrogram; convolutions with pooling follow, then statistics over time, a fully connected
    layer (the embedding) and a softmax. `predict` and `predict_proba` use the softmax; `transform`
    returns the embedding for another classifier, such as a logistic regression, to learn from.
    It is trained with AdamW [1]_ on the cross-entropy, with augmentation of the training clips.

    Frames that are zero in every coefficient are padding and are left out: a clip predicts the
    same alone and beside longer clips.

    Parameters
    ----------
    embedding_dim : int > 0, default=64
        Size of the embedding.
    channels : sequence of int > 0, default=(32, 64, 96, 128)
        Output channels of the convolutions, each of which halves the rows and the frames.
    input_channels : int > 0, default=1
        Groups of coefficients that follow each other in X, such as MFCCs and their derivatives:
        ``1 + deltas`` of `MFCCTransformer`. Each becomes a channel of the picture.
    network : {"cnn", "mlp"}, default="cnn"
        "mlp" is a fully connected network with dropout for tables, such as those of
        `AcousticFeatures`. It standardises the columns by itself.
    hidden_layer_sizes : sequence of int > 0, default=(256,)
        Units of the layers of an "mlp" before its embedding. A "cnn" has none.
    dropout : float in [0, 1), default=0.3
        Share of the embedding that is set to zero in training.
    max_epochs : int > 0, default=100
        Passes over the training clips.
    batch_size : int >= 2, default=64
        Clips in a batch, at most; one more where a batch of a single clip would be left.
    lr : float > 0, default=0.003
        Peak of the learning rate, which rises over the first fifth of the training and then falls
        to zero along half a cosine.
    weight_decay : float >= 0, default=0.01
        Decoupled weight decay of the kernels; biases and normalisation have none.
    label_smoothing : float in [0, 1), default=0.1
        Share of each target that is spread over all classes.
    mixup_alpha : float >= 0, default=0.3
        Parameter of the beta distribution from which the shares of blended clips are drawn; 0
        blends none.
    time_stretch : float >= 0, default=0.2
        Training clips become up to ``1 + time_stretch`` times longer or shorter.
    frequency_warp : float in [0, 1), default=0.1
        The frequency axis of training clips is scaled by up to this share, and shifted by up to a
        quarter of it.
    gain : float >= 0, default=0.3
        Up to this, in standard deviations of a row of the picture, is added to or taken from
        training clips.
    time_mask, frequency_mask : float in [0, 1], default=0.15
        Up to this share of the frames, and of the rows, of training clips is hidden.
    device : str, default="auto"
        ``"auto"`` takes a CUDA GPU if there is one and the CPU otherwise; or a torch device such
        as ``"cpu"`` or ``"cuda:1"``.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the clips, the augmentation and the dropout through
        generators of the estimator's own. On the CPU an int gives the same result at every call,
        whatever the number of threads or workers. None follows ``numpy.random.seed``, as in all of
        scikit-learn.
    verbose : int, default=0
        1 prints about ten lines in a fit, 2 a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    net_ : skorch.NeuralNet
        The trained network; ``net_.module_`` is the torch module.
    history_ : list of dict
        One entry an epoch: ``epoch`` (from 1), ``train_loss`` (on augmented clips, with label
        smoothing) and ``dur`` (seconds).
    n_iter_ : int
        Epochs that were run.
    n_features_in_ : int
        Number of coefficients.

    See Also
    --------
    MFCCTransformer : Makes the frames that this network reads.
    make_ser_pipeline : The whole system, with a logistic regression on the embedding.

    Notes
    -----
    A 2-D input (n_samples, n_features) is read as clips of one frame. It is a table and no picture,
    so stretching, warping and masking do not apply to it; gain and mixup neither.

    Every batch is cut into four shards that run side by side in threads, and whose gradients are
    added in a fixed order, so that the number of threads changes the speed and not the result.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import CNNEmbedder
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.normal(size=(24, 13, 20))
    >>> emotion = np.repeat(["anger", "sadness"], 12)
    >>> frames[emotion == "anger", 0] += 5
    >>> cnn = CNNEmbedder(embedding_dim=8, channels=(8, 16), max_epochs=20, random_state=0)
    >>> cnn.fit(frames, emotion).predict(frames[[0, -1]])
    array(['anger', 'sadness'], dtype='<U7')
    >>> cnn.transform(frames).shape
    (24, 8)
    """

    def __init__(
        self,
        embedding_dim: int = 64,
        channels: Sequence[int] = (32, 64, 96, 128),
        *,
        input_channels: int = 1,
        network: str = "cnn",
        hidden_layer_sizes: Sequence[int] = (256,),
        dropout: float = 0.3,
        max_epochs: int = 100,
        batch_size: int = 64,
        lr: float = 3e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.1,
        mixup_alpha: float = 0.3,
        time_stretch: float = 0.2,
        frequency_warp: float = 0.1,
        gain: float = 0.3,
        time_mask: float = 0.15,
        frequency_mask: float = 0.15,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.embedding_dim = embedding_dim
        self.channels = channels
        self.input_channels = input_channels
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.mixup_alpha = mixup_alpha
        self.time_stretch = time_stretch
        self.frequency_warp = frequency_warp
        self.gain = gain
        self.time_mask = time_mask
        self.frequency_mask = frequency_mask
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> CNNEmbedder:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.
        y : array-like of shape (n_clips,)
            Labels of any kind, of at least two classes. It has a default only so that a pipeline
            without labels gets an error in words.

        Returns
        -------
        CNNEmbedder
            This estimator.

        Raises
        ------
        ValueError
            If X or y has a wrong shape or holds NaN, if y has a single class, or if a parameter is
            out of its range.
        """
        self._check_params()
        X, y = self._check_data(X, y, reset=True)
        classes, y_index = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y holds one class, {classes.tolist()[0]!r}; "
                "expected at least two classes to tell apart"
            )
        with one_thread_per_operation() as n_threads:
            net = self._train(X, y_index, len(classes), n_threads)
        # All at once and only now, so that a fit that fails leaves the last good one as it was.
        self.history_ = [
            {name: row[name] for name in ("epoch", "train_loss", "dur")} for row in net.history
        ]
        self.n_iter_ = len(self.history_)
        self.classes_ = classes
        net.trim_for_prediction()
        self.net_ = net
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the embedding, the penultimate layer of the network before its activation.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.

        Returns
        -------
        ndarray of shape (n_clips, embedding_dim), float32
        """
        return self._forward(X, embed=True)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the softmax probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.

        Returns
        -------
        ndarray of shape (n_clips, n_classes), float32
            In the order of ``classes_``.
        """
        logits = self._forward(X, embed=False)
        exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponential / exponential.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.

        Returns
        -------
        ndarray of shape (n_clips,)
            Labels, of the dtype that they had in ``fit``.
        """
        best = self._forward(X, embed=False).argmax(axis=1)
        return self.classes_[best]

    def _forward(self, X: ArrayLike, *, embed: bool) -> NDArray[np.float32]:
        check_is_fitted(self, "net_")
        X, _ = self._check_data(X, None, reset=False)
        return predict_in_batches(
            self.net_.module_,
            _as_frames(X),
            batch_size=_PREDICT_BATCH,
            device=self.net_.device,
            embed=embed,
        )

    def _train(
        self, X: NDArray[np.float32], y: NDArray[np.int64], n_classes: int, n_threads: int
    ) -> ShardedNet:
        is_picture = X.ndim == 3
        X = _as_frames(X)
        device = _resolve_device(self.device)
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        # One generator for each use, so that changing one (say, no dropout) leaves the others.
        weights, augmentation = (torch.Generator().manual_seed(int(seed) + i) for i in (0, 1))
        order, mixing = (np.random.default_rng([int(seed), i]) for i in (0, 1))

        n_frames = count_frames(X)
        module = self._make_module(X.shape[1], n_classes, weights)
        module.picture.fit_scale(partial(_in_order, X, n_frames))
        n_steps = self.max_epochs * n_batches(len(X), self.batch_size)
        net = ShardedNet(
            module.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            optimizer__param_groups=[
                ("*norm*", {"weight_decay": 0.0}),
                ("*.bias", {"weight_decay": 0.0}),
            ],
            lr=self.lr,
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            iterator_train=TrainingBatches,
            iterator_train__n_frames=n_frames,
            iterator_train__rng=order,
            train_split=None,
            callbacks=[
                (
                    "learning_rate",
                    LRScheduler(
                        torch.optim.lr_scheduler.LambdaLR,
                        lr_lambda=partial(learning_rate_factor, n_steps=n_steps, warmup=_WARMUP),
                        step_every="batch",
                    ),
                ),
                *([("log", EpochLog(self.verbose))] if self.verbose else []),
            ],
            callbacks__print_log=None,
            verbose=0,
            device=device,
            examples=TrainingExamples(
                n_classes=n_classes,
                label_smoothing=self.label_smoothing,
                mixup_alpha=self.mixup_alpha if is_picture else 0.0,
                augmentation=self._augmentation() if is_picture else None,
                generator=augmentation,
                rng=mixing,
            ),
            n_threads=n_threads if device == "cpu" else 1,
        )
        net.run(Dataset(X, y))
        return net

    def _make_module(
        self, n_features: int, n_classes: int, generator: torch.Generator
    ) -> SpectrogramCNN | FeatureMLP:
        if self.network == "mlp":
            return FeatureMLP(
                n_features,
                n_classes,
                hidden_layer_sizes=tuple(self.hidden_layer_sizes),
                embedding_dim=self.embedding_dim,
                dropout=self.dropout,
                generator=generator,
            )
        return SpectrogramCNN(
            n_features,
            n_classes,
            embedding_dim=self.embedding_dim,
            channels=tuple(self.channels),
            input_channels=self.input_channels,
            dropout=self.dropout,
            generator=generator,
        )

    def _augmentation(self) -> Augmentation:
        return Augmentation(
            time_stretch=self.time_stretch,
            frequency_warp=self.frequency_warp,
            gain=self.gain,
            time_mask=self.time_mask,
            frequency_mask=self.frequency_mask,
        )

    def _check_data(self, X: Any, y: Any, *, reset: bool) -> tuple[NDArray[np.float32], Any]:
        """Return X as a float32 array of two or three dimensions, and y as a vector of labels."""
        if (path := _first_path(X)) is not None:
            raise TypeError(
                f"X is a list of paths ({path!r}, ...); expected coefficients of shape "
                "(n_clips, n_coefficients, n_frames): put an MFCCTransformer before this step, "
                "as make_ser_pipeline does"
            )
        if isinstance(X, (list, tuple)) and len({np.shape(clip) for clip in X}) > 1:
            raise ValueError(
                "X is a list of clips of unequal shapes; expected (n_clips, n_coefficients, "
                "n_frames): follow shorter clips by frames of zeros, as MFCCTransformer does"
            )
        if reset:
            if y is None:
                raise ValueError(
                    "This CNNEmbedder estimator requires y to be passed, but the target y is None."
                )
            _check_labels(y)
            X, y = validate_data(self, X, y, dtype=np.float32, allow_nd=True)
            check_classification_targets(y)
            y = column_or_1d(y, warn=True)
        else:
            X = validate_data(self, X, dtype=np.float32, allow_nd=True, reset=False)
        if X.ndim > 3 or 0 in X.shape:
            raise ValueError(
                f"X has the shape {X.shape}; expected (n_clips, n_coefficients, n_frames), with at "
                "least one of each, or (n_clips, n_coefficients)"
            )
        if self.network == "mlp" and X.ndim == 3:
            raise ValueError(
                f"X has the shape {X.shape}, but network='mlp' takes tables (n_clips, n_features): "
                "put AcousticFeatures before this step, or take network='cnn'"
            )
        if self.network == "cnn" and X.shape[1] % self.input_channels:
            raise ValueError(
                f"X has {X.shape[1]} coefficients, which input_channels == {self.input_channels} "
                "does not divide; expected 1 + deltas of MFCCTransformer"
            )
        return X, y

    def _check_params(self) -> None:
        for name in ("embedding_dim", "max_epochs"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        check_scalar(self.batch_size, "batch_size", Integral, min_val=2)
        check_scalar(self.input_channels, "input_channels", Integral, min_val=1)
        check_choice(self.network, "network", ("cnn", "mlp"))
        for name in ("channels", "hidden_layer_sizes"):
            sizes = getattr(self, name)
            if isinstance(sizes, str) or np.ndim(sizes) != 1 or not len(sizes):
                raise ValueError(f"{name} == {sizes!r}, must be a sequence of integers.")
            for count in sizes:
                check_scalar(count, name, Integral, min_val=1)
        _resolve_device(self.device)
        for name in ("lr", "weight_decay", "mixup_alpha", "time_stretch", "gain"):
            value = getattr(self, name)
            if isinstance(value, Real) and not math.isfinite(value):
                raise ValueError(f"{name} == {value}, must be finite.")
        check_scalar(self.lr, "lr", Real, min_val=0, include_boundaries="neither")
        for name in ("weight_decay", "mixup_alpha", "time_stretch", "gain"):
            check_scalar(getattr(self, name), name, Real, min_val=0)
        for name in ("dropout", "label_smoothing", "frequency_warp"):
            check_scalar(
                getattr(self, name), name, Real, min_val=0, max_val=1, include_boundaries="left"
            )
        for name in ("time_mask", "frequency_mask"):
            check_scalar(getattr(self, name), name, Real, min_val=0, max_val=1)

    @property
    def _n_features_out(self) -> int:
        # The name that ClassNamePrefixFeaturesOutMixin looks for.
        return self.net_.module_.embedding.out_features

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags


def _as_frames(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Read a table as clips of one frame."""
    return X.reshape(*X.shape[:2], -1)


def _in_order(X: NDArray[np.float32], n_frames: NDArray[np.int64]) -> Iterator[Tensor]:
    """Yield all clips in their order, in batches cut to their longest clip."""
    for start in range(0, len(X), _PREDICT_BATCH):
        part = slice(start, start + _PREDICT_BATCH)
        yield torch.from_numpy(np.array(X[part, :, : n_frames[part].max()]))


def _first_path(X: Any) -> Any:
    """Return the first element of a list, array or Series if it is a path, else None."""
    if isinstance(X, (list, tuple)):
        first = X[0] if X else None
    else:
        array = np.asarray(X)
        first = array[0] if array.ndim == 1 and array.size else None
    return first if isinstance(first, (str, os.PathLike)) else None


def _check_labels(y: Any) -> None:
    """Raise for labels that are missing, or that cannot be sorted together."""
    values = np.asarray(y, dtype=object).ravel()
    missing = [i + 1 for i, value in enumerate(values) if is_missing(value)]
    if missing:
        listed = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise ValueError(
            f"Input y contains NaN: {len(missing)} of {len(values)} clips have no label "
            f"(clip {listed}). Label them or leave them out"
        )
    if len({isinstance(value, (str, bytes)) for value in values}) > 1:
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(
            f"y mixes labels of different types, {' and '.join(kinds)}; expected one type"
        )


def _resolve_device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device == {device!r}, must be 'auto', 'cpu' or a device that this PyTorch has, "
            f"such as 'cuda': {str(error).splitlines()[0]}"
        ) from error
    return device
