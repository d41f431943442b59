"""Parallel loops of joblib on a Dask cluster, which may lose workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib

__all__ = ["use_dask"]


@contextmanager
def use_dask(client: Any = None) -> Iterator[None]:
    """Run the parallel loops in a ``with`` statement on a Dask cluster.

    Grid searches, cross-validations and `evaluate` then train their models on the workers, with
    the same results as in a single process. The number of parallel fits is that of the cluster's
    threads, whatever `n_jobs` is. It differs from ``joblib.parallel_config("dask")`` in that a
    loop survives the loss of workers.

    Arrays travel to each worker once. Lists travel with every fit, so pass paths as an array or as
    a pandas Series.

    Parameters
    ----------
    client : distributed.Client or None, default=None
        Client of the cluster; None means the client that was created last.

    Raises
    ------
    ImportError
        If Dask is not installed.
    ValueError
        If there is no client.

    See Also
    --------
    ser_estimators.predict_table : Predict the recordings of a table, such as a partition of Dask.

    Examples
    --------
    Workers that are processes import the module of a script, so the code that starts them is in a
    function or under ``if __name__ == "__main__":``. Here they are threads.

    >>> import numpy as np
    >>> from distributed import Client
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from ser_estimators import make_ser_pipeline
    >>> from ser_estimators.cluster import use_dask
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
    >>> paths = np.array(corpus.data)
    >>> with Client(processes=False, dashboard_address=":0") as client, use_dask(client):
    ...     scores = cross_val_score(
    ...         pipe, paths, corpus.target, groups=corpus.speakers, cv=GroupKFold(2)
    ...     )
    >>> scores.shape
    (2,)
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ImportError(
            "use_dask needs Dask, which is not installed; run "
            "\"pip install 'ser_estimators[dask]'\""
        ) from error
    if client is None:
        try:
            client = distributed.get_client()
        except ValueError as error:
            raise ValueError(
                "there is no client of a Dask cluster; create one first: client = "
                "distributed.Client(), or distributed.Client('scheduler-address:8786')"
            ) from error
    with (
        # A large task is what the data of a loop is, and it is sent once.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}),
        joblib.parallel_config("dask", client=_RecoverableData(client)),
    ):
        yield


class _RecoverableData:
    """A client whose scattered data are tasks, which the scheduler repeats after a loss.

    ``Client.scatter`` leaves data in the memory of workers only. If the last worker that has them
    dies, the whole loop fails with a FutureCancelledError. joblib scatters every array of more
    than a kilobyte, such as the indices of each fold.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def scatter(self, data: Any, **options: Any) -> Any:
        """Return a future of the data; joblib awaits it."""
        return self._client.submit(_data, data, pure=False)


def _data(data: Any) -> Any:
    """Return the data; the scheduler shows the name of this function."""
    return data
