"""MFCCTransformer: audio paths or waveforms in, mel-frequency cepstral coefficients out."""

from __future__ import annotations

import warnings
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_scalar
from sklearn.utils.validation import check_consistent_length

from ._clips import map_waveforms, validate_clips
from ._features import mel_filter_bank, mfcc

__all__ = ["MFCCTransformer"]


class MFCCTransformer(TransformerMixin, BaseEstimator):
    """Turn audio clips into mel-frequency cepstral coefficients (MFCCs).

    Nothing is learnt from the data: ``fit`` only checks, and ``transform`` works without it.
    The numbers are those of ``librosa.feature.mfcc`` [1]_ to 1e-3. Training and prediction read
    files through the same code, so that a clip gives the same features in both.

    Parameters
    ----------
    sr : int > 0, default=16000
        Sampling rate in Hz at which clips are analysed. Files at another rate are resampled;
        waveforms are taken to be at this rate.
    n_mfcc : int, 1 to n_mels, default=40
        Number of coefficients.
    n_fft : int > 0, default=1024
        Length of the analysis window in samples.
    hop_length : int > 0, default=256
        Samples between frames.
    n_mels : int > 0, default=64
        Number of mel bands of which the coefficients are made.
    fmin : float >= 0, default=0.0
        Lowest frequency in Hz.
    fmax : float or None, default=None
        Highest frequency in Hz; None means ``sr / 2``.
    n_jobs : int or None, default=None
        Threads that read and transform clips. None means 1 unless in a
        ``joblib.parallel_config`` context, -1 means all processors.

    Attributes
    ----------
    n_features_in_ : int
        Samples per clip. Only there after a fit on a 2-D array, whose clips have one length.

    See Also
    --------
    CNNEmbedder : The convolutional network that learns from these frames.
    make_ser_pipeline : The whole system.

    References
    ----------
    .. [1] B. McFee et al., "librosa: Audio and music signal analysis in Python", Proc. 14th Python
       in Science Conf., 2015. https://librosa.org/doc/latest/generated/librosa.feature.mfcc.html

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import MFCCTransformer
    >>> rng = np.random.default_rng(0)
    >>> one_second, half_a_second = rng.normal(size=16000), rng.normal(size=8000)
    >>> frames = MFCCTransformer(n_mfcc=20).fit_transform([one_second, half_a_second])
    >>> frames.shape
    (2, 20, 63)
    """

    def __init__(
        self,
        sr: int = 16000,
        n_mfcc: int = 40,
        *,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sr = sr
        self.n_mfcc = n_mfcc
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> MFCCTransformer:
        """Check the parameters and what X is; no file is opened.

        Parameters
        ----------
        X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
            Audio files, or waveforms at `sr`. A tuple, 1-D array or Series of paths works too.
        y : array-like of shape (n_clips,) or None, default=None
            Only its length is looked at.

        Returns
        -------
        MFCCTransformer
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

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Compute the MFCCs of every clip.

        Parameters
        ----------
        X : list of path-like, list of 1-D waveforms, or ndarray of shape (n_clips, n_samples)
            Audio files, or waveforms at `sr`.

        Returns
        -------
        ndarray of shape (n_clips, n_mfcc, n_frames), float32
            As many frames as the longest clip has; shorter ones are followed by frames that are
            zero in every coefficient, which `CNNEmbedder` leaves out.

        Raises
        ------
        AudioReadError
            If clips cannot be used: all of them are listed, each with its reason and remedy.
        TypeError, ValueError
            If X is not a list of clips, or a parameter has a wrong type or value.
        """
        self._check_params()
        clips = validate_clips(self, X, reset=False)
        extract = partial(
            mfcc,
            sr=self.sr,
            n_mfcc=self.n_mfcc,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax,
        )
        self._warn_of_empty_bands()
        coefficients = map_waveforms(extract, clips, sr=self.sr, n_jobs=self.n_jobs)
        n_frames = max(clip.shape[1] for clip in coefficients)
        frames = np.zeros((len(coefficients), self.n_mfcc, n_frames), dtype=np.float32)
        for row, clip in zip(frames, coefficients, strict=True):
            row[:, : clip.shape[1]] = clip
        return frames

    def set_output(self, *, transform: str | None = None) -> MFCCTransformer:
        """Change nothing: three dimensions do not fit into a table.

        It is there so that a whole pipeline can be told ``set_output(transform="pandas")``, which
        `CNNEmbedder` follows.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        MFCCTransformer
            This transformer.
        """
        return self

    def _warn_of_empty_bands(self) -> None:
        filters = mel_filter_bank(self.sr, self.n_fft, self.n_mels, self.fmin, self.fmax)
        n_empty = int((np.diff(filters.indptr) == 0).sum())
        if n_empty:
            warnings.warn(
                f"{n_empty} of {self.n_mels} mel bands are empty: they are narrower than the "
                f"{self.sr / self.n_fft:.1f} Hz between the bins of n_fft={self.n_fft}. "
                "Raise n_fft or lower n_mels",
                stacklevel=4,
            )

    def _check_params(self) -> None:
        for name in ("sr", "n_mfcc", "n_fft", "hop_length", "n_mels"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        check_scalar(self.fmin, "fmin", Real, min_val=0)
        highest = self.sr / 2 if self.fmax is None else self.fmax
        check_scalar(highest, "fmax", Real, max_val=self.sr / 2)
        if not highest > self.fmin:  # so that NaN is refused as well
            raise ValueError(f"fmin == {self.fmin} Hz, must be below fmax == {highest} Hz.")
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc == {self.n_mfcc}, must be <= n_mels == {self.n_mels}: "
                "there are no more coefficients than mel bands."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = []  # always float32
        return tags
