"""Augmentation in training: what is drawn, and that PyTorch does with it what Keras does.

Images whose values are columns and rows show where a layer takes its values from. The
oracle of what is done for certain draws are Keras's layers, on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import sqrt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import TRAINING, found, found_training
from conformance.test_dropout import masks
from keras_oracle import keras
from netspec.language.layers import Shape
from netspec.numerics.weights import Array
from netspec.testing.networks import network

COUNT, SIDE = 400, 21
MIDDLE = SIDE // 2


def trained(name: str, layer: str, images: Array) -> Array:
    """The outputs of a backend's model of one layer in training."""
    model: Any = found_training(name).model(network(images.shape[1:], [layer]), {})
    if name == "keras":
        keras.utils.set_random_seed(3)
        return model(images, training=True).numpy()
    import torch

    torch.manual_seed(3)
    return model.train()(torch.tensor(images)).numpy()


def coordinates(count: int, height: int, width: int) -> Array:
    """Images (count, height, width, 2) of the column and the row of every pixel."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([columns, rows], axis=-1).astype(np.float32)
    return np.broadcast_to(image, (count, height, width, 2)).copy()


def sources(name: str, layer: str) -> tuple[Array, Array, Array]:
    """Where the middle of every image comes from, and the steps there down and right: (n, 2)."""
    images = trained(name, layer, coordinates(COUNT, SIDE, SIDE))
    middle = images[:, MIDDLE, MIDDLE]
    down = images[:, MIDDLE + 1, MIDDLE] - middle
    return middle - MIDDLE, down, images[:, MIDDLE, MIDDLE + 1] - middle


def check_uniform(drawn: NDArray[np.floating], least: float, most: float) -> None:
    """Between the ends, and within four standard errors of a uniform distribution's quarters."""
    parts = (drawn - least) / (most - least)
    assert parts.min() > -1e-3
    assert parts.max() < 1 + 1e-3
    for quarter in (0.25, 0.5, 0.75):
        error = sqrt(quarter * (1 - quarter) / len(parts))
        assert abs((parts < quarter).mean() - quarter) < 4 * error


@pytest.mark.parametrize("name", TRAINING)
def test_shifts_are_drawn_for_every_image_and_axis(name: str) -> None:
    layer = "RandomTranslation: {height_factor: [-0.1, 0.3], width_factor: 0.2}"

    middle, _, _ = sources(name, layer)

    check_uniform(-middle[:, 0], -0.2 * SIDE, 0.2 * SIDE)
    check_uniform(-middle[:, 1], -0.1 * SIDE, 0.3 * SIDE)
    assert abs(np.corrcoef(middle.T)[0, 1]) < 4 / sqrt(COUNT)


@pytest.mark.parametrize("name", TRAINING)
def test_turns_are_drawn_for_every_image(name: str) -> None:
    _, _, right = sources(name, "RandomRotation: {factor: [-0.1, 0.2]}")

    check_uniform(np.arctan2(right[:, 1], right[:, 0]) / (2 * np.pi), -0.1, 0.2)


@pytest.mark.parametrize("name", TRAINING)
def test_a_zoom_is_drawn_for_every_image_and_axis(name: str) -> None:
    _, down, right = sources(name, "RandomZoom: {height_factor: [-0.5, 0.3], width_factor: 0.2}")

    check_uniform(down[:, 1] - 1, -0.5, 0.3)
    check_uniform(right[:, 0] - 1, -0.2, 0.2)
    assert abs(np.corrcoef(down[:, 1], right[:, 0])[0, 1]) < 4 / sqrt(COUNT)


@pytest.mark.parametrize("name", TRAINING)
def test_a_zoom_of_one_factor_keeps_the_proportions(name: str) -> None:
    _, down, right = sources(name, "RandomZoom: {height_factor: 0.4}")

    check_uniform(down[:, 1] - 1, -0.4, 0.4)
    np.testing.assert_allclose(down[:, 1], right[:, 0], 1e-5)


@pytest.mark.parametrize(
    ("mode", "axes"),
    [("horizontal", (2,)), ("vertical", (1,)), ("horizontal_and_vertical", (1, 2))],
)
@pytest.mark.parametrize("name", TRAINING)
def test_half_of_the_images_are_mirrored(name: str, mode: str, axes: tuple[int, ...]) -> None:
    images = coordinates(COUNT, 3, 4)

    flipped = trained(name, f"RandomFlip: {{mode: {mode}}}", images)

    mirrored = (flipped == np.flip(images, axes)).all(axis=(1, 2, 3))
    assert (mirrored | (flipped == images).all(axis=(1, 2, 3))).all()
    assert abs(mirrored.mean() - 0.5) < 2 / sqrt(COUNT)


LAYERS = [
    "RandomFlip",
    "RandomTranslation: {height_factor: 0.3, width_factor: 0.3}",
    "RandomRotation: {factor: 0.2}",
    "RandomZoom: {height_factor: 0.3}",
]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", TRAINING)
def test_an_image_after_a_convolution_is_changed_as_well(name: str, layer: str) -> None:
    images = coordinates(20, 6, 5)
    pool = "MaxPooling2D: {pool_size: 1}"
    model: Any = found_training(name).model(network((6, 5, 2), [pool, layer, pool]), {})
    if name == "keras":
        changed = model(images, training=True).numpy()
    else:
        import torch

        changed = model.train()(torch.tensor(images)).numpy()

    assert changed.shape == images.shape
    assert (changed != images).any()
    assert changed[..., 0].max() <= 4 + 1e-5  # columns stay columns
    assert changed[..., 1].max() > 4 + 1e-5


@pytest.mark.parametrize("layer", LAYERS[1:])
@pytest.mark.parametrize("name", TRAINING)
def test_the_seed_of_an_epoch_decides_what_is_drawn(name: str, layer: str) -> None:
    constant = layer.replace("}", ", fill_mode: constant}")

    first, again, other = masks(name, (6, 5, 1), constant, seeds=(7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", TRAINING)
def test_the_seed_of_an_epoch_decides_what_is_mirrored(name: str) -> None:
    half = "height_factor: [0.5, 0.5], width_factor: 0.0, fill_mode: constant"
    layers = [f"RandomTranslation: {{{half}}}", "RandomFlip: {mode: vertical}"]

    first, again, other = masks(name, (6, 5, 1), *layers, steps=20, seeds=(7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


FILL_MODES = ["reflect", "wrap", "constant", "nearest"]
OUTSIDE = [
    {"fill_mode": fill, "interpolation": interpolation, "fill_value": 0.5}
    for fill, interpolation in product(FILL_MODES, ["bilinear", "nearest"])
]


def functions(layer: str) -> SimpleNamespace:
    """The functions of a generated PyTorch module."""
    found("torch")
    model = found_training("torch").model(network((7, 5, 3), [layer]), {})
    return SimpleNamespace(**type(model).forward.__globals__)


def drawn_images() -> Array:
    return np.random.default_rng(5).normal(size=(6, 7, 5, 3)).astype(np.float32)


def check_transformed(
    layer: str, keras_layer: Any, transformation: dict[str, Any], matrix: Callable[[Any], Any]
) -> None:
    """Compare PyTorch's images for certain draws with the images of Keras's layer."""
    import torch

    images, module = drawn_images(), functions(layer)
    expected = keras_layer.transform_images(keras.ops.convert_to_tensor(images), transformation)
    outside = {name: getattr(keras_layer, name) for name in OUTSIDE[0]}

    transformed = module.affine_transform(torch.tensor(images), matrix(module), **outside)

    np.testing.assert_allclose(transformed.numpy(), expected.numpy(), 1e-4, 1e-4)


def tensors(*values: Array) -> list[Any]:
    import torch

    return [torch.tensor(value) for value in values]


def identity(outside: dict[str, Any]) -> str:
    return f"{outside['fill_mode']} {outside['interpolation']}"


@pytest.mark.parametrize("outside", OUTSIDE, ids=identity)
def test_pytorch_shifts_images_as_keras_does(outside: dict[str, Any]) -> None:
    # Up to twice the image, halves of pixels, and nothing.
    down = np.float32([0, 1.5, -2.25, 8.3, -9.7, 13.1])
    right = np.float32([0, -3, 2.5, -5.6, 7.4, -8.2])
    keras_layer = keras.layers.RandomTranslation(1.0, 1.0, **outside)
    transformation = {"translations": np.stack([right, down], axis=1)}

    check_transformed(
        LAYERS[1],
        keras_layer,
        transformation,
        lambda module: module.translation(*tensors(down, right)),
    )


@pytest.mark.parametrize("outside", OUTSIDE, ids=identity)
def test_pytorch_turns_images_as_keras_does(outside: dict[str, Any]) -> None:
    turns = np.float32([0, 0.1, -0.07, 0.2, -0.31, 0.45])
    keras_layer = keras.layers.RandomRotation(1.0, **outside)
    zeros = np.zeros(6, np.float32)
    affine = {name: zeros for name in ("translate_x", "translate_y", "shear_x", "shear_y")}
    rotation = keras_layer._compute_affine_matrix(
        center_x=0.5, center_y=0.5, angle=360 * turns, scale=zeros + 1, height=7, width=5, **affine
    )

    check_transformed(
        LAYERS[2],
        keras_layer,
        {"rotation_matrix": rotation},
        lambda module: module.rotation(*tensors(turns), 7, 5),
    )


@pytest.mark.parametrize("outside", OUTSIDE, ids=identity)
def test_pytorch_zooms_images_as_keras_does(outside: dict[str, Any]) -> None:
    down = np.float32([1, 0.4, 0.73, 1.31, 1.9, 1.13])
    across = np.float32([1, 1.71, 0.57, 1.26, 0.9, 1.83])
    keras_layer = keras.layers.RandomZoom(0.9, 0.9, **outside)
    transformation = {"height_zoom": down[:, None], "width_zoom": across[:, None]}

    check_transformed(
        LAYERS[3],
        keras_layer,
        transformation,
        lambda module: module.zoom(*tensors(down, across), 7, 5),
    )


@pytest.mark.parametrize("shape", [(1, 5, 2), (6, 1, 2), (1, 1, 2)])
@pytest.mark.parametrize("fill", FILL_MODES)
def test_an_image_of_one_row_or_column_is_filled_as_in_keras(fill: str, shape: Shape) -> None:
    import torch

    images = np.random.default_rng(6).normal(size=(1, *shape)).astype(np.float32)
    down, right = np.float32([0.3]), np.float32([-0.6])
    keras_layer = keras.layers.RandomTranslation(1.0, 1.0, fill_mode=fill)
    transformation = {"translations": np.stack([right, down], axis=1)}
    expected = keras_layer.transform_images(
        keras.ops.convert_to_tensor(images), transformation
    ).numpy()
    module = functions(LAYERS[1])

    matrix = module.translation(*tensors(down, right))
    transformed = module.affine_transform(torch.tensor(images), matrix, fill)

    np.testing.assert_allclose(transformed.numpy(), expected, 1e-4, 1e-4)
