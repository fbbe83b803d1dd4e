"""What a case of the conformance table is, and how families of cases are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, get_args

from netspec.language.layers import Shape
from netspec.language.layers.activations import ActivationName

ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

Inputs: TypeAlias = Shape | tuple[tuple[str, Shape], ...]
"""The shape of the one input, or names and shapes of several."""


RANDOM = ("Dropout", "SpatialDropout", "Gaussian", "Random")
"""How the layers begin whose random masks in training differ between backends."""


@dataclass(frozen=True)
class Case:
    """Layers in a row, each as YAML, and the shapes of their inputs without the batch axis.

    `whole` has the inputs hold whole numbers from 0 to below it, as indices are.
    """

    shape: Inputs
    layers: tuple[str, ...]
    whole: int = 0

    @property
    def is_random(self) -> bool:
        """Whether it draws random masks in training, which no two backends have in common."""
        return any(
            "dropout: " in layer.replace('"', "")
            or (layer.startswith(RANDOM) and "rate: 0.0" not in layer)
            for layer in self.layers
        )

    def __str__(self) -> str:
        return f"{' > '.join(self.layers)} on {_written(self.shape)}"


def _written(shape: Inputs) -> str:
    return " and ".join(
        "x".join(map(str, entry[1] if isinstance(entry, tuple) else shape))
        for entry in (shape if isinstance(shape[0], tuple) else shape[:1])
    )


def chain(shape: Shape, *layers: str) -> Case:
    """A case of several layers."""
    return Case(shape, layers)


def joined(shapes: Mapping[str, Shape], *layers: str) -> Case:
    """A case of several inputs, which its layers read by their names."""
    return Case(tuple(shapes.items()), layers)


def each(tag: str, shape: Shape, *fields: str, whole: int = 0) -> tuple[Case, ...]:
    """A case of one layer for every set of fields; the empty set is the bare layer."""
    return tuple(Case(shape, (f"{tag}: {{{text}}}" if text else tag,), whole) for text in fields)


def activated(tag: str, shape: Shape, fields: str = "") -> tuple[Case, ...]:
    """A case of one layer for every activation."""
    start = f"{fields}, " if fields else ""
    return each(tag, shape, *(f"{start}activation: {name}" for name in ACTIVATIONS))
