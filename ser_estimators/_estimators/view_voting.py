"""ViewVotingClassifier: learn from several views of each clip, and average their predictions."""

from __future__ import annotations

import sys
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import log_loss
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
    temperature : "auto" or float > 0, default="auto"
        The mean log-probabilities are divided by this number [1]_. Classifiers of many features are
        overconfident about clips that they were not trained on. "auto" chooses the number with the
        lowest log loss on clips that were left out in cross-validation, which fits `estimator`
        `cv` more times. The predicted class does not depend on it.
    cv : int >= 2, default=3
        Number of folds for ``temperature="auto"``.

    Attributes
    ----------
    estimators_ : list of classifier, of length n_members
        The fitted clones of `estimator`.
    classes_ : ndarray of shape (n_classes,)
        Labels, in the order of the columns of ``predict_proba``.
    temperature_ : float
        The temperature that is used: 1.0 with ``temperature="auto"`` if the clips are too few for
        `cv` folds.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_columns,), object
        Names of the columns of X. Only defined if all of them are strings.

    See Also
    --------
    EncoderEmbedder : Its `speeds` are the views.

    Notes
    -----
    Pass the speakers as `groups` to ``fit``, as ``voting__groups`` in a pipeline, so that the
    temperature is chosen on speakers that are held out. `ser_estimators.evaluation.evaluate` does.

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

    def __init__(
        self,
        estimator: Any,
        *,
        n_views: int = 3,
        n_members: int = 1,
        temperature: str | float = "auto",
        cv: int = 3,
    ) -> None:
        self.estimator = estimator
        self.n_views = n_views
        self.n_members = n_members
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
        self.temperature_ = (
            self._find_temperature(X, y, groups)
            if isinstance(self.temperature, str)
            else float(self.temperature)
        )
        self.estimators_ = self._fit_members(X, y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of every clip.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips,)
        """
        scores = self._scores_of(X)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Any) -> NDArray[np.floating[Any]]:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating[Any]]:
        """Predict the logarithm of the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_views * n_members * n_features)
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        return log_softmax(self._scores_of(X) / self.temperature_, axis=1)

    def _scores_of(self, X: Any) -> NDArray[np.floating[Any]]:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self._scores(self.estimators_, X)

    def _members_of(self, X: NDArray[Any]) -> list[NDArray[Any]]:
        """Return what each classifier sees, of shape (n_clips * n_views, n_features)."""
        return np.split(X.reshape(len(X) * self.n_views, -1), self.n_members, axis=1)

    def _fit_members(self, X: NDArray[Any], y: NDArray[Any]) -> list[Any]:
        labels = np.repeat(y, self.n_views)
        return [clone(self.estimator).fit(member, labels) for member in self._members_of(X)]

    def _scores(self, estimators: list[Any], X: NDArray[Any]) -> NDArray[np.floating[Any]]:
        """Return the mean log-probabilities over views and members, (n_clips, n_classes)."""
        logs = []
        for estimator, member in zip(estimators, self._members_of(X), strict=True):
            probabilities = estimator.predict_proba(member)
            # Probabilities of zero have a logarithm, too.
            smallest = np.finfo(probabilities.dtype).tiny
            logs.append(np.log(np.maximum(probabilities, smallest)))
        return np.mean(logs, axis=0).reshape(len(X), self.n_views, -1).mean(axis=1)

    def _find_temperature(
        self, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any] | None
    ) -> float:
        folds = speaker_folds(y, groups, self.cv)
        if folds is None:
            return 1.0
        scores = np.empty((len(y), len(self.classes_)))
        for train, test in folds:
            estimators = self._fit_members(X[train], y[train])
            scores[test] = self._scores(estimators, X[test])

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
