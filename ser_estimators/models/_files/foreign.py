"""What a file is that is not a model file, and what to do with it."""

from __future__ import annotations

from .errors import MismatchError

__all__ = ["foreign_file"]

_PICKLE = (
    "it is a pickle, which can run any code when it is loaded",
    "if you trust its source, load it with joblib.load and save it with save_model",
)
_ZIP = ("it is a zip archive", "unpack it, and load the model file in it")
# First bytes of formats, with the reason and the remedy.
_SIGNATURES: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"\x80\x02", _PICKLE),
    (b"\x80\x03", _PICKLE),
    (b"\x80\x04", _PICKLE),
    (b"\x80\x05", _PICKLE),
    (b"PK\x03\x04", _ZIP),
    (b"\x1f\x8b", ("it is compressed with gzip", "unpack it")),
    (b"BZh", ("it is compressed with bzip2", "unpack it")),
    (b"\xfd7zXZ", ("it is compressed with xz", "unpack it")),
    (b"\x89HDF", ("it is an HDF5 file, not a model file", "pass a file that save_model wrote")),
    (b"RIFF", ("it is audio, not a model file", "pass a file that save_model wrote")),
    (b"version https://git-lfs", ("it is a git-lfs pointer", "run 'git lfs pull'")),
)
# joblib.dump(compress=True) writes zlib streams.
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_NOT_ONE = "pass a file that save_model wrote"


def foreign_file(head: bytes | bytearray) -> MismatchError | None:
    """Return the error for a file of another format, or None if it may be a safetensors file.

    Parameters
    ----------
    head : bytes or bytearray
        The first bytes of the file.
    """
    # In a safetensors file, a JSON object follows eight bytes.
    if head[8:9] == b"{":
        return None
    for signature, (reason, remedy) in _SIGNATURES:
        if head.startswith(signature):
            return MismatchError(reason, remedy)
    if head.startswith(_ZLIB):
        reason = "it is compressed, probably by joblib.dump(compress=...)"
        return MismatchError(reason, _PICKLE[1])
    # The first field of an ONNX model is its version, a small integer; its producer often follows.
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x3a"):
        return MismatchError("it is an ONNX model", "run it with onnxruntime.InferenceSession")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return MismatchError("it is a web page: the download failed", "download it again")
    if _is_text(head):
        return MismatchError("it is text, not a model file", _NOT_ONE)
    return MismatchError("it is not a model file", _NOT_ONE)


def _is_text(head: bytes | bytearray) -> bool:
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
