"""From a list of layers to a graph: names, inputs of each layer, shapes, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from math import prod

from netspec.graph.nodes import Graph, Input, Node
from netspec.language.layers import Layer, LayerFault, Shape, written
from netspec.language.layers.base import WindowFault
from netspec.language.layers.constraints import Norm
from netspec.language.layers.initializers import Identity, Orthogonal, UnitForgetBias
from netspec.language.names import automatic
from netspec.language.spec import INPUT
from netspec.text.codes import Code
from netspec.text.diagnostics import MAX_FAULTS, nearest, one_of
from netspec.text.source import Fault

MAX_PARAMETERS = 10_000_000_000
MAX_VALUES = 10_000_000_000  # of one tensor
MAX_CYCLE = 1_000  # layers that are searched to distinguish a cycle from a wrong order


def infer(
    name: str,
    inputs: Shape | Mapping[str, Shape],
    layers: Sequence[Layer],
    outputs: Sequence[str] | None = None,
) -> tuple[Graph, list[Fault]]:
    """The graph of some layers, without those whose shape cannot be inferred.

    `inputs` is a shape, or shapes by name. A fault is reported once: layers that read the output of
    a faulty layer are skipped. Without `outputs` the last layer is the output.
    """
    shapes = dict(inputs) if isinstance(inputs, Mapping) else {INPUT: inputs}
    graph_inputs = tuple(Input(*item) for item in shapes.items())
    names, faults = _names(layers, list(shapes))
    places = {name: index for index, name in enumerate(names)}
    nodes: list[Node] = []
    parameters = 0
    for index, layer in enumerate(layers):
        if len(faults) > MAX_FAULTS:
            break
        read, wrong = _read(index, layers, names, graph_inputs, places)
        faults += wrong
        if wrong or not all(input_name in shapes for input_name in read):
            continue
        try:
            input_shapes = tuple(shapes[input_name] for input_name in read)
            layer.check_inputs(input_shapes)
            shape = layer.infer_shape(input_shapes)
            node = Node(names[index], layer, read, input_shapes, shape)
            parameters += _checked_parameters(node, parameters)
        except LayerFault as fault:
            location = ("layers", index, layer.tag, *fault.path)
            channels = _channels_help(graph_inputs) if isinstance(fault, WindowFault) else None
            help = channels or fault.help
            faults.append(Fault(location, Code.SHAPE, fault.message, help, fault.key))
            continue
        nodes.append(node)
        shapes[node.name] = shape
    output_names, wrong = _checked_outputs(outputs, names)
    return Graph(name, graph_inputs, tuple(nodes), output_names), faults + wrong


def _channels_help(inputs: Sequence[Input]) -> str | None:
    """The remedy where a window does not fit, and an input looks like channels first."""
    for input_ in inputs:
        if input_.channels_first:
            channels, *space = input_.shape
            return (
                f"{list(input_.shape)} looks like an image with channels first, and netspec takes "
                f"[height, width, channels]: write `input: {[*space, channels]}`"
            )
    return None


def _read(
    index: int,
    layers: Sequence[Layer],
    names: Sequence[str],
    inputs: Sequence[Input],
    places: Mapping[str, int],
) -> tuple[tuple[str, ...], list[Fault]]:
    """The names of the inputs of a layer, which are written before it."""
    layer = layers[index]
    if layer.inputs is None:
        if index == 0 and len(inputs) > 1:
            named = one_of([input_.name for input_ in inputs])
            message = f"the network has {len(inputs)} inputs, and no layer before this one"
            help = (
                f"name the one that it reads, as in `inputs: {inputs[0].name}`; there are {named}"
            )
            return (), [Fault(("layers", index, layer.tag), Code.INPUTS, message, help, key=True)]
        return (names[index - 1] if index else inputs[0].name,), []
    known = {input_.name for input_ in inputs}
    unknown = (
        _unknown_input(index, position, input_name, layers, names, places, known)
        for position, input_name in enumerate(layer.inputs)
        if input_name not in known and places.get(input_name, index) >= index
    )
    return layer.inputs, list(islice(unknown, MAX_FAULTS + 1))


def _unknown_input(
    index: int,
    position: int,
    input_name: str,
    layers: Sequence[Layer],
    names: Sequence[str],
    places: Mapping[str, int],
    inputs: set[str],
) -> Fault:
    """The fault of a name that no input and no earlier layer has."""
    here = ("layers", index, layers[index].tag, "inputs", position)
    place = places.get(input_name)
    if place is None:
        meant = nearest(input_name, [*inputs, *names[:index]])
        help = f"did you mean `{meant}`?" if meant else "`netspec summary` shows the names"
        return Fault(here, Code.INPUTS, f"there is no layer or input named {input_name!r}", help)
    if place == index:
        message = f"{input_name} reads itself"
        return Fault(here, Code.INPUTS, message, "name a layer that is written before it")
    there = ("it is written here", ("layers", place, layers[place].tag))
    if _depends(place, index, layers, names, places):
        message = f"{names[index]} and {input_name} read each other's output, which makes a cycle"
        return Fault(here, Code.INPUTS, message, "a network has no cycles", related=there)
    message = f"{input_name} is written after the layer that reads it"
    help = "move it before this layer; a layer reads only layers that are written before it"
    return Fault(here, Code.INPUTS, message, help, related=there)


def _depends(
    start: int,
    on: int,
    layers: Sequence[Layer],
    names: Sequence[str],
    places: Mapping[str, int],
) -> bool:
    """Whether the layer at `start` reads, maybe through others, the output of the layer at `on`."""
    open_, seen = [start], set[int]()
    while open_ and len(seen) < MAX_CYCLE:
        index = open_.pop()
        if index == on:
            return True
        if index in seen:
            continue
        seen.add(index)
        read = layers[index].inputs
        before = (names[index - 1],) if index else ()
        open_ += [places[name] for name in (before if read is None else read) if name in places]
    return False


def _checked_outputs(
    outputs: Sequence[str] | None, names: Sequence[str]
) -> tuple[tuple[str, ...], list[Fault]]:
    """The names of the outputs, each the name of a layer."""
    if outputs is None:
        return tuple(names[-1:]), []
    faults: list[Fault] = []
    known, seen = set(names), set[str]()
    for position, name in enumerate(outputs):
        if len(faults) > MAX_FAULTS:
            break
        if name not in known:
            meant = nearest(name, names)
            help = f"did you mean `{meant}`?" if meant else "name layers of the network"
            message = f"there is no layer named {name!r}"
            faults.append(Fault(("output", position), Code.OUTPUT, message, help))
        elif name in seen:
            message = f"{name} is named twice"
            faults.append(
                Fault(("output", position), Code.OUTPUT, message, "name every output once")
            )
        seen.add(name)
    return tuple(outputs), faults


def unread(graph: Graph) -> list[Fault]:
    """The layers and inputs that no output depends on."""
    needed = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    faults = [
        Fault(
            ("layers", index, node.layer.tag),
            Code.UNUSED,
            f"no output depends on {node.name}",
            "read it in another layer, name it in `output`, or remove it",
            key=True,
        )
        for index, node in enumerate(graph.nodes)
        if node.name not in needed
    ]
    for input_ in graph.inputs:
        if input_.name not in needed:
            location = ("input", input_.name) if len(graph.inputs) > 1 else ("input",)
            message = f"no output depends on the input {input_.name}"
            faults.append(
                Fault(location, Code.UNUSED, message, "read it in a layer, or remove it", key=True)
            )
    return faults


def _names(layers: Sequence[Layer], inputs: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """A name for every layer: from the spec, or Keras's automatic name, skipping names in use."""
    first_uses: dict[str, int] = {}
    reserved = {INPUT, *inputs}
    faults: list[Fault] = []
    for index, layer in enumerate(layers):
        if layer.name is None:
            continue
        location = ("layers", index, layer.tag, "name")
        if layer.name in reserved:
            message = f"{layer.name!r} is the name of the network's input"
            faults.append(
                Fault(location, Code.DUPLICATE_NAME, message, "use another name for the layer")
            )
        elif layer.name in first_uses:
            first = ("layers", first_uses[layer.name], layers[first_uses[layer.name]].tag, "name")
            message = f"two layers are named {layer.name!r}"
            help = f"names are unique; for example {layer.name}_{index}"
            related = ("the first is here", first)
            faults.append(Fault(location, Code.DUPLICATE_NAME, message, help, related=related))
        else:
            first_uses[layer.name] = index
    counts: dict[str, int] = {}
    used = {*first_uses, *reserved}
    return [layer.name or automatic(layer.tag, used, counts) for layer in layers], faults


def _checked_parameters(node: Node, before: int) -> int:
    """The node's parameters. Raises LayerFault above a limit, or for an unsuitable initializer."""
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
