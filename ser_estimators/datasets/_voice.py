"""A source-filter voice in NumPy: glottal pulses and breath noise, filtered by formants."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["PROSODY", "Prosody", "Voice", "draw_voice", "synthesize"]

Signal = NDArray[np.float64]

# First three formants of six vowels in Hz: means of the male speakers in [1] of `synthesize`.
_VOWELS = np.array(
    [
        (270, 2290, 3010),  # beet
        (530, 1840, 2480),  # bet
        (660, 1720, 2410),  # bat
        (730, 1090, 2440),  # father
        (570, 840, 2410),  # bought
        (300, 870, 2240),  # boot
    ],
    dtype=float,
)
_HIGH_FORMANTS = np.array([3500.0, 4500.0, 5500.0, 6500.0, 7500.0])  # Hz, the same in all vowels
_BANDWIDTHS = np.array([80.0, 100.0, 140.0, 200.0, 300.0, 400.0, 500.0, 600.0])  # Hz

_SYLLABLE = 0.21  # seconds, at neutral tempo
_MARGIN = 0.12  # seconds of background noise at both ends
_NEUTRAL_LEVEL = -26.0  # dB of full scale, root mean square
_BACKGROUND = -66.0  # dB of full scale


@dataclass(frozen=True)
class Prosody:
    """Effect of an emotion on a voice.

    Parameters
    ----------
    pitch : float
        Shift of the mean pitch in semitones.
    pitch_range : float
        Factor for the size of pitch movements.
    contour : float
        Rise of the pitch over the sentence in semitones; negative falls.
    loudness : float
        Change of level in dB.
    tempo : float
        Factor for the number of syllables per second.
    tilt : float
        Change of the spectral slope in dB per octave; positive is brighter.
    jitter : float
        Standard deviation of the length of glottal periods, as a fraction of their length.
    breath : float
        Level of the breath noise relative to the voice.
    """

    pitch: float
    pitch_range: float
    contour: float
    loudness: float
    tempo: float
    tilt: float
    jitter: float
    breath: float


# The directions are from the review by Juslin & Laukka (2003), with their tenderness for "calm";
# disgust and surprise are from Cahn (1990) and Murray & Arnott (1993). The magnitudes are ours.
PROSODY = {
    "anger": Prosody(4.0, 1.5, 1.0, 8.0, 1.15, 3.0, 0.018, 0.02),
    "calm": Prosody(-1.0, 0.7, -2.0, -4.0, 0.88, -1.5, 0.005, 0.05),
    "disgust": Prosody(-2.0, 1.3, -3.0, -1.0, 0.78, 0.5, 0.022, 0.04),
    "fear": Prosody(6.0, 0.6, 1.5, -2.0, 1.25, -1.0, 0.025, 0.10),
    "happiness": Prosody(5.0, 1.7, 2.0, 4.0, 1.12, 1.5, 0.008, 0.03),
    "neutral": Prosody(0.0, 1.0, -2.0, 0.0, 1.0, 0.0, 0.008, 0.03),
    "sadness": Prosody(-2.0, 0.5, -4.0, -7.0, 0.75, -3.0, 0.014, 0.14),
    "surprise": Prosody(6.0, 2.1, 7.0, 3.0, 1.0, 1.0, 0.010, 0.06),
}


@dataclass(frozen=True)
class Voice:
    """Voice of a speaker, and the speaker's way of expressing emotions.

    Parameters
    ----------
    sex : {"female", "male"}
    pitch : float
        Mean pitch in Hz when neutral.
    formant_scale : float
        Factor for all formants: mean length of male vocal tracts, divided by the speaker's.
    tilt, breath : float
        Added to those of the emotion.
    tempo : float
        Factor for the emotion's tempo.
    expression : dict of {str: Prosody}
        How the speaker expresses each emotion.
    """

    sex: str
    pitch: float
    formant_scale: float
    tilt: float
    breath: float
    tempo: float
    expression: dict[str, Prosody]


def draw_voice(sex: str, rng: np.random.Generator) -> Voice:
    """Return a random speaker."""
    is_female = sex == "female"
    expressiveness = rng.uniform(0.6, 1.1)
    return Voice(
        sex=sex,
        pitch=rng.normal(205, 20) if is_female else rng.normal(118, 14),
        formant_scale=rng.normal(1.16 if is_female else 1.0, 0.04),
        tilt=rng.normal(0, 0.7),
        breath=rng.uniform(0, 0.03),
        tempo=rng.normal(1, 0.07),
        expression={
            name: _personal(PROSODY["neutral"], prosody, expressiveness, rng)
            for name, prosody in PROSODY.items()
        },
    )


def _personal(
    neutral: Prosody, emotion: Prosody, expressiveness: float, rng: np.random.Generator
) -> Prosody:
    """Scale each difference from neutral by a random factor of the speaker."""
    values = {}
    for field in fields(Prosody):
        start = getattr(neutral, field.name)
        change = getattr(emotion, field.name) - start
        values[field.name] = start + change * expressiveness * rng.uniform(0.5, 1.4)
    return Prosody(**values)


def synthesize(
    voice: Voice, emotion: str, *, sr: int, n_syllables: int, rng: np.random.Generator
) -> Signal:
    """Synthesize nonsense syllables with an emotion.

    The source consists of glottal pulses as measured by Rosenberg [2]_, with jitter and shimmer,
    and breath noise. Eight formants filter it, of which three move between random vowels [1]_.

    Parameters
    ----------
    voice : Voice
    emotion : str
        A key of `PROSODY`.
    sr : int > 0
        Sampling rate in Hz.
    n_syllables : int > 0
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_samples,), float64
        On the scale [-1, 1].

    References
    ----------
    .. [1] G. E. Peterson and H. L. Barney, "Control methods used in a study of the vowels",
       J. Acoust. Soc. Am. 24, 1952.
    .. [2] A. E. Rosenberg, "Effect of glottal pulse shape on the quality of natural vowels",
       J. Acoust. Soc. Am. 49, 1971.
    """
    prosody = voice.expression[emotion]
    tempo = prosody.tempo * voice.tempo * rng.normal(1, 0.04)
    durations = _SYLLABLE / tempo * rng.uniform(0.8, 1.25, size=n_syllables)
    centers = _MARGIN + np.cumsum(durations) - durations / 2
    duration = durations.sum() + 2 * _MARGIN
    time = np.arange(int(duration * sr)) / sr

    stress = rng.uniform(0.5, 1.0, size=n_syllables)
    envelope = sum(
        weight * np.exp(-(np.abs((time - center) / (0.42 * length)) ** 4))
        for center, length, weight in zip(centers, durations, stress, strict=True)
    )
    phase, flow = _glottal_flow(time, centers, duration, voice, prosody, stress, sr, rng)
    shimmer = _per_cycle(phase, 1.5 * prosody.jitter, rng)
    pulses = np.diff(flow, prepend=0.0) * sr / 1000 * (1 + shimmer)
    noise = rng.normal(size=time.size) * (0.3 + flow)
    source = envelope * (pulses + 6 * (prosody.breath + voice.breath) * noise)

    vowels = _VOWELS[rng.integers(len(_VOWELS), size=n_syllables)]
    speech = _through_vocal_tract(
        source, time, centers, vowels, voice.formant_scale, prosody.tilt + voice.tilt, sr
    )
    speech += _consonants(time, centers, durations, rng) * np.abs(speech).max() * 0.08
    level = _NEUTRAL_LEVEL + prosody.loudness + rng.normal(0, 1.5)
    speech *= 10 ** (level / 20) / np.sqrt(np.mean(speech**2))
    speech += 10 ** (_BACKGROUND / 20) * rng.normal(size=time.size)
    return np.clip(speech, -0.99, 0.99)


def _glottal_flow(
    time: Signal,
    centers: Signal,
    duration: float,
    voice: Voice,
    prosody: Prosody,
    stress: Signal,
    sr: int,
    rng: np.random.Generator,
) -> tuple[Signal, Signal]:
    """Return the phase in cycles, and the glottal flow of Rosenberg's model."""
    movements = (4 * (stress - 0.75) + rng.normal(0, 1.0, size=centers.size)) * prosody.pitch_range
    semitones = (
        prosody.pitch
        + rng.normal(0, 0.5)
        + prosody.contour * (time / duration - 0.5)
        + np.interp(time, centers, movements)
    )
    frequency = voice.pitch * 2 ** (semitones / 12)
    steady = np.cumsum(frequency) / sr
    phase = np.cumsum(frequency * (1 + _per_cycle(steady, prosody.jitter, rng))) / sr

    position = phase % 1.0
    opening, closing = 0.40, 0.16  # fractions of a period
    rising = 0.5 * (1 - np.cos(np.pi * position / opening))
    falling = np.cos(np.pi / 2 * (position - opening) / closing)
    flow = np.where(
        position < opening, rising, np.where(position < opening + closing, falling, 0.0)
    )
    return phase, flow


def _per_cycle(phase: Signal, scale: float, rng: np.random.Generator) -> Signal:
    """Return random values that are constant during each glottal cycle."""
    cycle = phase.astype(int)
    return rng.normal(0, scale, size=cycle[-1] + 1)[cycle]


def _through_vocal_tract(
    source: Signal,
    time: Signal,
    centers: Signal,
    vowels: Signal,
    formant_scale: float,
    tilt: float,
    sr: int,
) -> Signal:
    """Filter by moving formants and a spectral slope, with overlap-add of short frames."""
    size = int(0.032 * sr) // 4 * 4
    hop, n_fft = size // 4, 2 * size  # twice the length avoids wrap-around
    padded = np.pad(source, (size, 2 * size))
    starts = np.arange(0, padded.size - size, hop)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    frames = np.fft.rfft(padded[starts[:, None] + np.arange(size)] * window, n_fft)

    instants = (starts - size / 2) / sr
    formants = np.column_stack(
        [np.interp(instants, centers, vowel) for vowel in vowels.T]
        + [np.full(instants.size, formant) for formant in _HIGH_FORMANTS]
    )
    response = _formant_response(np.fft.rfftfreq(n_fft, 1 / sr), formants * formant_scale)
    frequencies = np.maximum(np.fft.rfftfreq(n_fft, 1 / sr), 100.0)
    slope = 10 ** (tilt * np.log2(frequencies / 500.0) / 20)

    output = np.zeros(padded.size + n_fft)
    for start, frame in zip(starts, np.fft.irfft(frames * response * slope, n_fft), strict=True):
        output[start : start + n_fft] += frame
    return output[size : size + time.size] / 2  # four overlapping Hann windows add up to 2


def _formant_response(
    frequencies: NDArray[np.floating], formants: Signal
) -> NDArray[np.complex128]:
    """Return the response of resonances in series, shape (n_frames, n_frequencies)."""
    s = 2j * np.pi * frequencies[None, None, :]
    pole = -np.pi * _BANDWIDTHS[None, :, None] + 2j * np.pi * formants[:, :, None]
    gain = np.abs(pole) ** 2
    return np.prod(gain / ((s - pole) * (s - pole.conj())), axis=1)


def _consonants(
    time: Signal, centers: Signal, durations: Signal, rng: np.random.Generator
) -> Signal:
    """Return high-pass noise at the onsets of the syllables."""
    onsets = centers - durations / 2
    width = 0.12 * durations * rng.uniform(0.4, 1.0, size=centers.size)
    envelope = sum(
        np.exp(-(((time - onset) / spread) ** 2))
        for onset, spread in zip(onsets, width, strict=True)
    )
    return np.diff(rng.normal(size=time.size), prepend=0.0) * envelope
