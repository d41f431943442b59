"""fetch_*, against an HTTP server on this machine: what they load, and their parameters."""

import sys
from pathlib import Path

import pytest

from ser_estimators.datasets import _fetch, fetch_emodb, fetch_ravdess, fetch_tess

from .helpers import left_in

FETCHERS = {"ravdess": fetch_ravdess, "tess": fetch_tess, "emodb": fetch_emodb}


@pytest.mark.parametrize("name", FETCHERS)
def test_downloads_once(name, server, archives):
    httpd = server(name, archives[name])
    first = FETCHERS[name]()
    assert first.data == FETCHERS[name]().data
    assert len(httpd.requests) == 1
    assert left_in("home") == [name]
    assert len(first.data) == {"ravdess": 1440, "tess": 2800, "emodb": 535}[name]
    assert Path(first.data[0]).read_bytes().startswith(b"RIFF")
    visible = [path.name for path in Path("home").iterdir() if not path.name.startswith(".")]
    assert visible == [name]


def test_downloaded_corpus_needs_neither_network_nor_pooch(server, archives, monkeypatch):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb(data_home="here")
    monkeypatch.setitem(sys.modules, "pooch", None)
    corpus = fetch_emodb(data_home=Path("here"), as_frame=True, emotions={"L": None})
    assert len(httpd.requests) == 1
    assert len(corpus.frame) == 535 - 81
    with pytest.raises(
        ImportError, match=r"EmoDB needs pooch, .* run 'pip install ser_estimators\[fe"
    ):
        fetch_emodb(data_home="elsewhere")


def test_parameters_reach_the_loader(server, archives):
    server("ravdess", archives["ravdess"])
    assert "calm" not in fetch_ravdess(merge_calm=True).target_names


def test_missing_corpus_is_reported_without_a_download(server, archives):
    httpd = server("emodb", archives["emodb"])
    with pytest.raises(FileNotFoundError, match=r"EmoDB is not in '.*emodb' and download_if_missi"):
        fetch_emodb(download_if_missing=False)
    assert not httpd.requests
    assert not Path("home").exists()


def test_default_folder_is_in_the_home_folder(monkeypatch):
    monkeypatch.delenv("SER_ESTIMATORS_DATA", raising=False)
    monkeypatch.setenv("HOME", str(Path("user").absolute()))
    with pytest.raises(FileNotFoundError, match="user/ser_estimators_data/tess'"):
        fetch_tess(download_if_missing=False)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_retries": -1}, ValueError, "n_retries == -1, must be >= 0"),
        ({"delay": "1"}, TypeError, "delay must be an instance of float"),
        (
            {"force": True, "download_if_missing": False},
            ValueError,
            "force=True contradicts download_if_missing=False",
        ),
    ],
)
def test_invalid_parameter_is_reported(parameters, error, message):
    with pytest.raises(error, match=message):
        fetch_tess(**parameters)


def test_checksums_are_complete():
    for archive in _fetch._ARCHIVES.values():
        algorithm, digest = archive.known_hash.split(":")
        assert algorithm == "md5"
        assert len(bytes.fromhex(digest)) == 16
        assert archive.url.startswith("https://")


def test_force_replaces_the_corpus(server, archives):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb()
    Path("home/emodb/wav/03a01Wa.wav").unlink()
    with pytest.warns(UserWarning, match="534 clips instead of 535 in the complete corpus"):
        fetch_emodb()
    assert len(fetch_emodb(force=True).data) == 535
    assert len(httpd.requests) == 2
    assert left_in("home") == ["emodb"]


def test_failed_replacement_keeps_the_corpus(server, archives):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb()
    httpd.plan += ["404"]
    with pytest.raises(ConnectionError, match="404"):
        fetch_emodb(force=True)
    assert len(fetch_emodb().data) == 535
