"""An image of a digit is prepared as the images of the data sets were."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from netspec.data.ink import centre_of_mass, prepare_digits, prepare_mnist
from netspec.data.sources.digits import load_digits


def draw_digit(digit: str, size: int, place: tuple[int, int], ink: int = 0, paper: int = 255):
    """A printed digit (160, 200) from 0 to 255."""
    image = Image.new("L", (200, 160), paper)
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(image).text(place, digit, fill=ink, font=font)
    return np.asarray(image, np.float32)


def extent(image: np.ndarray) -> tuple[int, int]:
    """The height and width of all pixels that are not 0."""
    return tuple(int(np.ptp(np.flatnonzero(image.any(axis)))) + 1 for axis in (1, 0))


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize(("size", "place"), [(30, (2, 2)), (120, (90, 10))])
def test_printed_ink_is_scaled_and_centred(digit, size, place):
    image = prepare_mnist(draw_digit(digit, size, place)).image
    assert image.shape == (28, 28)
    assert max(extent(image)) == 20
    assert centre_of_mass(image) == pytest.approx((14, 14), abs=0.51)
    assert (image.min(), image.max()) == (0, 255)


def test_proportions_stay():
    image = np.full((100, 90), 255, np.float32)
    image[10:90, 5:25] = 0
    assert extent(prepare_mnist(image).image) == (20, 5)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (255, 0), (90, 200), (180, 60)])
def test_any_ink_and_paper_become_one_image(ink, paper):
    black_on_white = prepare_mnist(draw_digit("4", 80, (40, 30)))
    preparation = prepare_mnist(draw_digit("4", 80, (40, 30), ink, paper))
    np.testing.assert_allclose(preparation.image, black_on_white.image, atol=8)
    inverted = any("inverted" in step for step in preparation.steps)
    assert inverted == (ink < paper)


def like_mnist() -> np.ndarray:
    """An image like MNIST's images: prepared once."""
    return prepare_mnist(draw_digit("3", 90, (20, 20))).image


def test_an_mnist_image_is_unchanged():
    preparation = prepare_mnist(like_mnist())
    np.testing.assert_array_equal(preparation.image, like_mnist())
    assert preparation.steps == ()


def test_an_inverted_mnist_image_is_only_inverted():
    preparation = prepare_mnist(255 - like_mnist())
    np.testing.assert_array_equal(preparation.image, like_mnist())
    assert preparation.steps == ("dark ink on light paper was inverted",)


def test_a_digit_off_centre_is_moved():
    image = np.roll(like_mnist(), (-3, 4), (0, 1))
    np.testing.assert_allclose(prepare_mnist(image).image, like_mnist(), atol=80)
    assert prepare_mnist(image).steps != ()


def test_an_image_without_ink_stays_empty():
    for grey in (0, 99, 255):
        assert not np.ptp(prepare_mnist(np.full((50, 40), grey, np.float32)).image)


def test_large_and_small_images_become_equal():
    small = draw_digit("5", 90, (30, 10))
    large = np.kron(small, np.ones((20, 20), np.float32))
    np.testing.assert_allclose(prepare_mnist(large).image, prepare_mnist(small).image, atol=60)


def test_an_image_of_the_digits_is_unchanged():
    image = load_digits()["x_test"][0] * np.float32(255 / 16)
    np.testing.assert_array_equal(prepare_digits(image).image, image)
    np.testing.assert_array_equal(prepare_digits(255 - image).image, image)


def test_blocks_of_the_digits_count_ink():
    # A filled rectangle of half the width: 32 rows, 16 columns in the middle of 32.
    image = np.full((100, 100), 255, np.float32)
    image[10:74, 50:82] = 0
    expected = np.zeros((8, 8))
    expected[:, 2:6] = 255
    np.testing.assert_array_equal(prepare_digits(image).image, expected)
