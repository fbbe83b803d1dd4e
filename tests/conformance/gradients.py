"""Gradients of the models of the backends, as each backend declares how to compute them."""

from __future__ import annotations

from typing import Any

from conformance.networks import found
from netspec.backend.declaration import Declaration, DeclaringBackend, Gradients


def declaration_of(name: str) -> Declaration:
    """What a backend declares. Without its framework the test skips."""
    backend = found(name)
    assert isinstance(backend, DeclaringBackend)
    return backend.declaration()


def gradients(name: str, *arguments: Any, **options: Any) -> Gradients:
    """The gradients of a backend's model; see `GradientFunction`."""
    compute = declaration_of(name).gradients
    assert compute is not None
    return compute(*arguments, **options)
