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
medium and high intensity, the others at a level that is not specified.

Labels are what the actors were asked for; listeners often heard something else. The corpus' own
list of faults says that 1076_MTI_SAD_XX.wav holds no sound: it is in this Bunch, and features of it
say nothing.

Source: https://github.com/CheyneyComputerScience/CREMA-D (folder AudioWAV). The recordings are in
git-lfs; these commands get the WAV files and leave the videos:
    GIT_LFS_SKIP_SMUDGE=1 git clone https://github.com/CheyneyComputerScience/CREMA-D.git
    cd CREMA-D
    git lfs pull --include "AudioWAV/*"
Licence: Open Database License 1.0, contents under the Database Contents License 1.0
Citation: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D:
Crowd-sourced Emotional Multimodal Actors Dataset", IEEE Transactions on Affective Computing 5(4),
2014. https://doi.org/10.1109/TAFFC.2014.2336244
"""

# VideoDemographics.csv of the corpus' repository, commit 1658cd3; the other 48 actors are male.
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
        "the folder AudioWAV, or any above, from https://github.com/CheyneyComputerScience/CREMA-D"
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
    aliases={"x": "XX"},  # 1040_ITH_SAD_X.wav, as older copies of the corpus have it
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

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, end in .wav or .flac, and be spelt in any case. The MP3 files of the corpus' repository
    are not read: four of them are faulty by its own account.

    Parameters
    ----------
    root : path-like
        The folder ``AudioWAV``, the repository that holds it, or any folder above.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes; None as a name leaves the clips of that code out. The
        codes are "ANG" anger, "DIS" disgust, "FEA" fear, "HAP" happiness, "NEU" neutral and "SAD"
        sadness.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` : list of str of length n_clips
            Paths, sorted by speaker and file name.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Numbers of the actors, "1001" to "1091".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for actors that the corpus does not have.
        ``intensity`` : ndarray of shape (n_clips,)
            "low", "medium", "high" or "unspecified".
        ``frame`` : pandas.DataFrame or None
            With `as_frame`, the columns path, emotion, speaker, sex and intensity.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            What the corpus is, its size, source, licence and citation.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no clip of CREMA-D in it.
    AudioReadError
        If all clips are empty files, git-lfs pointers or web pages.
    TypeError, ValueError
        If `emotions` is no dict, names a code that CREMA-D does not have, or leaves no clip.
    ImportError
        If `as_frame` is true and pandas is not installed.

    Warns
    -----
    UserWarning
        If speakers or clips are missing or unknown, if clips stand twice, and if files are left out
        because they can be no audio or their names cannot be read; with counts, in one warning.

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
