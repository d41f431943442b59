"""MFCCTransformer: mel-frequency cepstral coefficients of audio files or waveforms."""

from __future__ import annotations

import os
from functools import partial
from importlib.metadata import version
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._audio.clips import validate_clips
from .._features.acoustic import MFCC_FEATURES, acoustic_rows
from .._features.extraction import extract
from .._features.layout import MFCCLayout
from .._features.librosa_mfcc import librosa_frames
from .._features.mel import MelOptions
from .._features.mfcc import MFCCOptions, mfcc_frames
from .._features.mfcc_array import MFCCArray
from .._features.padding import gather
from .._features.spectrum import padded_window
from .._utils.checks import check_choice, check_finite
from .._utils.public import public
from .clip_transformer import ClipTransformer, warn_of_empty_bands

__all__ = ["MFCCTransformer"]


# A 3-D array cannot be returned as a table, so `transform` is not wrapped.
@public
class MFCCTransformer(ClipTransformer, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Turn audio clips into mel-frequency cepstral coefficients (MFCCs).

    The transformer is stateless: ``fit`` only validates its input, and ``transform`` works without
    it. The values are those of ``librosa.feature.mfcc`` [1]_ within 1e-3. Training and prediction
    read files through the same code, so a clip has the same features in both.

    Parameters
    ----------
    sr : int > 0, default=16000
        Sampling rate in Hz. Clips with another rate are resampled; waveforms without a rate are
        assumed to have this one.
    n_mfcc : int, 1 to n_mels, default=40
        Number of coefficients.
    n_fft : int > 0, default=1024
        Length of the FFT in samples.
    win_length : int, 1 to n_fft, or None, default=None
        Length of the window in samples, zero-padded to `n_fft`; None means `n_fft`.
    hop_length : int > 0, default=256
        Samples between frames.
    window : str, tuple or float, default="hann"
        Window function, see ``scipy.signal.get_window``.
    center : bool, default=True
        Whether frames are centered at multiples of `hop_length`, with zero padding at both ends of
        the clip; otherwise they start there.
    n_mels : int > 0, default=64
        Number of mel bands from which the coefficients are computed.
    fmin : float >= 0, default=0.0
        Lowest frequency of the mel bands in Hz.
    fmax : float or None, default=None
        Highest frequency of the mel bands in Hz; None means ``sr / 2``.
    htk : bool, default=False
        Whether to use HTK's mel scale instead of Slaney's.
    mel_norm : "slaney", float > 0 or None, default="slaney"
        "slaney" divides each mel filter by its width; a number p divides it by its p-norm; None
        does not scale it.
    dct_type : {1, 2, 3}, default=2
        Type of the discrete cosine transform. `CNNEmbedder` requires type 2.
    norm : {"ortho", None}, default="ortho"
        Normalization of the cosine transform; "ortho" makes it orthonormal.
    lifter : float >= 0, default=0.0
        Liftering: if positive, the n-th coefficient is multiplied by
        ``1 + lifter / 2 * sin(pi * n / lifter)``.
    deltas : {0, 1, 2}, default=0
        Order up to which derivatives over time are appended to the coefficients. They are estimated
        over nine frames, as in ``librosa.feature.delta``. `CNNEmbedder` uses them as additional
        channels.
    normalization : {None, "mean", "mean_variance"}, default=None
        "mean" subtracts from each coefficient its mean over the clip, which removes the frequency
        response of the microphone and also the level of the clip. "mean_variance" additionally
        divides it by its standard deviation. Coefficients that are constant over a clip become
        zero, like padding: silence and clips of a single frame lose all information.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start of each clip.
    duration : float > 0 or None, default=None
        Maximum number of seconds that are read from each clip; None reads to the end.
    res_type : {"soxr_hq", "soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Resampling quality, see ``librosa.resample``.
    trim_db : float > 0 or None, default=None
        Threshold, in dB below the loudest frame, under which silence at both ends is trimmed, see
        ``librosa.effects.trim``. None keeps the silence.
    loudness : float <= 0 or None, default=None
        Loudness in LUFS [2]_ to which each clip is scaled, for example -23. None keeps the level,
        which carries information on the emotion if the distance to the microphone is constant.
    preemphasis : float in [0, 1] or None, default=None
        Fraction of the previous sample that is subtracted from each sample, for example 0.97, which
        amplifies high frequencies, see ``librosa.effects.preemphasis``. None disables pre-emphasis.
    backend : {"native", "librosa"}, default="native"
        "librosa" calls ``librosa.feature.mfcc``, which is several times slower.
    memory : path-like, joblib.Memory or None, default=None
        Folder in which the features of files are cached. With the same settings, each file is
        decoded only once for all fits, folds and processes. Changes of a file are detected.
        `clear_cache` empties the cache.
    bytes_limit : int, str or None, default=None
        Maximum size of this folder, such as "10G". After a call that added to it, the least
        recently used features are removed. None sets no limit.
    memmap : path-like or None, default=None
        Folder in which the result of `transform` is stored as a memory-mapped file, for data that
        does not fit into memory; `CNNEmbedder` can train on it. The file is removed with the last
        reference to it, or by the next call if the process was killed. Creating it temporarily
        takes twice its size. Other processes can read it while the process that created it runs.
    n_jobs : int or None, default=None
        Number of threads that process clips. None means 1 unless in a
        ``joblib.parallel_config`` context, -1 means all processors.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    n_features_in_ : int
        Number of samples per clip. Only defined if ``fit`` was called with a 2-D array.

    See Also
    --------
    CNNEmbedder : Convolutional network that is trained on these frames.
    make_ser_pipeline : Pipeline that starts with this transformer.

    References
    ----------
    .. [1] B. McFee et al., "librosa: Audio and music signal analysis in Python", Proc. 14th Python
       in Science Conf., 2015. https://librosa.org/doc/latest/generated/librosa.feature.mfcc.html
    .. [2] Recommendation ITU-R BS.1770-4, "Algorithms to measure audio programme loudness and
       true-peak audio level", 2015.

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
        win_length: int | None = None,
        hop_length: int = 256,
        window: Any = "hann",
        center: bool = True,
        n_mels: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        htk: bool = False,
        mel_norm: str | float | None = "slaney",
        dct_type: int = 2,
        norm: str | None = "ortho",
        lifter: float = 0.0,
        deltas: int = 0,
        normalization: str | None = None,
        offset: float = 0.0,
        duration: float | None = None,
        res_type: str = "soxr_hq",
        trim_db: float | None = None,
        loudness: float | None = None,
        preemphasis: float | None = None,
        backend: str = "native",
        memory: Any = None,
        bytes_limit: int | str | None = None,
        memmap: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.sr = sr
        self.n_mfcc = n_mfcc
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop_length = hop_length
        self.window = window
        self.center = center
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.htk = htk
        self.mel_norm = mel_norm
        self.dct_type = dct_type
        self.norm = norm
        self.lifter = lifter
        self.deltas = deltas
        self.normalization = normalization
        self.offset = offset
        self.duration = duration
        self.res_type = res_type
        self.trim_db = trim_db
        self.loudness = loudness
        self.preemphasis = preemphasis
        self.backend = backend
        self.memory = memory
        self.bytes_limit = bytes_limit
        self.memmap = memmap
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Compute the MFCCs of every clip.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            Paths, waveforms, or the content of audio files, see ``MFCCTransformer.fit``.

        Returns
        -------
        ndarray of shape (n_clips, n_mfcc * (1 + deltas), n_frames), float32
            MFCCs, with as many frames as the longest clip has. Shorter clips are padded with frames
            of zeros, which `CNNEmbedder` masks. If most of a large result is padding, because one
            clip is much longer than the others, this padding takes no memory, and the array is
            read-only; ``result.copy()`` can be changed.

        Raises
        ------
        AudioReadError
            If clips cannot be used. The error lists all of them, with reason and remedy.
        TypeError, ValueError
            If X is not a list of clips, or a parameter has a wrong type or value.
        """
        self._check_params()
        clips = validate_clips(self, X, reset=False)
        options = self._options()
        warn_of_empty_bands(options.mel)
        is_librosa = self.backend == "librosa"
        features = extract(
            partial(librosa_frames if is_librosa else mfcc_frames, options=options),
            clips,
            self._reading(),
            cache=self._cache(options, librosa=version("librosa") if is_librosa else None),
            n_jobs=self.n_jobs,
            progress="MFCC" if self.verbose else None,
        )
        memmap = None if self.memmap is None else Path(self.memmap).expanduser()
        layout = MFCCLayout(
            n_mfcc=self.n_mfcc,
            n_mels=self.n_mels,
            dct_type=self.dct_type,
            norm=self.norm,
            lifter=float(self.lifter),
            deltas=self.deltas,
        )
        frames, n_frames = gather(features, memmap=memmap)
        # The index of a Series; that of a list is a method.
        index = None if isinstance(X, (list, tuple)) else getattr(X, "index", None)
        return MFCCArray(frames, layout, index, n_frames)

    def set_output(self, *, transform: str | None = None) -> MFCCTransformer:
        """Do nothing, because a 3-D array cannot be returned as a table.

        This method allows calling ``set_output(transform="pandas")`` on a whole pipeline, to which
        `CNNEmbedder` responds.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Not used, present for API consistency.

        Returns
        -------
        MFCCTransformer
            This transformer.
        """
        return self

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the rows: "mfcc_0", ..., "mfcc_delta_0", ..., "mfcc_delta2_0", ...

        Parameters
        ----------
        input_features : None, default=None
            Not used, present for API consistency.

        Returns
        -------
        ndarray of shape (n_mfcc * (1 + deltas),), object
        """
        self._check_params()
        rows = acoustic_rows(MFCC_FEATURES[: 1 + self.deltas], n_mfcc=self.n_mfcc, sr=self.sr)
        return np.array(rows, dtype=object)

    def _mel_options(self) -> MelOptions:
        return MelOptions(
            sr=self.sr,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
            fmin=self.fmin,
            fmax=self.fmax,
            win_length=self.win_length,
            window=self.window,
            center=self.center,
            htk=self.htk,
            mel_norm=self.mel_norm,
        )

    def _options(self) -> MFCCOptions:
        return MFCCOptions(
            mel=self._mel_options(),
            n_mfcc=self.n_mfcc,
            dct_type=self.dct_type,
            norm=self.norm,
            lifter=self.lifter,
            deltas=self.deltas,
            normalization=self.normalization,
        )

    def _check_params(self) -> None:
        self._check_reading_params()
        for name in ("n_mfcc", "n_fft", "hop_length", "n_mels"):
            check_scalar(getattr(self, name), name, Integral, min_val=1)
        if self.win_length is not None:
            check_scalar(self.win_length, "win_length", Integral, min_val=1, max_val=self.n_fft)
        _check_window(self.window, self.win_length or self.n_fft, self.n_fft)
        check_scalar(self.fmin, "fmin", Real, min_val=0)
        highest = self.sr / 2 if self.fmax is None else self.fmax
        check_scalar(highest, "fmax", Real, max_val=self.sr / 2)
        if not highest > self.fmin:  # also true for NaN
            raise ValueError(f"fmin == {self.fmin} Hz, must be below fmax == {highest} Hz.")
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc == {self.n_mfcc}, must be <= n_mels == {self.n_mels}: "
                "there are no more coefficients than mel bands."
            )
        if isinstance(self.mel_norm, Real):
            check_finite(self.mel_norm, "mel_norm")
            check_scalar(self.mel_norm, "mel_norm", Real, min_val=0, include_boundaries="neither")
        else:
            check_choice(self.mel_norm, "mel_norm", ("slaney", None))
        check_choice(self.dct_type, "dct_type", (1, 2, 3))
        if self.dct_type == 1 and self.n_mels < 2:
            raise ValueError("n_mels == 1, must be >= 2 for dct_type == 1.")
        check_choice(self.norm, "norm", ("ortho", None))
        check_scalar(self.lifter, "lifter", Real, min_val=0)
        check_finite(self.lifter, "lifter")
        check_choice(self.deltas, "deltas", (0, 1, 2))
        check_choice(self.normalization, "normalization", (None, "mean", "mean_variance"))
        check_choice(self.backend, "backend", ("native", "librosa"))
        for name in ("center", "htk"):
            check_scalar(getattr(self, name), name, (bool, np.bool_))
        if self.memmap is not None:
            if not isinstance(self.memmap, (str, os.PathLike)):
                raise TypeError(f"memmap is {self.memmap!r:.200}; expected a folder or None")
            if not os.fspath(self.memmap) or Path(self.memmap).is_file():
                raise ValueError(
                    f"memmap is {self.memmap!r:.200}; expected a folder, which need not exist"
                )


def _check_window(window: Any, win_length: int, n_fft: int) -> None:
    try:
        weights = padded_window(window, win_length, n_fft)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"window == {window!r:.200}, must be a window that scipy.signal.get_window accepts, "
            f'such as "hann" or ("kaiser", 8.0): {error}'
        ) from error
    if not np.isfinite(weights).all():
        raise ValueError(
            f"window == {window!r:.200} of win_length == {win_length} contains NaN or inf."
        )
    if not weights.any():
        raise ValueError(
            f"window == {window!r:.200} of win_length == {win_length} is zero everywhere."
        )
