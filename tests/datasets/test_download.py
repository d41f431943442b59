"""Downloads from an HTTP server on this machine that breaks off, fails and miscounts."""

import subprocess
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from ser_estimators.datasets import _download, _fetch, fetch_emodb

from .helpers import emodb_names, left_in, zip_of

BLOCK = _download._BLOCK


def test_file_with_a_wrong_checksum_is_deleted(server, archives):
    httpd = server("emodb", b"<html>please log in</html>", known_hash="md5:" + "0" * 32)
    with pytest.raises(
        ValueError, match=r"The file from http.* is not EmoDB as published: MD5 hash of .*manually"
    ):
        fetch_emodb()
    assert left_in("home") == []
    assert len(httpd.requests) == 1


def test_broken_connection_is_resumed(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK + 1000, 2 * BLOCK, "503"]
    assert len(fetch_emodb(delay=0).data) == 535
    assert httpd.requests == [
        *(None, f"bytes={BLOCK}-", f"bytes={3 * BLOCK}-", f"bytes={3 * BLOCK}-")
    ]
    assert left_in("home") == ["emodb"]


def test_next_call_resumes_a_failed_download(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK, 0]
    with pytest.raises(
        ConnectionError, match="EmoDB from http.* in 2 attempts: .*first 8192 bytes are kept"
    ):
        fetch_emodb(n_retries=1, delay=0)
    assert left_in("home") == ["emodb.zip.part"]
    assert len(fetch_emodb(n_retries=0).data) == 535
    assert httpd.requests[-1] == f"bytes={BLOCK}-"
    assert left_in("home") == ["emodb"]


def test_server_without_range_requests(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK, "no ranges"]
    assert len(fetch_emodb(delay=0).data) == 535


def test_server_that_sends_no_length(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += ["no length"]
    assert len(fetch_emodb().data) == 535


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * 10**6])
def test_part_of_another_file_is_discarded(part, server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip.part").write_bytes(part)
    assert len(fetch_emodb().data) == 535
    assert httpd.requests == [f"bytes={len(part)}-", None]
    assert left_in("home") == ["emodb"]


def test_process_killed_before_unpacking(server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip").write_bytes(archives["emodb"])
    assert len(fetch_emodb().data) == 535
    assert not httpd.requests


def test_process_killed_after_the_last_byte(server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip.part").write_bytes(archives["emodb"])
    assert len(fetch_emodb().data) == 535
    assert httpd.requests == [f"bytes={len(archives['emodb'])}-"]


def test_permanent_error_is_not_retried(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += ["404"]
    with pytest.raises(
        ConnectionError,
        match="in 1 attempt: 404 .*download=1. Alternatively, download it manually from",
    ):
        fetch_emodb()
    assert len(httpd.requests) == 1
    assert left_in("home") == []


def test_unreachable_server(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.shutdown()
    httpd.server_close()
    with pytest.raises(
        ConnectionError,
        match="in 2 attempts: .*Alternatively, download it manually from https://doi",
    ):
        fetch_emodb(n_retries=1, delay=0)


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav", "a/../../evil.wav", "..\\evil.wav"])
def test_archive_that_would_write_outside_its_folder(name, server):
    server("emodb", zip_of(emodb_names(), extra=[name]))
    with pytest.raises(ValueError, match="which would be written outside its folder; nothing was"):
        fetch_emodb()
    assert not list(Path().rglob("evil.wav"))
    assert left_in("home") == ["emodb.zip"]


def test_damaged_archive_leaves_no_folder(server, archives):
    server("emodb", archives["emodb"].replace(b"RIFF", b"????", 1))  # not what the zip's CRC says
    with pytest.raises(zipfile.BadZipFile):
        fetch_emodb()
    assert left_in("home") == ["emodb.zip"]


def test_process_killed_while_unpacking(server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip").write_bytes(archives["emodb"])
    code = f"""
import os, zipfile
from dataclasses import replace
from ser_estimators.datasets import _fetch

def extract_some(self, path):
    for name in self.namelist()[:100]:
        self.extract(name, path)
    os._exit(9)

zipfile.ZipFile.extractall = extract_some
known_hash = "{_fetch._ARCHIVES["emodb"].known_hash}"
_fetch._ARCHIVES["emodb"] = replace(_fetch._ARCHIVES["emodb"], known_hash=known_hash)
_fetch.fetch_emodb(data_home="home")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert not Path("home/emodb").exists()
    assert Path("home/.emodb.lock").exists()  # left behind, but a dead process holds no lock
    assert len(fetch_emodb().data) == 535
    assert not httpd.requests


def test_four_simultaneous_jobs_download_once(server, archives):
    httpd = server("emodb", archives["emodb"])
    with ThreadPoolExecutor(4) as pool:
        corpora = list(pool.map(lambda _: fetch_emodb(), range(4)))
    assert [len(corpus.data) for corpus in corpora] == [535] * 4
    assert len(httpd.requests) == 1
    assert left_in("home") == ["emodb"]


def test_short_response_that_the_http_library_accepts():
    part = Path("x.zip.part")
    archive = _fetch._ARCHIVES["emodb"]
    response = SimpleNamespace(headers={"Content-Length": "9"}, iter_content=lambda size: [b"1234"])
    with pytest.raises(requests.ConnectionError, match="broke off after 4 of 9 bytes"):
        _download._Resuming(archive, part, None, None)._write(response, 0)
    assert part.read_bytes() == b"1234"


def test_progress_is_logged(server, archives, monkeypatch):
    import pooch

    lines = []
    monkeypatch.setattr(pooch.get_logger(), "info", lambda line, *_: lines.append(line))
    monkeypatch.setattr(_download, "_STEP", 10_000)
    server("emodb", archives["emodb"])
    fetch_emodb()
    assert sum("EmoDB: 0 of 0 MB" in line for line in lines) > 3


def test_no_file_is_left_open(server, archives):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server("emodb", archives["emodb"])
        fetch_emodb()
