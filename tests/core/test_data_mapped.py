"""Arrays in files: they read as NumPy's do, take no memory, and report a changed file."""

from __future__ import annotations

import os
import struct
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data import load
from netspec.data.idx import read_idx
from netspec.data.mapped import Mapped
from netspec.data.memory import bytes_of, half_of_memory
from netspec.data.npz import read_npz
from netspec.network import loads
from netspec.text.diagnostics import DataError

VALUES = np.arange(600, dtype=np.int16).reshape(100, 3, 2)
LABELS = np.arange(100, dtype=np.int64) % 2


def save_array(path: Path, array: NDArray[Any] = VALUES) -> Mapped:
    """The array of a file that numpy.savez wrote."""
    np.savez(path, x_train=array, y_train=LABELS, x_test=array, y_test=LABELS)
    mapped_array = read_npz(path)["x_train"]
    assert isinstance(mapped_array, Mapped)
    return mapped_array


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.npz"


def test_arrays_of_savez_stay_in_the_file(path: Path) -> None:
    array = save_array(path)

    assert len(array) == 100
    assert array.shape == (100, 3, 2)
    np.testing.assert_array_equal(np.asarray(array), VALUES, strict=True)


def test_idx_values_have_native_byte_order(tmp_path: Path) -> None:
    path = tmp_path / "values.idx"
    path.write_bytes(
        struct.pack(">HBB2I", 0, 0x0B, 2, 3, 2) + VALUES[:3, 0].astype(">i2").tobytes()
    )

    array = read_idx(path)

    assert isinstance(array, Mapped)
    np.testing.assert_array_equal(np.asarray(array), VALUES[:3, 0], strict=True)


@pytest.mark.parametrize("part", [slice(0, 0), slice(7, 20), slice(None), slice(90, 500)])
def test_a_slice_stays_in_the_file(part: slice, path: Path) -> None:
    array = save_array(path)[part]

    assert isinstance(array, Mapped)
    np.testing.assert_array_equal(np.asarray(array), VALUES[part], strict=True)
    assert len(array[1:]) == max(len(VALUES[part]) - 1, 0)


@pytest.mark.parametrize("indices", [[], [5], [99, 0, 7, 7, 98]])
def test_indices_select_examples_in_their_order(indices: list[int], path: Path) -> None:
    chosen = np.array(indices, np.int64)

    np.testing.assert_array_equal(
        save_array(path)[10:][chosen[chosen < 90]], VALUES[10:][chosen[chosen < 90]]
    )
    np.testing.assert_array_equal(save_array(path)[chosen], VALUES[chosen], strict=True)


def test_examples_beyond_one_chunk_are_returned(path: Path) -> None:
    values = np.arange(3000, dtype=np.int32)
    order = np.random.default_rng(0).permutation(3000)

    np.testing.assert_array_equal(save_array(path, values)[order], values[order], strict=True)


def test_type_and_shape_are_converted_while_reading(path: Path) -> None:
    array = save_array(path).reshape(-1, 6).astype(np.float32)

    expected = VALUES.reshape(100, 6).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(array), expected, strict=True)
    assert array.ndim == 2


def test_data_beyond_the_memory_limit_stay_in_files(path: Path) -> None:
    pixels = np.zeros((40_000, 20, 20), np.uint8)
    labels = np.zeros(len(pixels), np.uint8)
    np.savez(path, x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    network = loads(SPEC, path.parent)
    tracemalloc.start()
    try:
        dataset = load(network, memory=1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert dataset.train.streamed
    assert peak < pixels.nbytes / 2
    assert not load(network, memory=40 << 20).train.streamed


SPEC = """\
netspec: 1
name: tested
input: [20, 20]
layers: [Flatten, Dense: {units: 2, activation: softmax}]
data: {dataset: npz, path: data.npz, scale: 255}
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what is in memory")
def test_no_page_stays_in_memory_after_reading(path: Path) -> None:
    array = save_array(path, np.ones((50_000, 800), np.uint8))  # 40 MB

    def of_files() -> int:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    before = of_files()
    _ = array[np.random.default_rng(0).permutation(50_000)[:2000]]

    assert of_files() - before < 4_000


def change_file(path: Path) -> None:
    save_array(path, VALUES + 1)


def truncate_file(path: Path) -> None:
    os.truncate(path, 1000)


def touch_file(path: Path) -> None:
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("what", [change_file, truncate_file, touch_file])
def test_a_changed_file_is_an_error(what: Callable[[Path], None], path: Path) -> None:
    array = save_array(path)
    what(path)

    with pytest.raises(DataError, match="was changed while it was in use") as caught:
        _ = array[np.arange(3)]
    assert str(path) in caught.value.message


def test_a_removed_file_is_an_error(path: Path) -> None:
    array = save_array(path)
    path.unlink()

    with pytest.raises(DataError, match="cannot be read: No such file"):
        np.asarray(array)


@pytest.mark.parametrize("length", [0, 9])
def test_a_member_begins_after_its_local_header(length: int, path: Path) -> None:
    save_array(path)
    content = {}
    with zipfile.ZipFile(path) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in content.items():
            info = zipfile.ZipInfo(name)
            info.extra = bytes([1, 0, length, 0]) + bytes(length)
            archive.writestr(info, member)

    array = read_npz(path)["x_train"]

    np.testing.assert_array_equal(np.asarray(array), VALUES, strict=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), ("2GiB", 2 << 30), ("500MB", 500_000_000), ("1.5 KiB", 1536)],
)
def test_amounts_of_memory(text: str, expected: int) -> None:
    assert bytes_of(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-1MB", "2 gib", "1e9", "GiB"])
def test_wrong_amounts_of_memory_are_errors(text: str) -> None:
    with pytest.raises(DataError, match="is no amount of memory"):
        bytes_of(text)


def test_half_of_memory_is_at_most_half() -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    assert 0 < half_of_memory() <= total / 2
