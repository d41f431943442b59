"""What transformers of audio clips share: parameters of reading, the cache, checks."""

from __future__ import annotations

from numbers import Integral, Real
from types import ModuleType
from typing import Any

import soundfile
import soxr
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_consistent_length

from . import _audio, _cleaning, _clips, _spectrum
from ._checks import check_choice, check_finite
from ._clips import Reading, validate_clips
from ._feature_cache import FeatureCache, cache_folder, code_version, parse_bytes

__all__ = ["ClipTransformer"]


class ClipTransformer(TransformerMixin, BaseEstimator):
    """Base of transformers that read clips one by one and learn nothing from them.

    A subclass has the parameters of `Reading`, and `memory`, `bytes_limit`, `n_jobs` and `verbose`.
    """

    def fit(self, X: Any, y: Any = None) -> ClipTransformer:
        """Check the parameters and what X is; no file is opened.

        Parameters
        ----------
        X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
            Audio files, or waveforms at `sr`. A tuple, 1-D array or Series of paths works too.
        y : array-like of shape (n_clips,) or None, default=None
            Only its length is looked at.

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
            # Now rather than in a later step, when all the files have been read.
            check_consistent_length(clips, y)
        return self

    def clear_cache(self) -> None:
        """Remove all features that are kept in the folder of `memory`, of any settings.

        Nothing else in the folder is touched. Without a cache there is nothing to do.
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
            trim_db=self.trim_db,
            loudness=self.loudness,
            preemphasis=self.preemphasis,
        )

    def _cache(self, settings: dict[str, Any], *modules: ModuleType) -> FeatureCache | None:
        """Return the cache of features of these settings and this code, if there is one."""
        folder = cache_folder(self.memory)
        if folder is None:
            return None
        everything = {
            "features": type(self).__name__,
            **vars(self._reading()),
            **settings,
            "code": code_version(_audio, _cleaning, _clips, _spectrum, *modules),
            "libraries": [soxr.__version__, soundfile.__libsndfile_version__],
        }
        return FeatureCache(
            folder, everything, bytes_limit=parse_bytes(self.bytes_limit, "bytes_limit")
        )

    def _check_params(self) -> None:
        raise NotImplementedError

    def _check_reading_params(self) -> None:
        check_scalar(self.sr, "sr", Integral, min_val=1)
        check_scalar(self.offset, "offset", Real, min_val=0)
        check_finite(self.offset, "offset")
        for name in ("duration", "trim_db"):
            if (value := getattr(self, name)) is not None:
                check_scalar(value, name, Real, min_val=0, include_boundaries="neither")
                check_finite(value, name)
        if self.loudness is not None:
            check_scalar(self.loudness, "loudness", Real, max_val=0)
            check_finite(self.loudness, "loudness")
        if self.preemphasis is not None:
            check_scalar(self.preemphasis, "preemphasis", Real, min_val=0, max_val=1)
            check_finite(self.preemphasis, "preemphasis")
        check_choice(self.res_type, "res_type", _audio.RES_TYPES)
        check_scalar(self.verbose, "verbose", Integral, min_val=0)
        cache_folder(self.memory)
        parse_bytes(self.bytes_limit, "bytes_limit")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags
