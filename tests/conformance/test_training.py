"""Training is the same everywhere: the optimizers are Keras's, and so are the losses of a run.

Weights that one backend has trained have the same predictions on every other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import BACKENDS, TRAINING, found, found_training
from conformance.oracle import Oracle, keras_optimizer
from netspec import load as load_spec
from netspec.backend import Trainer
from netspec.data import Examples, epoch_order, load, mask_seed
from netspec.language.layers import Shape
from netspec.network import Network
from netspec.numerics.initial import initial
from netspec.numerics.weights import Array, Weights
from netspec.runs.remembered import restore
from netspec.testing.networks import all_random_inputs, network, random_weights

SPECS = Path(__file__).parents[2] / "specs"

OPTIMIZERS = [
    "adam",
    "adam: {amsgrad: true}",
    "adam: {epsilon: 0.1}",
    "adam: {beta_1: 0.5, beta_2: 0.9}",
    "adam: {beta_1: 0.0, beta_2: 0.0, epsilon: 0.01}",
    "adamw",
    "adamw: {weight_decay: 0.3, amsgrad: true}",
    "sgd",
    "sgd: {momentum: 0.9}",
    "sgd: {momentum: 0.9, nesterov: true}",
    "sgd: {nesterov: true}",
    "rmsprop",
    "rmsprop: {rho: 0.5, epsilon: 0.1}",
    "rmsprop: {momentum: 0.9, epsilon: 0.01}",
    "rmsprop: {centered: true, momentum: 0.5}",
    "adagrad",
    "adagrad: {initial_accumulator_value: 0.0, epsilon: 0.01}",
    "adamax",
    "adamax: {beta_1: 0.5, beta_2: 0.8, epsilon: 0.1}",
    "nadam",
    "nadam: {beta_1: 0.5, beta_2: 0.8, epsilon: 0.1}",
    "lion",
    "lion: {beta_1: 0.5, beta_2: 0.8}",
]

# Around the rule: each with a separate rule, and everything together.
MODIFIERS = [
    "sgd: {weight_decay: 0.5}",
    "rmsprop: {momentum: 0.5, weight_decay: 0.5}",
    "sgd: {momentum: 0.9, clipnorm: 0.2}",
    "adagrad: {clipvalue: 0.05}",
    "sgd: {momentum: 0.5, global_clipnorm: 0.3}",
    "sgd: {clipnorm: 100, weight_decay: 0.1}",
    "sgd: {use_ema: true, ema_momentum: 0.6}",
    "nadam: {use_ema: true, ema_momentum: 0.9, ema_overwrite_frequency: 3}",
    "adamw: {clipnorm: 0.2, use_ema: true, ema_momentum: 0.5, ema_overwrite_frequency: 2}",
]

RATES = np.array([3e-2, 1e-2, 2e-2, 5e-3, 5e-3, 4e-2, 1e-3, 1e-2, 2e-2, 1e-2], np.float32)


SAME_WEIGHTS = 1e-5
"""How far losses of the tutorial differ before rounding decides a gradient; 1.3e-7 was measured."""

SMALL_GRADIENT = 3e-5
"""How far a weight may be off, as a part of the largest weight of its layer.

Optimizers divide a gradient by its size, so that the rounding of a small one changes a whole step.
With oneDNN's kernels for SSE4.1 PyTorch's RMSprop was off by 1.4e-5.
"""

ROUNDED = 3e-2
"""How much rounding changes the losses of the tutorial's first 20 steps.

In the first steps it decides which of two equal pixels a max pooling takes, and on which side of 0
one of 204,800 values of a ReLU is. One such value changes a gradient by 1%, and Adam divides
gradients by their size. A run in float64 does the same: from initial weights changed by 1e-5 of
their size its losses differ by 2e-6 after 3 steps and 1.3e-2 after 20. So do float32 kernels:
those for AVX2 and SSE4.1 differ from float64 by 1.1e-2 in Keras and in PyTorch.
"""


DENSE = "Dense: {units: 3, activation: softmax}"

SMALL = (
    "Conv2D: {filters: 4, kernel_size: 3, activation: tanh}",
    "BatchNormalization: {momentum: 0.9}",
    "AveragePooling2D",
    "Flatten",
    DENSE,
)
"""A convolutional network without corners, at which rounding could decide a gradient."""


def small(optimizer: str) -> Network:
    return network((6, 6, 2), SMALL, optimizer)


def batch(examples: Examples, chosen: NDArray[np.int64]) -> tuple[Array, NDArray[np.int32]]:
    return examples.values(chosen)[0], examples.targets[0][chosen]


def labelled(tested: Network, count: int, whole: int = 0) -> Examples:
    labels = np.random.default_rng(2).integers(0, tested.graph.output.shape[0], count, np.int32)
    return Examples(tuple(all_random_inputs(tested.graph, count, whole=whole)), (labels,))


@dataclass(frozen=True)
class Setup:
    """A network, and how it is trained."""

    shape: Shape
    layers: tuple[str, ...]
    optimizer: str
    gradient_accumulation_steps: int | None = None
    whole: int = 0

    @property
    def network(self) -> Network:
        steps = self.gradient_accumulation_steps
        fields = {"gradient_accumulation_steps": steps} if steps else {}
        return network(self.shape, self.layers, self.optimizer, **fields)

    @property
    def examples(self) -> Examples:
        return labelled(self.network, 40, self.whole)


@dataclass(frozen=True)
class Reference:
    """Ten steps of the oracle: the losses, the weights after one step and ten, and the averages."""

    losses: list[float]
    weights: tuple[Weights, Weights]
    averages: Weights


ORDER = np.random.default_rng(3).permutation(40)
STEPS = (slice(0, 1), slice(1, 10))


@cache
def reference_of(setup: Setup) -> Reference:
    tested, examples = setup.network, setup.examples
    assert tested.spec.train is not None
    oracle = Oracle(tested, random_weights(tested.graph), logits=True)
    optimizer = keras_optimizer(tested.spec.train)
    batches = [batch(examples, part) for part in ORDER.reshape(10, 4)]
    losses: list[float] = []
    weights: list[Weights] = []
    for steps in STEPS:
        losses += oracle.train(optimizer, batches[steps], RATES[steps])
        weights.append(oracle.weights())
    optimizer.finalize_variable_values([*oracle.trainable().values()])
    return Reference(losses, (weights[0], weights[1]), oracle.weights())


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, *MODIFIERS])
@pytest.mark.parametrize("name", TRAINING)
def test_one_step_and_ten_steps_are_those_of_keras_optimizer(name: str, optimizer: str) -> None:
    check_steps(name, Setup((6,), (DENSE,), optimizer))


@pytest.mark.parametrize("name", TRAINING)
def test_the_weights_of_convolutions_and_normalization_take_the_same_steps(name: str) -> None:
    check_steps(name, Setup((6, 6, 2), SMALL, "adamw: {clipnorm: 0.2, weight_decay: 0.3}"))


ACCUMULATED = [
    Setup((6, 6, 2), SMALL, "sgd: {momentum: 0.9}", 3),
    Setup((6,), (DENSE,), "adam: {clipnorm: 0.1, weight_decay: 0.5, epsilon: 0.1}", 3),
    Setup(
        (6,),
        (DENSE,),
        "nadam: {use_ema: true, ema_momentum: 0.5, ema_overwrite_frequency: 2}",
        3,
    ),
]


@pytest.mark.parametrize("setup", ACCUMULATED, ids=lambda setup: setup.optimizer)
@pytest.mark.parametrize("name", TRAINING)
def test_gradients_are_accumulated_as_by_keras_optimizer(name: str, setup: Setup) -> None:
    check_steps(name, setup)


@pytest.mark.parametrize("optimizer", ["adam: {epsilon: 0.01}", "sgd: {clipnorm: 0.05}"])
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradients_of_a_row_that_is_read_often_are_added_up(name: str, optimizer: str) -> None:
    layers = ("Embedding: {input_dim: 3, output_dim: 4}", "Flatten", DENSE)
    check_steps(name, Setup((6,), layers, optimizer, whole=3))


def check_steps(name: str, setup: Setup) -> None:
    """One step and nine more have Keras's losses and weights."""
    tested, expected = setup.network, reference_of(setup)
    weights = random_weights(tested.graph)
    trainer = found_training(name).trainer(tested, weights, setup.examples, "cpu")

    for steps, expected_weights in zip(STEPS, expected.weights, strict=True):
        chosen = ORDER[steps.start * 4 : steps.stop * 4]
        reports = [*trainer.epoch(chosen, 4, RATES[steps], 0)]

        losses = np.concatenate([report.losses for report in reports])
        np.testing.assert_allclose(losses, expected.losses[steps], 1e-5)
        check_weights(trainer.weights(), expected_weights)

    last = trainer.weights()
    trainer.swap_averages()
    check_weights(trainer.weights(), expected.averages)
    trainer.swap_averages()
    check_identical(trainer.weights(), last)


def check_weights(weights: Weights, expected: Weights) -> None:
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(
            weights[key],
            value,
            1e-5,
            SMALL_GRADIENT * np.abs(value).max(),
            err_msg=key,
            strict=True,
        )


ENDINGS = [
    (["Flatten", "Dense: {units: 3, activation: softmax}"], False),
    (["Flatten", "Dense: {units: 3}", "Activation: {activation: softmax}"], False),
    (["Flatten", "Dense: {units: 3}", "Softmax"], False),
    (["Conv2D: {filters: 3, kernel_size: 4, activation: softmax}", "Flatten"], True),
    (["Flatten", "Dense: {units: 3}"], True),
    (["Flatten", "Dense: {units: 3, activation: log_softmax}"], True),
    (["Conv2D: {filters: 3, kernel_size: 1}", "GlobalAveragePooling2D"], True),
]


@pytest.mark.parametrize(("layers", "from_logits"), ENDINGS, ids=str)
@pytest.mark.parametrize("name", TRAINING)
def test_a_network_may_end_in_a_softmax_or_in_logits(
    name: str, layers: list[str], from_logits: bool
) -> None:
    start = "Conv2D: {filters: 4, kernel_size: 3, activation: tanh}"
    tested = network((6, 6, 2), [start, *layers], "sgd", from_logits=from_logits)
    assert tested.spec.train is not None
    weights, examples = random_weights(tested.graph), labelled(tested, 8)
    oracle = Oracle(tested, weights, logits=True)
    batches = [(examples.inputs[0], examples.targets[0])] * 2
    losses = oracle.train(keras_optimizer(tested.spec.train), batches, RATES[:2])
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")

    steps = [*trainer.epoch(np.tile(np.arange(8), 2), 8, RATES[:2], 0)]

    np.testing.assert_allclose(np.concatenate([report.losses for report in steps]), losses, 1e-5)
    check_weights(trainer.weights(), oracle.weights())
    np.testing.assert_allclose(
        trainer.predict(*examples.values()),
        Oracle(tested, oracle.weights()).predict(*examples.values()),
        1e-5,
        1e-6,
    )


@pytest.mark.parametrize("name", TRAINING)
def test_the_last_batch_counts_although_it_is_short(name: str) -> None:
    tested = small("sgd: {momentum: 0.5}")
    assert tested.spec.train is not None
    weights, examples = random_weights(tested.graph), labelled(tested, 70)
    order = epoch_order(70, seed=0, epoch=1)
    batches = [batch(examples, part) for part in (order[:32], order[32:64], order[64:])]
    oracle = Oracle(tested, weights, logits=True)
    losses = oracle.train(keras_optimizer(tested.spec.train), batches, RATES[:3])
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")

    steps = [*trainer.epoch(order, 32, RATES[:3], 0)]

    np.testing.assert_allclose(np.concatenate([report.losses for report in steps]), losses, 1e-5)
    check_weights(trainer.weights(), oracle.weights())


@pytest.mark.parametrize("name", TRAINING)
def test_the_right_answers_of_every_batch_are_counted(name: str) -> None:
    tested = small("sgd")
    weights, examples = random_weights(tested.graph), labelled(tested, 70)
    oracle = Oracle(tested, weights, logits=True)
    answers = [
        int((oracle(inputs, training=True).numpy().argmax(-1) == labels).sum())
        for inputs, labels in (batch(examples, part) for part in np.split(np.arange(70), [32, 64]))
    ]
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")

    still = np.full(3, 1e-20, np.float32)
    steps = [*trainer.epoch(np.arange(70), 32, still, 0)]

    np.testing.assert_array_equal(np.concatenate([report.correct for report in steps]), answers)


@pytest.fixture(scope="module")
def tutorial_losses() -> dict[str, Array]:
    """The losses of the first 20 steps of the tutorial's network on MNIST, by backend."""
    tutorial = load_spec(SPECS / "mnist_cnn.yaml")
    settings = tutorial.spec.train
    assert settings is not None
    images = load(tutorial).train
    order = epoch_order(len(images), settings.seed, 1)[: 20 * settings.batch_size]
    seen = images[order]
    rates = np.full(20, settings.optimizer.learning_rate, np.float32)
    losses: dict[str, Array] = {}
    for name in TRAINING:
        weights = initial(tutorial.graph, settings.seed)
        trainer = found_training(name).trainer(tutorial, weights, seen, "cpu")
        steps = [*trainer.epoch(np.arange(len(seen)), settings.batch_size, rates, 0)]
        losses[name] = np.concatenate([report.losses for report in steps])
    return losses


def test_the_backends_have_the_same_losses_on_the_tutorials_network(
    tutorial_losses: dict[str, Array],
) -> None:
    expected = tutorial_losses["keras"]

    for name, losses in tutorial_losses.items():
        np.testing.assert_allclose(losses[:3], expected[:3], SAME_WEIGHTS, err_msg=name)
        np.testing.assert_allclose(losses, expected, ROUNDED, err_msg=name)


@pytest.mark.parametrize("name", TRAINING)
def test_the_loss_falls(name: str, tutorial_losses: dict[str, Array]) -> None:
    losses = tutorial_losses[name]

    assert losses[0] == pytest.approx(np.log(10), rel=0.1)  # the loss of a guess among ten
    assert losses[-5:].mean() < 0.8 * losses[0]


def digits() -> tuple[Network, Examples]:
    """The small network of the digits, with Dropout in it, and the first 200 images."""
    settings = {"train.optimizer": "adam", "train.batch_size": 32}
    tested = load_spec(SPECS / "digits_cnn.yaml", settings)
    assert any(node.layer.tag == "Dropout" for node in tested.graph.nodes)
    images = load(tested).train
    return tested, images[:200]


def started(name: str, tested: Network, examples: Examples, seed: int) -> Trainer:
    weights = initial(tested.graph, seed)
    return found_training(name).trainer(tested, weights, examples, "cpu")


def go_on(
    trainer: Trainer,
    tested: Network,
    images: int,
    epochs: Iterable[int],
    seed: int,
    masks: int = 0,
) -> None:
    """Train for these epochs, as `netspec.runs.training` does. `masks` is added to their seeds."""
    settings = tested.spec.train
    assert settings is not None
    steps = -(-images // settings.batch_size)
    rates = np.full(steps, settings.optimizer.learning_rate, np.float32)
    for epoch in epochs:
        order = epoch_order(images, seed, epoch)
        for _ in trainer.epoch(order, settings.batch_size, rates, mask_seed(seed, epoch) + masks):
            pass


def train_digits(name: str, seed: int = 0) -> Trainer:
    """A trainer after two epochs."""
    tested, examples = digits()
    trainer = started(name, tested, examples, seed)
    go_on(trainer, tested, len(examples), [1, 2], seed)
    return trainer


@cache
def trained(name: str) -> Trainer:
    """A trainer of the seed 0 after two epochs, for all tests that only read it."""
    return train_digits(name)


def check_identical(weights: Weights, expected: Weights) -> None:
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(weights[key], value, key, strict=True)


@pytest.mark.parametrize("name", TRAINING)
def test_the_same_seed_gives_the_same_weights_to_the_bit(name: str) -> None:
    check_identical(train_digits(name).weights(), trained(name).weights())


@pytest.mark.parametrize("name", TRAINING)
def test_another_seed_gives_other_weights(name: str) -> None:
    first, other = trained(name).weights(), train_digits(name, seed=1).weights()

    for key, value in first.items():
        assert (value != other[key]).any(), key


@pytest.mark.parametrize("name", TRAINING)
def test_the_masks_have_a_part_in_what_is_learned(name: str) -> None:
    tested, examples = digits()
    trainer = started(name, tested, examples, 0)

    go_on(trainer, tested, len(examples), [1, 2], 0, masks=1)

    weights, other = trainer.weights(), trained(name).weights()
    assert (weights["dense.kernel"] != other["dense.kernel"]).any()


@pytest.mark.parametrize(("source", "target"), [*product(TRAINING, BACKENDS)])
def test_what_one_backend_trained_another_predicts_with(source: str, target: str) -> None:
    tested, _ = digits()
    trainer = trained(source)
    (inputs,) = load(tested).test.values()

    predictor = found(target).predictor(tested, trainer.weights(), "cpu")

    np.testing.assert_allclose(predictor.predict(inputs), trainer.predict(inputs), 1e-5, 1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam: {amsgrad: true, use_ema: true}",
        "sgd",
        "sgd: {momentum: 0.9, nesterov: true, use_ema: true, ema_overwrite_frequency: 4}",
        "rmsprop: {momentum: 0.9, centered: true}",
        "adagrad",
        "adamax",
        "nadam",
        "lion",
    ],
)
@pytest.mark.parametrize("name", TRAINING)
def test_a_run_that_was_broken_ends_as_the_unbroken_one(name: str, optimizer: str) -> None:
    check_broken(name, *random_digits(optimizer))


@pytest.mark.parametrize("name", TRAINING)
def test_a_broken_convolutional_run_ends_as_the_unbroken_one(name: str) -> None:
    check_broken(name, *digits())


@pytest.mark.parametrize("name", TRAINING)
def test_accumulated_gradients_outlast_a_break(name: str) -> None:
    tested, examples = random_digits("nadam", gradient_accumulation_steps=4)  # 7 steps an epoch
    check_broken(name, tested, examples)


def random_digits(optimizer: str, **train: object) -> tuple[Network, Examples]:
    """A layer with dropout, and 200 random examples in batches of 32."""
    layers = ["Dropout: {rate: 0.3}", DENSE]
    tested = network((6,), layers, optimizer, batch_size=32, **train)
    return tested, labelled(tested, 200)


def check_broken(name: str, tested: Network, examples: Examples) -> None:
    """A trainer with the weights and the state of another one after two epochs ends as that one.

    A resumed run compares the state with a fresh one, and accepts it.
    """
    unbroken = started(name, tested, examples, 0)
    go_on(unbroken, tested, len(examples), [1, 2], 0)
    resumed = found_training(name).trainer(tested, unbroken.weights(), examples, "cpu")
    steps = 2 * -(-len(examples) // 32)
    restore(resumed, unbroken.optimizer_state(), steps, "run")

    for trainer in (unbroken, resumed):
        go_on(trainer, tested, len(examples), [3], 0)

    check_identical(resumed.weights(), unbroken.weights())


@pytest.mark.parametrize("name", TRAINING)
def test_the_state_of_the_optimizer_survives_a_new_trainer(name: str) -> None:
    tested, examples = digits()
    state = trained(name).optimizer_state()
    trainer = started(name, tested, examples, 0)

    trainer.restore(state)

    restored = trainer.optimizer_state()
    assert restored.keys() == state.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(restored[key], value, key, strict=True)


@pytest.mark.parametrize("name", TRAINING)
def test_a_trainer_gives_the_weights_back_as_it_got_them(name: str) -> None:
    tested, examples = digits()
    weights = random_weights(tested.graph)

    trainer = found_training(name).trainer(tested, weights, examples, "cpu")

    check_identical(trainer.weights(), weights)


@pytest.mark.parametrize("name", TRAINING)
def test_weights_that_a_trainer_gave_stay_as_they_were(name: str) -> None:
    tested, examples = digits()
    weights = random_weights(tested.graph)
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")
    returned = trainer.weights()

    go_on(trainer, tested, len(examples), [1], 0)

    check_identical(returned, weights)


@pytest.mark.parametrize("name", TRAINING)
def test_a_trainer_predicts_with_the_moving_statistics_and_without_masks(name: str) -> None:
    tested, examples = digits()
    trainer = trained(name)
    oracle = Oracle(tested, trainer.weights())

    outputs = trainer.predict(*examples.values())

    np.testing.assert_allclose(outputs, oracle.predict(*examples.values()), 1e-5, 1e-6)
    np.testing.assert_array_equal(outputs, trainer.predict(*examples.values()))
