"""
=======================================
Train on a table of your own recordings
=======================================

Read file names, emotions and speakers from a CSV file, train on some of the speakers and test on
the others.
"""

# %%
# A table with one row a recording
# --------------------------------
# The table needs the path of each recording and its emotion. With a column for the speaker, the
# model can be tested on unseen speakers, which is how it will be used. A random split would test on
# voices that are in the training data too, and the score would be too high.
#
# This table lists synthetic voices; replace it with your own.
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
voices = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=folder.name,
    random_state=0,
)
table = Path(folder.name) / "recordings.csv"
pd.DataFrame(
    {
        "file": [Path(path).relative_to(folder.name) for path in voices.data],
        "emotion": voices.target,
        "speaker": voices.speakers,
    }
).to_csv(table, index=False)
print(*table.read_text().splitlines()[:4], sep="\n")

# %%
# Reading the table
# -----------------
# The paths in this table are relative to its folder. Speakers are numbers with leading zeros, so
# they are read as text.
recordings = pd.read_csv(table, dtype={"speaker": str})
X = [str(table.parent / name) for name in recordings["file"]]
y = recordings["emotion"].to_numpy()
speakers = recordings["speaker"].to_numpy()

print(pd.crosstab(recordings["speaker"], recordings["emotion"]))

# %%
# Training and test speakers
# --------------------------
from sklearn.model_selection import GroupShuffleSplit

splitter = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = next(splitter.split(X, y, groups=speakers))
print("test speakers:", *sorted(set(speakers[test])))

# %%
# Training and testing
# --------------------
# WAV, FLAC, OGG and MP3 files of any sampling rate and any number of channels can be mixed. A file
# that cannot be read is reported with its name and the reason, before any training begins.
from sklearn.metrics import classification_report

from ser_estimators import make_ser_pipeline

model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=40)
model.fit([X[index] for index in train], y[train])
predicted = model.predict([X[index] for index in test])
print(classification_report(y[test], predicted, zero_division=0))

# %%
from sklearn.metrics import ConfusionMatrixDisplay

display = ConfusionMatrixDisplay.from_predictions(y[test], predicted, cmap="Blues")
display.ax_.set(title="Test speakers", xlabel="Predicted emotion", ylabel="True emotion")
folder.cleanup()
