"""Training in 16 bits: it learns, its weights stay float32, and its scale is as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.networks import TRAINING, found_training
from netspec.backend import Trainer
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array
from netspec.testing.networks import network, random_inputs, random_weights
from netspec.text.diagnostics import SpecError
from processor import tensorflow_lacks_bfloat16

PRECISIONS = {"mixed_float16": 2**-10, "mixed_bfloat16": 2**-7}
"""The relative distance from one number to the next."""

WITHOUT_BFLOAT16 = pytest.mark.xfail(
    tensorflow_lacks_bfloat16(),
    reason="TensorFlow 2.21 hands convolutions of bfloat16 to oneDNN on processors with AVX-512, and "
    "ONEDNN_MAX_CPU_ISA leaves oneDNN no kernel for them.",
    raises=SpecError,
    strict=True,
)

IN_16_BITS = [
    pytest.param(
        name,
        precision,
        marks=[WITHOUT_BFLOAT16] if (name, precision) == ("keras", "mixed_bfloat16") else [],
    )
    for name in TRAINING
    for precision in PRECISIONS
]


def small(precision: str, optimizer: str = "sgd: {momentum: 0.9}") -> Network:
    layers = [
        "Conv2D: {filters: 4, kernel_size: 3, activation: tanh}",
        "BatchNormalization: {momentum: 0.9}",
        "AveragePooling2D",
        "Flatten",
        "Dense: {units: 3, activation: softmax}",
    ]
    return network((6, 6, 2), layers, optimizer, precision=precision)


def examples(tested: Network) -> Examples:
    """Images of three classes, by their means."""
    inputs = random_inputs(tested.graph, 60)
    means = inputs.mean((1, 2, 3))
    labels = np.digitize(means, np.quantile(means, [1 / 3, 2 / 3])).astype(np.int32)
    return Examples((inputs,), (labels,))


def trainer(name: str, tested: Network, data: Examples) -> Trainer:
    return found_training(name).trainer(tested, random_weights(tested.graph), data, "cpu")


def epoch(trained: Trainer, rate: float = 0.05, images: int = 60) -> float:
    """One epoch of batches of 10. Returns the mean loss."""
    rates = np.full(-(-images // 10), rate, np.float32)
    steps = [*trained.epoch(np.arange(images), 10, rates, 0)]
    return float(np.concatenate([step.losses for step in steps]).mean())


@pytest.mark.parametrize(("name", "precision"), IN_16_BITS)
def test_the_loss_falls_and_the_weights_stay_float32(name: str, precision: str) -> None:
    tested = small(precision)
    trained = trainer(name, tested, examples(tested))

    losses = [epoch(trained) for _ in range(10)]

    assert losses[-1] < 0.5 * losses[0]
    assert {value.dtype for value in trained.weights().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("name", "precision"), IN_16_BITS)
def test_the_first_step_is_that_of_float32_but_for_rounding(name: str, precision: str) -> None:
    before = random_weights(small("float32").graph)
    moved = {}
    for choice in ("float32", precision):
        tested = small(choice)
        trained = trainer(name, tested, examples(tested))
        epoch(trained, rate=1.0, images=10)
        moved[choice] = {key: value - before[key] for key, value in trained.weights().items()}

    for key, exact in moved["float32"].items():
        distance = np.abs(moved[precision][key] - exact).max()
        assert distance < 8 * PRECISIONS[precision] * np.abs(exact).max(), key
    assert any((moved[precision][key] != exact).any() for key, exact in moved["float32"].items())


@pytest.mark.parametrize(("name", "precision"), IN_16_BITS)
def test_a_trainer_predicts_in_float32(name: str, precision: str) -> None:
    tested = small(precision)
    data = examples(tested)
    trained = trainer(name, tested, data)
    epoch(trained)

    outputs = trained.outputs(*data.inputs)

    exact = found_training(name).predictor(tested, trained.weights(), "cpu")
    np.testing.assert_allclose(outputs, exact.outputs(*data.inputs), 1e-5, 1e-6)


def overflowing() -> tuple[Network, dict[str, Array], Examples]:
    """A layer of zeros whose gradient is 20/3 at most, which 2^14 takes beyond float16."""
    layers = ["Dense: {units: 3, activation: softmax}"]
    optimizer = "adam: {use_ema: true, clipnorm: 1.0}"
    tested = network((2,), layers, optimizer, precision="mixed_float16")
    weights = {key: np.zeros(value.shape, np.float32) for key, value in tested.graph.weights()}
    return tested, weights, Examples((np.full((60, 2), 10, np.float32),), (np.zeros(60, np.int32),))


def scale(trained: Trainer) -> float:
    (scale,) = (value for key, value in trained.optimizer_state().items() if key.endswith("scale"))
    return float(scale)


@pytest.mark.parametrize("name", TRAINING)
def test_a_step_that_overflows_is_left_out_and_halves_the_scale(name: str) -> None:
    tested, weights, data = overflowing()
    trained = found_training(name).trainer(tested, weights, data, "cpu")

    begun = scale(trained)
    epoch(trained, images=20)
    after_two, unmoved = scale(trained), trained.weights()
    epoch(trained, images=20)

    assert (begun, after_two, scale(trained)) == (2**15, 2**13, 2**13)
    assert not any(value.any() for value in unmoved.values())
    assert all(value.any() for value in trained.weights().values())


@pytest.mark.parametrize("name", TRAINING)
def test_the_scale_outlasts_a_break(name: str) -> None:
    tested, weights, data = overflowing()
    unbroken = found_training(name).trainer(tested, weights, data, "cpu")
    epoch(unbroken, images=30)
    resumed = found_training(name).trainer(tested, unbroken.weights(), data, "cpu")
    resumed.restore(unbroken.optimizer_state())

    for one_of_both in (unbroken, resumed):
        epoch(one_of_both, images=30)

    for key, value in unbroken.weights().items():
        np.testing.assert_array_equal(resumed.weights()[key], value)
    assert scale(resumed) == scale(unbroken)


@pytest.mark.parametrize("name", TRAINING)
def test_tf32_is_float32_on_a_processor(name: str) -> None:
    trained = [
        trainer(name, tested, examples(tested)) for tested in (small("float32"), small("tf32"))
    ]

    for one_of_both in trained:
        epoch(one_of_both)

    exact, rounded = (one_of_both.weights() for one_of_both in trained)
    for key, value in exact.items():
        np.testing.assert_array_equal(rounded[key], value, key)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_pytorch_rounds_to_tf32_only_in_steps(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_training("torch")
    from netspec_torch import trainer as module

    requests: list[bool] = []
    rounding = module.rounding_to_tf32

    def record(device: Any, *, allowed: bool) -> Any:
        requests.append(allowed)
        return rounding(device, allowed=allowed)

    tested = small(precision)
    trained = trainer("torch", tested, examples(tested))
    monkeypatch.setattr(module, "rounding_to_tf32", record)
    epoch(trained)

    assert set(requests) == {precision == "tf32"}


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_pytorch_restores_the_rounding_to_tf32(before: bool, allowed: bool) -> None:
    """The settings exist without a GPU."""
    found_training("torch")
    import torch

    from netspec_torch.process import rounding_to_tf32

    cuda = torch.device("cuda")
    with rounding_to_tf32(cuda, allowed=before):
        with rounding_to_tf32(cuda, allowed=allowed):
            assert torch.backends.cudnn.allow_tf32 == allowed
            assert torch.backends.cuda.matmul.allow_tf32 == allowed
        assert torch.backends.cudnn.allow_tf32 == before
        assert torch.backends.cuda.matmul.allow_tf32 == before


def test_tensorflow_rounds_to_tf32_only_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    found_training("keras")
    from netspec_keras.framework import tf
    from netspec_keras.process import rounding_to_tf32

    tested = small("tf32")
    trained = trainer("keras", tested, examples(tested))
    settings: list[bool] = []
    allow = tf.config.experimental.enable_tensor_float_32_execution
    with rounding_to_tf32(allowed=False):
        monkeypatch.setattr(
            tf.config.experimental,
            "enable_tensor_float_32_execution",
            lambda allowed: settings.append(allowed) or allow(allowed),
        )
        epoch(trained)
        monkeypatch.undo()

    assert settings
    assert settings == [True, False] * (len(settings) // 2)
