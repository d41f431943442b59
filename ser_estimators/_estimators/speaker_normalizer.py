"""SpeakerNormalizer: subtract what the clips of each speaker have in common."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils.checks import check_finite
from .._utils.public import public
from .._utils.text import represent
from .speaker_codes import speaker_codes

__all__ = ["SpeakerNormalizer"]

Floats = NDArray[np.floating[Any]]

# Between-speaker variances are at least this fraction of the within-speaker ones: differences of
# that size cannot be told from chance, and a division by them would overflow.
_MIN_RATIO = 1e-3


@public
class SpeakerNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Subtract the mean of each speaker, and divide by the deviation within speakers.

    Voices and recordings differ more than emotions do. What the clips of a speaker have in common
    says little about the emotion of each, so it is removed, without labels. The mean of a speaker
    is estimated from all clips of the speaker in the call, and from the average training speaker,
    which counts as a number of clips: with many clips the former decides, with a single clip mostly
    the latter. This is the empirical Bayes estimate [1]_ of the mean.

    Parameters
    ----------
    n_prior : "auto" or float >= 0, default="auto"
        Number of clips that the average training speaker counts as. "auto" chooses it for each
        column: the variance within speakers divided by that between their means. With 0, a clip
        whose speaker has no other clips becomes zero.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean over the training speakers, all of which have the same weight.
    scale_ : ndarray of shape (n_features,)
        Standard deviation within speakers; 1 for constant columns.
    n_prior_ : ndarray of shape (n_features,)
        Number of clips that ``mean_`` counts as. It is infinite, so that nothing but ``mean_`` is
        subtracted, if there are fewer than two training speakers.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,), object
        Names of the columns of X. Only defined if all of them are strings.

    See Also
    --------
    ViewVotingClassifier : Its `normalizer` takes the speakers in ``predict`` as well.

    Notes
    -----
    Pass the speakers as `groups` to ``fit_transform`` and ``transform``. Clips without `groups`, or
    whose group is None, NaN or empty, are treated as the only clip of their speaker. In a pipeline,
    ``pipe.fit(X, y, speakernormalizer__groups=speakers)`` is enough for training. In prediction,
    the speakers need metadata routing::

        with sklearn.config_context(enable_metadata_routing=True):
            pipe.fit(X, y, groups=speakers).predict(X_new, groups=speakers_new)

    The clips of a speaker should cover several emotions. If somebody is angry in all of them, anger
    is part of the mean.

    References
    ----------
    .. [1] B. Efron and C. Morris, "Stein's estimation rule and its competitors: an empirical Bayes
       approach", Journal of the American Statistical Association 68:341, 1973.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import SpeakerNormalizer
    >>> X = np.array([[0.0], [2.0], [10.0], [12.0]])
    >>> speakers = ["Ann", "Ann", "Ben", "Ben"]
    >>> SpeakerNormalizer(n_prior=0).fit_transform(X, groups=speakers)
    array([[-1.],
           [ 1.],
           [-1.],
           [ 1.]])
    """

    # With metadata routing, the speakers are passed without set_fit_request(groups=True).
    __metadata_request__fit: ClassVar = {"groups": True}
    __metadata_request__transform: ClassVar = {"groups": True}

    def __init__(self, *, n_prior: str | float = "auto") -> None:
        self.n_prior = n_prior

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> SpeakerNormalizer:
        """Estimate the mean over speakers, and the variances within and between them.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
        y : None
            Ignored.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips. Clips without a speaker are left out if others have one. If none
            has, all are treated as clips of one speaker.

        Returns
        -------
        SpeakerNormalizer
            This transformer.

        Raises
        ------
        TypeError, ValueError
            If `n_prior` has a wrong type or value, or X or groups have a wrong shape or value.
        """
        self._check_params()
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        codes = speaker_codes(len(X), groups)
        is_known = codes >= 0
        if not is_known.any():
            codes = np.zeros(len(X), dtype=np.intp)
        elif not is_known.all():
            X, codes = X[is_known], codes[is_known]
        means, n_clips = _means(X, codes)
        within = np.square(X - means[codes]).mean(axis=0)
        self.mean_ = means.mean(axis=0)
        self.scale_ = np.where(within > 0, np.sqrt(within), 1.0)
        self.n_prior_ = self._prior_of(means, within, n_clips)
        return self

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Fit to the clips, and normalize them.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
        y : None
            Ignored.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips.

        Returns
        -------
        ndarray of shape (n_clips, n_features)
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    def transform(self, X: Any, groups: Any = None) -> Any:
        """Normalize clips by the mean of each speaker.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, which need not be known from ``fit``. Clips without a speaker are
            normalized one by one.

        Returns
        -------
        ndarray of shape (n_clips, n_features)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        codes = speaker_codes(len(X), groups)
        is_unknown = codes < 0
        codes[is_unknown] = codes.max() + 1 + np.arange(is_unknown.sum())
        means, n_clips = _means(X, codes)
        weight = 1 / (1 + self.n_prior_ / n_clips[:, None])
        # weight (n_speakers, n_features) of the speaker's own clips
        centers = self.mean_ + weight * (means - self.mean_)
        return ((X - centers[codes]) / self.scale_).astype(X.dtype, copy=False)

    def _scale(self, X: Floats) -> Floats:
        """Return the columns around the mean of all speakers, on the scale of normalized ones."""
        return ((X - self.mean_) / self.scale_).astype(X.dtype, copy=False)

    def _prior_of(
        self, means: Floats, within: Floats, n_clips: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        if not isinstance(self.n_prior, str):
            return np.full(len(within), float(self.n_prior))
        if len(means) < 2:
            return np.full(len(within), np.inf)
        # The means of few clips differ by chance, too.
        by_chance = within * np.mean(1 / n_clips)
        between = np.maximum(means.var(axis=0, ddof=1) - by_chance, _MIN_RATIO * within)
        # Columns that are constant within speakers need a single clip.
        return np.divide(within, between, out=np.zeros(len(within)), where=between > 0)

    def _check_params(self) -> None:
        if isinstance(self.n_prior, str):
            if self.n_prior != "auto":
                raise ValueError(
                    f"n_prior == {represent(self.n_prior)}, must be 'auto' or a number >= 0"
                )
            return
        check_scalar(self.n_prior, "n_prior", Real, min_val=0)
        check_finite(self.n_prior, "n_prior")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _means(X: Floats, codes: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the mean of each speaker, (n_speakers, n_features), and the numbers of clips."""
    n_clips = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    starts = np.r_[0, np.cumsum(n_clips)[:-1]]
    sums = np.add.reduceat(X[order].astype(np.float64, copy=False), starts, axis=0)
    return sums / n_clips[:, None], n_clips
