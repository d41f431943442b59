"""A clip that is much longer than the others: results, memory, and what users do with arrays."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.model_selection import GridSearchCV, train_test_split

from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN, make_ser_pipeline
from ser_estimators._features import padding
from ser_estimators._features.layout import layout_of
from ser_estimators._features.mfcc_array import known_frames

SMALL = {"network": SpectrogramCNN((4, 8)), "n_networks": 1, "embedding_dim": 8, "max_epochs": 2}


@pytest.fixture(autouse=True)
def every_size_is_large(monkeypatch):
    monkeypatch.setattr(padding, "_LARGE_BYTES", 0)


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return [0.1 * rng.normal(size=n) for n in [9000] * 7 + [300_000] + [8000] * 8]


@pytest.fixture
def frames(clips):
    return MFCCTransformer().transform(pd.Series(clips, index=range(100, 116)))


def test_long_clip_changes_no_prediction(clips):
    y = ["anger", "fear"] * 8
    pipe = make_ser_pipeline(random_state=0).set_params(
        **{f"cnn__{name}": value for name, value in SMALL.items()}
    )
    pipe.fit(clips, y)
    together = pipe.predict_proba(clips)
    alone = np.concatenate([pipe.predict_proba([clip]) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("memmap", [None, "maps"])
def test_padding_that_takes_no_memory_changes_no_fit(clips, monkeypatch, memmap):
    y = ["anger", "fear"] * 8
    fitted = []
    for size in (0, 1 << 30):
        monkeypatch.setattr(padding, "_LARGE_BYTES", size)
        frames = MFCCTransformer(memmap=memmap).transform(clips)
        assert (known_frames(frames) is None) == (size > 0)
        fitted.append(CNNEmbedder(**SMALL, random_state=0, early_stopping=True).fit(frames, y))
    sparse, dense = fitted
    np.testing.assert_array_equal(sparse.transform(frames), dense.transform(frames))


def test_selections_keep_lengths_layout_and_index(frames):
    assert known_frames(frames).tolist() == [36] * 7 + [1172] + [32] * 8
    train, test = train_test_split(frames, random_state=0)
    joblib.dump(frames, "frames.joblib")
    rows = np.array([7, 3, -1])
    for kept, positions in (
        (frames[rows], rows),
        (frames[rows, ...], rows),
        (frames[[7, 3]], [7, 3]),
        (frames[np.arange(16) > 6], slice(7, None)),
        (frames[2:9:3], slice(2, 9, 3)),
        (frames[::-1], slice(None, None, -1)),
        (pickle.loads(pickle.dumps(frames)), slice(None)),
        (joblib.load("frames.joblib"), slice(None)),
    ):
        np.testing.assert_array_equal(kept, np.array(frames)[positions])
        assert known_frames(kept).tolist() == known_frames(frames)[positions].tolist()
        assert kept.index.tolist() == frames.index[positions].tolist()
        assert layout_of(kept) == layout_of(frames)
    assert train.shape == (12, 40, 1172)
    assert known_frames(test).shape == (4,)
    # A pickle holds the frames, not the padding.
    assert len(pickle.dumps(frames)) < 4 * 40 * known_frames(frames).sum() + 10_000


@pytest.mark.parametrize(
    "none", [np.zeros(16, dtype=bool), [], np.array([], dtype=int), slice(0, 0)], ids=repr
)
def test_no_clips_at_all(frames, none):
    for empty in (frames[none], pickle.loads(pickle.dumps(frames[none]))):
        assert empty.shape == (0, 40, 1172)
        assert len(known_frames(empty)) == len(empty.index) == 0
        assert layout_of(empty) == layout_of(frames)


def test_copies_keep_layout_and_index_and_can_be_changed(frames):
    for copied in (frames.copy(), np.array(frames, subok=True)):
        copied[0, 0, 1000] = 1
        assert layout_of(copied) == layout_of(frames)
    assert frames.copy().index.tolist() == frames.index.tolist()


def test_everything_else_is_an_ordinary_array(frames):
    plain = np.array(frames)
    for kept in (
        frames[3], frames[:, :5], frames[:, :, :40], frames[0, 2, 7], frames[np.newaxis],
        frames[:, [1, 0]], frames * 2, frames.mean(axis=2), frames[plain > 0],
        frames[np.array([[0, 1]])], np.array(frames), frames.copy(), np.stack(list(frames)),
    ):  # fmt: skip
        assert known_frames(kept) is None
    np.testing.assert_array_equal(frames * 2, plain * 2)
    np.testing.assert_array_equal(frames[:, [1, 0]], plain[:, [1, 0]])
    copy = frames.copy()
    copy[0, 0, 1000] = 1
    assert copy[0, 0, 1000] == 1
    with pytest.raises(IndexError):
        frames[np.array([99])]


def test_index_survives_arithmetic_but_not_an_unknown_order(frames):
    assert (frames * 2).index.tolist() == frames.index.tolist()
    assert frames.take([1, 0], axis=0).index is None
    assert np.concatenate([frames[:2], frames[3:5]]).index is None
    assert frames[:, :, :10].index is None


def test_search_over_frames(frames):
    y = np.array(["anger", "fear"] * 8)
    cnn = CNNEmbedder(**SMALL, random_state=0)
    scores = [
        GridSearchCV(cnn, {"lr": [0.001, 0.01]}, cv=2, n_jobs=n_jobs).fit(X, y).cv_results_
        for n_jobs, X in ((None, np.array(frames)), (2, frames))
    ]
    for name in ("mean_test_score", "split0_test_score"):
        np.testing.assert_array_equal(scores[0][name], scores[1][name])


def test_nan_and_wrong_shapes_are_found(frames):
    cnn = CNNEmbedder(**SMALL, random_state=0).fit(frames, ["anger", "fear"] * 8)
    with pytest.raises(ValueError, match="expecting 40 features"):
        cnn.predict(MFCCTransformer(n_mfcc=20).transform([np.ones(1900)] * 3 + [np.ones(99_000)]))
    bad = [clip.copy() for clip in np.array(frames)[:, :, :32]] + [np.ones((40, 900), np.float32)]
    bad[3][0, 2] = np.nan
    joined = type(frames)._from_frames(bad, (17, 40, 900), None, None)
    with pytest.raises(ValueError, match="contains NaN"):
        cnn.predict(joined)


COSTS = """
from pathlib import Path
import numpy as np
from ser_estimators import CNNEmbedder, MFCCTransformer, SpectrogramCNN

frames = MFCCTransformer().transform(["short.wav"] * 300 + ["long.wav"])
assert frames.nbytes > 1 << 30
cnn = CNNEmbedder(8, SpectrogramCNN((4, 8)), n_networks=1, max_epochs=1, random_state=0)
cnn.fit(frames, np.arange(301) % 2).predict(frames[np.arange(301)[::-1]])
# That of this program; getrusage also counts the process that started it.
(line,) = (each for each in Path("/proc/self/status").open() if each.startswith("VmHWM"))
print(int(line.split()[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_near_the_sum_of_the_clips():
    rng = np.random.default_rng(0)
    soundfile.write("short.wav", 0.1 * rng.normal(size=16_000), 16_000)
    soundfile.write("long.wav", 0.1 * rng.normal(size=400 * 16_000), 16_000)
    done = subprocess.run(
        [sys.executable, "-c", COSTS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1200  # MB, of which 400 are imports
