"""Dropout in training: which values it drops, how it scales the others, and what they share.

Masks follow from the seed of the training and differ between backends, so they are compared with
their definition. A network of Dropout and one Dense shows them: with a kernel of zeros and an input
of ones, half the mask is the gradient of the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from types import MappingProxyType

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import TRAINING, found_training
from netspec.data import Examples
from netspec.language.layers import Shape
from netspec.testing.networks import network

RATE = 2.0**-40
"""The learning rate: so small that the probabilities stay at one half."""

pytestmark = pytest.mark.parametrize("name", TRAINING)


def masks(
    name: str,
    shape: Shape,
    *layers: str,
    labels: tuple[int, ...] = (0,),
    steps: int = 1,
    seeds: tuple[int, ...] = (0,),
    weights: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> NDArray[np.float32]:
    """The scaled masks that an epoch of some steps puts on images of ones, summed: (seeds, …).

    A step sees an image for every label. The masks of images with label 1 count negatively. What is
    not in `weights` is 0.
    """
    last = "Dense: {units: 2, activation: softmax, name: last}"
    tested = network(shape, [*layers, "Flatten", last], "sgd")
    zeros = {key: np.zeros(weight.shape, np.float32) for key, weight in tested.graph.weights()}
    count = len(labels)
    examples = Examples((np.ones((count, *shape), np.float32),), (np.array(labels, np.int32),))
    trainer = found_training(name).trainer(tested, {**zeros, **weights}, examples, "cpu")
    kernels = [zeros["last.kernel"]]
    for seed in seeds:
        order = np.tile(np.arange(count), steps)
        list(trainer.epoch(order, count, np.full(steps, RATE, np.float32), seed))
        kernels.append(trainer.weights()["last.kernel"])
    return (np.diff(kernels, axis=0)[..., 0] * (2 * count / RATE)).reshape(
        len(seeds), *tested.graph.nodes[-3].shape
    )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_rate_is_dropped_and_the_rest_scaled_up(name: str, rate: float) -> None:
    (mask,) = masks(name, (40, 50, 5), f"Dropout: {{rate: {rate}}}")

    kept = mask[mask != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), 1e-6)
    deviation = sqrt(rate * (1 - rate) / mask.size)
    assert abs(kept.size / mask.size - (1 - rate)) < 4 * deviation


def test_a_rate_of_zero_drops_nothing(name: str) -> None:
    (mask,) = masks(name, (100,), "Dropout: {rate: 0.0}")

    np.testing.assert_array_equal(mask, 1)


@pytest.mark.parametrize(
    ("noise", "shared"),
    [
        ("[1, null, null]", (0,)),
        ("[1, 1, 5]", (0, 1)),
        ("[4, 30, 1]", (2,)),
        ("[1, 1, 1]", (0, 1, 2)),
    ],
)
def test_an_axis_of_one_shares_its_mask(name: str, noise: str, shared: tuple[int, ...]) -> None:
    drawn = masks(
        name, (4, 30, 5), f"Dropout: {{rate: 0.5, noise_shape: {noise}}}", seeds=tuple(range(8))
    )

    axes = tuple(axis + 1 for axis in shared)
    np.testing.assert_array_equal(
        drawn, np.broadcast_to(drawn.max(axes, keepdims=True), drawn.shape)
    )
    drawn = drawn.max(axes)
    assert set(np.unique(drawn)) == {0, 2}
    assert abs((drawn != 0).mean() - 0.5) < 2 / sqrt(drawn.size)


def test_every_image_has_a_mask_of_its_own(name: str) -> None:
    (difference,) = masks(name, (1000,), "Dropout: {rate: 0.5}", labels=(0, 1))

    assert set(np.unique(difference)) == {-2, 0, 2}


def test_every_image_has_a_shared_mask_of_its_own(name: str) -> None:
    differences = masks(
        name, (3, 200), "Dropout: {rate: 0.5, noise_shape: [1, null]}", labels=(0, 1)
    )

    assert set(np.unique(differences)) == {-2, 0, 2}


def test_every_step_has_a_mask_of_its_own(name: str) -> None:
    (total,) = masks(name, (1000,), "Dropout: {rate: 0.5}", steps=2)

    assert set(np.unique(total)) == {0, 2, 4}


def test_every_layer_has_a_mask_of_its_own(name: str) -> None:
    (both,) = masks(name, (1000,), "Dropout: {rate: 0.5}", "Dropout: {rate: 0.5}")

    assert set(np.unique(both)) == {0, 4}
    assert abs((both != 0).mean() - 0.25) < 0.06


def test_the_seed_of_an_epoch_decides_its_masks(name: str) -> None:
    first, again, other = masks(name, (1000,), "Dropout: {rate: 0.5}", seeds=(7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
