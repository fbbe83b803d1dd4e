"""IDX files: the values that http://yann.lecun.com/exdb/mnist defines, and every error."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from netspec.data.idx import parse_idx, read_idx
from netspec.text.diagnostics import DataError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
MEBIBYTE = 1 << 20

arrays = npst.arrays(
    dtype=st.sampled_from([np.dtype(name) for name in CODES]),
    shape=npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
)


def idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "values.idx"
    path.write_bytes(content)
    return path


def fault(folder: Path, content: bytes) -> str:
    """The message for a file of this content. It begins with the file."""
    path = write(folder, content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert caught.value.message.startswith(f"{path} ")
    return caught.value.message.removeprefix(f"{path} ")


def peak_memory(action: Callable[[], object]) -> int:
    """The maximum of bytes that an action has allocated at a time."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_file_of_images_has_its_header_axes(tmp_path: Path) -> None:
    # The magic number of MNIST's images, 2051, then two images of two rows and three columns.
    content = struct.pack(">4I", 2051, 2, 2, 3) + bytes(range(12))
    images = np.asarray(read_idx(write(tmp_path, content)))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_file_of_labels_has_one_axis(tmp_path: Path) -> None:
    content = struct.pack(">2I", 2049, 3) + bytes([5, 0, 4])
    assert np.asarray(read_idx(write(tmp_path, content))).tolist() == [5, 0, 4]


def test_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    content = gzip.compress(struct.pack(">2I", 2049, 3) + bytes([5, 0, 4]))
    assert np.asarray(read_idx(write(tmp_path, content))).tolist() == [5, 0, 4]


@given(arrays)
def test_every_type_and_shape_comes_back(array: np.ndarray) -> None:
    read = parse_idx(io.BytesIO(idx(array)), "values")
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array, strict=True)


@pytest.mark.parametrize("name", CODES)
def test_values_are_native_and_writable(name: str) -> None:
    read = parse_idx(io.BytesIO(idx(np.arange(3, dtype=name))), "values")
    assert read.dtype.isnative
    assert read.flags.writeable


@pytest.mark.parametrize("magic", ["00 00 07 01", "00 01 08 01", "50 4b 03 04", "00 00 08 00"])
def test_wrong_magic_is_shown(tmp_path: Path, magic: str) -> None:
    message = fault(tmp_path, bytes.fromhex(magic) + bytes(16))
    assert message == f"is not an IDX file: it begins with {magic}"


@pytest.mark.parametrize("size", [0, 3, 4, 11])
def test_short_header_is_refused(tmp_path: Path, size: int) -> None:
    content = idx(np.zeros((2, 3), np.uint8))[:size]
    assert fault(tmp_path, content) == "ends inside the header of an IDX file"


def test_missing_values_are_counted(tmp_path: Path) -> None:
    content = idx(np.zeros((2, 3), np.int32))[:-1]
    assert fault(tmp_path, content) == "declares 24 bytes of values, and only 23 are there"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_trailing_bytes_are_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    content = pack(idx(np.zeros((2, 3), np.uint8)) + b"\0")
    assert fault(tmp_path, content) == "declares 6 bytes of values, and more are there"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_absurd_sizes_take_no_memory(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path, pack(struct.pack(">HBB3I", 0, 0x0E, 3, *[2**32 - 1] * 3)))

    def read() -> None:
        with pytest.raises(DataError, match="bytes of values, and only 0 are there"):
            read_idx(path)

    assert peak_memory(read) < 4 * MEBIBYTE


def test_gzip_is_expanded_no_further_than_declared(tmp_path: Path) -> None:
    bomb = gzip.compress(idx(np.zeros(4, np.uint8)) + bytes(64 * MEBIBYTE))
    path = write(tmp_path, bomb)

    def read() -> None:
        with pytest.raises(DataError, match="declares 4 bytes of values, and more are there"):
            read_idx(path)

    assert peak_memory(read) < 4 * MEBIBYTE


@pytest.mark.parametrize("sizes", [(0, *[2**32 - 1] * 3), (1,) * 255])
def test_shape_that_no_array_has_is_refused(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    content = struct.pack(f">HBB{len(sizes)}I", 0, 0x08, len(sizes), *sizes)
    message = fault(tmp_path, content + bytes(0 if 0 in sizes else 1))
    assert message.startswith("declares a shape that no array has")


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(idx(np.arange(1000, dtype=np.int32)))[:-20]
    assert fault(tmp_path, content).startswith("is a damaged gzip file")


def test_gzip_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(idx(np.zeros(4, np.uint8))))
    content[-8] ^= 1  # the first byte of the CRC-32
    assert fault(tmp_path, bytes(content)).startswith("is a damaged gzip file (CRC check failed")


def test_gzip_with_a_damaged_body_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(idx(np.zeros(4, np.uint8))))
    content[10] = 0xFF  # after the ten bytes of gzip's header: a block of an unknown type
    assert fault(tmp_path, bytes(content)).startswith("is a damaged gzip file")


def test_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.idx"
    with pytest.raises(DataError, match="cannot be read: No such file") as caught:
        read_idx(path)
    assert str(path) in caught.value.message


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path)
