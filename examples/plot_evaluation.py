"""
===========================
Evaluate on unseen speakers
===========================

Measure how well a system recognizes emotions of speakers that it was not trained on, and compare
two systems.
"""

# %%
# The evaluation
# --------------
# The voices are synthetic. ``random_split=True`` adds the usual random split, in which the same
# speakers are in training and test; ``metadata`` adds scores by sex. With ``resume``, every
# finished fold is stored, and the same call continues where an earlier one was interrupted.
from tempfile import TemporaryDirectory

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.evaluation import compare, evaluate

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=f"{folder.name}/voices",
    random_state=0,
)


def evaluate_system(*features):
    """Evaluate a logistic regression on some groups of acoustic features."""
    acoustic = AcousticFeatures(features, memory=f"{folder.name}/cache")
    return evaluate(
        make_pipeline(acoustic, StandardScaler(), LogisticRegression(max_iter=1000)),
        corpus.data,
        corpus.target,
        corpus.speakers,
        cv=4,
        random_split=True,
        metadata={"sex": corpus.sex},
        name=" + ".join(features),
        corpus="synthetic voices",
        resume=f"{folder.name}/evaluation",
    )


report = evaluate_system("mfcc", "pitch")
print(report)

# %%
# In a notebook, the report shows its summary:
report  # noqa: B018

# %%
# As a page, and as tables
# ------------------------
# ``report.to_html("report.html")`` writes one page that needs no network. ``clips_frame`` has a row
# for each clip, from which any other score can be computed.
frame = report.main.clips_frame()
wrong = frame[frame["y_true"] != frame["y_pred"]]
print(wrong[["clip", "speaker", "y_true", "y_pred"]].head().to_string(index=False))

# %%
# Is another system better?
# -------------------------
# Both were evaluated on the same folds. Each speaker counts as one pair of scores.
print(compare({"MFCCs and pitch": report, "level": evaluate_system("rms")}))
folder.cleanup()
