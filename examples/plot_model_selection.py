"""
============================================
Cross-validation and grid search by speaker
============================================

Estimate how well a pipeline recognizes emotions of unseen speakers, and search its parameters in
the same way.
"""

# %%
# Why by speaker
# --------------
# Recordings of one speaker resemble each other, and a model that has been trained on a speaker does
# better on that speaker than on others. With ``GroupKFold`` and the speakers as groups, no speaker
# appears in both training and test. The voices here are synthetic.
from tempfile import TemporaryDirectory

from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=6,
    n_per_emotion=3,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=f"{folder.name}/voices",
    random_state=0,
)

# %%
# Cross-validation
# ----------------
# With ``memory`` the features of each file are computed once and kept in a folder, so that later
# fits do not read the file again.
from sklearn.model_selection import GroupKFold, cross_validate

from ser_estimators import make_ser_pipeline

pipe = make_ser_pipeline(random_state=0, memory=f"{folder.name}/features")
pipe.set_params(cnn__max_epochs=15)
splitter = GroupKFold(n_splits=3)
results = cross_validate(
    pipe,
    corpus.data,
    corpus.target,
    groups=corpus.speakers,
    cv=splitter,
    scoring="balanced_accuracy",
)
scores = results["test_score"]
print("balanced accuracy of each fold:", *scores.round(3))
print(f"mean and standard deviation: {scores.mean():.3f} ± {scores.std():.3f}")

# %%
# Grid search
# -----------
# The parameters of each step are searched under its name: ``mfcc``, ``cnn`` or ``lr``.
# ``pipe.get_params()`` lists all of them.
import pandas as pd
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    pipe,
    {"mfcc__n_mfcc": [13, 40]},
    cv=splitter,
    scoring="balanced_accuracy",
    refit=False,
)
search.fit(corpus.data, corpus.target, groups=corpus.speakers)
table = pd.DataFrame(search.cv_results_)
columns = ["param_mfcc__n_mfcc", "mean_test_score", "std_test_score"]
print(table[columns].round(3).to_string())

# %%
# The points are the scores of the folds. With so few speakers, the folds differ more than the two
# settings do: this search is too small to choose between them.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
for fold in range(splitter.get_n_splits()):
    axes.plot(
        table["param_mfcc__n_mfcc"].astype(str),
        table[f"split{fold}_test_score"],
        marker="o",
        label=f"fold {fold + 1}",
    )
chance = 1 / len(corpus.target_names)
axes.axhline(chance, color="gray", linestyle="--", label="chance")
axes.set(xlabel="Number of MFCCs", ylabel="Balanced accuracy", ylim=(0, 1))
axes.legend(loc="lower right")
folder.cleanup()

# %%
# :func:`ser_estimators.evaluation.evaluate` adds confidence intervals over speakers, a check of the
# recordings for leaks between training and test, and a report.
