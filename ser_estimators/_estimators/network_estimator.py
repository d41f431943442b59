"""NetworkEstimator: the methods of CNNEmbedder."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Self

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

from .._features.frame_statistics import FRAME_STATISTICS, frame_statistics, standardization
from .._features.layout import layout_of
from .._features.mfcc_array import index_of, known_frames
from .._network.context import default_context
from .._network.devices import device_at_hand
from .._network.inference import predict_in_batches
from .._network.lengths import count_frames
from .._network.threads import one_thread_per_operation
from .._network.views import View, spread_views
from .._utils.checks import restored_on_failure
from .._utils.stack_level import find_stack_level
from .._utils.text import listed
from ..exceptions import TrainingInterruptedWarning
from .cnn_input import (
    as_frames,
    check_coefficients,
    check_groups,
    check_labels,
    check_layout,
    check_same_layout,
    check_weights,
)
from .cnn_parameters import (
    augmentation_of,
    check_parameters,
    class_weight_by_index,
    is_table,
    network_spec,
    training_options,
)
from .cnn_state import pack, unpack
from .embedding_array import EmbeddingArray
from .spectrogram_cnn import SpectrogramCNN

__all__ = ["NetworkEstimator"]

_PREDICT_BATCH = 32
# Entries of an epoch of the training history that are kept, if present.
_HISTORY = ("train_loss", "valid_loss", "valid_accuracy", "dur")


class NetworkEstimator(
    ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Classifier and transformer based on an ensemble; subclasses define the parameters."""

    # With metadata routing, the speakers are passed without set_fit_request(groups=True).
    __metadata_request__fit: ClassVar = {"groups": True}

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Train the networks.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.
        y : array-like of shape (n_clips,)
            Labels of any dtype, of at least two classes. The default of None only exists to raise a
            clear error in a pipeline without labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Weight of each clip: weight 2 is equivalent to two copies of the clip, and weight 0
            excludes it. A weight that is not an integer is divided among as many copies as the
            nearest integer, at least one. An epoch goes over all copies, so large weights take
            longer. If all weights are below one and no clip occurs twice, only their ratios matter.
        groups : array-like of shape (n_clips,) or None, default=None
            Group of each clip, such as its speaker, for `early_stopping`. In a pipeline, pass
            ``pipe.fit(X, y, cnn__groups=speakers)``; in a search,
            ``search.fit(X, y, groups=speakers, cnn__groups=speakers)``, because the search passes
            its own `groups` to the splitter only. With
            ``sklearn.set_config(enable_metadata_routing=True)``,
            ``pipe.fit(X, y, groups=speakers)`` is enough.

        Returns
        -------
        CNNEmbedder
            This estimator.

        Raises
        ------
        TypeError
            If X contains paths, or a parameter has a wrong type.
        ValueError
            If X, y, sample_weight or groups has a wrong shape or contains NaN, if y has one class,
            if a parameter is out of its range, if X has MFCCs of a `dct_type` other than 2, if
            `early_stopping` cannot set clips aside, or if classes or network differ from those of
            the last fit with `warm_start`.

        Warns
        -----
        TrainingInterruptedWarning
            If training is interrupted from the keyboard after the first epoch, and not in a search
            or a cross-validation. The network is then what was trained until the interrupt.
        """
        with restored_on_failure(self), default_context():
            self._fit(X, y, sample_weight, groups)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the embedding: the penultimate layers of the networks before their activation.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_coefficients, n_frames) or (n_clips, n_coefficients)
            MFCCs, padded at the end with frames of zeros.

        Returns
        -------
        ndarray of shape (n_clips, embedding_dim), float32
            Of length 1 with ``norm="l2"``. With ``SpectrogramCNN(statistics=True)``, an
            `EmbeddingArray` with ``4 * n_coefficients`` more columns.

        Raises
        ------
        NotFittedError
            If the network has not been fitted.
        TypeError, ValueError
            If X contains paths or NaN, or has another shape than in ``fit``.
        """
        frames, n_frames = self._frames_of(X)
        embedding = self._forward(frames, n_frames, embed=True)
        if self.norm_ is not None:
            with np.errstate(under="ignore"):
                embedding = normalize(embedding, self.norm_, copy=False)
        if self.statistics_ is None:
            return embedding
        center, factor = self.statistics_
        with np.errstate(under="ignore"):
            statistics = (frame_statistics(frames, n_frames) - center) * factor
            columns = np.hstack([embedding, statistics.astype(np.float32)])
        return EmbeddingArray(columns, (1, 1, statistics.shape[1]))

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
            If the network has not been fitted.
        TypeError, ValueError
            If X contains paths or NaN, or has another shape than in ``fit``.
        """
        logits = self._forward(*self._frames_of(X), embed=False)
        with np.errstate(under="ignore"):
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
            Labels, of the dtype of y in ``fit``.

        Raises
        ------
        NotFittedError
            If the network has not been fitted.
        TypeError, ValueError
            If X contains paths or NaN, or has another shape than in ``fit``.
        """
        best = self._forward(*self._frames_of(X), embed=False).argmax(axis=1)
        return self.classes_[best]

    def _check_params(self) -> None:
        check_parameters(self)

    def _fit(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> None:
        # Imported here, because prediction needs neither training nor skorch.
        from .._training.fit import train
        from .._training.training_set import make_training_set

        self._check_params()
        n_features_before = getattr(self, "n_features_in_", None)
        layout = None if is_table(self.network) else layout_of(X)
        at_most = known_frames(X)
        X = check_coefficients(self, X, reset=True, is_table=is_table(self.network))
        layout = layout if X.ndim == 3 else None
        check_layout(layout, X.shape[1])
        y = check_labels(y, X)
        weights, groups = check_weights(sample_weight, X), check_groups(groups, X)
        # Clips of weight zero are left out.
        classes = np.unique(y if weights is None else y[weights > 0])
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r:.200}; expected at least two classes"
            )
        history: list[dict[str, Any]] = []
        previous = None
        if self.warm_start and hasattr(self, "module_"):
            self._check_same(n_features_before, classes)
            history, previous = self.history_, self.module_  # type: ignore[has-type]
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        spec = network_spec(self, X.shape[1], len(classes), layout, seed=seed)
        n_frames = count_frames(as_frames(X), at_most)
        clips = make_training_set(
            as_frames(X),
            # Clips without a class have weight zero.
            np.searchsorted(classes, y).clip(max=len(classes) - 1),
            n_frames,
            sample_weight=weights,
            groups=groups,
            class_weight=class_weight_by_index(self.class_weight, classes),
        )
        with one_thread_per_operation() as n_threads:
            module, epochs, is_interrupted = train(
                spec,
                as_frames(X),
                clips,
                n_frames,
                training_options(self),
                augmentation=augmentation_of(self) if X.ndim == 3 else None,
                n_threads=n_threads,
                previous=previous,
            )
        self.history_ = history + [
            {"epoch": len(history) + row["epoch"]}
            | {name: float(row[name]) for name in _HISTORY if name in row}
            for row in epochs
        ]
        self.n_iter_ = len(self.history_)
        self.interrupted_ = is_interrupted
        if is_interrupted:
            warnings.warn(
                f"Training was interrupted after {len(epochs)} of {self.max_epochs} epochs, and "
                "the network is what was trained until then. Interrupt again within a minute to "
                "stop the program",
                TrainingInterruptedWarning,
                stacklevel=find_stack_level(),
            )
        self.classes_ = classes
        augmentation = augmentation_of(self)
        views = spread_views(
            self.n_views if X.ndim == 3 else 1,
            frequency_warp=getattr(augmentation, "frequency_warp", 0.0),
            time_stretch=getattr(augmentation, "time_stretch", 0.0),
            step=spec.step,
        )
        self.views_ = [tuple(view) for view in views]
        self.norm_ = self.norm
        self.statistics_ = None
        if isinstance(self.network, SpectrogramCNN) and self.network.statistics:
            with np.errstate(under="ignore"):
                statistics = frame_statistics(as_frames(X), n_frames)
                self.statistics_ = standardization(statistics, weights)
        self.module_ = module
        self._spec = spec

    def _frames_of(self, X: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return valid coefficients, and the number of real frames of each clip."""
        check_is_fitted(self, "module_")
        is_mlp = self._spec.kind == "mlp"
        layout = None if is_mlp else layout_of(X)
        at_most = known_frames(X)
        X = check_coefficients(self, X, reset=False, is_table=is_mlp)
        layout = layout if X.ndim == 3 else None
        check_layout(layout, X.shape[1])
        check_same_layout(layout, self._spec.layout)
        frames = as_frames(X)
        return frames, count_frames(frames, at_most)

    @default_context()
    def _forward(
        self, frames: NDArray[np.float32], n_frames: NDArray[np.int64], *, embed: bool
    ) -> NDArray[np.float32]:
        return predict_in_batches(
            self.module_,
            frames,
            n_frames,
            batch_size=_PREDICT_BATCH,
            device=device_at_hand(self.device),
            embed=embed,
            views=[View._make(view) for view in self.views_],
        )

    def _check_same(self, n_features: int | None, classes: NDArray[Any]) -> None:
        """Raise if the data of a warm start do not match the network."""
        classes_before: NDArray[Any] = self.classes_
        if self.n_features_in_ != n_features:
            raise ValueError(
                f"warm_start=True continues a network for {n_features} coefficients, but X has "
                f"{self.n_features_in_}; set warm_start=False"
            )
        if not np.array_equal(classes_before, classes):
            raise ValueError(
                "warm_start=True continues a network for the classes "
                f"{listed(classes_before.tolist())}, but y has {listed(classes.tolist())}; "
                "set warm_start=False"
            )

    @property
    def _n_features_out(self) -> int:
        # The attribute that ClassNamePrefixFeaturesOutMixin reads.
        n_statistics = 0 if self.statistics_ is None else self.statistics_.shape[1]
        return int(self.module_.embedding_dim + n_statistics)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : None
            Only for the convention of scikit-learn.

        Returns
        -------
        ndarray of shape (n_columns,), object
            Such as "cnnembedder0" for the embedding, and "statistics_mean_0" for statistics.
        """
        names = super().get_feature_names_out(input_features)
        if self.statistics_ is not None:
            rows = range(self.n_features_in_)
            names[self.module_.embedding_dim :] = [
                f"statistics_{name}_{row}" for name in FRAME_STATISTICS for row in rows
            ]
        return names

    def __getstate__(self) -> dict[str, Any]:
        return pack(self.__dict__)

    @default_context()
    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(unpack(state))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags


def _with_index_of_clips(transform: Callable[..., Any]) -> Callable[..., Any]:
    """Give a table that `transform` returns the index of the clips.

    scikit-learn takes the index of a table only from another table, not from an array.
    """

    @functools.wraps(transform)
    def wrapper(self: NetworkEstimator, X: Any) -> Any:
        table = transform(self, X)
        index = index_of(X)
        if index is not None and hasattr(table, "index"):
            table.index = index
        return table

    return wrapper


# Around the wrapper of scikit-learn, which makes the table.
NetworkEstimator.transform = _with_index_of_clips(  # type: ignore[method-assign]
    NetworkEstimator.transform
)
