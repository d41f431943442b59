"""Tables, for which pandas is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["make_frame"]


def make_frame(columns: Mapping[str, Any], *, caller: str, instead: str, index: Any = None) -> Any:
    """Return a pandas DataFrame.

    Parameters
    ----------
    columns : dict of str to array-like
    caller, instead : str
        What needs pandas, and what does without it, for the error message.
    index : pandas.Index or None, default=None
        None numbers the rows from 0.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller} needs pandas, which is not installed; run "
            f"\"pip install 'ser_estimators[frame]'\", or use {instead}"
        ) from error
    return pd.DataFrame(dict(columns), index=index)
