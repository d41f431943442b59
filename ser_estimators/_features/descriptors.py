"""Frame-level acoustic descriptors other than MFCCs, most of them with librosa's definitions."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np
import scipy.fft

from .._utils.arrays import Floats, read_only
from .mel import power_to_db
from .pitch import pitch
from .spectrum import BLOCK_FRAMES, as_frames, padded_window
from .voice_quality import jitter, period_marks, shimmer

__all__ = ["GROUPS", "chroma_filter_bank", "describe", "row_names"]

GROUPS = (
    "chroma",
    "contrast",
    "centroid",
    "bandwidth",
    "rolloff",
    "flatness",
    "zero_crossing_rate",
    "rms",
    "pitch",
    "jitter",
    "shimmer",
)
_SPECTRAL = frozenset(GROUPS[:6])
_VOICE = frozenset(GROUPS[8:])

_PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# Upper edge of the lowest contrast band in Hz; the bands above it are octaves.
_CONTRAST_FMIN = 200.0
_MOST_OCTAVES = 6
# Fraction of the bins of a band that count as its peaks, and as its valleys.
_CONTRAST_QUANTILE = 0.02
_ROLLOFF_SHARE = 0.85
# librosa's lower bound of the power, and the magnitude up to which a sample counts as zero.
_AMIN = np.float32(1e-10)
_ZERO = 1e-10
_TINY = np.finfo(np.float32).tiny


def describe(
    waveform: Floats,
    *,
    sr: int,
    n_fft: int,
    hop_length: int,
    groups: Collection[str],
    f0_min: float,
    f0_max: float,
) -> dict[str, Floats]:
    """Compute acoustic descriptors of each frame of a waveform.

    Frames are centered at multiples of `hop_length`, starting at sample 0. Spectra are computed
    with a periodic Hann window and with zero padding at both ends of the waveform. All groups have
    the same number of frames. Waveforms of any length are valid, down to one sample.

    Parameters
    ----------
    waveform : ndarray of shape (n_samples,), float32
        Mono, at `sr`, at least one sample, finite.
    sr : int > 0
        Sampling rate in Hz.
    n_fft : int > 1
        Length of the window and of the FFT in samples.
    hop_length : int > 0
        Samples between frames.
    groups : collection of str, from `GROUPS`
        Descriptors to compute:

        =================== ==== ========================================================
        group               rows value
        =================== ==== ========================================================
        chroma              12   energy of the pitch classes C to B relative to the
                                 strongest, 0 to 1, for A at 440 Hz, as
                                 ``librosa.feature.chroma_stft``
        contrast            1-7  ratio of peaks to valleys in dB, 0 to 80, in octave bands
                                 from 200 Hz, as ``librosa.feature.spectral_contrast``
        centroid            1    Hz, 0 to ``sr / 2``, as ``spectral_centroid``
        bandwidth           1    Hz, 0 to ``sr / 4``, as ``spectral_bandwidth`` with p=2
        rolloff             1    Hz, 0 to ``sr / 2``, at 85 %, as ``spectral_rolloff``
        flatness            1    ratio, 0 to 1, as ``spectral_flatness``
        zero_crossing_rate  1    crossings per sample, 0 to 1, as ``zero_crossing_rate``
        rms                 1    in the unit of the waveform, >= 0, as ``rms``
        pitch               2    f0 in Hz, NaN where unvoiced; voicing, 0 to 1; by YIN
        jitter              1    ratio, Praat's jitter (local) around each frame; NaN where
                                 unvoiced or with fewer than three periods
        shimmer             1    ratio, Praat's shimmer (local) around each frame, likewise
        =================== ==== ========================================================

        The first row of the contrast is the band below 200 Hz, or the whole spectrum if
        ``sr <= 400``. The others are the octaves that start below ``sr / 2``, at most six. A band
        that is narrower than a bin contains only the bin at its lower end, and has a contrast of 0.
    f0_min, f0_max : float, 0 < f0_min < f0_max
        Range of the pitch in Hz. The frames of the pitch last ``3 / f0_min`` seconds, whatever
        `n_fft` is.

    Returns
    -------
    dict of str to ndarray of shape (n_rows, n_frames), float32
        In the order of `GROUPS`. All values are finite except f0, jitter and shimmer, which may be
        NaN. For an even `n_fft`, ``n_frames = 1 + n_samples // hop_length``.

    Raises
    ------
    ValueError
        If a group is not one of `GROUPS`, or the range of the pitch is empty.

    See Also
    --------
    row_names : Names of the rows.
    ser_estimators._features.pitch.pitch : The pitch.
    ser_estimators._features.voice_quality.jitter : The jitter.
    ser_estimators._features.voice_quality.shimmer : The shimmer.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 220 * np.arange(16000) / 16000).astype(np.float32)
    >>> rows = describe(tone, sr=16000, n_fft=1024, hop_length=256, groups=["centroid", "pitch"],
    ...                 f0_min=60, f0_max=500)
    >>> rows["pitch"].shape, round(float(rows["pitch"][0, 30]))
    ((2, 63), 220)
    """
    groups = _check_groups(groups)
    n_frames = 1 + (waveform.size + 2 * (n_fft // 2) - n_fft) // hop_length
    rows: dict[str, Floats] = {}
    if _SPECTRAL & groups:
        rows |= _spectral(waveform, groups, sr=sr, n_fft=n_fft, hop_length=hop_length)
    if "zero_crossing_rate" in groups:
        rows["zero_crossing_rate"] = _zero_crossing_rate(waveform, n_fft, hop_length)
    if "rms" in groups:
        frames = as_frames(waveform, n_fft=n_fft, hop_length=hop_length, center=True).view()
        rows["rms"] = np.sqrt(np.einsum("tn,tn->t", frames, frames) / np.float32(n_fft))[None]
    if _VOICE & groups:
        if not 0 < f0_min < f0_max:
            raise ValueError(
                f"f0_min={f0_min} Hz and f0_max={f0_max} Hz are not a range of the pitch; expected "
                "0 < f0_min < f0_max"
            )
        f0, voicing = pitch(
            waveform, sr=sr, hop_length=hop_length, n_frames=n_frames, f0_min=f0_min, f0_max=f0_max
        )
        rows["pitch"] = np.stack([f0, voicing])
        if {"jitter", "shimmer"} & groups:
            marks = period_marks(waveform, f0, sr=sr, hop_length=hop_length)
            rows["jitter"] = jitter(marks, f0, sr=sr, hop_length=hop_length)[None]
            rows["shimmer"] = shimmer(waveform, marks, f0, sr=sr, hop_length=hop_length)[None]
    return {group: rows[group] for group in GROUPS if group in groups}


def row_names(groups: Collection[str], *, sr: int) -> list[tuple[str, str]]:
    """Return the group and the name of each row of `describe`, in order.

    Parameters
    ----------
    groups : collection of str, from `GROUPS`
        As for `describe`.
    sr : int > 0
        Sampling rate in Hz; the number of contrast bands depends on it.

    Returns
    -------
    list of (group, row), both str

    Examples
    --------
    >>> row_names(["pitch", "rms"], sr=16000)
    [('rms', 'rms'), ('pitch', 'f0'), ('pitch', 'voicing')]
    """
    groups = _check_groups(groups)
    several = {
        "chroma": [f"chroma_{name}" for name in _PITCH_CLASSES],
        "contrast": [f"contrast_{band}" for band in range(1 + _n_octaves(sr))],
        "pitch": ["f0", "voicing"],
    }
    return [
        (group, row) for group in GROUPS if group in groups for row in several.get(group, [group])
    ]


def _check_groups(groups: Collection[str]) -> frozenset[str]:
    """Return the groups as a set, or raise if one of them is unknown."""
    if isinstance(groups, str):
        raise ValueError(f"groups is {groups!r:.200}, a single string: pass [{groups!r:.200}].")
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise ValueError(f"Unknown groups {unknown}; expected some of {', '.join(GROUPS)}.")
    return frozenset(groups)


def _spectral(
    waveform: Floats, groups: frozenset[str], *, sr: int, n_fft: int, hop_length: int
) -> dict[str, Floats]:
    """Compute the groups that need a spectrum, one block of frames at a time."""
    frames = as_frames(waveform, n_fft=n_fft, hop_length=hop_length, center=True).view()
    window = padded_window("hann", n_fft, n_fft)
    frequencies = _frequencies(sr, n_fft)
    wanted = [group for group in GROUPS if group in _SPECTRAL & groups]
    blocks: dict[str, list[Floats]] = {group: [] for group in wanted}
    for start in range(0, frames.shape[0], BLOCK_FRAMES):
        spectrum = scipy.fft.rfft(frames[start : start + BLOCK_FRAMES] * window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        magnitude = np.sqrt(power)
        shares = _shares(magnitude)
        centroid = np.einsum("tf,f->t", shares, frequencies)
        for group in wanted:
            match group:
                case "chroma":
                    rows = _chroma(power, chroma_filter_bank(sr, n_fft))
                case "contrast":
                    rows = _peaks_and_valleys(magnitude, _contrast_bands(sr, n_fft))
                case "centroid":
                    rows = centroid[None]
                case "bandwidth":
                    deviation = frequencies - centroid[:, None]
                    rows = np.sqrt(np.einsum("tf,tf->t", shares, deviation**2))[None]
                case "rolloff":
                    rows = _rolloff(magnitude, frequencies)[None]
                case _:
                    rows = _flatness(power)[None]
            blocks[group].append(rows)
    results = {group: np.concatenate(rows, axis=-1) for group, rows in blocks.items()}
    if "contrast" in results:
        # The floor is 80 dB below the maximum of the clip, which only all blocks determine.
        peaks, valleys = results["contrast"]
        results["contrast"] = power_to_db(peaks) - power_to_db(valleys)
    return results


def _shares(magnitude: Floats) -> Floats:
    """Divide the spectrum of each frame by its sum, (n_frames, n_bins); silence stays zero."""
    total = magnitude.sum(axis=1, keepdims=True)
    total[total < _TINY] = 1
    return magnitude / total


def _chroma(power: Floats, filters: Floats) -> Floats:
    """Return the energy of each pitch class relative to the strongest, (12, n_frames)."""
    # einsum instead of @: the rounding of a matrix product depends on the number of threads.
    raw = np.einsum("cf,tf->ct", filters, power)
    strongest = raw.max(axis=0)
    strongest[strongest < _TINY] = 1
    return raw / strongest


def _peaks_and_valleys(magnitude: Floats, bands: tuple[tuple[int, int, int], ...]) -> Floats:
    """Return the means of the largest and smallest bins of each band, (2, n_bands, n_frames)."""
    extremes = np.empty((2, len(bands), magnitude.shape[0]), dtype=np.float32)
    for band, (first, last, n_extreme) in enumerate(bands):
        # Sorting a band is faster than partitioning it: NumPy sorts float32 in vector registers.
        ordered = np.sort(magnitude[:, first:last], axis=1)
        extremes[0, band] = ordered[:, -n_extreme:].mean(axis=1)
        extremes[1, band] = ordered[:, :n_extreme].mean(axis=1)
    return extremes


def _rolloff(magnitude: Floats, frequencies: Floats) -> Floats:
    """Return the frequency at which the sum of magnitudes reaches 85 %, (n_frames,)."""
    cumulative = np.cumsum(magnitude, axis=1)
    reached = cumulative >= np.float32(_ROLLOFF_SHARE) * cumulative[:, -1:]
    return frequencies[reached.argmax(axis=1)]


def _flatness(power: Floats) -> Floats:
    """Return the geometric mean of the power over its arithmetic mean, (n_frames,)."""
    floored = np.maximum(power, _AMIN)
    return np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)


def _zero_crossing_rate(waveform: Floats, n_fft: int, hop_length: int) -> Floats:
    """Return the fraction of samples whose sign differs from the previous one, (1, n_frames)."""
    # Padded with the edge values instead of zeros, which count as positive.
    negative = np.pad(waveform, n_fft // 2, mode="edge") < -_ZERO
    crossings = np.concatenate([[0], np.cumsum(negative[1:] != negative[:-1])])
    starts = np.arange(0, negative.size - n_fft + 1, hop_length)
    # The first sample of a frame has no previous sample.
    inside = crossings[starts + n_fft - 1] - crossings[starts]
    return (inside / n_fft).astype(np.float32)[None]


def _n_octaves(sr: int) -> int:
    """Count the contrast bands above the lowest, which start below half the sampling rate."""
    return sum(_CONTRAST_FMIN * 2**octave < sr / 2 for octave in range(_MOST_OCTAVES))


@lru_cache(maxsize=16)
def _contrast_bands(sr: int, n_fft: int) -> tuple[tuple[int, int, int], ...]:
    """Return the first bin, the one after the last and the number of extremes of each band."""
    frequencies = np.fft.rfftfreq(n_fft, 1 / sr)
    n_octaves = _n_octaves(sr)
    edges = [0.0, *(_CONTRAST_FMIN * 2**octave for octave in range(n_octaves + 1))]
    bands = []
    for band in range(n_octaves + 1):
        first = int(np.searchsorted(frequencies, edges[band]))
        last = int(np.searchsorted(frequencies, edges[band + 1], side="right"))
        # As in librosa: octaves start one bin early, the last one extends to the end, and the
        # others omit their last bin but include it in the count of extremes.
        if band > 0:
            first -= 1
        if band == n_octaves:
            last = frequencies.size
        n_extreme = max(round(_CONTRAST_QUANTILE * (last - first)), 1)
        if band < n_octaves:
            last -= 1
        bands.append((first, max(last, first + 1), n_extreme))
    return tuple(bands)


@lru_cache(maxsize=16)
def chroma_filter_bank(sr: int, n_fft: int) -> Floats:
    """Return ``librosa.filters.chroma`` with its defaults, shape (12, 1 + n_fft // 2), read-only.

    The weight of a bin in a pitch class is a Gaussian of their distance, multiplied by a Gaussian
    of the distance of the bin from the fifth octave. The method is that of
    D. P. W. Ellis, "Chroma feature analysis and synthesis", 2007,
    https://www.ee.columbia.edu/~dpwe/resources/matlab/chroma-ansyn/.
    """
    n_chroma = len(_PITCH_CLASSES)
    # In semitones above A0, 27.5 Hz; bin 0 is placed 1.5 octaves below bin 1. All bins up to sr
    # are needed, because the width of a bin depends on the next one.
    semitones = n_chroma * np.log2(np.arange(1, n_fft) * (sr / n_fft) / 27.5)
    semitones = np.concatenate([[semitones[0] - 1.5 * n_chroma], semitones])
    widths = np.concatenate([np.maximum(np.diff(semitones), 1), [1]])
    half = n_chroma / 2
    distance = semitones - np.arange(n_chroma)[:, None]
    distance = np.remainder(distance + half + 10 * n_chroma, n_chroma) - half
    weights = np.exp(-0.5 * (2 * distance / widths) ** 2)
    weights /= np.sqrt(np.square(weights).sum(axis=0))
    weights *= np.exp(-0.5 * ((semitones / n_chroma - 5) / 2) ** 2)
    # Rotated from starting with A to starting with C.
    weights = np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2]
    return read_only(np.ascontiguousarray(weights, dtype=np.float32))


@lru_cache(maxsize=16)
def _frequencies(sr: int, n_fft: int) -> Floats:
    """Return the frequencies of the bins in Hz, (1 + n_fft // 2,), read-only."""
    return read_only(np.fft.rfftfreq(n_fft, 1 / sr).astype(np.float32))
