"""Training speed: ser_estimators, a hand-written loop, plain skorch, and Keras on TensorFlow.

    python benchmarks/training.py

All systems train a network with the same layers on the same clips, without augmentation, on all
cores. An environment for Keras is created first (``training_peers.txt``, which requires internet
access once). Every system runs in fresh processes that take turns. The best turn is reported,
because other processes on the machine can only slow it down. Clips are random numbers with the
lengths of RAVDESS, because their content has no effect on the time.
"""

import argparse
import json
import math
import os
import statistics
import sys
import textwrap
import time
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
from _workers import HERE, load_before, make_environment, progress, run_worker, shorten

N_CLIPS = 480
# Clips of RAVDESS last 2.9 to 5.3 s, and a frame 16 ms.
FRAMES = (180, 330)
N_COEFFICIENTS = 40
N_CLASSES = 8
# The defaults of CNNEmbedder.
BATCH_SIZE = 32
CHANNELS = (16, 48, 64, 128)
N_NETWORKS = 3
EMBEDDING_DIM = 96
SE_RATIO = 0.125
LR = 3e-3
WEIGHT_DECAY = 0.1
LABEL_SMOOTHING = 0.1
# Epochs that are not timed, in which threads start and kernels are compiled.
N_WARM_EPOCHS = 2
N_EPOCHS = 6

LIBRARY, HAND = "ser_estimators", "hand-written loop"
OURS = f"{LIBRARY}, float32"
LOOP = f"{HAND}, float32"
SKORCH = "plain skorch, float32"
DESCRIPTIONS = {
    OURS: "CNNEmbedder with precision='float32' and no augmentation: parallel shards of about 16 "
    "clips, clips cut to the longest of their batch",
    f"{LIBRARY}, bfloat16": "the same with precision='bfloat16', which is the default if the "
    "processor supports it",
    LOOP: "the same layers with the operations of torch, without the compiled kernel, in a plain "
    "PyTorch loop: indexed tensors, clips cut to the longest of their batch, channels_last, fused "
    "AdamW, torch's threads",
    f"{HAND}, bfloat16": "the same with the convolutions in autocast",
    SKORCH: "the same module in skorch.NeuralNetClassifier with its defaults: a DataLoader over "
    "clips padded to the longest of all",
    "keras, float32": "the same layers in Keras on TensorFlow, without masks, on precomputed "
    "spectrograms padded to the longest of all",
}


def main() -> None:
    """Run the measurements and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes of each system")
    parser.add_argument("--no-keras", action="store_true", help="only systems on PyTorch")
    parser.add_argument("--keras-env", type=Path, default=HERE / "results" / "keras-env")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "training.json")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(SYSTEMS[json.load(sys.stdin)["system"]]()))
        return

    load = load_before()
    pythons = dict.fromkeys(SYSTEMS, sys.executable)
    if args.no_keras:
        del pythons["keras, float32"]
    else:
        pythons["keras, float32"] = make_environment(args.keras_env, HERE / "training_peers.txt")
    rows = []
    for repeat in range(1, args.repeats + 1):
        for system, python in pythons.items():
            progress(f"repeat {repeat}/{args.repeats}: {system} ...")
            variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
            row = run_worker(python, __file__, {"system": system}, variables)
            rows.append({"system": system, "repeat": repeat, "load_before": load} | row)
    print_table(rows)
    args.results.parent.mkdir(parents=True, exist_ok=True)
    args.results.write_text(json.dumps(rows, indent=1))


# The following functions run in the workers, also in the environment of Keras: imports are local.


def make_clips() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return zero-padded coefficients, their numbers of frames, and labels."""
    rng = np.random.default_rng(0)
    n_frames = rng.integers(*FRAMES, N_CLIPS, endpoint=True)
    X = rng.normal(size=(N_CLIPS, N_COEFFICIENTS, n_frames.max())).astype(np.float32)
    for clip, length in zip(X, n_frames, strict=True):
        clip[:, length:] = 0
    return X, n_frames, np.arange(N_CLIPS) % N_CLASSES


def result(library: str, seconds: list[float]) -> dict:
    """Return the report of a worker, from the seconds of its epochs."""
    return {
        "version": version(library),
        "clips_per_second": N_CLIPS / statistics.median(seconds[N_WARM_EPOCHS:]),
    }


def ours(precision: str) -> dict:
    """Train CNNEmbedder."""
    from ser_estimators import CNNEmbedder, SpectrogramCNN

    X, _, y = make_clips()
    cnn = CNNEmbedder(
        embedding_dim=EMBEDDING_DIM,
        network=SpectrogramCNN(CHANNELS, se_ratio=SE_RATIO),
        n_networks=N_NETWORKS,
        lr=LR,
        weight_decay=WEIGHT_DECAY,
        max_epochs=N_WARM_EPOCHS + N_EPOCHS,
        batch_size=BATCH_SIZE,
        precision=precision,
        augmentation=None,
        random_state=0,
    ).fit(X, y)
    return result("ser_estimators", [row["dur"] for row in cnn.history_])


def make_module(X: np.ndarray):
    """Return the network of CNNEmbedder, standardized on the clips, without compiled kernels."""
    import torch

    from ser_estimators import _kernels
    from ser_estimators._network.build import NetworkSpec, build

    _kernels.norm = None  # this process trains nothing else

    spec = NetworkSpec(
        kind="cnn",
        n_rows=N_COEFFICIENTS,
        n_channels=1,
        n_classes=N_CLASSES,
        embedding_dim=EMBEDDING_DIM,
        n_networks=N_NETWORKS,
        dropout=0.3,
        arguments={"channels": CHANNELS, "se_ratio": SE_RATIO},
    )
    module = build(spec, torch.Generator().manual_seed(0))
    module.inputs.fit_scale(lambda: [torch.from_numpy(X)])
    return module.to(memory_format=torch.channels_last)


def hand_written(precision: str) -> dict:
    """Train the module in an optimized hand-written loop."""
    import torch

    from ser_estimators._network.ensemble import set_precision

    X, n_frames, y = make_clips()
    module = make_module(X).train()
    set_precision(module.encoders, getattr(torch, precision))
    X, y, n_frames = (torch.from_numpy(array) for array in (X, y, n_frames))
    optimizer = torch.optim.AdamW(module.parameters(), LR, weight_decay=WEIGHT_DECAY, fused=True)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    seconds = []
    for _ in range(N_WARM_EPOCHS + N_EPOCHS):
        start = time.perf_counter()
        for batch in torch.randperm(N_CLIPS).split(BATCH_SIZE):
            loss = criterion(module(X[batch, :, : n_frames[batch].max()]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - start)
    return result("torch", seconds)


def plain_skorch() -> dict:
    """Train the module with the defaults of skorch."""
    import torch
    from skorch import NeuralNetClassifier

    X, _, y = make_clips()
    net = NeuralNetClassifier(
        make_module(X),
        criterion=torch.nn.CrossEntropyLoss,
        criterion__label_smoothing=LABEL_SMOOTHING,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=WEIGHT_DECAY,
        lr=LR,
        max_epochs=N_WARM_EPOCHS + N_EPOCHS,
        batch_size=BATCH_SIZE,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    ).fit(X, y)
    return result("skorch", net.history[:, "dur"])


def keras() -> dict:
    """Train the same layers in Keras."""
    import keras as k

    X, _, y = make_clips()
    spectrograms = X.transpose(0, 2, 1)[..., None]
    # spectrograms (n, frames, rows, 1)
    layers = k.layers
    inputs = k.Input(spectrograms.shape[1:])
    logits = []
    for _ in range(N_NETWORKS):
        x, rows = inputs, N_COEFFICIENTS
        for number, channels in enumerate(CHANNELS):
            size, strides = (3 if number else 5), (2 if number < 2 else 1)
            x = layers.Conv2D(channels, size, strides, padding="same", use_bias=False)(x)
            if strides == 1:
                x = layers.MaxPooling2D(2, padding="same")(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            if strides == 1:
                squeezed = layers.Dense(round(SE_RATIO * channels), "relu")(k.ops.mean(x, (1, 2)))
                gate = 2 * layers.Dense(channels, "sigmoid")(squeezed)
                x = x * gate[:, None, None]
            rows = math.ceil(rows / 2)
        x = layers.Conv2D(CHANNELS[-1], (1, rows), use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = k.ops.concatenate(
            [k.ops.mean(x, (1, 2)), k.ops.std(x, (1, 2)), k.ops.max(x, (1, 2))], axis=1
        )
        x = layers.Dense(EMBEDDING_DIM // N_NETWORKS, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        logits.append(layers.Dense(N_CLASSES)(layers.Dropout(0.3)(x)))
    model = k.Model(inputs, layers.Average()(logits))
    model.compile(
        k.optimizers.AdamW(LR, weight_decay=WEIGHT_DECAY),
        k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=LABEL_SMOOTHING),
    )

    class Clock(k.callbacks.Callback):
        seconds: list[float] = []  # noqa: RUF012

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.start)

    targets = np.eye(N_CLASSES, dtype=np.float32)[y]
    model.fit(
        spectrograms,
        targets,
        BATCH_SIZE,
        N_WARM_EPOCHS + N_EPOCHS,
        verbose=0,
        callbacks=[Clock()],
    )
    return result("keras", Clock.seconds)


def measure_products() -> dict:
    """Return the rates of large matrix products on all cores, in Gflop/s."""
    import torch

    rates = {}
    for precision in ("float32", "bfloat16"):
        a, b = torch.randn(2, 2048, 2048).to(getattr(torch, precision))
        seconds = []
        for _ in range(12):
            start = time.perf_counter()
            a @ b
            seconds.append(time.perf_counter() - start)
        rates[precision] = 2 * 2048**3 / min(seconds) / 1e9
    return {"version": version("torch"), "products": rates}


PRODUCTS = "matrix products"
SYSTEMS = {
    PRODUCTS: measure_products,
    OURS: partial(ours, "float32"),
    f"{LIBRARY}, bfloat16": partial(ours, "bfloat16"),
    LOOP: partial(hand_written, "float32"),
    f"{HAND}, bfloat16": partial(hand_written, "bfloat16"),
    SKORCH: plain_skorch,
    "keras, float32": keras,
}


# The following functions print the results.


def convolution_gigaflops() -> float:
    """Count the operations of the convolutions for a clip of mean length, forward and backward."""
    rows, frames = math.ceil(N_COEFFICIENTS / 2), math.ceil(sum(FRAMES) / 4)
    products = 25 * CHANNELS[0] * rows * frames
    for number, (n_in, n_out) in enumerate(pairwise(CHANNELS)):
        halved = math.ceil(rows / 2), math.ceil(frames / 2)
        # The first of them is strided, the others are followed by pooling.
        rows_out, frames_out = halved if number == 0 else (rows, frames)
        products += 9 * n_in * n_out * rows_out * frames_out
        rows, frames = halved
    products += rows * CHANNELS[-1] ** 2 * frames
    # One product and one sum each, for the output and for the gradients of input and kernel.
    return N_NETWORKS * 2 * 3 * products / 1e9


def speed_of(row: dict) -> float:
    """Return the speed of a row: clips per second, or the rate of matrix products."""
    return row["clips_per_second"] if "clips_per_second" in row else row["products"]["float32"]


def print_table(rows: list[dict]) -> None:
    """Print the best turn of every system, and the ratios."""
    done = {}
    for system in dict.fromkeys(row["system"] for row in rows):
        turns = [row for row in rows if row["system"] == system]
        good = [row for row in turns if "error" not in row]
        is_done = len(good) == len(turns)
        done[system] = max(good, key=speed_of) if is_done else turns[-1]
    rates = done.pop(PRODUCTS).get("products", {})
    print(f"{N_CLIPS} clips of {FRAMES[0]} to {FRAMES[1]} frames, batches of {BATCH_SIZE},")
    print(f"{N_NETWORKS} parallel networks with convolutions of {CHANNELS} channels,")
    print(f"{convolution_gigaflops():.2f} Gflop per clip\n")
    print(f"{'':<30}{'version':>12}{'clips/s':>9}{'times the loop':>16}{'of products':>13}")
    loop = done[LOOP].get("clips_per_second", math.nan)
    for system, row in done.items():
        if "error" in row:
            print(f"{system:<30}  {shorten(row['error'], 60)}")
            continue
        speed, precision = row["clips_per_second"], system.split(", ")[1]
        share = speed * convolution_gigaflops() / rates.get(precision, math.nan)
        print(f"{system:<30}{row['version']:>12}{speed:>9.0f}{speed / loop:>16.2f}{share:>12.0%}")
    speeds = {system: row.get("clips_per_second", math.nan) for system, row in done.items()}
    print()
    for precision in ("float32", "bfloat16"):
        mine, by_hand = (speeds[f"{name}, {precision}"] for name in (LIBRARY, HAND))
        print(f"{LIBRARY} in {precision}: {mine / by_hand:.2f} times the hand-written loop,")
        print(f"    {mine / speeds[SKORCH]:.2f} times plain skorch, which computes in float32")
    print("\nNotes")
    notes = [
        f"{os.cpu_count()} processors; matrix products of 2048 x 2048 reach "
        + ", ".join(f"{rate:.0f} Gflop/s in {name}" for name, rate in rates.items()),
        "of products: fraction of that rate that convolutions reach if they take all of the time",
        *(f"{system}: {text}" for system, text in DESCRIPTIONS.items() if system in done),
    ]
    if (load := rows[0]["load_before"]) is not None:
        notes.insert(0, f"load average before the run: {load:.1f} processes")
    for note in notes:
        print(textwrap.fill(f"- {note}.", 100, subsequent_indent="  "))


if __name__ == "__main__":
    main()
