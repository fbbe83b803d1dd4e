"""The pydantic model of a whole spec: input, layers, data, train."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from netspec.language.data import DataField, Portion
from netspec.language.layers import LayerField
from netspec.language.layers.base import Identifier, NodeNames, OutputName, Shape
from netspec.language.layers.initializers import NotNegative
from netspec.language.layers.tagged import Model, OneKey, as_tuple, fault
from netspec.language.layers.window import Size
from netspec.language.remedies import Called, Expected, Remedy
from netspec.language.training.losses import Losses
from netspec.language.training.metrics import Metrics
from netspec.language.training.optimizers import Adam, Optimizer
from netspec.language.training.schedules import ResultName
from netspec.text.codes import Code
from netspec.text.writer import flow

MAX_LAYERS = 20_000
MAX_INPUTS = 100

INPUT = "input"
"""The name of an input that is written only as a shape."""

List = BeforeValidator(as_tuple)
Fraction: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class EarlyStopping(Model):
    """When training ends before its last epoch, as Keras's callback of this name decides.

    With `patience: null` it never does, and only `restore_best_weights` has an effect.
    """

    monitor: Annotated[ResultName, Field(description="The result in metrics.jsonl to watch.")] = (
        "val_loss"
    )
    min_delta: Annotated[NotNegative, Field(description="What counts as an improvement.")] = 0.0
    patience: Annotated[
        int | None, Field(ge=0, le=10**9, description="Epochs without improvement to wait for.")
    ] = 0
    mode: Annotated[
        Literal["auto", "min", "max"],
        Field(description="Whether less or more is better; auto goes by the metric."),
    ] = "auto"
    baseline: Annotated[
        float | None, Field(description="What the metric has to beat for the wait to begin anew.")
    ] = None
    start_from_epoch: Annotated[
        int, Field(ge=0, le=10**9, description="Epochs that are not watched.")
    ] = 0
    restore_best_weights: Annotated[
        bool, Field(description="Whether the weights of the best epoch are the run's in the end.")
    ] = False


class Validation(Portion):
    """Which of the training examples are kept for validation."""


def _as_fraction(value: object) -> str | None:
    """How to write a validation of which only the fraction is written."""
    if not isinstance(value, float):
        return None
    return f"write its fields by name, as in `{{field}}: {{fraction: {value}}}`"


class Train(Model):
    """How the network is trained."""

    loss: Annotated[
        Losses,
        Field(description="What training minimizes: a loss, or one for each of several outputs."),
    ]
    loss_weights: Annotated[
        dict[OutputName, NotNegative] | None,
        Field(description="What the loss of each output counts for; 1 where it is missing."),
    ] = None
    optimizer: Annotated[
        Optimizer, OneKey("optimizer"), Field(description="How a gradient changes the weights.")
    ] = Adam()
    metrics: Annotated[
        Metrics | None,
        Field(
            description="What is reported beside the loss: a list, or one for each of several "
            "outputs. Without it, accuracy where there are classes."
        ),
    ] = None
    epochs: Annotated[
        int, Field(gt=0, le=1_000_000, description="Passes over the training images.")
    ] = 1
    steps_per_epoch: Annotated[
        int | None,
        Field(
            gt=0,
            le=10**9,
            description="Steps after which an epoch ends; null is when all images were seen.",
        ),
    ] = None
    batch_size: Annotated[Size, Field(description="Images to a step.")] = 32
    gradient_accumulation_steps: Annotated[
        int | None,
        Field(
            ge=2,
            le=1_000_000,
            description="Batches whose mean gradient makes one step of the optimizer.",
        ),
    ] = None
    precision: Annotated[
        Literal["float32", "tf32", "mixed_float16", "mixed_bfloat16"],
        Field(description="What layers compute in to train; the weights stay float32."),
    ] = "float32"
    class_weights: Annotated[
        dict[str, NotNegative] | None,
        Field(description="What an example counts for in the loss, by the name of its class."),
    ] = None
    early_stopping: Annotated[
        EarlyStopping | None, Field(description="When training ends before its last epoch.")
    ] = None
    validation_split: Annotated[
        Fraction,
        Field(description="The last part of the training images, kept for validation."),
    ] = 0.0
    validation: Annotated[
        Validation | None,
        Field(description="Training images kept for validation, instead of validation_split."),
        Remedy(_as_fraction, ("model_type",)),
    ] = None
    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=2**63,
            description="Decides the initial weights, the order of the images and the masks.",
        ),
    ] = 0

    @property
    def kept(self) -> Validation | None:
        """Which examples are kept for validation, whether Keras's field or the other names them."""
        if self.validation_split:
            return Validation(fraction=self.validation_split, shuffle=False)
        return self.validation

    @model_validator(mode="after")
    def _keeps_examples_once(self) -> Self:
        if self.validation_split and self.validation:
            message = "validation and validation_split both keep examples for validation"
            raise fault("validation_split", message, "remove one of them")
        return self


def _without_batch(size: object) -> str | None:
    """What to write in place of the open size of an axis."""
    fixed = "leave the batch axis out; every other axis has a fixed size"
    if size is None:
        return f"{fixed}, so pad to the longest"
    return fixed if size == -1 else None


InputShape: TypeAlias = Annotated[
    tuple[Annotated[Size, Remedy(_without_batch)], ...],
    List,
    Field(min_length=1, max_length=4),
    Expected("a shape, or a mapping of names to shapes", ("too_short",)),
    Remedy("write it in brackets, as in [28, 28, 1]"),
    Remedy("the batch axis is never written; leave it out", ("too_long",)),
]


def _named(value: object) -> object:
    """A single shape as the mapping from the default input name to it."""
    return value if isinstance(value, dict) else {INPUT: value}  # pyright: ignore[reportUnknownVariableType] - checked after this


def _shortest(value: dict[str, Shape]) -> Any:  # Any: JSON data
    """As people write it: one input only by its shape."""
    return value[INPUT] if list(value) == [INPUT] else value


Inputs: TypeAlias = Annotated[
    dict[Annotated[Identifier, Called("the name of an input")], InputShape],
    Field(min_length=1, max_length=MAX_INPUTS),
    Expected("a shape, or a mapping of names to shapes", ("too_short",)),
    Remedy("write a shape, as in [28, 28, 1], or shapes by name", ("too_short",)),
    BeforeValidator(_named, json_schema_input_type=InputShape | dict[Identifier, InputShape]),
    PlainSerializer(_shortest),
]


def _within_limit(layers: object) -> object:
    """The list of the layers as a tuple. Raises a fault at the first layer beyond the limit."""
    count = len(layers) if isinstance(layers, list) else 0  # pyright: ignore[reportUnknownArgumentType] - any list
    if count > MAX_LAYERS:
        message = f"the spec has {count:,} layers, more than the limit of {MAX_LAYERS:,}"
        raise fault((MAX_LAYERS,), message, "this layer is the first beyond it", Code.LIMIT)
    return as_tuple(layers)  # pyright: ignore[reportUnknownArgumentType] - as above


class Spec(Model):
    """A neural network: its layers, its data, and how it is trained."""

    netspec: Annotated[
        Literal[1],
        Field(description="The version of the language."),
        Remedy("this netspec reads version 1 of the language: write `netspec: 1`"),
        Remedy("begin the spec with `netspec: 1`, the version of the language", ("missing",)),
    ]
    name: Annotated[Identifier, Field(description="The network's name.")]
    description: Annotated[str, Field(description="What the network is for.")] = ""
    input: Annotated[
        Inputs,
        Field(
            description="The shape of one input: height, width, channels, without the batch axis; "
            "or a mapping of names to shapes.",
        ),
    ]
    layers: Annotated[
        tuple[LayerField, ...],
        BeforeValidator(_within_limit),
        Field(min_length=1, max_length=MAX_LAYERS, description="The layers, in their order."),
        Remedy("write one layer a line, each after a dash, as in `- Flatten`"),
    ]
    output: Annotated[
        NodeNames | None,
        Field(
            description="The layers whose outputs the network returns. Without it, the last layer."
        ),
    ] = None
    data: Annotated[
        DataField | None, Field(description="What the network is trained and tested on.")
    ] = None
    train: Annotated[Train | None, Field(description="How the network is trained.")] = None


def resolved(spec: Spec) -> str:
    """The spec as YAML that reads back as the same spec: what differs from the defaults."""
    fields = _escaped(spec.model_dump(mode="json", exclude_defaults=True))
    lines: list[str] = []
    for name, value in fields.items():
        if name == "layers":
            lines += ["layers:", *(f"  - {_layer(layer)}" for layer in value)]
        elif name == "train":
            lines += ["train:", *(f"  {key}: {flow(item)}" for key, item in value.items())]
        else:
            lines.append(f"{name}: {flow(value)}")
    return "\n".join(lines) + "\n"


def _escaped(data: Any) -> Any:  # Any: JSON data
    """JSON data whose values have `$$` for `$`, which would begin a reference; keys stay."""
    match data:
        case dict():
            return {key: _escaped(value) for key, value in data.items()}  # pyright: ignore[reportUnknownVariableType] - JSON data
        case list():
            return [_escaped(item) for item in data]  # pyright: ignore[reportUnknownVariableType] - JSON data
        case str():
            return data.replace("$", "$$")
        case _:
            return data


def _layer(layer: str | dict[str, Any]) -> str:
    if isinstance(layer, str):
        return layer
    ((tag, fields),) = layer.items()
    return f"{tag}: {flow(fields)}"
