"""Real servers in processes of their own, and requests to them."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


class Server:
    """A context manager with a running process that listens on a free port.

    Parameters
    ----------
    command : callable
        Returns the arguments of Python for a socket that listens.
    log : Path
        File that receives what the process prints.
    environment : dict of str to str
        Variables that are added to those of the tests.
    """

    def __init__(self, command, log, environment):
        self.command = command
        self.log = log
        self.environment = environment

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as listening, self.log.open("wb") as log:
            self.port = listening.getsockname()[1]
            self.process = subprocess.Popen(
                [sys.executable, *self.command(listening)],
                pass_fds=[listening.fileno()],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self.environment,
            )
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def interrupt(self):
        """Send Ctrl-C, and return what the process has printed until its end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        return self.log.read_text()

    def peak_memory(self):
        """Return the largest number of bytes in memory so far; Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])

    def request(self, method, path, body=None, **headers):
        """Return status and parsed body of the answer to a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, names)
            return answer_of(connection.getresponse())

    def upload(self, *files, field="files"):
        """Post pairs of a name and a content as a form."""
        body, kind = form_of(*files, field=field)
        return self.request("POST", "/predict", body, Content_Type=kind)

    def post_json(self, value):
        body = json.dumps(value)
        return self.request("POST", "/predict/json", body, Content_Type="application/json")


def answer_of(response):
    content = response.read().decode()
    is_json = response.getheader("content-type") == "application/json"
    return response.status, json.loads(content) if is_json else content


def form_of(*files, field="files"):
    """Return the body of a form with files, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        .encode() + content + b"\r\n"
        for name, content in files
    ]  # fmt: skip
    end = f"--{boundary}--\r\n".encode()
    return b"".join([*parts, end]), f"multipart/form-data; boundary={boundary}"


def wait_for(ready, process):
    """Call a function until it returns without an OSError while a process runs."""
    while True:
        assert process.poll() is None, "the server has ended"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ready()
        time.sleep(0.1)
