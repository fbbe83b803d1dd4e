"""Writes the PyTorch module of a network: a plain nn.Module that does not import netspec.

Tensors arrive channels last. The layout pass permutes them where PyTorch requires channels first;
in the channels_last memory format that is a view, and Flatten keeps Keras's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from netspec.backend import Program
from netspec.backend.emit.code import WIDTH, arguments, call, statement
from netspec.backend.emit.document import Choice, Document
from netspec.backend.emit.losses import loss_parts
from netspec.backend.emit.model import axes_table, describe_division, describe_model, weights_check
from netspec.backend.emit.module import class_, function, lines_of, main, module, table
from netspec.backend.emit.names import camel_case, identifiers, variables
from netspec.graph import Graph, Node
from netspec.language.layers import Weight, written
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.constraints import Norm
from netspec.passes import LAYOUT, LOGITS, OPTIMIZATIONS, SPLIT_ACTIVATIONS, renamed
from netspec_torch import initial, optimizers, penalties, prelude
from netspec_torch.losses import loss_call
from netspec_torch.lower import Lowered, lower
from netspec_torch.lower.base import unfolded
from netspec_torch.lower.core import ACTIVATIONS
from netspec_torch.training import training_parts


@dataclass(frozen=True)
class _Model:
    """A graph that is ready to be written: named as Python names, and each node lowered.

    `variables` contains the variable of every tensor, `names` the name in the program of
    every node, and `taken_off` the activation of every output that the graph leaves to the module.
    """

    graph: Graph
    lowered: Mapping[str, Lowered]
    variables: Mapping[str, str]
    names: Mapping[str, str]
    scales: Mapping[str, float]
    taken_off: tuple[ActivationName | None, ...]

    @property
    def needs(self) -> list[str]:
        """The definitions that the layers and constraints use, in their order."""
        layers = [name for lowered in self.lowered.values() for name in lowered.needs]
        return [*layers, *(name for _, needs in _constrained(self) for name in needs)]


PASSES = (*OPTIMIZATIONS, SPLIT_ACTIVATIONS, LOGITS, *LAYOUT)


def source(program: Program) -> str:
    """The module: the class, build_model, build_optimizer where there is training, set_weights."""
    model, train = _model(program), program.train
    calls = [loss_call(objective) for objective in program.objectives]
    layers = prelude.PARTS.with_needed(model.needs)
    losses = prelude.PARTS.with_needed(name for name, _ in calls if "." not in name)
    optimizer = [optimizers.class_name(train.optimizer)] if train else []
    name = _class_name(program.graph.name, {*prelude.NAMES, *layers, *optimizer, *losses})
    (set_weights,) = prelude.PARTS.with_needed(["set_weights"]).values()
    doc = [f"The network {program.graph.name} in PyTorch.", "Written by netspec; runs without it."]
    parts = [
        *map(lines_of, layers.values()),
        *([optimizers.definition(train)] if train else []),
        *map(lines_of, losses.values()),
        _class(model, name),
        function("build_model", [], name, [f"return {name}()"]),
        *(training_parts(train, frozen=_frozen(program.graph)) if train else []),
        *(loss_parts(program.objectives, "nn.Module", calls) if train else []),
        _weights_table(model),
        axes_table(program.graph),
        weights_check(),
        lines_of(set_weights),
        main(f"print({name}())"),
    ]
    return module(doc, prelude.IMPORTS, parts)


def _frozen(graph: Graph) -> bool:
    """Whether some layers with weights are not trained."""
    return any(node.weights and not node.layer.trainable for node in graph.nodes)


def _attributes(graph: Graph) -> dict[str, str]:
    """The name that every input and node can have as an attribute of a module."""
    names = [*(tensor.name for tensor in graph.inputs), *(node.name for node in graph.nodes)]
    return identifiers(names, prelude.ATTRIBUTES)


def _model(program: Program) -> _Model:
    attributes = _attributes(program.graph)
    graph = renamed(program.graph, attributes)
    # Lowered once for the definitions that they need, whose names no variable can have.
    needs = [name for node in graph.nodes for name in _lowered(node, {}).needs]
    by_tensor = variables(graph, "x", {*prelude.NAMES, *prelude.PARTS.with_needed(needs)})
    lowered = {node.name: _lowered(node, by_tensor) for node in graph.nodes}
    for name in _without_gradient(graph):
        layer = lowered[name]
        lowered[name] = replace(layer, expression=layer.without_gradient or layer.expression)
    names = {attribute: name for name, attribute in attributes.items()}
    return _Model(graph, lowered, by_tensor, names, program.scales, program.taken_off)


def _without_gradient(graph: Graph) -> list[str]:
    """The nodes of which no input depends on a weight that is trained."""
    trained, names = set[str](), list[str]()
    for node in graph.nodes:
        if trained.isdisjoint(node.inputs):
            names.append(node.name)
        if node.name not in names or any(weight.trainable for weight in node.weights):
            trained.add(node.name)
    return names


def _lowered(node: Node, by_tensor: Mapping[str, str]) -> Lowered:
    return lower(node, *(by_tensor.get(name, "x") for name in node.inputs))


def _class_name(name: str, used: set[str]) -> str:
    """The name of the module's class; `Net` is added to a name that the module uses otherwise."""
    class_name = camel_case(name)
    return f"{class_name}Net" if class_name in used else class_name


def _class(model: _Model, name: str) -> Document:
    parameters = [model.variables[tensor.name] for tensor in model.graph.inputs]
    methods = [_constructor(model)]
    if initial_values := _initial_values(model):
        methods.append(function("reset_parameters", ["self"], "None", initial_values))
    if any(model.taken_off):
        outputs = _probabilities(model, f"self.logits({', '.join(parameters)})")
        methods.append(_method("logits", parameters, len(model.graph.outputs), _forward(model)))
        methods.append(_method("forward", parameters, len(model.taken_off), outputs))
    else:
        methods.append(_method("forward", parameters, len(model.graph.outputs), _forward(model)))
    methods += [*_regularization(model), *_constraints(model)]
    return class_(name, "nn.Module", _description(model), methods)


def _constructor(model: _Model) -> Document:
    lines: list[Document] = ["super().__init__()"]
    for node in model.graph.nodes:
        lowered = model.lowered[node.name]
        if lowered.constructor:
            lines.append(call(f"self.{node.name} = {lowered.constructor}", lowered.arguments))
    lines += [
        f"self.{node.name}.requires_grad_(False)"
        for node in model.graph.nodes
        if node.weights and not node.layer.trainable
    ]
    if any(node.weights for node in model.graph.nodes):
        lines.append("self.reset_parameters()")
    return function("__init__", ["self"], "None", [*lines, *_memory_formats(model)])


def _memory_formats(model: _Model) -> list[str]:
    """Lines that move the module to a memory format, or layers where the module cannot move.

    `nn.Module.to` moves every tensor of four or five axes, and each format takes one of the two:
    with volumes, other layers than convolutions have tensors of four axes.
    """
    nodes = model.graph.nodes
    formats = {
        node.name: memory_format
        for node in nodes
        if (memory_format := model.lowered[node.name].memory_format)
    }
    large = {len(weight.shape) for node in nodes for weight in node.weights} & {4, 5}
    if {*formats.values()} == {"channels_last"} and large == {4}:
        return ["self.to(memory_format=torch.channels_last)"]
    return [f"self.{name}.to(memory_format=torch.{form})" for name, form in formats.items()]


def _probabilities(model: _Model, logits: str) -> list[Document]:
    """The lines that return the outputs after the activations that were taken off."""
    activations = [ACTIVATIONS[name or "linear"] for name in model.taken_off]
    if len(activations) == 1:
        return [f"return {activations[0].format(x=logits)}"]
    names = [model.variables[name] for name in model.graph.outputs]
    assigned = ", ".join(names)
    # An output and the logits of another may be the same; and a line may be too long.
    if len({*names}) < len(names) or len(f"        {assigned} = {logits}") > WIDTH:
        assigned, names = "y", [f"y[{index}]" for index, _ in enumerate(activations)]
    values = [form.format(x=name) for form, name in zip(activations, names, strict=True)]
    return [f"{assigned} = {logits}", _returned(values)]


def _returned(values: list[str]) -> Document:
    """The line that returns these values."""
    return Choice(f"return {', '.join(values)}", lambda: (call("return ", values),))


def _description(model: _Model) -> str:
    """The inputs and outputs of the module."""
    about = f", channels last{describe_division(model.scales)}"
    outputs = "probabilities" if any(model.taken_off) else "outputs"
    return describe_model(model.graph, about, outputs)


def _method(name: str, inputs: list[str], outputs: int, lines: list[Document]) -> Document:
    tensors = ", ".join(["Tensor"] * outputs)
    returns = "Tensor" if outputs == 1 else f"tuple[{tensors}]"
    return function(name, ["self", *(f"{x}: Tensor" for x in inputs)], returns, lines)


def _forward(model: _Model) -> list[Document]:
    """The lines of the method that computes the graph."""
    lines: list[Document] = []
    last, outputs = model.graph.nodes[-1], model.graph.outputs
    for node in model.graph.nodes:
        first = node.layout == "channels_first"
        shape = (node.shape[-1], *node.shape[:-1]) if first else node.shape
        returned = node is last and outputs == (last.name,)
        result = "return" if returned else f"{model.variables[node.name]} ="
        expression = model.lowered[node.name].expression
        lines.append(statement(f"{result} ", expression, written(shape)))
    if outputs != (last.name,):
        lines.append(_returned([model.variables[name] for name in outputs]))
    return lines


def _regularization(model: _Model) -> list[Document]:
    """The method that adds up the penalties on the weights, where there are any."""
    terms = [
        term
        for _, weight, tensor, _ in _tensors(model)
        for term in penalties.terms(f"self.{tensor}", weight)
    ]
    if not terms:
        return []
    first, *others = terms
    lines = [
        f"penalty = {first}",
        *(f"penalty = penalty + {term}" for term in others),
        "return penalty",
    ]
    doc = ["The penalties on the weights, which training adds to the loss."]
    return [function("regularization", ["self"], "Tensor", lines, doc=doc)]


def _constraints(model: _Model) -> list[Document]:
    """The method that brings weights back within their constraints, where there are any."""
    lines = [line for lines, _ in _constrained(model) for line in lines]
    if not lines:
        return []
    doc = ["Bring the weights within their constraints, as training does after a step."]
    decorator = "@torch.no_grad()"
    return [function("constrain", ["self"], "None", lines, doc=doc, decorator=decorator)]


def _constrained(model: _Model) -> Iterator[tuple[list[Document], tuple[str, ...]]]:
    """The lines for every tensor with a constraint, and the functions that they use."""
    for node, weight, tensor, permutation in _tensors(model):
        if weight.constraint is None or not weight.trainable:
            continue
        norm = weight.constraint.axis if isinstance(weight.constraint, Norm) else ()
        axes = tuple(sorted(permutation.index(axis) for axis in norm))
        target, lines = f"self.{tensor}", list[Document]()
        split = model.lowered[node.name].split.get(weight.name)
        if split and norm:
            target, lines = "kernel", [unfolded(target, split)]
        expression, needs = penalties.constrained(target, weight.constraint, axes)
        yield [*lines, call(f"{target}.copy_", [expression])], needs


def _tensors(model: _Model) -> Iterator[tuple[Node, Weight, str, tuple[int, ...]]]:
    """Every weight with its node, its tensor in the module, and the permutation of its axes."""
    for node in model.graph.nodes:
        for weight in node.weights:
            name, permutation = model.lowered[node.name].place(weight)
            yield node, weight, f"{node.name}.{name}", permutation


def _initial_values(model: _Model) -> list[Document]:
    """Lines that draw every weight from the distribution that the spec names."""
    return [
        line
        for node, weight, tensor, axes in _tensors(model)
        for line in initial.lines(
            f"self.{tensor}", weight, axes, model.lowered[node.name].split.get(weight.name)
        )
    ]


def _weights_table(model: _Model) -> Document:
    comment = (
        "Where each weight of a weights file is in the model, and the permutation of its axes."
    )
    rows = [
        call(f'"{model.names[node.name]}.{weight.name}": ', arguments([tensor, axes], {}), ",")
        for node, weight, tensor, axes in _tensors(model)
    ]
    return table(comment, "WEIGHTS", rows)
