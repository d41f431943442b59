"""Inputs of the logistic regression, its gain over softmax, and the gain of the views.

    python benchmarks/last_step.py /path/to/ravdess --seeds 0

The network of ``make_ser_pipeline`` is trained once for each seed and each of the first three folds
of EmoBox, on which the defaults were chosen. Logistic regressions are then trained on different
outputs of the network for the training clips, and both are evaluated with fewer and with other
views. Finished runs are appended to a file, and a second call resumes where the first one stopped,
unless the code or a version has changed.
"""

import argparse
from copy import copy
from functools import partial
from pathlib import Path

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
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler, normalize

from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramAugmentation
from ser_estimators._network.inference import predict_in_batches
from ser_estimators._network.views import View, spread_views
from ser_estimators._training.augmentation import warp_and_mask
from ser_estimators.datasets import load_ravdess

SOFTMAX, BALANCED = "softmax", "softmax over share of the class"
WITH_LENGTH = "embedding, its length kept"
C = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
AUGMENTED_PASSES = 4


def main() -> None:
    """Run the requested fits and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, help="of each fit; CNNEmbedder's default if unset")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/rows/last_step.jsonl"))
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    frames = MFCCTransformer(n_jobs=-1).fit_transform(corpus.data)
    tasks = [(fold, seed) for seed in args.seeds for fold in HALVES["folds 1-3"]]
    rows = []
    for number, (fold, seed) in enumerate(tasks, start=1):
        print(f"run {number}/{len(tasks)}: fold {fold + 1}, seed {seed} ...", flush=True)
        key = {"fold": fold, "seed": seed, "epochs": args.epochs}
        key |= {"C": C, "augmented_passes": AUGMENTED_PASSES}
        key["source"] = hash_of_source(
            run, other_views, balanced, inputs_of, embed_view, embed_augmented
        )
        task = partial(run, corpus, frames, fold, seed, args.epochs)
        rows.append(resumed(args.results, key, task))
    print_table(rows)


def run(corpus, frames: np.ndarray, fold: int, seed: int, epochs: int | None) -> dict:
    """Train on the other speakers, and score all last steps on those of a fold."""
    train, test = split(corpus, "speakers", fold)
    y, truth = corpus.target[train], corpus.target[test]
    cnn = CNNEmbedder(norm=None, random_state=seed)
    if epochs is not None:
        cnn.set_params(max_epochs=epochs)
    cnn.fit(frames[train], y)
    scores = {SOFTMAX: measure(truth, cnn.predict_proba(frames[test]), cnn.classes_)}
    scores[BALANCED] = measure(truth, balanced(cnn, frames[test], y), cnn.classes_)
    inputs = inputs_of(cnn, frames, train, test, y, seed)
    for name, (seen, answers, unseen) in inputs.items():
        for class_weight in (None, "balanced") if name == "embedding" else ("balanced",):
            for c in C:
                lr = LogisticRegression(C=c, class_weight=class_weight, max_iter=5000)
                probabilities = lr.fit(seen, answers).predict_proba(unseen)
                label = name if class_weight else f"{name}, clips weighted alike"
                scores[f"{label}|{c}"] = measure(truth, probabilities, lr.classes_)
    for name, views in other_views(cnn).items():
        other = copy(cnn)
        other.views_ = views
        scores[f"softmax, {name}"] = measure(truth, other.predict_proba(frames[test]), cnn.classes_)
        seen, unseen = (normalize(other.transform(frames[part])) for part in (train, test))
        lr = LogisticRegression(class_weight="balanced", max_iter=5000).fit(seen, y)
        scores[f"embedding, {name}|{lr.C}"] = measure(truth, lr.predict_proba(unseen), lr.classes_)
    embeddings = inputs[WITH_LENGTH][0], inputs[WITH_LENGTH][2]
    lengths = [float(np.linalg.norm(embedding, axis=1).mean()) for embedding in embeddings]
    return {"scores": scores, "lengths": lengths}


def other_views(cnn) -> dict[str, list[View]]:
    """Return views that predictions might average instead of the default ones."""
    augmentation = SpectrogramAugmentation()
    warp, stretch = augmentation.frequency_warp, augmentation.time_stretch
    n_views = cnn.n_views
    in_frequency, in_time = (
        spread_views(n_views, frequency_warp=warp * scaled, time_stretch=stretch * slowed, step=1)
        for scaled, slowed in ((1, 0), (0, 1))
    )
    together = spread_views(n_views, frequency_warp=warp, time_stretch=stretch, step=1)
    return {
        "one view": [View()],
        "views in frequency": in_frequency,
        "views in time": in_time,
        "views without delay": together,
    }


def balanced(cnn, frames: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return softmax probabilities as if all classes had been as frequent."""
    shares = (y[:, None] == cnn.classes_).mean(axis=0)
    weighted = cnn.predict_proba(frames) / shares
    return weighted / weighted.sum(axis=1, keepdims=True)


def inputs_of(cnn, frames, train, test, y, seed: int) -> dict[str, tuple]:
    """Return what logistic regressions may see: training inputs, their labels, test inputs."""
    seen, unseen = (cnn.transform(frames[part]) for part in (train, test))
    unit = [normalize(embedding) for embedding in (seen, unseen)]
    rectified = [normalize(embedding.clip(min=0)) for embedding in (seen, unseen)]
    scaler = StandardScaler().fit(seen)
    logs = [np.log(cnn.predict_proba(frames[part])) for part in (train, test)]
    augmented = embed_augmented(cnn, frames[train], seed)
    views = [embed_view(cnn, frames[train], view) for view in cnn.views_]
    return {
        "embedding": (unit[0], y, unit[1]),
        WITH_LENGTH: (seen, y, unseen),
        "embedding, scaled": (scaler.transform(seen), y, scaler.transform(unseen)),
        "embedding after ReLU": (rectified[0], y, rectified[1]),
        "log-probabilities": (logs[0], y, logs[1]),
        "embedding and log-probabilities": (
            np.hstack([seen, logs[0]]),
            y,
            np.hstack([unseen, logs[1]]),
        ),
        "embedding of each view": (
            normalize(np.concatenate(views)),
            np.tile(y, len(views)),
            unit[1],
        ),
        "embedding of augmented clips": (
            normalize(augmented),
            np.tile(y, AUGMENTED_PASSES),
            unit[1],
        ),
    }


def embed_view(cnn, frames: np.ndarray, view: View) -> np.ndarray:
    """Return the embedding of clips in one of the views that are averaged otherwise."""
    return predict_in_batches(
        cnn.module_,
        frames,
        batch_size=32,
        device="cpu",
        embed=True,
        views=[view],
    )


@torch.inference_mode()
def embed_augmented(cnn, frames: np.ndarray, seed: int) -> np.ndarray:
    """Return the embedding of clips after other augmentations than those of the training."""
    module = cnn.module_.eval()
    options = SpectrogramAugmentation()._options()
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for _ in range(AUGMENTED_PASSES):
        for batch in torch.from_numpy(frames).split(32):
            augmented = warp_and_mask(*module.inputs(batch), options, generator)
            parts.append(module.embed(module.encoders(*augmented)).numpy())
    return np.concatenate(parts)


def measure(truth: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """Return balanced accuracy, accuracy and the mean negative log-likelihood."""
    total = probabilities.sum(axis=1, keepdims=True, dtype=float)
    loss = log_loss(truth, probabilities / total, labels=classes)
    return score(truth, classes[probabilities.argmax(axis=1)]) | {"log_loss": loss}


def print_table(rows: list[dict]) -> None:
    """Print the mean score of each last step, and its difference from softmax."""
    print("\n" + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
    print(f"mean over {len(rows)} runs on unseen speakers; difference from softmax in UAR:")
    print("mean ± standard error over the runs (of UAR itself: ± standard deviation)\n")
    print(f"{'input of the regression':<34}{'C':>6}{'UAR':>16}{'difference':>18}{'log-loss':>10}")
    reference = np.array([row["scores"][SOFTMAX]["ua"] for row in rows])
    for label in rows[0]["scores"]:
        name, _, c = label.partition("|")
        values = np.array([row["scores"][label]["ua"] for row in rows])
        losses = [row["scores"][label]["log_loss"] for row in rows]
        cell = mean_and_error(values - reference) if label != SOFTMAX else ""
        ua = f"{values.mean():.3f} ± {values.std():.3f}"
        print(f"{name:<34}{c:>6}{ua:>16}{cell:>18}{np.mean(losses):>10.3f}")
    seen, unseen = np.mean([row["lengths"] for row in rows], axis=0)
    print(f"\nmean length of an embedding: {seen:.1f} in training, {unseen:.1f} in test")


if __name__ == "__main__":
    main()
