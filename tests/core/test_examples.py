"""Examples stay as small as the data set stores them; values are computed when requested."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data import Dataset, load
from netspec.network import loads
from netspec.text.diagnostics import DataError

SPEC = """\
netspec: 1
name: tested
input: {shape}
layers: [{{Dense: {{units: 2}}}}]
data: {{dataset: npz, path: data.npz, target: input, scale: {scale}}}
train: {{loss: mean_squared_error}}
"""


def load_dataset(folder: Path, x: NDArray[Any], scale: float = 255) -> Dataset:
    """The data set of an autoencoder, with equal training and test data."""
    np.savez(folder / "data.npz", x_train=x, x_test=x)
    return load(loads(SPEC.format(shape=[*x.shape[1:]], scale=scale), folder))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        *((dtype, dtype) for dtype in ("uint8", "int8", "uint16", "int16", "bool", "float32")),
        *((dtype, "float32") for dtype in ("int32", "int64", "uint64", "float16", "float64")),
    ],
)
def test_types_smaller_than_float32_stay(dtype: str, expected: str, tmp_path: Path) -> None:
    array = np.array([[0, 1], [1, 100]]).astype(dtype)

    (inputs,) = load_dataset(tmp_path, array).train.inputs

    assert inputs.dtype == expected
    np.testing.assert_array_equal(inputs, array.astype(expected))


def test_values_are_quotients_of_float32(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(128, 2)
    examples = load_dataset(tmp_path, pixels).train

    quotients = pixels.astype(np.float32) / np.float32(255)
    assert quotients.dtype == np.float32
    np.testing.assert_array_equal(examples.values()[0], quotients, strict=True)
    chosen = np.array([7, 0, 100])
    np.testing.assert_array_equal(examples.values(chosen)[0], quotients[chosen], strict=True)
    np.testing.assert_array_equal(examples[3:5].answers()[0], quotients[3:5], strict=True)


def test_parts_are_all_examples_in_their_order(tmp_path: Path) -> None:
    x = np.arange(5000, dtype=np.float32).reshape(2500, 2)
    examples = load_dataset(tmp_path, x).train

    parts = [*examples.parts()]

    assert [len(part) for part in parts] == [1000, 1000, 500]
    np.testing.assert_array_equal(np.concatenate([part.inputs[0] for part in parts]), x)


def test_a_part_of_large_tensors_is_small(tmp_path: Path) -> None:
    examples = load_dataset(tmp_path, np.zeros((10, 2), np.uint8)).train

    assert [len(part) for part in examples.parts(largest=1 << 20)] == [4, 4, 2]
    assert [len(part) for part in examples.parts(largest=1 << 30)] == [1] * 10


@pytest.mark.parametrize(
    ("wrong", "dtype", "scale"),
    [(np.nan, "float32", 1), (np.inf, "float64", 255), (1e300, "float64", 1), (9, "uint8", 1e-38)],
)
def test_values_that_are_not_finite_are_errors(
    wrong: float, dtype: str, scale: float, tmp_path: Path
) -> None:
    x = np.zeros((2500, 2), dtype)
    x[2400, 1] = wrong

    with (
        np.errstate(over="ignore"),
        pytest.raises(DataError, match="train examples hold values that are not finite"),
    ):
        load_dataset(tmp_path, x, scale)


def test_no_float_copy_of_the_pixels_is_made(tmp_path: Path) -> None:
    pixels = np.zeros((12000, 40, 40, 2), np.uint8)
    tracemalloc.start()
    try:
        load_dataset(tmp_path, pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # The training images, the test images, and a part of them as floats.
    assert peak < 2 * pixels.nbytes + (34 << 20) < 4 * pixels.nbytes


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test", "w_train"])
def test_a_single_number_is_no_array_of_examples(key: str, tmp_path: Path) -> None:
    arrays = {
        f"{kind}_{part}": np.zeros(3, np.uint8) for kind in "xy" for part in ("train", "test")
    }
    np.savez(tmp_path / "data.npz", **(arrays | {key: np.uint8(1)}))
    spec = SPEC.format(shape=[1], scale=1).replace("target: input, ", "")
    with pytest.raises(DataError, match=f"{key} is a single number") as raised:
        load(loads(spec, tmp_path))
    assert raised.value.help == f"add a first axis to {key}, with an element for every example"
