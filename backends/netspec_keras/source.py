"""Writes the Keras module of a network: plain functional Keras, without a trace of netspec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.backend.emit.code import (
    Code,
    arguments,
    call,
    division,
    module,
    taken_and_given,
    variables,
    weights_check,
)
from netspec.graph import Graph, Node
from netspec.language.layers import written
from netspec.language.layers.core import Softmax
from netspec.network import Network
from netspec.passes import OPTIMIZATIONS, run_passes
from netspec_keras import losses, training
from netspec_keras.lower import applied, class_name, frozen_once_built, lower, trained

PASSES = OPTIMIZATIONS

RESERVED = frozenset({"keras", "layers", "logits", "model"})
"""Names that the function which builds the model uses whatever the network is."""


def source(network: Network) -> str:
    """The module: build_model, set_weights, and for training build_optimizer and build_loss."""
    graph, spec = network.graph, network.spec
    optimized, _ = run_passes(PASSES, network, {})
    doc = f"The network {graph.name} as a Keras model.\n\nWritten by netspec; runs without it."
    head = f'"""{doc}\n"""'
    imports = "import keras\nfrom keras import layers"
    if spec.train:
        imports = training.imports(spec.train) + imports
    return module(
        f"{head}\n\n{imports}",
        _build_model(optimized, network.scales, network.taken_off),
        *(training.parts(spec.train) if spec.train else ()),
        *(losses.parts(network.objectives) if spec.train else ()),
        _weights_table(graph),
        weights_check(graph),
        _SET_WEIGHTS,
        _MAIN,
    )


def layer_name(name: str) -> str:
    """Keras's name of a layer, which cannot hold a slash."""
    return name.replace("/", ".")


def _build_model(graph: Graph, scales: Mapping[str, float], taken_off: Sequence[str | None]) -> str:
    optional = {name: it for name, it in zip(graph.outputs, taken_off, strict=True) if it}
    held = variables(graph, "inputs", RESERVED)
    lines = [f"def build_model({'logits: bool = False' if optional else ''}) -> keras.Model:"]
    doc = f'    """{_description(graph, scales, probabilities=bool(optional))}'
    if optional:
        kinds = [*dict.fromkeys(optional.values())]
        left = f"{' and '.join(kinds)} {'is' if len(kinds) == 1 else 'are'} left off"
        about = f"With `logits` the final {left}, as a loss on logits wants it."
        lines += [doc, "", f"    {about}", '    """']
    else:
        lines += [f'{doc}"""']
    for each in graph.inputs:
        made = arguments([each.shape], {"name": layer_name(each.name)})
        lines.append(call(f"    {held[each.name]} = keras.Input", made))
    for node in graph.nodes:
        lines.append(_layer(node, held, optional.get(node.name)))
    ends = _one_or_list([held[each.name] for each in graph.inputs])
    gives = _one_or_list([held[name] for name in graph.outputs])
    made = arguments([Code(ends), Code(gives)], {"name": graph.name})
    frozen = [node for node in graph.nodes if frozen_once_built(node.layer)]
    lines.append(call(f"    {'model =' if frozen else 'return'} keras.Model", made))
    if frozen:
        names = [layer_name(node.name) for node in frozen]
        lines += [f'    model.get_layer("{name}").trainable = False' for name in names]
        lines.append("    return model")
    return "\n".join(lines)


def _description(graph: Graph, scales: Mapping[str, float], *, probabilities: bool) -> str:
    """What the model takes and gives."""
    return taken_and_given(graph, division(scales), "probabilities" if probabilities else "outputs")


def _one_or_list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _layer(node: Node, held: Mapping[str, str], taken_off: str | None) -> str:
    """A layer's line; `taken_off` is the activation that it has unless logits are wanted."""
    tag, (positional, named) = class_name(node.layer), lower(node.layer)
    named |= trained(node.layer)
    if taken_off:
        optional = Code(f'None if logits else "{taken_off}"')
        positional = [optional if value == taken_off else value for value in positional]
        named = {key: optional if key == "activation" else it for key, it in named.items()}
        if isinstance(node.layer, Softmax):
            tag, positional, named = "Activation", [optional], {}
    written_arguments = arguments(positional, {**named, "name": layer_name(node.name)})
    head = f"    {held[node.name]} = layers.{tag}"
    given = applied(node.layer, [held[name] for name in node.inputs])
    return call(head, written_arguments, f"({given})", written(node.shape))


def _weights_table(graph: Graph) -> str:
    lines = [
        "# The weights of every layer in Keras's order, by their keys in a weights file.",
        "WEIGHTS = {",
    ]
    for node in graph.nodes:
        if node.weights:
            keys = [f"{node.name}.{weight.name}" for weight in node.weights]
            key = f'    "{layer_name(node.name)}": '
            lines.append(call(key, arguments(keys, {}), ",", brackets="[]"))
    if not any(node.weights for node in graph.nodes):
        return f"{lines[0]}\nWEIGHTS = {{}}"
    return "\n".join([*lines, "}"])


_SET_WEIGHTS = '''
def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])
'''

_MAIN = """
if __name__ == "__main__":
    build_model().summary()
"""
