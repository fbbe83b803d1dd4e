"""A hash at the end of an exported file, by which a reader notices damage.

It is the last entry of the metadata, `netspec.sha256`, of all bytes before it. Protobuf joins the
fields of bytes that follow each other, so that every other reader sees an entry like any other. The
entry `netspec.hash` shows that there was one where a file was cut off.
"""

from __future__ import annotations

import hashlib

from onnx import ModelProto, StringStringEntryProto

from netspec.text.diagnostics import BackendError

HASH, KEY = "netspec.hash", "netspec.sha256"
UNSEALED = "the file has no hash: an older netspec or another program wrote it; damage is not seen"


def sealed(content: bytes) -> bytes:
    """The content of a file with its hash at the end."""
    return content + _seal(content)


def unsealed(content: bytes) -> bytes:
    """The content without its hash, if it has one."""
    return content[:-_LENGTH] if is_sealed(content) else content


def is_sealed(content: bytes) -> bool:
    """Whether a file ends in the hash of its content."""
    return content.endswith(_seal(content[:-_LENGTH]))


def remarks(content: bytes, metadata: dict[str, str]) -> tuple[str, ...]:
    """What a user would not expect of a file's hash.

    Raises BackendError where the hash is not the file's own.
    """
    if is_sealed(content):
        return ()
    if HASH in metadata or KEY in metadata:
        message = "the model is damaged, or was changed after netspec wrote it"
        raise BackendError(message, "export the run again, or copy the file again")
    return (UNSEALED,)


def _seal(content: bytes) -> bytes:
    value = hashlib.sha256(content).hexdigest()
    entry = StringStringEntryProto(key=KEY, value=value)
    return ModelProto(metadata_props=[entry]).SerializeToString()


_LENGTH = len(_seal(b""))
