"""From a folder of recordings to the emotion of one new file
==========================================================

Label a voice with the trained model of the package ``ser-estimators-acted``. Then load a corpus,
hold out speakers, train, evaluate, save the model and predict one file with it. This is the script
of ``make demo``. By default it makes a corpus of synthetic voices, which takes no download; results
on it say nothing about real speech.

.. code-block:: shell

    python examples/demo.py                         # synthetic voices
    python examples/demo.py --data /path/to/ravdess
"""

import argparse
import importlib
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, balanced_accuracy_score, classification_report
from sklearn.model_selection import GroupShuffleSplit

from ser_estimators import load_model, make_ser_pipeline, save_model
from ser_estimators.datasets import load_ravdess, make_emotional_speech
from ser_estimators.models import model_info


def main() -> None:
    """Go through all the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of RAVDESS; default: synthetic voices")
    parser.add_argument("--out", type=Path, default=Path("demo-output"), help="folder for results")
    parser.add_argument("--epochs", type=int, help="default: the library's, 80 on synthetic voices")
    args = parser.parse_args()
    start = time.monotonic()

    if args.data is not None:
        try:
            corpus = load_ravdess(args.data)
        except (OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: error: {error}\n")
        voice = corpus.data[0]
    else:
        # One speaker of the corpus below, so that nothing has to be waited for.
        voice = make_emotional_speech(1, 1, out_dir=args.out / "voices", random_state=0).data[0]
    args.out.mkdir(parents=True, exist_ok=True)

    heading("A trained model: one call, one label")
    label_one_voice(voice, is_synthetic=args.data is None)

    heading("1. A corpus to train on: audio files and their emotions")
    if args.data is None:
        corpus = make_emotional_speech(12, 4, out_dir=args.out / "voices", random_state=0)
    print(
        f"{len(corpus.data)} clips of {len(np.unique(corpus.speakers))} speakers, "
        f"{len(corpus.target_names)} emotions: {', '.join(corpus.target_names)}"
    )
    if args.data is None:
        print("These voices are synthetic: the scores below say nothing about real speech.")
        print("For real speech: make demo DATA=/path/to/ravdess")

    heading("2. A quarter of the speakers, held out for testing")
    paths = np.array(corpus.data)
    split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    train, test = next(split.split(paths, corpus.target, corpus.speakers))
    print(f"training on {len(train)} clips, testing on {len(test)} clips")
    print(f"held out: speakers {', '.join(np.unique(corpus.speakers[test]))}")

    heading("3. Training: MFCCs, convolutional network, linear classifier")
    pipe = make_ser_pipeline(random_state=0, n_jobs=-1, verbose=1)
    epochs = 80 if args.data is None and args.epochs is None else args.epochs
    if epochs is not None:
        pipe.set_params(cnn__max_epochs=epochs)
    pipe.fit(paths[train], corpus.target[train], voting__groups=corpus.speakers[train])

    heading("4. Evaluation on the unseen speakers")
    predicted = pipe.predict(paths[test])
    truth = corpus.target[test]
    print(classification_report(truth, predicted, digits=3, zero_division=0))
    print(f"balanced accuracy           {balanced_accuracy_score(truth, predicted):.3f}")
    print(f"chance level                {1 / len(corpus.target_names):.3f}")

    heading("5. Results on disk")
    figure = save_confusion_matrix(truth, predicted, args.out / "confusion_matrix.png")
    model = save_model(pipe, args.out / "model.safetensors")
    print(f"confusion matrix: {figure}")
    print(f"model:            {model} ({model.stat().st_size / 1e6:.1f} MB)")

    heading("6. Prediction of one unseen file")
    new_file = str(paths[test][len(test) // 2])
    loaded = load_model(model)
    print(f">>> model = load_model({str(model)!r})\n>>> model.predict([{new_file!r}])")
    print(f"{loaded.predict([new_file])}\n")
    print_probabilities(loaded, new_file)
    print(f"{'in truth':>10}  {truth[len(test) // 2]}")
    print(f"\nDone in {time.monotonic() - start:.0f} s.")


def heading(text: str) -> None:
    """Print an underlined heading."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def label_one_voice(voice: str, *, is_synthetic: bool) -> None:
    """Label a file with the model of the package ser-estimators-acted, if that is installed."""
    try:
        acted = importlib.import_module("ser_estimators_acted")
    except ImportError:
        print("The package ser-estimators-acted, a model for acted speech, is not installed.")
        print("To install it from this folder: pip install packages/ser-estimators-acted")
        return
    model = acted.load()
    card = model_info(acted.model_path())["card"]
    corpora = " and ".join(card["corpora"])
    print(f"The model: ser_estimators_acted {acted.__version__}, trained on {corpora};")
    print(f"license {card['license']}, which excludes commercial use.")
    if is_synthetic:
        print("It has learned real voices, so its label of this synthetic voice means nothing.")
    else:
        print("It was trained on this file too, so this is not a test.")
    print(f"\n>>> ser_estimators_acted.load().predict([{voice!r}])\n{model.predict([voice])}\n")
    print_probabilities(model, voice)
    print("\nIn a shell: ser predict voice.wav")


def print_probabilities(model: object, path: str) -> None:
    """Print the probabilities of a file as bars."""
    probabilities = model.predict_proba([path])[0]
    for index in np.argsort(-probabilities):
        bar = "#" * round(40 * probabilities[index])
        print(f"{model.classes_[index]:>10}  {probabilities[index]:6.1%}  {bar}")


def save_confusion_matrix(truth: np.ndarray, predicted: np.ndarray, path: Path) -> Path:
    """Draw the confusion matrix, normalized over the true emotions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(
        truth,
        predicted,
        normalize="true",
        values_format=".2f",
        cmap="Blues",
        xticks_rotation=45,
        im_kw={"vmin": 0, "vmax": 1},
        ax=axes,
    )
    axes.set(
        xlabel="Predicted emotion",
        ylabel="True emotion",
        title="Fraction of the clips of each emotion, unseen speakers",
    )
    axes.set_xticks(axes.get_xticks(), axes.get_xticklabels(), ha="right", rotation_mode="anchor")
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
