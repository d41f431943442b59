"""Effect of each default of the network on the recognition of unseen speakers.

    python benchmarks/ablations.py /path/to/ravdess --seeds 0

Each line of the table changes one default, with the same folds and seeds, and shows the change of
the balanced accuracy. Only the first three folds of EmoBox are used, on which the defaults were
chosen. Finished runs are appended to a file, and a second call resumes where the first one stopped,
unless the code or a version has changed.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from _recognition import (
    HALVES,
    VERSIONS,
    hash_of_source,
    mean_and_error,
    resumed,
    score,
    split,
)
from torch import Tensor, nn
from torch.nn.utils import skip_init

from ser_estimators import make_ser_pipeline
from ser_estimators._network.encoder import ConvolutionalEncoder
from ser_estimators.datasets import load_ravdess

DEFAULTS = "defaults"
# Parameters of the pipeline.
CHANGES: dict[str, dict] = {
    DEFAULTS: {},
    "one network": {"cnn__n_networks": 1, "cnn__embedding_dim": 32},
    "one wide network": {
        "cnn__n_networks": 1,
        "cnn__network__channels": (32, 64, 96, 128),
        "cnn__embedding_dim": 64,
    },
    "no time stretch": {"cnn__augmentation__time_stretch": 0.0},
    "no frequency warp": {"cnn__augmentation__frequency_warp": 0.0},
    "frequency warp 0.1": {"cnn__augmentation__frequency_warp": 0.1},
    "no gain": {"cnn__augmentation__gain": 0.0},
    "no time mask": {"cnn__augmentation__time_mask": 0.0},
    "no frequency mask": {"cnn__augmentation__frequency_mask": 0.0},
    "time shift 0.2": {"cnn__augmentation__time_shift": 0.2},
    "other recordings": {"cnn__augmentation__recording_p": 0.5},
    "no MixStyle": {"cnn__augmentation__mixstyle_p": 0.0},
    "mixup 0.3": {"cnn__augmentation__mixup_alpha": 0.3},
    "no label smoothing": {"cnn__label_smoothing": 0.0},
    "no dropout": {"cnn__dropout": 0.0},
    "dropout 0.5": {"cnn__dropout": 0.5},
    "no weight decay": {"cnn__weight_decay": 0.0},
    "weight decay 0.01": {"cnn__weight_decay": 0.01},
    "weight decay 0.5": {"cnn__weight_decay": 0.5},
    "no warm-up": {"cnn__warmup": 0.0},
    "constant learning rate": {"cnn__lr_schedule": "constant"},
    "no weight averaging": {"cnn__weight_averaging": 0.0},
    "one view": {"cnn__n_views": 1},
    "float32": {"cnn__precision": "float32"},
    "no mean over time": {},
    "no deviation over time": {},
    "no maximum over time": {},
    "attention over time": {},
    "no squeeze-and-excitation": {"cnn__network__se_ratio": 0.0},
    "silence cut off at ends": {"mfcc__trim_db": 40.0},
    "derivatives beside MFCCs": {"mfcc__deltas": 1},
    "batches of 16": {"cnn__batch_size": 16},
    "batches of 64": {"cnn__batch_size": 64},
    "half the epochs": {},
}
SYSTEMS = ("softmax", "logistic regression")


class PartialEncoder(ConvolutionalEncoder):
    """An encoder that lacks one of the statistics over time."""

    def __init__(self, *args, without: int, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.without = without

    def pool(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the statistics, one of them zero."""
        parts = list(super().pool(x, mask).chunk(3, dim=1))
        parts[self.without] = torch.zeros_like(parts[self.without])
        return torch.cat(parts, dim=1)


class AttentiveEncoder(ConvolutionalEncoder):
    """An encoder with attentive statistics pooling.

    K. Okabe, T. Koshinaka and K. Shinoda, "Attentive statistics pooling for deep speaker
    embedding", Interspeech 2018.
    """

    def __init__(self, n_rows: int, channels: Sequence[int], *args: int, **kwargs: float) -> None:
        super().__init__(n_rows, channels, *args, **kwargs)
        self.hidden = skip_init(nn.Conv2d, channels[-1], 32, 1, bias=False)
        self.score = skip_init(nn.Conv2d, 32, 1, 1, bias=False)

    def pool(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return mean and deviation with weights, and the maximum."""
        # x (n, channels[-1], frames), mask (n, 1, frames)
        scores = self.score(self.hidden(x[:, :, None]).tanh())[:, :, 0]
        weights = (scores + mask.log()).softmax(dim=2)
        # weights (n, 1, frames)
        mean = (weights * x).sum(dim=2)
        variance = (weights * (x - mean[..., None]).square()).sum(dim=2)
        return torch.cat([mean, (variance + 1e-5).sqrt(), x.amax(dim=2)], dim=1)


ENCODERS = {
    "no mean over time": partial(PartialEncoder, without=0),
    "no deviation over time": partial(PartialEncoder, without=1),
    "no maximum over time": partial(PartialEncoder, without=2),
    "attention over time": AttentiveEncoder,
}


def main() -> None:
    """Run the requested ablations and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=60, help="of each fit")
    parser.add_argument("--changes", nargs="+", default=list(CHANGES), choices=CHANGES)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/rows/ablations.jsonl"))
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    last_step = make_ser_pipeline(recordings="studio")["lr"].get_params()
    names = [DEFAULTS, *(name for name in args.changes if name != DEFAULTS)]
    tasks = [
        (name, fold, seed) for seed in args.seeds for name in names for fold in HALVES["folds 1-3"]
    ]
    rows: dict[str, list[dict]] = {}
    with tempfile.TemporaryDirectory() as memory:
        for number, (name, fold, seed) in enumerate(tasks, start=1):
            print(
                f"run {number}/{len(tasks)}: {name}, fold {fold + 1}, seed {seed} ...", flush=True
            )
            epochs = args.epochs // 2 if name == "half the epochs" else args.epochs
            key = {"change": name, "parameters": CHANGES[name], "lr": last_step}
            key |= {"fold": fold, "seed": seed, "epochs": epochs}
            if encoder := ENCODERS.get(name):
                key["source"] = hash_of_source(getattr(encoder, "func", encoder))
            task = partial(run, corpus, fold, seed, name, epochs, memory)
            row = resumed(args.results, key, task, CHANGES[name])
            rows.setdefault(name, []).append(row)
    print_table(rows, args.epochs)


def run(corpus, fold: int, seed: int, name: str, epochs: int, memory: str) -> dict:
    """Train on all other speakers, and score on the speakers of a fold."""
    paths = np.array(corpus.data)
    train, test = split(corpus, "speakers", fold)
    pipe = make_ser_pipeline(recordings="studio", random_state=seed, n_jobs=-1, memory=memory)
    pipe.set_params(**{"cnn__max_epochs": epochs} | CHANGES[name])
    with patch(
        "ser_estimators._network.build.ConvolutionalEncoder",
        ENCODERS.get(name, ConvolutionalEncoder),
    ):
        start = time.perf_counter()
        pipe.fit(paths[train], corpus.target[train])
        seconds = time.perf_counter() - start
        frames, truth = pipe["mfcc"].transform(paths[test]), corpus.target[test]
        return {
            "softmax": score(truth, pipe["cnn"].predict(frames)),
            "logistic regression": score(truth, pipe["lr"].predict(pipe["cnn"].transform(frames))),
            "fit_seconds": seconds,
        }


def print_table(rows: dict[str, list[dict]], epochs: int) -> None:
    """Print the balanced accuracy of each change, and its difference from that of the defaults."""
    print("\n" + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
    n_runs = len(rows[DEFAULTS])
    print(f"balanced accuracy over {n_runs} runs of {epochs} epochs on unseen speakers;")
    print("difference: mean ± standard error of the differences, run by run\n")
    titles = "".join(f"{system:>22}{'difference':>18}" for system in SYSTEMS)
    print(f"{'':<26}{titles}{'fit':>8}")
    for name, of_change in rows.items():
        line = f"{name:<26}"
        for system in SYSTEMS:
            values, reference = (
                np.array([row[system]["ua"] for row in chosen])
                for chosen in (of_change, rows[DEFAULTS])
            )
            cell = "" if name == DEFAULTS else mean_and_error(values - reference)
            line += f"{values.mean():>22.3f}{cell:>18}"
        seconds = np.mean([row["fit_seconds"] for row in of_change])
        print(f"{line}{seconds:>6.0f} s")


if __name__ == "__main__":
    main()
