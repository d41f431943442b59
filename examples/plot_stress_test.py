"""
==================
Outside the studio
==================

Measure what noise, rooms and telephones cost, and compare two systems.
"""

# %%
# A stress test in each fold
# --------------------------
# The voices are synthetic. With ``conditions``, every test clip is also predicted after it has been
# changed, by the model of its fold. ``conditions="standard"`` tests all standard conditions; here,
# there are only some of them, and a function of our own.
from tempfile import TemporaryDirectory

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import AcousticFeatures
from ser_estimators.conditions import add_room, standard_conditions
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.display import StressTestDisplay
from ser_estimators.evaluation import evaluate

folder = TemporaryDirectory()
corpus = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=3,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=f"{folder.name}/voices",
    random_state=0,
)


def noisy_stairwell(waveform, sr, rng):
    """Add a long reverberation and some noise; ``rng`` is seeded by the clip."""
    heard = add_room(waveform, sr, rng, rt60=1.5)
    return heard + 0.003 * rng.standard_normal(len(heard))


names = ("gain -20 dB", "white noise 20 dB", "telephone band", "room 0.4 s", "tempo 1.15")
conditions = {name: standard_conditions()[name] for name in names}
conditions["noisy stairwell"] = noisy_stairwell


def evaluate_system(**options):
    """Evaluate a logistic regression on MFCCs and pitch."""
    acoustic = AcousticFeatures(["mfcc", "pitch"], memory=f"{folder.name}/cache", **options)
    return evaluate(
        make_pipeline(acoustic, StandardScaler(), LogisticRegression(max_iter=1000)),
        corpus.data,
        corpus.target,
        corpus.speakers,
        cv=4,
        metadata={"sex": corpus.sex},
        conditions=conditions,
        corpus="synthetic voices",
    )


report = evaluate_system()
print(report.stress)

# %%
# As a plot
# ---------
# The dashed line is the score of the clips as recorded, the dotted line is chance.
StressTestDisplay.from_results(report.stress)

# %%
# A remedy
# --------
# With ``loudness``, all clips are brought to the same level before the features are computed: the
# level no longer matters, and is no longer a cue either.
equalized = evaluate_system(loudness=-23)
StressTestDisplay.from_results({"as it is": report.stress, "equal loudness": equalized.stress})

# %%
# As tables
# ---------
# ``report.to_html("report.html")`` has a section on the stress test. ``to_frame`` returns the
# scores of all clips, by emotion, or by a column of the metadata.
frame = report.stress.to_frame("emotion")
table = frame.pivot(index="condition", columns="emotion", values="difference")
print(table.loc[list(conditions)].round(2).to_string())

# %%
# Labels that change are worse for users than a score that falls: the same voice seems to feel
# something else in another room.
print(report.stress.to_frame()[["condition", "accuracy_kept", "labels_kept"]].round(2).to_string())
folder.cleanup()
