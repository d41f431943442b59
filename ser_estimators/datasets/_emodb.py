"""The Berlin Database of Emotional Speech."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._corpus import Corpus, load_corpus

__all__ = ["load_emodb"]

_DESCR = """\
EmoDB, the Berlin Database of Emotional Speech

Ten actors (five male, five female) speak ten sentences in German as angry, bored, disgusted,
anxious, happy, sad and neutral. The 535 clips of about 2.8 s are those whose emotion was recognized
by at least 80 % of the listeners. The letters in the file names abbreviate German words: W (Wut) is
"anger", L (Langeweile) "boredom", E (Ekel) "disgust", A (Angst) "fear", F (Freude) "happiness",
T (Trauer) "sadness" and N (neutral) "neutral".

Later editions (2.0) contain 816 clips, and laryngograms with the same names in a separate folder.

Source: https://doi.org/10.5281/zenodo.7447302 (emodb.zip, edition 1.3.0)
License: CC BY 4.0
Citation: F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, "A database of German
emotional speech", Interspeech 2005. https://doi.org/10.21437/Interspeech.2005-446
"""

_EMODB = Corpus(
    title="EmoDB",
    example="03a01Wa.wav",
    expected=(
        "the folder that contains wav, from emodb.zip at https://doi.org/10.5281/zenodo.7447302"
    ),
    # Speaker, text, emotion and version, without a separator.
    name=re.compile(r".*/(?P<speaker>\d\d)([ab]\d\d)(?P<emotion>[a-z])([a-z]?)"),
    alike=re.compile(r".*/\d\d[ab]\d\d.*"),
    emotions={
        "W": "anger",
        "L": "boredom",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    },
    # As published at http://emodb.bilderbar.info/docu/
    sexes=dict.fromkeys(("03", "10", "11", "12", "15"), "male")
    | dict.fromkeys(("08", "09", "13", "14", "16"), "female"),
    n_clips=535,
    descr=_DESCR,
)


def load_emodb(
    root: str | os.PathLike[str],
    *,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load the clips of EmoDB [1]_ from a folder.

    Emotions and speakers come from the file names; no audio is decoded. Files may lie in one folder
    or in subfolders, end in .wav or .flac, and be named in upper or lower case. The emotion is
    the letter before the version, and abbreviates a German word.

    Parameters
    ----------
    root : path-like
        The folder ``wav``, or any parent folder.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes; None as a name leaves out the clips of that code. The codes
        are "W" (anger), "L" (boredom), "E" (disgust), "A" (fear), "F" (happiness), "T" (sadness)
        and "N" (neutral).
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
            Actors, "03" and "08" to "16".
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
        If the folder does not exist or contains no clip of EmoDB.
    AudioReadError
        If every clip is a broken link, an empty file, a git-lfs pointer or a web page.
    TypeError, ValueError
        If `emotions` is not a dict, contains a code that EmoDB does not have, or leaves no clip.
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
    fetch_emodb : Download the corpus if necessary, and load it.
    concatenate_corpora : Join several corpora.

    References
    ----------
    .. [1] F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, "A database of
       German emotional speech", Interspeech 2005.

    Examples
    --------
    >>> from ser_estimators.datasets import load_emodb
    >>> emodb = load_emodb("/data/emodb")  # doctest: +SKIP
    >>> len(emodb.data)  # doctest: +SKIP
    535
    """
    return load_corpus(_EMODB, root, emotions=emotions, as_frame=as_frame)
