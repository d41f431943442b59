"""The Toronto Emotional Speech Set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_tess"]

_DESCR = """\
TESS, the Toronto Emotional Speech Set

Two actresses, 26 (YAF) and 64 years old (OAF), say "Say the word ..." with 200 words in each of
seven emotions: anger, disgust, fear, happiness, neutral, pleasant surprise and sadness: 2,800 clips
of about 2 s. Pleasant surprise, "ps" in the file names, is "surprise" here.

With a random split every system is right on nearly every clip, because two voices and 200 words
come back in training and test. Train on one speaker and test on the other.

Source: https://doi.org/10.5683/SP2/E8H2MF
Licence: CC BY-NC-ND 4.0
Citation: K. Dupuis and M. K. Pichora-Fuller, "Toronto emotional speech set (TESS)", University of
Toronto, Psychology Department, 2010.
"""

_TESS = Corpus(
    title="TESS",
    example="OAF_back_angry.wav",
    expected="the folder that holds TESS, from https://doi.org/10.5683/SP2/E8H2MF",
    # speaker_word_emotion
    name=re.compile(r".*/(?P<speaker>oaf|oa|yaf)_([a-z]+)_(?P<emotion>[a-z]+)"),
    alike=re.compile(r".*/(?:oaf?|yaf?)_.*"),
    emotions={
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "ps": "surprise",  # pleasant surprise
        "sad": "sadness",
    },
    sexes={"OAF": "female", "YAF": "female"},
    aliases={"oa": "OAF"},  # OA_bite_neutral.wav, as the corpus itself spells it
    n_clips=2800,
    descr=_DESCR,
)


def load_tess(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of TESS [1]_ from a folder.

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, end in .wav or .flac, and be spelt in any case. A clip that stands twice, as in a
    well-known copy of the archive, is taken once, and the corpus' own ``OA_bite_neutral.wav``
    belongs to speaker OAF.

    Parameters
    ----------
    root : path-like
        The folder that holds the corpus, or any folder above.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes; None as a name leaves the clips of that code out. The
        codes are "angry" anger, "disgust", "fear", "happy" happiness, "neutral", "ps" (pleasant
        surprise) surprise and "sad" sadness.
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
            "OAF", the older actress, and "YAF", the younger one.
        ``sex`` : ndarray of shape (n_clips,)
            "female".
        ``intensity`` : None
            The corpus has no such thing.
        ``frame`` : pandas.DataFrame or None
            With `as_frame`, the columns path, emotion, speaker and sex.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            What the corpus is, its size, source, licence and citation.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no clip of TESS in it.
    AudioReadError
        If all clips are empty files, git-lfs pointers or web pages.
    TypeError, ValueError
        If `emotions` is no dict, names a code that TESS does not have, or leaves no clip.
    ImportError
        If `as_frame` is true and pandas is not installed.

    Warns
    -----
    UserWarning
        If speakers or clips are missing or unknown, if clips stand twice, and if files are left out
        because they can be no audio or their names cannot be read; with counts, in one warning.

    See Also
    --------
    fetch_tess : Download the corpus first, if need be.
    concatenate_corpora : Join several corpora.

    References
    ----------
    .. [1] K. Dupuis and M. K. Pichora-Fuller, "Toronto emotional speech set (TESS)", University of
       Toronto, Psychology Department, 2010.

    Examples
    --------
    >>> from ser_estimators.datasets import load_tess
    >>> tess = load_tess("/data/tess")  # doctest: +SKIP
    >>> len(tess.data)  # doctest: +SKIP
    2800
    """
    return load_corpus(_TESS, root, emotions=emotions, as_frame=as_frame)
