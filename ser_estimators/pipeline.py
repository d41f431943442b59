"""The whole system in one call."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ._estimators.cnn_embedder import CNNEmbedder
from ._estimators.mfcc_transformer import MFCCTransformer

__all__ = ["make_ser_pipeline"]


def make_ser_pipeline(
    *,
    random_state: Any = None,
    n_jobs: int | None = None,
    memory: Any = None,
    verbose: int = 0,
) -> Pipeline:
    """Make the speech emotion recogniser: MFCCs, a convolutional network, a logistic regression.

    Every other parameter is reached as in any pipeline, for example
    ``make_ser_pipeline().set_params(mfcc__n_mfcc=20, cnn__max_epochs=100, lr__C=0.1)``.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Passed to the network and to the logistic regression.
    n_jobs : int or None, default=None
        Threads that read files.
    memory : str, joblib.Memory or None, default=None
        Folder in which `MFCCTransformer` keeps the features of files, so that a search or a
        cross-validation decodes each once; a file that has changed is noticed. The cache of
        ``sklearn.pipeline.Pipeline``, which keeps fitted networks as well, is
        ``set_params(memory=...)``. It knows a file by its path alone.
    verbose : int, default=0
        Passed to the network: 1 shows a progress bar in a terminal and about ten lines elsewhere, 2
        a line an epoch.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With the steps ``mfcc`` (`MFCCTransformer`), ``cnn`` (`CNNEmbedder`) and ``lr``
        (``LogisticRegression``, to which all emotions count the same: ``class_weight="balanced"``).

    See Also
    --------
    MFCCTransformer, CNNEmbedder

    Examples
    --------
    >>> from ser_estimators import make_ser_pipeline
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=8)
    >>> pipe.fit(corpus.data[8:], corpus.target[8:]).predict(corpus.data[:1]).shape
    (1,)
    """
    # The classes count the same, as they do in balanced accuracy, by which this field compares.
    lr = LogisticRegression(class_weight="balanced", max_iter=1000, random_state=random_state)
    return Pipeline(
        [
            ("mfcc", MFCCTransformer(memory=memory, n_jobs=n_jobs)),
            ("cnn", CNNEmbedder(random_state=random_state, verbose=verbose)),
            ("lr", lr),
        ]
    )
