"""
=========================
Predict a folder of files
=========================

Label all recordings in a folder, although some of the files cannot be read.
"""

# %%
# A model and a folder
# --------------------
# The voices are synthetic. Two files are damaged: a download that broke off, and a web page that
# was saved under the name of a recording.
from pathlib import Path
from tempfile import TemporaryDirectory

from ser_estimators import make_ser_pipeline
from ser_estimators.datasets import make_emotional_speech

scratch = TemporaryDirectory()
folder = Path(scratch.name)
corpus = make_emotional_speech(
    n_speakers=6,
    n_per_emotion=4,
    emotions=("anger", "neutral", "sadness"),
    out_dir=folder / "voices",
    random_state=0,
)
model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=30)
model.fit(corpus.data[:60], corpus.target[:60])

calls = folder / "calls"
calls.mkdir()
for number, path in enumerate(corpus.data[60:]):
    (calls / f"call_{number:02}.wav").write_bytes(Path(path).read_bytes())
(calls / "call_03.wav").write_bytes(Path(corpus.data[0]).read_bytes()[:5000])
(calls / "call_07.wav").write_text("<!DOCTYPE html><title>Not found</title>")

# %%
# Every file has an entry
# -----------------------
# ``model.predict`` raises an error that lists both files. ``predict_clips`` with
# ``on_error="skip"`` predicts the others.
from ser_estimators import predict_clips

files = sorted(str(path) for path in calls.glob("*.wav"))
found = predict_clips(model, files, on_error="skip")
print(found.labels)

# %%
# ``failures`` has the position (from 0), the path and the reason of each file that could not be
# read.
for _, path, reason in found.failures:
    print(f"{Path(path).name}: {reason}")

# %%
# As a table
# ----------
# The table has a row for each file, in their order, and can be saved with ``to_csv``.
table = found.to_frame()
table["clip"] = table["clip"].map(lambda path: Path(path).name)
print(table.round(2).to_string())
scratch.cleanup()
