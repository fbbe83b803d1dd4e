"""A spec becomes a frozen graph: nodes in topological order, every shape inferred."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

from netspec import objective
from netspec.diagnostics import MAX_FAULTS, nearest, one_of
from netspec.expansion import expand
from netspec.layers import (
    Dense,
    Flatten,
    Inserted,
    Layer,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.layers.activations import ActivationName
from netspec.layers.base import axis_indices
from netspec.layers.constraints import Norm
from netspec.layers.core import Softmax
from netspec.layers.initializers import Identity, Orthogonal, UnitForgetBias
from netspec.layers.pooling import GlobalPooling
from netspec.names import automatic
from netspec.objective import End, Objective
from netspec.override import Override, apply
from netspec.source import Fault, Location, Source, parse, read, uncollected
from netspec.spec import INPUT, DataSpec, Npz, Spec
from netspec.validation import leading_layers, validate

MAX_PARAMETERS = 10_000_000_000
MAX_VALUES = 10_000_000_000  # of one tensor
MAX_CYCLE = 1_000  # layers that are looked at to tell a cycle from a wrong order


@dataclass(frozen=True)
class Input:
    """What the network reads: float32 values of `shape`, channels last, without the batch axis."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Node:
    """A layer in its place: what it reads, and the shape that it gives.

    Shapes are channels last whatever the layout is; `layout` says how the output lies in memory.
    """

    name: str
    layer: Layer | Inserted
    inputs: tuple[str, ...]
    input_shapes: Shapes
    shape: Shape
    layout: Layout = "channels_last"

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input, which for most layers is the only one."""
        return self.input_shapes[0]

    def dimension(self, index: int) -> int:
        """Where the axis of `shape` at `index` is in the tensor, which begins with the batch."""
        if self.layout == "channels_first":
            return 1 if index == len(self.shape) - 1 else index + 2
        return index + 1

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        weights = self.layer.weights_of(self.input_shapes)
        if self.layer.trainable:
            return weights
        return tuple(replace(weight, trainable=False) for weight in weights)

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def multiply_adds(self) -> int:
        return self.layer.cost_of(self.input_shapes)


@dataclass(frozen=True)
class Graph:
    """A network: its inputs, its nodes, each behind what it reads, and the names of its outputs.

    Shapes are channels last, without the batch axis.
    """

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input, which for most networks is the only one."""
        return self.inputs[0].shape

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Every node by its name."""
        return {node.name: node for node in self.nodes}

    @property
    def output(self) -> Node:
        """The first output, which for most networks is the only one."""
        return self.by_name[self.outputs[0]]

    @property
    def output_nodes(self) -> tuple[Node, ...]:
        """Every output in its order."""
        return tuple(self.by_name[name] for name in self.outputs)

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """Every output as its loss sees it."""
        read = {name for node in self.nodes for name in node.inputs}
        places = {node.name: index for index, node in enumerate(self.nodes)}
        several = len(self.outputs) > 1
        return tuple(
            _end(
                node,
                subject=node.name if several else "the network",
                at=("layers", places[node.name], node.layer.tag),
                read=node.name in read,
            )
            for node in self.output_nodes
        )

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
        inputs = {each.name: list(each.shape) for each in self.inputs}
        return {"inputs": inputs, "layers": layers, "outputs": list(self.outputs)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the structure, in hexadecimal."""
        text = json.dumps(self.structure, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _end(node: Node, *, subject: str, at: Location, read: bool) -> End:
    layer = node.layer
    return End(
        name=node.name,
        subject=subject,
        shape=node.shape,
        activation=_ending(layer, node.shape),
        at=at,
        activation_field="activation" in layer.model_fields_set and hasattr(layer, "activation"),
        units_field=hasattr(layer, "units"),
        read=read,
    )


def _meaning(layer: Layer | Inserted) -> dict[str, Any]:
    return _without_training(layer.model_dump(mode="json", exclude={"name", "inputs", "trainable"}))


def _without_training(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, and those of a layer inside, without what matters to training alone."""
    return {
        name: _without_training(value) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType] - JSON data
        for name, value in fields.items()
        if not name.endswith(_TRAINING)
    }


_TRAINING = ("_initializer", "_regularizer", "_constraint")
"""How the names of fields end that matter to training alone."""


@dataclass(frozen=True)
class Network:
    """A spec without faults, with its graph and the folder that its paths are seen from."""

    spec: Spec
    graph: Graph
    folder: Path

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """What training asks of every output; nothing where the spec does not say how to train."""
        return objective.objectives(self.spec, self.graph.ends) if self.spec.train else ()

    @cached_property
    def taken_off(self) -> tuple[ActivationName | None, ...]:
        """The activation of every output that a loss on logits is computed before.

        Without training it is the softmax or sigmoid that an output ends in.
        """
        if self.spec.train:
            return tuple(each.taken_off for each in self.objectives)
        if not any(self.graph.weights()):
            return (None,) * len(self.graph.outputs)
        return tuple(
            end.activation if end.activation in ("softmax", "sigmoid") and not end.read else None
            for end in self.graph.ends
        )


def load(path: str | Path, overrides: Sequence[Override] = ()) -> Network:
    """Read, validate and infer the spec in a file, some of its values set from outside.

    Raises SpecError with every fault that could be found.
    """
    return build(overridden(path, overrides), Path(path).parent)


def overridden(path: str | Path, overrides: Sequence[Override]) -> Source:
    """The spec in a file, some of its values set from outside. Raises SpecError."""
    source = read(Path(path))
    for override in overrides:
        source = apply(source, override)
    return source


def loads(text: str, folder: Path = Path()) -> Network:
    """Read, validate and infer a spec from its text; see `load`."""
    return build(parse(text), folder)


@uncollected()
def build(source: Source, folder: Path) -> Network:
    """The network that a source describes. Raises SpecError with every fault that can be found."""
    source = expand(source)
    spec = validate(source.data)
    if isinstance(spec, Spec):
        graph, faults = infer(spec.name, spec.input, spec.layers, spec.output)
        faults = faults or _unread(graph)
        if not faults:
            faults = _training_faults(spec, graph)
        if not faults:
            return Network(spec, graph, folder)
    else:
        faults = spec
        if isinstance(source.data, dict) and (start := leading_layers(source.data, faults)):
            faults = faults + infer("faulty", *start)[1]
    raise source.error(faults)


def infer(
    name: str,
    inputs: Shape | Mapping[str, Shape],
    layers: Sequence[Layer],
    outputs: Sequence[str] | None = None,
) -> tuple[Graph, list[Fault]]:
    """The graph of some layers, without those whose shape cannot be inferred.

    `inputs` is a shape, or shapes by name. A fault is told where it begins: layers that read what
    a faulty layer would have given are passed over. Without `outputs` the last layer is the output.
    """
    shapes = dict(inputs) if isinstance(inputs, Mapping) else {INPUT: inputs}
    graph_inputs = tuple(Input(*each) for each in shapes.items())
    names, faults = _names(layers, list(shapes))
    places = {name: index for index, name in enumerate(names)}
    nodes: list[Node] = []
    parameters = 0
    for index, layer in enumerate(layers):
        if len(faults) > MAX_FAULTS:
            break
        read, wrong = _read(index, layers, names, graph_inputs, places)
        faults += wrong
        if wrong or not all(each in shapes for each in read):
            continue
        try:
            input_shapes = tuple(shapes[each] for each in read)
            shape = layer.shape_of(input_shapes)
            node = Node(names[index], layer, read, input_shapes, shape)
            parameters += _checked_parameters(node, parameters)
        except LayerFault as fault:
            at = ("layers", index, layer.tag, *fault.path)
            faults.append(Fault(at, "shape", fault.message, fault.help, fault.key))
            continue
        nodes.append(node)
        shapes[node.name] = shape
    given, wrong = _given(outputs, names)
    return Graph(name, graph_inputs, tuple(nodes), given), faults + wrong


def _read(
    index: int,
    layers: Sequence[Layer],
    names: Sequence[str],
    inputs: Sequence[Input],
    places: Mapping[str, int],
) -> tuple[tuple[str, ...], list[Fault]]:
    """The names of what a layer reads, which stand before it."""
    layer = layers[index]
    if layer.inputs is None:
        if index == 0 and len(inputs) > 1:
            named = one_of([each.name for each in inputs])
            message = f"the network has {len(inputs)} inputs, and no layer before this one"
            help = f"say which it reads, as in `inputs: {inputs[0].name}`; there are {named}"
            return (), [Fault(("layers", index, layer.tag), "inputs", message, help, key=True)]
        return (names[index - 1] if index else inputs[0].name,), []
    known = {each.name for each in inputs}
    unknown = (
        _unknown_input(index, at, wanted, layers, names, places, known)
        for at, wanted in enumerate(layer.inputs)
        if wanted not in known and places.get(wanted, index) >= index
    )
    return layer.inputs, list(islice(unknown, MAX_FAULTS + 1))


def _unknown_input(
    index: int,
    at: int,
    wanted: str,
    layers: Sequence[Layer],
    names: Sequence[str],
    places: Mapping[str, int],
    inputs: set[str],
) -> Fault:
    """What is wrong with a name that no input and no earlier layer has."""
    here = ("layers", index, layers[index].tag, "inputs", at)
    place = places.get(wanted)
    if place is None:
        meant = nearest(wanted, [*inputs, *names[:index]])
        help = f"did you mean `{meant}`?" if meant else "`netspec summary` shows the names"
        return Fault(here, "inputs", f"there is no layer or input named {wanted!r}", help)
    if place == index:
        message = f"{wanted} reads its own output"
        return Fault(here, "inputs", message, "name a layer that stands before it")
    there = ("it stands here", ("layers", place, layers[place].tag))
    if _depends(place, index, layers, names, places):
        message = f"{names[index]} and {wanted} read each other's output, which makes a cycle"
        return Fault(here, "inputs", message, "a network has no cycles", related=there)
    message = f"{wanted} stands behind the layer that reads it"
    help = "move it in front of this layer; a layer reads only what stands before it"
    return Fault(here, "inputs", message, help, related=there)


def _depends(
    start: int,
    on: int,
    layers: Sequence[Layer],
    names: Sequence[str],
    places: Mapping[str, int],
) -> bool:
    """Whether the layer at `start` reads, through some others, the output of the layer at `on`."""
    open_, seen = [start], set[int]()
    while open_ and len(seen) < MAX_CYCLE:
        at = open_.pop()
        if at == on:
            return True
        if at in seen:
            continue
        seen.add(at)
        read = layers[at].inputs
        before = (names[at - 1],) if at else ()
        open_ += [places[name] for name in (before if read is None else read) if name in places]
    return False


def _given(
    outputs: Sequence[str] | None, names: Sequence[str]
) -> tuple[tuple[str, ...], list[Fault]]:
    """The names of the outputs, each that of a layer."""
    if outputs is None:
        return tuple(names[-1:]), []
    faults: list[Fault] = []
    known, seen = set(names), set[str]()
    for at, name in enumerate(outputs):
        if len(faults) > MAX_FAULTS:
            break
        if name not in known:
            meant = nearest(name, names)
            help = f"did you mean `{meant}`?" if meant else "name layers of the network"
            message = f"there is no layer named {name!r}"
            faults.append(Fault(("output", at), "output", message, help))
        elif name in seen:
            message = f"{name} is named twice"
            faults.append(Fault(("output", at), "output", message, "name every output once"))
        seen.add(name)
    return tuple(outputs), faults


def _unread(graph: Graph) -> list[Fault]:
    """The layers and inputs that no output depends on."""
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    faults = [
        Fault(
            ("layers", index, node.layer.tag),
            "unused",
            f"no output depends on {node.name}",
            "read it in another layer, name it in `output`, or remove it",
            key=True,
        )
        for index, node in enumerate(graph.nodes)
        if node.name not in needed
    ]
    for each in graph.inputs:
        if each.name not in needed:
            at = ("input", each.name) if len(graph.inputs) > 1 else ("input",)
            message = f"no output depends on the input {each.name}"
            faults.append(
                Fault(at, "unused", message, "read it in a layer, or remove it", key=True)
            )
    return faults


def _names(layers: Sequence[Layer], inputs: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """A name for every layer: its own, or Keras's automatic one, counted past those in use."""
    taken: dict[str, int] = {}
    reserved = {INPUT, *inputs}
    faults: list[Fault] = []
    for index, layer in enumerate(layers):
        if layer.name is None:
            continue
        at = ("layers", index, layer.tag, "name")
        if layer.name in reserved:
            message = f"{layer.name!r} is the name of the network's input"
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
    used = {*taken, *reserved}
    return [layer.name or automatic(layer.tag, used, counts) for layer in layers], faults


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
        begins = weight.initializer
        if isinstance(begins, UnitForgetBias):
            begins = begins.others
        if (isinstance(begins, Identity) and rank != 2) or (
            isinstance(begins, Orthogonal) and rank < 2
        ):
            raise LayerFault(
                f"{begins.tag} cannot fill the {weight.name}, which has the shape "
                f"{written(weight.shape)}",
                "identity needs a matrix, orthogonal at least a matrix",
                weight.field("initializer"),
            )
        if isinstance(weight.constraint, Norm) and max(weight.constraint.axis) >= rank:
            raise LayerFault(
                f"{weight.constraint.tag} takes norms along axis {max(weight.constraint.axis)} of "
                f"the {weight.name}, which has the shape {written(weight.shape)}",
                f"its axes count from 0 to {rank - 1}",
                weight.field("constraint"),
            )
    return node.parameters


def _training_faults(spec: Spec, graph: Graph) -> list[Fault]:
    """What does not fit between the layers, the data and the loss."""
    faults = _image_faults(spec.data, graph) + _name_faults(spec.data) if spec.data else []
    if spec.train:
        faults += _weightless_faults(graph)
        found = objective.faults(spec, graph.ends)
        flat = [
            fault for fault in found if fault.code == "output" and fault.location[0] == "layers"
        ]
        faults += (_unflattened(graph) if flat else []) or found
    return faults


def _image_faults(data: DataSpec, graph: Graph) -> list[Fault]:
    if len(graph.inputs) > 1 and not isinstance(data, Npz):
        message = f"{graph.name} has {len(graph.inputs)} inputs, and {data.dataset} has one"
        return [Fault(("data",), "data", message, "put the arrays into an npz file")]
    if len(graph.outputs) > 1 and not isinstance(data, Npz):
        message = f"{graph.name} has {len(graph.outputs)} outputs, and {data.dataset} has one label"
        return [Fault(("data",), "data", message, "put the arrays into an npz file")]
    if data.target == "input" and [graph.input_shape] != [
        node.shape for node in graph.output_nodes
    ]:
        gives = ", ".join(written(node.shape) for node in graph.output_nodes)
        message = f"the target is the input {written(graph.input_shape)}, and the output is {gives}"
        help = "an autoencoder gives one output of its input's shape"
        return [Fault(("data", "target"), "data", message, help)]
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


def _unflattened(graph: Graph) -> list[Fault]:
    """A Dense that gets an image, where nothing before it flattens."""
    for index, node in enumerate(graph.nodes):
        if isinstance(node.layer, Flatten | GlobalPooling):
            break
        if isinstance(node.layer, Dense) and len(node.input_shape) == 3:
            message = (
                f"{node.name} gets the image {written(node.input_shape)}, of which Dense takes "
                f"each cell by itself"
            )
            help = "put `- Flatten` before this layer"
            return [Fault(("layers", index, "Dense"), "flatten", message, help, key=True)]
    return []


def _ending(layer: Layer | Inserted, shape: Shape) -> ActivationName:
    """The activation that an output of `shape` comes from, whether or not a layer of its own."""
    if isinstance(layer, Softmax) and axis_indices(layer.axis, shape) == (len(shape) - 1,):
        return "softmax"
    return activation(layer)


def activation(layer: Layer | Inserted) -> ActivationName:
    """The activation that a layer ends in."""
    return getattr(layer, "activation", "linear") if layer.ends_in_activation else "linear"
