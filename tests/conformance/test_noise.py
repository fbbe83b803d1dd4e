"""Regularization in training beside Dropout: what the noise is distributed as, and what shares it.

See `test_dropout` for how a network shows what a layer does to an image of ones.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import TRAINING
from conformance.test_dropout import masks
from netspec.language.layers import Shape

pytestmark = pytest.mark.parametrize("name", TRAINING)

SPATIAL: list[tuple[str, Shape, tuple[str, ...]]] = [
    ("SpatialDropout1D", (3, 400), ()),
    ("SpatialDropout2D", (3, 2, 400), ()),
    ("SpatialDropout2D", (3, 2, 400), ("MaxPooling2D: {pool_size: 1}",)),  # channels first
    ("SpatialDropout3D", (2, 2, 2, 400), ()),
]


@pytest.mark.parametrize(("tag", "shape", "before"), SPATIAL)
def test_a_channel_is_dropped_as_a_whole(
    name: str, tag: str, shape: Shape, before: tuple[str, ...]
) -> None:
    (mask,) = masks(name, shape, *before, f"{tag}: {{rate: 0.25}}")

    places = mask.reshape(-1, shape[-1])
    np.testing.assert_array_equal(places, np.broadcast_to(places[0], places.shape))
    np.testing.assert_allclose(np.unique(places[0]), [0, 4 / 3], 1e-6)
    assert abs((places[0] == 0).mean() - 0.25) < 4 * sqrt(0.25 * 0.75 / shape[-1])


def check_normal(values: NDArray[np.float32], mean: float, deviation: float) -> None:
    """Within four standard errors of the mean, the deviation and the share within a deviation."""
    error = 4 / sqrt(values.size)
    assert abs(values.mean() - mean) < error * deviation
    assert abs(values.std() / deviation - 1) < error / sqrt(2)
    assert abs((np.abs(values - mean) < deviation).mean() - 0.6827) < error / 2


def test_gaussian_noise_is_added(name: str) -> None:
    (noisy,) = masks(name, (5000,), "GaussianNoise: {stddev: 0.5}")

    check_normal(noisy, 1, 0.5)


def test_gaussian_dropout_is_multiplied(name: str) -> None:
    (noisy,) = masks(name, (5000,), "GaussianDropout: {rate: 0.2}")

    check_normal(noisy, 1, 0.5)


@pytest.mark.parametrize("layer", ["GaussianNoise: {stddev: 0.0}", "GaussianDropout: {rate: 0.0}"])
def test_no_noise_changes_nothing(name: str, layer: str) -> None:
    (same,) = masks(name, (100,), layer)

    np.testing.assert_array_equal(same, 1)


@pytest.mark.parametrize("layer", ["GaussianNoise: {stddev: 0.5}", "GaussianDropout: {rate: 0.5}"])
def test_noise_follows_from_the_seed_of_the_epoch(name: str, layer: str) -> None:
    first, again, other = masks(name, (1000,), layer, seeds=(7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


@pytest.mark.parametrize(
    ("layer", "deviation"),
    [("GaussianNoise: {stddev: 0.5}", 0.5), ("GaussianDropout: {rate: 0.2}", 0)],
)
def test_noise_is_added_to_zeros_where_dropout_leaves_them(
    name: str, layer: str, deviation: float
) -> None:
    zeros = "BatchNormalization: {scale: false, center: false}"  # a batch of one image is its mean

    (noisy,) = masks(name, (5000,), zeros, layer)

    assert abs(noisy.std() - deviation) < 4 * deviation / sqrt(2 * noisy.size) + 1e-6
