"""Trained models: their predictions."""
