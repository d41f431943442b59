"""A corpus of synthetic emotional speech, so that everything runs with nothing downloaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from ._bunch import make_bunch
from ._voice import PROSODY, draw_voice, synthesise

__all__ = ["make_emotional_speech"]

_DESCR = """\
Synthetic emotional speech

Nonsense syllables from a source-filter voice, made by make_emotional_speech of ser_estimators.
{n_speakers} speakers, {n_per_emotion} clips of each speaker and emotion, emotions: {emotions}.

This is a toy that follows published tendencies. It is no substitute for real speech: figures on it
say nothing of how well a system recognises people.
"""


def make_emotional_speech(
    n_speakers: int = 8,
    n_per_emotion: int = 4,
    *,
    emotions: Sequence[str] = tuple(PROSODY),
    n_syllables: int = 6,
    sr: int = 16000,
    out_dir: str | os.PathLike[str],
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make a corpus of synthetic voices and write it as WAV files.

    This is no substitute for real speech: use it to try things out and to test code, and never to
    claim that a system recognises emotions.

    A source-filter voice (glottal pulses, formants, breath noise) speaks nonsense. Its pitch level
    and range, contour, loudness, tempo, spectral tilt, jitter and breath follow what the literature
    says of each emotion [1]_ [2]_ [3]_. Speakers differ in pitch, in the length of the vocal tract
    and in how, and how much, they show an emotion, so that unseen speakers are really harder.

    Parameters
    ----------
    n_speakers : int > 0, default=8
        Speakers, alternately male and female.
    n_per_emotion : int > 0, default=4
        Clips of each speaker and emotion.
    emotions : sequence of str, default=all eight
        Of "anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise".
    n_syllables : int > 0, default=6
        Length of a clip; six syllables take about 1.5 s.
    sr : int >= 8000, default=16000
        Sampling rate of the files in Hz.
    out_dir : path-like
        Folder for the files, ``speaker_01/anger_01.wav`` and so on; made if there is none. Files of
        the same name are overwritten.
    random_state : int, RandomState instance or None, default=None
        Seeds the voices. The first speakers of a larger corpus are those of a smaller one.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` : list of str of length n_clips
            Paths.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Numbers of the speakers, "01" and up.
        ``sex`` : ndarray of shape (n_clips,)
            "male" for odd numbers, "female" for even ones.
        ``intensity``, ``frame`` : None
            As in the Bunch of other corpora.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            What the corpus is.

    Raises
    ------
    ValueError
        If a number is out of its range, or an emotion is not known or named twice.
    NotADirectoryError
        If `out_dir` is a file.

    See Also
    --------
    load_ravdess : Real speech, with the same emotions.

    References
    ----------
    .. [1] P. N. Juslin and P. Laukka, "Communication of emotions in vocal expression and music
       performance: different channels, same code?", Psychological Bulletin 129(5), 2003.
    .. [2] J. E. Cahn, "The generation of affect in synthesized speech", Journal of the American
       Voice I/O Society 8, 1990.
    .. [3] I. R. Murray and J. L. Arnott, "Toward the simulation of emotion in synthetic speech: a
       review of the literature on human vocal emotion", J. Acoust. Soc. Am. 93(2), 1993.

    Examples
    --------
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(2, 3, out_dir="voices", random_state=0)
    >>> len(corpus.data), corpus.target[:4].tolist(), corpus.speakers[[0, -1]].tolist()
    (48, ['anger', 'anger', 'anger', 'calm'], ['01', '02'])
    """
    import soundfile

    for name, value in (
        ("n_speakers", n_speakers),
        ("n_per_emotion", n_per_emotion),
        ("n_syllables", n_syllables),
    ):
        check_scalar(value, name, Integral, min_val=1)
    check_scalar(sr, "sr", Integral, min_val=8000)
    emotions = _check_emotions(emotions)
    out_dir = Path(out_dir)
    if out_dir.exists() and not out_dir.is_dir():
        raise NotADirectoryError(f"out_dir='{out_dir}' is a file; expected a folder, or a new name")

    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    data, target, speakers, sexes = [], [], [], []
    for number in range(1, n_speakers + 1):
        speaker = f"{number:02d}"
        folder = out_dir / f"speaker_{speaker}"
        folder.mkdir(parents=True, exist_ok=True)
        sex = "male" if number % 2 else "female"
        voice = draw_voice(sex, np.random.default_rng([seed, number]))
        for emotion in emotions:
            # The place in PROSODY, so that a clip does not depend on which others are asked for.
            kind = list(PROSODY).index(emotion)
            for take in range(1, n_per_emotion + 1):
                rng = np.random.default_rng([seed, number, kind, take])
                waveform = synthesise(voice, emotion, sr=sr, n_syllables=n_syllables, rng=rng)
                path = folder / f"{emotion}_{take:02d}.wav"
                soundfile.write(path, waveform, sr, subtype="PCM_16")
                data.append(str(path))
                target.append(emotion)
                speakers.append(speaker)
                sexes.append(sex)
    return make_bunch(
        data=data,
        target=target,
        speakers=speakers,
        sex=sexes,
        intensity=None,
        descr=_DESCR.format(
            n_speakers=n_speakers, n_per_emotion=n_per_emotion, emotions=", ".join(emotions)
        ),
        as_frame=False,
    )


def _check_emotions(emotions: Sequence[str]) -> tuple[str, ...]:
    known = ", ".join(PROSODY)
    if isinstance(emotions, str):
        raise ValueError(f"emotions={emotions!r}; expected a sequence, such as [{emotions!r}]")
    emotions = tuple(emotions)
    if not emotions:
        raise ValueError(f"emotions is empty; expected some of: {known}")
    for emotion in emotions:
        if emotion not in PROSODY:
            raise ValueError(f"emotions holds {emotion!r}; expected some of: {known}")
    if len(set(emotions)) < len(emotions):
        raise ValueError(f"emotions={emotions!r} names one twice; expected each once")
    return emotions
