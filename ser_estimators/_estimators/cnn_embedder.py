"""CNNEmbedder: a convolutional network as a scikit-learn classifier and transformer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.preprocessing import normalize
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback

from .._network.build import NetworkSpec
from .._network.devices import device_at_hand
from .._network.inference import count_frames, predict_in_batches
from .._network.threads import one_thread_per_operation
from .._network.views import View, spread_views
from .._training.augmentation import (
    AugmentationOptions,
    Generators,
    SpectrogramBatch,
    augment,
)
from .._training.fit import train
from .._training.options import TrainingOptions
from .._training.training_set import make_training_set
from .._utils.checks import restored_on_failure
from .._utils.stack_level import find_stack_level
from .cnn_input import (
    as_frames,
    check_coefficients,
    check_groups,
    check_labels,
    check_weights,
)
from .cnn_parameters import check_parameters

__all__ = ["CNNEmbedder"]

_PREDICT_BATCH = 32
# What history_ keeps of an epoch, where it is there.
_HISTORY = ("train_loss", "valid_loss", "valid_accuracy", "dur")


class CNNEmbedder(
    ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Convolutional networks on MFCC frames: a classifier, and a transformer to their embedding.

    Several networks are trained side by side. Each undoes the cosine transform of the MFCCs, so
    that it sees a smoothed log-mel spectrogram; convolutions with pooling follow, then statistics
    over time, a fully connected layer (its part of the embedding) and a softmax. `predict` and
    `predict_proba` use the mean of the softmax probabilities; `transform` returns the embedding for
    another classifier, such as a logistic regression, to learn from. They are trained with AdamW
    [1]_ on the cross-entropy, with augmentation of the training clips.

    Frames that are zero in every coefficient are padding and are left out: a clip predicts the
    same alone and beside longer clips.

    Parameters
    ----------
    embedding_dim : int >= n_networks, default=96
        Size of the embedding, which the networks share out among them.
    channels : sequence of int > 0, not empty, default=(16, 48, 64, 128)
        Output channels of the convolutions, each of which halves the rows and the frames.
    n_networks : int > 0, default=3
        Networks that are trained side by side from different initial weights, a deep ensemble [2]_.
        Their embeddings stand side by side, and their probabilities are averaged.
    input_channels : int > 0, default=1
        Groups of coefficients that follow each other in X, such as MFCCs and their derivatives:
        ``1 + deltas`` of `MFCCTransformer`. Each becomes a channel of the picture.
    se_ratio : float in [0, 1], default=0.125
        Share of the channels to which squeeze-and-excitation squeezes their means [13]_. After
        each convolution with max pooling, the third and those that follow, it makes the channels
        of a clip louder or softer by what they are on average. With 0 there is none.
    network : {"cnn", "mlp"}, default="cnn"
        "mlp" is a fully connected network with dropout for tables, such as those of
        `AcousticFeatures`. It standardises the columns by itself. It has no `channels`, no
        `input_channels` and no `se_ratio`, and neither augmentation nor views: `n_views` and all
        from `mixup_alpha` to `noise_snr` are for pictures.
    hidden_layer_sizes : sequence of int > 0, not empty, default=(256,)
        Units of the layers of an "mlp" before its embedding. A "cnn" has none.
    dropout : float in [0, 1), default=0.3
        Share of the embedding, and of the hidden layers of an "mlp", that is set to zero in
        training.
    max_epochs : int > 0, default=120
        Passes over the training clips.
    batch_size : int >= 2, default=32
        Clips in a batch, at most; one more where a batch of a single clip would be left.
    lr : float > 0, default=0.003
        Peak of the learning rate.
    warmup : float in [0, 1), default=0.2
        Share of the training, at its beginning, over which the learning rate rises evenly.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate goes on from its peak: down to zero along half a cosine [8]_, or not
        at all.
    weight_decay : float >= 0, default=0.1
        Decoupled weight decay of the weights; biases and normalisation have none.
    weight_averaging : float in [0, 1], default=0.25
        Share of the training, at its end, over which the weights are averaged, as they are after
        each epoch [3]_; 0 keeps the last. `early_stopping` keeps the best ones instead.
    label_smoothing : float in [0, 1), default=0.1
        Share of each target that is spread over all classes [9]_.
    mixup_alpha : float >= 0, default=0.0
        Parameter of the beta distribution from which mixup [5]_ draws the shares of two clips that
        are blended; 0 blends none.
    mixstyle_p : float in [0, 1], default=0.5
        Probability of a training clip that the mean and the standard deviation over time of each
        row of its picture are blended with those of another clip: MixStyle [4]_, along frequency
        [10]_.
    time_stretch : float >= 0, default=0.2
        Training clips become up to ``1 + time_stretch`` times longer or shorter.
    frequency_warp : float in [0, 1), default=0.05
        The frequency axis of training clips is scaled by up to this share, and shifted by up to a
        quarter of it: vocal tract length perturbation [6]_.
    gain : float >= 0, default=0.3
        Up to this, in standard deviations of a row of the picture, is added to or taken from
        training clips.
    time_mask, frequency_mask : float in [0, 1], default=0.15
        Up to this share of the frames, and of the rows, of training clips is hidden, in one piece
        each: SpecAugment [7]_.
    time_shift : float in [0, 1), default=0.0
        Training clips are moved by up to this share of their length; the place that becomes free
        repeats their first or last frame, which is silence in most recordings.
    noise_snr : float or None, default=None
        Training clips get white noise, down to this ratio of their mean power to that of the noise
        and up to 30 more, in dB. It takes the input for MFCCs of the decibels of 64 mel bands, as
        `MFCCTransformer` gives them by default, however many of them. None adds none.
    n_views : int > 0, default=3
        Versions of each clip whose embeddings and probabilities are averaged in prediction, which
        is known as test-time augmentation. From the first to the last, in equal steps, the
        frequency axis is scaled by up to half of `frequency_warp` and clips become up to the root
        of ``1 + time_stretch`` times shorter or longer; every second one is delayed by
        half of the frames that the convolutions make one. 1 is the clip as it is.
    norm : {"l2"} or None, default="l2"
        "l2" scales the embedding of every clip to length 1, as speaker recognition does before its
        linear models [12]_: embeddings of training clips are longer than those of new speakers, and
        a model on top would learn to count on the length. None leaves the lengths as they are. An
        embedding of one dimension, which would keep nothing but its sign, needs None.
    class_weight : dict, "balanced" or None, default=None
        What each clip of a class counts in the loss, by label; a label that is not named counts 1.
        "balanced" lets all classes count the same in total, however many clips they have.
    early_stopping : bool, default=False
        Whether some clips are set aside before the training, which ends when the loss on them has
        not fallen for `n_iter_no_change` epochs; the weights of the best epoch are kept. With
        `groups` in ``fit``, such as speakers, no group is on both sides. The schedule of the
        learning rate is laid out over `max_epochs` all the same: ``lr_schedule="constant"`` goes
        well with it.
    validation_fraction : float in (0, 1), default=0.1
        Share of the clips that `early_stopping` sets aside.
    n_iter_no_change : int > 0, default=10
        Epochs that `early_stopping` waits for a lower loss.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit``; the learning rate rises and
        falls again.
    callbacks : list of skorch.callbacks.Callback or of (str, Callback), or None, default=None
        Called in training, after the estimator's own. They may monitor ``train_loss`` and, with
        `early_stopping`, ``valid_loss`` and ``valid_accuracy``. skorch's LRScheduler takes the
        place of `warmup` and `lr_schedule`, and its EarlyStopping, or a callback derived from it,
        ends the training; KeyboardInterrupt from any other is taken for the keyboard's. Its
        EpochScoring has nothing to score: batches of training are targets, which are
        probabilities times the weight of the clip, and lists of augmented pictures and their
        masks. Its Checkpoint can save parameters (``f_params``), but not the whole net
        (``f_pickle=None``), which holds threads.
    device : str, default="auto"
        ``"auto"`` takes a CUDA GPU if there is one and the CPU otherwise; or a torch device such
        as ``"cpu"`` or ``"cuda:1"``.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Numbers in which the convolutions of a training are computed. "auto" is bfloat16 on a CPU
        that multiplies it natively, where it is up to twice as fast, and float32 elsewhere. Weights
        and predictions are float32 in any case.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the clips, the augmentation and the dropout through
        generators of the estimator's own. On a CPU an int gives the same result at every call,
        whatever the number of threads or workers; another kind of processor rounds otherwise. None
        follows ``numpy.random.seed``, as in all of scikit-learn.
    verbose : int, default=0
        1 shows a progress bar in a terminal and about ten lines elsewhere, 2 a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    net_ : skorch.NeuralNet
        What the network was trained with, kept for ``net_.module_``, the torch module. Predictions
        are made by this estimator and not by ``net_``, and the learning curve is ``history_``.
    history_ : list of dict
        One entry an epoch: ``epoch`` (from 1), ``train_loss`` (on augmented clips, with label
        smoothing), ``dur`` (seconds), and with `early_stopping` ``valid_loss`` and
        ``valid_accuracy``. With `warm_start` it goes on.
    views_ : list of (float, float, int)
        What predictions average over: the scale of the frequency axis, the factor by which time is
        stretched, and the frames by which the clip is delayed.
    norm_ : {"l2"} or None
        How ``transform`` scales embeddings: `norm`, as it was in ``fit``.
    n_iter_ : int
        Entries of ``history_``: the epochs that were run, or those up to the best one where
        skorch's Checkpoint with ``load_best=True`` goes back to it.
    n_features_in_ : int
        Number of coefficients.

    See Also
    --------
    MFCCTransformer : Makes the frames that this network reads.
    make_ser_pipeline : The whole system, with a logistic regression on the embedding.

    Notes
    -----
    A 2-D input (n_samples, n_features) is read as clips of one frame. It is a table and no picture,
    so a fit on it has neither augmentation nor views.

    Every batch is cut, by length, into shards of about 16 clips that run side by side, and whose
    gradients are added in a fixed order: the number of threads changes the speed, not the result.
    Batch normalisation takes its statistics from a shard [11]_. Training uses as many threads as
    torch does: ``torch.set_num_threads``, or the environment variable ``OMP_NUM_THREADS``.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    .. [2] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.
    .. [3] P. Izmailov et al., "Averaging weights leads to wider optima and better generalization",
       UAI 2018.
    .. [4] K. Zhou et al., "Domain generalization with MixStyle", ICLR 2021.
    .. [5] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.
    .. [6] N. Jaitly and G. Hinton, "Vocal Tract Length Perturbation (VTLP) improves speech
       recognition", ICML Workshop on Deep Learning for Audio, Speech and Language, 2013.
    .. [7] D. S. Park et al., "SpecAugment: A simple data augmentation method for automatic speech
       recognition", Interspeech 2019.
    .. [8] I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR
       2017.
    .. [9] C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR
       2016.
    .. [10] F. Schmid et al., "Knowledge distillation from transformers for low-complexity acoustic
       scene classification", DCASE Workshop 2022.
    .. [11] E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the
       generalization gap in large batch training of neural networks", NeurIPS 2017.
    .. [12] D. Garcia-Romero and C. Y. Espy-Wilson, "Analysis of i-vector length normalization in
       speaker recognition systems", Interspeech 2011.
    .. [13] J. Hu, L. Shen and G. Sun, "Squeeze-and-excitation networks", CVPR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import CNNEmbedder
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.normal(size=(24, 13, 20))
    >>> emotion = np.repeat(["anger", "sadness"], 12)
    >>> frames[emotion == "anger", 0] += 5
    >>> cnn = CNNEmbedder(12, channels=(8, 16), batch_size=8, max_epochs=20, random_state=0)
    >>> cnn.fit(frames, emotion).predict(frames[[0, -1]])
    array(['anger', 'sadness'], dtype='<U7')
    >>> cnn.transform(frames).shape
    (24, 12)
    """

    def __init__(
        self,
        embedding_dim: int = 96,
        channels: Sequence[int] = (16, 48, 64, 128),
        *,
        n_networks: int = 3,
        input_channels: int = 1,
        se_ratio: float = 0.125,
        network: str = "cnn",
        hidden_layer_sizes: Sequence[int] = (256,),
        dropout: float = 0.3,
        max_epochs: int = 120,
        batch_size: int = 32,
        lr: float = 3e-3,
        warmup: float = 0.2,
        lr_schedule: str = "cosine",
        weight_decay: float = 0.1,
        weight_averaging: float = 0.25,
        label_smoothing: float = 0.1,
        mixup_alpha: float = 0.0,
        mixstyle_p: float = 0.5,
        time_stretch: float = 0.2,
        frequency_warp: float = 0.05,
        gain: float = 0.3,
        time_mask: float = 0.15,
        frequency_mask: float = 0.15,
        time_shift: float = 0.0,
        noise_snr: float | None = None,
        n_views: int = 3,
        norm: str | None = "l2",
        class_weight: dict[Any, float] | str | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        callbacks: Sequence[Callback | tuple[str, Callback]] | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.embedding_dim = embedding_dim
        self.channels = channels
        self.n_networks = n_networks
        self.input_channels = input_channels
        self.se_ratio = se_ratio
        self.network = network
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.warmup = warmup
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.weight_averaging = weight_averaging
        self.label_smoothing = label_smoothing
        self.mixup_alpha = mixup_alpha
        self.mixstyle_p = mixstyle_p
        self.time_stretch = time_stretch
        self.frequency_warp = frequency_warp
        self.gain = gain
        self.time_mask = time_mask
        self.frequency_mask = frequency_mask
        self.time_shift = time_shift
        self.noise_snr = noise_snr
        self.n_views = n_views
        self.norm = norm
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> CNNEmbedder:
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.
        y : array-like of shape (n_clips,)
            Labels of any kind, of at least two classes. It has a default only so that a pipeline
            without labels gets an error in words.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            How often each clip counts: a clip of weight 2 is the same as the clip twice, and a clip
            of weight 0 is as good as not there. A weight that is no whole number is shared by as
            many copies as the nearest whole number, at least one. An epoch goes over all copies, so
            it takes longer the larger the weights are. Below one, and where no clip occurs twice,
            only their ratios matter.
        groups : array-like of shape (n_clips,) or None, default=None
            Such as the speaker of each clip; only `early_stopping` looks at them. A pipeline
            passes them on as ``pipe.fit(X, y, cnn__groups=speakers)``, and so does a search as
            ``search.fit(X, y, groups=speakers, cnn__groups=speakers)``: its own `groups` go to the
            splitter alone, but for ``sklearn.set_config(enable_metadata_routing=True)`` and
            ``CNNEmbedder(...).set_fit_request(groups=True)``.

        Returns
        -------
        CNNEmbedder
            This estimator.

        Raises
        ------
        TypeError
            If X holds paths, or a parameter is of a wrong type.
        ValueError
            If X, y, sample_weight or groups has a wrong shape or holds NaN, if y has one class, if
            a parameter is out of its range, if `early_stopping` can spare no clips, or if
            `warm_start` finds other classes or another network than before.
        """
        with restored_on_failure(self):
            self._fit(X, y, sample_weight, groups)
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
            Of length 1, where `norm` said so in ``fit``.

        Raises
        ------
        NotFittedError
            If the network is not trained yet.
        TypeError, ValueError
            If X holds paths or NaN, or has another shape than in ``fit``.
        """
        embedding = self._forward(X, embed=True)
        return embedding if self.norm_ is None else normalize(embedding, self.norm_, copy=False)

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

        Raises
        ------
        NotFittedError
            If the network is not trained yet.
        TypeError, ValueError
            If X holds paths or NaN, or has another shape than in ``fit``.
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

        Raises
        ------
        NotFittedError
            If the network is not trained yet.
        TypeError, ValueError
            If X holds paths or NaN, or has another shape than in ``fit``.
        """
        best = self._forward(X, embed=False).argmax(axis=1)
        return self.classes_[best]

    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        check_parameters(self)
        n_features_before = getattr(self, "n_features_in_", None)
        X = check_coefficients(self, X, reset=True, is_table=self.network == "mlp")
        y = check_labels(y, X)
        weights, groups = check_weights(sample_weight, X), check_groups(groups, X)
        # Clips of no weight are as good as not there.
        classes = np.unique(y if weights is None else y[weights > 0])
        if len(classes) < 2:
            raise ValueError(
                f"y holds one class, {classes.tolist()[0]!r}; "
                "expected at least two classes to tell apart"
            )
        history: list[dict[str, Any]] = []
        is_continued = self.warm_start and hasattr(self, "net_")
        if is_continued:
            self._check_same(n_features_before, classes)
            history = self.history_  # type: ignore[has-type]
        n_frames = count_frames(as_frames(X))
        clips = make_training_set(
            as_frames(X),
            # What is in no class has no weight.
            np.searchsorted(classes, y).clip(max=len(classes) - 1),
            n_frames,
            sample_weight=weights,
            groups=groups,
            class_weight=self._class_weight_by_index(classes),
        )
        random_state = check_random_state(self.random_state)
        with one_thread_per_operation() as n_threads:
            net = train(
                self._network_spec(X.shape[1], len(classes)),
                as_frames(X),
                clips,
                n_frames,
                self._training_options(),
                augmentation=(
                    partial(_augment, self._augmentation_options()) if X.ndim == 3 else None
                ),
                seed=int(random_state.randint(np.iinfo(np.int32).max)),
                n_threads=n_threads,
                previous=self.net_.module_ if is_continued else None,  # type: ignore[has-type]
            )
        self.history_ = history + [
            {"epoch": len(history) + row["epoch"]}
            | {name: float(row[name]) for name in _HISTORY if name in row}
            for row in net.history
        ]
        self.n_iter_ = len(self.history_)
        self.classes_ = classes
        self.views_ = self._views(X)
        self.norm_ = self.norm
        net.trim_for_prediction()
        self.net_ = net

    def _forward(self, X: ArrayLike, *, embed: bool) -> NDArray[np.float32]:
        check_is_fitted(self, "net_")
        module = self.net_.module_
        X = check_coefficients(self, X, reset=False, is_table=not module.has_spectrogram)
        return predict_in_batches(
            module,
            as_frames(X),
            batch_size=_PREDICT_BATCH,
            device=device_at_hand(self.device),
            embed=embed,
            views=self.views_,
        )

    def _network_spec(self, n_coefficients: int, n_classes: int) -> NetworkSpec:
        is_cnn = self.network == "cnn"
        n_channels = self.input_channels if is_cnn else 1
        return NetworkSpec(
            kind=self.network,
            n_rows=n_coefficients // n_channels,
            n_channels=n_channels,
            n_classes=n_classes,
            embedding_dim=self.embedding_dim,
            n_networks=self.n_networks,
            dropout=self.dropout,
            arguments=(
                {"channels": tuple(self.channels), "se_ratio": self.se_ratio}
                if is_cnn
                else {"hidden_layer_sizes": tuple(self.hidden_layer_sizes)}
            ),
        )

    def _training_options(self) -> TrainingOptions:
        return TrainingOptions(
            max_epochs=self.max_epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            warmup=self.warmup,
            lr_schedule=self.lr_schedule,
            weight_decay=self.weight_decay,
            weight_averaging=self.weight_averaging,
            label_smoothing=self.label_smoothing,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            n_iter_no_change=self.n_iter_no_change,
            callbacks=self.callbacks,
            device=self.device,
            precision=self.precision,
            verbose=self.verbose,
        )

    def _augmentation_options(self) -> AugmentationOptions:
        return AugmentationOptions(
            time_stretch=self.time_stretch,
            frequency_warp=self.frequency_warp,
            gain=self.gain,
            time_mask=self.time_mask,
            frequency_mask=self.frequency_mask,
            time_shift=self.time_shift,
            noise_snr=self.noise_snr,
            mixstyle_p=self.mixstyle_p,
            mixup_alpha=self.mixup_alpha,
        )

    def _check_same(self, n_features: int | None, classes: NDArray[Any]) -> None:
        """Raise if a warm start meets other data than the network was made for."""
        classes_before: NDArray[Any] = self.classes_
        if self.n_features_in_ != n_features:
            raise ValueError(
                f"warm_start=True goes on with a network for {n_features} coefficients, but X has "
                f"{self.n_features_in_}; set warm_start=False"
            )
        if not np.array_equal(classes_before, classes):
            raise ValueError(
                "warm_start=True goes on with a network for the classes "
                f"{classes_before.tolist()}, but y has {classes.tolist()}; set warm_start=False"
            )

    def _class_weight_by_index(self, classes: NDArray[Any]) -> dict[int, float] | str | None:
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        known = classes.tolist()
        unknown = [label for label in self.class_weight if label not in known]
        if unknown:
            warnings.warn(
                f"class_weight names {unknown[0]!r}, which is no label of y; expected some of "
                f"{', '.join(map(repr, known))}",
                UserWarning,
                stacklevel=find_stack_level(),
            )
        return {index: self.class_weight.get(label, 1.0) for index, label in enumerate(known)}

    def _views(self, X: NDArray[np.float32]) -> list[View]:
        return spread_views(
            self.n_views if X.ndim == 3 else 1,
            frequency_warp=self.frequency_warp,
            time_stretch=self.time_stretch,
            step=2 ** len(self.channels),
        )

    @property
    def _n_features_out(self) -> int:
        # The name that ClassNamePrefixFeaturesOutMixin looks for.
        return self.net_.module_.embedding_dim

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags


def _augment(
    options: AugmentationOptions, batch: SpectrogramBatch, rng: Generators
) -> SpectrogramBatch:
    return augment(batch, options, rng)
