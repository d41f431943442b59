"""A headless Chromium that tests control through a pipe, with the standard library only."""

import json
import os
import shutil
import subprocess
import sys
import time
from base64 import b64decode

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # which does not work as root, and pages are those of the tests
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=900,900",
)
# Chromium reads from descriptor 3 and writes to 4, from which the pipes are moved away first.
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A context manager with one page, controlled by the Chrome DevTools Protocol.

    https://chromedevtools.github.io/devtools-protocol
    """

    def __init__(self, folder, timeout=60):
        self.folder = folder
        self.timeout = timeout
        self.number = 0
        self.received = b""

    def __enter__(self):
        self.pipes = [os.pipe(), os.pipe()]
        ends = self.pipes[0][0], self.pipes[1][1]
        command = [CHROMIUM, *_FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, ends), *command],
            pass_fds=ends,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in ends:
            os.close(end)
        self.session = None
        pages = self.call("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = found["sessionId"]
        return self

    def __exit__(self, *error):
        os.close(self.pipes[0][1])
        os.close(self.pipes[1][0])
        self.process.terminate()
        self.process.wait(self.timeout)

    def call(self, method, **params):
        """Call a method of the protocol and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.pipes[0][1], json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self):
        while b"\0" not in self.received:
            chunk = os.read(self.pipes[1][0], 1 << 16)
            assert chunk, "Chromium has closed the pipe"
            self.received += chunk
        message, self.received = self.received.split(b"\0", maxsplit=1)
        return json.loads(message)

    def open(self, url):
        """Open a page."""
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        """Evaluate JavaScript and return its value."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression):
        """Evaluate JavaScript until its value is true, and return it."""
        end = time.monotonic() + self.timeout
        while not (value := self.evaluate(expression)):
            text = "document.body.innerText"
            assert time.monotonic() < end, f"{expression} on: {self.evaluate(text)}"
            time.sleep(0.05)
        return value

    def choose_files(self, selector, paths):
        """Choose files in an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[os.path.abspath(p) for p in paths])

    def screenshot(self, path):
        """Save a picture of the whole page as PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(b64decode(answer["data"]))
