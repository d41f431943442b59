"""Stress tests of fitted models."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted

from .._utils.checks import check_choice
from .._utils.stack_level import find_stack_level
from .._utils.text import listed, represent, type_name
from ._checks import refuse_groups
from ._clip_pool import make_pool
from ._conditions import AS_RECORDED, STANDARD, check_conditions
from ._names import name_of_corpora, name_of_system
from ._sides import UNKNOWN, check_side
from ._stress_results import StressTest
from ._stressed import (
    StressPlan,
    check_sound,
    choose_rate,
    join_folds,
    predict_as_recorded,
    predict_conditions,
)

__all__ = ["stress_test"]


@refuse_groups
def stress_test(
    model: Any,
    X: Any,
    y: Any,
    speakers: Any = None,
    *,
    conditions: Any = STANDARD,
    test_indices: Any = None,
    metadata: Mapping[str, Any] | None = None,
    sr: int | str = "auto",
    confidence: float = 0.95,
    name: str | None = None,
    corpus: str | None = None,
    batch_size: int = 64,
    n_jobs: int | None = None,
    random_state: int = 0,
    verbose: int = 0,
) -> StressTest:
    """Test a fitted model on clips that are changed as other microphones, rooms and lines do.

    The clips are read, changed and predicted, one condition after the other, and compared with
    their predictions as recorded. Pass clips that the model was not trained on: others say nothing
    about new recordings. To test all clips of a corpus, each with a model that was not trained on
    its speaker, use ``evaluate(..., conditions="standard")``, or pass the models of a
    cross-validation, see the example.

    Parameters
    ----------
    model : fitted classifier, or list of them
        Any model of clips, such as a fitted ``make_ser_pipeline()``; with `test_indices`, one for
        each fold of a cross-validation.
    X : list of clips, or ndarray of shape (n_clips, n_samples)
        Paths, waveforms, or the content of audio files, see ``MFCCTransformer.fit``.
    y : array-like of shape (n_clips,)
        Labels.
    speakers : array-like of shape (n_clips,), "unknown" or None, default=None
        Speaker of each clip. Without them there are no intervals, and the other voices of babble
        may be those of the same speaker.
    conditions : {"standard"}, list of str, or dict of str to callable, default="standard"
        All conditions of `conditions.standard_conditions`, some of them by name, or functions by
        name. A function takes a waveform, which is a float32 array on the scale [-1, 1], and its
        sampling rate in Hz, and returns a waveform of any length. If it has a parameter `rng`, it
        receives a ``numpy.random.Generator`` that is seeded by the samples of the clip; if it has a
        parameter `others`, up to six waveforms of other clips of X, of other speakers if these are
        known.
    test_indices : list of array-like of int, or None, default=None
        Positions of the clips in X that each model of a list is tested on.
    metadata : DataFrame, dict or None, default=None
        Columns by which scores are shown as well, such as ``{"sex": corpus.sex}``, see `evaluate`.
    sr : int > 0 or "auto", default="auto"
        Sampling rate in Hz at which the clips are changed and passed to the model. "auto" uses the
        `sr` of the step that has one, the highest if there are several, and 16 kHz if there is
        none. If a step has another rate, the model receives ``(waveform, sr)`` pairs.
    confidence : float in (0, 1), default=0.95
        Confidence level of the intervals, which are computed by leaving out each speaker in turn.
    name : str or None, default=None
        Name of the system in the result; None uses the names of the classes.
    corpus : str or None, default=None
        Name of the corpus in the result; None uses the name of the folder that contains all files.
    batch_size : int > 0, default=64
        Number of clips that are in memory at the same time.
    n_jobs : int or None, default=None
        Number of threads that read and change clips, as in joblib. The model has its own.
    random_state : int, default=0
        Seeds noise, rooms and the choice of other voices, together with the samples of each clip.
        The result does not depend on the order of the clips.
    verbose : int, default=0
        If 1, print a line for each condition.

    Returns
    -------
    StressTest
        ``print(stress)`` shows it, ``stress.to_frame()`` returns it as a table,
        ``stress.to_html("stress.html")`` writes it as a page.

    Raises
    ------
    AudioReadError
        If clips cannot be read.
    sklearn.exceptions.NotFittedError
        If a model is not fitted.
    TypeError, ValueError
        If a parameter has a wrong type or value, or if no label is one that the model predicts.

    Warns
    -----
    UserWarning
        If a condition cannot be tested, because its function raises or returns something else than
        a waveform, or because the model cannot predict the result; the other conditions are tested.
        Also if the model cannot predict a label that occurs in `y`.

    See Also
    --------
    evaluate : Evaluation on speakers that a model was not trained on, with a stress test.
    ser_estimators.conditions.standard_conditions : The conditions, with their names.
    ser_estimators.display.StressTestDisplay : The scores as a plot.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GroupKFold, cross_validate
    >>> from sklearn.pipeline import make_pipeline
    >>> from ser_estimators import AcousticFeatures
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> from ser_estimators.evaluation import stress_test
    >>> corpus = make_emotional_speech(
    ...     4, 3, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_pipeline(AcousticFeatures(["rms"]), LogisticRegression())
    >>> found = cross_validate(
    ...     pipe, corpus.data, corpus.target, cv=GroupKFold(2), groups=corpus.speakers,
    ...     return_estimator=True, return_indices=True,
    ... )
    >>> stress = stress_test(
    ...     found["estimator"], corpus.data, corpus.target, corpus.speakers,
    ...     conditions=["gain -20 dB"], test_indices=found["indices"]["test"],
    ... )
    >>> stress
    StressTest(name='AcousticFeatures + LogisticRegression', 1 condition, 24 clips, 4 speakers)
    """
    date = datetime.now(UTC).isoformat(timespec="seconds")
    check_scalar(confidence, "confidence", Real, min_val=0, max_val=1, include_boundaries="neither")
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    check_scalar(random_state, "random_state", Integral, min_val=0)
    check_scalar(verbose, "verbose", Integral, min_val=0)
    for parameter, value in (("name", name), ("corpus", corpus)):
        check_scalar(value, parameter, (str, type(None)))
    if isinstance(sr, str):
        check_choice(sr, "sr", ("auto",))
    else:
        check_scalar(sr, "sr", Integral, min_val=1)
    chosen = check_conditions(conditions)
    side = check_side(X, y, UNKNOWN if speakers is None else speakers, "", metadata)
    check_sound(side)
    tests = _check_models(model, test_indices, len(side.labels))
    for one, positions in tests:
        _check_labels(one, side.labels[positions])
    rate = choose_rate(tests[0][0]) if isinstance(sr, str) else int(sr)
    pool = make_pool(side, rate, seed=random_state, n_jobs=n_jobs)
    plan = StressPlan(chosen, pool, batch_size, n_jobs)
    before, after = [], []
    for number, (one, positions) in enumerate(tests, start=1):
        fold = f"fold {number}/{len(tests)}, " if len(tests) > 1 else ""
        before.append(predict_as_recorded(one, plan, positions))
        label = f"[stress_test] {fold}"
        after.append(predict_conditions(one, plan, positions, label=label, verbose=verbose))
    joined = join_folds(after)
    tested = np.concatenate([positions for _, positions in tests])
    return StressTest(
        name=name or name_of_system(tests[0][0]),
        predictions={AS_RECORDED: np.concatenate(before), **joined.predictions},
        y_true=side.labels[tested],
        speakers=None if side.speakers is None else side.speakers[tested],
        clips=[side.clips[place] for place in tested],
        metadata={column: values[tested] for column, values in side.metadata.items()},
        failures=joined.failures,
        confidence=confidence,
        description=_describe(tests),
        corpus=name_of_corpora(side, None) if corpus is None else corpus,
        sr=rate,
        date=date,
    )


def _check_models(
    model: Any, test_indices: Any, n_clips: int
) -> list[tuple[Any, NDArray[np.int64]]]:
    """Return each model with the positions of the clips that it is tested on."""
    if not isinstance(model, (list, tuple)) and test_indices is None:
        _check_model(model, "model")
        return [(model, np.arange(n_clips))]
    if not isinstance(model, (list, tuple)) or test_indices is None:
        got = "a list of models without" if test_indices is None else "a single model with"
        raise ValueError(
            f"stress_test got {got} test_indices; pass a list of models and, for each, the "
            'positions of its test clips, such as "estimator" and "indices" of cross_validate'
        )
    if not model or len(model) != len(test_indices):
        raise ValueError(
            f"model is a list of {len(model)}, and test_indices of {len(test_indices)}; expected "
            "as many models as arrays of positions, at least one"
        )
    tests = []
    for number, (one, indices) in enumerate(zip(model, test_indices, strict=True)):
        _check_model(one, f"model[{number}]")
        positions = np.asarray(indices)
        where = f"test_indices[{number}]"
        if positions.ndim != 1 or positions.dtype.kind not in "iu" or not positions.size:
            raise ValueError(f"{where} is {represent(indices)}; expected positions of clips in X")
        if positions.min() < 0 or positions.max() >= n_clips:
            raise ValueError(
                f"{where} has positions from {positions.min()} to {positions.max()}; expected 0 to "
                f"{n_clips - 1}, those of the clips in X"
            )
        tests.append((one, positions.astype(np.int64)))
    return tests


def _check_model(model: Any, name: str) -> None:
    if isinstance(model, type) or not hasattr(model, "predict"):
        raise TypeError(
            f"{name} is {represent(model)} ({type_name(model)}); expected a fitted classifier, "
            "such as a pipeline after fit"
        )
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise NotFittedError(
            f"{name} is not fitted; fit it on other clips than these first, or use "
            'evaluate(..., conditions="standard"), which fits it in each fold'
        ) from error
    except TypeError:
        pass  # not an estimator of scikit-learn


def _check_labels(model: Any, labels: NDArray[Any]) -> None:
    """Compare the labels with those that a model predicts, as far as it says so."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        return
    known = np.asarray(classes).tolist()
    missing = [label for label in np.unique(labels).tolist() if label not in known]
    if len(missing) == len(np.unique(labels)):
        raise ValueError(
            f"y contains {listed(missing)}, none of which the model predicts; expected some of "
            f"{listed(known)}"
        )
    if missing:
        warnings.warn(
            f"y contains {listed(missing)}, which the model cannot predict, so that all of these "
            "clips count as wrong; leave them out to see what the conditions cost",
            UserWarning,
            stacklevel=find_stack_level(),
        )


def _describe(tests: Sequence[tuple[Any, NDArray[np.int64]]]) -> str:
    if len(tests) > 1:
        return f"{len(tests)} models of a cross-validation, each tested on the clips of its fold."
    return (
        "One fitted model. That it was not trained on these clips is not known; if it was, the "
        "scores say nothing about new recordings."
    )
