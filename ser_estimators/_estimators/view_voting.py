"""ViewVotingClassifier: learn from several views of each clip, and average their predictions."""

from __future__ import annotations

import sys
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils import Tags, check_scalar
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from .._utils.checks import check_finite
from .._utils.public import public
from .._utils.text import represent
from .speaker_folds import speaker_folds

__all__ = ["ViewVotingClassifier"]

# The temperature is searched between these powers of ten.
_MIN_POWER, _MAX_POWER = -1.0, 2.0


@public
class ViewVotingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Learn from several views of each clip, and average log-probabilities.

    The views of a clip are equal blocks of columns, such as the embeddings of
    ``EncoderEmbedder(speeds=(0.95, 1.0, 1.05))``. For the classifier inside, each view is a clip of
    its own, so that it learns from more voices than there are speakers. A view may be divided
    again, such as into layers of an encoder, each with a classifier of its own. A clip is predicted
    from the mean over views and classifiers.

    With a `normalizer`, what the clips of a speaker have in common is removed first. Pass the
    speakers as `groups` in prediction as well, and each is recognized better the more clips of it
    there are.

    Parameters
    ----------
    estimator : classifier
        Has ``predict_proba``, such as a pipeline of a ``StandardScaler`` and a
        ``LinearDiscriminantAnalysis``.
    n_views : int > 0, default=3
        Number of views.
    n_members : int > 0, default=1
        Number of equal blocks of columns in each view, for each of which a clone of `estimator` is
        fitted.
    normalizer : SpeakerNormalizer or None, default=None
        Normalizes the columns before the classifiers see them.
    temperature : "auto" or float > 0, default="auto"
        The mean log-probabilities are divided by this number [1]_. Classifiers of many features are
        overconfident about clips that they were not trained on. "auto" chooses the number with the
        lowest log loss on clips that were left out in cross-validation, which fits `estimator`
        `cv` more times: one for predictions without, and one for those with speakers. The predicted
        class does not depend on it.
    cv : int >= 2, default=3
        Number of folds for ``temperature="auto"``.

    Attributes
    ----------
    estimators_ : list of classifier, of length n_members
        The fitted clones of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels, in the order of the columns of ``predict_proba``.
    normalizer_ : SpeakerNormalizer or None
        The fitted normalizer.
    temperature_ : float
        The temperature that is used without speakers: 1.0 with ``temperature="auto"`` if the clips
        are too few for `cv` folds.
    speaker_temperature_ : float
        The temperature that is used with speakers.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_columns,), object
        Names of the columns of X. Only defined if all of them are strings.

    See Also
    --------
    EncoderEmbedder : Its `speeds` are the views.
    SpeakerNormalizer : Describes how many clips of a speaker are needed, and which.

    Notes
    -----
    Pass the speakers as `groups` to ``fit``, as ``voting__groups`` in a pipeline, so that the
    temperature is chosen on speakers that are held out. `ser_estimators.evaluation.evaluate` does.

    If this is the last step of a pipeline, ``pipe.predict(X, groups=speakers)`` adapts to the
    speakers. Such predictions depend on the other clips of the call.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_estimators import ViewVotingClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["anger", "sadness"], 30)
    >>> views = [rng.normal(size=(60, 5)) + (y == "anger")[:, None] for _ in range(2)]
    >>> voting = ViewVotingClassifier(LogisticRegression(), n_views=2)
    >>> voting.fit(np.hstack(views), y).predict_proba(np.hstack(views)).shape
    (60, 2)
    """

    # With metadata routing, the speakers are passed without set_fit_request(groups=True).
    __metadata_request__fit: ClassVar = {"groups": True}
    __metadata_request__predict: ClassVar = {"groups": True}
    __metadata_request__predict_proba: ClassVar = {"groups": True}
    __metadata_request__predict_log_proba: ClassVar = {"groups": True}
    __metadata_request__score: ClassVar = {"groups": True}

    def __init__(
        self,
        estimator: Any,
        *,
        n_views: int = 3,
        n_members: int = 1,
        normalizer: Any = None,
        temperature: str | float = "auto",
        cv: int = 3,
    ) -> None:
        self.estimator = estimator
        self.n_views = n_views
        self.n_members = n_members
        self.normalizer = normalizer
        self.temperature = temperature
        self.cv = cv

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> ViewVotingClassifier:
        """Fit the classifier on all views, and choose the temperature.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            The columns of the first view, then those of the second, and so on.
        y : array-like of shape (n_clips,)
            Labels.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips.

        Returns
        -------
        ViewVotingClassifier
            This classifier.

        Raises
        ------
        TypeError, ValueError
            If a parameter has a wrong type or value, or X or y have a wrong shape or value.
        """
        self._check_params()
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        if groups is not None:
            groups = column_or_1d(groups)
            check_consistent_length(X, groups)
        self._check_columns(X)
        self.classes_ = np.unique(y)
        self.temperature_, self.speaker_temperature_ = (
            self._find_temperatures(X, y, groups)
            if isinstance(self.temperature, str)
            else (float(self.temperature), float(self.temperature))
        )
        self.normalizer_, self.estimators_ = self._fit_members(X, y, groups)
        return self

    def predict(self, X: Any, groups: Any = None) -> NDArray[Any]:
        """Predict the label of every clip.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, to which the `normalizer` adapts. They need not be known from
            ``fit``.

        Returns
        -------
        ndarray of shape (n_clips,)
        """
        scores = self._scores_of(X, groups)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Any, groups: Any = None) -> NDArray[np.floating[Any]]:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, to which the `normalizer` adapts. They need not be known from
            ``fit``.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        return np.exp(self.predict_log_proba(X, groups))

    def predict_log_proba(self, X: Any, groups: Any = None) -> NDArray[np.floating[Any]]:
        """Predict the logarithm of the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, to which the `normalizer` adapts. They need not be known from
            ``fit``.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        scores = self._scores_of(X, groups)
        temperature = self.temperature_ if groups is None else self.speaker_temperature_
        return log_softmax(scores / temperature, axis=1)

    def score(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Weights of the clips.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, to which the `normalizer` adapts. They need not be known from
            ``fit``.

        Returns
        -------
        float
        """
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def _scores_of(self, X: Any, groups: Any) -> NDArray[np.floating[Any]]:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._scores(self.normalizer_, self.estimators_, X, groups)

    def _members_of(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """Return what each classifier sees, of shape (n_clips * n_views, n_features)."""
        return np.split(X.reshape(len(X) * self.n_views, -1), self.n_members, axis=1)

    def _fit_members(self, X: NDArray[Any], y: NDArray[Any], groups: Any) -> tuple[Any, list[Any]]:
        """Return a fitted normalizer, if there is one, and the fitted classifiers."""
        normalizer = None
        if self.normalizer is not None:
            normalizer = clone(self.normalizer).fit(X, groups=groups)
            X = normalizer.transform(X, groups=groups)
        labels = np.repeat(y, self.n_views)
        members = [clone(self.estimator).fit(member, labels) for member in self._members_of(X)]
        return normalizer, members

    def _scores(
        self, normalizer: Any, estimators: list[Any], X: NDArray[Any], groups: Any
    ) -> NDArray[np.floating[Any]]:
        """Return the mean log-probabilities over views and members, (n_clips, n_classes)."""
        if normalizer is not None:
            X = normalizer.transform(X, groups=groups)
        logs = []
        for estimator, member in zip(estimators, self._members_of(X), strict=True):
            probabilities = estimator.predict_proba(member)
            # Probabilities of zero have a logarithm, too.
            smallest = np.finfo(probabilities.dtype).tiny
            logs.append(np.log(np.maximum(probabilities, smallest)))
        return np.mean(logs, axis=0).reshape(len(X), self.n_views, -1).mean(axis=1)

    def _find_temperatures(
        self, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any] | None
    ) -> tuple[float, float]:
        """Return the best temperatures without and with speakers, on clips that are left out."""
        folds = speaker_folds(y, groups, self.cv)
        if folds is None:
            return 1.0, 1.0
        scores = np.empty((2, len(y), len(self.classes_)))
        for train, test in folds:
            own, others = (None, None) if groups is None else (groups[train], groups[test])
            fitted = self._fit_members(X[train], y[train], own)
            scores[0, test] = self._scores(*fitted, X[test], None)
            scores[1, test] = self._scores(*fitted, X[test], others)
        return self._best_temperature(scores[0], y), self._best_temperature(scores[1], y)

    def _best_temperature(self, scores: NDArray[Any], y: NDArray[Any]) -> float:
        def loss(power: float) -> float:
            probabilities = np.exp(log_softmax(scores / 10**power, axis=1))
            return log_loss(y, probabilities, labels=self.classes_)

        return float(10 ** minimize_scalar(loss, bounds=(_MIN_POWER, _MAX_POWER)).x)

    def _check_columns(self, X: NDArray[Any]) -> None:
        if X.shape[1] % (self.n_views * self.n_members):
            raise ValueError(
                f"X has {X.shape[1]} columns, which is not a multiple of n_views * n_members == "
                f"{self.n_views} * {self.n_members}; after an EncoderEmbedder, set n_views to the "
                "number of its speeds, and n_members to that of its layers, or to 1"
            )

    def _check_params(self) -> None:
        is_estimator = hasattr(self.estimator, "fit") and not isinstance(self.estimator, type)
        if not is_estimator or not is_classifier(self.estimator):
            raise TypeError(f"estimator is {represent(self.estimator)}; expected a classifier")
        if not hasattr(self.estimator, "predict_proba"):
            raise TypeError(
                f"estimator is {represent(self.estimator)}, which has no predict_proba; expected a "
                "classifier with probabilities"
            )
        if self.normalizer is not None and not hasattr(self.normalizer, "transform"):
            raise TypeError(
                f"normalizer is {represent(self.normalizer)}; expected a SpeakerNormalizer or None"
            )
        check_scalar(self.n_views, "n_views", Integral, min_val=1)
        check_scalar(self.n_members, "n_members", Integral, min_val=1)
        check_scalar(self.cv, "cv", Integral, min_val=2)
        if isinstance(self.temperature, str):
            if self.temperature != "auto":
                raise ValueError(
                    f"temperature == {represent(self.temperature)}, must be 'auto' or a number > 0"
                )
            return
        smallest = sys.float_info.min
        check_scalar(self.temperature, "temperature", Real, min_val=smallest)
        check_finite(self.temperature, "temperature")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags
