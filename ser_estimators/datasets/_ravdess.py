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

Emotions are named with the nouns that all corpora of this library share: happy is "happiness", sad
"sadness", angry "anger", fearful "fear" and surprised "surprise".

Source: https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)
Licence: CC BY-NC-SA 4.0
Citation: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
and Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018. https://doi.org/10.1371/journal.pone.0196391
"""


_RAVDESS = Corpus(
    title="RAVDESS",
    example="03-01-05-01-02-01-12.wav",
    expected=(
        "the folder that holds Actor_01 to Actor_24, from Audio_Speech_Actors_01-24.zip at "
        "https://doi.org/10.5281/zenodo.1188976"
    ),
    # modality-channel-emotion-intensity-statement-repetition-actor. Modality 03 is audio alone and
    # channel 01 speech; songs and videos have other numbers, and are no business of ours.
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
    # Odd actors are male, even ones female.
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

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, and end in .wav or .flac. The song clips and the videos of the same corpus are left
    out, and a clip that stands twice, as in a well-known copy of the archive, is taken once.

    Parameters
    ----------
    root : path-like
        The folder that holds ``Actor_01`` to ``Actor_24``, or any folder above.
    merge_calm : bool, default=False
        Whether "calm" becomes "neutral", which gives seven emotions instead of eight.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes; None as a name leaves the clips of that code out. The
        codes are "01" neutral, "02" calm, "03" happiness, "04" sadness, "05" anger, "06" fear,
        "07" disgust and "08" surprise.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        ``data`` : list of str of length n_clips
            Paths, sorted by file name.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Numbers of the actors, "01" to "24".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for actors that the corpus does not have.
        ``intensity`` : ndarray of shape (n_clips,)
            "normal" or "strong".
        ``frame`` : pandas.DataFrame or None
            With `as_frame`, the columns path, emotion, speaker, sex and intensity.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            What the corpus is, its size, source, licence and citation.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no speech clip of RAVDESS in it.
    AudioReadError
        If all clips are empty files, git-lfs pointers or web pages.
    TypeError, ValueError
        If `emotions` is no dict, names a code that RAVDESS does not have, or leaves no clip.
    ImportError
        If `as_frame` is true and pandas is not installed.

    Warns
    -----
    UserWarning
        If actors or clips are missing or unknown, if clips stand twice, and if files are left out
        because they can be no audio or their names cannot be read; with counts, in one warning.

    See Also
    --------
    fetch_ravdess : Download the corpus first, if need be.
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
