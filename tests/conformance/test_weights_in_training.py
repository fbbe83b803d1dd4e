"""Regularizers, constraints and weights that stay: training does with them what Keras does."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from conformance.networks import TRAINING, found_training
from conformance.oracle import Oracle, keras_optimizer
from netspec.data import Examples
from netspec.language.layers import Shape
from netspec.network import Network
from netspec.numerics.weights import Weights
from netspec.testing.networks import network, random_inputs, random_weights

STEPS = 3

DENSE = [
    "kernel_regularizer: l2",
    "kernel_regularizer: {l2: {l2: 0.5}}, bias_regularizer: {l1: {l1: 0.3}}",
    "kernel_regularizer: {l1_l2: {l1: 0.2, l2: 0.1}}",
    "kernel_regularizer: l1_l2",
    "kernel_constraint: max_norm",
    "kernel_constraint: {max_norm: {max_value: 0.7, axis: 1}}",
    "kernel_constraint: {max_norm: {max_value: 0.7, axis: [0, 1]}}, bias_constraint: non_neg",
    "kernel_constraint: unit_norm",
    "kernel_constraint: {min_max_norm: {min_value: 0.2, max_value: 0.5, rate: 0.5}}",
    "kernel_regularizer: l2, kernel_constraint: {unit_norm: {axis: 1}}",
    "trainable: false",
    "trainable: false, kernel_regularizer: l2, kernel_constraint: max_norm",
]
LAYERS = [
    *(f"Dense: {{units: 4, {fields}}}" for fields in DENSE),
    "Conv2D: {filters: 3, kernel_size: 2, kernel_constraint: {max_norm: {max_value: 0.6, axis: "
    "[0, 1, 2]}}}",
    "Conv2D: {filters: 3, kernel_size: 2, kernel_constraint: {unit_norm: {axis: 3}}}",
    "Conv2D: {filters: 3, kernel_size: 2, kernel_regularizer: {l1: {l1: 0.1}}}",
    "DepthwiseConv2D: {kernel_size: 2, depth_multiplier: 2, depthwise_regularizer: l2, "
    "depthwise_constraint: {max_norm: {max_value: 0.6, axis: 2}}}",
    "SeparableConv2D: {filters: 3, kernel_size: 2, depth_multiplier: 2, depthwise_constraint: "
    "{unit_norm: {axis: [0, 1, 3]}}, pointwise_constraint: {unit_norm: {axis: 3}}}",
    "Conv2DTranspose: {filters: 3, kernel_size: 2, kernel_constraint: {unit_norm: {axis: 2}}}",
    "BatchNormalization: {gamma_regularizer: l2, beta_regularizer: l1, gamma_constraint: non_neg}",
    "BatchNormalization: {trainable: false}",
]
SEQUENCES = [
    "GRU: {units: 3, recurrent_regularizer: l2, recurrent_constraint: {max_norm: {max_value: 0.7}}, "
    "bias_constraint: {unit_norm: {axis: 1}}, kernel_regularizer: l1}",
    "LSTM: {units: 3, trainable: false}",
    "Bidirectional: {layer: {SimpleRNN: {units: 2, kernel_regularizer: l2, recurrent_constraint: "
    "unit_norm}}}",
    "Bidirectional: {layer: {SimpleRNN: {units: 2}}, trainable: false}",
    "TimeDistributed: {layer: {Dense: {units: 2, bias_regularizer: l1, kernel_constraint: non_neg}}}",
    "TimeDistributed: {layer: {Dense: {units: 2}}, trainable: false}",
    "EinsumDense: {equation: 'abc,cd->abd', output_shape: [4, 3], bias_axes: bd, "
    "kernel_regularizer: l2, kernel_constraint: {max_norm: {max_value: 0.3}}, "
    "bias_constraint: non_neg}",
    "MultiHeadAttention: {num_heads: 2, key_dim: 2, trainable: false}",
    "GroupedQueryAttention: {head_dim: 2, num_query_heads: 2, num_key_value_heads: 1, "
    "trainable: false}",
    "MultiHeadAttention: {num_heads: 2, key_dim: 2, kernel_regularizer: l2, kernel_constraint: "
    "{max_norm: {max_value: 0.3, axis: [0, 2]}}, bias_constraint: non_neg}",
    "Attention: {use_scale: true, inputs: [input, input]}",
]
CASES = [*(((4, 4, 2), layer) for layer in LAYERS), *(((4, 2), layer) for layer in SEQUENCES)]


RATES = np.full(STEPS, 0.1, np.float32)


@cache
def setup_of(shape: Shape, layer: str) -> tuple[Network, Weights, Examples]:
    last = "Dense: {units: 3, activation: softmax, name: last}"
    tested = network(shape, [layer, "Flatten", last], "sgd: {learning_rate: 0.1}")
    labels = np.random.default_rng(2).integers(0, 3, 8, np.int32)
    examples = Examples((random_inputs(tested.graph, 8),), (labels,))
    return tested, random_weights(tested.graph), examples


@cache
def expected_steps(shape: Shape, layer: str) -> tuple[list[float], Weights]:
    """The oracle's losses, and its weights afterwards."""
    tested, weights, examples = setup_of(shape, layer)
    assert tested.spec.train is not None
    oracle = Oracle(tested, weights, logits=True)
    batches = [(examples.inputs[0], examples.targets[0])] * STEPS
    losses = oracle.train(keras_optimizer(tested.spec.train), batches, RATES)
    return losses, oracle.weights()


@pytest.mark.parametrize(("shape", "layer"), CASES)
@pytest.mark.parametrize("name", TRAINING)
def test_steps_of_training_are_those_of_keras(name: str, shape: Shape, layer: str) -> None:
    expected_losses, expected_weights = expected_steps(shape, layer)
    trainer = found_training(name).trainer(*setup_of(shape, layer), "cpu")

    reports = [*trainer.epoch(np.tile(np.arange(8), STEPS), 8, RATES, 0)]

    losses = np.concatenate([report.losses for report in reports])
    np.testing.assert_allclose(losses, expected_losses, 1e-5)
    trained = trainer.weights()
    for key, expected in expected_weights.items():
        absolute = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(trained[key], expected, 1e-5, absolute, err_msg=key)


@pytest.mark.parametrize("name", TRAINING)
def test_weights_that_are_not_trainable_stay_to_the_bit(name: str) -> None:
    layers = [
        "Dense: {units: 4, trainable: false, name: fixed}",
        "Dense: {units: 3, activation: softmax}",
    ]
    tested = network((5,), layers, "adam: {weight_decay: 0.1}")
    weights = random_weights(tested.graph)
    examples = Examples(
        (random_inputs(tested.graph, 6),), (np.array([0, 1, 2, 0, 1, 2], np.int32),)
    )
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")

    list(trainer.epoch(np.arange(6), 2, np.full(3, 0.1, np.float32), 0))

    after = trainer.weights()
    for key, before in weights.items():
        assert (after[key] == before).all() == key.startswith("fixed"), key
