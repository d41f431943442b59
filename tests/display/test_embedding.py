"""EmbeddingDisplay: estimators, points, their styles and the legend."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN
from ser_estimators.display import EmbeddingDisplay

from .helpers import clusters, emotions


def test_embedding_of_a_pipeline_is_the_input_of_its_classifier(pipe, voices):
    expected = pipe[:-1].transform(voices.data)
    search = GridSearchCV(pipe, {})
    search.best_estimator_ = pipe
    for estimator in (pipe, pipe[:-1], search):
        display = EmbeddingDisplay.from_estimator(estimator, voices.data, voices.target)
        distances = np.linalg.norm(display.coordinates[:, None] - display.coordinates, axis=2)
        full = np.linalg.norm(expected[:, None] - expected, axis=2)
        assert (distances <= full + 1e-4).all()  # a projection does not increase distances
        assert list(display.scatters_) == ["anger", "neutral", "sadness"]
    cnn = EmbeddingDisplay.from_estimator(
        pipe[1], pipe[0].transform(voices.data), voices.speakers, label_name="speaker"
    )
    np.testing.assert_allclose(cnn.coordinates, display.coordinates, atol=1e-4)
    assert len(cnn.scatters_) == 6
    assert cnn.legend_.get_title().get_text() == "speaker"


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_statistics_of_the_input_are_left_out(voices, output):
    network = SpectrogramCNN(channels=(4, 8), statistics=True)
    cnn = CNNEmbedder(network=network, embedding_dim=8, max_epochs=2, random_state=0)
    pipe = make_pipeline(MFCCTransformer(n_mfcc=20, hop_length=512), cnn)
    columns = np.asarray(pipe.fit_transform(voices.data, voices.target))
    assert columns.shape == (36, 8 + 80)
    display = EmbeddingDisplay.from_estimator(
        pipe.set_output(transform=output), voices.data, voices.target
    )
    expected = EmbeddingDisplay.from_embedding(columns[:, :8], voices.target)
    np.testing.assert_allclose(display.coordinates, expected.coordinates, atol=1e-5)


def test_last_step_without_transform_is_left_out():
    embedding, labels = emotions()
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(embedding, labels)
    display = EmbeddingDisplay.from_estimator(scaled, embedding, labels)
    expected = EmbeddingDisplay.from_embedding(scaled[0].transform(embedding), labels)
    np.testing.assert_allclose(display.coordinates, expected.coordinates)
    discriminant = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(n_components=2))
    discriminant.set_output(transform="pandas").fit(embedding, labels)
    display = EmbeddingDisplay.from_estimator(discriminant, embedding, labels, method=None)
    np.testing.assert_array_equal(display.coordinates, discriminant.transform(embedding))


def test_points_have_the_label_of_their_clip():
    embedding, labels = emotions()
    display = EmbeddingDisplay.from_embedding(embedding, labels)
    for label, points in display.scatters_.items():
        np.testing.assert_array_equal(points.get_offsets(), display.coordinates[labels == label])


def colors(display):
    return {
        label: mpl.colors.to_hex(points.get_facecolor()[0]).upper()
        for label, points in display.scatters_.items()
    }


def test_emotions_differ_in_color_and_in_marker():
    display = EmbeddingDisplay.from_embedding(*emotions())
    shapes = {s.get_paths()[0].vertices.tobytes() for s in display.scatters_.values()}
    assert len(set(colors(display).values())) == len(shapes) == 8


def test_an_emotion_has_the_same_color_in_every_plot():
    embedding, labels = emotions()
    kept = ~np.isin(labels, ["anger", "disgust"])
    everything = colors(EmbeddingDisplay.from_embedding(embedding, labels))
    assert colors(EmbeddingDisplay.from_embedding(embedding[kept], labels[kept])) == {
        label: color for label, color in everything.items() if label not in ("anger", "disgust")
    }


def test_24_speakers_are_distinct_without_color():
    display = EmbeddingDisplay.from_embedding(*clusters(24, 2))
    looks = {
        (s.get_paths()[0].vertices.tobytes(), len(s.get_facecolor()) > 0)
        for s in display.scatters_.values()
    }
    assert len(looks) == 24
    # With color, as many labels as are allowed are distinct.
    display = EmbeddingDisplay.from_embedding(*clusters(168, 1))
    looks = {
        (s.get_paths()[0].vertices.tobytes(), len(s.get_facecolor()), s.get_edgecolor().tobytes())
        if not len(s.get_facecolor())
        else (s.get_paths()[0].vertices.tobytes(), 1, s.get_facecolor().tobytes())
        for s in display.scatters_.values()
    }
    assert len(looks) == 168


def test_every_edge_is_visible_on_white():
    for scatter in EmbeddingDisplay.from_embedding(*clusters(24, 2)).scatters_.values():
        linear = np.where(
            (rgb := scatter.get_edgecolor()[0, :3]) <= 0.04045,
            rgb / 12.92,
            ((rgb + 0.055) / 1.055) ** 2.4,
        )
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) > 2.5


def test_legend_contains_unchanged_labels():
    labels = ["_hidden", "$x$", "b", "_hidden", "$x$", "b"]
    display = EmbeddingDisplay.from_embedding(clusters(3, 2)[0], labels)
    display.figure_.canvas.draw()
    assert [t.get_text() for t in display.legend_.get_texts()] == ["$x$", "_hidden", "b"]
    numbers = EmbeddingDisplay.from_embedding(*clusters(11, 2))
    assert [t.get_text() for t in numbers.legend_.get_texts()] == [str(n) for n in range(1, 12)]


def test_labels_may_be_a_series_with_any_index():
    embedding, labels = emotions()
    series = pd.Series(labels, index=np.arange(len(labels))[::-1], dtype="category")
    display = EmbeddingDisplay.from_embedding(embedding, series)
    expected = EmbeddingDisplay.from_embedding(embedding, labels)
    for name, points in expected.scatters_.items():
        np.testing.assert_array_equal(display.scatters_[name].get_offsets(), points.get_offsets())


def test_style_of_points_can_be_chosen():
    display = EmbeddingDisplay.from_embedding(*emotions(), scatter_kwargs={"s": 5, "lw": 2})
    assert {float(s.get_sizes()[0]) for s in display.scatters_.values()} == {5.0}
    assert {float(s.get_linewidths()[0]) for s in display.scatters_.values()} == {2.0}


def test_estimators_that_do_not_embed_are_refused(pipe, voices):
    match = "The LogisticRegression has no transform; expected a fitted CNNEmbedder"
    with pytest.raises(TypeError, match=match):
        EmbeddingDisplay.from_estimator(LogisticRegression(), voices.data, voices.target)
    with pytest.raises(TypeError, match=match):
        EmbeddingDisplay.from_estimator(
            make_pipeline(LogisticRegression()), voices.data, voices.target
        )
    with pytest.raises(ValueError, match=r"embedding is an array of shape \(36, 20, "):
        EmbeddingDisplay.from_estimator(pipe[0], voices.data, voices.target)
    with pytest.raises(NotFittedError, match="not fitted"):
        EmbeddingDisplay.from_estimator(CNNEmbedder(), np.ones((4, 3, 9)), list("abab"))
    with pytest.raises(ValueError, match="method == 'umap', must be one of"):
        EmbeddingDisplay.from_estimator(pipe, voices.data, voices.target, method="umap")


def test_labels_are_checked_before_files_are_read(pipe):
    with pytest.raises(ValueError, match=r"labels has the shape \(1,\) for 2 clips"):
        EmbeddingDisplay.from_estimator(pipe, ["no.wav", "such.wav"], ["anger"])


@pytest.mark.parametrize("clips", ["clip.wav", Path("clip.wav"), iter(["clip.wav"])])
def test_input_that_is_not_a_list_of_clips_is_refused(pipe, clips):
    with pytest.raises(TypeError, match=r"X is the single path .*|X is a list_iterator; expected"):
        EmbeddingDisplay.from_estimator(pipe, clips, ["anger"])
