"""EncoderEmbedder: parameters, layers, cache, models that travel, and clips of all kinds."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from ser_estimators import EncoderEmbedder, MFCCTransformer
from ser_estimators._encoders import files as encoder_files
from ser_estimators._estimators import encoder_layers, encoder_statistics
from ser_estimators._estimators.layer_choice import neighbors, score_layers
from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import AudioReadError

from .helpers import save_encoder


def make(folder, **params):
    return EncoderEmbedder(folder, **{"layers": 2, "precision": "float32"} | params)


@pytest.fixture
def runs(monkeypatch):
    """Count the waveforms that an encoder processes."""
    found = []

    def counted(family, waveforms, **options):
        found.extend(waveforms)
        return embed(family, waveforms, **options)

    embed = encoder_statistics.embed
    monkeypatch.setattr(encoder_statistics, "embed", counted)
    return found


def test_embedding_and_names(whisper_folder, voices):
    embedder = make(whisper_folder, layers=[2, 0]).fit(voices.data)
    found = embedder.transform(voices.data)
    assert (found.shape, found.dtype) == ((36, 64), np.float32)
    assert embedder.embedding_dim_ == 64
    names = embedder.get_feature_names_out()
    assert (names[0], names[16], names[32], names[-1]) == (
        "layer2_mean_0",
        "layer2_std_0",
        "layer0_mean_0",
        "layer0_std_15",
    )
    single = make(whisper_folder, layers=0, pooling=["std"]).fit(voices.data)
    np.testing.assert_allclose(single.transform(voices.data), found[:, 48:], atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (0, (0,)),
        (-1, (3,)),
        (-4, (0,)),
        (np.int64(-1), (3,)),
        ([1, -1], (1, 3)),
        ((3, 1), (3, 1)),
        (range(1, 3), (1, 2)),
        (np.array([2]), (2,)),
        (np.array(3), (3,)),
    ],
)
def test_layers(whisper_folder, voices, layers, expected):
    embedder = make(whisper_folder, layers=layers).fit(voices.data[:1])
    assert embedder.layers_ == expected
    assert embedder.layer_scores_ is None


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"layers": 4}, ValueError, "layers contains 4, must be from 0 to 3"),
        ({"layers": -5}, ValueError, "layers contains -5"),
        ({"layers": "best"}, ValueError, "layers == 'best', must be 'auto', a number or a list"),
        ({"layers": []}, TypeError, r"layers == \[\], must be 'auto', a whole number or a list"),
        ({"layers": [1.5]}, TypeError, "must be 'auto', a whole number"),
        ({"layers": True}, TypeError, "must be 'auto', a whole number"),
        ({"layers": None}, TypeError, "must be 'auto', a whole number"),
        ({"layers": np.array(1.5)}, TypeError, "must be 'auto', a whole number"),
        ({"layers": range(0)}, TypeError, "must be 'auto', a whole number"),
        ({"layers": [1, 1]}, ValueError, r"layers == \[1, 1\] names layer 1 twice"),
        ({"layers": [3, -1]}, ValueError, "names layer 3 twice"),
        ({"pooling": "mean"}, TypeError, "pooling == 'mean', must be a list or a tuple of one or"),
        ({"pooling": {"mean", "std"}}, TypeError, "must be a list or a tuple of one or more"),
        ({"pooling": []}, ValueError, "must have one or more of mean, std"),
        ({"pooling": ["median"]}, ValueError, "pooling"),
        ({"pooling": ["mean", "mean"]}, ValueError, "must not contain duplicates"),
        ({"batch_size": 0}, ValueError, "batch_size == 0, must be >= 1"),
        ({"device": "mps:9"}, ValueError, "device == 'mps:9'"),
        ({"precision": "float16"}, ValueError, "precision"),
        ({"revision": 3}, TypeError, "revision"),
        ({"model": ""}, TypeError, "model is ''; expected a folder, or a name on the Hugging"),
        ({"model": None}, TypeError, "model is None; expected a folder"),
        ({"model": "no/such/place"}, ValueError, "There is no folder 'no/such/place'"),
        ({"local_files_only": "no"}, TypeError, "local_files_only"),
        ({"trim_db": -1}, ValueError, "trim_db"),
        ({"loudness": 3}, ValueError, "loudness"),
        ({"memory": 3}, TypeError, "memory is 3"),
    ],
)
def test_wrong_parameters(whisper_folder, voices, params, error, message):
    with pytest.raises(error, match=message):
        make(whisper_folder).set_params(**params).fit(voices.data)


def test_auto_chooses_the_best_layer_and_runs_once(whisper_folder, voices, runs):
    embedder = make(whisper_folder, layers="auto")
    found = embedder.fit_transform(voices.data, voices.target, groups=voices.speakers)
    assert len(runs) == 36
    assert embedder.layer_scores_.shape == (4,)
    assert embedder.layers_ == (0, 1, 2, 3)  # there are no others
    again = make(whisper_folder, layers=embedder.layers_).fit_transform(voices.data)
    np.testing.assert_allclose(found, again, atol=1e-6)
    other = clone(embedder).fit(voices.data, voices.target, groups=voices.speakers)
    np.testing.assert_array_equal(other.layer_scores_, embedder.layer_scores_)


def test_auto_needs_labels(whisper_folder, voices):
    with pytest.raises(ValueError, match="requires y to be passed, .* a number from 0 to 3"):
        make(whisper_folder, layers="auto").fit(voices.data)


def test_auto_with_too_few_clips_takes_the_middle(whisper_folder, voices):
    embedder = make(whisper_folder, layers="auto").fit(voices.data[:2], ["a", "b"])
    assert (embedder.layers_, embedder.layer_scores_) == ((0, 1, 2, 3), None)
    embedder.fit(voices.data[:4], ["a"] * 4)
    assert embedder.layers_ == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(0, [0, 1, 2, 3, 4]), (2, [0, 1, 2, 3, 4]), (3, [1, 2, 3, 4, 5]), (6, [2, 3, 4, 5, 6])],
)
def test_neighbors(layer, expected):
    assert neighbors(layer, 7) == expected
    assert neighbors(0, 2) == [0, 1]


def test_layers_are_scored_on_other_groups():
    """A layer that tells speakers apart is best only if the same speakers are on both sides."""
    rng = np.random.default_rng(0)
    speakers = np.repeat(np.arange(10), 12)
    y = np.array([0, 1])[(speakers + np.tile(np.arange(12), 10) // 9) % 2]
    of_speaker = 5 * np.eye(10)[speakers] + 0.1 * rng.normal(size=(120, 10))
    of_label = 1.2 * np.eye(10)[y] + rng.normal(size=(120, 10))
    nothing = np.zeros_like(of_label)
    layers = [of_speaker, *[nothing] * 4, of_label]
    tables = np.stack(layers, axis=1).astype(np.float32)
    known, unknown = score_layers(tables, y, None), score_layers(tables, y, speakers)
    assert known[0] == pytest.approx(0.75, abs=0.1)
    assert unknown[0] < 0.5 < unknown[5]


def test_evaluate_passes_speakers(whisper_folder, voices, monkeypatch):
    received = []

    def recorded(tables, y, groups):
        received.append(groups)
        return score_layers(tables, y, groups)

    monkeypatch.setattr(encoder_layers, "score_layers", recorded)
    pipe = make_pipeline(make(whisper_folder, layers="auto"), LogisticRegression())
    evaluate(pipe, voices.data, voices.target, voices.speakers, cv=2)
    assert len(received) == 2
    assert all(len(set(groups)) == 3 for groups in received)


def test_a_search_over_layers_and_pooling_runs_the_encoder_once(whisper_folder, voices, runs):
    pipe = make_pipeline(make(whisper_folder, memory="cache"), LogisticRegression())
    grid = {
        "encoderembedder__layers": [0, 1, 2, [1, 2], "auto"],
        "encoderembedder__pooling": [("mean",), ("mean", "std")],
    }
    search = GridSearchCV(pipe, grid, cv=GroupKFold(2))
    search.fit(voices.data, voices.target, groups=voices.speakers)
    assert len(runs) == 36
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    expected = make(whisper_folder).fit_transform(voices.data)
    cached = make(whisper_folder, memory="cache").fit_transform(voices.data)
    np.testing.assert_allclose(cached, expected, atol=1e-6)
    assert len(runs) == 72


def test_an_interrupted_fit_continues_from_the_cache(whisper_folder, voices, monkeypatch):
    embedder = make(whisper_folder, memory="cache", batch_size=1, layers="auto")
    embed, calls = encoder_statistics.embed, []

    def interrupted(family, waveforms, **options):
        calls.append(len(waveforms))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(family, waveforms, **options)

    monkeypatch.setattr(encoder_statistics, "embed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embedder.fit(voices.data, voices.target)
    assert calls == [8, 8, 8]
    embedder.fit(voices.data, voices.target)
    assert sum(calls) == 8 + 36


def test_the_cache_knows_the_encoder_and_the_reading(whisper_folder, voices, tmp_path, runs):
    save_encoder(tmp_path / "other", seed=1)
    clips = voices.data[:2]
    first = make(whisper_folder, memory="cache").fit_transform(clips)
    other = make(tmp_path / "other", memory="cache").fit_transform(clips)
    quiet = make(whisper_folder, memory="cache", loudness=-40.0).fit_transform(clips)
    assert len(runs) == 6
    assert not np.allclose(first, other)
    assert not np.allclose(first, quiet)
    make(whisper_folder, memory="cache").fit(clips).clear_cache()
    make(whisper_folder, memory="cache").fit_transform(clips)
    assert len(runs) == 8


def test_clips_of_any_kind(whisper_folder, voices):
    waveform, sr = sf.read(voices.data[0], dtype="float32")
    expected = make(whisper_folder).fit_transform(voices.data[:1])
    for clip in (waveform, (waveform, sr), Path(voices.data[0]).read_bytes()):
        np.testing.assert_allclose(make(whisper_folder).fit_transform([clip]), expected, atol=1e-6)
    double = np.repeat(waveform, 2)
    found = make(whisper_folder).fit_transform([(double, 2 * sr)])
    assert np.abs(found - expected).max() < 0.5 * np.abs(expected).max()


def test_unreadable_clips_are_named_and_cost_no_others(whisper_folder, voices):
    Path("empty.wav").touch()
    clips = [voices.data[0], "empty.wav", voices.data[1], "missing.wav"]
    for memory in (None, "cache"):
        with pytest.raises(AudioReadError) as caught:
            make(whisper_folder, memory=memory).fit(clips).transform(clips)
        assert [index for index, _, _ in caught.value.failures] == [1, 3]


def test_a_clip_is_the_same_alone_and_in_any_order(whisper_folder, voices):
    embedder = make(whisper_folder).fit(voices.data)
    together = embedder.transform(voices.data)
    alone = np.concatenate([embedder.transform([clip]) for clip in voices.data])
    np.testing.assert_allclose(alone, together, atol=1e-4)
    np.testing.assert_allclose(embedder.transform(voices.data[::-1])[::-1], together, atol=1e-4)


def test_threads_read_the_same(whisper_folder, voices):
    expected = make(whisper_folder).fit_transform(voices.data)
    for n_jobs in (2, -1):
        found = make(whisper_folder, n_jobs=n_jobs, batch_size=5).fit_transform(voices.data)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bfloat16(whisper_folder, voices):
    expected = make(whisper_folder).fit_transform(voices.data)
    embedder = make(whisper_folder, precision="bfloat16").fit(voices.data)
    found = embedder.transform(voices.data)
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


@pytest.mark.parametrize("memory", [None, "cache"])
@pytest.mark.parametrize("layers", [2, "auto"])
def test_progress(whisper_folder, voices, capsys, memory, layers):
    embedder = make(
        whisper_folder, verbose=1, memory=memory, layers=layers, speeds=(0.9, 1.0), batch_size=1
    )
    embedder.fit_transform(voices.data, voices.target)
    found = capsys.readouterr()
    assert found.err == ""
    lines = found.out.splitlines()
    assert 9 <= len(lines) <= 11
    assert lines[-1].startswith("[EncoderEmbedder] clip 36/36  ")
    if memory:
        embedder.fit_transform(voices.data, voices.target)
        assert capsys.readouterr() == ("", "")


def test_without_transformers(whisper_folder, voices, monkeypatch):
    monkeypatch.setattr(encoder_files, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs transformers, .* 'ser_estimators\[encoder\]'"):
        make(whisper_folder).fit(voices.data)


def test_set_output(whisper_folder, voices):
    pytest.importorskip("pandas")
    embedder = make(whisper_folder).set_output(transform="pandas")
    table = embedder.fit_transform(voices.data[:3])
    assert table.shape == (3, 32)
    assert table.columns[0] == "layer2_mean_0"
    assert embedder.transform(voices.data[:3]).equals(table)


@pytest.mark.parametrize("layers", [2, "auto"])
def test_sklearn_checks(whisper_folder, layers):
    n_checks = 0
    # Without pytest's parametrization, for which the model would have to exist before the tests.
    for estimator, check in estimator_checks_generator(make(whisper_folder, layers=layers)):
        check(estimator)
        n_checks += 1
    assert n_checks >= 45


def test_speeds_are_columns_of_one_embedding(whisper_folder, voices):
    embedder = make(whisper_folder, speeds=(0.9, 1.0), layers=[1, 2]).fit(voices.data)
    found = embedder.transform(voices.data[:4])
    assert found.shape == (4, 128)
    assert embedder.embedding_dim_ == 128
    names = embedder.get_feature_names_out()
    assert (names[0], names[-1]) == ("speed0.9_layer1_mean_0", "speed1_layer2_std_15")
    plain = make(whisper_folder, layers=[1, 2]).fit(voices.data)
    np.testing.assert_array_equal(found[:, 64:], plain.transform(voices.data[:4]))
    # A slower clip is longer, and lower by the same factor.
    reading = MFCCTransformer()._reading()
    waveforms = [reading.load(path) for path in voices.data[:4]]
    slow = [soxr.resample(w, 14400, 16000, quality="HQ") for w in waveforms]
    # The loudness is set before the speed.
    normalized = make(whisper_folder, layers=[1, 2], loudness=None).fit(slow)
    quiet = make(whisper_folder, speeds=[0.9], layers=[1, 2], loudness=None).fit(waveforms)
    np.testing.assert_allclose(quiet.transform(waveforms), normalized.transform(slow), atol=1e-4)


@pytest.mark.parametrize(
    ("speeds", "error"),
    [
        ((), TypeError),
        (1.0, TypeError),
        ("fast", TypeError),
        ((1.0, 0.4), ValueError),
        ((1, 1.0), ValueError),
        ((float("nan"),), ValueError),
        (("1",), TypeError),
        ((True,), TypeError),
        ((1.0, 1.0000001), ValueError),
        ([[1.0]], TypeError),
    ],
)
def test_wrong_speeds(whisper_folder, voices, speeds, error):
    with pytest.raises(error, match="speeds"):
        make(whisper_folder, speeds=speeds).fit(voices.data)
