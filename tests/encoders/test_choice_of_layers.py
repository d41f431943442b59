"""The choice of layers: on which clips, at which speed, and what it keeps in memory."""

import numpy as np
import pytest

from ser_estimators import EncoderEmbedder
from ser_estimators._estimators import encoder_layers, encoder_statistics


def make(folder, **params):
    return EncoderEmbedder(folder, precision="float32", **params)


@pytest.fixture
def scored(monkeypatch):
    """Record the tables that layers are chosen by."""
    found = []

    def recorded(tables, y, groups):
        found.append(tables)
        return score_layers(tables, y, groups)

    score_layers = encoder_layers.score_layers
    monkeypatch.setattr(encoder_layers, "score_layers", recorded)
    return found


@pytest.mark.parametrize("memory", [None, "cache"])
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_layers_are_chosen_at_the_speed_closest_to_one(
    whisper_folder, voices, scored, memory, method
):
    three = make(whisper_folder, speeds=(0.9, 1.02, 1.1), memory=memory)
    getattr(three, method)(voices.data, voices.target, groups=voices.speakers)
    one = make(whisper_folder, speeds=(1.02,)).fit(
        voices.data, voices.target, groups=voices.speakers
    )
    np.testing.assert_array_equal(scored[0], scored[1])
    np.testing.assert_array_equal(three.layer_scores_, one.layer_scores_)
    assert scored[0].base is not None, "the tables were copied"


@pytest.mark.parametrize(("memory", "n_runs"), [(None, 36), ("cache", 3 * 36)])
def test_fit_computes_the_other_speeds_for_the_cache_only(
    whisper_folder, voices, monkeypatch, memory, n_runs
):
    played = []

    def counted(family, waveforms, **options):
        played.extend(waveforms)
        return embed(family, waveforms, **options)

    embed = encoder_statistics.embed
    monkeypatch.setattr(encoder_statistics, "embed", counted)
    embedder = make(whisper_folder, speeds=(0.9, 1.0, 1.1), memory=memory)
    embedder.fit(voices.data, voices.target)
    assert len(played) == n_runs
    found = embedder.transform(voices.data)
    assert len(played) == 3 * 36 + (0 if memory else 36)
    np.testing.assert_array_equal(embedder.fit_transform(voices.data, voices.target), found)


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_a_missing_speaker_is_named(whisper_folder, voices, missing):
    groups = np.array([*voices.speakers[:10], missing, *voices.speakers[11:]], dtype=object)
    with pytest.raises(ValueError, match="groups contains .*: clip 11 of 36 has no speaker; pass"):
        make(whisper_folder).fit(voices.data, voices.target, groups=groups)


def test_missing_values_of_pandas(whisper_folder, voices):
    pandas = pytest.importorskip("pandas")
    groups = pandas.Series(list(voices.speakers))
    groups[3] = pandas.NA
    with pytest.raises(ValueError, match="clip 4 of 36 has no speaker"):
        make(whisper_folder).fit(voices.data, voices.target, groups=groups)


def test_numbers_that_are_missing(whisper_folder, voices):
    groups = np.arange(36) // 6 + 0.0
    groups[35] = np.nan
    with pytest.raises(ValueError, match="groups contains .*nan.*: clip 36 of 36 has no speaker"):
        make(whisper_folder).fit(voices.data, voices.target, groups=groups)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_label_is_named(whisper_folder, voices, missing):
    y = np.array([missing, *voices.target[1:]], dtype=object)
    with pytest.raises(
        ValueError, match="y contains .*: clip 1 of 36 has no label; pass the label"
    ):
        make(whisper_folder).fit_transform(voices.data, y)
