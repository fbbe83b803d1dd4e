"""Writes the Keras module of a network: plain functional Keras, without a trace of netspec."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from netspec.code import Code, arguments, call, literal, module, square
from netspec.graph import INPUT, Graph, Network, Node, final_activation
from netspec.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    Pooling2D,
    written,
)
from netspec.layers.tagged import Tagged
from netspec_keras import training

Call = tuple[list[object], dict[str, object]]
"""The positional and the named arguments of a layer's constructor."""


def source(network: Network) -> str:
    """The module: build_model, set_weights, and for training build_optimizer and build_loss."""
    graph, spec = network.graph, network.spec
    doc = f"The network {graph.name} as a Keras model.\n\nWritten by netspec; runs without it."
    head = f'"""{doc}\n"""'
    imports = "import keras\nfrom keras import layers"
    scale = spec.data.scale if spec.data else 1.0
    return module(
        f"{head}\n\n{imports}",
        _build_model(graph, scale),
        *(training.parts(spec.train) if spec.train else ()),
        _SET_WEIGHTS,
        _MAIN,
    )


def _build_model(graph: Graph, scale: float) -> str:
    softmax = final_activation(graph) == "softmax"
    gives = f"{'probabilities' if softmax else 'outputs'} {written(graph.output.shape)}"
    divided = f", divided by {scale:g}," if scale != 1 else ""
    doc = f'    """Inputs {written(graph.input_shape)}{divided} to {gives}.'
    lines = [f"def build_model({'logits: bool = False' if softmax else ''}) -> keras.Model:"]
    if softmax:
        about = "With `logits` the final softmax is left off, as a loss on logits wants it."
        lines += [doc, "", f"    {about}", '    """']
    else:
        lines += [f'{doc}"""']
    lines.append(f'    inputs = keras.Input({literal(graph.input_shape)}, name="input")')
    for node in graph.nodes:
        lines.append(_layer(node, optional_softmax=softmax and node is graph.output))
    made = [Code("inputs"), Code("x")]
    lines.append(call("    return keras.Model", arguments(made, {"name": graph.name})))
    return "\n".join(lines)


def _layer(node: Node, *, optional_softmax: bool) -> str:
    positional, named = lower(node.layer)
    if optional_softmax:
        optional = Code('None if logits else "softmax"')
        positional = [optional if value == "softmax" else value for value in positional]
        named = {key: optional if key == "activation" else it for key, it in named.items()}
    written_arguments = arguments(positional, {**named, "name": node.name})
    given = "inputs" if node.inputs == (INPUT,) else "x"
    head = f"    x = layers.{node.layer.tag}"
    return call(head, written_arguments, f"({given})", written(node.shape))


@singledispatch
def lower(layer: Layer) -> Call:
    """The arguments of the Keras layer of the same name, those with Keras's defaults left out."""
    raise NotImplementedError(layer.tag)


@lower.register
def _(layer: Conv2D) -> Call:
    named: dict[str, object] = {}
    if layer.strides != (1, 1):
        named["strides"] = square(layer.strides)
    named |= _changed(layer, "padding", "groups", "use_bias", "activation")
    if layer.dilation_rate != (1, 1):
        named["dilation_rate"] = square(layer.dilation_rate)
    named |= _initializers(layer)
    return [layer.filters, square(layer.kernel_size)], named


@lower.register
def _(layer: Pooling2D) -> Call:
    named: dict[str, object] = {}
    if layer.strides is not None:
        named["strides"] = square(layer.strides)
    return [square(layer.pool_size)], named | _changed(layer, "padding")


@lower.register
def _(layer: GlobalAveragePooling2D) -> Call:
    return [], _changed(layer, "keepdims")


@lower.register
def _(_layer: Flatten) -> Call:
    return [], {}


@lower.register
def _(layer: Dense) -> Call:
    return [layer.units], _changed(layer, "activation", "use_bias") | _initializers(layer)


@lower.register
def _(layer: Activation) -> Call:
    return [layer.activation], {}


@lower.register
def _(layer: Dropout) -> Call:
    if layer.noise_shape is None:
        return [layer.rate], {}
    return [layer.rate], {"noise_shape": (None, *layer.noise_shape)}


@lower.register
def _(layer: BatchNormalization) -> Call:
    named = _changed(layer, "axis", "momentum", "epsilon", "center", "scale")
    return [], named | _initializers(layer)


def _changed(layer: Layer, *names: str) -> dict[str, Any]:
    """The fields among `names` that are not at Keras's defaults."""
    defaults = type(layer).model_fields
    values = {name: getattr(layer, name) for name in names}
    return {name: value for name, value in values.items() if value != defaults[name].default}


def _initializers(layer: Layer) -> dict[str, object]:
    fields = [name for name in type(layer).model_fields if name.endswith("_initializer")]
    return {name: _initializer(value) for name, value in _changed(layer, *fields).items()}


def _initializer(initializer: Tagged) -> str:
    """Its name, or where it has fields of its own a call of the Keras class of the same name."""
    fields = initializer.model_dump(exclude_defaults=True)
    if not fields:
        return initializer.tag
    name = type(initializer).__name__
    return Code(f"keras.initializers.{name}({', '.join(arguments([], fields))})")


_SET_WEIGHTS = '''
def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for layer in model.layers:
        names = [f"{layer.name}.{variable.name}" for variable in layer.weights]
        layer.set_weights([weights[name] for name in names])
'''

_MAIN = """
if __name__ == "__main__":
    build_model().summary()
"""
