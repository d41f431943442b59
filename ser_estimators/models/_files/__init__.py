"""Model files: estimators as JSON and tensors, without code."""
