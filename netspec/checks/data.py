"""Rules across the layers and the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from netspec.graph.nodes import Graph
from netspec.language.data import ARRAY_PARTS, DataFields
from netspec.language.layers import written
from netspec.text.codes import Code
from netspec.text.diagnostics import nearest, one_of
from netspec.text.source import Fault


def image_faults(data: DataFields, graph: Graph) -> list[Fault]:
    """The faults of data whose shapes differ from the inputs and outputs."""
    promise, shape = data.promise, data.promise.image_shape
    if len(graph.inputs) > 1 and promise.single:
        message = f"{graph.name} has {len(graph.inputs)} inputs, and {data.dataset} has one"
        return [Fault(("data",), Code.DATA, message, "put the arrays into an npz file")]
    if len(graph.outputs) > 1 and promise.single:
        message = f"{graph.name} has {len(graph.outputs)} outputs, and {data.dataset} has one label"
        return [Fault(("data",), Code.DATA, message, "put the arrays into an npz file")]
    if promise.columns and (reason := _unfit_for_rows(data, graph.input_shape)):
        return [Fault(("input",), Code.DATA, *reason)]
    if promise.tokens and len(graph.input_shape) != 1:
        message = (
            f"the input is {written(graph.input_shape)}, and {data.dataset} has tokens, which have "
            "one axis"
        )
        help = "write how many tokens of a text are read, as `input: [200]`"
        return [Fault(("input",), Code.DATA, message, help)]
    if data.own_targets and [graph.input_shape] != [node.shape for node in graph.output_nodes]:
        outputs = ", ".join(written(node.shape) for node in graph.output_nodes)
        message = (
            f"the target is the input {written(graph.input_shape)}, and the output is {outputs}"
        )
        help = "an autoencoder has one output with the shape of its input"
        if promise.columns:
            help = f"name the column to predict, as `target: NAME`; {help}"
        return [Fault(("data", "target"), Code.DATA, message, help)]
    if promise.decoded and not _takes_images(graph.input_shape):
        message = (
            f"the input is {written(graph.input_shape)}, and {data.dataset} is image files, which "
            "have a height, a width, and 1 or 3 channels"
        )
        help = "write `input: [64, 64, 3]` for colour, `input: [64, 64, 1]` for grey"
        return [Fault(("input",), Code.DATA, message, help)]
    if shape is None or shape == graph.input_shape:
        return []
    message = (
        f"the images of {data.dataset} are {written(shape)}, and the input is "
        f"{written(graph.input_shape)}"
    )
    return [Fault(("input",), Code.DATA, message, f"write `input: {list(shape)}`")]


def _unfit_for_rows(data: DataFields, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """Why an input does not fit the rows of a table, and what to do."""
    steps, subject = data.promise.steps, f"the input is {written(shape)}, and {data.dataset}"
    if steps is None:
        if len(shape) == 1:
            return None
        message = f"{subject} has rows of numbers, which have one axis"
        return message, "write how many numbers a row becomes, as `input: [13]`"
    if len(shape) == 2 and shape[0] == steps:
        return None
    message = f"{subject} has windows of {steps:,} rows of numbers"
    width = shape[-1] if len(shape) == 2 else "WIDTH"
    help = f"write the history and how many numbers a row becomes, as `input: [{steps}, {width}]`"
    return message, help


def _takes_images(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in (1, 3)


def name_faults(data: DataFields) -> list[Fault]:
    """The faults of names that are not one for each class."""
    if data.class_names is None:
        return []
    names, location = len(data.class_names), ("data", "class_names")
    classes = data.promise.classes
    if classes not in (None, names):
        message = f"{data.dataset} has {classes} classes, and class_names has {names} names"
        help = "one name for every class, in the order of their labels"
        return [Fault(location, Code.CLASSES, message, help)]
    repeated = [name for name, count in Counter(data.class_names).items() if count > 1]
    if repeated:
        message = f"two classes have the name {repeated[0]!r}"
        return [Fault(location, Code.CLASSES, message, "use a different name for every class")]
    return []


def array_faults(data: DataFields, graph: Graph) -> list[Fault]:
    """The faults of the names of arrays that the network does not read."""
    inputs, outputs = (
        [f"_{name}" for name in names] if len(names) > 1 else [""]
        for names in ([input_.name for input_ in graph.inputs], list(graph.outputs))
    )
    ends = [*(("x", end) for end in inputs), *(("y", end) for end in outputs), ("w", "")]
    known = [f"{kind}_{part}{end}" for part in ARRAY_PARTS for kind, end in ends]
    return [_unread_array(name, known) for name in data.renamed if name not in known]


def _unread_array(name: str, known: Sequence[str]) -> Fault:
    meant = nearest(name, known)
    help = f"did you mean `{meant}`?" if meant else f"there are {one_of(known, 'and')}"
    message = f"{name!r} is no array that the network reads"
    return Fault(("data", "arrays", name), Code.DATA, message, help, key=True)
