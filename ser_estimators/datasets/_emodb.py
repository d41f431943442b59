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
anxious, happy, sad and neutral. The 535 clips of about 2.8 s are those whose emotion at least 80 %
of the listeners recognised. Letters in the file names stand for German words: W (Wut) is "anger",
L (Langeweile) "boredom", E (Ekel) "disgust", A (Angst) "fear", F (Freude) "happiness", T (Trauer)
"sadness" and N "neutral".

Later editions (2.0) hold 816 clips, and laryngograms under the same names in a folder of their own.

Source: https://doi.org/10.5281/zenodo.7447302 (emodb.zip, edition 1.3.0)
Licence: CC BY 4.0
Citation: F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, "A database of German
emotional speech", Interspeech 2005. https://doi.org/10.21437/Interspeech.2005-446
"""

_EMODB = Corpus(
    title="EmoDB",
    example="03a01Wa.wav",
    expected=(
        "the folder that holds wav, from emodb.zip at https://doi.org/10.5281/zenodo.7447302"
    ),
    # speaker, text, emotion and version, with nothing between them
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

    Nothing is decoded: emotions and speakers come from the file names. Files may lie flat or in
    folders, end in .wav or .flac, and be spelt in any case. The emotion is the letter before the
    last, which stands for a German word.

    Parameters
    ----------
    root : path-like
        The folder ``wav``, or any folder above.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes; None as a name leaves the clips of that code out. The
        codes are "W" anger, "L" boredom, "E" disgust, "A" fear, "F" happiness, "T" sadness and "N"
        neutral.
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
            Numbers of the actors: "03", "08" to "16".
        ``sex`` : ndarray of shape (n_clips,)
            "female" or "male"; "unknown" for speakers that the corpus does not have.
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
        If there is no such folder, or no clip of EmoDB in it.
    AudioReadError
        If all clips are empty files, git-lfs pointers or web pages.
    TypeError, ValueError
        If `emotions` is no dict, names a code that EmoDB does not have, or leaves no clip.
    ImportError
        If `as_frame` is true and pandas is not installed.

    Warns
    -----
    UserWarning
        If speakers or clips are missing or unknown, if clips stand twice, and if files are left out
        because they can be no audio or their names cannot be read; with counts, in one warning.

    See Also
    --------
    fetch_emodb : Download the corpus first, if need be.
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
