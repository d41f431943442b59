"""Frame-level features of waveforms, and statistics over frames."""
