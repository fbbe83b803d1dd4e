"""The columns of a table as the inputs of an ONNX file: a preparation before the network.

A file with a preparation has one graph. Its nodes and constants whose names begin with `PREFIX` are
the preparation, the others are the network. `separated` and `joined` go from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from netspec.data.preparation import CategoryColumn, NumberColumn, PreparedColumn, TimeColumn
from netspec.data.tokens import TextColumn
from netspec.language.layers import Shape
from netspec.text.diagnostics import BackendError
from netspec_onnx.lower import Builder
from netspec_onnx.tokens import MICROSOFT, ML, lower_text

PREFIX = "prepare:"
"""How the names of a preparation begin. Names of layers have no colon."""

BATCH = "batch"

VERSIONS = {ML: 3, MICROSOFT: 1}
"""The version of ONNX's other operators as in ONNX 1.13, which has opset 18."""

ELEMENTS: dict[str, int] = {
    "number": TensorProto.DOUBLE,
    "category": TensorProto.STRING,
    "text": TensorProto.STRING,
    "time": TensorProto.DOUBLE,
}
"""What a column of each kind is in the file, with the shape (batch)."""


@singledispatch
def lower_column(column: object, name: str, to: Builder, x: str) -> str:
    """Append the operators that prepare the values (batch) of a column; return (batch, width).

    They compute exactly what `apply` of the column computes.
    """
    raise NotImplementedError(column)


@lower_column.register
def _(column: NumberColumn, name: str, to: Builder, x: str) -> str:
    mean = to.doubles(f"{name}.mean", column.mean)
    missing = to.add("IsNaN", [x], f"{name}.missing")
    known = to.add("Where", [missing, mean, x], f"{name}.known")
    centred = to.add("Sub", [known, mean], f"{name}.centred")
    deviation = to.doubles(f"{name}.deviation", column.deviation)
    standard = to.add("Div", [centred, deviation], f"{name}.standard")
    single = to.add("Cast", [standard], f"{name}.float32", to=TensorProto.FLOAT)
    return to.add("Unsqueeze", [single, to.integers(f"{name}.axis", [-1])], f"{name}.prepared")


@lower_column.register
def _(column: CategoryColumn, name: str, to: Builder, x: str) -> str:
    places = {text: place for place, text in enumerate(column.vocabulary, 1)} or {"": 0}
    keys, values = [*places], [*places.values()]
    place = to.add(
        "LabelEncoder",
        [x],
        f"{name}.place",
        domain=ML,
        keys_strings=keys,
        values_int64s=values,
        default_int64=0,
    )
    width = to.integers(f"{name}.width", column.width)
    zero_and_one = to.constant(f"{name}.values", [0, 1])
    return to.add("OneHot", [place, width, zero_and_one], f"{name}.prepared", axis=-1)


@lower_column.register
def _(column: TimeColumn, name: str, to: Builder, x: str) -> str:
    missing = to.add("IsNaN", [x], f"{name}.missing")
    mean = to.doubles(f"{name}.mean", column.mean)
    centred = to.add("Sub", [x, mean], f"{name}.centred")
    deviation = to.doubles(f"{name}.deviation", column.deviation)
    features = [to.add("Div", [centred, deviation], f"{name}.late")]
    for place, period in enumerate(column.periods):
        features += _sine_and_cosine(f"{name}.{place}", period, to, x)
    axis, zero = to.integers(f"{name}.axis", [-1]), to.doubles(f"{name}.zero", 0)
    columns: list[str] = []
    for feature in features:
        known = to.add("Where", [missing, zero, feature], f"{feature}.known")
        single = to.add("Cast", [known], f"{feature}.float32", to=TensorProto.FLOAT)
        columns.append(to.add("Unsqueeze", [single, axis], f"{feature}.column"))
    return to.add("Concat", columns, f"{name}.prepared", axis=-1)


@lower_column.register
def _(column: TextColumn, name: str, to: Builder, x: str) -> str:
    return lower_text(column, name, to, x)


def _sine_and_cosine(name: str, period: float, to: Builder, x: str) -> list[str]:
    """The sine and the cosine of the part of a period; ONNX Runtime has no Cos of float64."""
    length = to.doubles(f"{name}.period", period)
    periods = to.add("Div", [x, length], f"{name}.periods")
    whole = to.add("Floor", [periods], f"{name}.whole")
    begun = to.add("Mul", [whole, length], f"{name}.begun")
    rest = to.add("Sub", [x, begun], f"{name}.rest")
    part = to.add("Div", [rest, length], f"{name}.part")
    angle = to.add("Mul", [part, to.doubles(f"{name}.turn", 2 * np.pi)], f"{name}.angle")
    quarter = to.doubles(f"{name}.quarter", np.pi / 2)
    later = to.add("Add", [angle, quarter], f"{name}.later")
    return [to.add("Sin", [angle], f"{name}.sine"), to.add("Sin", [later], f"{name}.cosine")]


def preparation_graph(
    inputs: Sequence[tuple[tuple[PreparedColumn, ...], Shape]], opset: int, axes: Shape = ()
) -> GraphProto:
    """A graph from the columns of a table to the inputs of a network, each with its shape.

    `axes` are the axes of a column after the batch: the history of a series.
    Raises BackendError where the columns have no names that ONNX can store.
    """
    columns = {column.name: column for some, _ in inputs for column in some}
    _check_names(columns, [column for some, _ in inputs for column in some])
    to, prefix = Builder(opset, {}), _unused_prefix(columns)
    numbers = {name: number for number, name in enumerate(columns)}
    outputs: list[ValueInfoProto] = []
    for place, (some, shape) in enumerate(inputs):
        parts = [
            lower_column(column, f"{prefix}{place}.{numbers[column.name]}", to, column.name)
            for column in some
        ]
        flat = to.add("Concat", parts, f"{prefix}{place}", axis=-1)
        sizes = to.integers(f"{prefix}{place}.shape", [-1, *shape])
        name = to.add("Reshape", [flat, sizes], f"{prefix}{place}.input")
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape]))
    return helper.make_graph(
        to.nodes,
        "preparation",
        [
            helper.make_tensor_value_info(name, ELEMENTS[column.kind], [BATCH, *axes])
            for name, column in columns.items()
        ],
        outputs,
        [*to.constants.values()],
        value_info=[
            helper.make_tensor_value_info(name, type_, None) for name, type_ in to.types.items()
        ],
    )


def _check_names(columns: Mapping[str, PreparedColumn], uses: Sequence[PreparedColumn]) -> None:
    if "" in columns:
        message = "a column of the table has no name, and an input of an ONNX file needs one"
        raise BackendError(message, "name the column in the table, and train again")
    for column in uses:
        if column.kind != columns[column.name].kind:
            message = f"the column {column.name} has two types, and is one input of an ONNX file"
            raise BackendError(message, "use it with one type")


def _unused_prefix(columns: Iterable[str]) -> str:
    """A prefix that begins with `PREFIX`, and that no column begins with."""
    prefix = PREFIX
    while any(name.startswith(prefix) for name in columns):
        prefix += ":"
    return prefix


@dataclass(frozen=True)
class Separated:
    """The network of a file, whose inputs are float32, and the preparation before it."""

    network: ModelProto
    preparation: ModelProto | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the preparation takes; none without a preparation."""
        return (
            tuple(tensor.name for tensor in self.preparation.graph.input)
            if self.preparation
            else ()
        )


def _is_of_preparation(name: str | bytes) -> bool:
    """Whether a name is of the preparation. Protobuf returns bytes where it is not UTF-8."""
    return isinstance(name, str) and name.startswith(PREFIX)


def separated(model: ModelProto) -> Separated:
    """The two parts of a file. A file without a preparation is its network."""
    graph = model.graph
    nodes = [node for node in graph.node if _is_of_preparation(node.name)]
    if not nodes:
        return Separated(model, None)
    computed = {name for node in nodes for name in node.output}
    typed = [value for value in graph.value_info if value.name in computed]
    between = [value for value in typed if not _is_of_preparation(value.name)]
    preparation, network = ModelProto(), ModelProto()
    for part in (preparation, network):
        part.CopyFrom(_frame(model))
    preparation.graph.name = "preparation"
    preparation.graph.input.extend(graph.input)
    preparation.graph.output.extend(between)
    preparation.graph.value_info.extend(value for value in typed if value not in between)
    network.graph.input.extend(between)
    network.graph.output.extend(graph.output)
    for node in graph.node:
        _part(node.name, preparation, network).node.append(node)
    for constant in graph.initializer:
        _part(constant.name, preparation, network).initializer.append(constant)
    return Separated(network, preparation)


def _frame(model: ModelProto) -> ModelProto:
    """The model without what its graph computes."""
    frame = ModelProto(
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
        opset_import=model.opset_import,
        metadata_props=model.metadata_props,
    )
    frame.graph.name, frame.graph.doc_string = model.graph.name, model.graph.doc_string
    return frame


def _part(name: str, preparation: ModelProto, network: ModelProto) -> GraphProto:
    return (preparation if _is_of_preparation(name) else network).graph


def joined(network: ModelProto, preparation: GraphProto) -> ModelProto:
    """One file of a network and the preparation of its inputs, which are in the same order.

    Its inputs have the names of the columns. Tensors of the network that have such a name are
    renamed.
    """
    model = ModelProto()
    model.CopyFrom(network)
    columns = {tensor.name for tensor in preparation.input}
    _rename_all(model.graph, _new_names(columns, {*_names(model.graph)}))
    before = GraphProto()
    before.CopyFrom(preparation)
    between = [tensor.name for tensor in model.graph.input]
    prepared = [tensor.name for tensor in before.output]
    _rename_all(before, dict(zip(prepared, between, strict=True)))
    nodes = [*before.node, *model.graph.node]
    constants = [*before.initializer, *model.graph.initializer]
    inputs = [*model.graph.input]
    for field in ("node", "initializer", "input", "value_info"):
        model.graph.ClearField(field)
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    model.graph.input.extend(before.input)
    model.graph.value_info.extend([*inputs, *before.value_info])
    imported = {opset.domain for opset in model.opset_import}
    for domain in sorted({node.domain for node in before.node} - imported):
        model.opset_import.append(helper.make_opsetid(domain, VERSIONS[domain]))
    return model


def _new_names(columns: set[str], used: set[str]) -> dict[str, str]:
    """For each of the used names that a column has, an unused one."""
    names: dict[str, str] = {}
    for name in sorted(columns & used):
        new = f"{name}_"
        while new in columns | used:
            new += "_"
        names[name] = new
        used = used | {new}
    return names


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph, and the graphs in its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _values(graph: GraphProto) -> Iterator[ValueInfoProto | TensorProto]:
    yield from (*graph.input, *graph.output, *graph.value_info, *graph.initializer)


def _names(graph: GraphProto) -> Iterator[str]:
    """The names of all tensors."""
    for inner in _graphs(graph):
        yield from (value.name for value in _values(inner))
        yield from (name for node in inner.node for name in (*node.input, *node.output))


def _rename_all(graph: GraphProto, names: Mapping[str, str]) -> None:
    for inner in _graphs(graph):
        for value in _values(inner):
            value.name = names.get(value.name, value.name)
        for node in inner.node:
            _rename_in(node, names)


def _rename_in(node: NodeProto, names: Mapping[str, str]) -> None:
    node.input[:] = [names.get(name, name) for name in node.input]
    node.output[:] = [names.get(name, name) for name in node.output]
