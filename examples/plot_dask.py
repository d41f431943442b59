"""
============================
Search and predict with Dask
============================

Run a grid search and predict a table of files on a Dask cluster of two processes.
"""

# %%
# The processes of a local cluster import the module of the script. Therefore, what starts them is
# under ``if __name__ == "__main__":`` at the end, and everything else is in functions. On a cluster
# of several computers, ``Client("scheduler-address:8786")`` takes the place of ``LocalCluster``.
from pathlib import Path
from tempfile import TemporaryDirectory

import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, GroupKFold

from ser_estimators import make_ser_pipeline, predict_table
from ser_estimators.cluster import use_dask
from ser_estimators.datasets import make_emotional_speech

# %%
# A grid search
# -------------
# Within ``use_dask``, the fits of a search run on the workers. The paths are an array, which is
# sent once. All workers share the cache in the folder ``memory``, so each file is decoded once.


def search(client, corpus, folder):
    """Return a search that has been fitted on a cluster."""
    pipe = make_ser_pipeline(random_state=0, memory=folder / "cache")
    pipe.set_params(cnn__max_epochs=10)
    grid = {"cnn__embedding_dim": [16, 32], "voting__estimator__shrinkage": [0.3, 0.6]}
    search = GridSearchCV(pipe, grid, cv=GroupKFold(3), scoring="balanced_accuracy")
    with use_dask(client):
        return search.fit(np.array(corpus.data), corpus.target, groups=corpus.speakers)


# %%
# A table of files
# ----------------
# ``predict_table`` predicts one partition of a Dask DataFrame. The argument ``meta`` tells Dask the
# columns of the result. Each worker loads the file of the model once.


def predict(model, files):
    """Return a table of predictions, computed in two partitions."""
    table = dd.from_pandas(pd.DataFrame({"path": files}), npartitions=2)
    meta = predict_table(table.head(0), model)
    return table.map_partitions(predict_table, model, meta=meta).compute()


# %%
# Both together
# -------------
# One of the files does not exist. Its row contains the reason, with the name of the host.


def main():
    """Search, save the best model, and predict with it."""
    with (
        TemporaryDirectory() as name,
        # Workers may shut down slowly on a busy computer; the warning would not help anyone.
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR"
        ) as cluster,
        Client(cluster) as client,
    ):
        folder = Path(name)
        corpus = make_emotional_speech(
            n_speakers=6,
            n_per_emotion=3,
            emotions=("anger", "neutral", "sadness"),
            out_dir=folder / "voices",
            random_state=0,
        )
        found = search(client, corpus, folder)
        print(f"best parameters: {found.best_params_}")
        print(f"balanced accuracy: {found.best_score_:.3f}\n")

        model = str(folder / "emotion.joblib")
        joblib.dump(found.best_estimator_, model)
        table = predict(model, [*corpus.data[:3], "missing.wav"])
        table["path"] = [Path(path).name for path in table["path"]]
        table["error"] = table["error"].str.split(" on the host").str[0]
        print(table.round(2).to_string())


if __name__ == "__main__":
    main()
