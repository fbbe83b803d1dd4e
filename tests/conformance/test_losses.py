"""Every loss is Keras's: its value, its gradient, and what the weights of the examples do to both.

One network has an output for every case, which reads the input by a separate layer, so that one
step of gradient descent shows the gradient of every loss by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import BACKENDS, TRAINING, found, found_training
from example_losses import by_example
from keras_oracle import keras, tf
from netspec.backend import Trainer
from netspec.data import Examples
from netspec.network import Network, loads
from netspec.numerics import losses as numpy_losses
from netspec.numerics.weights import Array, Weights
from netspec.testing.networks import random_weights
from netspec.testing.training import random_targets

RATE = np.float32(0.5)
BATCH, WIDTH, STEPS = 6, 5, 3


@dataclass(frozen=True)
class Case:
    """A loss at an output of some units; `shape` (…) are the axes before the units."""

    name: str
    loss: str
    oracle: Any  # Any: a loss of Keras
    targets: str
    units: int = 4
    activation: str = "linear"
    weight: float = 1.0


def smoothed(amount: float) -> Any:
    """Keras's categorical cross-entropy of class indices, which has the option that they lack."""
    categorical = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=amount)
    return lambda t, y, w: categorical(tf.one_hot(t, y.shape[-1]), y, w)


def smoothed_ignoring(amount: float, ignored: int) -> Any:
    """The same, where Keras's mask of values leaves out the targets of a class."""
    none = {"from_logits": True, "label_smoothing": amount, "reduction": None}
    categorical = keras.losses.CategoricalCrossentropy(**none)

    def oracle(t: Any, y: Any, w: Any) -> Any:
        values, mask = categorical(tf.one_hot(t, y.shape[-1]), y), tf.cast(t != ignored, tf.float32)
        weighted = values * mask if w is None else values * mask * w
        return tf.math.divide_no_nan(tf.reduce_sum(weighted), tf.reduce_sum(mask))

    return oracle


L = keras.losses
CASES = [
    Case("sparse", "sparse_categorical_crossentropy",
         L.SparseCategoricalCrossentropy(from_logits=True), "classes", 4, "softmax"),
    Case("sparse_logits", "sparse_categorical_crossentropy: {from_logits: true}",
         L.SparseCategoricalCrossentropy(from_logits=True), "classes", 4, "linear", 0.25),
    Case("sparse_smoothed", "sparse_categorical_crossentropy: {label_smoothing: 0.2}",
         smoothed(0.2), "classes", 4, "softmax"),
    Case("sparse_ignoring", "sparse_categorical_crossentropy: {ignore_class: 2}",
         L.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2), "classes", 4, "softmax"),
    Case("sparse_ignoring_smoothed",
         "sparse_categorical_crossentropy: {ignore_class: 0, label_smoothing: 0.2}",
         smoothed_ignoring(0.2, 0), "classes", 4, "softmax"),
    Case("categorical", "categorical_crossentropy",
         L.CategoricalCrossentropy(from_logits=True), "distribution", 4, "softmax"),
    Case("categorical_logits", "categorical_crossentropy: {from_logits: true}",
         L.CategoricalCrossentropy(from_logits=True), "one_hot"),
    Case("categorical_smoothed", "categorical_crossentropy: {label_smoothing: 0.1}",
         L.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), "one_hot", 4, "softmax"),
    Case("binary", "binary_crossentropy",
         L.BinaryCrossentropy(from_logits=True), "binary", 1, "sigmoid"),
    Case("binary_several", "binary_crossentropy",
         L.BinaryCrossentropy(from_logits=True), "binary", 4, "sigmoid", 2.0),
    Case("binary_smoothed", "binary_crossentropy: {label_smoothing: 0.1}",
         L.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), "binary", 4, "sigmoid"),
    Case("binary_logits", "binary_crossentropy: {from_logits: true, label_smoothing: 0.3}",
         L.BinaryCrossentropy(from_logits=True, label_smoothing=0.3), "binary"),
    Case("squares", "mean_squared_error", L.MeanSquaredError(), "values"),
    Case("squares_of_sigmoid", "mean_squared_error", L.MeanSquaredError(), "values", 3, "sigmoid"),
    Case("absolute", "mean_absolute_error", L.MeanAbsoluteError(), "values"),
    Case("huber", "huber", L.Huber(), "values"),
    Case("huber_delta", "huber: {delta: 0.3}", L.Huber(delta=0.3), "values"),
    Case("kl", "kl_divergence", L.KLDivergence(), "distribution", 4, "softmax"),
    Case("poisson", "poisson", L.Poisson(), "positive", 4, "softplus"),
    Case("hinge", "hinge", L.Hinge(), "signs", 4, "tanh"),
    Case("hinge_binary", "hinge", L.Hinge(), "binary", 1),
    Case("squared_hinge", "squared_hinge", L.SquaredHinge(), "signs"),
    Case("categorical_hinge", "categorical_hinge", L.CategoricalHinge(), "one_hot"),
    Case("cosine", "cosine_similarity", L.CosineSimilarity(), "values"),
]  # fmt: skip


def network(shape: tuple[int, ...]) -> Network:
    """An output for every case, each a Dense of the input of `shape`."""
    layers = [
        f"  - Dense: {{name: {case.name}, inputs: input, units: {case.units}, "
        f"activation: {case.activation}}}"
        for case in CASES
    ]
    losses = ", ".join(f"{case.name}: {braced(case.loss)}" for case in CASES)
    weights = ", ".join(f"{case.name}: {case.weight}" for case in CASES if case.weight != 1)
    lines = [
        "netspec: 1",
        "name: losses",
        f"input: {[*shape]}",
        "layers:",
        *layers,
        f"output: [{', '.join(case.name for case in CASES)}]",
        "train:",
        f"  loss: {{{losses}}}",
        f"  loss_weights: {{{weights}}}",
        f"  metrics: {{}}\n  optimizer: {{sgd: {{learning_rate: {RATE}}}}}",
    ]
    return loads("\n".join(lines))


def braced(loss: str) -> str:
    return f"{{{loss}}}" if ":" in loss else loss


def targets(case: Case, axes: tuple[int, ...], count: int = BATCH) -> NDArray[Any]:
    return random_targets(case.targets, (count, *axes, case.units))


EXAMPLE_WEIGHTS = np.array([1, 0, 2.5, 0.5, 1, 3], np.float32)


@dataclass(frozen=True)
class Step:
    """A step of a backend: the losses, and the weights before and after."""

    tested: Network
    examples: Examples
    trainer: Trainer
    total: float
    losses: dict[str, float]
    before: Weights
    after: Weights


@cache
def step(name: str, axes: tuple[int, ...], *, weighted: bool) -> Step:
    if not (axes or weighted):
        return unweighted(name)[1]
    tested, examples = network((*axes, WIDTH)), near_examples(axes, weighted=weighted)
    trainer = found_training(name).trainer(tested, random_weights(tested.graph), examples, "cpu")
    return take_step(tested, examples, trainer, np.arange(BATCH))


def near_examples(axes: tuple[int, ...], *, weighted: bool) -> Examples:
    inputs = np.random.default_rng(3).normal(0, 1, (BATCH, *axes, WIDTH)).astype(np.float32)
    weights = EXAMPLE_WEIGHTS if weighted else None
    return Examples((inputs,), tuple(targets(case, axes) for case in CASES), weights)


def take_step(
    tested: Network, examples: Examples, trainer: Trainer, order: NDArray[np.int64]
) -> Step:
    """A step with the examples, which the trainer has in this order."""
    before = trainer.weights()
    (report,) = trainer.epoch(order, BATCH, np.full(1, RATE, np.float32), 0)
    losses = dict(zip([case.name for case in CASES], report.by_output[0].tolist(), strict=True))
    total = float(report.losses[0])
    return Step(tested, examples, trainer, total, losses, before, trainer.weights())


def expected(case: Case, one_step: Step) -> tuple[float, dict[str, Array]]:
    """Keras's loss of a case, and its gradient with respect to the layer's weights."""
    kernel, bias = (
        tf.constant(one_step.before[f"{case.name}.{part}"]) for part in ("kernel", "bias")
    )
    truth = one_step.examples.targets[one_step.tested.graph.outputs.index(case.name)]
    weights = one_step.examples.weights
    if weights is not None:
        weights = weights.reshape(-1, *[1] * (truth.ndim - 1 - (case.targets != "classes")))
    activation = activation_before(case)
    with tf.GradientTape() as tape:
        tape.watch([kernel, bias])
        outputs = activation(tf.tensordot(one_step.examples.inputs[0], kernel, 1) + bias)
        loss = case.oracle(tf.constant(truth), outputs, weights)
    gradients = tape.gradient(loss, [kernel, bias])
    return float(loss), {"kernel": gradients[0].numpy(), "bias": gradients[1].numpy()}


def activation_before(case: Case) -> Any:
    """The activation that the loss sees: a cross-entropy is computed without it."""
    return keras.activations.get("linear" if "crossentropy" in case.loss else case.activation)


SETTINGS = [((), False), ((), True), ((STEPS,), True)]


@pytest.mark.parametrize(("axes", "weighted"), SETTINGS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", TRAINING)
def test_the_loss_and_its_gradient_are_keras(
    name: str, case: Case, axes: tuple[int, ...], weighted: bool
) -> None:
    one_step = step(name, axes, weighted=weighted)

    loss, gradients = expected(case, one_step)

    assert one_step.losses[case.name] == pytest.approx(loss, rel=1e-5)
    for part, gradient in gradients.items():
        key = f"{case.name}.{part}"
        actual = (one_step.before[key] - one_step.after[key]) / (RATE * np.float32(case.weight))
        bound = 1e-5 * max(1.0, np.abs(one_step.before[key]).max() / RATE)
        np.testing.assert_allclose(actual, gradient, 1e-5, bound, err_msg=key)


@pytest.mark.parametrize("name", TRAINING)
def test_the_loss_of_a_step_is_the_weighted_sum_of_those_of_the_outputs(name: str) -> None:
    one_step = step(name, (), weighted=True)

    total = sum(case.weight * one_step.losses[case.name] for case in CASES)

    assert one_step.total == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(("axes", "weighted"), SETTINGS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_loss_of_an_evaluation_is_keras(
    case: Case, axes: tuple[int, ...], weighted: bool
) -> None:
    one_step = step(TRAINING[0], axes, weighted=weighted)
    (objective,) = (
        objective for objective in one_step.tested.objectives if objective.output == case.name
    )
    truth = one_step.examples.targets[one_step.tested.graph.outputs.index(case.name)]
    kernel, bias = one_step.before[f"{case.name}.kernel"], one_step.before[f"{case.name}.bias"]
    outputs = activation_before(case)(one_step.examples.inputs[0] @ kernel + bias)

    totals = numpy_losses.summed(objective.loss, np.asarray(outputs), truth)

    weights = EXAMPLE_WEIGHTS if weighted else 1
    count = numpy_losses.positions(objective.loss, np.asarray(outputs), truth).sum()
    assert (totals * weights).sum() / count == pytest.approx(expected(case, one_step)[0], rel=1e-5)


@pytest.mark.parametrize("name", TRAINING)
def test_a_trainer_gives_every_output_behind_its_activation(name: str) -> None:
    one_step = step(name, (), weighted=False)

    outputs = one_step.trainer.outputs(*one_step.examples.inputs)

    for case, output in zip(CASES, outputs, strict=True):
        kernel, bias = one_step.after[f"{case.name}.kernel"], one_step.after[f"{case.name}.bias"]
        probabilities = keras.activations.get(case.activation)(
            one_step.examples.inputs[0] @ kernel + bias
        )
        np.testing.assert_allclose(output, probabilities, 1e-5, 1e-6, err_msg=case.name)


# Logits far beyond those at which the float32 probability is 0 or 1. Every Dense passes its input
# on, so that the inputs are the logits.

LOGITS = np.array([-200, -88, -40, -20, -17, -1, 0, 1, 17, 20, 40, 88, 200], np.float32)
FAR = 60


@cache
def far_examples() -> Examples:
    inputs = np.random.default_rng(11).choice(LOGITS, (FAR, WIDTH))
    return Examples((inputs,), tuple(targets(case, (), FAR) for case in CASES))


@cache
def passing_on() -> tuple[Network, Weights]:
    tested = network((WIDTH,))
    weights = {
        key: np.eye(*weight.shape, dtype=np.float32)
        if len(weight.shape) > 1
        else np.zeros(weight.shape, np.float32)
        for key, weight in tested.graph.weights()
    }
    return tested, weights


@cache
def far_losses(case: Case) -> list[float]:
    """Keras's loss of every example by itself."""
    (inputs,), truth = far_examples().inputs, far_examples().targets[CASES.index(case)]
    outputs = activation_before(case)(tf.constant(inputs[:, : case.units]))
    return [
        float(case.oracle(tf.constant(truth[index : index + 1]), outputs[index : index + 1], None))
        for index in range(FAR)
    ]


@cache
def unweighted(name: str) -> tuple[NDArray[np.float32], Step]:
    """The losses (examples, cases) of far logits in training, and a step of near ones.

    The far examples are batches of one, at a rate of 0. One trainer does both: TensorFlow takes
    five seconds to compile it.
    """
    (tested, weights), far, near = passing_on(), far_examples(), near_examples((), weighted=False)
    inputs, truths = (
        tuple(map(np.concatenate, zip(*parts, strict=True)))
        for parts in ((far.inputs, near.inputs), (far.targets, near.targets))
    )
    trainer = found_training(name).trainer(tested, weights, Examples(inputs, truths), "cpu")
    steps = [*trainer.epoch(np.arange(FAR), 1, np.zeros(FAR, np.float32), 0)]
    losses = np.concatenate([report.by_output for report in steps])
    return losses, take_step(tested, near, trainer, FAR + np.arange(BATCH))


@cache
def far_logits(name: str) -> tuple[Array, ...]:
    tested, weights = passing_on()
    return found(name).predictor(tested, weights, "cpu").logits(*far_examples().inputs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", TRAINING)
def test_the_loss_of_far_logits_in_training(name: str, case: Case) -> None:
    found_losses = unweighted(name)[0][:, CASES.index(case)]
    np.testing.assert_allclose(found_losses, far_losses(case), 1e-5, 1e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("name", BACKENDS)
def test_the_loss_of_far_logits_in_evaluation(name: str, case: Case) -> None:
    index, (tested, _) = CASES.index(case), passing_on()
    truth = far_examples().targets[index]
    found_losses = by_example(tested.objectives[index].loss, far_logits(name)[index], truth)
    np.testing.assert_allclose(found_losses, far_losses(case), 1e-5, 1e-5)


def test_cosine_similarity_of_tiny_vectors_is_keras() -> None:
    """Keras divides by 1e-7 at least (keras/src/ops/nn.py, 3.15)."""
    y, t = np.array([[3e-9, 4e-9]], np.float32), np.array([[1.0, 0.0]], np.float32)
    (loss,) = (
        objective.loss for objective in passing_on()[0].objectives if objective.output == "cosine"
    )
    assert by_example(loss, y, t)[0] == pytest.approx(
        float(L.cosine_similarity(t, tf.constant(y))[0]), rel=1e-5
    )
