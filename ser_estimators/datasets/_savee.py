"""The Surrey Audio-Visual Expressed Emotion database."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_savee"]

_DESCR = """\
SAVEE, the Surrey Audio-Visual Expressed Emotion database: audio

Four men (DC, JE, JK, KL) speak TIMIT sentences in British English, 15 for each of anger, disgust,
fear, happiness, sadness and surprise, and 30 as neutral: 480 clips of about 4 s.

Source: http://kahlan.eps.surrey.ac.uk/savee/ (AudioData, after registration)
License: free for research after registration; redistribution is not permitted
Citation: S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", in W. Wang (ed.), Machine
Audition: Principles, Algorithms and Systems, IGI Global, 2010, pp. 398-423.
"""

_SAVEE = Corpus(
    title="SAVEE",
    example="DC_a01.wav or DC/a01.wav",
    expected=(
        "the folder AudioData, which requires registration at http://kahlan.eps.surrey.ac.uk/savee/"
    ),
    # Speaker, emotion and number: DC/a01 in the corpus, DC_a01 in flat copies. In the latter the
    # name gives the speaker, even if the folder is named after another one.
    name=re.compile(r"(?:.*/)?(?P<speaker>dc|je|jk|kl)[_/](?P<emotion>[a-z]{1,2})(\d\d)"),
    alike=re.compile(r"(?:.*/)?(?:dc|je|jk|kl)[_/].*"),
    emotions={
        "a": "anger",
        "d": "disgust",
        "f": "fear",
        "h": "happiness",
        "n": "neutral",
        "sa": "sadness",
        "su": "surprise",
    },
    sexes=dict.fromkeys(("DC", "JE", "JK", "KL"), "male"),
    n_clips=480,
    descr=_DESCR,
)


def load_savee(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of SAVEE [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case. Both layouts
    are read: ``DC/a01.wav``, as in the corpus, and ``DC_a01.wav``, as in flat copies of it.

    Parameters
    ----------
    root : path-like
        The folder ``AudioData``, a folder with all files, or any parent folder.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "a" (anger), "d" (disgust), "f" (fear), "h" (happiness), "n" (neutral), "sa" (sadness)
        and "su" (surprise).
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
            "DC", "JE", "JK" and "KL".
        ``sex`` : ndarray of shape (n_clips,)
            "male".
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
        If the folder does not exist or contains no clip of SAVEE.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that SAVEE does not have, or leaves no clip.
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
    .. [1] S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", in W. Wang (ed.), Machine
       Audition: Principles, Algorithms and Systems, IGI Global, 2010, pp. 398-423.

    Examples
    --------
    >>> from ser_estimators.datasets import load_savee
    >>> savee = load_savee("/data/savee")  # doctest: +SKIP
    >>> len(savee.data)  # doctest: +SKIP
    480
    """
    return load_corpus(_SAVEE, root, emotions=emotions, as_frame=as_frame)
