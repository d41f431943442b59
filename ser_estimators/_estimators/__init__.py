"""The estimators: parameters, checks, docstrings."""
