"""What every layer declares: its fields, its output shape, its weights and its cost."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.layers.axes import WeightAxes, fans
from netspec.language.layers.constraints import Constraint
from netspec.language.layers.initializers import Initializer, UnitForgetBias
from netspec.language.layers.regularizers import Regularizer
from netspec.language.layers.tagged import Tagged, as_tuple
from netspec.language.names import MAX_NAME, MAX_PATH, is_identifier
from netspec.language.remedies import Called, Expected, Remedy, unexpected

Shape: TypeAlias = tuple[int, ...]
"""The sizes of a tensor's axes, channels last, without the batch axis."""

Shapes: TypeAlias = tuple[Shape, ...]
"""The shapes of all inputs of a layer, in their order."""

Extents: TypeAlias = tuple[tuple[int, int], ...]
"""A part of a tensor: the first index along every axis, and the one after the last."""

Layout: TypeAlias = Literal["channels_last", "channels_first", "either"]
"""Where the channel axis is; `either` for what works on each value by itself."""


def _as_name(value: object) -> str | None:
    """A name that is near to a text which cannot be one."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", str(value)).strip("_")
    return f"for example `{name}`" if is_identifier(name) else None


NAME_FORM = (
    Expected("a letter, then letters, digits and underscores", ("string_pattern_mismatch",)),
    Remedy(_as_name, ("string_pattern_mismatch",)),
)

# Letters, digits and underscores: a name becomes a Python attribute, a file name and a weight key.
Identifier: TypeAlias = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=MAX_NAME), *NAME_FORM
]

# The name of a layer in a block goes through the names of the calls around it.
NodeName: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*$", max_length=MAX_PATH),
    *NAME_FORM,
]


OutputName: TypeAlias = Annotated[NodeName, Called("the name of an output")]


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else as_tuple(value)


NodeNames: TypeAlias = Annotated[
    tuple[NodeName, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_several, json_schema_input_type=NodeName | list[NodeName]),
    Remedy("write a name, or several in brackets, as in [left, right]"),
]
"""One name, or a list of them."""


OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
"""The endings of the fields of a weight that matter only to training."""


@dataclass(frozen=True)
class Weight:
    """A weight of a layer: its shape with Keras's axes, and what it starts as.

    `axes` are the roles of its axes, from which its fans and the permutations of backends follow.
    Weights that are not trainable stay as they are, or are statistics that training updates without
    a gradient.
    """

    name: str
    shape: Shape
    axes: WeightAxes
    initializer: Initializer | UnitForgetBias
    trainable: bool = True
    regularizer: Regularizer | None = None
    constraint: Constraint | None = None
    of: str | None = None
    """How the fields begin that describe it, such as `<of>_initializer`, where not by its name."""
    within: tuple[str, ...] = ()
    """The path to the layer with these fields, where it is inside another layer."""

    def field(self, kind: str) -> tuple[str, ...]:
        """The path to the field of its initializer, or of another kind of thing."""
        return (*self.within, f"{self.of or self.name}_{kind}")

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def sizes(self) -> dict[str, int]:
        """The size of every axis, by its role."""
        return {axis.role: size for axis, size in zip(self.axes, self.shape, strict=True)}

    @property
    def fans(self) -> tuple[int, int]:
        """The numbers of inputs and outputs of one of its units."""
        return fans(self.axes, self.shape)


@dataclass(frozen=True)
class Kept:
    """What the backward pass of a layer takes from the forward pass, for one example.

    `inputs` and `output` say whether it takes the layer's own, which other layers may take too.
    `values` are float32 values besides, such as a mask; an index of 64 bits counts as two.
    """

    inputs: bool = False
    output: bool = False
    values: int = 0


FROM_OUTPUT = frozenset(("relu", "sigmoid", "tanh", "exponential", "softmax", "log_softmax"))
"""The activations whose gradient follows from their output."""


class LayerFault(Exception):  # noqa: N818 - caught and shown as a fault of the spec
    """A layer that cannot take its input.

    `field` names the argument at fault, where it is one, or the path to one further inside.
    """

    def __init__(self, message: str, help: str, field: str | tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.path = (field,) if isinstance(field, str) else field or ()
        self.key = field is None

    def inside(self, *path: str) -> LayerFault:
        """The same fault, of a layer further inside."""
        fault = type(self)(self.message, self.help, (*path, *self.path))
        fault.key = self.key
        return fault


class WindowFault(LayerFault):
    """A window, such as a kernel, that does not fit into its input."""


@dataclass(frozen=True)
class InputCount:
    """How many inputs a layer takes: in words, at least and at most, and what to do otherwise."""

    words: str
    minimum: int
    maximum: int | None
    help: str


class Layer(Tagged):
    """A layer: its fields, its output shape, its weights and its cost.

    Shapes have no batch axis and are channels last. `inputs` are the shapes of all inputs, in their
    order; `check_inputs` has accepted them before another method takes them.
    """

    takes: ClassVar[InputCount] = InputCount(
        "one input", 1, 1, "join them first, for example by Concatenate"
    )

    ends_in_activation: ClassVar[bool] = False
    """Whether the field `activation` is a function of the output, which a pass may split off."""

    keeps_whole: ClassVar[bool] = False
    """Whether indices can go through it: netspec.data.indices computes what an Embedding reads."""

    name: Annotated[
        NodeName | None,
        Field(description="The layer's name. Without one, Keras's automatic name."),
    ] = None
    inputs: Annotated[
        NodeNames | None,
        Field(description="What the layer reads: a name or a list. Without it, the layer before."),
    ] = None
    trainable: Annotated[
        bool, Field(description="Whether training changes the weights of the layer.")
    ] = True

    def check_inputs(self, inputs: Shapes) -> None:
        """Raises LayerFault for fewer or more inputs than the layer takes."""
        count, maximum = len(inputs), self.takes.maximum
        if count < self.takes.minimum or (maximum is not None and count > maximum):
            message = f"{self.tag} takes {self.takes.words}, and gets {count}"
            raise LayerFault(message, self.takes.help, self.inputs_field)

    @property
    def inputs_field(self) -> str | None:
        """The field to show for an error of the inputs, where the spec has it."""
        return None if self.inputs is None else "inputs"

    @abstractmethod
    def infer_shape(self, inputs: Shapes) -> Shape:
        """The shape of the output. Raises LayerFault."""

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        """The weights, in Keras's order."""
        return ()

    def infer_cost(self, inputs: Shapes) -> int:
        """Multiplications followed by an addition, for one example."""
        return 0

    def input_layout(self, inputs: Shapes) -> Layout:
        """How the inputs must lie in memory where a backend has channels first."""
        return "channels_last"

    def weight(self, name: str, shape: Shape, axes: WeightAxes, of: str | None = None) -> Weight:
        """A weight as the fields `<of>_initializer`, `<of>_regularizer` and so on describe it.

        `of` is the weight's name by default.
        """
        of = of or name
        return Weight(
            name,
            shape,
            axes,
            getattr(self, f"{of}_initializer"),
            regularizer=getattr(self, f"{of}_regularizer", None),
            constraint=getattr(self, f"{of}_constraint", None),
            of=of,
        )

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        """What the backward pass needs, as PyTorch 2.13 keeps it (tools/autograd/derivatives.yaml).

        By default that is the inputs, from which the gradients of the weights follow, and what the
        activation needs.
        """
        activation: str = getattr(self, "activation", "linear")
        if not self.ends_in_activation or activation == "linear":
            return Kept(inputs=True)
        if activation in FROM_OUTPUT:
            return Kept(inputs=True, output=True)
        return Kept(inputs=True, values=prod(output))

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        """What of every input a part of the output is computed from.

        From an input of only these extents the layer computes that part, in training too; otherwise
        it reads all.
        """
        return tuple(map(whole, inputs))


def whole(shape: Shape) -> Extents:
    """The extents of all of a tensor."""
    return tuple((0, size) for size in shape)


class Linear(Layer):
    """A layer whose gradient needs only its output's gradient: it moves, adds or averages."""

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept()


class SameShape(Layer):
    """A layer whose output has the shape of its input, wherever the channels are in memory."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"


class Pointwise(Layer):
    """A layer that works on each value by itself, or on the channels of each place."""

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        return ((*part[:-1], (0, inputs[0][-1])),)


_SPATIAL = {
    1: ("a sequence", "(steps, channels)", "[steps, channels]"),
    2: ("an image", "(height, width, channels)", "[height, width, channels]"),
    3: ("a volume", "(depth, height, width, channels)", "[depth, height, width, channels]"),
}


def spatial(shape: Shape, tag: str, rank: int) -> tuple[Shape, int]:
    """The `rank` spatial sizes and the channels of `shape`. Raises LayerFault for another rank."""
    if len(shape) != rank + 1:
        named, axes, written_as = _SPATIAL[rank]
        raise LayerFault(
            f"{tag} needs an input of {axes}, and gets {written(shape)}",
            f"{named} has {('two', 'three', 'four')[rank - 1]} axes, as in `input: {written_as}`; "
            "put this layer before those that flatten or pool them away",
        )
    return shape[:-1], shape[-1]


def sequence(shape: Shape, tag: str) -> tuple[int, int]:
    """`shape` as (steps, features). Raises LayerFault where it is not a sequence's."""
    if len(shape) != 2:
        remedy = (
            "a recurrent layer before this one returns all its steps with `return_sequences: true`"
            if len(shape) == 1
            else "put a Reshape before this layer"
        )
        raise LayerFault(
            f"{tag} needs a sequence, (steps, features), and gets {written(shape)}", remedy
        )
    steps, features = shape
    return steps, features


def kind(rank: int) -> str:
    """What a tensor of this many spatial axes is called: an image, for two."""
    return _SPATIAL[rank][0]


def image(shape: Shape, tag: str) -> tuple[int, int, int]:
    """`shape` as (height, width, channels). Raises LayerFault where it is not an image's."""
    (height, width), channels = spatial(shape, tag, 2)
    return height, width, channels


def axis_index(axis: int, shape: Shape, field: str = "axis") -> int:
    """The index in `shape`, which has no batch axis, of an axis counted as Keras does.

    Raises LayerFault, at the argument `field`, for the batch axis and for one that is not there.
    """
    index = axis - 1 if axis >= 0 else len(shape) + axis
    if not 0 <= index < len(shape):
        raise LayerFault(
            f"axis {axis} is not an axis of an input of {written(shape)}",
            f"count from 1 to {len(shape)} after the batch axis, or from -1 backwards",
            field,
        )
    return index


def axis_indices(axes: tuple[int, ...], shape: Shape, field: str = "axis") -> tuple[int, ...]:
    """The indices of several axes, each named once; see `axis_index`."""
    indices = tuple(axis_index(axis, shape, field) for axis in axes)
    if len(set(indices)) < len(indices):
        message = f"{field} {list(axes)} names an axis of an input of {written(shape)} twice"
        raise LayerFault(message, "name every axis once", field)
    return indices


def one_integer_or_several(value: object) -> object:
    """A whole number as the tuple of it, and a list as a tuple."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, list | tuple):
        return as_tuple(value)  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
    raise unexpected("a whole number or a list of them", "write 1, or [1, 2]")


Axes: TypeAlias = Annotated[
    tuple[int, ...],
    Field(min_length=1),
    BeforeValidator(one_integer_or_several, json_schema_input_type=int | list[int]),
]
"""One axis, or a list of them, counted as Keras does: 0 is the batch."""


def written(shape: Shape) -> str:
    """A shape as the table shows it: (26, 26, 32), and (10) for one axis."""
    return f"({', '.join(str(size) for size in shape)})"
