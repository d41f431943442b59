"""fetch_*, against a real HTTP server on this machine that breaks off, lies and counts."""

import hashlib
import io
import subprocess
import sys
import threading
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from ser_estimators.datasets import _download, _fetch, fetch_emodb, fetch_ravdess, fetch_tess
from tests.test_corpora import emodb_names, ravdess_names, tess_names

BLOCK = _download._BLOCK
FETCHERS = {"ravdess": fetch_ravdess, "tess": fetch_tess, "emodb": fetch_emodb}
NAMES = {"ravdess": ravdess_names, "tess": tess_names, "emodb": emodb_names}


def zip_of(names, extra=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for folder, name in names:
            file.writestr(f"{folder}/{name}.wav", b"RIFF" + name.encode())
        for name in extra:
            file.writestr(name, b"RIFF")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def archives():
    return {name: zip_of(names()) for name, names in NAMES.items()}


class Handler(BaseHTTPRequestHandler):
    """Serves ``server.content``; each request takes the next of ``server.plan``, then all is well.

    A number breaks the connection after so many bytes, "503" and "404" are answers, "no ranges"
    sends the whole file whatever was asked for.
    """

    def do_GET(self):
        server, content = self.server, self.server.content
        asked = self.headers.get("Range")
        server.requests.append(asked)
        step = server.plan.pop(0) if server.plan else None
        if step in ("404", "503"):
            self.send_error(int(step))
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if step == "no ranges":
            start = 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if step != "no length":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = start + step if isinstance(step, int) else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """Start a server, and point a corpus at it: call with its name and the bytes to serve."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SER_ESTIMATORS_DATA", str(Path("home").absolute()))
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.requests, httpd.plan = [], []

    def publish(name, content, known_hash=None):
        httpd.content = content
        archive = replace(
            _fetch._ARCHIVES[name],
            url=f"http://127.0.0.1:{httpd.server_port}/{name}.zip?download=1",
            known_hash=known_hash or f"md5:{hashlib.md5(content).hexdigest()}",
        )
        monkeypatch.setitem(_fetch._ARCHIVES, name, archive)
        return httpd

    thread = threading.Thread(target=httpd.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield publish
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def left_in(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.parametrize("name", FETCHERS)
def test_downloads_once(name, server, archives):
    httpd = server(name, archives[name])
    first = FETCHERS[name]()
    assert first.data == FETCHERS[name]().data
    assert len(httpd.requests) == 1
    assert left_in("home") == [name]
    assert len(first.data) == {"ravdess": 1440, "tess": 2800, "emodb": 535}[name]
    assert Path(first.data[0]).read_bytes().startswith(b"RIFF")


def test_nothing_is_asked_and_pooch_not_needed_once_it_is_there(server, archives, monkeypatch):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb(data_home="here")
    monkeypatch.setitem(sys.modules, "pooch", None)
    corpus = fetch_emodb(data_home=Path("here"), as_frame=True, emotions={"L": None})
    assert len(httpd.requests) == 1
    assert len(corpus.frame) == 535 - 81
    with pytest.raises(
        ImportError, match=r"EmoDB needs pooch, .* 'pip install ser_estimators\[fet"
    ):
        fetch_emodb(data_home="elsewhere")


def test_parameters_reach_the_loader(server, archives):
    server("ravdess", archives["ravdess"])
    assert "calm" not in fetch_ravdess(merge_calm=True).target_names


def test_missing_and_not_to_be_downloaded(server, archives):
    httpd = server("emodb", archives["emodb"])
    with pytest.raises(FileNotFoundError, match=r"EmoDB is not in '.*emodb' and download_if_missi"):
        fetch_emodb(download_if_missing=False)
    assert not httpd.requests
    assert not Path("home").exists()


def test_home_of_last_resort(monkeypatch):
    monkeypatch.delenv("SER_ESTIMATORS_DATA", raising=False)
    monkeypatch.setenv("HOME", str(Path("user").absolute()))
    with pytest.raises(FileNotFoundError, match="user/ser_estimators_data/tess'"):
        fetch_tess(download_if_missing=False)


def test_wrong_checksum_leaves_nothing(server, archives):
    httpd = server("emodb", b"<html>please log in</html>", known_hash="md5:" + "0" * 32)
    with pytest.raises(
        ValueError, match=r"sent is not EmoDB as it was published: MD5 hash of .*By"
    ):
        fetch_emodb()
    assert left_in("home") == []
    assert len(httpd.requests) == 1


def test_broken_connection_is_taken_up_where_it_ended(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK + 1000, 2 * BLOCK, "503"]
    assert len(fetch_emodb(delay=0).data) == 535
    assert httpd.requests == [
        *(None, f"bytes={BLOCK}-", f"bytes={3 * BLOCK}-", f"bytes={3 * BLOCK}-")
    ]
    assert left_in("home") == ["emodb"]


def test_next_call_goes_on_where_the_last_gave_up(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK, 0]
    with pytest.raises(
        ConnectionError, match="EmoDB from http.* in 2 tries: .*first 8192 bytes are"
    ):
        fetch_emodb(n_retries=1, delay=0)
    assert left_in("home") == ["emodb.zip.part"]
    assert len(fetch_emodb(n_retries=0).data) == 535
    assert httpd.requests[-1] == f"bytes={BLOCK}-"
    assert left_in("home") == ["emodb"]


def test_server_that_cannot_send_a_part(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += [BLOCK, "no ranges"]
    assert len(fetch_emodb(delay=0).data) == 535


def test_server_that_does_not_say_how_much_comes(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += ["no length"]
    assert len(fetch_emodb().data) == 535


@pytest.mark.parametrize("rest", [b"x" * 1000, b"x" * 10**6])
def test_rest_of_another_file_is_thrown_away(rest, server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip.part").write_bytes(rest)
    assert len(fetch_emodb().data) == 535
    assert httpd.requests == [f"bytes={len(rest)}-", None]
    assert left_in("home") == ["emodb"]


def test_process_killed_between_download_and_unpacking(server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip").write_bytes(archives["emodb"])
    assert len(fetch_emodb().data) == 535
    assert not httpd.requests


def test_process_killed_at_the_last_byte(server, archives):
    httpd = server("emodb", archives["emodb"])
    Path("home").mkdir()
    Path("home/emodb.zip.part").write_bytes(archives["emodb"])
    assert len(fetch_emodb().data) == 535
    assert httpd.requests == [f"bytes={len(archives['emodb'])}-"]


def test_address_that_is_gone_is_not_tried_again(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.plan += ["404"]
    with pytest.raises(
        ConnectionError, match="in 1 tries: 404 .*download=1. By hand: download it from"
    ):
        fetch_emodb()
    assert len(httpd.requests) == 1
    assert left_in("home") == []


def test_no_server(server, archives):
    httpd = server("emodb", archives["emodb"])
    httpd.shutdown()
    httpd.server_close()
    with pytest.raises(
        ConnectionError, match="in 2 tries: .*By hand: download it from https://doi"
    ):
        fetch_emodb(n_retries=1, delay=0)


def test_force_replaces(server, archives):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb()
    Path("home/emodb/wav/03a01Wa.wav").unlink()
    with pytest.warns(UserWarning, match="534 clips where the whole corpus has 535"):
        fetch_emodb()
    assert len(fetch_emodb(force=True).data) == 535
    assert len(httpd.requests) == 2
    assert left_in("home") == ["emodb"]


def test_force_that_fails_keeps_what_was_there(server, archives):
    httpd = server("emodb", archives["emodb"])
    fetch_emodb()
    httpd.plan += ["404"]
    with pytest.raises(ConnectionError, match="404"):
        fetch_emodb(force=True)
    assert len(fetch_emodb().data) == 535


@pytest.mark.parametrize("name", ["../evil.wav", "/evil.wav", "a/../../evil.wav", "..\\evil.wav"])
def test_archive_that_would_write_elsewhere(name, server):
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
    assert len(fetch_emodb().data) == 535
    assert not httpd.requests


def test_four_jobs_at_once_download_once(server, archives):
    httpd = server("emodb", archives["emodb"])
    with ThreadPoolExecutor(4) as pool:
        corpora = list(pool.map(lambda _: fetch_emodb(), range(4)))
    assert [len(corpus.data) for corpus in corpora] == [535] * 4
    assert len(httpd.requests) == 1
    assert left_in("home") == ["emodb"]


def test_system_without_locks(server, archives, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    server("emodb", archives["emodb"])
    assert len(fetch_emodb().data) == 535


def test_short_answer_that_the_http_library_does_not_notice():
    rest = Path("x.zip.part")
    archive = _fetch._ARCHIVES["emodb"]
    answer = SimpleNamespace(headers={"Content-Length": "9"}, iter_content=lambda size: [b"1234"])
    with pytest.raises(requests.ConnectionError, match="broke off after 4 of 9 bytes"):
        _download._Resuming(archive, rest, 0, 0.0, None)._write(answer, 0)
    assert rest.read_bytes() == b"1234"


def test_progress_is_told(server, archives, monkeypatch):
    import pooch

    told = []
    monkeypatch.setattr(pooch.get_logger(), "info", lambda line, *_: told.append(line))
    monkeypatch.setattr(_download, "_STEP", 10_000)
    server("emodb", archives["emodb"])
    fetch_emodb()
    assert sum("EmoDB: 0 of 0 MB" in line for line in told) > 3


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_retries": -1}, ValueError, "n_retries == -1, must be >= 0"),
        ({"delay": "1"}, TypeError, "delay must be an instance of float"),
        ({"force": True, "download_if_missing": False}, ValueError, "asks to download and not to"),
    ],
)
def test_bad_parameter_is_named(parameters, error, message):
    with pytest.raises(error, match=message):
        fetch_tess(**parameters)


def test_hashes_are_whole():
    for archive in _fetch._ARCHIVES.values():
        algorithm, digest = archive.known_hash.split(":")
        assert algorithm == "md5"
        assert len(bytes.fromhex(digest)) == 16
        assert archive.url.startswith("https://")


def test_no_warning_of_open_files(server, archives):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server("emodb", archives["emodb"])
        fetch_emodb()
