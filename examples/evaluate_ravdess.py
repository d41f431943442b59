"""Evaluate the default pipeline on RAVDESS
========================================

Cross-validation on unseen speakers, a random split for comparison, and the report as an HTML page.

.. code-block:: shell

    python examples/evaluate_ravdess.py /path/to/ravdess --folds 3
"""

import argparse
from pathlib import Path

from ser_estimators import make_ser_pipeline
from ser_estimators.datasets import load_ravdess
from ser_estimators.evaluation import evaluate


def main() -> None:
    """Evaluate, print the table and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of RAVDESS")
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--epochs", type=int, help="of each training; the default otherwise")
    parser.add_argument("--out", type=Path, default=Path("report.html"))
    args = parser.parse_args()
    corpus = load_ravdess(args.root)
    pipe = make_ser_pipeline(random_state=0, n_jobs=-1)
    if args.epochs is not None:
        pipe.set_params(cnn__max_epochs=args.epochs)
    report = evaluate(
        pipe,
        corpus.data,
        corpus.target,
        corpus.speakers,
        cv=args.folds,
        random_split=True,
        name="MFCC and CNN on RAVDESS",
        verbose=1,
    )
    print(report)
    print(f"\nThe page: {report.to_html(args.out)}")


if __name__ == "__main__":
    main()
