"""The record of data: equal values have equal records, however a file stores them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data.idx import read_idx
from netspec.data.npz import read_npz
from netspec.data.record import ArrayRecord, describe, differences, parse_record
from netspec.data.table import Table

VALUES = np.arange(-5, 595, dtype=np.int16).reshape(100, 3, 2)
KEY = "x_train"


def record(array: Any) -> ArrayRecord:
    return describe("npz", Table.from_arrays({KEY: array})).arrays[KEY]


def test_a_record_contains_type_shape_count_and_range() -> None:
    description = record(VALUES)
    assert (description.dtype, description.count, description.shape) == ("int16", 100, (3, 2))
    assert (description.minimum, description.maximum) == (-5, 594)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_compression_does_not_change_the_record(save: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    save(path, x_train=VALUES)
    assert record(read_npz(path, [KEY])[KEY]) == record(VALUES)


@pytest.mark.parametrize("array", [VALUES.astype(">i2"), np.asfortranarray(VALUES)])
def test_byte_and_axis_order_keep_the_record(array: NDArray[np.int16], tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, x_train=array)
    assert record(read_npz(path, [KEY])[KEY]) == record(VALUES)


def test_an_idx_file_has_its_values_record(tmp_path: Path) -> None:
    path = tmp_path / "values.idx"
    path.write_bytes(struct.pack(">HBB3I", 0, 0x0B, 3, 100, 3, 2) + VALUES.astype(">i2").tobytes())
    assert record(read_idx(path)) == record(VALUES)


def test_one_changed_value_changes_the_record(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    large = np.zeros((3000, 100, 100), np.uint8)  # two parts
    before = describe("npz", Table.from_arrays({KEY: large}))
    large[2999, 50, 50] = 1
    np.savez(path, x_train=large)
    after = describe("npz", Table.from_arrays(read_npz(path, [KEY])))
    assert after.arrays[KEY].maximum == 1
    assert differences(before, after) == ["x_train has other values"]


@pytest.mark.parametrize(
    ("array", "phrase"),
    [
        (VALUES[::-1], "has other values"),
        (VALUES[:99], "had 100 examples, and has 99"),
        (VALUES.astype(np.int32), "was int16 of (3, 2), and is int32 of (3, 2)"),
        (VALUES.reshape(100, 2, 3), "was int16 of (3, 2), and is int16 of (2, 3)"),
    ],
    ids=["values", "count", "type", "shape"],
)
def test_a_difference_is_named(array: NDArray[Any], phrase: str) -> None:
    before, after = (
        describe("npz", Table.from_arrays({KEY: VALUES})),
        describe("npz", Table.from_arrays({KEY: array})),
    )
    assert differences(before, after) == [f"x_train {phrase}"]


def test_arrays_that_came_or_went_are_named() -> None:
    before, after = (
        describe("npz", Table.from_arrays({"w_train": VALUES})),
        describe("npz", Table.from_arrays({KEY: VALUES})),
    )
    assert differences(before, after) == ["w_train is missing", "x_train was not there"]


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 2)), np.zeros((3, 0)), np.array([1, np.nan]), np.array([1, np.inf])],
    ids=["no examples", "no values", "nan", "infinite"],
)
def test_arrays_without_finite_values_have_no_range(array: NDArray[Any]) -> None:
    description = record(array)
    assert None in (description.minimum, description.maximum)


def test_a_record_reads_back_from_its_json() -> None:
    description = describe("npz", Table.from_arrays({KEY: VALUES}))
    assert parse_record(description.model_dump_json()) == description


@pytest.mark.parametrize("text", ["", "5", "null", "[]", '{"dataset": 1}', "{" * 9999])
def test_invalid_records_are_none(text: str) -> None:
    assert parse_record(text) is None
