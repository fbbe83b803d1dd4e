"""Errors that random specs and the conformance table found, each with a fixed test."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.networks import BACKENDS, TRAINING, found, found_training
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.testing.networks import all_random_inputs, network, random_inputs, random_weights
from netspec.text.diagnostics import SpecError
from netspec_numpy.interpreter import run
from processor import onednn_uses_avx512, tensorflow_uses_onednn

LAST = "Dense: {units: 3, activation: softmax}"


def step(name: str, tested: Network, weights: Weights) -> dict[str, Array]:
    """The weights after a step of training."""
    examples = Examples((random_inputs(tested.graph, 4),), (np.array([0, 1, 2, 0], np.int32),))
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")
    list(trainer.epoch(np.arange(4), 4, np.ones(1, np.float32), 0))
    return trainer.weights()


@pytest.mark.parametrize("names", [("type", "type_"), ("forward_", "forward"), ("class_", "class")])
@pytest.mark.parametrize("name", BACKENDS)
def test_names_that_differ_in_an_underscore_stay_distinct(
    name: str, names: tuple[str, str]
) -> None:
    layers = [
        f"Dense: {{units: {units}, name: {layer_name}}}"
        for units, layer_name in zip((2, 5), names, strict=True)
    ]
    tested = network((4,), layers)
    weights, inputs = random_weights(tested.graph), random_inputs(tested.graph, 3)

    outputs = found(name).predictor(tested, weights, "cpu").predict(inputs)

    np.testing.assert_allclose(outputs, run(tested.graph, weights, inputs), 1e-5, 1e-6)


SINGLE_COLUMN = (
    "oneDNN in {}, with AVX-512: one input channel, one output column, strides of 1 down and more "
    "across. ONEDNN_MAX_CPU_ISA=AVX2 avoids it."
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "keras",
            marks=pytest.mark.xfail(
                onednn_uses_avx512() and tensorflow_uses_onednn(),
                reason=SINGLE_COLUMN.format("TensorFlow 2.21"),
                raises=AssertionError,
                strict=True,
            ),
        ),
        pytest.param(
            "torch",
            marks=pytest.mark.xfail(
                onednn_uses_avx512(),
                reason=SINGLE_COLUMN.format("PyTorch 2.13"),
                raises=AssertionError,
                strict=True,
            ),
        ),
    ],
)
def test_a_convolution_may_have_a_single_column(name: str) -> None:
    tested = network((8, 5, 1), ["Conv2D: {filters: 2, kernel_size: 3, strides: [1, 3]}"])
    weights, inputs = random_weights(tested.graph), random_inputs(tested.graph, 3)

    outputs = found(name).predictor(tested, weights, "cpu").predict(inputs)

    np.testing.assert_allclose(outputs, run(tested.graph, weights, inputs), 1e-5, 1e-6)


@pytest.mark.xfail(
    reason="Keras 3.15 adds the bias of heads of one value along the steps where there are as many "
    "steps as heads (keras/src/backend/tensorflow/numpy.py, add).",
    strict=True,
)
def test_heads_may_be_as_many_as_steps() -> None:
    tested = network((3, 2), ["MultiHeadAttention: {num_heads: 3, key_dim: 2, value_dim: 1}"])
    weights, inputs = random_weights(tested.graph), random_inputs(tested.graph, 4)

    outputs = found("keras").predictor(tested, weights, "cpu").predict(inputs)

    np.testing.assert_allclose(outputs, run(tested.graph, weights, inputs), 1e-5, 1e-6)


@pytest.mark.parametrize("name", TRAINING)
def test_a_dropout_of_nothing_can_be_trained(name: str) -> None:
    tested, plain = network((4,), ["Dropout: {rate: 0}", LAST], "sgd"), network((4,), [LAST], "sgd")
    weights = random_weights(tested.graph)

    new_weights = step(name, tested, weights)

    for key, expected in step(name, plain, weights).items():
        np.testing.assert_array_equal(new_weights[key], expected, key)


@pytest.mark.xfail(
    tensorflow_uses_onednn(),
    reason="oneDNN in TensorFlow 2.21 cannot reorder the weights of a separable convolution with one "
    "channel throughout. TF_ENABLE_ONEDNN_OPTS=0 avoids it.",
    raises=SpecError,
    # It failed in 59 of 60 processes: 20 each for AVX-512, AVX2 and SSE4.1. One with AVX-512 was right.
    strict=False,
)
def test_a_separable_convolution_may_have_one_channel() -> None:
    tested = network((1, 1, 1), ["SeparableConv2D: {filters: 1, kernel_size: 1}"])
    weights, inputs = random_weights(tested.graph), random_inputs(tested.graph, 3)

    outputs = found("keras").predictor(tested, weights, "cpu").predict(inputs)

    np.testing.assert_allclose(outputs, run(tested.graph, weights, inputs), 1e-5, 1e-6)


@pytest.mark.parametrize(
    "layers",
    [
        ["Activation: {activation: softmax}"],
        ["Flatten", "Activation: {activation: softmax}"],
        ["BatchNormalization: {scale: false, center: false}", "Activation: {activation: softmax}"],
    ],
    ids=str,
)
def test_a_network_without_weights_to_train_is_refused(layers: list[str]) -> None:
    network((3,), layers)

    with pytest.raises(SpecError):
        network((3,), layers, "sgd")


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("shape", [(2, 1, 2), (1, 5, 3), (1, 3, 2)])
def test_batch_normalization_of_another_axis_has_keras_gradient(
    shape: tuple[int, int, int], axis: int
) -> None:
    norm = f"BatchNormalization: {{axis: {axis}}}"
    tested = network(shape, ["Dense: {units: 3}", norm, "GlobalAveragePooling2D", LAST], "sgd")
    weights = random_weights(tested.graph)

    new_weights = step("torch", tested, weights)

    for key, expected in step("keras", tested, weights).items():
        np.testing.assert_allclose(new_weights[key], expected, 1e-4, 1e-5, err_msg=key)


def test_keras_adds_a_batch_of_single_values() -> None:
    shapes = (("vectors", (3,)), ("values", (1,)))
    tested = network(shapes, ["Add: {inputs: [vectors, values]}"])
    inputs = all_random_inputs(tested.graph, 3)

    outputs = found("keras").predictor(tested, {}, "cpu").predict(*inputs)

    np.testing.assert_allclose(outputs, inputs[0] + inputs[1], 1e-6)


@pytest.mark.parametrize("name", TRAINING)
def test_training_works_with_a_frozen_spatial_dropout(name: str) -> None:
    layers = ["SpatialDropout1D: {rate: 0.5, trainable: false}", "Flatten", LAST]
    tested = network((2, 4), layers, "sgd")

    step(name, tested, random_weights(tested.graph))


def test_a_convolved_volume_is_normalized_along_its_width() -> None:
    layers = [
        "Conv3D: {filters: 2, kernel_size: 2, padding: same}",
        "LayerNormalization: {axis: 3}",
    ]
    tested = network((2, 3, 4, 2), layers)
    weights, inputs = random_weights(tested.graph), random_inputs(tested.graph, 3)

    outputs = found("torch").predictor(tested, weights, "cpu").predict(inputs)

    np.testing.assert_allclose(outputs, run(tested.graph, weights, inputs), 1e-5, 1e-6)
