"""Steps that are recorded once and launched again: they are those of a training that is not."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.networks import all_random_inputs, found_training, network, random_weights
from netspec.backend import Steps
from netspec.data import Examples, epoch_order
from netspec.graph import Network
from netspec.weights import Array

torch = pytest.importorskip("torch")

from netspec_torch.capture import Launched  # noqa: E402
from netspec_torch.optimizers import in_one_update  # noqa: E402

IMAGES, SIZE, STEPS, EPOCHS = 30, 4, 3, 2  # two launches, a whole batch, and one of two images

CHAIN = [
    "Conv2D: {filters: 4, kernel_size: 3, activation: relu}",
    "BatchNormalization: {momentum: 0.9}",
    "MaxPooling2D",
    "Flatten",
    "Dropout: {rate: 0.5}",
    "Dense: {units: 3, activation: softmax, kernel_regularizer: {l2: {l2: 0.01}}}",
]


def networks() -> dict[str, Network]:
    constrained = "Dense: {units: 3, activation: softmax, kernel_constraint: {max_norm: {}}}"
    falling = "polynomial_decay: {initial_learning_rate: 0.05}"
    return {
        "adam": network((6, 6, 2), CHAIN, "adam", metrics="[accuracy]"),
        "decaying": network((6, 6, 2), CHAIN, f"adamw: {{learning_rate: {{{falling}}}}}"),
        "clipped": network((6, 6, 2), CHAIN, "sgd: {momentum: 0.9, clipnorm: 0.1}"),
        "rmsprop": network((6, 6, 2), CHAIN, "rmsprop: {momentum: 0.9}", metrics="[f1_score]"),
        "nadam": network((6, 6, 2), CHAIN, "nadam: {global_clipnorm: 0.1}"),
        "adamax": network((6, 6, 2), CHAIN, "adamax"),
        "lion": network((6, 6, 2), CHAIN, "lion: {weight_decay: 0.1}"),
        "constrained": network((4,), [constrained], "adagrad"),
        "16 bits": network((6, 6, 2), CHAIN, "adam", precision="mixed_bfloat16"),
    }


def repeated(compute):
    """What a CUDA graph does, on a processor: the same tensors get new values."""
    figures = compute()

    def replay() -> None:
        for old, new in zip(figures.tensors(), compute().tensors(), strict=True):
            old.copy_(new)

    return figures, replay


def refused(compute):
    compute()
    raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


def trained(tested: Network, record=None) -> tuple[dict[str, Array], list[Steps]]:
    """The weights and the figures after some epochs, captured by `record` where there is one."""
    (inputs,) = all_random_inputs(tested.graph, IMAGES)
    labels = np.arange(IMAGES, dtype=np.int32) % 3
    examples = Examples((inputs,), (labels,), np.linspace(0.5, 1.5, IMAGES, dtype=np.float32))
    trainer = found_training("torch").trainer(tested, random_weights(tested.graph), examples, "cpu")
    if record:
        launched = Launched(trainer._updated, trainer._state, STEPS, SIZE, record)
        trainer._launched = lambda _steps, _size: launched
    rates = np.linspace(0.05, 0.01, -(-IMAGES // SIZE), dtype=np.float32)
    given = [
        steps
        for epoch in range(EPOCHS)
        for steps in trainer.epoch(epoch_order(IMAGES, 0, epoch), SIZE, rates, epoch)
    ]
    return trainer.weights(), given


@pytest.mark.parametrize("name", networks())
def test_captured_steps_are_those_of_a_training_that_is_not(name: str) -> None:
    tested = networks()[name]

    (weights, given), (expected, wanted) = trained(tested, repeated), trained(tested)

    # The numbers of an update are tensors of float32 in a recording, and else Python's own.
    for key, value in expected.items():
        np.testing.assert_allclose(weights[key], value, 1e-5, 1e-6, err_msg=key)
    for one, other in zip(given, wanted, strict=True):
        np.testing.assert_allclose(one.losses, other.losses, 1e-5)
        np.testing.assert_array_equal(one.correct, other.correct)
        for found, value in zip(one.outputs, other.outputs, strict=True):
            np.testing.assert_allclose(found, value, 1e-5, 1e-6)


def test_a_step_that_cannot_be_captured_is_computed_as_it_is() -> None:
    tested = networks()["adam"]

    with pytest.warns(UserWarning, match="no CUDA graph holds this network .*capturing") as told:
        weights, _ = trained(tested, refused)

    assert len(told) == 1
    expected, _ = trained(tested)
    for key, value in expected.items():
        np.testing.assert_array_equal(weights[key], value, key)


def test_a_batch_is_computed_from_memory_of_its_own() -> None:
    """A recording reads the tensors that it was made with, whatever they were copied from."""
    tested = networks()["adam"]
    seen: list[int] = []

    def watched(compute):
        figures, replay = repeated(compute)
        return figures, lambda: (seen.append(1), replay())

    trained(tested, watched)

    assert len(seen) == EPOCHS * (IMAGES // SIZE // STEPS)


@pytest.mark.parametrize(
    ("optimizer", "more", "alike"),
    [
        ("adam", {}, True),
        ("adam: {use_ema: true}", {}, False),  # the first average is the weight itself
        ("adam", {"gradient_accumulation_steps": 2}, False),  # every second step moves the weights
    ],
)
def test_steps_that_are_not_alike_are_not_recorded(optimizer, more, alike) -> None:
    train = network((6, 6, 2), CHAIN, optimizer, **more).spec.train
    assert train is not None
    assert in_one_update(train) == alike
