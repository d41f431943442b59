"""export_onnx: the file gives the probabilities of the pipeline, for any clips."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from ser_estimators import (
    CNNEmbedder,
    LogisticRegression,
    MFCCTransformer,
    __version__,
    export_onnx,
    make_ser_pipeline,
)
from ser_estimators.datasets import load_ravdess
from ser_estimators.exceptions import AudioLevelWarning
from ser_estimators.models import ModelCard

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLengthWarning")

SR = 16000
TOLERANCE = 1e-4


def open_session(path, n_threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    # More threads than processors would wait for each other.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(session, clips, *, padding=0, fill=0.0):
    """Return the probabilities of clips that are padded to one batch."""
    lengths = np.array([len(clip) for clip in clips])
    batch = np.full((len(clips), max(lengths) + padding), fill, dtype=np.float32)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return session.run(["probabilities"], {"waveform": batch, "lengths": lengths})[0]


def run_one_by_one(session, clips):
    return np.concatenate([run(session, [clip]) for clip in clips])


def noise(n_samples, seed=0):
    """Return noise whose level changes by 80 dB."""
    level = 10 ** np.linspace(0, -4, n_samples)
    return (level * np.random.default_rng(seed).normal(size=n_samples)).astype(np.float32)


def click(n_samples):
    return np.where(np.arange(n_samples) == n_samples // 2, 0.5, 0).astype(np.float32)


SIGNALS = {
    "noise": noise(40000),
    "one sample": np.array([0.3], dtype=np.float32),
    "two samples": np.array([0.3, -0.2], dtype=np.float32),
    "silence": np.zeros(20000, dtype=np.float32),
    "a click": click(20000),
    "a constant": np.full(5000, 0.1, dtype=np.float32),
    "clipped": np.clip(9 * noise(9999, seed=1), -1, 1),
}


@pytest.fixture(scope="module")
def session(onnx_file):
    return open_session(onnx_file)


def waveforms(paths):
    reading = MFCCTransformer()._reading()
    return [reading.load(path) for path in paths]


def test_probabilities_are_those_of_the_pipeline(pipe, session, voices):
    expected = pipe.predict_proba(voices.data)
    # The networks have learned something, so that an agreement is not one of constants.
    assert expected.std(axis=0).max() > 0.1
    clips = waveforms(voices.data)
    np.testing.assert_allclose(run_one_by_one(session, clips), expected, atol=TOLERANCE)
    np.testing.assert_allclose(run(session, clips), expected, atol=TOLERANCE)


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("n_threads", [1, 8])
@pytest.mark.filterwarnings("ignore::ser_estimators.exceptions.AudioLevelWarning")
def test_signals_other_than_speech(pipe, onnx_file, name, n_threads):
    found = run(open_session(onnx_file, n_threads), [SIGNALS[name]])
    np.testing.assert_allclose(found, pipe.predict_proba([SIGNALS[name]]), atol=TOLERANCE)


@pytest.mark.parametrize("n_threads", [1, 8])
def test_ten_minutes(pipe, onnx_file, voices, n_threads):
    (voice,) = waveforms(voices.data[:1])
    long = np.resize(voice, 600 * SR)
    found = run(open_session(onnx_file, n_threads), [long])
    np.testing.assert_allclose(found, pipe.predict_proba([long]), atol=TOLERANCE)


@settings(max_examples=60)
@given(n_samples=st.integers(1, 12000), seed=st.integers(0, 9))
def test_any_length(pipe, session, n_samples, seed):
    clip = noise(n_samples, seed)
    np.testing.assert_allclose(run(session, [clip]), pipe.predict_proba([clip]), atol=TOLERANCE)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 9000), min_size=1, max_size=6),
    padding=st.integers(0, 3000),
    fill=st.sampled_from([0.0, 1.0, np.nan, np.inf]),
)
def test_a_batch_with_lengths_equals_single_clips(session, lengths, padding, fill):
    """Whatever the samples after the end of a clip are."""
    clips = [noise(length, seed) for seed, length in enumerate(lengths)]
    found = run(session, clips, padding=padding, fill=fill)
    np.testing.assert_allclose(found, run_one_by_one(session, clips), atol=1e-5)


def test_lengths_have_an_effect(session):
    """The negative control of the test above."""
    clip = noise(8000)[::-1]
    cut = session.run(None, {"waveform": clip[None], "lengths": np.array([3000])})[0]
    assert np.abs(cut - run(session, [clip])).max() > 1e-3
    np.testing.assert_allclose(cut, run(session, [clip[:3000]]), atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e9])
def test_clips_that_the_pipeline_refuses_have_no_probabilities(pipe, session, value):
    clips = [noise(5000), noise(5000), noise(3000)]
    clips[1][4000] = value
    found = run(session, clips)
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[[0, 2]], run_one_by_one(session, clips)[[0, 2]], atol=1e-5)
    with pytest.raises(ValueError, match="Could not use clip 1 of 1"):
        pipe.predict_proba(clips[1:2])


@pytest.mark.parametrize("length", [0, -1, 5001, 2**62])
def test_lengths_that_are_impossible_have_no_probabilities(session, length):
    batch = np.stack([noise(5000), noise(5000)])
    found = session.run(None, {"waveform": batch, "lengths": np.array([length, 5000])})[0]
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], run(session, [noise(5000)]), atol=1e-5)


def test_no_samples(session):
    empty = {"waveform": np.zeros((2, 0), np.float32), "lengths": np.zeros(2, np.int64)}
    assert np.isnan(session.run(None, empty)[0]).all()


def test_metadata(pipe, session):
    meta = session.get_modelmeta()
    assert json.loads(meta.custom_metadata_map["classes"]) == ["anger", "neutral", "sadness"]
    assert meta.custom_metadata_map["sampling_rate"] == "16000"
    assert meta.custom_metadata_map["version"] == __version__
    assert meta.custom_metadata_map["format"] == "1"
    assert meta.custom_metadata_map["card"] == meta.description
    assert "3 classes: anger, neutral, sadness" in meta.description
    assert meta.producer_name == "ser_estimators"
    assert [(each.name, each.shape) for each in session.get_inputs()] == [
        ("waveform", ["clips", "samples"]),
        ("lengths", ["clips"]),
    ]
    assert session.get_outputs()[0].shape == ["clips", 3]


def test_the_card_is_written(pipe):
    text = "# A model\nThat was trained on nine voices: ä, €."
    path = export_onnx(pipe, "model.onnx", card=text)
    assert open_session(path).get_modelmeta().custom_metadata_map["card"] == text


def test_a_model_card_follows_the_description(pipe):
    card = ModelCard(name="Nine voices", license="cc0-1.0", limitations="Not tested on calls.")
    path = export_onnx(pipe, "model.onnx", card=card)
    text = open_session(path).get_modelmeta().custom_metadata_map["card"]
    assert text.startswith("Speech emotion recognition with 3 classes")
    assert text.endswith(
        "# Nine voices\n\nLicense: cc0-1.0\n\n## Limitations\n\nNot tested on calls.\n"
    )


def test_a_card_of_another_type_is_refused(pipe):
    with pytest.raises(TypeError, match="card is a dict; expected a ModelCard, a str or None"):
        export_onnx(pipe, "model.onnx", card={"name": "Nine voices"})
    assert not Path("model.onnx").exists()


def test_a_file_is_valid_and_of_low_versions(onnx_file):
    onnx.checker.check_model(onnx_file, full_check=True)
    model = onnx.load(onnx_file)
    assert model.ir_version == 7
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 13)]
    # Slow in onnxruntime, or missing in some runtimes.
    assert not {"DFT", "STFT", "MelWeightMatrix", "Scan", "Loop"} & {
        node.op_type for node in model.graph.node
    }


def test_the_same_pipeline_gives_the_same_bytes(pipe, onnx_file):
    code = (
        "import joblib, ser_estimators, torch; torch.set_num_threads(1)\n"
        "ser_estimators.export_onnx(joblib.load('model.joblib'), 'again.onnx')"
    )
    import joblib

    joblib.dump(pipe, "model.joblib")
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path("again.onnx").read_bytes() == onnx_file.read_bytes()


@pytest.mark.parametrize("kind", ["paths", "waveforms", "array"])
def test_clips_for_the_comparison(pipe, voices, kind):
    clips = voices.data[:3]
    if kind != "paths":
        clips = [waveform[:6000] for waveform in waveforms(clips)]
    export_onnx(pipe, "model.onnx", clips=np.stack(clips) if kind == "array" else clips)
    assert Path("model.onnx").exists()


def test_clips_that_cannot_be_read(pipe):
    with pytest.raises(ValueError, match="'missing.wav': there is no such file"):
        export_onnx(pipe, "model.onnx", clips=["missing.wav"])
    assert not Path("model.onnx").exists()


def test_nothing_is_written_if_the_probabilities_differ(pipe, voices):
    """Enormous coefficients amplify rounding errors to probabilities."""
    embedding = pipe[:-1].transform([SIGNALS["noise"]])[0]
    classifier = LogisticRegression().fit(pipe[:-1].transform(voices.data), voices.target)
    classifier.coef_ = 3e6 * np.random.default_rng(0).normal(size=classifier.coef_.shape)
    classifier.intercept_ = -(classifier.coef_ @ embedding.astype(np.float64))
    other = Pipeline([*pipe.steps[:-1], ("lr", classifier)])
    Path("model.onnx").write_bytes(b"before")
    differs = r"differs from the pipeline by .* in a probability of clip 2 of 2"
    with pytest.raises(ValueError, match=differs):
        export_onnx(other, "model.onnx", clips=[SIGNALS["a click"], SIGNALS["noise"]])
    assert Path("model.onnx").read_bytes() == b"before"
    assert list(Path().iterdir()) == [Path("model.onnx")]


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from ser_estimators import export_onnx\n"
        "try:\n    export_onnx(None, 'model.onnx')\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        f"export_onnx needs {missing}, which is not installed; run "
        "\"pip install 'ser_estimators[onnx]'\""
    )


@pytest.mark.slow
@pytest.mark.real_data
def test_two_hundred_real_clips(ravdess_folder):
    """The default networks on real speech, at 1 and at 8 threads, alone and in batches."""
    corpus = load_ravdess(ravdess_folder)
    paths, target = corpus.data[::7][:200], corpus.target[::7][:200]
    frames = MFCCTransformer().fit_transform(paths)
    cnn = CNNEmbedder(max_epochs=5, random_state=0).fit(frames, target)
    classifier = LogisticRegression(class_weight="balanced").fit(cnn.transform(frames), target)
    pipe = make_ser_pipeline()
    pipe.steps = [("mfcc", MFCCTransformer()), ("cnn", cnn), ("lr", classifier)]
    expected = pipe.predict_proba(paths)
    assert len(paths) == 200
    assert expected.std(axis=0).max() > 0.1
    clips = waveforms(paths)
    path = export_onnx(pipe, "model.onnx", clips=clips[:5])
    for n_threads in (1, 8):
        session = open_session(path, n_threads)
        np.testing.assert_allclose(run_one_by_one(session, clips), expected, atol=TOLERANCE)
        batches = [run(session, clips[start : start + 32]) for start in range(0, 200, 32)]
        np.testing.assert_allclose(np.concatenate(batches), expected, atol=TOLERANCE)
        long = np.resize(np.concatenate(clips), 600 * SR)
        np.testing.assert_allclose(run(session, [long]), pipe.predict_proba([long]), atol=TOLERANCE)
        for name in ("silence", "a click", "one sample"):
            with pytest.warns(AudioLevelWarning) if name == "silence" else contextlib.nullcontext():
                alone = pipe.predict_proba([SIGNALS[name]])
            np.testing.assert_allclose(run(session, [SIGNALS[name]]), alone, atol=TOLERANCE)
