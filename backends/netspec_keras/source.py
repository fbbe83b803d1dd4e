"""Writes the Keras module of a network: plain functional Keras that does not import netspec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.backend import Program
from netspec.backend.emit.code import Code, arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.losses import loss_parts
from netspec.backend.emit.model import axes_table, describe_division, describe_model, weights_check
from netspec.backend.emit.module import function, lines_of, main, module, table
from netspec.backend.emit.names import variables
from netspec.graph import Graph, Input, Node
from netspec.language.layers import written
from netspec.language.layers.core import Softmax
from netspec.passes import OPTIMIZATIONS
from netspec_keras import prelude
from netspec_keras.losses import loss_call
from netspec_keras.lower import applied, class_name, frozen_once_built, lower, trained
from netspec_keras.training import training_parts

PASSES = OPTIMIZATIONS


def source(program: Program) -> str:
    """The module: build_model, set_weights, and for training build_optimizer and build_loss."""
    graph, train = program.graph, program.train
    calls = [loss_call(objective) for objective in program.objectives]
    losses = prelude.PARTS.with_needed(name for name, _ in calls if "." not in name)
    (set_weights,) = prelude.PARTS.with_needed(["set_weights"]).values()
    doc = [f"The network {graph.name} as a Keras model.", "Written by netspec; runs without it."]
    parts = [
        _build_model(graph, program.scales, program.taken_off),
        *(training_parts(train) if train else []),
        *map(lines_of, losses.values()),
        *(loss_parts(program.objectives, "keras.losses.Loss", calls) if train else []),
        _weights_table(graph),
        axes_table(graph),
        weights_check(),
        lines_of(set_weights),
        main("build_model().summary()"),
    ]
    return module(doc, prelude.IMPORTS, parts)


def layer_name(name: str) -> str:
    """Keras's name of a layer, which cannot hold a slash."""
    return name.replace("/", ".")


def _build_model(
    graph: Graph, scales: Mapping[str, float], taken_off: Sequence[str | None]
) -> Document:
    """The function build_model; with `logits` it leaves off the activations in `taken_off`."""
    optional = {
        name: activation
        for name, activation in zip(graph.outputs, taken_off, strict=True)
        if activation
    }
    by_tensor = variables(graph, "inputs", prelude.NAMES)
    frozen = [node for node in graph.nodes if frozen_once_built(node.layer)]
    inputs = _one_or_list([by_tensor[tensor.name] for tensor in graph.inputs])
    outputs = _one_or_list([by_tensor[name] for name in graph.outputs])
    model = arguments([Code(inputs), Code(outputs)], {"name": graph.name})
    lines = [
        *(_input(tensor, by_tensor) for tensor in graph.inputs),
        *(_layer(node, by_tensor, optional.get(node.name)) for node in graph.nodes),
        call(f"{'model =' if frozen else 'return'} keras.Model", model),
        *(f'model.get_layer("{layer_name(node.name)}").trainable = False' for node in frozen),
        *(["return model"] if frozen else []),
    ]
    outputs_word = "probabilities" if optional else "outputs"
    doc = [describe_model(graph, describe_division(scales), outputs_word)]
    if optional:
        kinds = [*dict.fromkeys(optional.values())]
        left = f"{' and '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} left off"
        doc.append(f"With `logits` the final {left}, as a loss on logits wants it.")
    parameters = ["logits: bool = False"] if optional else []
    return function("build_model", parameters, "keras.Model", lines, doc=doc)


def _input(tensor: Input, by_tensor: Mapping[str, str]) -> Document:
    values = arguments([tensor.shape], {"name": layer_name(tensor.name)})
    return call(f"{by_tensor[tensor.name]} = keras.Input", values)


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _layer(node: Node, by_tensor: Mapping[str, str], taken_off: str | None) -> Document:
    """A layer's line; `taken_off` is the activation that it has unless logits are requested."""
    tag, (positional, named) = class_name(node.layer), lower(node.layer)
    named |= trained(node.layer)
    if taken_off:
        optional = Code(f'None if logits else "{taken_off}"')
        positional = [optional if value == taken_off else value for value in positional]
        named = {key: optional if key == "activation" else value for key, value in named.items()}
        if isinstance(node.layer, Softmax):
            tag, positional, named = "Activation", [optional], {}
    values = arguments(positional, {**named, "name": layer_name(node.name)})
    inputs = applied(node.layer, [by_tensor[name] for name in node.inputs])
    head = f"{by_tensor[node.name]} = layers.{tag}"
    return call(head, values, f"({inputs})", written(node.shape))


def _weights_table(graph: Graph) -> Document:
    comment = "The weights of every layer in Keras's order, by their keys in a weights file."
    rows: list[Document] = []
    for node in graph.nodes:
        if node.weights:
            keys = [f"{node.name}.{weight.name}" for weight in node.weights]
            key = f'"{layer_name(node.name)}": '
            rows.append(call(key, arguments(keys, {}), ",", brackets="[]"))
    return table(comment, "WEIGHTS", rows)
