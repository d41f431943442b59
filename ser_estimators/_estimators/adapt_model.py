"""adapt_model: fit the last step of a trained model to a few labelled clips."""

from __future__ import annotations

import copy
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from .._utils.checks import check_finite
from .._utils.text import listed
from .linear_adaptation import adapt_coefficients
from .view_voting import ViewVotingClassifier

__all__ = ["adapt_model"]

_LINEAR = (LogisticRegression, LinearDiscriminantAnalysis)


def adapt_model(model: Any, X: Any, y: Any, *, C: float = 10.0) -> Any:
    """Fit the last step of a trained model to a few labelled clips, such as of a new speaker.

    The coefficients of the linear classifier move towards values that suit the clips, and are held
    back by the ones they had, which is a maximum a posteriori estimate [1]_. This takes a fraction
    of a second after the features of the clips, and no training clips.

    Parameters
    ----------
    model : fitted Pipeline, or a fitted search with ``best_estimator_``
        It ends with a ``LogisticRegression``, a ``LinearDiscriminantAnalysis`` or a
        `ViewVotingClassifier` of one of them, as any fitted ``make_ser_pipeline()``.
    X : list of clips, or ndarray of shape (n_clips, n_samples)
        Paths, waveforms, or the content of audio files, see ``MFCCTransformer.fit``. A few clips of
        each emotion are enough; emotions of which there are none stay as they were.
    y : array-like of shape (n_clips,)
        Their labels, of two or more classes of the model.
    C : float > 0, default=10.0
        The higher, the further the coefficients may move.

    Returns
    -------
    Pipeline
        A model of the same kind. Its steps before the last one are those of `model`, not copies of
        them. `model` itself is left as it is.

    Raises
    ------
    NotFittedError
        If the model has not been fitted.
    TypeError, ValueError
        If the last step is of another kind, if y contains other labels than the model predicts or
        a single one, if X and y differ in length, or if C has a wrong type or value.
    AudioReadError
        If clips cannot be used.

    See Also
    --------
    SpeakerNormalizer : Adapts to speakers without labels.

    Notes
    -----
    Test the model on clips of the same speaker that are not in X: how well it recognizes X itself
    says nothing. For labels that the model does not know, fit a new last step on its features::

        Pipeline([("features", FrozenEstimator(model[:-1])), ("lr", LogisticRegression())])

    References
    ----------
    .. [1] C. Chelba and A. Acero, "Adaptation of maximum entropy capitalizer: little data can
       help a lot", Computer Speech & Language 20(4), 2006.

    Examples
    --------
    >>> from ser_estimators import adapt_model, make_ser_pipeline
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
    >>> pipe = pipe.fit(corpus.data[8:], corpus.target[8:])
    >>> own = adapt_model(pipe, corpus.data[:4], corpus.target[:4])
    >>> own.predict(corpus.data[4:8]).shape
    (4,)
    """
    check_scalar(C, "C", Real, min_val=0, include_boundaries="neither")
    check_finite(C, "C")
    if type(model) in (GridSearchCV, RandomizedSearchCV):
        check_is_fitted(model)
        model = model.best_estimator_
    if type(model) is not Pipeline or not _is_supported(model.steps[-1][1]):
        found = model.steps[-1][1] if isinstance(model, Pipeline) else model
        raise TypeError(
            f"adapt_model cannot adapt a {type(found).__name__}; pass a fitted pipeline that ends "
            "with LogisticRegression, LinearDiscriminantAnalysis or a ViewVotingClassifier of one "
            "of them, such as make_ser_pipeline()"
        )
    check_is_fitted(model)
    name, last = model.steps[-1]
    y = column_or_1d(np.asarray(y))
    codes = _codes_of(y, last.classes_)
    columns = model[:-1].transform(X) if len(model.steps) > 1 else np.asarray(X)
    check_consistent_length(columns, y)
    adapted = copy.copy(model)
    adapted.steps = [*model.steps[:-1], (name, _adapt(last, np.asarray(columns), codes, C))]
    return adapted


def _is_supported(estimator: Any) -> bool:
    if type(estimator) is ViewVotingClassifier:
        inner = estimator.estimator
        return type(inner.steps[-1][1] if type(inner) is Pipeline else inner) in _LINEAR
    return type(estimator) in _LINEAR


def _codes_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Return the positions of labels among the classes."""
    known = classes.tolist()
    unknown = sorted({label for label in y.tolist() if label not in known}, key=str)
    if unknown:
        raise ValueError(
            f"y contains {unknown[0]!r:.80}, which the model does not predict; expected some of "
            f"{listed(known)}. For other labels, fit a new last step on the features of the model"
        )
    if len(set(y.tolist())) < 2:
        raise ValueError(
            f"y has {'one class' if len(y) else 'no labels'}; expected clips of two or more classes"
        )
    return np.searchsorted(classes, y)


def _adapt(last: Any, X: NDArray[Any], codes: NDArray[np.intp], C: float) -> Any:
    """Return an adapted copy of a last step."""
    if isinstance(last, ViewVotingClassifier):
        return _adapt_voting(last, X, codes, C)
    return _adapt_linear(last, X, codes, C, temperature=1.0)


def _adapt_voting(
    voting: ViewVotingClassifier, X: NDArray[Any], codes: NDArray[np.intp], C: float
) -> ViewVotingClassifier:
    # Each view is a clip, as in its fit; together they weigh as much as one.
    codes, C = np.repeat(codes, voting.n_views_), C / voting.n_views_
    adapted = copy.copy(voting)
    for name, table in voting._tables(X).items():
        members = zip(getattr(voting, name), voting._members_of(table), strict=True)
        fitted = [
            _adapt_linear(one, member, codes, C, temperature=voting.temperature_)
            for one, member in members
        ]
        setattr(adapted, name, fitted)
    return adapted


def _adapt_linear(
    estimator: Any, X: NDArray[Any], codes: NDArray[np.intp], C: float, *, temperature: float
) -> Any:
    """Return an adapted copy of a linear classifier, or of a pipeline that ends with one."""
    adapted = copy.copy(estimator)
    if isinstance(estimator, Pipeline):
        table = estimator[:-1].transform(X)
        name, last = estimator.steps[-1]
        last = _adapt_linear(last, table, codes, C, temperature=temperature)
        adapted.steps = [*estimator.steps[:-1], (name, last)]
        return adapted
    coef = np.asarray(estimator.coef_, dtype=np.float64)
    intercept = np.broadcast_to(estimator.intercept_, len(coef)).astype(np.float64)
    is_binary = len(coef) == 1
    if is_binary:
        # The logistic function of a score is the softmax of it and zero.
        coef, intercept = np.vstack([0 * coef, coef]), np.append(0.0, intercept)
    # With as many features, each of unit variance, a clip moves the scores as much as with one.
    coef, intercept = adapt_coefficients(
        np.asarray(X, dtype=np.float64),
        codes,
        coef,
        intercept,
        C=C / X.shape[1],
        temperature=temperature,
    )
    if is_binary:
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    adapted.coef_ = coef.astype(estimator.coef_.dtype)
    adapted.intercept_ = intercept.astype(estimator.coef_.dtype)
    return adapted
