"""Build the model of this package and its card, from all of RAVDESS and nEMO.

    python build_model.py /path/to/ravdess /path/to/nemo

This evaluates the default pipeline of ser_estimators on speakers that it was not trained on, and on
each corpus after training on the other one. It then trains the pipeline on everything, and writes
``ser_estimators_acted/acted.safetensors`` and ``README.md``, the model card. On one machine, the
same recordings give the same bytes. Finished folds are stored, so that an interrupted call can be
repeated.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold

from ser_estimators import make_ser_pipeline, save_model
from ser_estimators.datasets import concatenate_corpora, load_nemo, load_ravdess
from ser_estimators.evaluation import EvaluationReport, evaluate
from ser_estimators.models import ModelCard, describe_audio, write_card

HERE = Path(__file__).parent
# The names in the card, and the published numbers of clips.
TITLES = {"ravdess": "RAVDESS", "nemo": "nEMO"}
COMPLETE = {"ravdess": 1440, "nemo": 4481}
LICENSE = "cc-by-nc-sa-4.0"  # of both corpora


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate, train, and write the model and its card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ravdess", type=Path, help="folder of RAVDESS")
    parser.add_argument("nemo", type=Path, help="folder of nEMO")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for model and card")
    parser.add_argument(
        "--resume",
        type=Path,
        default=HERE / "evaluation",
        help="folder for finished folds",
    )
    parser.add_argument("--folds", type=int, default=3, help="of speakers; default: 3")
    parser.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="NAME=VALUE",
        help="parameters of the pipeline, for a quick trial; the model of a release has none",
    )
    args = parser.parse_args(arguments)
    try:
        corpora = {"ravdess": load_ravdess(args.ravdess), "nemo": load_nemo(args.nemo)}
    except (OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    pipe = make_ser_pipeline(random_state=0, n_jobs=-1, warn_unlike=True, verbose=1)
    changes = (text.split("=", 1) for text in args.set)
    pipe.set_params(**{name: ast.literal_eval(value) for name, value in changes})

    both = concatenate_corpora(corpora)
    print(both, flush=True)
    within = evaluate_on_unseen_speakers(pipe, both, args.folds, args.resume)
    across = {
        (trained, tested): evaluate_on_another_corpus(pipe, corpora, trained, tested, args.resume)
        for trained, tested in (("ravdess", "nemo"), ("nemo", "ravdess"))
    }
    settings = f" with {', '.join(args.set)}" if args.set else ""
    system = f"`make_ser_pipeline(random_state=0, warn_unlike=True)`{settings}"
    card = make_card(corpora, both, within, across, system)
    speakers = {f"{step}__groups": both.speakers for step in ("audio", "voting")}
    model = clone(pipe).fit(both.data, both.target, **speakers)
    for epoch in model["cnn"].history_:
        epoch.pop("dur", None)  # its duration, which differs between two calls
    args.out.joinpath("ser_estimators_acted").mkdir(parents=True, exist_ok=True)
    path = args.out / "ser_estimators_acted" / "acted.safetensors"
    save_model(model, path, card=card)
    page = write_card(path, args.out / "README.md")
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB), {page}")


def evaluate_on_unseen_speakers(
    pipe: Any, both: Any, n_folds: int, resume: Path
) -> EvaluationReport:
    """Return the scores of held-out speakers of both corpora."""
    # Each fold has speakers of both corpora, in the same proportion.
    kinds = [
        f"{corpus} {emotion}" for corpus, emotion in zip(both.corpus, both.target, strict=True)
    ]
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=0)
    return evaluate(
        pipe,
        both.data,
        both.target,
        both.speakers,
        cv=list(folds.split(both.data, kinds, both.speakers)),
        metadata={"corpus": both.corpus},
        corpus="RAVDESS and nEMO",
        resume=resume,
        verbose=1,
    )


def evaluate_on_another_corpus(
    pipe: Any, corpora: dict[str, Any], trained: str, tested: str, resume: Path
) -> EvaluationReport:
    """Return the scores on one corpus after training on the other, for their shared emotions."""
    shared = concatenate_corpora(corpora, shared_only=True)
    columns = {}
    for name in (trained, tested):
        rows = [row for row, corpus in enumerate(shared.corpus) if corpus == name]
        columns[name] = (
            [shared.data[row] for row in rows],
            shared.target[rows],
            shared.speakers[rows],
        )
    X_test, y_test, speakers_test = columns[tested]
    return evaluate(
        pipe,
        *columns[trained],
        X_test=X_test,
        y_test=y_test,
        speakers_test=speakers_test,
        corpus=tested,
        resume=resume,
        verbose=1,
    )


def make_card(
    corpora: dict[str, Any],
    both: Any,
    within: EvaluationReport,
    across: dict[tuple[str, str], EvaluationReport],
    system: str,
) -> ModelCard:
    """Return the card, with what was measured and what was not."""
    protocol = within.main
    scores: dict[str, tuple[float, ...]] = {}
    scores |= {title: (value, low, high) for title, value, low, high in protocol.summary()}
    for other in within.protocols.values():
        if other.is_adapted:
            found = other.scores
            scores["balanced accuracy (adapted to each speaker, without labels)"] = tuple(
                float(one.balanced_accuracy) for one in (found.value, found.low, found.high)
            )
    for group in protocol.by_metadata()["corpus"]:
        name = f"balanced accuracy (speakers of {TITLES[group.value]})"
        scores[name] = (group.balanced_accuracy, group.low, group.high)
    for emotion, cells, _ in protocol.by_class():
        scores[f"recall ({emotion})"] = cells["recall"]
    of_other_corpora, errors = {}, []
    for (trained, tested), report in across.items():
        found = report.main.scores
        name = f"balanced accuracy (trained on {TITLES[trained]} only, tested on {TITLES[tested]})"
        scores[name] = tuple(
            float(one.balanced_accuracy) for one in (found.value, found.low, found.high)
        )
        of_other_corpora[trained, tested] = scores[name][0]
        errors.append(float(found.value.calibration_error))
    n_shared = len(next(iter(across.values())).main.classes)
    only_ravdess = sorted(set(corpora["ravdess"].target) - set(corpora["nemo"].target))
    sizes = " and ".join(_size(name, corpus) for name, corpus in corpora.items())
    return ModelCard(
        name="ser-estimators-acted",
        summary=(
            f"Recognizes {len(both.target_names)} emotions of acted speech in English and Polish: "
            f"{', '.join(both.target_names)}. It is the system of ser_estimators, {system}, "
            f"trained from scratch on {sizes}. After `pip install ser-estimators-acted`, `ser "
            "predict voice.wav` uses this model, and `ser_estimators_acted.load()` returns it in "
            "Python. The license is that of both corpora and excludes commercial use: RAVDESS by "
            "S. R. Livingstone and F. A. Russo (2018, https://doi.org/10.5281/zenodo.1188976), "
            "nEMO by I. Christop (2024, https://aclanthology.org/2024.lrec-main.1059)."
        ),
        license=LICENSE,
        languages=["en", "pl"],
        corpora=[TITLES[name] for name in corpora],
        scores=scores,
        evaluation=(
            f"All speakers were held out: in {len(protocol.folds)} folds, the system was trained "
            "on some of the speakers of both corpora and tested on the others, "
            f"{protocol.n_clips:,} clips of {protocol.describe_speakers()} in all. Guessing has a "
            f"balanced accuracy of {protocol.chance:.3f}. The last rows are about another "
            "language, other rooms and other microphones: the system was trained on one corpus "
            f"and tested on the {n_shared} emotions of the other that both have, where guessing "
            f"has {1 / n_shared:.3f}. Intervals are at level {within.confidence:.0%}, over "
            "speakers. The model in this package was trained on all clips, so no clip was left to "
            "test the model itself."
        ),
        audio=describe_audio(both.data, n_jobs=-1),
        limitations=_limitations(of_other_corpora, errors, only_ravdess),
    )


def _size(name: str, corpus: Any) -> str:
    n_clips = len(corpus.data)
    all_of = "all" if n_clips == COMPLETE[name] else f"{n_clips:,} of the"
    return (
        f"{all_of} {COMPLETE[name]:,} clips of {TITLES[name]} "
        f"({len(set(corpus.speakers))} speakers)"
    )


def _limitations(
    of_other_corpora: dict[tuple[str, str], float], errors: list[float], only_ravdess: list[str]
) -> str:
    to_nemo, to_ravdess = of_other_corpora["ravdess", "nemo"], of_other_corpora["nemo", "ravdess"]
    return "\n".join(
        [
            "- Another microphone, room or language costs much: trained on one of the corpora "
            f"only, the system reaches a balanced accuracy of {to_nemo:.2f} on nEMO and "
            f"{to_ravdess:.2f} on RAVDESS. Expect this of recordings that resemble neither corpus, "
            "and test the model on recordings of your own before you rely on it. On the other "
            f"corpus, its probabilities are too high: calibration errors are {errors[0]:.2f} and "
            f"{errors[1]:.2f}.",
            "- It was trained on actors, whose emotions are stronger and clearer than those of "
            "everyday speech. It was not tested on spontaneous speech.",
            "- Noise, rooms and telephone lines were simulated in training. The model was not "
            "tested on real calls, music, several voices at a time, singing, recordings of more "
            "than a few seconds, children or old people, or on languages other than English and "
            "Polish.",
            f"- {_sentence(only_ravdess)} of RAVDESS only. The model may take the sound of that "
            "corpus for a part of them, and does not know other emotions at all.",
            "- Its labels are what actors were asked to express, not what a person feels. Do not "
            "use them to judge people, for example in hiring, education, policing or medicine.",
            "- Commercial use is excluded by the license. To have a model without this limit, "
            "train one on recordings of your own.",
        ]
    )


def _sentence(emotions: Sequence[str]) -> str:
    """Return the start of a sentence about emotions that are in one corpus."""
    names = " and ".join(emotions).capitalize()
    return f"{names} {'is an emotion' if len(emotions) == 1 else 'are emotions'}"


if __name__ == "__main__":
    main()
