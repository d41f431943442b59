"""The Italian corpus EMOVO."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_emovo"]

_DESCR = """\
EMOVO, an Italian emotional speech database

Six actors (three male, three female) speak 14 sentences in Italian in seven states: 588 clips of
about 3 s, at 48 kHz. The codes in the file names abbreviate Italian words: rab (rabbia) is "anger",
dis (disgusto) "disgust", pau (paura) "fear", gio (gioia) "happiness", neu (neutro) "neutral", tri
(tristezza) "sadness" and sor (sorpresa) "surprise". The two channels are two microphones, which the
sound reaches at different times.

Source: http://voice.fub.it/activities/corpora/emovo/index.html (emovo.zip)
License: free for research; for other uses, ask the authors
Citation: G. Costantini, I. Iaderola, A. Paoloni and M. Todisco, "EMOVO Corpus: an Italian Emotional
Speech Database", LREC 2014. https://aclanthology.org/L14-1478
"""

_EMOVO = Corpus(
    title="EMOVO",
    example="dis-f1-b1.wav",
    expected=(
        "the folder that contains f1 to m3, from emovo.zip at "
        "http://voice.fub.it/activities/corpora/emovo/index.html"
    ),
    # emotion-speaker-sentence
    name=re.compile(r".*/(?P<emotion>[a-z]{3})-(?P<speaker>[fm]\d)-([a-z]\d)"),
    alike=re.compile(r".*/[a-z]{3}-[fm]\d-.*"),
    emotions={
        "rab": "anger",
        "dis": "disgust",
        "pau": "fear",
        "gio": "happiness",
        "neu": "neutral",
        "tri": "sadness",
        "sor": "surprise",
    },
    sexes=dict.fromkeys(("f1", "f2", "f3"), "female") | dict.fromkeys(("m1", "m2", "m3"), "male"),
    n_clips=588,
    descr=_DESCR,
)


def load_emovo(
    root: str | os.PathLike[str],
    *,
    channel: int | None = 0,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of EMOVO [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case.

    There is no function that downloads EMOVO, because no checksum of it is published. The archive
    is at http://voice.fub.it/activities/corpora/emovo/index.html.

    Parameters
    ----------
    root : path-like
        The folder that contains f1 to m3, or any parent folder.
    channel : int >= 0 or None, default=0
        The channel to read. The two channels are two microphones, and the sound reaches one of them
        later, so their average lacks some frequencies. None averages them nevertheless.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "rab" (anger), "dis" (disgust), "pau" (fear), "gio" (happiness), "neu" (neutral), "tri"
        (sadness) and "sor" (surprise).
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Dictionary-like object with the following attributes.

        ``data`` : list of Segment of length n_clips
            One channel of each file, sorted by emotion, speaker and sentence; paths if `channel` is
            None.
        ``target`` : ndarray of shape (n_clips,)
            Names of the emotions.
        ``speakers`` : ndarray of shape (n_clips,)
            Actors, "f1" to "f3" and "m1" to "m3".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for speakers that are not part of the corpus.
        ``intensity`` : None
            Not available for this corpus.
        ``frame`` : pandas.DataFrame or None
            With ``as_frame=True``, a table with the columns path, channel, emotion, speaker and
            sex.
        ``target_names`` : ndarray of shape (n_emotions,)
            Names of the emotions, sorted.
        ``DESCR`` : str
            Description of the corpus, with its size, source, license and citation.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or contains no clip of EMOVO.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `channel` is not a number of a channel, or if `emotions` is not a dict, contains a code
        that EMOVO does not have, or leaves no clip.
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
    load_emodb : A corpus in German.
    concatenate_corpora : Join several corpora.

    References
    ----------
    .. [1] G. Costantini, I. Iaderola, A. Paoloni and M. Todisco, "EMOVO Corpus: an Italian
       Emotional Speech Database", LREC 2014.

    Examples
    --------
    >>> from ser_estimators.datasets import load_emovo
    >>> emovo = load_emovo("/data/emovo")  # doctest: +SKIP
    >>> len(emovo.data)  # doctest: +SKIP
    588
    """
    return load_corpus(_EMOVO, root, emotions=emotions, as_frame=as_frame, channel=channel)
