"""What every layer declares: its fields, its output shape, its weights and its cost."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from netspec.layers.initializers import Initializer
from netspec.layers.tagged import Tagged

Shape: TypeAlias = tuple[int, ...]
"""The sizes of a tensor's axes, channels last, without the batch axis."""

Layout: TypeAlias = Literal["channels_last", "channels_first", "either"]
"""Where the channels of an image stand; `either` for what works on each value by itself."""

# Letters, digits and underscores: a name becomes a Python attribute, a file name and a weight key.
Identifier: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]


@dataclass(frozen=True)
class Weight:
    """A weight of a layer: its shape with Keras's axes, and what it starts as.

    `axes` names what each axis means; a backend finds there how to permute it. Weights that are not
    trainable are statistics that training updates without a gradient.
    """

    name: str
    shape: Shape
    axes: tuple[str, ...]
    initializer: Initializer
    trainable: bool = True

    @property
    def size(self) -> int:
        return prod(self.shape)


class LayerFault(Exception):  # noqa: N818 - caught and shown as a fault of the spec
    """A layer that cannot take its input. `field` names the argument at fault, where it is one."""

    def __init__(self, message: str, help: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.field = field


class LayerBase(Tagged):
    """A layer. Shapes have no batch axis and are channels last."""

    name: Annotated[
        Identifier | None,
        Field(description="The layer's name. Without one, Keras's automatic name."),
    ] = None

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """The shape of the output for an input of `shape`. Raises LayerFault."""

    def layout(self, shape: Shape) -> Layout:
        """How an input of `shape` must lie in memory where a backend has channels first."""
        return "channels_last"

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        """The weights for an input of `shape`, in Keras's order."""
        return ()

    def multiply_adds(self, shape: Shape) -> int:
        """Multiplications followed by an addition, for one input of `shape`."""
        return 0


def image(shape: Shape, tag: str) -> tuple[int, int, int]:
    """`shape` as (height, width, channels). Raises LayerFault where it is not an image's."""
    if len(shape) != 3:
        raise LayerFault(
            f"{tag} needs an input of (height, width, channels), and gets {written(shape)}",
            "images have three axes: write `input: [height, width, channels]`, and put this layer "
            "before Flatten and GlobalAveragePooling2D",
        )
    height, width, channels = shape
    return height, width, channels


def written(shape: Shape) -> str:
    """A shape as the table shows it: (26, 26, 32), and (10) for one axis."""
    return f"({', '.join(str(size) for size in shape)})"
