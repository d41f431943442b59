"""Utilities used by all subpackages."""
