"""From a path, bytes or an array to a waveform."""
