"""What is known of one fold after it has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._text import counted

__all__ = ["Fold"]


# Arrays neither compare to a single truth value nor have a short repr.
@dataclass(frozen=True, eq=False, repr=False)
class Fold:
    """One split: what was trained on, what was tested, and how training went.

    Parameters
    ----------
    train, test : ndarray of int
        Positions of the clips in X. With another corpus as test set, `test` refers to X_test.
    fit_seconds : float >= 0
        Duration of the fit in seconds, with the inner search if there was one.
    best_params : dict or None, default=None
        Parameters that the inner search selected.
    history : list of dict or None, default=None
        Learning curve: the ``history_`` of the step that has one, such as `CNNEmbedder`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from ser_estimators.evaluation import evaluate
    >>> clips = list(np.random.default_rng(0).normal(size=(12, 900)))
    >>> emotions, speakers = ["anger", "fear"] * 6, np.repeat(["a", "b", "c"], 4)
    >>> report = evaluate(DummyClassifier(), clips, emotions, speakers, cv=3)
    >>> report.main.folds[0]
    Fold(8 training clips, 4 test clips, fitted in 0.0 s)
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    fit_seconds: float
    best_params: dict[str, Any] | None = None
    history: list[dict[str, Any]] | None = None

    def __repr__(self) -> str:
        return (
            f"Fold({counted(len(self.train), 'training clip')}, "
            f"{counted(len(self.test), 'test clip')}, fitted in {self.fit_seconds:.1f} s)"
        )
