"""Writes the PyTorch module of a network: a plain nn.Module, without a trace of netspec.

Tensors arrive channels last. The layout pass turns them where PyTorch wants channels first; in the
channels_last memory format that is a view, and Flatten keeps Keras's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from netspec.backend.emit.code import (
    WIDTH,
    arguments,
    call,
    camel_case,
    division,
    identifiers,
    module,
    statement,
    taken_and_given,
    variables,
    weights_check,
)
from netspec.graph import Graph, Node
from netspec.language.layers import Weight, written
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.constraints import Norm
from netspec.network import Network
from netspec.passes import (
    LAYOUT,
    LOGITS,
    OPTIMIZATIONS,
    SPLIT_ACTIVATIONS,
    renamed,
    stages,
)
from netspec.passes.base import graph_pass
from netspec_torch import initial, losses, optimizers, penalties, prelude, training
from netspec_torch.lower import Lowered, Part, in_order, lower
from netspec_torch.lower.base import unfolded
from netspec_torch.lower.core import ACTIVATIONS


@dataclass(frozen=True)
class _Written:
    """A graph on its way into a module: named as Python names, and each node lowered.

    `variables` holds the variable of every tensor, `attributes` the identifier of every name of the
    network; `taken_off` holds the activation of every output that the graph leaves to the module.
    """

    network: Network
    graph: Graph
    lowered: Mapping[str, Lowered]
    variables: Mapping[str, str]
    attributes: Mapping[str, str]
    taken_off: tuple[ActivationName | None, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The definitions that the layers and constraints use, in their order."""
        layers = [part for each in self.lowered.values() for part in each.needs]
        constraints = [part for _, part in _constrained(self) if part]
        return tuple(in_order([*layers, *constraints]))


def source(network: Network) -> str:
    """The module: the class, build_model, build_optimizer where there is training, set_weights."""
    made = _written(network)
    train = network.spec.train
    parts = {part.name: part.text for part in made.parts}
    if train:
        parts[optimizers.class_name(train.optimizer)] = optimizers.definition(train)
        needed = in_order(losses.definitions(network.objectives))
        parts |= {part.name: part.text for part in needed}
    name = _class_name(network.graph.name, {*prelude.NAMES, *parts})
    doc = f"The network {network.graph.name} in PyTorch.\n\nWritten by netspec; runs without it."
    head = f'"""{doc}\n"""'
    body = module(
        *parts.values(),
        _class(made, name),
        f"def build_model() -> {name}:\n    return {name}()",
        *(training.parts(train, frozen=_frozen(network.graph)) if train else ()),
        *(losses.parts(network.objectives) if train else ()),
        _weights_table(made),
        weights_check(network.graph),
        prelude.SET_WEIGHTS,
        prelude.main(name),
    )
    standard = training.imports(train) if train else ""
    return module(f"{head}\n\n{standard}{prelude.imports(body)}", body)


def _frozen(graph: Graph) -> bool:
    """Whether some layers with weights are not trained."""
    return any(node.weights and not node.layer.trainable for node in graph.nodes)


def _names(graph: Graph) -> list[str]:
    return [*(each.name for each in graph.inputs), *(node.name for node in graph.nodes)]


def attribute_names(graph: Graph) -> Graph:
    """Rename what a module cannot have as an attribute."""
    return renamed(graph, identifiers(_names(graph), prelude.ATTRIBUTES))


PASSES = (*OPTIMIZATIONS, graph_pass(attribute_names), SPLIT_ACTIVATIONS, LOGITS, *LAYOUT)


def _written(network: Network) -> _Written:
    *compiled, last = stages(PASSES, network, {})
    (renaming,) = [stage for stage in compiled if stage.name == attribute_names.__name__]
    attributes = dict(zip(_names(renaming.before), _names(renaming.graph), strict=True))
    laid_out = last.graph
    # Lowered once for the parts that they need, whose names no variable can have.
    parts = in_order(part for node in laid_out.nodes for part in _lowered(node, {}).needs)
    reserved = {*prelude.NAMES, *(part.name for part in parts)}
    held = variables(laid_out, "x", reserved)
    lowered = {node.name: _lowered(node, held) for node in laid_out.nodes}
    for name in _without_gradient(laid_out):
        each = lowered[name]
        lowered[name] = replace(each, expression=each.without_gradient or each.expression)
    return _Written(network, laid_out, lowered, held, attributes, network.taken_off)


def _without_gradient(graph: Graph) -> list[str]:
    """The nodes of which no input depends on a weight that is trained."""
    trained, found = set[str](), list[str]()
    for node in graph.nodes:
        if trained.isdisjoint(node.inputs):
            found.append(node.name)
        if node.name not in found or any(weight.trainable for weight in node.weights):
            trained.add(node.name)
    return found


def _lowered(node: Node, held: Mapping[str, str]) -> Lowered:
    return lower(node, *(held.get(name, "x") for name in node.inputs))


def _class_name(name: str, used: set[str]) -> str:
    """The name of the module's class; one that the module uses otherwise gets `Net` behind it."""
    wanted = camel_case(name)
    return f"{wanted}Net" if wanted in used else wanted


def _class(made: _Written, name: str) -> str:
    lines = [
        f"class {name}(nn.Module):",
        f'    """{_description(made)}"""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
    ]
    for node in made.graph.nodes:
        lowered = made.lowered[node.name]
        if lowered.constructor:
            head = f"        self.{node.name} = {lowered.constructor}"
            lines.append(call(head, lowered.arguments))
    lines += [
        f"        self.{node.name}.requires_grad_(False)"
        for node in made.graph.nodes
        if node.weights and not node.layer.trainable
    ]
    initial = _initial_values(made)
    if initial:
        lines.append("        self.reset_parameters()")
    lines += _memory_formats(made)
    if initial:
        lines += ["", "    def reset_parameters(self) -> None:", *initial]
    taken = [made.variables[each.name] for each in made.graph.inputs]
    method = "logits" if any(made.taken_off) else "forward"
    lines += ["", _signature(method, taken, len(made.graph.outputs)), *_forward(made)]
    if any(made.taken_off):
        lines += ["", _signature("forward", taken, len(made.taken_off))]
        lines += _probabilities(made, f"self.logits({', '.join(taken)})")
    return "\n".join([*lines, *_regularization(made), *_constraints(made)])


def _memory_formats(made: _Written) -> list[str]:
    """Lines that move the module to a memory format, or layers where the module cannot move.

    `nn.Module.to` moves every tensor of four or five axes, and each format takes one of the two:
    beside volumes other layers than convolutions hold tensors of four axes.
    """
    nodes = made.graph.nodes
    formats = {node.name: made.lowered[node.name].memory_format for node in nodes}
    wanted = {form for form in formats.values() if form}
    large = {len(weight.shape) for node in nodes for weight in node.weights} & {4, 5}
    if wanted == {"channels_last"} and large == {4}:
        return ["        self.to(memory_format=torch.channels_last)"]
    return [
        f"        self.{name}.to(memory_format=torch.{form})"
        for name, form in formats.items()
        if form
    ]


def _probabilities(made: _Written, logits: str) -> list[str]:
    """The lines that give the outputs behind the activations that were taken off."""
    activations = [ACTIVATIONS[name or "linear"] for name in made.taken_off]
    if len(activations) == 1:
        return [f"        return {activations[0].format(x=logits)}"]
    names = [made.variables[name] for name in made.graph.outputs]
    held = ", ".join(names)
    # An output and the logits of another may be the same; and a line may be too long.
    if len(set(names)) < len(names) or len(f"        {held} = {logits}") > WIDTH:
        held, names = "y", [f"y[{index}]" for index, _ in enumerate(activations)]
    given = [each.format(x=name) for each, name in zip(activations, names, strict=True)]
    return [f"        {held} = {logits}", _returned(given)]


def _returned(values: list[str]) -> str:
    """The line that gives these values."""
    line = f"        return {', '.join(values)}"
    return line if len(line) <= WIDTH else call("        return ", values)


def _description(made: _Written) -> str:
    """What the module takes and gives."""
    divided = division(made.network.scales)
    named = "probabilities" if any(made.taken_off) else "outputs"
    return taken_and_given(made.network.graph, f", channels last{divided}", named)


def _signature(method: str, taken: list[str], outputs: int) -> str:
    tensors = ", ".join(["Tensor"] * outputs)
    gives = "Tensor" if outputs == 1 else f"tuple[{tensors}]"
    return call(f"    def {method}", ["self", *(f"{x}: Tensor" for x in taken)], f" -> {gives}:")


def _forward(made: _Written) -> list[str]:
    """The lines of the method that computes the graph."""
    lines: list[str] = []
    last, outputs = made.graph.nodes[-1], made.graph.outputs
    for node in made.graph.nodes:
        first = node.layout == "channels_first"
        shape = (node.shape[-1], *node.shape[:-1]) if first else node.shape
        returned = node is last and outputs == (last.name,)
        result = "return" if returned else f"{made.variables[node.name]} ="
        expression = made.lowered[node.name].expression
        lines.append(statement(f"        {result} ", expression, written(shape)))
    if outputs != (last.name,):
        lines.append(_returned([made.variables[name] for name in outputs]))
    return lines


def _regularization(made: _Written) -> list[str]:
    """The method that adds up the penalties on the weights, where there are any."""
    terms = [
        term
        for _, weight, tensor, _ in _held(made)
        for term in penalties.terms(f"self.{tensor}", weight)
    ]
    if not terms:
        return []
    first, *others = terms
    return [
        "",
        "    def regularization(self) -> Tensor:",
        '        """The penalties on the weights, which training adds to the loss."""',
        f"        penalty = {first}",
        *(f"        penalty = penalty + {term}" for term in others),
        "        return penalty",
    ]


def _constraints(made: _Written) -> list[str]:
    """The method that brings weights back within their constraints, where there are any."""
    lines = [line for lines, _ in _constrained(made) for line in lines]
    if not lines:
        return []
    return [
        "",
        "    @torch.no_grad()",
        "    def constrain(self) -> None:",
        '        """Bring the weights within their constraints, as training does after a step."""',
        *lines,
    ]


def _constrained(made: _Written) -> Iterator[tuple[list[str], Part | None]]:
    """The lines for every tensor with a constraint, and the function that they take."""
    for node, weight, tensor, permutation in _held(made):
        if weight.constraint is None or not weight.trainable:
            continue
        norm = weight.constraint.axis if isinstance(weight.constraint, Norm) else ()
        axes = tuple(sorted(permutation.index(axis) for axis in norm))
        target, lines = f"self.{tensor}", list[str]()
        split = made.lowered[node.name].split.get(weight.name)
        if split and norm:
            target, lines = "kernel", [unfolded(target, split)]
        expression, part = penalties.constrained(target, weight.constraint, axes)
        yield [*lines, call(f"        {target}.copy_", [expression])], part


def _held(made: _Written) -> Iterator[tuple[Node, Weight, str, tuple[int, ...]]]:
    """Every weight with its node, the tensor that holds it, and the permutation of its axes."""
    for node in made.graph.nodes:
        for weight in node.weights:
            name, permutation = made.lowered[node.name].place(weight)
            yield node, weight, f"{node.name}.{name}", permutation


def _initial_values(made: _Written) -> list[str]:
    """Lines that draw every weight from the distribution that the spec names."""
    return [
        line
        for node, weight, tensor, axes in _held(made)
        for line in initial.lines(
            f"self.{tensor}", weight, axes, made.lowered[node.name].split.get(weight.name)
        )
    ]


def _weights_table(made: _Written) -> str:
    lines = [
        "# Where each weight of a weights file is in the model, and the permutation of its axes.",
        "WEIGHTS = {",
    ]
    names = {made.attributes[node.name]: node.name for node in made.network.graph.nodes}
    for node, weight, tensor, axes in _held(made):
        key = f'    "{names[node.name]}.{weight.name}": '
        lines.append(call(key, arguments([tensor, axes], {}), ","))
    if not any(node.weights for node in made.graph.nodes):
        return f"{lines[0]}\nWEIGHTS = {{}}"
    return "\n".join([*lines, "}"])
