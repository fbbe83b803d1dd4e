"""The fields that every data source has, and what a source promises of its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from netspec.language.layers.initializers import Positive
from netspec.language.layers.tagged import Model, as_tuple
from netspec.language.remedies import Remedy

Resize: TypeAlias = Literal["stretch", "pad", "crop"]
Filter: TypeAlias = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]


class ImageResize(Model):
    """How an image of another size becomes one of the size of the input."""

    mode: Annotated[
        Resize,
        Field(
            description="The image is stretched to the size; or it keeps its proportions, and is "
            "padded, or cropped to its middle."
        ),
    ]
    filter: Annotated[
        Filter, Field(description="How pixels are computed, by the names of Pillow's filters.")
    ] = "bilinear"
    fill: Annotated[
        int,
        Field(ge=0, le=255, description="The grey of the padding, from 0, black, to 255, white."),
    ] = 0


def _as_fields(value: object) -> object:
    """A mode as the fields with this mode."""
    return {"mode": value} if isinstance(value, str) else value


class Portion(Model):
    """Which of the training examples become another part of the data."""

    fraction: Annotated[float, Field(gt=0, lt=1, description="The part of the training examples.")]
    shuffle: Annotated[
        bool,
        Field(description="Whether they are drawn at random; otherwise they are the last ones."),
    ] = True
    stratify: Annotated[
        bool, Field(description="Whether every class has the same fraction in both parts.")
    ] = False
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Decides which examples are drawn.")] = 0

    @property
    def written_randomness(self) -> str | None:
        """The first written field that has an effect only on examples drawn at random."""
        written = self.model_fields_set
        fields = (name for name in ("shuffle", "stratify", "seed") if name in written)
        return next((name for name in fields if getattr(self, name)), None)


class FilePath(str):
    """The path of a file, relative to the folder of the spec.

    The type is how the paths of a source are found: where a spec is written into another folder,
    they are rewritten; `--data` replaces them.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


class FolderPath(FilePath):
    """The path of a folder, relative to the folder of the spec."""

    __slots__ = ()


@dataclass(frozen=True)
class Promise:
    """What is known of the data of a source before they are loaded. None is unknown.

    The checks of a spec use it, and so does a prediction, which has no data.
    """

    image_shape: tuple[int, int, int] | None = None
    """The height, width and channels of every image."""
    classes: int | None = None
    """The number of classes; the labels are class indices."""
    value_range: tuple[float, float] | None = None
    """The values of black and white."""
    preparation: Literal["mnist", "digits"] | None = None
    """How the images were made, which a prediction repeats: see `netspec.data.ink`."""
    single: bool = True
    """Whether an example is one input and one label; otherwise arrays of any number and shape."""
    names_classes: bool | None = False
    """Whether the data contain the names of the classes; None where their labels may be names."""
    validates: bool = False
    """Whether the data have, or may have, a validation part."""
    decoded: bool = False
    """Whether the examples are image files, which are decoded to the shape of the input."""
    columns: bool = False
    """Whether the examples are rows of a table, whose columns are along the last axis."""
    tokens: bool = False
    """Whether the examples are texts, whose tokens are along one axis of the input."""
    steps: int | None = None
    """How many rows of a table one example has, along the axis before the last."""
    values: tuple[int, ...] | None = None
    """The shape of the label of an example, where labels are numbers."""
    ordered: bool = False
    """Whether the examples are in the order of time, and a part of them is the last ones."""


def _as_scale(value: object) -> str | None:
    return "the data are divided by it: write `scale: 255`" if isinstance(value, str) else None


class DataFields(Model):
    """The fields of a data source: which data, and how the inputs are scaled."""

    dataset: Any  # Any: each source narrows it to the literal that is its name
    scale: Annotated[
        Positive,
        Field(description="Pixels are divided by this."),
        Remedy(_as_scale, ("float_type",)),
    ] = 1.0
    target: Annotated[
        Literal["labels", "input"],
        Field(description="What the output is compared with; an autoencoder's is its input."),
    ] = "labels"
    class_names: Annotated[
        tuple[str, ...] | None,
        BeforeValidator(as_tuple),
        Field(description="The classes in the order of their labels. Without them, 0, 1, 2, …"),
        Remedy("write it in brackets, as in [cat, dog]"),
    ] = None
    resize: Annotated[
        ImageResize | None,
        BeforeValidator(_as_fields, json_schema_input_type=Resize | ImageResize | None),
        Field(
            description="How images of another size are made to fit: stretch, pad, crop, or a mode "
            "with further fields. Without it, predict stretches them."
        ),
    ] = None

    @property
    def promise(self) -> Promise:
        """What is known of the data before they are loaded."""
        return Promise()

    @property
    def passed(self) -> bool:
        """Whether the data are read from no file or package: a Python program passes them."""
        return False

    @property
    def own_targets(self) -> bool:
        """Whether the output is compared with the input, as in an autoencoder."""
        return self.target == "input"

    @property
    def first_label(self) -> int:
        """The label of the first class."""
        return 0

    @property
    def renamed(self) -> Mapping[str, str]:
        """The names of arrays in the data, by their names in netspec, where the spec has some."""
        return {}

    @property
    def paths(self) -> dict[str, FilePath]:
        """The paths of files and folders, by the name of their field."""
        return {name: value for name, value in self if isinstance(value, FilePath)}

    def with_paths(self, change: Callable[[str], str]) -> Self:
        """The same fields with every path changed by a function."""
        changed = {name: type(path)(change(path)) for name, path in self.paths.items()}
        return self.model_copy(update=changed)


class PartFields(DataFields):
    """The fields of a source whose data may lack a test part."""

    test: Annotated[
        Portion | None,
        Field(
            description="Which of the training examples are the test part, where the data have "
            "none; without it, a fifth, of every class."
        ),
    ] = None


ARRAY_PARTS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
"""The parts of the data by how the names of arrays write them."""


class FileFields(PartFields):
    """The fields of a source that reads files of the user."""

    labels_from: Annotated[
        int,
        Field(ge=-(2**31), lt=2**31, description="The label of the first class; class indices."),
    ] = 0

    @property
    def promise(self) -> Promise:
        return Promise(names_classes=None)

    @property
    def first_label(self) -> int:
        return self.labels_from


def promise_of(data: DataFields | None) -> Promise:
    """What is known of the data of a spec, which may have none."""
    return Promise() if data is None else data.promise


def class_names(
    data: DataFields | None, classes: int, names: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """The name of every class: of the spec, else the `names` in the data, else the labels."""
    if data is not None and data.class_names is not None:
        return data.class_names
    if names is not None:
        return names
    first = 0 if data is None else data.first_label
    return tuple(str(label) for label in range(first, first + classes))
