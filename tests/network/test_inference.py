"""Prediction: the number of frames of clips."""

import numpy as np

from ser_estimators._network.inference import count_frames


def test_count_frames():
    clips = np.zeros((3, 2, 6), dtype=np.float32)
    clips[0, 1, :4] = 1
    clips[1, 0, 5] = 1
    assert count_frames(clips).tolist() == [4, 6, 1]
