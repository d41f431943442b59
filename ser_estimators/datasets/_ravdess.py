"""The Ryerson Audio-Visual Database of Emotional Speech and Song."""

from __future__ import annotations

import os
import re
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

__all__ = ["load_ravdess"]

_N_ACTORS = 24
_N_CLIPS = 1440

# The third field of a file name, in the corpus' own order.
_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

# modality-channel-emotion-intensity-statement-repetition-actor
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)\.(wav|flac)", re.IGNORECASE)
_AUDIO_ONLY, _SPEECH = "03", "01"

_DESCR = """\
RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: speech audio

24 professional actors (12 male with odd numbers, 12 female with even ones) speak two sentences in
North American English, each twice, as neutral (normal intensity only), calm, happy, sad, angry,
fearful, disgusted and surprised (normal and strong intensity): 1,440 clips of about 3.7 s.

Emotions are named with the nouns that all corpora of this library share: happy is "happiness", sad
"sadness", angry "anger", fearful "fear" and surprised "surprise".

Source: https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)
Licence: CC BY-NC-SA 4.0
Citation: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
and Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://doi.org/10.1371/journal.pone.0196391
"""


def load_ravdess(root: str | os.PathLike[str], *, merge_calm: bool = False) -> Bunch:
    """Load the speech clips of RAVDESS [1]_ from a folder.

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, and end in .wav or .flac. The song clips and the videos of the same corpus are left
    out, and a clip that stands twice, as in a well-known copy of the archive, is taken once.

    Parameters
    ----------
    root : path-like
        The folder that holds ``Actor_01`` to ``Actor_24``, or any folder above.
    merge_calm : bool, default=False
        Whether "calm" becomes "neutral", which gives seven emotions instead of eight.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` : list of str of length n_clips
            Paths, sorted by file name.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Numbers of the actors, "01" to "24".
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            What the corpus is, its source, licence and citation.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no speech clip of RAVDESS in it.

    Warns
    -----
    UserWarning
        If actors are missing, if the count of clips is not 1,440, or if clips stand twice.

    References
    ----------
    .. [1] S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
       and Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018.

    Examples
    --------
    >>> from ser_estimators.datasets import load_ravdess
    >>> ravdess = load_ravdess("/data/ravdess")  # doctest: +SKIP
    >>> len(ravdess.data)  # doctest: +SKIP
    1440
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(
            f"Could not load RAVDESS from '{root}': it {what}; expected the folder that holds "
            "Actor_01 to Actor_24"
        )
    copies = _find_clips(root)
    if not copies:
        raise FileNotFoundError(
            f"Could not load RAVDESS from '{root}': no file in it or below has a name such as "
            "03-01-05-01-02-01-12.wav; expected the folder that holds Actor_01 to Actor_24, from "
            "Audio_Speech_Actors_01-24.zip at https://doi.org/10.5281/zenodo.1188976"
        )
    names = sorted(copies)
    fields = [name.split("-") for name in names]
    emotions = [_EMOTIONS[field[2]] for field in fields]
    if merge_calm:
        emotions = ["neutral" if emotion == "calm" else emotion for emotion in emotions]
    speakers = np.array([field[6] for field in fields])
    _warn_of_gaps(root, copies, speakers)
    return Bunch(
        data=[str(copies[name][0]) for name in names],
        target=np.array(emotions),
        speakers=speakers,
        target_names=np.unique(emotions),
        DESCR=_DESCR,
    )


def _find_clips(root: Path) -> dict[str, list[Path]]:
    """Find all copies of each speech clip under a folder, keyed by the clip's name."""
    copies: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            modality, channel, emotion = match.groups()[:3]
            if (modality, channel) == (_AUDIO_ONLY, _SPEECH) and emotion in _EMOTIONS:
                copies[path.stem].append(path)
    return copies


def _warn_of_gaps(root: Path, copies: dict[str, list[Path]], speakers: np.ndarray) -> None:
    expected = {f"{number:02d}" for number in range(1, _N_ACTORS + 1)}
    remarks = []
    if missing := sorted(expected - set(speakers)):
        remarks.append(f"no clip of actors {', '.join(missing)}")
    if unknown := sorted(set(speakers) - expected):
        remarks.append(f"clips of unknown actors {', '.join(unknown)}")
    if len(copies) != _N_CLIPS:
        remarks.append(f"{len(copies)} clips where the whole corpus has {_N_CLIPS}")
    doubled = [name for name, paths in copies.items() if len(paths) > 1]
    if doubled:
        remarks.append(
            f"{len(doubled)} clips stand more than once and are taken once, such as "
            + " and ".join(f"'{path}'" for path in copies[doubled[0]][:2])
        )
    if remarks:
        warnings.warn(f"RAVDESS in '{root}': {'; '.join(remarks)}", stacklevel=3)
