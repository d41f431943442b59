"""AudioRanges: warn of clips that are unlike the training audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._audio.clips import check_clips, validate_clips
from .._audio.kinds import Rows, name_of
from .._audio.unlike import Difference, UnlikeClip, is_unlike_wanted, report_unlike
from .._features.audio_measures import MEASURES, MEASURES_VERSION, measure_audio
from .._features.audio_ranges import Ranges, distances, fit_ranges
from .._features.extraction import extract
from .._utils.checks import check_finite
from .._utils.public import public
from .clip_transformer import ClipTransformer
from .speaker_codes import speaker_codes

__all__ = ["AudioRanges", "describe_ranges"]

_FAR = 2.0  # distance from the middle of a range, in distances of its limits
_SILENT = -119.0  # dBFS
_KNOWN = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True)
class _Options:
    """What cached measures depend on, besides how clips are read."""

    version: int = MEASURES_VERSION


@public
class AudioRanges(ClipTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Pass clips on unchanged, and warn of those that are unlike the training audio.

    A model recognizes emotions in recordings like those that it was trained on. A noisy room, a
    telephone or another microphone changes what it hears, and its labels with it, but not how sure
    it seems. This step remembers what the training audio is like: length, level, noise, silence,
    low and high frequencies, reverberation and clipping. Later, a single `UnlikeAudioWarning` in a
    call says which clips are different, and in what.

    It is the first step of a pipeline, and changes no prediction.

    Parameters
    ----------
    false_alarms : float in (0, 1), default=0.03
        Fraction of the clips of unseen speakers, recorded like the training clips, that may be
        outside the ranges. It is estimated in training, with each speaker left out in turn.
    sr : int > 0, default=16000
        Sampling rate in Hz, that of the step that computes the features. Clips with another rate
        are resampled; waveforms without a rate are assumed to have this one.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start of each clip.
    duration : float > 0 or None, default=None
        Maximum number of seconds that are read from each clip; None reads to the end.
    res_type : {"soxr_hq", "soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Resampling quality, see ``librosa.resample``.
    memory : path-like, joblib.Memory or None, default=None
        Folder in which the measures of files are cached.
    bytes_limit : int, str or None, default=None
        Maximum size of this folder, such as "10G". None sets no limit.
    n_jobs : int or None, default=None
        Number of threads that read clips. None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    measures_ : ndarray of shape (n_measures,), object
        Names of the measures.
    center_, low_, high_ : ndarray of shape (n_measures,)
        The median of each measure in training, and the limits of its range.
    ranges_ : dict of str to (float, float)
        The ranges by name, in the units of the messages.
    n_features_in_ : int
        Number of samples per clip. Only defined if ``fit`` was called with a 2-D array.

    See Also
    --------
    make_ser_pipeline : With ``warn_unlike=True``, the pipeline begins with this step.
    predict_clips : Says for each clip in what it is unlike the training audio.

    Notes
    -----
    Without the speakers of the training clips, passed as `groups`, blocks of successive clips are
    left out instead, which underestimates how much speakers differ if the clips were shuffled. With
    a few speakers, ranges are wider.

    Nothing is measured, and nobody is warned, inside of cross-validation and searches of
    scikit-learn, in `evaluate` and in `stress_test`.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import AudioRanges
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), out_dir="voices", random_state=0
    ... )
    >>> ranges = AudioRanges().fit(corpus.data, groups=corpus.speakers)
    >>> ranges.find_unlike(corpus.data[:1])
    ['']
    >>> noise = 0.1 * np.random.default_rng(0).normal(size=16000)
    >>> print(ranges.find_unlike([noise])[0])
    noisier above 6.5 kHz (...
    """

    # With metadata routing, the speakers are passed without set_fit_request(groups=True).
    __metadata_request__fit: ClassVar = {"groups": True}

    def __init__(
        self,
        false_alarms: float = 0.03,
        *,
        sr: int = 16000,
        offset: float = 0.0,
        duration: float | None = None,
        res_type: str = "soxr_hq",
        memory: Any = None,
        bytes_limit: int | str | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.false_alarms = false_alarms
        self.sr = sr
        self.offset = offset
        self.duration = duration
        self.res_type = res_type
        self.memory = memory
        self.bytes_limit = bytes_limit
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def ranges_(self) -> dict[str, tuple[float, float]]:
        """The ranges by name, in the units of the messages."""
        check_is_fitted(self)
        return {
            name: (_KNOWN[name].shown(low), _KNOWN[name].shown(high))
            for name, low, high in zip(self.measures_, self.low_, self.high_, strict=True)
        }

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> AudioRanges:
        """Measure the training clips.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As in ``MFCCTransformer.fit``.
        y : array-like of shape (n_clips,) or None, default=None
            Only its length is checked.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips. A clip without one (None, NaN or an empty string) is treated as
            the only clip of its speaker.

        Returns
        -------
        AudioRanges
            This transformer.

        Raises
        ------
        AudioReadError
            If clips cannot be used. The error lists all of them, with reason and remedy.
        TypeError, ValueError
            If X is not a list of clips, a parameter has a wrong type or value, or groups have
            another length.
        """
        self._check_params()
        clips = validate_clips(self, X, reset=True)
        if y is not None:
            check_consistent_length(clips, y)
        speakers = None if groups is None else speaker_codes(len(clips), groups)
        if speakers is not None:
            is_unknown = speakers < 0
            if is_unknown.all():
                speakers = None
            else:
                speakers[is_unknown] = speakers.max() + 1 + np.arange(is_unknown.sum())
        measures = np.array(list(_KNOWN), dtype=object)
        least = np.array([measure.least for measure in MEASURES])
        table = self._measured(clips, measures)
        ranges = fit_ranges(table, speakers, false_alarms=float(self.false_alarms), least=least)
        self.measures_ = measures
        self.center_, self.low_, self.high_ = ranges.center, ranges.low, ranges.high
        return self

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Measure the training clips, and return them without any warning.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
        y : array-like of shape (n_clips,) or None, default=None
            Only its length is checked.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips.

        Returns
        -------
        list of clips, or ndarray of shape (n_clips, n_samples)
            X itself.
        """
        self.fit(X, y, groups=groups)
        return _as_passed(X, check_clips(X))

    def transform(self, X: Any) -> Any:
        """Return the clips, after a warning if some are unlike the training audio.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As for `fit`.

        Returns
        -------
        list of clips, or ndarray of shape (n_clips, n_samples)
            X itself.

        Raises
        ------
        AudioReadError
            If clips cannot be used. The error lists all of them, with reason and remedy.
        TypeError, ValueError
            If X is not a list of clips, or a parameter has a wrong type or value.

        Warns
        -----
        UnlikeAudioWarning
            Once for all clips that are unlike the training audio, if there are more of them than
            `false_alarms` lets expect, or if one is twice as far outside as the limit of a range.
        """
        clips = self._validated(X)
        if is_unlike_wanted():
            report_unlike(list(self._unlike(clips)), len(clips))
        return _as_passed(X, clips)

    def find_unlike(self, X: Any) -> list[str]:
        """Say of each clip in what it is unlike the training audio.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As for `fit`.

        Returns
        -------
        list of str
            Differences, the largest one first, with the measures of the clip and of the training
            audio; "" for a clip that is like the training audio.

        Raises
        ------
        AudioReadError, TypeError, ValueError
            As `transform`.
        """
        reasons = [""] * len(clips := self._validated(X))
        for one in self._unlike(clips):
            reasons[one.position] = str(one)
        return reasons

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return how like the training audio each clip is.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips,)
            0 for a clip in the middle of all ranges, -1 for one at the limit of a range, and less
            for one that is outside.

        Raises
        ------
        AudioReadError, TypeError, ValueError
            As `transform`.
        """
        table = self._measured(self._validated(X), self.measures_)
        return np.asarray(-distances(table, self._ranges()).max(axis=1))

    def set_output(self, *, transform: str | None = None) -> AudioRanges:
        """Do nothing, because clips are returned as they are.

        This method allows calling ``set_output(transform="pandas")`` on a whole pipeline.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Not used, present for API consistency.

        Returns
        -------
        AudioRanges
            This transformer.
        """
        return self

    def _validated(self, X: Any) -> Sequence[Any]:
        check_is_fitted(self)
        self._check_params()
        return validate_clips(self, X, reset=False)

    def _measured(self, clips: Sequence[Any], names: NDArray[np.object_]) -> NDArray[np.float64]:
        """Return the measures of clips, (n_clips, n_measures)."""
        rows = extract(
            lambda waveform: measure_audio(waveform, self.sr),
            clips,
            self._reading(),
            cache=self._cache(_Options()),
            n_jobs=self.n_jobs,
            progress="audio" if self.verbose else None,
            is_silent=True,  # the step that computes the features warns
        )
        columns = [list(_KNOWN).index(name) for name in names]
        return np.concatenate(list(rows))[:, columns].astype(np.float64)

    def _ranges(self) -> Ranges:
        return Ranges(self.center_, self.low_, self.high_)

    def _unlike(self, clips: Sequence[Any]) -> Iterator[UnlikeClip]:
        table = self._measured(clips, self.measures_)
        outside = distances(table, self._ranges())
        for index in np.flatnonzero((outside > 1).any(axis=1)).tolist():
            order = np.argsort(-outside[index], kind="stable").tolist()
            positions = [position for position in order if outside[index, position] > 1]
            levels = [position for position in positions if self.measures_[position] == "level"]
            if levels and table[index, levels[0]] <= _SILENT:
                positions = levels  # nothing else can be measured in silence
            found = [self._difference(position, table[index, position]) for position in positions]
            is_far = bool(outside[index].max() > _FAR)
            yield UnlikeClip(
                index, name_of(clips[index]), tuple(found), is_far, float(self.false_alarms)
            )

    def _difference(self, position: int, value: float) -> Difference:
        measure = _KNOWN[self.measures_[position]]
        is_above = value > self.center_[position]
        limits = self.low_[position], self.high_[position]
        kind = measure.above if is_above else measure.below
        return Difference(kind, *measure.compare(value, *limits))

    def _check_params(self) -> None:
        check_scalar(
            self.false_alarms,
            "false_alarms",
            Real,
            min_val=0,
            max_val=1,
            include_boundaries="neither",
        )
        check_finite(self.false_alarms, "false_alarms")
        self._check_reading_params()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _as_passed(X: Any, clips: Sequence[Any]) -> Any:
    """Return X, as an array if it is a table of numbers or another array-like."""
    if isinstance(clips, Rows):
        return np.array(clips)
    is_known = isinstance(X, (list, tuple, np.ndarray)) or hasattr(X, "index")
    return X if is_known or not hasattr(X, "__array__") else np.asarray(X)


def describe_ranges(ranges: AudioRanges) -> dict[str, str]:
    """Return the ranges of a fitted `AudioRanges` with their units, by name."""
    return {
        name: _KNOWN[name].text_of_range(low, high)
        for name, low, high in zip(ranges.measures_, ranges.low_, ranges.high_, strict=True)
    }
