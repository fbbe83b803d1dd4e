"""Recurrent layers in PyTorch: on its fused kernels where those fit, else step by step."""

from __future__ import annotations

from netspec.backend.emit.code import Code, arguments
from netspec.graph import Node
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.recurrent import GRU, LSTM, Gated, RecurrentLayer, SimpleRNN
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.core import ACTIVATIONS, functions


@lower_layer.register
def _(layer: RecurrentLayer, node: Node, x: str) -> Lowered:
    name, values, needs = recurrent_module(layer, node.input_shape[-1])
    return Lowered(f"self.{node.name}({x})", name, values, needs)


def recurrent_module(layer: RecurrentLayer, inputs: int) -> tuple[str, list[str], tuple[str, ...]]:
    """The class of a layer's module, the arguments that make it, and what it all needs."""
    name, options = fused(layer), _options(layer)
    if name is not None:
        return name, arguments([inputs, layer.units], options), (name,)
    name, activations = _looped(layer), _activations(layer)
    values = {key: function(activation) for key, activation in activations.items()} | options
    needs = (*functions(*activations.values()), name)
    return name, arguments([inputs, layer.units], values), needs


def fused(layer: RecurrentLayer) -> str | None:
    """The class on PyTorch's fused kernel that computes the layer, where there is one."""
    if layer.recurrent_dropout > 0:
        return None
    match layer:
        case SimpleRNN(activation="tanh"):
            return "SimpleRNN"
        case SimpleRNN(activation="relu"):
            return "ReluRNN"
        case LSTM(activation="tanh", recurrent_activation="sigmoid"):
            return "LSTM"
        case GRU(activation="tanh", recurrent_activation="sigmoid", reset_after=True):
            return "GRU"
        case _:
            return None


def _looped(layer: RecurrentLayer) -> str:
    match layer:
        case LSTM():
            return "LoopedLSTM"
        case GRU():
            return "LoopedGRU" if layer.reset_after else "ResetBeforeGRU"
        case _:
            return "LoopedSimpleRNN"


def _options(layer: RecurrentLayer) -> dict[str, object]:
    """The arguments that are not at their defaults."""
    names = ("use_bias", "dropout", "recurrent_dropout", "return_sequences", "go_backwards")
    values = {name: getattr(layer, name) for name in names}
    return {
        name: value
        for name, value in values.items()
        if value != type(layer).model_fields[name].default
    }


def _activations(layer: RecurrentLayer) -> dict[str, ActivationName]:
    """The activations, by the arguments that take them."""
    if isinstance(layer, Gated):
        names = (layer.activation, layer.recurrent_activation)
        return dict(zip(("activation", "recurrent_activation"), names, strict=True))
    return {"activation": layer.activation}


def function(name: ActivationName) -> Code:
    """An activation as a function of one tensor."""
    expression = ACTIVATIONS[name].format(x="x")
    called = expression.removesuffix("(x)")
    plain = called != expression and "(" not in called
    return Code(called if plain else f"lambda x: {expression}")
