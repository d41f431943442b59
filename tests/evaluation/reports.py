"""Reports of other kinds, made from those of the fixtures."""

from dataclasses import replace

import numpy as np

from ser_estimators.evaluation._metrics import Scores


def without_speakers(protocol):
    """Return a protocol as `evaluate` makes it if the speakers are unknown."""

    def unknown(scores):
        values = {name: None if v is None else v * np.nan for name, v in vars(scores).items()}
        return Scores(**values)

    scores = protocol.scores
    return replace(
        protocol,
        name="speakers unknown",
        speakers=None,
        shared_speakers=[],
        scores=replace(scores, low=unknown(scores.low), high=unknown(scores.high), n_speakers=0),
    )


def with_unknown_speakers(report):
    """Return a report without speakers."""
    return replace(report, protocols={"speakers unknown": without_speakers(report.main)})


def with_metadata(report):
    """Return a report whose main protocol has two columns of metadata, and one of many values."""
    main = report.main
    n_clips = len(main.y_true)
    columns = {
        "sex": np.where(np.arange(n_clips) % 2, "female", "male"),
        "intensity": np.where(main.y_true == "neutral", "normal", "strong"),
        "seconds": np.arange(n_clips) / 7,
    }
    protocols = {**report.protocols, main.name: replace(main, metadata=columns)}
    return replace(
        report, protocols=protocols, corpus="synthetic voices", date="2024-05-01T12:34:56+00:00"
    )
