"""Shared by the tests of the corpora: complete corpora, archives and a server for them."""

import hashlib
import threading
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from ser_estimators.datasets import _fetch

from .helpers import NAMES, Handler, make, zip_of


@pytest.fixture(scope="package")
def corpora(tmp_path_factory):
    """Make complete corpora, with files that only have a header."""
    root = tmp_path_factory.mktemp("corpora")
    return {name: make(root / name, names()) for name, names in NAMES.items()}


@pytest.fixture(scope="package")
def archives():
    """Make the archives of the corpora that can be downloaded."""
    return {name: zip_of(NAMES[name]()) for name in ("ravdess", "tess", "emodb")}


@pytest.fixture
def server(monkeypatch):
    """Start a server; call the result with a corpus and the bytes of its archive."""
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
