"""Recurrent layers in ONNX, by the recurrent operators and by Scan, from the oldest opset to the newest."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from netspec.backend import find_exporting
from netspec.testing.networks import network, random_inputs, random_weights
from netspec_numpy.interpreter import run
from onnx_backend.opsets import newest_opset

OPSETS = (18, newest_opset())

LAYERS = [
    ("LSTM: {units: 3}", "LSTM"),
    ("GRU: {units: 3, return_sequences: true, go_backwards: true}", "GRU"),
    ("SimpleRNN: {units: 3, activation: hard_sigmoid}", "RNN"),
    ("LSTM: {units: 3, activation: gelu}", "Scan"),
    ("GRU: {units: 3, activation: silu, return_sequences: true}", "Scan"),
]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("layer", "operator"), LAYERS)
def test_a_recurrent_layer_has_the_interpreters_values(
    layer: str, operator: str, opset: int
) -> None:
    net = network((5, 2), [layer])
    weights, inputs = random_weights(net.graph), random_inputs(net.graph, 3)
    backend = find_exporting("onnx")

    content = backend.export(net, weights, opset=opset, raw_input=False)

    assert operator in {node.op_type for node in onnx.load_from_string(content).graph.node}
    outputs = backend.open(content, "cpu").predict(inputs)
    np.testing.assert_allclose(outputs, run(net.graph, weights, inputs), 1e-5, 1e-6)
