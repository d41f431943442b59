"""
=======================================
Train on a table of your own recordings
=======================================

Read file names, emotions and speakers from a CSV file, check the recordings, and evaluate a model
on speakers that it was not trained on.
"""

# %%
# A table with one row a clip
# ---------------------------
# The table needs the path of each recording and its emotion. With a column for the speaker, the
# model can be tested on unseen speakers, which is how it will be used. With a start and an end, a
# row is a part of a file, such as a turn in a call.
#
# This table lists synthetic voices, those of each speaker in one file; replace it with your own.
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import soundfile

from ser_estimators.datasets import make_emotional_speech

folder = TemporaryDirectory()
voices = make_emotional_speech(
    n_speakers=8,
    n_per_emotion=4,
    emotions=("anger", "happiness", "neutral", "sadness"),
    out_dir=folder.name,
    random_state=0,
)
rows = []
for speaker in np.unique(voices.speakers):
    takes = np.flatnonzero(voices.speakers == speaker)
    waveforms = [soundfile.read(voices.data[take])[0] for take in takes]
    soundfile.write(f"{folder.name}/call_{speaker}.wav", np.concatenate(waveforms), 16000)
    end = 0.0
    for take, waveform in zip(takes, waveforms, strict=True):
        start, end = end, end + waveform.size / 16000
        rows.append((f"call_{speaker}.wav", voices.target[take], speaker, start, end))
table = Path(folder.name) / "calls.csv"
pd.DataFrame(rows, columns=["file", "emotion", "speaker", "start", "end"]).to_csv(
    table, index=False
)
print(*table.read_text().splitlines()[:4], sep="\n")

# %%
# Loading the table
# -----------------
# The columns are found by their names, and paths are relative to the table. Each row becomes a
# :class:`~ser_estimators.Segment`, which estimators take like a path: only this part is read.
from ser_estimators.datasets import load_table

calls = load_table(table, as_frame=True)
print(calls)
print(Path(calls.data[1]).name, calls.data[1].start, calls.data[1].end)

# %%
# Checking the recordings
# -----------------------
# Silent, clipped and doubled recordings, speakers with two names and emotions of a single speaker
# spoil a model, or its evaluation. Here, speaker 02 was given the name of another one by mistake.
from ser_estimators.datasets import check_corpus

renamed = load_table(calls.frame.replace({"speaker": {"02": "Speaker 1"}}))
print(check_corpus(renamed))

# %%
# Evaluating
# ----------
# Each fold tests speakers that the model was not trained on. A file that cannot be read is reported
# with its name and the reason, before any training begins. ``report.to_html("report.html")`` writes
# the report as a page with players.
from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import evaluate

model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=30)
report = evaluate(model, calls.data, calls.target, calls.speakers, cv=2)
print(report)

# %%
from sklearn.metrics import ConfusionMatrixDisplay

display = ConfusionMatrixDisplay.from_predictions(
    report.main.y_true, report.main.y_pred, cmap="Blues"
)
display.ax_.set(title="Test speakers", xlabel="Predicted emotion", ylabel="True emotion")
folder.cleanup()
