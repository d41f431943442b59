"""AcousticFeatures: a table of acoustic features of audio files or waveforms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_scalar

from .._audio.clips import validate_clips
from .._audio.workers import default_errstate
from .._features.acoustic import (
    FEATURES,
    MFCC_FEATURES,
    AcousticOptions,
    acoustic_frames,
    acoustic_rows,
)
from .._features.extraction import extract
from .._features.mel import MelOptions
from .._features.mfcc import MFCCOptions
from .._features.statistics import STATISTICS, is_statistic, summarize
from .._utils.arrays import Floats
from .._utils.checks import check_finite
from .._utils.public import public
from .._utils.text import represent
from .clip_transformer import ClipTransformer, warn_of_empty_bands

__all__ = ["AcousticFeatures"]

_VOICE = {"pitch", "jitter", "shimmer"}  # features that depend on f0_min and f0_max
# YIN compares a waveform with copies that are shifted by whole samples. A shorter period that ends
# between two samples fits worse than the double of it, so an octave too low is found. In windows
# longer than three periods of 20 Hz, speech is not periodic.
_SHORTEST_PERIOD = 8  # samples
_LOWEST_F0 = 20.0  # Hz


@public
class AcousticFeatures(ClipTransformer):
    """Turn audio clips into a table of acoustic features.

    Each row contains statistics over the frame-level features of a clip [1]_, as input for
    classifiers such as support vector machines or random forests. The columns differ in scale and
    usually need a ``StandardScaler``.

    The transformer is stateless: ``fit`` only validates its input, and ``transform`` works without
    it.

    Parameters
    ----------
    features : sequence of str, default=all of them
        Groups of frame-level features, see Notes. They determine the order of the columns.
    statistics : sequence of str, default=('mean', 'std', 'p10', 'p50', 'p90', 'range', 'slope')
        Statistics over the frames of a clip: "mean", "std", "min", "max", "range", "slope" (of the
        least-squares line, per second), and percentiles from "p0" to "p100". Unvoiced frames are
        left out of the statistics of pitch, jitter and shimmer, which are 0 for a clip without
        voiced frames.
    sr : int > 0, default=16000
        Sampling rate in Hz. Clips with another rate are resampled; waveforms without a rate are
        assumed to have this one.
    n_mfcc : int, 1 to n_mels, default=20
        Number of MFCCs.
    n_fft : int > 1, default=1024
        Length of the analysis window in samples.
    hop_length : int > 0, default=256
        Samples between frames.
    n_mels : int > 0, default=64
        Number of mel bands from which the MFCCs are computed.
    f0_min : float >= 20, default=65.0
        Lowest fundamental frequency of the pitch estimate in Hz. The pitch is estimated in windows
        of ``3 / f0_min`` seconds; in windows longer than 0.15 s, it changes too much to be found.
    f0_max : float > f0_min, at most sr / 8, default=600.0
        Highest fundamental frequency of the pitch estimate in Hz. Shouting reaches 600 Hz. A period
        must last eight samples to be found even if it is not a whole number of samples.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start of each clip.
    duration : float > 0 or None, default=None
        Maximum number of seconds that are read from each clip; None reads to the end.
    res_type : {"soxr_hq", "soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Resampling quality, see ``librosa.resample``.
    trim_db : float > 0 or None, default=30.0
        Threshold, in dB below the loudest frame, under which silence at both ends is trimmed, see
        ``librosa.effects.trim``. Without trimming, the statistics depend on the length of the
        silence around the speech. None keeps the silence.
    loudness, preemphasis : float or None, default=None
        Loudness normalization and pre-emphasis, as in `MFCCTransformer`.
    memory : path-like, joblib.Memory or None, default=None
        Folder in which the frame-level features of files are cached. A change of `statistics` does
        not require reading the files again. See `MFCCTransformer`.
    bytes_limit : int, str or None, default=None
        Maximum size of this folder, such as "10G". None sets no limit.
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
    MFCCTransformer : MFCC frames for a convolutional network.
    CNNEmbedder : With ``network="mlp"``, a fully connected network for this table.

    Notes
    -----
    All groups except the last three have the definitions and values of librosa.

    - "mfcc", "mfcc_delta", "mfcc_delta2": mel-frequency cepstral coefficients and their first and
      second derivatives over time;
    - "chroma": energy of the twelve pitch classes;
    - "contrast", "centroid", "bandwidth", "rolloff", "flatness": shape of the spectrum;
    - "zero_crossing_rate", "rms": noisiness and level of the waveform;
    - "pitch": fundamental frequency (f0) of voiced frames in Hz by YIN [2]_, and periodicity of all
      frames (voicing);
    - "jitter", "shimmer": mean difference of consecutive periods of the voice in length and in
      amplitude, as a fraction of their mean. The estimates of a single frame are rough; the median
      is the most reliable statistic.

    References
    ----------
    .. [1] F. Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice
       research and affective computing", IEEE Trans. Affective Computing 7(2), 2016.
    .. [2] A. de Cheveigné and H. Kawahara, "YIN, a fundamental frequency estimator for speech and
       music", J. Acoust. Soc. Am. 111(4), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from ser_estimators import AcousticFeatures
    >>> tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
    >>> acoustic = AcousticFeatures(features=("pitch", "rms"), statistics=("mean", "std"))
    >>> table = acoustic.fit_transform([tone])
    >>> table.shape, table[0, 0].round()
    ((1, 6), np.float32(220.0))
    >>> acoustic.get_feature_names_out()
    array(['f0_mean', 'f0_std', 'voicing_mean', 'voicing_std', 'rms_mean',
           'rms_std'], dtype=object)
    """

    def __init__(
        self,
        features: Sequence[str] = FEATURES,
        statistics: Sequence[str] = ("mean", "std", "p10", "p50", "p90", "range", "slope"),
        *,
        sr: int = 16000,
        n_mfcc: int = 20,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 64,
        f0_min: float = 65.0,
        f0_max: float = 600.0,
        offset: float = 0.0,
        duration: float | None = None,
        res_type: str = "soxr_hq",
        trim_db: float | None = 30.0,
        loudness: float | None = None,
        preemphasis: float | None = None,
        memory: Any = None,
        bytes_limit: int | str | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.features = features
        self.statistics = statistics
        self.sr = sr
        self.n_mfcc = n_mfcc
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.f0_min = f0_min
        self.f0_max = f0_max
        self.offset = offset
        self.duration = duration
        self.res_type = res_type
        self.trim_db = trim_db
        self.loudness = loudness
        self.preemphasis = preemphasis
        self.memory = memory
        self.bytes_limit = bytes_limit
        self.n_jobs = n_jobs
        self.verbose = verbose

    def transform(self, X: Any) -> Floats:
        """Compute the features of every clip.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            Paths, waveforms, or the content of audio files, as for `fit`.

        Returns
        -------
        ndarray of shape (n_clips, n_features), float32
            All values are finite. `get_feature_names_out` returns the names of the columns.

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
        if set(self.features) & set(MFCC_FEATURES):
            warn_of_empty_bands(options.mfcc.mel)
        frames = extract(
            partial(acoustic_frames, options=options),
            clips,
            self._reading(),
            cache=self._cache(options),
            n_jobs=self.n_jobs,
            progress="features" if self.verbose else None,
        )
        frame_seconds = self.hop_length / self.sr
        table = np.empty((len(clips), len(self.get_feature_names_out())), dtype=np.float32)
        for row, rows in zip(table, frames, strict=True):
            with default_errstate():
                row[:] = summarize(rows, self.statistics, frame_seconds=frame_seconds)
        return table

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, such as "mfcc_3_std" or "f0_mean".

        Parameters
        ----------
        input_features : None, default=None
            Not used, present for API consistency.

        Returns
        -------
        ndarray of shape (n_features,), object
        """
        self._check_params()
        rows = acoustic_rows(self.features, n_mfcc=self.n_mfcc, sr=self.sr)
        columns = [f"{row}_{statistic}" for row in rows for statistic in self.statistics]
        return np.array(columns, dtype=object)

    def _options(self) -> AcousticOptions:
        mel = MelOptions(
            sr=self.sr, n_fft=self.n_fft, hop_length=self.hop_length, n_mels=self.n_mels
        )
        return AcousticOptions(
            features=tuple(self.features),
            mfcc=MFCCOptions(mel=mel, n_mfcc=self.n_mfcc),
            f0_min=self.f0_min,
            f0_max=self.f0_max,
        )

    def _check_params(self) -> None:
        self._check_reading_params()
        for name, what, is_known in (
            ("features", ", ".join(FEATURES), FEATURES.__contains__),
            ("statistics", f"{', '.join(STATISTICS)}, and p0 to p100", is_statistic),
        ):
            chosen = getattr(self, name)
            if isinstance(chosen, str) or not hasattr(chosen, "__len__") or not len(chosen):
                raise ValueError(
                    f"{name} == {represent(chosen)}, must be a sequence of one or more of {what}."
                )
            for one in chosen:
                if not is_known(one):
                    raise ValueError(f"{name} contains {represent(one)}, must be among {what}.")
            if len(set(chosen)) < len(chosen):
                raise ValueError(f"{name} == {represent(chosen)}, must not contain duplicates.")
        for name, lowest in (("n_mfcc", 1), ("n_fft", 2), ("hop_length", 1), ("n_mels", 1)):
            check_scalar(getattr(self, name), name, Integral, min_val=lowest)
        check_scalar(self.n_mfcc, "n_mfcc", Integral, max_val=self.n_mels)
        for name in ("f0_min", "f0_max"):
            value = getattr(self, name)
            check_scalar(value, name, Real, min_val=0, include_boundaries="neither")
            check_finite(value, name)
        if not self.f0_min < self.f0_max:
            raise ValueError(
                f"f0_min == {represent(self.f0_min)} Hz, must be below f0_max == "
                f"{represent(self.f0_max)} Hz."
            )
        if _VOICE & set(self.features):
            self._check_pitch_range()

    def _check_pitch_range(self) -> None:
        if self.f0_min < _LOWEST_F0:
            raise ValueError(
                f"f0_min == {represent(self.f0_min)} Hz, must be >= {_LOWEST_F0:.0f} Hz: the pitch "
                f"is estimated in windows of 3 / f0_min == {3 / self.f0_min:.3g} s, in which "
                "speech is not periodic."
            )
        highest = self.sr / _SHORTEST_PERIOD
        if self.f0_max > highest:
            raise ValueError(
                f"f0_max == {represent(self.f0_max)} Hz, must be <= sr / {_SHORTEST_PERIOD} == "
                f"{highest:.6g} Hz: higher frequencies are estimated an octave or more too low. "
                "The pitch of speech is below 1000 Hz."
            )
