"""
====================================
Save a model, and share it as a file
====================================

Write a fitted pipeline as a file without code, together with a card that says what the model is,
and load it again.
"""

# %%
# A model and its score
# ---------------------
# The voices are synthetic, so that a few epochs are enough. The last two of six speakers are held
# out.
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
n_train = int((corpus.speakers < "05").sum())  # the clips are in the order of the speakers
train, test = corpus.data[:n_train], corpus.data[n_train:]
model = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=30)
model.fit(train, corpus.target[:n_train])
accuracy = model.score(test, corpus.target[n_train:])

# %%
# The file and its card
# ---------------------
# A card describes what cannot be derived from the model: on what it was trained and tested, and
# what it is not meant for. Everything in it is optional. After
# :func:`ser_estimators.evaluation.evaluate`, ``ModelCard.from_report`` takes scores and corpus from
# the report.
from ser_estimators import save_model
from ser_estimators.models import ModelCard, describe_audio

card = ModelCard(
    name="Emotions of synthetic voices",
    license="bsd-3-clause",
    corpora=["make_emotional_speech"],
    scores={"accuracy": accuracy},
    evaluation="Two of six speakers were held out.",
    audio=describe_audio(train),
    limitations="The model knows synthetic voices only.",
)
path = save_model(model, folder / "emotion.safetensors", card=card)
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# What a file says
# ----------------
# ``model_info`` reads the header only, in milliseconds and without PyTorch or scikit-learn. The
# result also has all parameters and the shape of every array.
from ser_estimators.models import model_info

info = model_info(path)
for name in ("classes", "sr", "versions", "n_values"):
    print(f"{name}: {info[name]}")
print("card:")
for name, value in info["card"].items():
    print(f"  {name}: {value}")
print(*info["outline"], sep="\n")

# %%
# Predicting with the file
# ------------------------
# The loaded model predicts exactly what the saved one does. It can also be served
# (:doc:`/serving`), or used on the command line: ``ser predict -m emotion.safetensors new/``.
from ser_estimators import load_model

loaded = load_model(path)
print(loaded.predict(test[:3]))
print((loaded.predict_proba(test) == model.predict_proba(test)).all())

# %%
# The card as a page
# ------------------
# ``write_card`` writes the page that the Hugging Face Hub shows for a folder with the model.
from ser_estimators.models import write_card

print(write_card(path).read_text())

# %%
# Files that are refused
# ----------------------
# A model file has a checksum. One that was damaged on the way, a pickle, or anything else is
# refused with a :class:`~ser_estimators.exceptions.ModelFileError`; no code in it is run.
import pickle

from ser_estimators.exceptions import ModelFileError

content = bytearray(path.read_bytes())
content[-1000] ^= 1  # one bit of a weight
(folder / "damaged.safetensors").write_bytes(content)
(folder / "pickle.safetensors").write_bytes(pickle.dumps(model))
for name in ("damaged.safetensors", "pickle.safetensors"):
    try:
        load_model(folder / name)
    except ModelFileError as error:
        print(str(error).replace(str(folder), "."))
scratch.cleanup()
