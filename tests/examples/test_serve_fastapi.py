"""The server of the examples: a real process, real HTTP, good and bad requests, and load."""

import base64
import io
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_estimators import SpectrogramCNN, load_model, make_ser_pipeline, save_model

from .servers import EXAMPLES, Server, form_of

for name in ("fastapi", "multipart", "uvicorn"):
    pytest.importorskip(name)

SCRIPT = EXAMPLES / "serve_fastapi.py"
MAX_BYTES, MAX_FILES, MAX_SECONDS = 20_000_000, 16, 60
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture(scope="module")
def model_file(voices, tmp_path_factory):
    pipe = make_ser_pipeline(random_state=0).set_params(
        cnn__network=SpectrogramCNN(channels=(4, 8, 8)), cnn__embedding_dim=9, cnn__max_epochs=8
    )
    path = tmp_path_factory.mktemp("serve") / "emotion.safetensors"
    return save_model(pipe.fit(voices.data, voices.target), path)


@pytest.fixture(scope="module")
def model(model_file):
    return load_model(model_file)


def start(model_file, folder):
    def command(listening):
        app = ("--app-dir", str(EXAMPLES), "serve_fastapi:app", "--http", "h11")
        return ["-W", "error", "-m", "uvicorn", *app, "--fd", str(listening.fileno())]

    return Server(command, folder / "server.log", {"SER_MODEL": str(model_file)})


@pytest.fixture(scope="module")
def server(model_file, tmp_path_factory):
    """Return a server that all tests share, none of which may have made it print a traceback."""
    with start(model_file, tmp_path_factory.mktemp("server")) as server:
        assert server.request("GET", "/health") == (200, {"status": "ok"})
        yield server
        printed = server.interrupt()
    assert "Traceback" not in printed
    assert "ERROR" not in printed


def encode(waveform, rate, **options):
    file = io.BytesIO()
    soundfile.write(file, waveform, rate, **options)
    return file.getvalue()


def noise(n_samples, *channels):
    return 0.1 * np.random.default_rng(0).normal(size=(n_samples, *channels))


def check_answer(answer, model, contents, names):
    status, rows = answer
    assert status == 200
    assert [row["file"] for row in rows] == names
    assert [row["label"] for row in rows] == model.predict(contents).tolist()
    expected = model.predict_proba(contents)
    for row, probabilities in zip(rows, expected, strict=True):
        assert list(row["probabilities"]) == model.classes_.tolist()
        np.testing.assert_allclose(list(row["probabilities"].values()), probabilities, atol=1e-5)


def test_script_is_short():
    assert len(SCRIPT.read_text().splitlines()) < 60


FORMATS = {
    "a.wav": encode(noise(16000), 16000, format="WAV"),
    "stereo.wav": encode(noise(44100, 2), 44100, format="WAV", subtype="FLOAT"),
    "a.flac": encode(noise(22050), 22050, format="FLAC"),
    "a.ogg": encode(noise(48000), 48000, format="OGG", subtype="OPUS"),
    "a.mp3": encode(noise(24000), 24000, format="MP3"),
    "large.wav": encode(noise(48000 * 20), 48000, format="WAV"),  # spooled to a temporary file
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(server, model, name):
    content = FORMATS[name]
    check_answer(server.upload((name, content)), model, [content], [name])
    raw = server.request("POST", "/predict/bytes", content, Content_Type="audio/any")
    check_answer(raw, model, [content], ["clip 1"])
    encoded = base64.b64encode(content).decode()
    check_answer(server.post_json({"audio": encoded}), model, [content], ["clip 1"])


def test_several_uploads_are_answered_in_their_order(server, model, voices):
    contents = [Path(path).read_bytes() for path in voices.data[:MAX_FILES]]
    names = [f"{number}.wav" for number in range(MAX_FILES)]
    answer = server.upload(*zip(names, contents, strict=True))
    check_answer(answer, model, contents, names)


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain", "video/webm"])
def test_content_type_of_bytes_does_not_matter(server, model, kind):
    headers = {} if kind is None else {"Content_Type": kind}
    answer = server.request("POST", "/predict/bytes", FORMATS["a.wav"], **headers)
    check_answer(answer, model, [FORMATS["a.wav"]], ["clip 1"])


BAD = {
    "empty.wav": (b"", "the file is empty"),
    "truncated.wav": (FORMATS["a.wav"][:9000], "of the audio that its header announces"),
    "truncated.flac": (FORMATS["a.flac"][:9000], "it is damaged or truncated"),
    "text.wav": (b"hello", "it is text, not audio"),
    "path.wav": (b"/etc/passwd", "it is text, not audio"),
    "page.wav": (b"<!DOCTYPE html>", "it is a web page, not audio"),
    "zeros.wav": (bytes(1000), "are those of no known audio format"),
    "nan.wav": (
        encode(np.full(100, np.nan), 16000, format="WAV", subtype="FLOAT"),
        "100 of its 100 samples are NaN",
    ),
    "long.wav": (
        encode(np.zeros(4000 * MAX_SECONDS + 400), 4000, format="WAV", subtype="PCM_U8"),
        "it is 60.1 s long; expected at most max_duration=60 s",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_recordings_that_cannot_be_used(server, name):
    content, reason = BAD[name]
    answers = {name: server.upload((name, content))}
    if content:
        answers[""] = server.request("POST", "/predict/bytes", content, Content_Type="audio/wav")
    for file, (status, answer) in answers.items():
        assert status == 422
        assert answer["detail"][0]["file"] == file
        assert reason in answer["detail"][0]["reason"]
    encoded = base64.b64encode(content).decode()
    status, answer = server.post_json({"audio": encoded})
    assert status == 422
    assert reason in answer["detail"][0]["reason"]


def test_all_bad_uploads_are_named(server):
    files = [("good.wav", FORMATS["a.wav"])]
    files += [(name, BAD[name][0]) for name in ("empty.wav", "long.wav")]
    status, answer = server.upload(*files)
    assert status == 422
    assert [row["file"] for row in answer["detail"]] == ["empty.wav", "long.wav"]


def test_header_that_is_wrong_about_the_length(server):
    """A few kilobytes of FLAC that decode to an hour, and announce a second."""
    data = bytearray(encode(np.zeros(8000 * 3600, np.int16), 8000, format="FLAC"))
    packed = int.from_bytes(data[18:26], "big")
    data[18:26] = (packed >> 36 << 36 | 8000).to_bytes(8, "big")
    status, answer = server.upload(("a.flac", bytes(data)))
    assert status == 422
    assert answer["detail"][0]["reason"].startswith("it is 3600.0 s long")


@pytest.mark.parametrize("name", ["../../etc/passwd", "ü.wav", "a" * 300, "\x1b[2J.wav"])
def test_names_of_uploads_are_only_names(server, name):
    status, answer = server.upload((name, b"hello"))
    assert status == 422
    assert "it is text, not audio" in answer["detail"][0]["reason"]
    assert server.upload((name, FORMATS["a.wav"]))[0] == 200


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nhello\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("path", "kind", "body", "status", "message"),
    [
        ("/predict", FORM, b"", 422, "Field required"),
        ("/predict", FORM, b"--x--", 422, "Field required"),
        ("/predict", FORM, PART, 422, "Expected UploadFile"),
        ("/predict", FORM, b"hello", 400, ""),
        ("/predict", FORM, PART[:-9], 422, "Field required"),
        ("/predict", "multipart/form-data", PART, 400, "Missing boundary in multipart."),
        ("/predict", "audio/wav", FORMATS["a.wav"], 422, "Field required"),
        ("/predict", "application/json", b"{}", 422, "Field required"),
        ("/predict/bytes", "audio/wav", b"", 422, "Field required"),
        ("/predict/json", "application/json", b"", 422, "Field required"),
        ("/predict/json", "application/json", b"{", 422, "JSON decode error"),
        ("/predict/json", "application/json", b"\xff", 400, "error parsing the body"),
        ("/predict/json", "application/json", b"[1]", 422, "Field required"),
        ("/predict/json", "application/json", b'{"clip": "UklGRg=="}', 422, "Field required"),
        ("/predict/json", "application/json", b'{"audio": 1}', 422, "valid bytes"),
        ("/predict/json", "application/json", b'{"audio": "a"}', 422, "Base64 decoding error"),
        ("/predict/json", "application/json", b"[" * 10**6, 400, "error parsing the body"),
        ("/predict/json", "audio/wav", FORMATS["a.wav"], 422, "Field required"),
        ("/nothing", "audio/wav", b"", 404, "Not Found"),
    ],
)
def test_requests_that_are_wrong(server, path, kind, body, status, message):
    found, answer = server.request("POST", path, body, Content_Type=kind)
    assert found == status, answer
    detail = answer["detail"]
    assert message in (detail if isinstance(detail, str) else detail[0]["reason"])
    if isinstance(detail, list):
        assert all(set(problem) == {"file", "reason"} for problem in detail)


def test_requests_are_not_repeated_in_answers(server):
    status, answer = server.post_json({"audio": "A" * 1_000_001})
    assert status == 422
    assert "'audio'" in answer["detail"][0]["reason"]
    assert len(str(answer)) < 500
    body = PART.replace(b"--x--\r\n", b"") * 500 + b"--x--\r\n"
    status, answer = server.request("POST", "/predict", body, Content_Type=FORM)
    assert status == 422
    assert len(str(answer)) < 2000


def test_other_methods_are_refused(server):
    assert server.request("GET", "/predict")[0] == 405
    assert server.request("DELETE", "/health")[0] == 405


def test_number_of_uploads_is_limited(server):
    status, answer = server.upload(*[("a.wav", FORMATS["a.wav"])] * (MAX_FILES + 1))
    assert status == 422
    assert "at most 16 items" in answer["detail"][0]["reason"]


def test_bytes_up_to_the_limit_are_read(server):
    for n_bytes, expected in ((MAX_BYTES, 422), (MAX_BYTES + 1, 413)):
        status, _ = server.request("POST", "/predict/bytes", b"\x01" * n_bytes)
        assert status == expected


HEAD = "POST {} HTTP/1.1\r\nHost: here\r\nContent-Type: {}\r\n{}\r\n\r\n"


def send(server, path, kind, length, chunks):
    """Send chunks until there is an answer, or none are left, and return the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(HEAD.format(path, kind, length).encode())
        for chunk in chunks:
            connection.setblocking(False)
            try:
                received = connection.recv(1 << 16)
            except BlockingIOError:
                received = None
            connection.settimeout(60)
            if received is not None:
                return received
            try:
                connection.sendall(chunk)
            except OSError:  # the server has answered, and reads no more
                break
        return connection.recv(1 << 16)


@pytest.mark.parametrize("path", ["/predict", "/predict/bytes", "/predict/json"])
def test_long_announced_bodies_are_refused_before_they_are_sent(server, path):
    kind = form_of()[1] if path == "/predict" else "application/json"
    received = send(server, path, kind, f"Content-Length: {10**15}", [])
    assert received.startswith(b"HTTP/1.1 413 ")


@needs_proc
@pytest.mark.parametrize("path", ["/predict", "/predict/bytes", "/predict/json"])
def test_endless_bodies_are_cut_off(server, path):
    """A body in chunks has no announced length; 2 GB of it would be sent."""
    begin, kind = b'{"audio": "', "application/json"
    if path == "/predict":
        form, kind = form_of(("a.wav", b""))
        begin = form[: form.index(b"\r\n\r\n") + 4]
    pieces = begin, *[b"A" * (1 << 20)] * 2000
    chunks = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    before = server.peak_memory()
    received = send(server, path, kind, "Transfer-Encoding: chunked", chunks)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert server.peak_memory() - before < 10 * MAX_BYTES


def test_length_that_is_wrong(server, model):
    content = FORMATS["a.wav"]
    short = f"Content-Length: {len(content) - 1000}\r\nConnection: close"
    received = send(server, "/predict/bytes", "audio/wav", short, [content])
    # A recording without its end, as far as the request goes.
    assert received.startswith((b"HTTP/1.1 422 ", b"HTTP/1.1 400 "))
    for length in ("-1", "1e3", "many"):
        received = send(server, "/predict/bytes", "audio/wav", f"Content-Length: {length}", [b"x"])
        assert received.startswith(b"HTTP/1.1 400 ")
    check_answer(server.upload(("a.wav", content)), model, [content], ["a.wav"])


@pytest.mark.parametrize("path", ["/predict", "/predict/bytes", "/predict/json"])
def test_clients_that_leave_in_the_middle(server, model, path):
    body, kind = form_of(("large.wav", FORMATS["large.wav"]))
    kind = kind if path == "/predict" else "application/json"
    head = HEAD.format(path, kind, f"Content-Length: {len(body)}").encode()
    for n_bytes in (0, 100, 10**6):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head + body[:n_bytes])
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head[:20])  # not even the head
    content = FORMATS["a.wav"]
    check_answer(server.upload(("a.wav", content)), model, [content], ["a.wav"])


@needs_proc
def test_load(server, model, voices):
    """Eight clients at a time: every answer is right, and memory does not grow with them."""
    contents = [Path(path).read_bytes() for path in voices.data[:8]]
    expected = {path: model.predict_proba([path])[0] for path in voices.data[:8]}

    def ask(number):
        status, (row,) = server.request("POST", "/predict/bytes", contents[number % 8])
        assert server.request("GET", "/health") == (200, {"status": "ok"})
        return status, list(row["probabilities"].values())

    peaks = []
    with ThreadPoolExecutor(8) as clients:
        for _ in range(3):
            answers = list(clients.map(ask, range(80)))
            peaks.append(server.peak_memory())
            for number, (status, probabilities) in enumerate(answers):
                assert status == 200
                wanted = expected[voices.data[number % 8]]
                np.testing.assert_allclose(probabilities, wanted, atol=1e-6)
    assert peaks[2] - peaks[0] < 50e6


def test_health_is_answered_while_all_threads_predict(server):
    content = encode(noise(16000 * (MAX_SECONDS - 1)), 16000, format="FLAC")
    with ThreadPoolExecutor(6) as clients:
        waiting = [
            clients.submit(server.request, "POST", "/predict/bytes", content) for _ in range(6)
        ]
        n_healthy = 0
        while not all(future.done() for future in waiting):
            assert server.request("GET", "/health")[0] == 200
            n_healthy += 1
            time.sleep(0.01)
    assert n_healthy > 1
    assert {future.result()[0] for future in waiting} == {200}


def test_interrupt_ends_the_server_after_the_last_answer(model_file, tmp_path):
    content = FORMATS["a.wav"]
    head = HEAD.format("/predict/bytes", "audio/wav", f"Content-Length: {len(content)}").encode()
    with start(model_file, tmp_path) as server:
        assert server.request("GET", "/health")[0] == 200
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(head + content[:9000])
            assert server.request("GET", "/health")[0] == 200  # the upload has begun
            server.process.send_signal(signal.SIGINT)
            while "Waiting for connections to close" not in server.log.read_text():
                assert server.process.poll() is None
                time.sleep(0.01)
            connection.sendall(content[9000:])
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        server.process.wait(60)
        printed = server.log.read_text()
    assert "Finished server process" in printed
    assert "Traceback" not in printed


def test_model_that_is_missing(tmp_path):
    with start(tmp_path / "none.safetensors", tmp_path) as server:
        assert server.process.wait(60) == 1
        assert "none.safetensors': there is no such file" in server.log.read_text()
