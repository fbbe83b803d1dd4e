"""What the conformance tests need of ONNX: the layers that it has. It only predicts."""

from __future__ import annotations

from netspec.backend.declaration import Declaration, registered_layers
from netspec_onnx.lower import NOTES, lower


def declaration() -> Declaration:
    """See `netspec.backend.declaration.DeclaringBackend`."""
    return Declaration(registered_layers(lower, "TimeDistributed"), notes=NOTES)
