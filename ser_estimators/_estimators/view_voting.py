"""ViewVotingClassifier: learn from several views of each clip, and average their predictions."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    validate_data,
)
from threadpoolctl import threadpool_limits

from .._utils.public import public
from .blocks import Blocks
from .embedding_array import blocks_of
from .log_probabilities import log_probabilities
from .speaker_codes import speaker_codes
from .speaker_folds import check_speakers, speaker_folds
from .temperature import best_temperature, interpolate_clips, training_temperatures
from .voting_parameters import check_columns, check_voting, statistics_weights

__all__ = ["ViewVotingClassifier"]


class _Fitted(NamedTuple):
    """A fitted normalizer, if there is one, and the classifiers of all members."""

    normalizer: Any
    members: list[Any]
    plain: list[Any] | None


@public
class ViewVotingClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Learn from several views of each clip, and average log-probabilities.

    The views of a clip are equal blocks of columns, such as the embeddings of
    ``EncoderEmbedder(speeds=(0.95, 1.0, 1.05))``. For the classifier inside, each view is a clip of
    its own, so that it learns from more voices than there are speakers. A view may be divided
    again, such as into layers of an encoder, each with a classifier of its own. A clip is predicted
    from the mean over views and classifiers. Statistics of the input may follow the views. They
    have a classifier of their own, which takes part in this mean: where networks have learned from
    too few clips, simple measures tell more.

    With a `normalizer`, what the clips of a speaker have in common is removed first. Pass the
    speakers as `groups` in prediction as well, and each is recognized better the more clips of it
    there are. Without them, the prediction is averaged with that of classifiers that were fitted
    without speakers.

    Parameters
    ----------
    estimator : classifier
        Has ``predict_proba``, such as a pipeline of a ``StandardScaler`` and a
        ``LinearDiscriminantAnalysis``.
    n_views : "auto" or int > 0, default="auto"
        Number of views. "auto" is the number of `speeds` of an `EncoderEmbedder` that X comes from,
        and 1 for any other X.
    n_members : "auto" or int > 0, default="auto"
        Number of equal blocks of columns in each view, for each of which a clone of `estimator` is
        fitted. "auto" is the number of layers of an `EncoderEmbedder` that X comes from, and 1 for
        any other X.
    n_statistics : "auto" or int >= 0, default="auto"
        Number of columns at the end that are statistics. "auto" is their number if X comes from a
        `CNNEmbedder` with ``SpectrogramCNN(statistics=True)``, and 0 for any other X.
    statistics_weight : "auto" or float >= 0, default="auto"
        Weight of the classifier of the statistics in the mean, where all others together have the
        weight 1. "auto" is 3 with many clips of a speaker, and for single clips
        ``3 * min(1, 256 / n_clips) ** 3``, where `n_clips` is the number of training clips.
    normalizer : SpeakerNormalizer or None, default=None
        Normalizes the columns before the classifiers see them.
    temperature : {"auto", "training"} or float > 0, default="auto"
        The mean log-probabilities are divided by this number [1]_, which does not change the
        predicted class. Classifiers of many features are overconfident about clips that they were
        not trained on. "auto" chooses numbers for predictions without and with speakers, with the
        lowest log loss on clips that are left out in cross-validation, which takes `cv` more fits.
        "training" is for columns that know the labels, such as those of a `CNNEmbedder` that was
        fitted to the same clips, on which cross-validation makes no errors: it chooses the numbers
        with which the predicted class has a mean probability of 0.9 on the training clips, and
        less without speakers, if there are fewer than 20 of them.
    cv : int >= 2, default=3
        Number of folds for ``temperature="auto"``.

    Attributes
    ----------
    n_views_, n_members_, n_statistics_ : int
        Numbers of views, of blocks in each of them, and of statistics.
    estimators_ : list of classifier
        The fitted clones of `estimator`, on normalized columns if there is a `normalizer`: one for
        each block, and then one for the statistics, if there are any.
    plain_estimators_ : list of classifier, or None
        With a `normalizer`, fitted clones on columns that are only standardized.
    statistics_weight_, speaker_statistics_weight_ : float
        Weights of the statistics without speakers, and for speakers of many clips. With fewer, the
        weight is between both, as the temperature is.
    classes_ : ndarray of shape (n_classes,)
        Labels, in the order of the columns of ``predict_proba``.
    normalizer_ : SpeakerNormalizer or None
        The fitted normalizer.
    temperature_ : float
        The temperature that is used without speakers.
    speaker_temperature_ : float
        The temperature that is used for speakers of many clips. With fewer, the temperature is
        closer to `temperature_`, which a single clip has.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_columns,), object
        Names of the columns of X. Only defined if all of them are strings.

    See Also
    --------
    EncoderEmbedder : Its `speeds` are the views, and its layers the members. A step between, such
        as a ``StandardScaler``, does not hand these numbers on, but a DataFrame does.
    CNNEmbedder : May append statistics of its input.
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
        n_views: str | int = "auto",
        n_members: str | int = "auto",
        n_statistics: str | int = "auto",
        statistics_weight: str | float = "auto",
        normalizer: Any = None,
        temperature: str | float = "auto",
        cv: int = 3,
    ) -> None:
        self.estimator = estimator
        self.n_views = n_views
        self.n_members = n_members
        self.n_statistics = n_statistics
        self.statistics_weight = statistics_weight
        self.normalizer = normalizer
        self.temperature = temperature
        self.cv = cv

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> ViewVotingClassifier:
        """Fit the classifier on all views, and choose the temperature.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_columns)
            The columns of the first view, then those of the second, and so on, and then the
            statistics.
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
        blocks = blocks_of(X)
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        groups = check_speakers(groups, X)
        for name, found in blocks._asdict().items():
            given = getattr(self, name)
            setattr(self, f"{name}_", found if isinstance(given, str) else int(given))
        check_columns(self._blocks, X)
        weights = statistics_weights(self.statistics_weight, len(X))
        self.statistics_weight_, self.speaker_statistics_weight_ = weights
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_.tolist()[0]!r:.80}; expected two or more"
            )
        fitted = self._fit_members(X, y, groups)
        self.temperature_, self.speaker_temperature_ = self._temperatures(fitted, X, y, groups)
        self.normalizer_, self.estimators_, self.plain_estimators_ = fitted
        return self

    def predict(self, X: Any, groups: Any = None) -> NDArray[Any]:
        """Predict the label of every clip.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_columns)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, to which the `normalizer` adapts. They need not be known from
            ``fit``.

        Returns
        -------
        ndarray of shape (n_clips,)
        """
        scores, _ = self._scores_of(X, groups)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X: Any, groups: Any = None) -> NDArray[np.floating[Any]]:
        """Predict the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_columns)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            As for `predict`.

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
        X : array-like of shape (n_clips, n_columns)
            As for `fit`.
        groups : array-like of shape (n_clips,) or None, default=None
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        scores, temperatures = self._scores_of(X, groups)
        return log_softmax(scores / temperatures[:, None], axis=1)

    def score(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_columns)
            As for `fit`.
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Weights of the clips.
        groups : array-like of shape (n_clips,) or None, default=None
            As for `predict`.

        Returns
        -------
        float
        """
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def _scores_of(self, X: Any, groups: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the scores of each clip, and the temperature that they are divided by."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        fitted = _Fitted(self.normalizer_, self.estimators_, self.plain_estimators_)
        if groups is None or self.normalizer_ is None:
            return self._scores(fitted, X, None), np.full(len(X), self.temperature_)
        scores = self._scores(fitted, X, groups)
        is_unknown = speaker_codes(len(X), groups) < 0
        if is_unknown.any():
            scores[is_unknown] = self._scores(fitted, X[is_unknown], None)
        return scores, self._clip_temperatures(len(X), groups)

    def _clip_temperatures(self, n_clips: int, groups: Any) -> NDArray[np.float64]:
        codes = speaker_codes(n_clips, groups)
        return interpolate_clips(codes, self.temperature_, self.speaker_temperature_)

    def _clip_weights(self, n_clips: int, groups: Any) -> NDArray[np.float64]:
        codes = speaker_codes(n_clips, groups)
        return interpolate_clips(codes, self.statistics_weight_, self.speaker_statistics_weight_)

    def _tables(self, X: NDArray[Any], groups: Any) -> dict[str, NDArray[Any]]:
        """Return the columns that each list of fitted classifiers sees."""
        if self.normalizer_ is None:
            return {"estimators_": X}
        normalized = self.normalizer_.transform(X, groups=groups)
        return {"estimators_": normalized, "plain_estimators_": self.normalizer_._scale(X)}

    @property
    def _blocks(self) -> Blocks:
        return Blocks(self.n_views_, self.n_members_, self.n_statistics_)

    def _fit_members(self, X: NDArray[Any], y: NDArray[Any], groups: Any) -> _Fitted:
        labels = np.repeat(y, self.n_views_)

        def fit(table: NDArray[Any]) -> list[Any]:
            return [clone(self.estimator).fit(one, labels) for one in self._blocks.tables_of(table)]

        # On a busy machine, threads that wait for each other make small matrices slow.
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            # A class of one clip has no variance, which a discriminant analysis can do without.
            warnings.filterwarnings("ignore", message="Only one sample available")
            if self.normalizer is None:
                return _Fitted(None, fit(X), None)
            normalizer = clone(self.normalizer).fit(X, groups=groups)
            return _Fitted(
                normalizer, fit(normalizer.transform(X, groups=groups)), fit(normalizer._scale(X))
            )

    def _scores(self, fitted: _Fitted, X: NDArray[Any], groups: Any) -> NDArray[np.float64]:
        """Return the mean log-probabilities over views and classifiers, (n_clips, n_classes)."""
        weights = self._clip_weights(len(X), groups)
        if fitted.normalizer is None:
            return self._mean_logs(fitted.members, X, weights)
        normalized = fitted.normalizer.transform(X, groups=groups)
        scores = self._mean_logs(fitted.members, normalized, weights)
        if groups is not None:
            return scores
        return (scores + self._mean_logs(fitted.plain, fitted.normalizer._scale(X), weights)) / 2

    def _mean_logs(self, estimators: Any, X: NDArray[Any], weights: Any) -> NDArray[np.float64]:
        of_views = [
            log_probabilities(estimator, table, self.classes_).reshape(len(X), self.n_views_, -1)
            for estimator, table in zip(estimators, self._blocks.tables_of(X), strict=True)
        ]
        logs = [one.mean(axis=1) for one in of_views]
        mean = np.asarray(np.mean(logs[: self.n_members_], axis=0))
        if self.n_statistics_:
            mean = (mean + weights[:, None] * logs[-1]) / (1 + weights[:, None])
        return mean

    def _temperatures(self, fitted: _Fitted, X: Any, y: Any, groups: Any) -> tuple[float, float]:
        if not isinstance(self.temperature, str):
            return float(self.temperature), float(self.temperature)
        if self.temperature == "auto":
            return self._find_temperatures(X, y, groups)
        alone = self._scores(fitted, X, None)
        adapted = alone if groups is None else self._scores(fitted, X, groups)
        return training_temperatures(alone, adapted, groups)

    def _find_temperatures(
        self, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any] | None
    ) -> tuple[float, float]:
        """Return the best temperatures without and with speakers, on clips that are left out."""
        alone, adapted, labels = [], [], []
        for train, test in speaker_folds(y, groups, self.cv):
            own, others = (None, None) if groups is None else (groups[train], groups[test])
            fitted = self._fit_members(X[train], y[train], own)
            alone.append(self._scores(fitted, X[test], None))
            if fitted.normalizer is not None:
                adapted.append(self._scores(fitted, X[test], others))
            labels.append(y[test])
        temperature = best_temperature(alone, labels, self.classes_)
        best = best_temperature(adapted, labels, self.classes_) if adapted else temperature
        return temperature, best

    def _check_params(self) -> None:
        check_voting(self)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags
