"""The values of black and white in training data, and the conversion of pixels to them."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.data.pixels import pixel_range, raw_divisor
from netspec.data.record import ArrayRecord
from netspec.language.data import SOURCES, Promise
from netspec.text.diagnostics import DataError

PIXELS = np.array([0, 51, 255], np.float32)


def make_record(dtype: str, minimum: float | None, maximum: float | None) -> ArrayRecord:
    return ArrayRecord(
        dtype=dtype, count=9, shape=(2, 2, 1), minimum=minimum, maximum=maximum, hash=""
    )


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (make_record("uint8", 0, 255), [0, 51, 255]),
        (make_record("uint8", 3, 230), [0, 51, 255]),
        (make_record("int64", 0, 255), [0, 51, 255]),
        (make_record("float32", 0, 255), [0, 51, 255]),
        (make_record("float32", 0, 1), [0, 0.2, 1]),
        (make_record("float64", 0.1, 0.7), [0, 0.2, 1]),
        (make_record("bool", 0, 1), [0, 0.2, 1]),
        (make_record("uint8", 0, 1), [0, 0.2, 1]),
        (make_record("uint16", 0, 65535), [0, 13107, 65535]),
        (make_record("float32", -1, 1), [-1, -0.6, 1]),
        (None, [0, 51, 255]),
    ],
    ids=str,
)
def test_pixels_become_values_of_the_training_data(record, values):
    actual = pixel_range(Promise(), record).values_of(PIXELS, "image.png")
    np.testing.assert_allclose(actual, values, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("data", "white"), [("mnist", 255), ("digits", 16)])
def test_a_known_data_set_defines_white(data, white):
    promise = SOURCES[data](dataset=data).promise
    assert pixel_range(promise, make_record("uint8", 0, 9)).values_of(PIXELS, "a")[-1] == white


@pytest.mark.parametrize(
    "record",
    [
        make_record("float32", -2.1, 2.6),
        make_record("float32", -0.4, 0.4),
        make_record("float32", 0, 70000),
        make_record("float32", None, None),
    ],
    ids=str,
)
def test_values_that_no_image_has_are_refused(record):
    with pytest.raises(DataError):
        pixel_range(Promise(), record)


@pytest.mark.parametrize(
    ("dtype", "maximum"), [("uint8", 16), ("float32", 2.6), ("uint16", 4095)], ids=str
)
def test_an_image_beyond_the_training_range_is_refused(dtype, maximum):
    training_range = pixel_range(Promise(), make_record(dtype, 0, maximum))
    training_range.values_of(PIXELS / 255, "dark.png")
    with pytest.raises(DataError, match=rf"bright\.png .*{dtype} from 0 to {maximum}"):
        training_range.values_of(PIXELS, "bright.png")


@pytest.mark.parametrize(
    ("record", "scale", "divisor", "white"),
    [
        (make_record("uint8", 0, 255), 255, 255, 255),
        (make_record("float32", 0, 1), 1, 255, 255),
        (make_record("float32", 0, 1), 0.5, 127.5, 255),
        (None, 16, 16, 255),
    ],
)
def test_raw_pixels_are_divided_to_training_range(record, scale, divisor, white):
    assert raw_divisor(Promise(), record, float(scale)) == (divisor, white)


@pytest.mark.parametrize("record", [make_record("uint16", 0, 65535), make_record("float32", -1, 1)])
def test_raw_input_beyond_the_training_range_is_refused(record):
    with pytest.raises(DataError, match="raw input is pixels of 8 bits"):
        raw_divisor(Promise(), record, 1.0)
