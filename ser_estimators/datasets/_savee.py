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

Four men (DC, JE, JK, KL) speak sentences of TIMIT in British English, 15 in each of anger, disgust,
fear, happiness, sadness and surprise and 30 as neutral: 480 clips of about 4 s.

Source: http://kahlan.eps.surrey.ac.uk/savee/ (AudioData, after registration)
Licence: free for research, after registration; not to be passed on
Citation: S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", in W. Wang (ed.), Machine
Audition: Principles, Algorithms and Systems, IGI Global, 2010, pp. 398-423.
"""

_SAVEE = Corpus(
    title="SAVEE",
    example="DC_a01.wav or DC/a01.wav",
    expected=(
        "the folder AudioData, which needs registration at http://kahlan.eps.surrey.ac.uk/savee/"
    ),
    # speaker, emotion and number: DC/a01 as the corpus has it, DC_a01 in flat copies. The speaker
    # of the latter is in the name even if its folder is another speaker's.
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

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, end in .wav or .flac, and be spelt in any case. Both layouts are read: ``DC/a01.wav``,
    as the corpus has it, and ``DC_a01.wav``.

    Parameters
    ----------
    root : path-like
        The folder ``AudioData``, one with all files, or any folder above.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes; None as a name leaves the clips of that code out. The
        codes are "a" anger, "d" disgust, "f" fear, "h" happiness, "n" neutral, "sa" sadness and
        "su" surprise.
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
            "DC", "JE", "JK" and "KL".
        ``sex`` : ndarray of shape (n_clips,)
            "male".
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
        If there is no such folder, or no clip of SAVEE in it.
    AudioReadError
        If all clips are empty files, git-lfs pointers or web pages.
    TypeError, ValueError
        If `emotions` is no dict, names a code that SAVEE does not have, or leaves no clip.
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
