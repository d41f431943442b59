"""A hub that answers, and networks that fail in every way: a local server in place of the hub."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest

from ser_estimators._encoders.files import find_files
from ser_estimators.exceptions import EncoderError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOGIN = b"<html>Please log in to the network of this hotel</html>"
FILES = "config.json preprocessor_config.json model.safetensors README.md"


class Hub(BaseHTTPRequestHandler):
    """Serves one encoder as x/good, and fails for other names in the way that they say."""

    protocol_version = "HTTP/1.1"
    folder = Path()
    is_broken = False

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/break":
            type(self).is_broken = True
            return self.answer(200)
        name = path.removeprefix("/api/models").split("/")[2]
        if name == "reset" or (name == "good" and self.is_broken):
            self.close_connection = True
            return self.connection.close()
        if name == "half":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"sha": ')
            self.close_connection = True
            return None
        if name == "login":
            return self.answer(200, LOGIN, Content_Type="text/html")
        if name == "list":
            return self.answer(200, b"[1, 2]")
        if name == "gated":
            return self.answer(403, X_Error_Code="GatedRepo", X_Error_Message="Ask the authors")
        if name == "missing":
            return self.answer(401, X_Error_Code="RepoNotFound")
        if name == "revision":
            return self.answer(404, X_Error_Code="RevisionNotFound")
        if name.startswith("status"):
            return self.answer(int(name.removeprefix("status")), b"no")
        return self.serve(path)

    def serve(self, path):
        content = {each.name: each.read_bytes() for each in self.folder.iterdir()}
        if "/resolve/" in path:
            body = content[path.rpartition("/")[2]]
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            return self.answer(200, body, ETag=etag, X_Repo_Commit=COMMIT)
        if "/tree/" in path:
            rows = [
                {"type": "file", "path": name, "size": len(body), "oid": "1"}
                for name, body in content.items()
            ]
            return self.answer(200, json.dumps(rows).encode())
        siblings = [{"rfilename": name} for name in content]
        found = {"id": "x/good", "modelId": "x/good", "sha": COMMIT, "siblings": siblings}
        return self.answer(200, json.dumps(found | {"tags": [], "private": False}).encode())


@pytest.fixture
def hub(whisper_folder, monkeypatch):
    """Start a server in the place of the hub, for other processes."""
    monkeypatch.setattr(Hub, "folder", whisper_folder)
    monkeypatch.setattr(Hub, "is_broken", False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


CODE = """
import json, sys, urllib.request
from ser_estimators._encoders.files import find_files
from ser_estimators.exceptions import EncoderError

for name, revision in json.loads(sys.argv[1]):
    if name == "break":
        urllib.request.urlopen(sys.argv[2] + "/break").read()
        continue
    try:
        found = find_files(name, revision=revision, local_files_only=False)
        print(json.dumps([found.revision, found.digest]))
    except EncoderError as error:
        print(json.dumps(str(error)))
"""


def find_in_process(hub, names):
    """Find encoders in a process that knows only this hub; return digests or messages."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_ENDPOINT": hub, "HF_HOME": os.path.abspath("home"), "HF_HUB_DISABLE_XET": "1"}
    env |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_PROXY": "*"}
    command = [sys.executable, "-c", CODE, json.dumps(names), hub]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_download_and_then_a_broken_network(hub, whisper_folder):
    expected = find_files(whisper_folder, revision=None, local_files_only=True).digest
    names = [("x/good", None), ("break", None), ("x/good", None), ("x/good", COMMIT)]
    found = find_in_process(hub, names)
    assert found == [[COMMIT, expected]] * 3
    links = [path for path in Path("home").rglob("*") if path.is_symlink()]
    assert links, "the cache has links, which is why the command of the errors avoids it"


UNEXPECTED = "it has not been downloaded, and the Hugging Face Hub does not answer as expected"


def test_every_failure_names_the_encoder_and_a_remedy(hub):
    expected = {
        ("x/reset", None): ["the encoder 'x/reset'", UNEXPECTED, f"hf download x/reset {FILES} "],
        ("x/half", None): ["the encoder 'x/half'", UNEXPECTED, "--local-dir half'"],
        ("x/login", None): [UNEXPECTED, "JSONDecodeError", "pass that folder as model"],
        ("x/list", None): [UNEXPECTED],
        ("x/status429", None): [UNEXPECTED, "429"],
        ("x/status401", None): ["refuses access (status 401)", "hf auth login"],
        ("x/status403", None): ["refuses access (status 403)", "Accept the conditions", "log in"],
        ("x/gated", None): ["'x/gated': the Hugging Face Hub refuses access", "log in"],
        ("x/missing", None): ["There is no folder and no public model 'x/missing'", "auth login"],
        ("x/revision", "v2"): ["There is no revision 'v2' of 'x/revision'"],
        ("x/reset", "v2"): ["revision 'v2' of 'x/reset'", f"{FILES} --revision v2 --local-dir res"],
        ("a--b/c", None): ["'a--b/c' is not a name on the Hugging Face Hub"],
    }
    found = find_in_process(hub, list(expected))
    for (name, _), parts, message in zip(expected, expected.values(), found, strict=True):
        assert isinstance(message, str), name
        missing = [part for part in parts if part not in message]
        assert not missing, (missing, message)
        assert len(message) < 1000


def test_a_server_that_does_not_exist():
    (message,) = find_in_process("http://127.0.0.1:9", [("x/good", None)])
    # Before version 1, the library for the hub raised the same error in both cases.
    is_told = int(version("huggingface_hub").partition(".")[0]) >= 1
    what = "cannot be reached" if is_told else "does not answer as expected"
    assert f"it has not been downloaded, and the Hugging Face Hub {what}" in message


def test_local_files_only(monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(Path("cache").absolute()))
    message = (
        "Could not load the encoder 'openai/whisper-base': there is no such folder, it has not "
        "been downloaded, and local_files_only=True forbids downloading it.* "
        f"'hf download openai/whisper-base {FILES} --local-dir whisper-base', and copy the folder"
    )
    with pytest.raises(EncoderError, match=message):
        find_files("openai/whisper-base", revision=None, local_files_only=True)
    with pytest.raises(EncoderError, match="Could not load revision 'main' of 'a/b'"):
        find_files("a/b", revision="main", local_files_only=True)


def test_the_command_of_the_errors_fills_a_folder_without_links(hub, whisper_folder):
    """The command line of the hub, whose options have changed between versions."""
    pytest.importorskip("huggingface_hub.cli.hf")
    names = FILES.replace(" README.md", "")  # the tiny encoder has no card
    env = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": os.path.abspath("home"), "NO_PROXY": "*"}
    command = [sys.executable, "-m", "huggingface_hub.cli.hf", "download", "x/good", *names.split()]
    command += ["--local-dir", "good"]
    env["HF_HUB_DISABLE_XET"] = "1"
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = find_files(whisper_folder, revision=None, local_files_only=True).digest
    assert find_files("good", revision=None, local_files_only=True).digest == expected
    assert not any(path.is_symlink() for path in Path("good").iterdir())
