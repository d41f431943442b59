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

Two actresses, aged 26 (YAF) and 64 (OAF), speak the sentence "Say the word ..." with 200 words,
each as anger, disgust, fear, happiness, neutral, pleasant surprise and sadness: 2,800 clips of
about 2 s. Pleasant surprise, "ps" in the file names, is called "surprise" here.

With a random split any system classifies nearly every clip correctly, because the same two voices
and 200 words appear in both training and test. Train on one speaker and test on the other.

Source: https://doi.org/10.5683/SP2/E8H2MF
License: CC BY-NC-ND 4.0
Citation: K. Dupuis and M. K. Pichora-Fuller, "Toronto emotional speech set (TESS)", University of
Toronto, Psychology Department, 2010.
"""

_TESS = Corpus(
    title="TESS",
    example="OAF_back_angry.wav",
    expected="the folder that contains TESS, from https://doi.org/10.5683/SP2/E8H2MF",
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
    aliases={"oa": "OAF"},  # OA_bite_neutral.wav, as spelled in the corpus itself
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

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case. A clip that
    occurs more than once, as in a well-known copy of the archive, is loaded once. The file
    ``OA_bite_neutral.wav``, misspelled in the corpus, belongs to speaker OAF.

    Parameters
    ----------
    root : path-like
        The folder that contains the corpus, or any parent folder.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "angry" (anger), "disgust" (disgust), "fear" (fear), "happy" (happiness), "neutral"
        (neutral), "ps" (surprise, in the corpus "pleasant surprise") and "sad" (sadness).
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
            "OAF", the older actress, and "YAF", the younger one.
        ``sex`` : ndarray of shape (n_clips,)
            "female".
        ``intensity`` : None
            Not available for this corpus.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, emotion, speaker and sex.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Description of the corpus, with its size, source, license and citation.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no clip of TESS.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that TESS does not have, or leaves no clip.
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
    fetch_tess : Download the corpus if necessary, and load it.
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
