"""Pretrained speech encoders: from waveforms to statistics of their hidden states."""
