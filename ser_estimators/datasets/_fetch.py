"""Download corpora that are open to all, check them and load them.

Checksums are those that somebody has published, named beside each; a corpus without one has no
function here. CREMA-D needs none: git-lfs checks and resumes by itself, see `load_crema_d`. SAVEE
asks for registration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from sklearn.utils import Bunch

from ._download import Archive, fetch_archive
from ._emodb import load_emodb
from ._ravdess import load_ravdess
from ._tess import load_tess

__all__ = ["fetch_emodb", "fetch_ravdess", "fetch_tess"]

_ARCHIVES = {
    # MD5 as Zenodo's record 1188976 gives it.
    "ravdess": Archive(
        title="RAVDESS",
        folder="ravdess",
        url="https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
        known_hash="md5:bc696df654c87fed845eb13823edef8a",
        page="https://doi.org/10.5281/zenodo.1188976 (Audio_Speech_Actors_01-24.zip)",
        loader="load_ravdess",
    ),
    # A copy that PaddlePaddle keeps for its own users: address and MD5 stand in
    # python/paddle/audio/datasets/tess.py of its repository.
    "tess": Archive(
        title="TESS",
        folder="tess",
        url="https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
        known_hash="md5:1465311b24d1de704c4c63e4ccc470c7",
        page="https://doi.org/10.5683/SP2/E8H2MF",
        loader="load_tess",
    ),
    # MD5 as Zenodo's record 7447302 gives it; the old site's download.zip has no checksum.
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
    """Load RAVDESS [1]_, and download it first if it is not there.

    The speech clips, 208 MB, come from Zenodo; their licence is CC BY-NC-SA 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        The folder that corpora are kept in; this one comes into ``ravdess`` below it. None is what
        the environment variable ``SER_ESTIMATORS_DATA`` says, or else ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not there, instead of an error.
    force : bool, default=False
        Whether to download the corpus even if it is there, and to replace it.
    n_retries : int >= 0, default=3
        How often to try again if the connection breaks; each try goes on where the last one ended.
    delay : float >= 0, default=1.0
        Seconds before the first retry, twice that before the second, and so on.
    merge_calm : bool, default=False
        Whether "calm" becomes "neutral", which gives seven emotions instead of eight.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes, as in `load_ravdess`.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        What `load_ravdess` returns.

    Raises
    ------
    FileNotFoundError
        If the corpus is not there and `download_if_missing` is false.
    ConnectionError
        If the download fails; what has come is kept, and the next call goes on from there.
    ValueError
        If what came has not the published checksum (nothing is kept then), or for an argument out
        of its range.
    ImportError
        If pooch is needed and not installed: ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        As `load_ravdess` does.

    See Also
    --------
    load_ravdess : Load the corpus from a folder of your own.

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
    folder = fetch_archive(
        _ARCHIVES["ravdess"],
        data_home=data_home,
        download_if_missing=download_if_missing,
        force=force,
        n_retries=n_retries,
        delay=delay,
    )
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
    """Load TESS [1]_, and download it first if it is not there.

    The clips come from a copy that PaddlePaddle keeps for its own users; their licence is
    CC BY-NC-ND 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        The folder that corpora are kept in; this one comes into ``tess`` below it. None is what
        the environment variable ``SER_ESTIMATORS_DATA`` says, or else ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not there, instead of an error.
    force : bool, default=False
        Whether to download the corpus even if it is there, and to replace it.
    n_retries : int >= 0, default=3
        How often to try again if the connection breaks; each try goes on where the last one ended.
    delay : float >= 0, default=1.0
        Seconds before the first retry, twice that before the second, and so on.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes, as in `load_tess`.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        What `load_tess` returns.

    Raises
    ------
    FileNotFoundError
        If the corpus is not there and `download_if_missing` is false.
    ConnectionError
        If the download fails; what has come is kept, and the next call goes on from there.
    ValueError
        If what came has not the published checksum (nothing is kept then), or for an argument out
        of its range.
    ImportError
        If pooch is needed and not installed: ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        As `load_tess` does.

    See Also
    --------
    load_tess : Load the corpus from a folder of your own.

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
    folder = fetch_archive(
        _ARCHIVES["tess"],
        data_home=data_home,
        download_if_missing=download_if_missing,
        force=force,
        n_retries=n_retries,
        delay=delay,
    )
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
    """Load EmoDB [1]_, and download it first if it is not there.

    Edition 1.3.0, 40 MB, comes from Zenodo; its licence is CC BY 4.0.

    Parameters
    ----------
    data_home : path-like or None, default=None
        The folder that corpora are kept in; this one comes into ``emodb`` below it. None is what
        the environment variable ``SER_ESTIMATORS_DATA`` says, or else ``~/ser_estimators_data``.
    download_if_missing : bool, default=True
        Whether to download the corpus if it is not there, instead of an error.
    force : bool, default=False
        Whether to download the corpus even if it is there, and to replace it.
    n_retries : int >= 0, default=3
        How often to try again if the connection breaks; each try goes on where the last one ended.
    delay : float >= 0, default=1.0
        Seconds before the first retry, twice that before the second, and so on.
    emotions : dict of str to str or None, default=None
        Other names for some of the codes, as in `load_emodb`.
    as_frame : bool, default=False
        Whether ``frame`` is a table; it needs pandas.

    Returns
    -------
    sklearn.utils.Bunch
        What `load_emodb` returns.

    Raises
    ------
    FileNotFoundError
        If the corpus is not there and `download_if_missing` is false.
    ConnectionError
        If the download fails; what has come is kept, and the next call goes on from there.
    ValueError
        If what came has not the published checksum (nothing is kept then), or for an argument out
        of its range.
    ImportError
        If pooch is needed and not installed: ``pip install ser_estimators[fetch]``.

    Warns
    -----
    UserWarning
        As `load_emodb` does.

    See Also
    --------
    load_emodb : Load the corpus from a folder of your own.

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
    folder = fetch_archive(
        _ARCHIVES["emodb"],
        data_home=data_home,
        download_if_missing=download_if_missing,
        force=force,
        n_retries=n_retries,
        delay=delay,
    )
    return load_emodb(folder, emotions=emotions, as_frame=as_frame)
