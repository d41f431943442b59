"""CNNEmbedder: an ensemble of networks as a scikit-learn classifier and transformer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from .._utils.checks import restored_on_failure
from .._utils.public import moved_parameters, public, split_moved
from .cnn_parameters import MOVED, OBJECTS
from .network_estimator import NetworkEstimator

if TYPE_CHECKING:
    from skorch.callbacks import Callback

__all__ = ["CNNEmbedder"]


@public
class CNNEmbedder(NetworkEstimator):
    """Ensemble of convolutional networks on MFCCs: a classifier, and a transformer.

    Each network recovers a smoothed log-mel spectrogram from the MFCCs by the inverse cosine
    transform. Convolutions with pooling, statistics over time, a fully connected layer (the
    embedding) and a softmax follow. `predict` and `predict_proba` average the softmax probabilities
    of the networks; `transform` returns their embeddings, from which another classifier, such as a
    linear discriminant analysis, can learn. Training minimizes the cross-entropy with AdamW [1]_,
    on augmented clips.

    Frames that are zero in every coefficient are masked as padding, so the prediction for a clip
    does not depend on the other clips.

    Parameters
    ----------
    embedding_dim : int >= n_networks, default=96
        Size of the embedding, which is divided among the networks.
    network : {"cnn", "mlp"}, SpectrogramCNN, FeatureMLP, module class or callable, default="cnn"
        Architecture of the networks.

        - "cnn" or a `SpectrogramCNN`: a convolutional network on the spectrogram.
        - "mlp" or a `FeatureMLP`: a fully connected network on a table, such as that of
          `AcousticFeatures`.
        - A torch.nn.Module class or any callable: ``network(n_channels, n_rows)`` returns a new
          module, whose ``forward(spectrogram, mask)`` turns spectrograms of shape (n, n_channels,
          n_rows, n_frames) and masks (n, 1, 1, n_frames), one in real frames and zero in padding,
          into a tensor (n, n_features), see Notes.
    n_networks : int > 0, default=3
        Number of networks, trained in parallel from different initial weights: a deep ensemble
        [2]_.
    dropout : float in [0, 1), default=0.3
        Probability that a unit of the embedding, or of a hidden layer of a `FeatureMLP`, is dropped
        in training.
    augmentation : "default", SpectrogramAugmentation, callable or None, default="default"
        Random augmentation of the training clips. "default" is ``SpectrogramAugmentation()``; None
        disables augmentation. `SpectrogramAugmentation` also describes custom augmentations. Tables
        are never augmented.
    max_epochs : int > 0, default=120
        Number of passes over the training clips.
    batch_size : int >= 2, default=32
        Maximum number of clips in a batch, exceeded by one if a single clip would remain.
    lr : float > 0, default=0.003
        Peak learning rate.
    warmup : float in [0, 1), default=0.2
        Fraction of training over which the learning rate rises linearly to its peak.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        Learning rate after its peak: half a cosine down to zero [4]_, or constant.
    weight_decay : float >= 0, default=0.1
        Decoupled weight decay. It does not apply to biases and normalization layers.
    weight_averaging : float in [0, 1], default=0.25
        Final fraction of the epochs over which the weights are averaged [3]_; 0 keeps the last
        weights. It has no effect with `early_stopping`.
    label_smoothing : float in [0, 1), default=0.1
        Fraction of each target that is distributed over all classes [5]_.
    n_views : int > 0, default=3
        Number of views of a clip over which predictions and embeddings are averaged (test-time
        augmentation). In equal steps from the first to the last view, the frequency axis is scaled
        by up to half of the ``frequency_warp`` of the augmentation, and time is stretched by up to
        the square root of ``1 + time_stretch``. Every second view is delayed by half of the total
        stride of the network. With 1, only the clip itself is used.
    norm : {"l2"} or None, default="l2"
        "l2" scales the embedding of every clip to length 1, as in speaker recognition [6]_.
        Embeddings of training clips are longer than those of unseen speakers, and a model on top
        would learn to rely on the length. An embedding of one dimension requires None.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes in the loss, by label; other labels have weight 1. "balanced" gives
        all classes the same total weight.
    early_stopping : bool, default=False
        Whether to set some clips aside for validation and to stop when the loss on them has not
        decreased for `n_iter_no_change` epochs. The weights of the best epoch are kept. With
        `groups` in ``fit``, such as speakers, no group is split. The learning rate schedule still
        spans `max_epochs`, so ``lr_schedule="constant"`` is usually preferable.
    validation_fraction : float in (0, 1), default=0.1
        Fraction of the clips that `early_stopping` sets aside.
    n_iter_no_change : int > 0, default=10
        Epochs without improvement after which `early_stopping` stops.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights of the last ``fit``, with a new learning rate
        schedule.
    callbacks : list of skorch.callbacks.Callback or of (str, Callback), or None, default=None
        Training callbacks, see Notes.
    device : str, default="auto"
        "auto" uses a CUDA GPU if there is one and the CPU otherwise; or a torch device such as
        "cpu" or "cuda:1".
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Floating-point type of the convolutions during training. "auto" is bfloat16 on CPUs with
        AMX, where it is up to twice as fast, and float32 elsewhere and for custom modules. Weights
        and predictions are always float32.
    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights, the order of the clips, augmentation and dropout; the global
        generators are not used. On a CPU, an int gives the same result in every call, for any
        number of threads or workers. Processors of another kind may round differently.
    verbose : int, default=0
        1 shows a progress bar in a terminal and about ten lines elsewhere; 2 shows one line per
        epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    module_ : torch.nn.Module
        The trained ensemble, on the CPU.
    history_ : list of dict
        One entry per epoch: ``epoch`` (from 1), ``train_loss`` (on augmented clips, with label
        smoothing), ``dur`` (seconds), and with `early_stopping` ``valid_loss`` and
        ``valid_accuracy``. `warm_start` appends to it.
    views_ : list of (float, float, int)
        Views over which predictions are averaged: scale of the frequency axis, stretch of time, and
        delay in frames.
    norm_ : {"l2"} or None
        Value of `norm` in ``fit``.
    statistics_ : ndarray of shape (2, n_statistics), float32, or None
        With ``SpectrogramCNN(statistics=True)``, the values that are subtracted from the
        statistics, and the factors that the result is multiplied by. Each row of coefficients has
        four statistics.
    n_iter_ : int
        Number of entries of ``history_``.
    interrupted_ : bool
        Whether the last ``fit`` was interrupted from the keyboard.
    n_features_in_ : int
        Number of coefficients.

    See Also
    --------
    MFCCTransformer : Computes the coefficients.
    SpectrogramAugmentation : Random augmentation of the training clips.
    make_ser_pipeline : Pipeline with a linear classifier on the embedding.

    Notes
    -----
    Derivatives (``MFCCTransformer(deltas=1)``) are additional channels of the spectrogram. A 2-D
    input (n_samples, n_features) is treated as clips of one frame, without augmentation and views.

    In training, clips longer than four times the median length are cropped to it, in each epoch at
    another random position. Predictions are always based on the whole clip.

    Every batch is split into shards of about 16 clips of similar length, which run in parallel.
    Their gradients are added in a fixed order, so the number of threads has no effect on the
    result. Batch normalization uses the statistics of a shard [7]_. Training uses as many threads
    as torch: see ``torch.set_num_threads`` and the environment variable ``OMP_NUM_THREADS``.

    A custom module keeps its initial weights; torch's generator is seeded while it is created. Its
    ``torch.nn.Dropout`` layers are reproducible, functional dropout is not. Everything after the
    module (embedding, softmax) and around it (ensemble, augmentation, views) is unchanged. If the
    module pools over real frames only, predictions do not depend on the other clips of a batch.

    Callbacks may monitor ``train_loss`` and, with `early_stopping`, ``valid_loss`` and
    ``valid_accuracy``. skorch's LRScheduler replaces `warmup` and `lr_schedule`; its EarlyStopping,
    or a subclass, ends training. EpochScoring is not supported, and Checkpoint can save parameters
    (``f_params``) but not the whole net (``f_pickle=None``).

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    .. [2] B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive
       uncertainty estimation using deep ensembles", NeurIPS 2017.
    .. [3] P. Izmailov et al., "Averaging weights leads to wider optima and better generalization",
       UAI 2018.
    .. [4] I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR
       2017.
    .. [5] C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR
       2016.
    .. [6] D. Garcia-Romero and C. Y. Espy-Wilson, "Analysis of i-vector length normalization in
       speaker recognition systems", Interspeech 2011.
    .. [7] E. Hoffer, I. Hubara and D. Soudry, "Train longer, generalize better: closing the
       generalization gap in large batch training of neural networks", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import CNNEmbedder, SpectrogramCNN
    >>> rng = np.random.default_rng(0)
    >>> frames = rng.normal(size=(24, 13, 20))
    >>> emotion = np.repeat(["anger", "sadness"], 12)
    >>> frames[emotion == "anger", 0] += 5
    >>> small = SpectrogramCNN(channels=(8, 16))
    >>> cnn = CNNEmbedder(12, small, batch_size=8, max_epochs=20, random_state=0)
    >>> cnn.fit(frames, emotion).predict(frames[[0, -1]])
    array(['anger', 'sadness'], dtype='<U7')
    >>> cnn.transform(frames).shape
    (24, 12)
    """

    @moved_parameters(MOVED)
    def __init__(
        self,
        embedding_dim: int = 96,
        network: Any = "cnn",
        *,
        n_networks: int = 3,
        dropout: float = 0.3,
        augmentation: str | Callable[..., Any] | None = "default",
        max_epochs: int = 120,
        batch_size: int = 32,
        lr: float = 3e-3,
        warmup: float = 0.2,
        lr_schedule: str = "cosine",
        weight_decay: float = 0.1,
        weight_averaging: float = 0.25,
        label_smoothing: float = 0.1,
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
        self.network = network
        self.n_networks = n_networks
        self.dropout = dropout
        self.augmentation = augmentation
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.warmup = warmup
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.weight_averaging = weight_averaging
        self.label_smoothing = label_smoothing
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

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of `network` and `augmentation`.

        Parameters
        ----------
        **params : dict
            Parameters by name, such as ``network__channels`` or ``augmentation__gain``. A nested
            parameter replaces "cnn", "mlp" or "default" by the object that the string stands for.

        Returns
        -------
        CNNEmbedder
            This estimator.
        """
        params, nested = split_moved(self, params, MOVED)
        params |= nested
        for name, makers in OBJECTS.items():
            value = params.get(name, getattr(self, name))
            own = [key for key in params if key.startswith(f"{name}__")]
            if own and isinstance(value, str) and value in makers:
                params[name] = makers[value]()
            elif own and not isinstance(value, BaseEstimator):
                raise ValueError(
                    f"Invalid parameter {own[0]!r} for estimator CNNEmbedder: {name} is "
                    f"{value!r:.80}, which has no parameters. Set it to an object that has, such "
                    f"as a {next(iter(makers.values())).__name__}"
                )
        with contextlib.ExitStack() as stack:
            for each in (self, self.network, self.augmentation):
                if isinstance(each, BaseEstimator):
                    stack.enter_context(restored_on_failure(each))
            super().set_params(**params)
        return self
