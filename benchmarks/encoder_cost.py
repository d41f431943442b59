"""Time and memory of embedding clips of four seconds with a pretrained encoder.

   python benchmarks/encoder_cost.py /path/to/whisper-base

The rows take turns on the same clips of noise. "transformers" calls its encoder as the examples of
that library do: clip by clip, padded to 30 seconds by Whisper's front end, with all layers. Batches
of 16 are processed by all threads together, instead of a clip by each thread. With ``--threads 1``,
processor time can also be compared on a busy computer. Memory is the peak of a fresh process that
embeds. The last row searches over five layers with a cache: cold, so that the encoder runs once,
and warm.

With --recordings, it also prints how much bfloat16 changes the embeddings of real speech, in
standard deviations of each feature over all clips, and what batches of 16 would change.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch

from ser_estimators import EncoderEmbedder, MFCCTransformer
from ser_estimators._encoders.embedding import embed
from ser_estimators._encoders.files import find_files
from ser_estimators._encoders.loading import load_encoder
from ser_estimators._network.devices import resolve_precision

N_CLIPS, SECONDS, SR = 64, 4, 16000
N_NAIVE = 8  # clips of the slow row


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder or name of an encoder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--recordings", help="folder of audio files")
    parser.add_argument("--n-recordings", type=int, default=400)
    parser.add_argument("--measure-memory", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clips = list(0.1 * np.random.default_rng(0).normal(size=(N_CLIPS, SECONDS * SR)))
    middle = embedder(args.model, layers=-1).fit(clips).layers_[0] // 2 + 2
    if args.measure_memory:
        embedder(args.model, layers=middle).fit_transform(clips)
        print(Path("/proc/self/status").read_text())
        return
    rows: dict[str, tuple[Callable, int]] = {
        f"layers up to {middle}": (embedder(args.model, layers=middle).fit(clips).transform, 64),
        "all layers": (embedder(args.model, layers=-1).fit(clips).transform, 64),
        f"layers up to {middle}, float32": (
            embedder(args.model, layers=middle, precision="float32").fit(clips).transform,
            64,
        ),
        f"layers up to {middle}, batches of 16": (batched(args.model, middle), 64),
        "the same, float32": (batched(args.model, middle, torch.float32), 64),
        "transformers": (naive(args.model), N_NAIVE),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(1 + args.repeats):
        for name, (function, n_clips) in rows.items():
            started, used = time.perf_counter(), time.process_time()
            function(clips[:n_clips])
            spent = time.perf_counter() - started, time.process_time() - used
            times[name].append(tuple(1000 * seconds / n_clips for seconds in spent))
    print(f"{args.threads} threads; milliseconds for a clip of {SECONDS} s, median")
    print(f"{'':<34}{'time':>8}{'processor time':>16}")
    for name, values in times.items():
        wall, processor = (statistics.median(each) for each in zip(*values[1:], strict=True))
        print(f"{name:<34}{wall:>8.1f}{processor:>16.1f}")
    print(f"{'peak memory, MB':<34}{peak(args.model):>8.0f}")
    cold, warm = search(args.model, clips)
    print(f"{'search over five layers':<34}cold {cold:.2f} s, warm {warm:.3f} s: {cold / warm:.0f}")
    if args.recordings:
        compare(args.model, args.recordings, args.n_recordings)


def embedder(model: str, **params) -> EncoderEmbedder:
    """Return an embedder of waveforms as they are."""
    return EncoderEmbedder(model, loudness=None, **params)


def family_of(model: str, n_layers: int, dtype: torch.dtype):
    """Return an encoder in memory."""
    files = find_files(model, revision=None, local_files_only=True)
    return load_encoder(files, n_layers=n_layers, device="cpu", dtype=dtype)


def batched(model: str, n_layers: int, dtype: torch.dtype | None = None) -> Callable:
    """Return a function that embeds clips in batches, on the threads of torch."""
    family = family_of(model, n_layers, dtype or resolve_precision("auto", "cpu"))
    return lambda clips: embed(family, [np.float32(clip) for clip in clips], batch_size=16)


def compare(model: str, folder: str, n_clips: int) -> None:
    """Print the differences that bfloat16 and batches make for real speech."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in (".wav", ".flac"))
    paths = np.random.default_rng(0).permutation(paths)[:n_clips]
    clips = [MFCCTransformer().set_params(loudness=-23.0)._reading().load(path) for path in paths]
    last = embedder(model, layers=-1).fit(clips[:1]).layers_[0]
    found = {
        precision: EncoderEmbedder(model, layers=range(1 + last), precision=precision)
        .fit(clips)
        .transform(clips)
        .reshape(len(clips), 1 + last, -1)
        for precision in ("float32", "bfloat16")
    }
    family = family_of(model, last, torch.bfloat16)
    reading = EncoderEmbedder(model)._reading_at(SR)
    waveforms = [reading.process(clip) for clip in clips]
    together = embed(family, waveforms, batch_size=16).reshape(len(clips), 1 + last, -1)
    deviation = found["float32"].std(axis=0)
    print(f"\n{len(clips)} recordings; differences in standard deviations of each feature")
    print(f"{'':<8}{'bfloat16 to float32':>30}{'batches of 16 to single clips':>34}")
    for layer in range(1 + last):
        texts = []
        for first, second in (("float32", found["bfloat16"]), ("bfloat16", together)):
            change = np.abs(second[:, layer] - found[first][:, layer]) / deviation[layer]
            high = np.percentile(change, 99.9)
            texts.append(f"99.9 % up to {high:.3f}, maximum {change.max():.3f}")
        print(f"layer {layer:<3}{texts[0]:>38}{texts[1]:>38}", flush=True)


def naive(model: str) -> Callable:
    """Return a function that embeds clips as the examples of transformers do."""
    from transformers import AutoFeatureExtractor, AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    extractor = AutoFeatureExtractor.from_pretrained(model)
    network = AutoModel.from_pretrained(model).float().eval()
    network = getattr(network, "encoder", network)

    @torch.inference_mode()
    def embed(clips: list[np.ndarray]) -> None:
        for clip in clips:
            inputs = extractor(clip, sampling_rate=SR, return_tensors="pt")
            states = network(**inputs, output_hidden_states=True).hidden_states
            [torch.cat([state.mean(dim=1), state.std(dim=1)]) for state in states]

    return embed


def peak(model: str) -> float:
    """Return the peak memory in MB of a process that embeds all clips."""
    command = [sys.executable, __file__, model, "--measure-memory"]
    status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1000


def search(model: str, clips: list[np.ndarray]) -> tuple[float, float]:
    """Return the seconds of a search over five layers, without and with a filled cache."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{number}.wav" for number in range(len(clips))]
        for path, clip in zip(paths, clips, strict=True):
            soundfile.write(path, clip, SR)
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            for layer in range(5):
                embedder(model, layers=layer, memory=f"{folder}/cache").fit_transform(paths)
            seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1]


if __name__ == "__main__":
    main()
