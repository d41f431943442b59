"""The file around a model: safetensors, whose lengths are checked before anything is allocated.

A safetensors file is the length of a header, the header in JSON, and the values of all tensors. The
metadata of the header hold the document that describes the model.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .errors import MismatchError
from .foreign import foreign_file
from .strict_json import parse_json

__all__ = ["DOCUMENT_NAME", "FORMAT", "ModelFile", "TensorEntry", "file_content"]

# Version of the content of model files. Every later version must still read it.
FORMAT = 1
# The only metadata of the header. With several, safetensors would write them in random order.
DOCUMENT_NAME = "ser_estimators"
_NAME = re.compile(r"\d{1,6}\.\w{1,64}(\.\w{1,64}){1,16}", re.ASCII)
_DTYPES = {
    "BOOL": "bool",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
_MAX_AXES, _MAX_SIZE = 8, 1 << 56
_HEAD = 8  # bytes of the length of the header
_CHUNK = 1 << 18  # bytes that are read at a time
# The header and the number of its values may grow with the file, because they take memory too.
_HEADER_BYTES, _HEADER_SHARE = 1 << 19, 32
_HEADER_VALUES, _BYTES_PER_VALUE = 1 << 14, 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TensorEntry(NamedTuple):
    """Type, shape and place of a tensor.

    Parameters
    ----------
    dtype : str
        Name of a NumPy type.
    shape : tuple of int >= 0
    start, stop : int >= 0
        First byte, and the one after the last, in the file.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class ModelFile:
    """A model file that is open for reading, as a context manager.

    Parameters
    ----------
    path : path-like or bytes
        A file, or the content of one.

    Attributes
    ----------
    size : int
        Number of bytes.
    text : str
        The document that describes the model.
    document : dict
        The same, parsed. Only its format number and its checksum have been looked at.
    tensors : dict of str to TensorEntry
        All tensors, by name.

    Raises
    ------
    MismatchError
        If the file is not a safetensors file of this format, or its lengths contradict each other.
    """

    def __init__(self, path: str | os.PathLike[str] | bytes) -> None:
        self._file: io.BytesIO | io.RawIOBase = (
            io.BytesIO(path) if isinstance(path, bytes) else _open(Path(path))
        )
        try:
            self.size = self._file.seek(0, os.SEEK_END)
            header = self._read_header()
            self.text, self.document = _document_of(header, self._max_values)
            self.tensors = dict(self._entries(header))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def _max_values(self) -> int:
        return _HEADER_VALUES + self.size // _BYTES_PER_VALUE

    def _read_header(self) -> dict[str, Any]:
        if self.size == 0:
            raise MismatchError("the file is empty (0 bytes)", "download or copy it again")
        head = self._bytes(0, min(512, self.size))
        if (foreign := foreign_file(head)) is not None:
            raise foreign
        length = int.from_bytes(head[:_HEAD], "little")
        if length > self.size - _HEAD:
            raise MismatchError(
                f"its header announces {length} bytes, but the file has {self.size}: it is "
                "truncated or damaged"
            )
        limit = _HEADER_BYTES + self.size // _HEADER_SHARE
        if length > limit:
            raise MismatchError(f"its header has {length} bytes, more than the limit of {limit}")
        self._data = _HEAD + length
        try:
            text = self._bytes(_HEAD, self._data).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MismatchError("its header is not UTF-8 text") from error
        header: dict[str, Any] = parse_json(text, max_values=self._max_values)
        return header  # an object, because it begins with a brace

    def _entries(self, header: Mapping[str, Any]) -> Iterator[tuple[str, TensorEntry]]:
        """Yield the tensors; raise unless they fill the rest of the file without gaps."""
        found = [
            (name, _entry(name, value, self._data))
            for name, value in header.items()
            if name != "__metadata__"
        ]
        end = self._data
        for name, entry in sorted(found, key=lambda item: (item[1].start, item[1].stop)):
            if entry.start != end:
                raise MismatchError(
                    f"the tensor {name!r} starts at byte {entry.start}, but the one before it "
                    f"ends at {end}"
                )
            end = entry.stop
            yield name, entry
        if end != self.size:
            raise MismatchError(
                f"its tensors end at byte {end}, but the file has {self.size} bytes: it is "
                "truncated or damaged"
            )

    def read(
        self, name: str, rows: slice | None = None, *, is_fortran: bool = False
    ) -> NDArray[Any]:
        """Return the values of a tensor as a new array.

        Parameters
        ----------
        name : str
            One of `tensors`.
        rows : slice or None, default=None
            Part of the first axis, without a step; None reads all of it.
        is_fortran : bool, default=False
            Whether the array has the memory order of Fortran; the file never has.
        """
        entry = self.tensors[name]
        dtype, shape, start = np.dtype(entry.dtype), entry.shape, entry.start
        if rows is not None:
            first, last, _ = rows.indices(shape[0])
            start += first * math.prod(shape[1:]) * dtype.itemsize
            shape = (last - first, *shape[1:])
        array = _aligned(shape, dtype, is_fortran)
        if array.flags.c_contiguous:
            self._into(array.reshape(-1), start)
        else:
            # Row by row, because two copies would take twice the memory.
            row = np.empty(shape[1:], dtype)
            for index in range(shape[0]):
                self._into(row.reshape(-1), start + index * row.nbytes)
                array[index] = row
        return array

    def check_digest(self) -> None:
        """Raise if anything in the file has changed since it was written."""
        saved = self.document["sha256"]
        digest = hashlib.sha256(self.text.replace(saved, "0" * 64, 1).encode())
        for name in sorted(self.tensors):
            entry = self.tensors[name]
            digest.update(_label(name, entry.dtype, entry.shape))
            for start in range(entry.start, entry.stop, _CHUNK):
                digest.update(self._bytes(start, min(start + _CHUNK, entry.stop)))
        if digest.hexdigest() != saved:
            raise MismatchError("its checksum differs from what was saved: the file is damaged")

    def _bytes(self, start: int, stop: int) -> bytearray:
        content = bytearray(stop - start)
        self._into(np.frombuffer(content, np.uint8), start)
        return content

    def _into(self, target: NDArray[Any], start: int) -> None:
        """Fill a contiguous vector with bytes of the file."""
        self._file.seek(start)
        view = target.view(np.uint8)
        done = 0
        while done < view.nbytes:
            n_read = self._file.readinto(view[done:].data)
            if not n_read:
                raise MismatchError("the file became shorter while it was read")
            done += n_read


def _open(path: Path) -> io.RawIOBase:
    # Before it is opened, because opening a pipe waits for somebody to write into it.
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise MismatchError("it is a folder", "pass the model file in it")
    if not stat.S_ISREG(mode):
        raise MismatchError("it is a device or a pipe", "pass the path of a regular file")
    return path.open("rb", buffering=0)


def file_content(document: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of a model file, with a checksum of all of it.

    Parameters
    ----------
    document : dict
        Describes the model; begins with ``format`` and ``sha256``, whose value is ignored.
    tensors : dict of str to ndarray
        By names that `ModelFile` accepts.
    """
    # Imported here, because it is not needed to load a model.
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    text = _to_text({**document, "sha256": "0" * 64})
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        # ascontiguousarray gives an array without axes one.
        arrays[name] = arrays[name].reshape(tensors[name].shape)
        digest.update(_label(name, arrays[name].dtype.name, arrays[name].shape))
        digest.update(arrays[name].reshape(-1).view(np.uint8).data)
    text = text.replace("0" * 64, digest.hexdigest(), 1)
    return save(arrays, metadata={DOCUMENT_NAME: text})


def _to_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def _label(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return what the checksum covers of a tensor besides its values."""
    return f"{name} {dtype} {list(shape)}\n".encode()


def _document_of(header: Mapping[str, Any], max_values: int) -> tuple[str, dict[str, Any]]:
    metadata = header.get("__metadata__")
    text = metadata.get(DOCUMENT_NAME) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise MismatchError(
            "it is a safetensors file, but not one that save_model wrote: its metadata lack "
            f"{DOCUMENT_NAME!r}",
            "pass a file that save_model wrote",
        )
    if len(metadata or ()) > 1:
        raise MismatchError(f"its metadata have other entries than {DOCUMENT_NAME!r}")
    document = parse_json(text, max_values=max_values)
    found = document.get("format") if isinstance(document, dict) else None
    if type(found) is not int or found != FORMAT:
        raise MismatchError(
            f"it has format {found!r:.40}, but this version of ser_estimators reads format "
            f"{FORMAT}",
            "load it with the version that saved it, or update ser_estimators",
        )
    saved = document.get("sha256")
    if not isinstance(saved, str) or not _SHA256.fullmatch(saved):
        raise MismatchError("it has no checksum")
    return text, document


def _entry(name: str, value: Any, data: int) -> TensorEntry:
    if not _NAME.fullmatch(name):
        raise MismatchError(f"{name!r:.80} is not the name of a tensor of a model file")
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise MismatchError(
            f"the tensor {name!r} is not described by dtype, shape and data_offsets"
        )
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise MismatchError(
            f"the tensor {name!r} has the type {dtype!r:.40}; expected a NumPy type"
        )
    is_shape = _are_sizes(shape) and len(shape) <= _MAX_AXES
    # NumPy multiplies the sizes of an empty array too, without those that are zero.
    if not is_shape or math.prod(size or 1 for size in shape) >= _MAX_SIZE:
        raise MismatchError(f"the tensor {name!r} has the shape {shape!r:.80}; expected sizes")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise MismatchError(
            f"the tensor {name!r} has the offsets {offsets!r:.80}; expected two bytes"
        )
    n_bytes = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if n_bytes != offsets[1] - offsets[0]:
        raise MismatchError(
            f"the tensor {name!r} has {offsets[1] - offsets[0]} bytes, but its type and shape "
            f"need {n_bytes}"
        )
    return TensorEntry(_DTYPES[dtype], tuple(shape), data + offsets[0], data + offsets[1])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < _MAX_SIZE for value in values
    )


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any], is_fortran: bool) -> NDArray[Any]:
    """Return an array at a multiple of 64 bytes, as PyTorch allocates and computes fastest with."""
    n_bytes = math.prod(shape) * dtype.itemsize
    buffer = np.empty(n_bytes + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    array: NDArray[Any] = np.ndarray(
        shape, dtype, buffer, offset=start, order="F" if is_fortran else "C"
    )
    return array
