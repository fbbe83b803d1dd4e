"""What is tested of a backend that trains: losses, steps of gradient descent, and resuming.

The expected values follow from `netspec.numerics.losses` and from netspec's promises, so that no
other framework is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Steps, Target, Trainer
from netspec.backend.declaration import ExactFunction, Gradients
from netspec.data.examples import Examples
from netspec.network import Network, loads
from netspec.numerics.losses import positions, summed
from netspec.numerics.weights import Array, Weights
from netspec.testing.checks import check_derivatives
from netspec.testing.networks import random_inputs, random_weights

RATE = 0.5
EXAMPLES, INPUTS, UNITS = 6, 5, 4


@dataclass(frozen=True)
class LossCase:
    """A loss as a spec writes it, the activation of the output, and the kind of the targets."""

    loss: str
    activation: str
    targets: str

    def __str__(self) -> str:
        return f"{self.loss} of {self.activation}"


LOSSES = (
    LossCase("sparse_categorical_crossentropy", "softmax", "classes"),
    LossCase("sparse_categorical_crossentropy: {from_logits: true}", "linear", "classes"),
    LossCase("sparse_categorical_crossentropy: {label_smoothing: 0.2}", "softmax", "classes"),
    LossCase("sparse_categorical_crossentropy: {ignore_class: 1}", "softmax", "classes"),
    LossCase("categorical_crossentropy", "softmax", "distribution"),
    LossCase("binary_crossentropy: {label_smoothing: 0.1}", "sigmoid", "binary"),
    LossCase("mean_squared_error", "sigmoid", "values"),
    LossCase("mean_absolute_error", "linear", "values"),
    LossCase("huber: {delta: 0.3}", "linear", "values"),
    LossCase("kl_divergence", "softmax", "distribution"),
    LossCase("poisson", "softplus", "positive"),
    LossCase("hinge", "tanh", "signs"),
    LossCase("squared_hinge", "linear", "signs"),
    LossCase("categorical_hinge", "linear", "one_hot"),
    LossCase("cosine_similarity", "linear", "values"),
)
"""Every loss, each with an output that it is used with."""


def small_network(case: LossCase, optimizer: str = f"sgd: {{learning_rate: {RATE}}}") -> Network:
    """A network of one Dense that is trained with a loss."""
    loss = f"{{{case.loss}}}" if ":" in case.loss else case.loss
    optimizer = f"{{{optimizer}}}" if ":" in optimizer else optimizer
    return loads(
        f"netspec: 1\nname: trained\ninput: [{INPUTS}]\n"
        f"layers: [Dense: {{units: {UNITS}, activation: {case.activation}}}]\n"
        f"train: {{loss: {loss}, metrics: [], optimizer: {optimizer}}}"
    )


def random_targets(kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Targets of a kind for outputs of the shape (n, …, units); classes have no last axis."""
    random = np.random.default_rng(7)
    *_, units = shape
    match kind:
        case "classes":
            return random.integers(0, units, shape[:-1], np.int32)
        case "one_hot":
            return np.eye(units, dtype=np.float32)[random.integers(0, units, shape[:-1])]
        case "distribution":
            return random.dirichlet(np.ones(units), shape[:-1]).astype(np.float32)
        case "binary":
            return random.integers(0, 2, shape).astype(np.float32)
        case "signs":
            return random.choice([-1, 1], shape).astype(np.float32)
        case "positive":
            return random.poisson(2, shape).astype(np.float32)
        case _:
            return random.normal(0, 1, shape).astype(np.float32)


def check_step(backend: Target, case: LossCase, exact: ExactFunction) -> None:
    """Check the loss of a step, and that the step follows the gradient of the loss."""
    network = small_network(case)
    before, inputs = random_weights(network.graph), random_inputs(network.graph, EXAMPLES)
    targets = random_targets(case.targets, (EXAMPLES, UNITS))
    trainer = backend.trainer(network, before, Examples((inputs,), (targets,)), "cpu")
    np.testing.assert_equal(trainer.weights(), before)

    (steps,) = _train(trainer, np.arange(EXAMPLES), EXAMPLES, RATE)

    def loss(
        network: Network,
        weights: Weights,
        inputs: list[Array],
        training: bool,  # noqa: FBT001
    ) -> list[NDArray[np.float64]]:
        objective = network.objectives[0]
        outputs = exact(network, weights, inputs, training)
        if objective.taken_off is not None:
            kernel, bias = weights["dense.kernel"], weights["dense.bias"]
            outputs = [inputs[0].astype(np.float64) @ kernel + bias]
        total = summed(objective.loss, outputs[0], targets).sum()
        return [np.asarray(total / positions(objective.loss, outputs[0], targets).sum())]

    (expected,) = loss(network, before, [inputs], True)
    np.testing.assert_allclose(steps.losses, [expected], 1e-5, 1e-6)
    after = trainer.weights()
    gradients = {key: (before[key] - after[key]) / np.float32(RATE) for key in before}
    check_derivatives(
        *(loss, network, before, [inputs], [np.ones((), np.float32)]),
        Gradients([], gradients, {}),
        training=True,
    )


def check_resumed(backend: Target, optimizer: str) -> None:
    """Check that a trainer with restored weights and state goes on exactly as the first one."""
    network = small_network(LOSSES[0], optimizer)
    inputs, targets = (
        random_inputs(network.graph, 12),
        random_targets(LOSSES[0].targets, (12, UNITS)),
    )
    examples, order = Examples((inputs,), (targets,)), np.arange(12)
    first = backend.trainer(network, random_weights(network.graph), examples, "cpu")
    _train(first, order, 4, 0.1)
    resumed = backend.trainer(network, first.weights(), examples, "cpu")
    resumed.restore(first.optimizer_state())

    for trainer in (first, resumed):
        _train(trainer, np.flip(order).copy(), 5, 0.1)

    np.testing.assert_equal(resumed.weights(), first.weights())


def _train(trainer: Trainer, order: NDArray[np.int64], batch_size: int, rate: float) -> list[Steps]:
    """One epoch with a constant learning rate."""
    count = -(-len(order) // batch_size)
    return [*trainer.epoch(order, batch_size, np.full(count, rate, np.float32), 0)]
