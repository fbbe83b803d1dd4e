"""A spec becomes a frozen graph: nodes in topological order, every shape inferred."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from netspec.diagnostics import SpecError
from netspec.layers import (
    Activation,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LayerFault,
    Layout,
    Shape,
    Transpose,
    Weight,
    written,
)
from netspec.layers.activations import ActivationName
from netspec.layers.initializers import Identity, Orthogonal
from netspec.override import Override, apply
from netspec.source import Fault, Source, parse, read
from netspec.spec import DataSpec, Loss, Spec
from netspec.validation import leading_layers, validate

INPUT = "input"
"""The name of the graph's input; no layer may take it."""

MAX_PARAMETERS = 10_000_000_000
MAX_VALUES = 10_000_000_000  # of one tensor


@dataclass(frozen=True)
class Node:
    """A layer in its place: what it reads, and the shape that it gives.

    Shapes are channels last whatever the layout is; `layout` says how the output lies in memory.
    """

    name: str
    layer: Layer | Transpose
    inputs: tuple[str, ...]
    input_shape: Shape
    shape: Shape
    layout: Layout = "channels_last"

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        return self.layer.weights(self.input_shape)

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def multiply_adds(self) -> int:
        return self.layer.multiply_adds(self.input_shape)


@dataclass(frozen=True)
class Graph:
    """A network: its input, and its nodes in an order in which each follows what it reads.

    Shapes are channels last, without the batch axis. The last node is the output.
    """

    name: str
    input_shape: Shape
    nodes: tuple[Node, ...]

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    def weights(self) -> Iterator[tuple[str, Weight]]:
        """Every weight with its key `<node>.<weight>`, in the order of the nodes."""
        for node in self.nodes:
            for weight in node.weights:
                yield f"{node.name}.{weight.name}", weight

    @cached_property
    def structure(self) -> dict[str, Any]:
        """What the meaning of trained weights depends on, as JSON data: not what they began as."""
        layers = [
            [node.name, node.layer.tag, list(node.inputs), _meaning(node.layer)]
            for node in self.nodes
        ]
        return {"input": list(self.input_shape), "layers": layers}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the structure, in hexadecimal."""
        text = json.dumps(self.structure, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _meaning(layer: Layer | Transpose) -> dict[str, Any]:
    fields = layer.model_dump(mode="json", exclude={"name"})
    return {name: value for name, value in fields.items() if not name.endswith("_initializer")}


@dataclass(frozen=True)
class Network:
    """A spec without faults, with its graph and the folder that its paths are seen from."""

    spec: Spec
    graph: Graph
    folder: Path


def load(path: str | Path, overrides: Sequence[Override] = ()) -> Network:
    """Read, validate and infer the spec in a file, some of its values set from outside.

    Raises SpecError with every fault that could be found.
    """
    source = read(Path(path))
    for override in overrides:
        source = apply(source, override)
    return build(source, Path(path).parent)


def loads(text: str, folder: Path = Path()) -> Network:
    """Read, validate and infer a spec from its text; see `load`."""
    return build(parse(text), folder)


def build(source: Source, folder: Path) -> Network:
    """The network that a source describes. Raises SpecError with every fault that can be found."""
    spec = validate(source.data)
    if isinstance(spec, Spec):
        graph, faults = infer(spec.name, spec.input, spec.layers)
        if not faults:
            faults = _training_faults(spec, graph)
        if not faults:
            return Network(spec, graph, folder)
    else:
        faults = spec
        if isinstance(source.data, dict) and (start := leading_layers(source.data, faults)):
            faults = faults + infer("faulty", *start)[1]
    raise SpecError([source.diagnostic(fault) for fault in faults])


def infer(name: str, shape: Shape, layers: Sequence[Layer]) -> tuple[Graph, list[Fault]]:
    """The graph of a chain of layers, up to the first whose shape cannot be inferred."""
    names, faults = _names(layers)
    nodes: list[Node] = []
    input_shape, parameters = shape, 0
    for index, layer in enumerate(layers):
        previous = nodes[-1].name if nodes else INPUT
        try:
            output_shape = layer.output_shape(input_shape)
            node = Node(names[index], layer, (previous,), input_shape, output_shape)
            parameters += _checked_parameters(node, parameters)
        except LayerFault as fault:
            at = ("layers", index, layer.tag) + ((fault.field,) if fault.field else ())
            key = fault.field is None
            faults.append(Fault(at, "shape", fault.message, fault.help, key))
            break
        nodes.append(node)
        input_shape = output_shape
    return Graph(name, shape, tuple(nodes)), faults


def _names(layers: Sequence[Layer]) -> tuple[list[str], list[Fault]]:
    """A name for every layer: its own, or Keras's automatic one, counted past those in use."""
    taken: dict[str, int] = {}
    faults: list[Fault] = []
    for index, layer in enumerate(layers):
        if layer.name is None:
            continue
        at = ("layers", index, layer.tag, "name")
        if layer.name == INPUT:
            message = f"{INPUT!r} is the name of the network's input"
            faults.append(Fault(at, "duplicate-name", message, "give the layer another name"))
        elif layer.name in taken:
            first = ("layers", taken[layer.name], layers[taken[layer.name]].tag, "name")
            message = f"two layers are named {layer.name!r}"
            help = f"names are unique; for example {layer.name}_{index}"
            related = ("the first is here", first)
            faults.append(Fault(at, "duplicate-name", message, help, related=related))
        else:
            taken[layer.name] = index
    counts: dict[str, int] = {}
    return [layer.name or _automatic(layer.tag, taken, counts) for layer in layers], faults


def _automatic(tag: str, taken: Mapping[str, int], counts: dict[str, int]) -> str:
    stem = snake_case(tag)
    while True:
        count = counts.get(stem, 0)
        counts[stem] = count + 1
        name = f"{stem}_{count}" if count else stem
        if name not in taken:
            return name


def snake_case(tag: str) -> str:
    """Keras's stem of automatic names (keras/src/utils/naming.py, 3.15).

    >>> snake_case("Conv2D"), snake_case("GlobalAveragePooling2D")
    ('conv2d', 'global_average_pooling2d')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", tag)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _checked_parameters(node: Node, before: int) -> int:
    """The node's parameters. Raises LayerFault beyond a limit, or for an unfit initializer."""
    if prod(node.shape) > MAX_VALUES:
        raise LayerFault(
            f"the output of {node.name}, {written(node.shape)}, has {prod(node.shape):,} values, "
            f"more than the limit of {MAX_VALUES:,}",
            "make the input or the layer smaller",
        )
    if before + node.parameters > MAX_PARAMETERS:
        raise LayerFault(
            f"with the {node.parameters:,} weights of {node.name} the network has "
            f"{before + node.parameters:,}, more than the limit of {MAX_PARAMETERS:,}",
            "make this layer or its input smaller; pooling before a Dense is the usual way",
        )
    for weight in node.weights:
        rank = len(weight.shape)
        if (isinstance(weight.initializer, Identity) and rank != 2) or (
            isinstance(weight.initializer, Orthogonal) and rank < 2
        ):
            raise LayerFault(
                f"{weight.initializer.tag} cannot fill the {weight.name}, which has the shape "
                f"{written(weight.shape)}",
                "identity needs a matrix, orthogonal at least a matrix",
                f"{weight.name}_initializer",
            )
    return node.parameters


def _training_faults(spec: Spec, graph: Graph) -> list[Fault]:
    """What does not fit between the layers, the data and the loss."""
    faults = _image_faults(spec.data, graph) + _name_faults(spec.data) if spec.data else []
    if spec.train:
        faults += _weightless_faults(graph)
        ends = _output_faults(graph)
        faults += ends or _loss_faults(spec.train.loss, graph)
        if spec.data and not ends:
            faults += _class_faults(spec.data, graph)
    return faults


def _image_faults(data: DataSpec, graph: Graph) -> list[Fault]:
    if data.image_shape is None or data.image_shape == graph.input_shape:
        return []
    message = (
        f"the images of {data.dataset} are {written(data.image_shape)}, and the input is "
        f"{written(graph.input_shape)}"
    )
    return [Fault(("input",), "data", message, f"write `input: {list(data.image_shape)}`")]


def _name_faults(data: DataSpec) -> list[Fault]:
    if data.class_names is None or data.classes in (None, len(data.class_names)):
        return []
    names = len(data.class_names)
    message = f"{data.dataset} has {data.classes} classes, and class_names has {names} names"
    help = "one name for every class, in the order of their labels"
    return [Fault(("data", "class_names"), "classes", message, help)]


def _weightless_faults(graph: Graph) -> list[Fault]:
    if any(weight.trainable for _, weight in graph.weights()):
        return []
    message = f"{graph.name} has no weights to train"
    return [Fault(("layers",), "weights", message, "add a Dense or a Conv2D", key=True)]


def _output_faults(graph: Graph) -> list[Fault]:
    shape = graph.output.shape
    if len(shape) == 1:
        return []
    message = f"the network ends in {written(shape)}, and a classifier ends in one value a class"
    for index, node in enumerate(graph.nodes):
        if isinstance(node.layer, Flatten | GlobalAveragePooling2D):
            break
        if isinstance(node.layer, Dense) and len(node.input_shape) == 3:
            message = (
                f"{node.name} gets the image {written(node.input_shape)}, of which Dense takes "
                f"each cell by itself"
            )
            help = "put `- Flatten` before this layer"
            return [Fault(("layers", index, "Dense"), "flatten", message, help, key=True)]
    at = ("layers", len(graph.nodes) - 1, graph.output.layer.tag)
    help = "end with `- Flatten` and `- Dense: {units: CLASSES, activation: softmax}`"
    return [Fault(at, "output", message, help, key=True)]


def final_activation(graph: Graph) -> ActivationName:
    """The name of the activation that the output comes from."""
    return activation(graph.output.layer)


def activation(layer: Layer | Transpose) -> ActivationName:
    """The activation that a layer ends in."""
    return layer.activation if isinstance(layer, Conv2D | Dense | Activation) else "linear"


def _loss_faults(loss: Loss, graph: Graph) -> list[Fault]:
    layer, ending = graph.output.layer, final_activation(graph)
    last = ("layers", len(graph.nodes) - 1, layer.tag)
    if hasattr(layer, "activation") and "activation" in layer.model_fields_set:
        last = (*last, "activation")
    if loss.from_logits and ending == "softmax":
        message = f"{loss.tag} is told to take logits, and the network ends in softmax"
        help = "remove from_logits; netspec computes the loss on logits in any case"
        at = ("train", "loss", loss.tag, "from_logits")
        return [Fault(at, "loss", message, help, related=("the softmax", last))]
    if not loss.from_logits and ending != "softmax":
        found = "without an activation" if ending == "linear" else f"in {ending}"
        message = f"{loss.tag} needs probabilities, and the network ends {found}"
        softmax = "activation: softmax"
        end = softmax if hasattr(layer, "activation") else f"- Dense: {{units: CLASSES, {softmax}}}"
        help = f"end with `{end}`, or give the loss `from_logits: true`"
        return [Fault(last, "loss", message, help, key=last[-1] != "activation")]
    return []


def _class_faults(data: DataSpec, graph: Graph) -> list[Fault]:
    (units,) = graph.output.shape
    last = ("layers", len(graph.nodes) - 1, graph.output.layer.tag)
    at = (*last, "units") if isinstance(graph.output.layer, Dense) else last
    key = at == last
    names = data.class_names
    if data.classes not in (None, units):
        message = (
            f"the network ends in {units} units, and {data.dataset} has {data.classes} classes"
        )
        return [Fault(at, "classes", message, f"write `units: {data.classes}`", key)]
    if data.classes is None and names is not None and len(names) != units:
        message = f"the network ends in {units} units, and class_names has {len(names)} names"
        related = ("the names", ("data", "class_names"))
        return [Fault(at, "classes", message, "one unit for every class", key, related)]
    return []
