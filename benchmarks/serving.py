"""Requests per second, and the time to answer them, of the server of the examples.

    python benchmarks/serving.py

Clients send the same file of three seconds again and again: to examples/serve_fastapi.py in one
process, in two processes, and to a server that runs the ONNX file. The servers take turns, and the
best of several rounds is printed, since other programs can only slow them down. The network has the
default size. It is trained for one epoch on synthetic voices, because weights have no effect on the
time. The clients run on the same processor.
"""

import argparse
import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SR, SECONDS = 16000, 3
CLIENTS = (1, 2, 4, 8)
SERVERS = {
    "pipeline, 1 process": ("--app-dir", str(HERE.parent / "examples"), "serve_fastapi:app"),
    "pipeline, 2 processes": (
        *("--app-dir", str(HERE.parent / "examples"), "serve_fastapi:app"),
        *("--workers", "2"),
    ),
    "ONNX, 1 process": ("--app-dir", str(HERE), "--factory", "serving:onnx_app"),
}


def main() -> None:
    """Measure all servers in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rounds", type=int, default=5, help="measurements of each kind, of which the best counts"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of a measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chdir(folder)
        content = prepare()
        ports = {name: stack.enter_context(serve(SERVERS[name])) for name in SERVERS}
        for port in ports.values():
            wait_for(port, content)
        rows: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
        for _ in range(arguments.rounds):
            for n_clients in CLIENTS:
                for name, port in ports.items():
                    found = measure(port, content, n_clients, arguments.seconds)
                    rows.setdefault((name, n_clients), []).append(found)
        os.chdir(HERE)
    print(f"one file of {SECONDS} s, {os.cpu_count()} cores; best of {arguments.rounds} rounds")
    print(f"{'':<24}{'clients':>8}{'requests/s':>12}{'median, ms':>12}{'95 %, ms':>12}")
    for name in SERVERS:
        for n_clients in CLIENTS:
            rate, median, high = max(rows[name, n_clients])
            print(
                f"{name:<24}{n_clients:>8}{rate:>12.0f}{1000 * median:>12.0f}{1000 * high:>12.0f}"
            )


def prepare() -> bytes:
    """Write both models, and return the content of the file."""
    import soundfile

    from ser_estimators import export_onnx, make_ser_pipeline, save_model
    from ser_estimators.datasets import make_emotional_speech

    corpus = make_emotional_speech(4, 2, out_dir="voices", random_state=0)
    pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=1)
    pipe.fit(corpus.data, corpus.target)
    save_model(pipe, "emotion.safetensors")
    export_onnx(pipe, "model.onnx")
    voices = np.concatenate([soundfile.read(path)[0] for path in corpus.data[:4]])
    soundfile.write("voice.wav", np.resize(voices, SR * SECONDS), SR)
    return Path("voice.wav").read_bytes()


@contextlib.contextmanager
def serve(arguments: tuple[str, ...]):
    """Start a server and return its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", *arguments, "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "error"])
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def onnx_app():
    """Return a server like that of the examples, which runs the ONNX file."""
    import io
    import json
    from typing import Annotated

    import onnxruntime
    import soundfile
    import soxr
    from fastapi import Body, FastAPI

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession("model.onnx", options)
    metadata = session.get_modelmeta().custom_metadata_map
    rate, classes = int(metadata["sampling_rate"]), json.loads(metadata["classes"])
    app = FastAPI()

    @app.post("/predict/bytes")
    def predict(content: Annotated[bytes, Body(media_type="application/octet-stream")]) -> dict:
        samples, own_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
        waveform = soxr.resample(samples.mean(axis=1), own_rate, rate)
        lengths = np.array([waveform.size])
        (scores,) = session.run(None, {"waveform": waveform[None], "lengths": lengths})
        return dict(zip(classes, scores[0].tolist(), strict=True))

    return app


def wait_for(port: int, content: bytes) -> None:
    """Wait until a server answers."""
    while True:
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                with contextlib.closing(connect(port)) as connection:
                    ask(connection, content)
            return
        time.sleep(0.2)


def connect(port: int) -> http.client.HTTPConnection:
    """Return a connection to a server."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def ask(connection: http.client.HTTPConnection, content: bytes) -> None:
    """Send the file once and read the answer."""
    connection.request("POST", "/predict/bytes", content)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()


def measure(
    port: int, content: bytes, n_clients: int, seconds: float
) -> tuple[float, float, float]:
    """Return requests per second, and the median and the 95th percentile of their seconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        with contextlib.closing(connect(port)) as connection:
            while (start := time.perf_counter()) < end:
                ask(connection, content)
                times.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client) for _ in range(n_clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration = time.perf_counter() - begin
    median, high = np.quantile(times, [0.5, 0.95])
    return len(times) / duration, float(median), float(high)


if __name__ == "__main__":
    main()
