"""The Polish corpus nEMO."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_nemo"]

_DESCR = """\
nEMO, a dataset of emotional speech in Polish

Nine actors (five male, four female, aged 23 to 28) speak 90 sentences in Polish as angry, fearful,
happy, sad, surprised and neutral: 4,481 clips of about 2.5 s. The sentences are the same for all
emotions. Not every actor has every clip: MK0 has no surprise, and MP0 has fewer clips than the
others. "surprised" in the file names is called "surprise" here.

Source: https://github.com/amu-cai/nEMO (folder samples)
License: CC BY-NC-SA 4.0
Citation: I. Christop, "nEMO: Dataset of emotional speech in Polish", LREC-COLING 2024.
https://aclanthology.org/2024.lrec-main.1059
"""

_NEMO = Corpus(
    title="nEMO",
    example="EB0_anger_1.wav",
    expected="the folder samples, or any parent, from https://github.com/amu-cai/nEMO",
    # speaker_emotion_sentence
    name=re.compile(r".*/(?P<speaker>[a-z]{2}\d)_(?P<emotion>[a-z]+)_(\d{1,2})"),
    alike=re.compile(r".*/[a-z]{2}\d_[a-z]+_.*"),
    emotions={
        "anger": "anger",
        "fear": "fear",
        "happiness": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
        "surprised": "surprise",
    },
    # From the column gender of data.tsv in the repository.
    sexes=dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female")
    | dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), "male"),
    n_clips=4481,
    descr=_DESCR,
)


def load_nemo(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of nEMO [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case.

    Parameters
    ----------
    root : path-like
        The folder ``samples``, the repository that contains it, or any parent folder.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "anger" (anger), "fear" (fear), "happiness" (happiness), "neutral" (neutral), "sadness"
        (sadness) and "surprised" (surprise).
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
            Actors: "EB0", "IC0", "KD0", "KS0", "MK0", "MP0", "SM0", "TP0" and "WR0".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for speakers that are not part of the corpus.
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
        If the folder does not exist or contains no clip of nEMO.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that nEMO does not have, or leaves no clip.
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
    .. [1] I. Christop, "nEMO: Dataset of emotional speech in Polish", LREC-COLING 2024.

    Examples
    --------
    >>> from ser_estimators.datasets import load_nemo
    >>> nemo = load_nemo("/data/nemo")  # doctest: +SKIP
    >>> len(nemo.data)  # doctest: +SKIP
    4481
    """
    return load_corpus(_NEMO, root, emotions=emotions, as_frame=as_frame)
