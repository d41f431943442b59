"""adapt_model: fit the last step of a trained model to a few labeled clips."""

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
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from .._audio.unlike import unlike_ignored
from .._utils.checks import check_finite
from .._utils.text import listed
from .linear_adaptation import adapt_coefficients
from .speaker_routing import adapts_to_speakers, transform_with_speakers
from .view_voting import ViewVotingClassifier

__all__ = ["adapt_model"]

_LINEAR = (LogisticRegression, LinearDiscriminantAnalysis)


def adapt_model(model: Any, X: Any, y: Any, *, groups: Any = None, C: float = 10.0) -> Any:
    """Fit the last step of a trained model to a few labeled clips, such as of a new speaker.

    The coefficients of the linear classifier are fitted to the clips, with a penalty on their
    distance from the previous values: a maximum a posteriori estimate [1]_. Once the features are
    computed, this takes a fraction of a second; the training clips are not needed.

    Parameters
    ----------
    model : fitted Pipeline, GridSearchCV or RandomizedSearchCV
        The pipeline, or the best one of a search, ends with a ``LogisticRegression``, a
        ``LinearDiscriminantAnalysis`` or a `ViewVotingClassifier` of one of them, as every
        ``make_ser_pipeline()`` does.
    X : list of clips, or ndarray of shape (n_clips, n_samples)
        Paths, waveforms, or the content of audio files, see ``MFCCTransformer.fit``, or any other
        input of the pipeline. A few clips of each emotion are enough; emotions of which there are
        none stay as they were.
    y : array-like of shape (n_clips,)
        Their labels, of two or more classes of the model.
    groups : array-like of shape (n_clips,) or None, default=None
        Speakers of the clips, to which a model with a `SpeakerNormalizer` adapts. Pass them if the
        adapted model will predict with speakers as well, and leave them out if it will not.
    C : float > 0, default=10.0
        Inverse strength of the penalty: the larger, the further the coefficients move.

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
        a single one, if X, y and groups differ in length, if groups are passed to a model that does
        not adapt to speakers, or if C has a wrong type or value.
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
    >>> own = adapt_model(pipe, corpus.data[:8:2], corpus.target[:8:2])
    >>> own.predict(corpus.data[1:8:2]).shape
    (4,)
    """
    check_scalar(C, "C", Real, min_val=0, include_boundaries="neither")
    check_finite(C, "C")
    if type(model) in (GridSearchCV, RandomizedSearchCV):
        check_is_fitted(model)
        if not model.refit:
            raise TypeError("the search has no best pipeline to adapt; fit it with refit=True")
        model = model.best_estimator_
    wrong = model if type(model) is not Pipeline else _unsupported(model.steps[-1][1])
    if wrong is not None:
        raise TypeError(
            f"adapt_model cannot adapt a {type(wrong).__name__}; pass a fitted Pipeline that ends "
            "with LogisticRegression, LinearDiscriminantAnalysis or a ViewVotingClassifier of one "
            "of them, such as make_ser_pipeline()"
        )
    if groups is not None and not adapts_to_speakers(model):
        raise ValueError("groups was passed, but the model does not adapt to speakers: omit it")
    check_is_fitted(model)
    name, last = model.steps[-1]
    y = column_or_1d(np.asarray(y))
    codes = _codes_of(y, last.classes_)
    columns = X
    if len(model.steps) > 1:
        with unlike_ignored():
            columns = transform_with_speakers(model[:-1], X, groups)
    columns = validate_data(last, columns, reset=False, dtype=(np.float64, np.float32))
    check_consistent_length(columns, y, groups)
    adapted = copy.copy(model)
    adapted.steps = [*model.steps[:-1], (name, _adapt(last, columns, codes, groups, C))]
    return adapted


def _unsupported(estimator: Any) -> Any:
    """Return what in a last step is not linear, or None."""
    if type(estimator) is ViewVotingClassifier:
        inner = estimator.estimator
        estimator = inner.steps[-1][1] if type(inner) is Pipeline else inner
    return None if type(estimator) in _LINEAR else estimator


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


def _adapt(last: Any, X: NDArray[Any], codes: NDArray[np.intp], groups: Any, C: float) -> Any:
    """Return an adapted copy of a last step."""
    if isinstance(last, ViewVotingClassifier):
        return _adapt_voting(last, X, codes, groups, C)
    return _adapt_linear(last, X, codes, C, temperature=1.0)


def _adapt_voting(
    voting: ViewVotingClassifier, X: NDArray[Any], codes: NDArray[np.intp], groups: Any, C: float
) -> ViewVotingClassifier:
    # Each view is a clip, as in its fit; together they weigh as much as one.
    codes, C = np.repeat(codes, voting.n_views_), C / voting.n_views_
    temperature = voting.temperature_ if groups is None else voting.speaker_temperature_
    adapted = copy.copy(voting)
    for name, table in voting._tables(X, groups).items():
        members = zip(getattr(voting, name), voting._members_of(table), strict=True)
        fitted = [
            _adapt_linear(one, member, codes, C, temperature=temperature) for one, member in members
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
    # A clip moves the scores as much for any number of features, of any scale.
    norm = float(np.square(X, dtype=np.float64).sum(axis=1).mean())
    coef, intercept = adapt_coefficients(
        np.asarray(X, dtype=np.float64),
        codes,
        coef,
        intercept,
        C=C / (norm or 1.0),
        temperature=temperature,
    )
    if is_binary:
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    adapted.coef_ = coef.astype(estimator.coef_.dtype)
    adapted.intercept_ = intercept.astype(estimator.coef_.dtype)
    return adapted
