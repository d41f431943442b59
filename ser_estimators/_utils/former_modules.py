"""A clear error for models that were pickled by versions with other module names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

__all__ = ["FormerModules"]

_PACKAGE = "ser_estimators"
# Private modules that models named before they were saved without private paths.
_FORMER = frozenset(
    {
        "_acoustic_features",
        "_augmentation",
        "_callbacks",
        "_cnn_embedder",
        "_cnn_training",
        "_layers",
        "_mfcc_transformer",
        "_networks",
        "_training",
        "_views",
    }
)


class FormerModules(MetaPathFinder):
    """Raise an informative ImportError if pickle looks for a former module."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Raise for a former module; find nothing otherwise."""
        package, _, module = name.partition(".")
        if package == _PACKAGE and module in _FORMER:
            raise ModuleNotFoundError(
                f"No module named {name!r}: this model was pickled by a development version of "
                f"{_PACKAGE} whose models can no longer be loaded; train it again and save it with "
                "this version",
                name=name,
            )


def install() -> None:
    """Add the finder after all others, unless it has been added."""
    if not any(isinstance(finder, FormerModules) for finder in sys.meta_path):
        sys.meta_path.append(FormerModules())
