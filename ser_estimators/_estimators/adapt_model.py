"""adapt_model: fit the last step of a trained model to a few labeled clips."""

from __future__ import annotations

import copy
import difflib
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
from .._utils.checks import check_finite, is_missing
from .._utils.text import listed, represent
from .linear_adaptation import adapt_coefficients
from .log_probabilities import log_probabilities
from .selective_classifier import SelectiveClassifier
from .speaker_codes import speaker_names
from .speaker_routing import adapts_to_speakers, transform_with_speakers
from .view_voting import ViewVotingClassifier

__all__ = ["adapt_model"]

_LINEAR = (LogisticRegression, LinearDiscriminantAnalysis)


def adapt_model(model: Any, X: Any, y: Any, *, groups: Any = None, C: float = 10.0) -> Any:
    """Fit the last step of a trained model to a few labeled clips, such as of a new speaker.

    The coefficients of the linear classifier are fitted to the clips, with a penalty on their
    distance from the previous values: a maximum a posteriori estimate [1]_. A classifier of
    statistics, see `ViewVotingClassifier`, stays as it was. Once the features are
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
        An adapted copy. `model` itself is left as it is.

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
    _check_model(model)
    if groups is not None and not adapts_to_speakers(model):
        raise ValueError("groups was passed, but the model does not adapt to speakers: omit it")
    check_is_fitted(model)
    last = model.steps[-1][1]
    y = _check_labels(X, y)
    if groups is not None:
        groups = speaker_names(len(y), groups)
    codes = _codes_of(y, last.classes_)
    columns = X
    if len(model.steps) > 1:
        with unlike_ignored():
            columns = transform_with_speakers(model[:-1], X, groups)
    columns = validate_data(last, columns, reset=False, dtype=(np.float64, np.float32))
    check_consistent_length(columns, y)
    adapted = copy.deepcopy(model)
    _adapt(adapted.steps[-1][1], columns, codes, groups, C)
    return adapted


def _check_model(model: Any) -> None:
    """Raise unless a model is a pipeline with a linear classifier at its end."""
    is_pipeline = type(model) is Pipeline and model.steps
    last = model.steps[-1][1] if is_pipeline else model
    if isinstance(last, SelectiveClassifier):
        raise TypeError(
            "the model ends with a SelectiveClassifier, whose threshold would no longer hold; "
            "adapt the pipeline without it, and fit another one to the result: "
            "SelectiveClassifier(FrozenEstimator(adapted), threshold=...)"
        )
    if not is_pipeline:
        raise TypeError(
            f"model is {represent(model)}; expected a fitted Pipeline with a linear classifier at "
            "its end, such as make_ser_pipeline()"
        )
    wrong = _unsupported(last)
    if wrong is not None:
        raise TypeError(
            f"the model ends with {represent(wrong)}; expected LogisticRegression, "
            "LinearDiscriminantAnalysis, or a ViewVotingClassifier of one of them"
        )


def _unsupported(estimator: Any) -> Any:
    """Return what in a last step is not linear, or None."""
    if type(estimator) is ViewVotingClassifier:
        inner = estimator.estimator
        estimator = inner.steps[-1][1] if type(inner) is Pipeline else inner
    return None if type(estimator) in _LINEAR else estimator


def _check_labels(X: Any, y: Any) -> NDArray[Any]:
    """Return the labels as an array, or raise unless there is one for each clip."""
    if np.ndim(y) == 0:
        raise TypeError(f"y is {represent(y)}; expected a list with the label of each clip")
    y = column_or_1d(np.asarray(y))
    if isinstance(X, (list, tuple)) or hasattr(X, "shape"):  # the pipeline checks anything else
        n_clips = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_clips != len(y):
            raise ValueError(
                f"X has {n_clips} clips and y has {len(y)} labels; expected a label for each clip"
            )
    return y


def _codes_of(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Return the positions of labels among the classes."""
    missing = [number for number, label in enumerate(y, start=1) if is_missing(label)]
    if missing:
        raise ValueError(
            f"y has no label for {len(missing)} of {len(y)} clips, the first of which is clip "
            f"{missing[0]}; leave these clips out"
        )
    known = classes.tolist()
    unknown = sorted({label for label in y.tolist() if label not in known}, key=str)
    if unknown:
        # By their text, because "0" may stand for 0.
        by_text = {str(label): label for label in known}
        similar = difflib.get_close_matches(str(unknown[0]).lower(), by_text, n=1, cutoff=0.5)
        hint = f"did you mean {by_text[similar[0]]!r:.80}? " if similar else ""
        raise ValueError(
            f"y contains {unknown[0]!r:.80}, which the model does not predict; {hint}expected "
            f"some of {listed(known)}. For other labels, fit a new last step on the features of "
            "the model"
        )
    if len(set(y.tolist())) < 2:
        found = f"one class, {y.tolist()[0]!r:.80}" if len(y) else "no labels"
        raise ValueError(f"y has {found}; expected clips of two or more classes")
    return np.searchsorted(classes, y)


def _adapt(last: Any, X: NDArray[Any], codes: NDArray[np.intp], groups: Any, C: float) -> None:
    """Adapt a last step."""
    if isinstance(last, ViewVotingClassifier):
        _adapt_voting(last, X, codes, groups, C)
    else:
        _adapt_linear(last, X, codes, C, temperature=1.0)


def _adapt_voting(
    voting: ViewVotingClassifier, X: NDArray[Any], codes: NDArray[np.intp], groups: Any, C: float
) -> None:
    # Each view is a clip, as in its fit; together they weigh as much as one.
    codes, C = np.repeat(codes, voting.n_views_), C / voting.n_views_
    weight = float(voting._clip_weights(len(X), groups).mean()) if voting.n_statistics_ else 0.0
    temperature = (1 + weight) * float(voting._clip_temperatures(len(X), groups).mean())
    for name, table in voting._tables(X, groups).items():
        estimators, tables = getattr(voting, name), voting._blocks.tables_of(table)
        known: NDArray[np.float64] | float = 0.0
        if voting.n_statistics_:
            # Their classifier stays as it was.
            known = weight * log_probabilities(estimators[-1], tables[-1], voting.classes_)
        for one, member in list(zip(estimators, tables, strict=True))[: voting.n_members_]:
            _adapt_linear(one, member, codes, C, temperature=temperature, known=known)


def _adapt_linear(
    estimator: Any,
    X: NDArray[Any],
    codes: NDArray[np.intp],
    C: float,
    *,
    temperature: float,
    known: NDArray[np.float64] | float = 0.0,
) -> None:
    """Adapt a linear classifier, or a pipeline that ends with one.

    `known` are scores of another classifier, which are added.
    """
    if isinstance(estimator, Pipeline):
        table = estimator[:-1].transform(X)
        last = estimator.steps[-1][1]
        _adapt_linear(last, table, codes, C, temperature=temperature, known=known)
        return
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
        offset=known,
    )
    if is_binary:
        coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
    dtype = estimator.coef_.dtype
    estimator.coef_, estimator.intercept_ = coef.astype(dtype), intercept.astype(dtype)
