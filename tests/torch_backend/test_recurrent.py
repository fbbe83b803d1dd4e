"""The weights of recurrent layers are in memory in the order of cuDNN."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from conformance.networks import found_training
from netspec.testing.networks import network, random_weights


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize("directions", [1, 2])
def test_one_block_has_room_for_all_biases(layer, bias, directions, monkeypatch):
    """PyTorch's `try_get_weight_buf` (aten/src/ATen/native/cudnn/RNN.cpp) looks for such a block."""
    inputs, units = 3, 4
    recurrent = f"{layer}: {{units: {units}, use_bias: {bias}}}"
    layers = [recurrent if directions == 1 else f"Bidirectional: {{layer: {{{recurrent}}}}}"]
    tested = network((5, inputs), layers)
    model = found_training("torch").model(tested, random_weights(tested.graph))
    module = type(model).forward.__globals__
    blocks = []
    in_one_block = module["in_one_block"]

    def watched(weights):
        blocks.append(in_one_block(weights))
        return blocks[-1]

    monkeypatch.setitem(module, "in_one_block", watched)
    model(torch.zeros(1, 5, inputs))

    (weights,) = blocks
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[layer] * units
    numbers = directions * gates * (inputs + units + 2)
    assert weights[0].untyped_storage().nbytes() == 4 * numbers
    # Kernels first, then biases; each follows the one before it.
    sorted_weights = sorted(weights, key=lambda weight: weight.data_ptr())
    ends = [weight.data_ptr() + 4 * weight.numel() for weight in sorted_weights]
    assert [weight.data_ptr() for weight in sorted_weights[1:]] == ends[:-1]
    assert sorted_weights[0].data_ptr() == weights[0].data_ptr()
