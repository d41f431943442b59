"""Base class of the transformers of audio clips: reading, caching and validation."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy
import soundfile
import soxr
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_consistent_length

from .. import _kernels
from .._audio.clips import validate_clips
from .._audio.files import RES_TYPES
from .._audio.reading import Reading
from .._features.cache import FEATURES_VERSION, FeatureCache, cache_folder, parse_bytes
from .._features.mel import MelOptions
from .._utils.checks import check_choice, check_finite
from .._utils.stack_level import find_stack_level

__all__ = ["VERSIONS", "ClipTransformer", "warn_of_empty_bands"]

# Everything besides the settings that changes features, if only in their last bits.
VERSIONS = {
    "features": FEATURES_VERSION,
    "kernel": _kernels.mel is not None,
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "soxr": soxr.__version__,
    "libsndfile": soundfile.__libsndfile_version__,
}


class ClipTransformer(TransformerMixin, BaseEstimator):
    """Base class of stateless transformers that process clips one by one.

    A subclass has the parameters of `Reading`, and `memory`, `bytes_limit`, `n_jobs` and `verbose`.
    One that does not process waveforms lacks `trim_db`, `loudness` and `preemphasis`.
    """

    def fit(self, X: Any, y: Any = None) -> ClipTransformer:
        """Validate the parameters and the type of X, without opening any file.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            All clips are of one kind: paths of audio files, or parts of files as `Segment`; 1-D
            waveforms at `sr`; waveforms with their own sampling rate, as ``(waveform, rate)`` or
            ``{"array": waveform, "sampling_rate": rate}``; or the content of audio files, as bytes,
            as binary files or as ``{"bytes": content, "path": name}``. A tuple, 1-D array or Series
            is accepted like a list; an array has a waveform at `sr` in each row.
        y : array-like of shape (n_clips,) or None, default=None
            Only its length is checked.

        Returns
        -------
        ClipTransformer
            This transformer.

        Raises
        ------
        TypeError, ValueError
            If X is not a list of clips, or a parameter has a wrong type or value.
        """
        self._check_params()
        clips = validate_clips(self, X, reset=True)
        if y is not None:
            # Checked here rather than in a later step, before all files are read.
            check_consistent_length(clips, y)
        return self

    def clear_cache(self) -> None:
        """Remove all cached features from the folder `memory`, whatever their settings.

        Other files in the folder are kept. Without `memory`, this does nothing.
        """
        folder = cache_folder(self.memory)
        if folder is not None:
            FeatureCache(folder, {}).clear()

    def _reading(self) -> Reading:
        return Reading(
            sr=self.sr,
            offset=self.offset,
            duration=self.duration,
            res_type=self.res_type,
            trim_db=getattr(self, "trim_db", None),
            loudness=getattr(self, "loudness", None),
            preemphasis=getattr(self, "preemphasis", None),
        )

    def _cache(self, options: Any, **others: Any) -> FeatureCache | None:
        """Return the cache for a dataclass of options, or None without `memory`."""
        folder = cache_folder(self.memory)
        if folder is None:
            return None
        everything = {
            "transformer": type(self).__name__,
            "reading": asdict(self._reading()),
            "options": asdict(options),
            "versions": VERSIONS | others,
        }
        return FeatureCache(
            folder, everything, bytes_limit=parse_bytes(self.bytes_limit, "bytes_limit")
        )

    def _check_params(self) -> None:
        raise NotImplementedError

    def _check_reading_params(self) -> None:
        check_scalar(self.sr, "sr", Integral, min_val=1)
        if (preemphasis := getattr(self, "preemphasis", None)) is not None:
            check_scalar(preemphasis, "preemphasis", Real, min_val=0, max_val=1)
            check_finite(preemphasis, "preemphasis")
        self._check_common_params()

    def _check_common_params(self) -> None:
        check_scalar(self.offset, "offset", Real, min_val=0)
        check_finite(self.offset, "offset")
        for name in ("duration", "trim_db"):
            if (value := getattr(self, name, None)) is not None:
                check_scalar(value, name, Real, min_val=0, include_boundaries="neither")
                check_finite(value, name)
        if (loudness := getattr(self, "loudness", None)) is not None:
            check_scalar(loudness, "loudness", Real, max_val=0)
            check_finite(loudness, "loudness")
        check_choice(self.res_type, "res_type", RES_TYPES)
        check_scalar(self.verbose, "verbose", Integral, min_val=0)
        if self.n_jobs is not None:
            check_scalar(self.n_jobs, "n_jobs", Integral)
        cache_folder(self.memory)
        parse_bytes(self.bytes_limit, "bytes_limit")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags


def warn_of_empty_bands(options: MelOptions) -> None:
    """Warn of mel bands that contain no FFT bin and are therefore always empty."""
    n_empty = int((np.diff(options.filters().indptr) == 0).sum())
    if n_empty:
        warnings.warn(
            f"{n_empty} of {options.n_mels} mel bands are empty: they are narrower than the "
            f"{options.sr / options.n_fft:.1f} Hz between the bins of n_fft={options.n_fft}. "
            "Raise n_fft or lower n_mels",
            stacklevel=find_stack_level(),
        )
