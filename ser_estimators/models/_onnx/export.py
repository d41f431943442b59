"""Export of a pipeline to one ONNX file, from a waveform to probabilities."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..._audio.clips import validate_clips
from ..._audio.unlike import unlike_ignored
from ..._network.views import View
from ..._utils.arrays import Floats
from ..._utils.version import __version__
from ..._utils.writing import write_file
from ...datasets._voice import PROSODY, draw_voice, synthesize
from ...exceptions import AudioLengthWarning, AudioLevelWarning
from .._card import ModelCard
from .._page import describe_card
from .classifiers import add_classifier, add_scaler, add_temperature
from .features import add_coefficients
from .graph import Graph
from .network import add_embedding, add_embeddings, add_probabilities
from .plan import Plan, make_plan
from .statistics import add_statistics
from .waveform import add_waveforms

__all__ = ["export_onnx"]

# Version of the inputs, outputs and metadata.
FORMAT = 1
TOLERANCE = 1e-4
_BATCH = 16  # clips that are compared in one call, padded
_NEVER = 2.0  # threshold of a model that answers nothing
_LOWEST_RATE = 8000  # Hz, of a synthetic voice

_CARD = """\
Speech emotion recognition with {n_classes} classes: {classes}.

Input "waveform": float32, (clips, samples), mono at {sr} Hz on the scale [-1, 1].
Input "lengths": int64, (clips,), samples of each clip; what follows them is ignored.
Output "probabilities": float32, (clips, classes); NaN for a clip that cannot be used.

Exported by ser_estimators {version}. Speakers, languages, microphones and rooms that differ from
those of the training are recognized less well: test the model on recordings of your own.
"""


def export_onnx(
    pipeline: Any,
    path: str | os.PathLike[str],
    *,
    clips: Any = None,
    card: ModelCard | str | None = None,
) -> Path:
    """Write a fitted pipeline as one ONNX file, from a waveform to probabilities.

    ONNX Runtime [1]_ runs the file in many languages and in browsers, without this library, PyTorch
    or scikit-learn. The file has two inputs, ``waveform``, float32 of shape (n_clips, n_samples) at
    the sampling rate of the pipeline, and ``lengths``, int64 of shape (n_clips,), the number of
    samples of each clip; the samples after these are ignored. Its output ``probabilities`` is
    float32 of shape (n_clips, n_classes). A batch has one clip or more, of any length. For clips
    that the pipeline refuses, such as those that contain NaN, the probabilities are NaN.

    Before the file is written, its probabilities are compared with those of the pipeline.

    Parameters
    ----------
    pipeline : fitted Pipeline, or a fitted search with ``best_estimator_``
        `MFCCTransformer`, `CNNEmbedder` with its own convolutional networks and, optionally,
        ``StandardScaler``, `SpeakerNormalizer` (which treats every clip as the only one of its
        speaker) and a classifier: ``LogisticRegression``, ``LinearDiscriminantAnalysis``
        or one of them in ``CalibratedClassifierCV`` or in a `ViewVotingClassifier` of one view,
        which predicts without speakers. A `SelectiveClassifier` may be around the pipeline or its
        last step. A first step `AudioRanges` is left out.
    path : path-like
        File to write, usually with the suffix ``.onnx``.
    clips : list of path-like, list of 1-D waveforms, or 2-D ndarray, or None, default=None
        Clips on which the file is compared with the pipeline. None takes a synthetic voice,
        noise, a click, silence and a single sample.
    card : ModelCard, str or None, default=None
        What is known about the model: a card, which is written after a description of the inputs
        and outputs, or a text that replaces both. None writes the description alone.

    Returns
    -------
    pathlib.Path
        The file. Its metadata are ``classes`` (JSON), ``sampling_rate`` in Hz, ``card``,
        ``version`` (of this library) and ``format`` (of inputs, outputs and metadata); for a
        `SelectiveClassifier` also ``threshold`` and ``unsure`` (both JSON): if the highest
        probability is below the threshold, the answer is unsure.

    Raises
    ------
    ImportError
        If onnx or onnxruntime is not installed.
    NotFittedError
        If the pipeline has not been fitted.
    TypeError, ValueError
        If a step or a parameter of the pipeline cannot be exported, or if a probability differs
        from that of the pipeline by more than 1e-4. Nothing is written then.
    AudioReadError
        If `clips` cannot be read.

    See Also
    --------
    predict_clips : Predictions with the pipeline itself.

    Notes
    -----
    Resampling is not part of the file. For the probabilities of the pipeline, resample files of
    another rate with soxr's quality HQ, the default of `MFCCTransformer`.

    The same pipeline gives the same bytes.

    References
    ----------
    .. [1] ONNX Runtime. https://onnxruntime.ai

    Examples
    --------
    >>> from ser_estimators import export_onnx, make_ser_pipeline
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), n_syllables=2, out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=2)
    >>> pipe = pipe.fit(corpus.data, corpus.target)
    >>> export_onnx(pipe, "model.onnx").name
    'model.onnx'
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"export_onnx needs {error.name}, which is not installed; run "
            "\"pip install 'ser_estimators[onnx]'\""
        ) from error
    if card is not None and not isinstance(card, (ModelCard, str)):
        raise TypeError(f"card is a {type(card).__name__}; expected a ModelCard, a str or None")
    plan = make_plan(pipeline)
    waveforms = _signals(plan) if clips is None else _load(plan, clips)
    # First, because the pipeline checks its parameters.
    expected = _predict(pipeline, waveforms)
    data = _build(plan, card).SerializeToString(deterministic=True)
    _check(data, waveforms, expected)
    return write_file(path, data)


def _build(plan: Plan, card: ModelCard | str | None) -> Any:
    """Return the model."""
    from onnx import TensorProto, helper

    graph = Graph()
    waveforms, is_valid = add_waveforms(graph, "waveform", "lengths", plan.mfcc._reading())
    coefficients = add_coefficients(graph, waveforms, plan.mfcc._options())
    views = [View._make(view) for view in plan.cnn.views_]
    embeddings = add_embeddings(graph, plan.cnn.module_, views, coefficients)
    if plan.classifier is None:
        probabilities = add_probabilities(graph, plan.cnn.module_.heads, embeddings)
    else:
        x = add_embedding(graph, embeddings, is_normalized=plan.cnn.norm_ == "l2")
        if plan.cnn.statistics_ is not None:
            statistics = add_statistics(graph, coefficients, plan.cnn.statistics_)
            x = graph.add("Concat", x, statistics, axis=1)
        for scaler in plan.scalers:
            x = add_scaler(graph, x, scaler)
        probabilities = add_classifier(graph, x, plan.classifier)
    if plan.selective is not None:
        probabilities = add_temperature(graph, probabilities, plan.selective.temperature_)
    graph.add_output("Where", "probabilities", is_valid, probabilities, float("nan"))
    model = graph.model(
        [
            helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["clips", "samples"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT64, ["clips"]),
        ],
        [
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, ["clips", len(plan.classes)]
            )
        ],
    )
    model.producer_name, model.producer_version = "ser_estimators", __version__
    sr = int(plan.mfcc.sr)
    model.doc_string = card if isinstance(card, str) else _describe(plan, card)
    helper.set_model_props(
        model,
        _answers(plan)
        | {
            "classes": json.dumps(plan.classes, ensure_ascii=False),
            "sampling_rate": str(sr),
            "card": model.doc_string,
            "version": __version__,
            "format": str(FORMAT),
        },
    )
    return model


def _answers(plan: Plan) -> dict[str, str]:
    """Return from which probability on there is an answer, and what is said below it."""
    selective = plan.selective
    if selective is None:
        return {}
    # JSON has no infinity, and no probability is above 1.
    threshold = min(selective.threshold_, _NEVER)
    return {"threshold": json.dumps(threshold), "unsure": json.dumps(selective.unsure_)}


def _describe(plan: Plan, card: ModelCard | None) -> str:
    """Return a text about the inputs, the outputs and what is known about the model."""
    text = _CARD.format(
        n_classes=len(plan.classes),
        classes=", ".join(map(str, plan.classes)),
        sr=int(plan.mfcc.sr),
        version=__version__,
    )
    return text if card is None else f"{text}\n{describe_card(card)}"


def _load(plan: Plan, clips: Any) -> list[Floats]:
    """Read clips as whole waveforms at the rate of the pipeline."""
    reading = replace(plan.mfcc._reading(), offset=0.0, duration=None)
    return [reading.load(clip) for clip in validate_clips(plan.mfcc, clips, reset=False)]


def _signals(plan: Plan) -> list[Floats]:
    """Return synthetic signals of several kinds and lengths."""
    sr = int(plan.mfcc.sr)
    rng = np.random.default_rng(0)
    voice, rate = draw_voice("female", rng), max(sr, _LOWEST_RATE)
    speech = np.concatenate(
        [synthesize(voice, emotion, sr=rate, n_syllables=6, rng=rng) for emotion in PROSODY]
    )
    noise = 0.1 * rng.normal(size=sr) * np.exp(-np.linspace(0, 9, sr))
    silence = np.zeros(sr // 3 + 1)
    click = np.zeros(sr)
    click[sr // 2] = 0.5
    signals = [speech[: 2 * sr], speech, noise, click, silence, np.array([0.1])]
    start = int(plan.mfcc.offset * sr)
    return [np.pad(signal, (start, 0)).astype(np.float32) for signal in signals]


def _predict(pipeline: Any, waveforms: Sequence[Floats]) -> Floats:
    """Return the probabilities of the pipeline."""
    with unlike_ignored(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioLengthWarning)
        warnings.simplefilter("ignore", AudioLevelWarning)
        parts = [pipeline.predict_proba(part) for part in _batches(waveforms)]
    return np.concatenate(parts)


def _check(data: bytes, waveforms: Sequence[Floats], expected: Floats) -> None:
    """Raise if a model differs from expected probabilities, alone or padded in a batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    alone = [_run(session, [waveform]) for waveform in waveforms]
    padded = [_run(session, part) for part in _batches(waveforms)]
    for found in (alone, padded):
        differences = np.abs(np.concatenate(found) - expected).max(axis=1)
        # Also true for NaN.
        wrong = np.flatnonzero(~(differences <= TOLERANCE))
        if wrong.size:
            raise ValueError(
                f"The ONNX model differs from the pipeline by {differences[wrong[0]]:.1e} in a "
                f"probability of clip {wrong[0] + 1} of {len(waveforms)}, more than "
                f"{TOLERANCE:g}, so nothing was written; if the coefficients of the last step are "
                "very large, regularize it more, otherwise report this with the output of "
                "show_versions()"
            )


def _batches(waveforms: Sequence[Floats]) -> list[Sequence[Floats]]:
    return [waveforms[start : start + _BATCH] for start in range(0, len(waveforms), _BATCH)]


def _run(session: Any, waveforms: Sequence[Floats]) -> Floats:
    """Return the probabilities of clips in one batch."""
    lengths = np.array([waveform.size for waveform in waveforms], dtype=np.int64)
    # Samples after the end must have no effect.
    batch = np.ones((len(waveforms), lengths.max()), dtype=np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: waveform.size] = waveform
    return np.asarray(session.run(None, {"waveform": batch, "lengths": lengths})[0])
