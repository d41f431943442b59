"""The Ryerson Audio-Visual Database of Emotional Speech and Song."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_ravdess"]

_DESCR = """\
RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: speech audio

24 professional actors (12 male with odd numbers, 12 female with even ones) speak two sentences in
North American English, each twice, as neutral (normal intensity only), calm, happy, sad, angry,
fearful, disgusted and surprised (normal and strong intensity): 1,440 clips of about 3.7 s.

Emotions have the same names as in all other loaders of this library: happy is "happiness", sad
"sadness", angry "anger", fearful "fear", disgusted "disgust" and surprised "surprise".

Source: https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)
License: CC BY-NC-SA 4.0
Citation: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
and Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://doi.org/10.1371/journal.pone.0196391
"""


_RAVDESS = Corpus(
    title="RAVDESS",
    example="03-01-05-01-02-01-12.wav",
    expected=(
        "the folder that contains Actor_01 to Actor_24, from Audio_Speech_Actors_01-24.zip at "
        "https://doi.org/10.5281/zenodo.1188976"
    ),
    # modality-channel-emotion-intensity-statement-repetition-actor. Modality 03 is audio only and
    # channel 01 is speech; videos and songs have other numbers and are ignored.
    name=re.compile(
        r".*/03-01-(?P<emotion>\d\d)-(?P<intensity>\d\d)-(\d\d)-(\d\d)-(?P<speaker>\d\d)"
    ),
    alike=re.compile(r".*/03-01-.*"),
    emotions={
        "01": "neutral",
        "02": "calm",
        "03": "happiness",
        "04": "sadness",
        "05": "anger",
        "06": "fear",
        "07": "disgust",
        "08": "surprise",
    },
    intensities={"01": "normal", "02": "strong"},
    # Odd numbers are male actors, even numbers female ones.
    sexes={f"{actor:02d}": "male" if actor % 2 else "female" for actor in range(1, 25)},
    n_clips=1440,
    people="actors",
    descr=_DESCR,
)


def load_ravdess(
    root: str | os.PathLike[str],
    *,
    merge_calm: bool = False,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the speech clips of RAVDESS [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, and end in .wav or .flac. The songs and videos of the corpus are left out. A
    clip that occurs more than once, as in a well-known copy of the archive, is loaded once.

    Parameters
    ----------
    root : path-like
        The folder that contains ``Actor_01`` to ``Actor_24``, or any parent folder.
    merge_calm : bool, default=False
        Whether to rename "calm" to "neutral", which leaves seven emotions instead of eight.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "01" (neutral), "02" (calm), "03" (happiness), "04" (sadness), "05" (anger), "06"
        (fear), "07" (disgust) and "08" (surprise).
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of str of length n_clips
            Paths, sorted by file name.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Actors, "01" to "24".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for actors that are not part of the corpus.
        ``intensity`` : ndarray of shape (n_clips,)
            "normal" or "strong".
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
        If the folder does not exist or contains no speech clip of RAVDESS.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that RAVDESS does not have, or leaves no clip.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    Warns
    -----
    UserWarning
        If actors or clips are missing or unknown, if clips occur more than once, or if files are
        left out because they cannot be audio or their names cannot be parsed. A single warning
        lists all of this with counts.

    See Also
    --------
    fetch_ravdess : Download the corpus if necessary, and load it.
    concatenate_corpora : Join several corpora.

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
    return load_corpus(
        _RAVDESS,
        root,
        emotions=emotions,
        as_frame=as_frame,
        renamed={"calm": "neutral"} if merge_calm else None,
    )
