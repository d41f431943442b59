"""SelectiveClassifier: calibrated probabilities, and no answer where the model is not sure."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from .._utils.public import public
from .._utils.stack_level import find_stack_level
from .._utils.text import listed
from .calibration import calibrate, explain_failure
from .fit_routing import speakers_for_fit
from .held_out import HeldOut, hold_out, predict_held_out
from .interruption import interruptible
from .selection import conformal_threshold
from .selective_parameters import check_coverage, check_parameters
from .speaker_folds import check_speakers
from .speaker_routing import adapts_to_speakers, predict_probabilities
from .temperature import scale_probabilities
from .unsure import answers_of, check_unsure, unsure_label

__all__ = ["SelectiveClassifier"]

Floats = NDArray[np.float64]

_METHODS = ("predict", "predict_proba", "predict_log_proba", "score")


@public
class SelectiveClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Calibrate a classifier, and let it answer only where it is sure enough.

    Speakers that the classifier was not fitted on show how often it is right. From their clips come
    a temperature, by which probabilities agree with the share of right answers [1]_; a threshold
    of the probability, below which the answer is "unsure" [2]_; and sets of labels that contain
    the true one with a chosen probability [3]_. Then the classifier is fitted on all clips.

    Parameters
    ----------
    estimator : classifier
        Has ``predict_proba``: a whole pipeline, or a classifier after transformers that learn
        nothing from labels. For one that is fitted already, pass ``FrozenEstimator(model)``, and
        clips of other speakers to ``fit``, which then only calibrates.
    precision : float in (0, 1) or None, default=None
        Share of answers that should be right. The threshold is the lowest one at which the answers
        to clips that were held out reach it, with the certainty `confidence`. If none does, a
        warning says so, and every answer is unsure.
    threshold : float in [0, 1] or None, default=None
        Lowest probability of an answer. At most one of `precision` and `threshold` may be set.
        Without both, there is always an answer.
    temperature : "auto" or float > 0, default="auto"
        Log-probabilities are divided by it. "auto" chooses the number with the lowest log loss on
        the clips that were held out. The most probable label does not depend on it.
    cv : int >= 2, cross-validation generator or iterable of (train, test), default=3
        How clips are held out. An int is the number of folds that keep speakers apart and classes
        balanced. Each fold costs another fit.
    confidence : float in (0, 1), default=0.9
        Probability with which `precision` is reached for new speakers.
    unsure : str, number or "auto", default="auto"
        Label of an unsure answer, of the type of the other labels. "auto" is "unsure" for strings
        and -1 for signed numbers, or one below the lowest label if that is negative.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,)
        Labels, in the order of the columns of ``predict_proba``, without that of unsure answers.
    temperature_ : float
        The temperature.
    threshold_ : float in [0, 1], or infinity
        Answers of a lower probability are unsure; infinity makes all of them unsure.
    unsure_ : str or number, or None
        Label of unsure answers. None if the type of the labels has no value for it, which is an
        error with `precision` or `threshold`.
    coverage_curve_ : dict of str to ndarray of shape (n_thresholds,)
        From clips that were held out, for falling values of ``threshold``: the share of clips that
        are answered (``answered``), the share of these answers that are right (``precision``) and
        its lower bound at the level `confidence` (``low``). Empty if no clip could be held out.
    conformal_scores_ : ndarray of shape (n_held_out, 2)
        What ``predict_set`` is computed from: probabilities of true labels, and the share of clips
        of new speakers that are expected to reach them.
    speaker_temperature_, speaker_threshold_, speaker_coverage_curve_, speaker_conformal_scores_
        The same for predictions with speakers. They differ if `estimator` adapts to speakers, and
        `groups` were passed to ``fit``.
    n_features_in_ : int
        Number of columns of X. Only defined if `estimator_` has it.
    feature_names_in_ : ndarray of shape (n_columns,), object
        Names of the columns of X. Only defined if `estimator_` has them.

    See Also
    --------
    ser_estimators.evaluation.evaluate : Its report has the share of answers, their accuracy and the
        reliability of the probabilities.
    ser_estimators.display.ReliabilityDisplay : Shows how far probabilities can be trusted.
    sklearn.calibration.CalibratedClassifierCV : Calibration without speakers, thresholds and sets.

    Notes
    -----
    Pass the speakers as `groups` to ``fit``; `ser_estimators.evaluation.evaluate` does. They are
    also passed to the steps of `estimator` that use them. Without them, clips of the same speaker
    are in training and test of a fold, and the model will be too sure of new speakers.

    The lower bound of the precision is the lower of two: of the binomial bound for independent
    clips, and of a t bound from leaving out each speaker in turn. It holds for the mean over new
    speakers, not for each of them. In simulations with 4 to 20 speakers at the level 0.9, 88 to 96
    of 100 fits reached the precision, or gave no answer.

    Training networks in folds takes as many more trainings. If that is too long, train one network,
    and calibrate it on speakers that were left out.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.
    .. [2] Y. Geifman and R. El-Yaniv, "Selective classification for deep neural networks",
       NeurIPS 2017.
    .. [3] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers with bounded
       error levels", Journal of the American Statistical Association 114:525, 2019; for speakers,
       Y. Lee, R. F. Barber and R. Willett, "Distribution-free inference with hierarchical data",
       2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_estimators import SelectiveClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["anger", "sadness"], 120)
    >>> X = rng.normal(size=(240, 1)) + (y == "anger")[:, None]
    >>> speakers = np.tile(np.arange(12), 20)
    >>> model = SelectiveClassifier(LogisticRegression(), precision=0.8)
    >>> model = model.fit(X, y, groups=speakers)
    >>> model.predict([[3.0], [0.5]])
    array(['anger', 'unsure'], dtype='<U7')
    >>> model.predict_set([[3.0], [0.5]], coverage=0.9)
    array([[ True, False],
           [ True,  True]])
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
        precision: float | None = None,
        threshold: float | None = None,
        temperature: str | float = "auto",
        cv: Any = 3,
        confidence: float = 0.9,
        unsure: Any = "auto",
    ) -> None:
        self.estimator = estimator
        self.precision = precision
        self.threshold = threshold
        self.temperature = temperature
        self.cv = cv
        self.confidence = confidence
        self.unsure = unsure

    def fit(self, X: Any, y: Any, groups: Any = None) -> SelectiveClassifier:
        """Fit the classifier, and calibrate it on clips that are held out.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
            Whatever `estimator` accepts.
        y : array-like of shape (n_clips,)
            Labels.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips.

        Returns
        -------
        SelectiveClassifier
            This classifier.

        Raises
        ------
        KeyboardInterrupt
            If the training of a network is interrupted, because its thresholds would be wrong.
        TypeError, ValueError
            If a parameter has a wrong type or value, or X or y have a wrong shape or value.

        Warns
        -----
        UserWarning
            If `precision` is not reached, or if there are too few clips or speakers to calibrate.
        """
        self._check_params()
        X, y = indexable(X, column_or_1d(y, warn=True))
        groups = check_speakers(groups, y)
        is_needed = self.precision is not None or self.threshold is not None
        if not isinstance(self.estimator, FrozenEstimator):
            check_unsure(y, self.unsure, is_needed=is_needed)  # before anything is trained
        with interruptible("nothing was calibrated; fit again"):
            if isinstance(self.estimator, FrozenEstimator):
                model, classes, held_out = self._predict_frozen(X, y, groups)
            else:
                # First, because it checks X and y.
                model = clone(self.estimator)
                model.fit(X, y, **speakers_for_fit(model, groups))
                check_classification_targets(y)
                classes = np.unique(y)
                held_out = hold_out(self.estimator, X, y, groups, cv=self.cv, classes=classes)
        self.estimator_, self.classes_ = model, classes
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self.unsure_ = unsure_label(classes, self.unsure, is_needed=is_needed)
        adapted = held_out.alone if held_out.adapted is None else held_out.adapted
        for prefix, logs in (("", held_out.alone), ("speaker_", adapted)):
            for name, value in calibrate(self, logs, held_out).items():
                setattr(self, prefix + name, value)
        if text := explain_failure(self, held_out):
            warnings.warn(text, UserWarning, stacklevel=find_stack_level())
        return self

    def predict(self, X: Any, groups: Any = None) -> NDArray[Any]:
        """Predict the label of every clip, or that it is unsure.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, if `estimator` adapts to them.

        Returns
        -------
        ndarray of shape (n_clips,)
            The most probable labels, and `unsure_` where the probability is below `threshold_`.
        """
        return self._predict_both(X, groups)[0]

    def predict_proba(self, X: Any, groups: Any = None) -> Floats:
        """Predict the calibrated probability of every class.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, if `estimator` adapts to them.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        check_is_fitted(self)
        inner = getattr(self.estimator_, "best_estimator_", self.estimator_)
        if groups is not None and not adapts_to_speakers(inner, "predict_proba"):
            raise ValueError(
                f"groups was passed, but the {type(inner).__name__} does not adapt to speakers: "
                "leave it out, or use an estimator with a SpeakerNormalizer"
            )
        probabilities = predict_probabilities(inner, X, groups)
        temperature = self.temperature_ if groups is None else self.speaker_temperature_
        return scale_probabilities(probabilities, temperature)

    def predict_log_proba(self, X: Any, groups: Any = None) -> Floats:
        """Predict the logarithm of the calibrated probability of every class.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, if `estimator` adapts to them.

        Returns
        -------
        ndarray of shape (n_clips, n_classes)
            The columns are in the order of `classes_`.
        """
        return np.log(self.predict_proba(X, groups))

    def predict_set(
        self, X: Any, groups: Any = None, *, coverage: float = 0.9
    ) -> NDArray[np.bool_]:
        """Predict a set of labels for every clip, which contains the true one mostly.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, if `estimator` adapts to them.
        coverage : float in (0, 1), default=0.9
            Probability that the set of a clip of a new speaker contains the true label. With
            ``n`` speakers in ``fit``, at most ``n / (n + 1)`` can be promised: for a higher
            coverage, the sets contain all labels, and a warning says so.

        Returns
        -------
        ndarray of shape (n_clips, n_classes), bool
            Whether each label is in the set. The most probable one always is.

        Warns
        -----
        UserWarning
            If there were too few speakers or clips for the coverage.
        """
        check_coverage(coverage)
        probabilities = self.predict_proba(X, groups)
        scores = self.conformal_scores_ if groups is None else self.speaker_conformal_scores_
        least = conformal_threshold(scores, coverage)
        if least == 0:
            most = scores[-1, 1] if len(scores) else 0.0
            warnings.warn(
                f"coverage == {coverage:g} needs more speakers, or clips, than were held out in "
                f"fit, which allow {most:.3g} at most, so the sets contain all labels; lower the "
                "coverage, or fit on more speakers",
                UserWarning,
                stacklevel=find_stack_level(),
            )
        return (probabilities >= least) | (probabilities == probabilities.max(axis=1)[:, None])

    def score(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> float:
        """Return the accuracy, in which unsure answers count as wrong.

        Parameters
        ----------
        X : list of clips, or array-like of shape (n_clips, n_features)
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,) or None, default=None
            Weights of the clips.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips, if `estimator` adapts to them.

        Returns
        -------
        float
        """
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def get_metadata_routing(self) -> Any:
        """Return which metadata the methods request.

        Returns
        -------
        MetadataRequest
            Speakers in prediction are requested if `estimator` adapts to them.
        """
        request = super().get_metadata_routing()
        fitted = getattr(self, "estimator_", self.estimator)
        inner = getattr(fitted, "best_estimator_", fitted)
        inner = inner.estimator if isinstance(inner, FrozenEstimator) else inner
        if not adapts_to_speakers(inner, "predict_proba"):
            for method in _METHODS:
                getattr(request, method).add_request(param="groups", alias=False)
        return request

    def _predict_both(self, X: Any, groups: Any = None) -> tuple[NDArray[Any], Floats]:
        """Return labels and probabilities, for which the features are computed once."""
        probabilities = self.predict_proba(X, groups)
        threshold = self.threshold_ if groups is None else self.speaker_threshold_
        return answers_of(self.classes_, probabilities, threshold, self.unsure_), probabilities

    def _predict_frozen(
        self, X: Any, y: NDArray[Any], groups: Any
    ) -> tuple[Any, NDArray[Any], HeldOut]:
        self.estimator.fit(X, y)  # checks that it is fitted
        check_classification_targets(y)
        model = self.estimator.estimator
        classes = np.asarray(model.classes_)
        unknown = np.setdiff1d(y, classes)
        if len(unknown):
            raise ValueError(
                f"y has labels that the fitted estimator does not know, "
                f"{listed(unknown.tolist())}; it knows {listed(classes.tolist())}"
            )
        return model, classes, predict_held_out(model, X, y, groups, classes)

    def _check_params(self) -> None:
        check_parameters(self)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__") and not isinstance(self.estimator, type):
            inner = get_tags(self.estimator)
            tags.input_tags = inner.input_tags
            tags.non_deterministic = inner.non_deterministic
        return tags
