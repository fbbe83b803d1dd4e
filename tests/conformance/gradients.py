"""Gradients of the models of the backends, as each backend declares how to compute them."""

from __future__ import annotations

from typing import Any

from conformance.networks import found
from netspec.backend.declaration import Declaration, Gradients


def declaration_of(name: str) -> Declaration:
    """What a backend declares. Without its framework the test skips."""
    declaration = found(name).declaration()
    assert declaration is not None
    return declaration


def gradients(name: str, *arguments: Any, **options: Any) -> Gradients:
    """The gradients of a backend's model; see `GradientFunction`."""
    gradients = found(name).gradients(*arguments, **options)
    assert gradients is not None
    return gradients
