"""Prediction of many clips, of which some may not be readable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.utils import check_scalar

from .._audio.clips import check_clips
from .._audio.failures import combine, name_of, printable
from .._audio.reading import duration_of
from .._audio.unlike import UnlikeClip, report_unlike, unlike_collected
from .._estimators.audio_ranges import AudioRanges
from .._estimators.speaker_codes import is_unknown, speaker_names
from .._estimators.speaker_routing import adapts_to_speakers, predict_with_speakers
from .._estimators.unsure import answers_above, check_threshold
from .._utils.checks import check_choice, check_finite
from .._utils.frames import make_frame
from .._utils.pipelines import iter_steps
from .._utils.public import public
from ..exceptions import AudioReadError

__all__ = ["Predictions", "knows_training_audio", "predict_clips"]

_MAX_SHOWN = 10  # rows in the text of `Predictions`

# Position, path (empty for anything but a file) and reason.
Failure = tuple[int, str, str]


@public
@dataclass(frozen=True, eq=False)
class Predictions:
    """Result of `predict_clips`: one entry per clip, in the order of X.

    Parameters
    ----------
    names : list of str
        Path of each clip, or "clip 3" for one that is not a file.
    labels : ndarray of shape (n_clips,), object
        Predicted labels, or that of unsure answers; None for clips that could not be used.
    probabilities : ndarray of shape (n_clips, n_classes), or None
        NaN for clips that could not be used; None if the model has no ``predict_proba``.
    classes : ndarray of shape (n_classes,)
        Columns of the probabilities.
    failures : tuple of (int, str, str), default=()
        Position (from 0), path and reason of each clip that could not be used, as in
        `AudioReadError`.
    index : pandas.Index or None, default=None
        Index of the clips, if they are a Series.
    unlike : list of str or None, default=None
        In what each clip is unlike the training audio; "" for one that is like it. None if the
        model has no `AudioRanges`.

    See Also
    --------
    predict_clips : Predict clips and skip those that cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import Predictions
    >>> names, labels = ["a.wav", "b.wav"], np.array(["fear", None], dtype=object)
    >>> failures = ((1, "b.wav", "the file is empty (0 bytes); download or copy it again"),)
    >>> print(Predictions(names, labels, np.array([[0.2, 0.8], [np.nan, np.nan]]),
    ...                   np.array(["anger", "fear"]), failures))
    2 clips, 1 of which could not be read:
    b.wav: the file is empty (0 bytes); download or copy it again
    a.wav: fear (0.80)
    """

    names: list[str]
    labels: NDArray[np.object_]
    probabilities: NDArray[np.float64] | None
    classes: NDArray[Any]
    failures: tuple[Failure, ...] = ()
    index: Any = None
    unlike: list[str] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def errors(self) -> list[str]:
        """Reason for each clip that could not be used; "" for the others."""
        errors = [""] * len(self.names)
        for index, _, reason in self.failures:
            errors[index] = reason
        return errors

    def to_frame(self) -> Any:
        """Return the predictions as a pandas DataFrame, one row per clip.

        Returns
        -------
        pandas.DataFrame
            With the columns clip, label, ``probability_...`` for each class, unlike if the model
            has `AudioRanges`, and error, and with the index of X if it is a Series.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        columns: dict[str, Any] = {"clip": list(map(printable, self.names)), "label": self.labels}
        if self.probabilities is not None:
            columns |= {
                f"probability_{name}": column
                for name, column in zip(self.classes, self.probabilities.T, strict=True)
            }
        if self.unlike is not None:
            columns["unlike"] = self.unlike
        return make_frame(
            columns | {"error": self.errors},
            caller="to_frame",
            instead="the attributes of this object",
            index=self.index,
        )

    def __str__(self) -> str:
        failed = [index for index, _, _ in self.failures]
        predicted = sorted(set(range(len(self))) - set(failed))
        lines = [f"{len(self)} clips, {len(failed)} of which could not be read:"] if failed else []
        for indices in (failed, predicted):
            lines += [self._line(index) for index in indices[:_MAX_SHOWN]]
            if len(indices) > _MAX_SHOWN:
                lines.append(f"... and {len(indices) - _MAX_SHOWN} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Predictions of {len(self)} clips, {len(self.failures)} of them not readable>"

    def _line(self, index: int) -> str:
        name = printable(self.names[index])
        if self.labels[index] is None:
            return f"{name}: {self.errors[index]}"
        line = f"{name}: {self.labels[index]}"
        if self.probabilities is not None:
            line += f" ({self._probability_of(index, self.probabilities)})"
        if self.unlike is not None and self.unlike[index]:
            line += f", unlike the training audio: {self.unlike[index]}"
        return line

    def _probability_of(self, index: int, probabilities: NDArray[np.float64]) -> str:
        """Return the probability of a label, or the most probable label of an unsure answer."""
        by_class = dict(zip(self.classes.tolist(), probabilities[index].tolist(), strict=True))
        if self.labels[index] in by_class:
            return f"{by_class[self.labels[index]]:.2f}"
        probability, likely = max((value, label) for label, value in by_class.items())
        return f"{likely} {probability:.2f}"


def predict_clips(
    model: Any,
    X: Any,
    *,
    speakers: Any = None,
    on_error: str = "raise",
    max_duration: float | None = None,
    threshold: float | None = None,
    batch_size: int = 256,
    verbose: int = 0,
) -> Predictions:
    """Predict the labels of clips, with or without an error for those that cannot be read.

    Parameters
    ----------
    model : fitted classifier
        Any model of clips, such as a fitted ``make_ser_pipeline()``.
    X : list of clips, or ndarray of shape (n_clips, n_samples)
        Paths, waveforms, or the content of audio files, see ``MFCCTransformer.fit``.
    speakers : array-like of shape (n_clips,) or None, default=None
        Speaker of each clip, to which a model with a `SpeakerNormalizer` adapts. Clips whose
        speaker is None, NaN or an empty string are predicted as without speakers.
    on_error : {"raise", "skip"}, default="raise"
        What to do with clips that cannot be used, such as damaged files. "skip" predicts the
        others and returns the reasons beside their labels; "raise" raises one error that lists all
        of them.
    max_duration : float > 0 or None, default=None
        Maximum length of a clip in seconds. Longer ones count as clips that cannot be used, and are
        not decoded. Waveforms that come without a sampling rate have any length.
    threshold : float in [0, 1] or None, default=None
        Lowest probability of an answer. Below it, the label is "unsure", or -1 if labels are
        numbers. None uses the threshold of a `SelectiveClassifier`; other models always answer.
    batch_size : int > 0, default=256
        Number of clips that are in memory at the same time, as features. All clips of a speaker
        are.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    Predictions
        Labels, probabilities and reasons, one for each clip of X, in its order.

    Raises
    ------
    AudioReadError
        If clips cannot be used, with ``on_error="raise"``.
    TypeError, ValueError
        If X is not a list of clips, if a parameter has a wrong type or value, or if `speakers` are
        passed to a model that does not adapt to them.

    Warns
    -----
    UnlikeAudioWarning
        Once for all clips that are unlike the training audio, if the model has `AudioRanges`.

    See Also
    --------
    Predictions : The result, as a table with ``to_frame()``.

    Examples
    --------
    >>> from ser_estimators import make_ser_pipeline, predict_clips
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
    >>> pipe = pipe.fit(corpus.data, corpus.target)
    >>> found = predict_clips(pipe, [corpus.data[0], "missing.wav"], on_error="skip")
    >>> found.labels[1] is None, found.errors[1][:21]
    (True, 'there is no such file')
    """
    check_choice(on_error, "on_error", ("raise", "skip"))
    if max_duration is not None:
        check_scalar(max_duration, "max_duration", Real, min_val=0, include_boundaries="neither")
        check_finite(max_duration, "max_duration")
    check_threshold(threshold, model)
    check_scalar(batch_size, "batch_size", Integral, min_val=1)
    check_scalar(verbose, "verbose", Integral, min_val=0)
    clips = check_clips(X)
    if not isinstance(clips, list):
        clips = np.asarray(clips)
    # In subclasses, which may predict otherwise, nothing is known of the best estimator.
    if type(model) in (GridSearchCV, RandomizedSearchCV):
        model = model.best_estimator_
    if speakers is not None:
        speakers = _check_speakers(model, speakers, len(clips))
    labels = np.full(len(clips), None, dtype=object)
    probabilities: NDArray[np.float64] | None = None
    failures: list[Failure] = []
    unlike: list[UnlikeClip] = []
    for indices in _batches(len(clips), speakers, batch_size, verbose):
        too_long = _find_too_long(clips, indices, max_duration)
        left = {index for index, _, _ in too_long}
        indices = [index for index in indices if index not in left]
        usable, outcome, failed = _predict_usable(model, clips, speakers, indices, unlike)
        failures += sorted(too_long + failed)
        if outcome is None:
            continue
        if threshold is not None and outcome[1] is not None:
            outcome = answers_above(model, outcome[1], threshold), outcome[1]
        # As Python objects, which print as "anger" rather than as np.str_('anger').
        for index, label in zip(usable, np.asarray(outcome[0]).tolist(), strict=True):
            labels[index] = label
        if outcome[1] is not None:
            if probabilities is None:
                probabilities = np.full((len(clips), outcome[1].shape[1]), np.nan)
            probabilities[usable] = outcome[1]
    failures.sort()
    if failures and on_error == "raise":
        raise combine(failures, len(clips))
    classes = np.asarray(getattr(model, "classes_", ()))
    if probabilities is None and hasattr(model, "predict_proba"):
        probabilities = np.full((len(clips), len(classes)), np.nan)
    names = [name_of(clip) or f"clip {index + 1}" for index, clip in enumerate(clips)]
    # That of a list is a method.
    index_of_X = None if isinstance(X, (list, tuple)) else getattr(X, "index", None)
    reasons = _reasons_of(model, unlike, len(clips))
    report_unlike(sorted(unlike), len(clips))
    return Predictions(names, labels, probabilities, classes, tuple(failures), index_of_X, reasons)


def knows_training_audio(model: Any) -> bool:
    """Return whether a model says in what clips are unlike its training audio."""
    return any(isinstance(step, AudioRanges) for _, step in iter_steps(model))


def _reasons_of(model: Any, unlike: Sequence[UnlikeClip], n_clips: int) -> list[str] | None:
    """Return in what each clip is unlike the training audio, or None if the model cannot say."""
    if not knows_training_audio(model):
        return None
    reasons = [""] * n_clips
    for one in unlike:
        reasons[one.position] = str(one)
    return reasons


def _check_speakers(model: Any, speakers: Any, n_clips: int) -> NDArray[Any]:
    """Return the speakers as objects, or raise if they cannot be used."""
    if not adapts_to_speakers(model):
        raise ValueError(
            f"speakers was passed, but the {type(model).__name__} does not adapt to speakers: "
            "leave it out, or fit a model with a SpeakerNormalizer"
        )
    return speaker_names(n_clips, speakers, "speakers")


def _batches(
    n_clips: int, speakers: NDArray[Any] | None, batch_size: int, verbose: int
) -> Iterator[list[int]]:
    """Yield positions of clips, by the first clip of each speaker, whose clips are in one batch."""
    from tqdm.auto import tqdm

    by_speaker: dict[Any, list[int]] = {}
    for index in range(n_clips):
        name = None if speakers is None else speakers[index]
        by_speaker.setdefault((index,) if is_unknown(name) else name, []).append(index)
    batch: list[int] = []
    with tqdm(total=n_clips, desc="prediction", unit="clip", disable=not verbose) as bar:
        for indices in by_speaker.values():
            if batch and len(batch) + len(indices) > batch_size:
                yield batch
                bar.update(len(batch))
                batch = []
            batch += indices
        if batch:
            yield batch
            bar.update(len(batch))


def _find_too_long(clips: Any, indices: list[int], max_duration: float | None) -> list[Failure]:
    """Return a failure for each clip that is longer than the maximum."""
    if max_duration is None:
        return []
    failures = []
    for index in indices:
        seconds = duration_of(clips[index])
        if seconds is not None and seconds > max_duration:
            reason = (
                f"it is {seconds:.1f} s long; expected at most max_duration={max_duration:g} s: "
                "cut it into parts"
            )
            failures.append((index, name_of(clips[index]), reason))
    return failures


def _predict_usable(
    model: Any,
    clips: Any,
    speakers: NDArray[Any] | None,
    indices: list[int],
    unlike: list[UnlikeClip],
) -> tuple[list[int], tuple[Any, Any] | None, list[Failure]]:
    """Predict those clips of a batch that can be used, and list the unlike ones in `unlike`.

    Returns
    -------
    usable : list of int
        Positions of the clips that were predicted.
    outcome : (labels, probabilities or None), or None if no clip can be used
    failures : list of Failure
    """
    failures: list[Failure] = []
    while indices:
        try:
            own = None if speakers is None else speakers[indices]
            with unlike_collected() as found_unlike:
                outcome = _predict(model, _take(clips, indices), own)
            unlike += [one._replace(position=indices[one.position]) for one in found_unlike]
            return indices, outcome, failures
        except AudioReadError as error:
            if not error.failures:
                raise
            found = [(indices[index], name, reason) for index, name, reason in error.failures]
            failures += found
            failed = {index for index, _, _ in found}
            indices = [index for index in indices if index not in failed]
    return [], None, sorted(failures)


def _predict(model: Any, clips: Any, speakers: NDArray[Any] | None) -> tuple[Any, Any]:
    """Return labels and probabilities, with the features computed once if that is possible."""
    labels, probabilities = predict_with_speakers(model, clips, speakers)
    if np.ndim(labels) != 1 or isinstance(probabilities, list):
        last = getattr(model, "steps", [("", model)])[-1][1]
        raise ValueError(
            f"the {type(last).__name__} predicts several outputs for each clip; expected a "
            "classifier that predicts one label"
        )
    return labels, probabilities


def _take(clips: Sequence[Any] | NDArray[Any], indices: list[int]) -> Any:
    if isinstance(clips, np.ndarray):
        return clips[indices]
    return [clips[index] for index in indices]
