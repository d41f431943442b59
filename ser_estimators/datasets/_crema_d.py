"""The Crowd-sourced Emotional Multimodal Actors Dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_crema_d"]

_DESCR = """\
CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset: audio

91 actors (48 male, 43 female, aged 20 to 74) speak twelve sentences in English as angry, disgusted,
fearful, happy, neutral and sad: 7,442 clips of about 2.5 s. One of the sentences is spoken at low,
medium and high intensity, the others at an unspecified intensity.

The labels are the emotions that the actors were asked to express; listeners often heard another
one. According to the authors' list of errors, 1076_MTI_SAD_XX.wav contains no sound. It is part of
this Bunch, but its features carry no information.

Source: https://github.com/CheyneyComputerScience/CREMA-D (folder AudioWAV). The recordings are
stored with git-lfs; these commands download the WAV files without the videos:
    GIT_LFS_SKIP_SMUDGE=1 git clone https://github.com/CheyneyComputerScience/CREMA-D.git
    cd CREMA-D
    git lfs pull --include "AudioWAV/*"
License: Open Database License 1.0, contents under the Database Contents License 1.0
Citation: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D:
Crowd-sourced Emotional Multimodal Actors Dataset", IEEE Transactions on Affective Computing 5(4),
2014. https://doi.org/10.1109/TAFFC.2014.2336244
"""

# From VideoDemographics.csv in the repository, commit 1658cd3; the other 48 actors are male.
_FEMALE = {
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024,
    1025, 1028, 1029, 1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056,
    1058, 1060, 1061, 1063, 1072, 1073, 1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089,
    1091,
}  # fmt: skip

_CREMA_D = Corpus(
    title="CREMA-D",
    example="1001_DFA_ANG_XX.wav",
    expected=(
        "the folder AudioWAV, or any parent, from https://github.com/CheyneyComputerScience/CREMA-D"
    ),
    # actor_sentence_emotion_intensity
    name=re.compile(
        r".*/(?P<speaker>\d{4})_([a-z]{3})_(?P<emotion>[a-z]{3})_(?P<intensity>[a-z]{1,2})"
    ),
    alike=re.compile(r".*/\d{4}_[a-z]{3}_.*"),
    emotions={
        "ANG": "anger",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "happiness",
        "NEU": "neutral",
        "SAD": "sadness",
    },
    intensities={"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"},
    sexes={str(actor): "female" if actor in _FEMALE else "male" for actor in range(1001, 1092)},
    aliases={"x": "XX"},  # 1040_ITH_SAD_X.wav, as spelled in older copies of the corpus
    n_clips=7442,
    people="actors",
    descr=_DESCR,
)


def load_crema_d(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of CREMA-D [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case. The MP3 files
    of the repository are ignored: four of them are faulty, according to its authors.

    Parameters
    ----------
    root : path-like
        The folder ``AudioWAV``, the repository that contains it, or any parent folder.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "ANG" (anger), "DIS" (disgust), "FEA" (fear), "HAP" (happiness), "NEU" (neutral) and
        "SAD" (sadness).
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of str of length n_clips
            Paths, sorted by speaker and file name.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Actors, "1001" to "1091".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for actors that are not part of the corpus.
        ``intensity`` : ndarray of shape (n_clips,)
            "low", "medium", "high" or "unspecified".
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, emotion, speaker, sex and
            intensity.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Description of the corpus, with its size, source, license and citation.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no clip of CREMA-D.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that CREMA-D does not have, or leaves no clip.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If speakers or clips are missing or unknown, if clips occur more than once, or if files are
        left out because they cannot be audio or their names cannot be parsed. A single warning
        lists all of this with counts.

    See Also
    --------
    concatenate_corpora : Join several corpora.

    References
    ----------
    .. [1] H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D:
       Crowd-sourced Emotional Multimodal Actors Dataset", IEEE Transactions on Affective Computing
       5(4), 2014.

    Examples
    --------
    >>> from ser_estimators.datasets import load_crema_d
    >>> crema_d = load_crema_d("/data/CREMA-D")  # doctest: +SKIP
    >>> len(crema_d.data)  # doctest: +SKIP
    7442
    """
    return load_corpus(_CREMA_D, root, emotions=emotions, as_frame=as_frame)
