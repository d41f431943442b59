"""A corpus of synthetic emotional speech, for examples and tests without a download."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch, check_random_state, check_scalar

from .._utils.writing import write_file
from ._bunch import make_bunch
from ._voice import PROSODY, draw_voice, synthesize

__all__ = ["make_emotional_speech"]

_DESCR = """\
Synthetic emotional speech

Nonsense syllables from a source-filter voice, synthesized by make_emotional_speech of
ser_estimators. {n_speakers} speakers, {n_per_emotion} clips per speaker and emotion. Emotions:
{emotions}.

The voices follow published tendencies but are not a substitute for real speech: scores on them do
not show how well a system recognizes the emotions of people.
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
    """Synthesize a corpus of emotional voices and write it as WAV files.

    Use it in examples and tests. It is not a substitute for real speech: a score on synthetic
    voices does not show that a system recognizes emotions.

    A source-filter voice (glottal pulses, formants and breath noise) speaks nonsense syllables. Its
    pitch level, pitch range, contour, loudness, tempo, spectral tilt, jitter and breathiness follow
    the literature on each emotion [1]_ [2]_ [3]_. Speakers differ in pitch, in the length of the
    vocal tract and in how, and how strongly, they express an emotion. As with real speech, emotions
    of unseen speakers are therefore harder to classify.

    Parameters
    ----------
    n_speakers : int > 0, default=8
        Number of speakers, alternately male and female.
    n_per_emotion : int > 0, default=4
        Number of clips per speaker and emotion.
    emotions : sequence of str, default=all eight
        Emotions among "anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness" and
        "surprise".
    n_syllables : int > 0, default=6
        Length of a clip in syllables; six of them last about 1.5 s.
    sr : int >= 8000, default=16000
        Sampling rate of the files in Hz.
    out_dir : path-like
        Folder for the files ``speaker_01/anger_01.wav`` and so on. It is created if it does not
        exist; existing files of the same name are replaced.
    random_state : int, RandomState instance or None, default=None
        Seed of the voices. With the same seed, a smaller corpus is a subset of a larger one.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of str of length n_clips
            Paths.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Speakers, from "01".
        ``sex`` : ndarray of shape (n_clips,)
            "male" for odd numbers, "female" for even ones.
        ``intensity``, ``frame`` : None
            Present because the loaders of other corpora return them.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Description of the corpus.

    Raises
    ------
    TypeError, ValueError
        If a number has a wrong type or value, or an emotion is unknown or occurs more than once.
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
        raise NotADirectoryError(f"out_dir='{out_dir}' is a file; expected a folder")

    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    data, target, speakers, sexes = [], [], [], []
    for number in range(1, n_speakers + 1):
        speaker = f"{number:02d}"
        folder = out_dir / f"speaker_{speaker}"
        folder.mkdir(parents=True, exist_ok=True)
        sex = "male" if number % 2 else "female"
        voice = draw_voice(sex, np.random.default_rng([seed, number]))
        for emotion in emotions:
            # The position in PROSODY, so that a clip does not depend on the other emotions.
            kind = list(PROSODY).index(emotion)
            for take in range(1, n_per_emotion + 1):
                rng = np.random.default_rng([seed, number, kind, take])
                waveform = synthesize(voice, emotion, sr=sr, n_syllables=n_syllables, rng=rng)
                path = folder / f"{emotion}_{take:02d}.wav"
                file = io.BytesIO()
                soundfile.write(file, waveform, sr, format="WAV", subtype="PCM_16")
                write_file(path, file.getvalue())
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
        raise ValueError(f"emotions={emotions!r}; expected a sequence: pass [{emotions!r}]")
    emotions = tuple(emotions)
    if not emotions:
        raise ValueError(f"emotions is empty; expected some of {known}")
    for emotion in emotions:
        if emotion not in PROSODY:
            raise ValueError(f"emotions contains {emotion!r}; expected some of {known}")
    if len(set(emotions)) < len(emotions):
        raise ValueError(f"emotions={emotions!r} contains duplicates; expected distinct names")
    return emotions
