"""Download, verify and load the corpora that anyone may download.

Only corpora with a published checksum have a function here; the source of each checksum is given
below. CREMA-D is distributed with git-lfs, which verifies and resumes downloads itself, see
`load_crema_d`. SAVEE requires registration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._download import Archive, DownloadOptions, fetch_archive
from ._emodb import load_emodb
from ._ravdess import load_ravdess
from ._tess import load_tess

__all__ = ["fetch_emodb", "fetch_ravdess", "fetch_tess"]

_ARCHIVES = {
    # MD5 from Zenodo's record 1188976.
    "ravdess": Archive(
        title="RAVDESS",
        folder="ravdess",
        url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
        known_hash="md5:bc696df654c87fed845eb13823edef8a",
        page="https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)",
        loader="load_ravdess",
    ),
    # A copy hosted by PaddlePaddle for its users, with the URL and MD5 from
    # python/paddle/audio/datasets/tess.py in its repository.
    "tess": Archive(
        title="TESS",
        folder="tess",
        url="https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
        known_hash="md5:1465311b24d1de704c4c63e4ccc470c7",
        page="https://doi.org/10.5683/SP2/E8H2MF",
        loader="load_tess",
    ),
    # MD5 from Zenodo's record 7447302; the download.zip of the original site has no checksum.
    "emodb": Archive(
        title="EmoDB",
        folder="emodb",
        url="https://zenodo.org/records/7447302/files/emodb.zip?download=1",
        known_hash="md5:9d21362dbc5676ef3ab4745d83ced0db",
        page="https://doi.org/10.5281/zenodo.7447302 (emodb.zip)",
        loader="load_emodb",
    ),
}


def fetch_ravdess(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    force: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
    merge_calm: bool = False,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load RAVDESS [1]_, and download it first if necessary.

    The speech clips (208 MB) are downloaded from Zenodo. Their license is CC BY-NC-SA 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of all corpora; this one is stored in its subfolder ``ravdess``. None means the value
        of the environment variable ``SER_ESTIMATORS_DATA``, or ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not in `data_home`, instead of raising an error.
    force : bool, default=False
        Whether to download the corpus even if it is in `data_home`, and replace it.
    n_retries : int >= 0, default=3
        Number of further attempts after a connection error; each one resumes the download.
    delay : float >= 0, default=1.0
        Seconds before the first retry; retry number n waits n times as long.
    merge_calm : bool, default=False
        Whether to rename "calm" to "neutral", which leaves seven emotions instead of eight.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes, as in `load_ravdess`.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Result of `load_ravdess`.

    Raises
    ------
    FileNotFoundError
        If the corpus is not in `data_home` and ``download_if_missing=False``.
    ConnectionError
        If the download fails. The incomplete file is kept, and the next call resumes it.
    TypeError, ValueError
        If the checksum of the file is not the published one, in which case nothing is kept, or if a
        parameter has a wrong type or value.
    ImportError
        If the corpus has to be downloaded and pooch is not installed; run
        ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        Warnings of `load_ravdess`.

    See Also
    --------
    load_ravdess : Load the corpus from any folder.

    References
    ----------
    .. [1] S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech
       and Song (RAVDESS)", PLoS ONE 13(5): e0196391, 2018.

    Examples
    --------
    >>> from ser_estimators.datasets import fetch_ravdess
    >>> ravdess = fetch_ravdess(data_home="/data")  # doctest: +SKIP
    >>> len(ravdess.data)  # doctest: +SKIP
    1440
    """
    options = DownloadOptions(data_home, download_if_missing, force, n_retries, delay)
    folder = fetch_archive(_ARCHIVES["ravdess"], options)
    return load_ravdess(folder, merge_calm=merge_calm, emotions=emotions, as_frame=as_frame)


def fetch_tess(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    force: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load TESS [1]_, and download it first if necessary.

    The clips are downloaded from a copy that PaddlePaddle hosts for its users. Their license is
    CC BY-NC-ND 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of all corpora; this one is stored in its subfolder ``tess``. None means the value
        of the environment variable ``SER_ESTIMATORS_DATA``, or ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not in `data_home`, instead of raising an error.
    force : bool, default=False
        Whether to download the corpus even if it is in `data_home`, and replace it.
    n_retries : int >= 0, default=3
        Number of further attempts after a connection error; each one resumes the download.
    delay : float >= 0, default=1.0
        Seconds before the first retry; retry number n waits n times as long.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes, as in `load_tess`.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Result of `load_tess`.

    Raises
    ------
    FileNotFoundError
        If the corpus is not in `data_home` and ``download_if_missing=False``.
    ConnectionError
        If the download fails. The incomplete file is kept, and the next call resumes it.
    TypeError, ValueError
        If the checksum of the file is not the published one, in which case nothing is kept, or if a
        parameter has a wrong type or value.
    ImportError
        If the corpus has to be downloaded and pooch is not installed; run
        ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        Warnings of `load_tess`.

    See Also
    --------
    load_tess : Load the corpus from any folder.

    References
    ----------
    .. [1] K. Dupuis and M. K. Pichora-Fuller, "Toronto emotional speech set (TESS)", University of
       Toronto, Psychology Department, 2010.

    Examples
    --------
    >>> from ser_estimators.datasets import fetch_tess
    >>> tess = fetch_tess(data_home="/data")  # doctest: +SKIP
    >>> len(tess.data)  # doctest: +SKIP
    2800
    """
    options = DownloadOptions(data_home, download_if_missing, force, n_retries, delay)
    folder = fetch_archive(_ARCHIVES["tess"], options)
    return load_tess(folder, emotions=emotions, as_frame=as_frame)


def fetch_emodb(
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    force: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
    emotions: Mapping[str, str | None] | None = None,
    as_frame: bool = False,
) -> Bunch:
    """Load EmoDB [1]_, and download it first if necessary.

    Edition 1.3.0 (40 MB) is downloaded from Zenodo. Its license is CC BY 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        Folder of all corpora; this one is stored in its subfolder ``emodb``. None means the value
        of the environment variable ``SER_ESTIMATORS_DATA``, or ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not in `data_home`, instead of raising an error.
    force : bool, default=False
        Whether to download the corpus even if it is in `data_home`, and replace it.
    n_retries : int >= 0, default=3
        Number of further attempts after a connection error; each one resumes the download.
    delay : float >= 0, default=1.0
        Seconds before the first retry; retry number n waits n times as long.
    emotions : dict of {str: str or None} or None, default=None
        New names for some of the codes, as in `load_emodb`.
    as_frame : bool, default=False
        If True, ``frame`` is a pandas DataFrame; this requires pandas.

    Returns
    -------
    sklearn.utils.Bunch
        Result of `load_emodb`.

    Raises
    ------
    FileNotFoundError
        If the corpus is not in `data_home` and ``download_if_missing=False``.
    ConnectionError
        If the download fails. The incomplete file is kept, and the next call resumes it.
    TypeError, ValueError
        If the checksum of the file is not the published one, in which case nothing is kept, or if a
        parameter has a wrong type or value.
    ImportError
        If the corpus has to be downloaded and pooch is not installed; run
        ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        Warnings of `load_emodb`.

    See Also
    --------
    load_emodb : Load the corpus from any folder.

    References
    ----------
    .. [1] F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, "A database of
       German emotional speech", Interspeech 2005.

    Examples
    --------
    >>> from ser_estimators.datasets import fetch_emodb
    >>> emodb = fetch_emodb(data_home="/data")  # doctest: +SKIP
    >>> len(emodb.data)  # doctest: +SKIP
    535
    """
    options = DownloadOptions(data_home, download_if_missing, force, n_retries, delay)
    folder = fetch_archive(_ARCHIVES["emodb"], options)
    return load_emodb(folder, emotions=emotions, as_frame=as_frame)
