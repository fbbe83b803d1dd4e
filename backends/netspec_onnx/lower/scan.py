"""Recurrent layers as ONNX's Scan, whose body is a step, for activations that no operator has."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from netspec.language.layers.activations import ActivationName
from netspec.language.layers.recurrent import GRU, LSTM, RecurrentLayer
from netspec.numerics.weights import Array
from netspec_onnx.lower.base import Builder
from netspec_onnx.lower.core import activated


def scan(
    layer: RecurrentLayer,
    weights: dict[str, Array],
    name: str,
    to: Builder,
    x: str,
    *,
    backwards: bool,
    in_order: bool = False,
) -> str:
    """Append a Scan over the steps of an input (batch, steps, inputs).

    Returns the last state (batch, units), or all (batch, steps, units). These are in the order of
    computation, or with `in_order` in the order of the input.
    """
    inputs = to.add(
        "MatMul", [x, to.constant(f"{name}.kernel", weights["kernel"])], f"{name}.product"
    )
    if layer.use_bias:
        bias = to.constant(f"{name}.bias", np.atleast_2d(weights["bias"])[0])
        inputs = to.add("Add", [inputs, bias], f"{name}.inputs")
    step = _Step(layer, weights, f"{name}.step", to)
    last, states = (f"{name}.last", name) if layer.return_sequences else (name, f"{name}.states")
    carried = [last, *(f"{name}.last_{state}" for state in step.carried[1:])]
    node = helper.make_node(
        "Scan",
        [*[_zeros(layer.units, name, to, x)] * len(carried), inputs],
        [*carried, states],
        name,
        body=step.graph(),
        num_scan_inputs=1,
        scan_input_axes=[1],
        scan_output_axes=[1],
        scan_input_directions=[int(backwards)],
        scan_output_directions=[int(backwards and in_order)],
    )
    to.nodes.append(node)
    return name


def _zeros(units: int, name: str, to: Builder, x: str) -> str:
    """The state before the first step: (batch, units)."""
    batch = to.add("Shape", [x], f"{name}.batch", start=0, end=1)
    shape = [batch, to.integers(f"{name}.units", [units])]
    return to.add(
        "ConstantOfShape", [to.add("Concat", shape, f"{name}.shape", axis=0)], f"{name}.zeros"
    )


class _Step:
    """The body of a Scan, from the state h, an LSTM's c, and the kernel's product, z.

    It shares the constants of the graph around it.
    """

    def __init__(
        self, layer: RecurrentLayer, weights: dict[str, Array], name: str, around: Builder
    ) -> None:
        self.layer = layer
        self.name = name
        self.to = Builder(around.opset, around.weights, constants=around.constants)
        self.carried = ("h", "c") if isinstance(layer, LSTM) else ("h",)
        self.kernel = weights["recurrent_kernel"]
        self.bias = weights["bias"][1] if layer.use_bias and weights["bias"].ndim == 2 else None

    def graph(self) -> GraphProto:
        columns = self.layer.gates * self.layer.units
        widths = {**dict.fromkeys(self.carried, self.layer.units), "z": columns}
        states = self._states()
        outputs = [*states, self.add("Identity", states[:1], "state")]
        return helper.make_graph(
            self.to.nodes,
            self.name,
            [_values(self.at(part), width) for part, width in widths.items()],
            [_values(state, self.layer.units) for state in outputs],
        )

    def _states(self) -> list[str]:
        """The new state h, and an LSTM's new c."""
        match self.layer:
            case LSTM():
                return self._lstm(self.layer)
            case GRU():
                return [self._gru(self.layer)]
            case _:
                z = self.add("Add", [self.at("z"), self.recurrent("h", self.kernel)], "sum")
                return [self.activated(self.layer.activation, z, "new_h")]

    def _lstm(self, layer: LSTM) -> list[str]:
        z = self.add("Add", [self.at("z"), self.recurrent("h", self.kernel)], "sum")
        i, f, g, o = self.split(z, ["i", "f", "g", "o"])
        i = self.activated(layer.recurrent_activation, i, "to_write")
        f = self.activated(layer.recurrent_activation, f, "to_keep")
        o = self.activated(layer.recurrent_activation, o, "to_read")
        written = self.add("Mul", [i, self.activated(layer.activation, g, "new")], "written")
        kept = self.add("Mul", [f, self.at("c")], "kept")
        c = self.add("Add", [kept, written], "new_c")
        read = self.activated(layer.activation, c, "activated_c")
        return [self.add("Mul", [o, read], "new_h"), c]

    def _gru(self, layer: GRU) -> str:
        units = layer.units
        z, r, n = self.split(self.at("z"), ["z_of_x", "r_of_x", "n_of_x"])
        if layer.reset_after:
            inner = self.recurrent("h", self.kernel)
            if self.bias is not None:
                bias = self.to.constant(self.at("bias"), self.bias)
                inner = self.add("Add", [inner, bias], "biased")
            h_z, h_r, h_n = self.split(inner, ["z_of_h", "r_of_h", "n_of_h"])
        else:
            gates = self.recurrent("h", self.kernel[:, : 2 * units])
            h_z, h_r = self.split(gates, ["z_of_h", "r_of_h"])
            h_n = None
        z = self.gate(layer, [z, h_z], "z_gate")
        r = self.gate(layer, [r, h_r], "r_gate")
        if h_n is not None:
            reset = self.add("Mul", [r, h_n], "reset")
        else:
            self.add("Mul", [r, self.at("h")], "kept_h")
            reset = self.recurrent("kept_h", self.kernel[:, 2 * units :])
        n = self.activated(layer.activation, self.add("Add", [n, reset], "entering"), "new")
        # z h + (1 - z) n
        apart = self.add("Sub", [self.at("h"), n], "apart")
        return self.add("Add", [n, self.add("Mul", [z, apart], "kept")], "new_h")

    def gate(self, layer: GRU, parts: list[str], part: str) -> str:
        """The activated sum of the parts of a gate: from the input and from the state."""
        return self.activated(
            layer.recurrent_activation, self.add("Add", parts, f"{part}.sum"), part
        )

    def at(self, part: str) -> str:
        """The name of a tensor of the body."""
        return f"{self.name}.{part}"

    def add(self, operator: str, inputs: list[str], part: str) -> str:
        return self.to.add(operator, inputs, self.at(part))

    def activated(self, activation: ActivationName, x: str, part: str) -> str:
        return activated(activation, x, self.at(part), self.to, self.layer.units)

    def recurrent(self, state: str, kernel: Array) -> str:
        """A state through a kernel."""
        constant = self.to.constant(self.at(f"{state}.kernel"), kernel)
        return self.add("MatMul", [self.at(state), constant], f"{state}.product")

    def split(self, x: str, parts: list[str]) -> list[str]:
        """A tensor in parts of equal width."""
        names = [self.at(part) for part in parts]
        split = helper.make_node(
            "Split", [x], names, self.at(f"{parts[0]}.split"), axis=-1, num_outputs=len(parts)
        )
        self.to.nodes.append(split)
        return names


def _values(name: str, width: int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
