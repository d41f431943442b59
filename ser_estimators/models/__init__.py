"""Trained models: model files, model cards, the ONNX export and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from ._card import ModelCard
    from ._files.info import model_info
    from ._files.load import load_model
    from ._files.save import save_model
    from ._onnx.export import export_onnx
    from ._page import write_card
    from ._ranges import describe_audio

__all__ = [
    "ModelCard",
    "describe_audio",
    "export_onnx",
    "load_model",
    "model_info",
    "save_model",
    "write_card",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_card": ["ModelCard"],
        "_files.info": ["model_info"],
        "_files.load": ["load_model"],
        "_onnx.export": ["export_onnx"],
        "_page": ["write_card"],
        "_ranges": ["describe_audio"],
        "_files.save": ["save_model"],
    },
)
