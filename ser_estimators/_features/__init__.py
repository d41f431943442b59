"""From a waveform to frames of features, and from frames to statistics."""
