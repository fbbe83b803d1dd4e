"""A data set in an .npz file: valid files are read, and all others are refused."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from netspec.data.npy import LIMIT
from netspec.data.npz import read_npz
from netspec.text.diagnostics import DataError

ARRAYS = {
    "x_train": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "y_train": np.array([7, 2], dtype=np.int64),
    "x_test": np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 3, 4),
    "y_test": np.array([1], dtype=np.int64),
}


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def npy_declaring(shape: tuple[int, ...]) -> bytes:
    return npy_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}")


def write(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]  # one could be "allow_pickle"


def with_x_train(path: Path, content: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    """Write a valid file except for the member x_train.npy."""
    members = {f"{key}.npy": npy(array) for key, array in ARRAYS.items()}
    write(path, members | {"x_train.npy": content}, compression)


def fault(path: Path) -> str:
    """The message for a file. It names the file, and its help shows how to write a valid file."""
    with pytest.raises(DataError) as caught:
        read_npz(path)
    assert str(path) in caught.value.message
    assert caught.value.help is not None
    assert "numpy.savez(path, x_train=..." in caught.value.help
    return caught.value.message.replace(str(path), "FILE")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.npz"


def test_the_four_arrays_come_back(path: Path) -> None:
    save(path, ARRAYS)
    read = read_npz(path)
    assert list(read) == ["x_train", "y_train", "x_test", "y_test"]
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(np.asarray(read[key]), array, strict=True)


def test_compressed_arrays_come_back(path: Path) -> None:
    zeros = np.zeros((1000, 28, 28), np.uint8)  # the maximum compression of deflate
    members = {f"{key}.npy": npy(array) for key, array in (ARRAYS | {"x_train": zeros}).items()}
    write(path, members, zipfile.ZIP_DEFLATED)
    np.testing.assert_array_equal(read_npz(path)["x_train"], zeros, strict=True)


def test_arrays_are_native_and_in_c_order(path: Path) -> None:
    foreign = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    save(path, ARRAYS | {"x_train": foreign})
    read = np.asarray(read_npz(path)["x_train"])
    assert read.dtype.isnative
    assert read.flags.c_contiguous
    assert read.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_long_header_of_version_2_is_read(path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, ARRAYS["x_train"], version=(2, 0))
    with_x_train(path, content.getvalue())
    np.testing.assert_array_equal(np.asarray(read_npz(path)["x_train"]), ARRAYS["x_train"])


def test_missing_file_is_refused(path: Path) -> None:
    assert fault(path) == "FILE cannot be read: No such file or directory"


def test_missing_names_are_listed(path: Path) -> None:
    save(path, {key: ARRAYS[key] for key in ("x_train", "x_test")})
    assert fault(path) == "FILE lacks y_train and y_test; it holds x_train and x_test"


def test_an_archive_without_arrays_is_refused(path: Path) -> None:
    save(path, {})
    assert fault(path) == "FILE lacks x_train, y_train, x_test and y_test, for it is empty"


def test_further_names_are_listed(path: Path) -> None:
    save(path, ARRAYS | {"z": ARRAYS["x_test"]})
    assert fault(path) == "FILE holds z besides"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_repeated_name_is_refused(path: Path) -> None:
    save(path, ARRAYS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train.npy", npy(ARRAYS["x_train"]))
    assert fault(path) == "FILE holds x_train besides"


def test_a_missing_name_is_shown_as_a_field(path: Path) -> None:
    save(path, {"images": ARRAYS["x_train"], "x_test": ARRAYS["x_test"]})
    with pytest.raises(DataError) as caught:
        read_npz(path, ["x_train"], ["x_test"])
    assert caught.value.help == (
        "name it in data, as `arrays: {x_train: images}`; or "
        "write it with numpy.savez(path, x_train=...)"
    )


def test_file_that_is_no_zip_is_refused(path: Path) -> None:
    path.write_bytes(npy(ARRAYS["x_train"]))
    assert fault(path) == "FILE is not a sound .npz file (File is not a zip file)"


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_truncated_file_is_refused(path: Path, fraction: float) -> None:
    save(path, ARRAYS)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    assert fault(path).startswith("FILE is not a sound .npz file")


def test_changed_value_is_refused(path: Path) -> None:
    save(path, ARRAYS)
    values = ARRAYS["x_train"].tobytes()
    path.write_bytes(path.read_bytes().replace(values, bytes(len(values))))
    assert fault(path) == "FILE is not a sound .npz file (Bad CRC-32 for file 'x_train.npy')"


def test_object_array_is_never_unpickled(path: Path, tmp_path: Path) -> None:
    trace = tmp_path / "unpickled"
    save(path, ARRAYS | {"y_test": np.array([Trap(trace)])})
    assert fault(path) == "y_test in FILE holds Python objects, which are never unpickled"
    assert not trace.exists()


@pytest.mark.parametrize("values", [["a", "b"], [1j], [np.datetime64("2020-01-01")]])
def test_values_that_are_no_numbers_are_refused(path: Path, values: list[object]) -> None:
    with_x_train(path, npy(np.array(values)))
    assert fault(path).endswith("which are no numbers")


def test_compressed_array_past_the_limit_is_refused(path: Path) -> None:
    with_x_train(path, npy_declaring((LIMIT + 1,)), zipfile.ZIP_DEFLATED)
    description = f"uint8 of shape ({LIMIT + 1},)"
    assert fault(path) == f"x_train in FILE declares {description}, past the limit of 16 GiB"


def test_negative_size_is_refused(path: Path) -> None:
    with_x_train(path, npy_declaring((-1, 3)))
    assert fault(path) == "x_train in FILE declares a negative size, (-1, 3)"


@pytest.mark.parametrize("size", [0, 3, 5, 1 << 30])
def test_values_are_as_many_as_declared(path: Path, size: int) -> None:
    header = npy_declaring((size,))
    with_x_train(path, header + bytes(4))
    declared_bytes, stored_bytes = len(header) + size, len(header) + 4
    expected = f"x_train in FILE declares {declared_bytes} bytes, and {stored_bytes} are there"
    assert fault(path) == expected


def patch_member(path: Path, member: str, central: tuple[int, int], local: tuple[int, int]) -> None:
    """Write a 4-byte number at an offset of a member's record in the directory and its header."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        header = archive.getinfo(member).header_offset
    record = content.index(b"PK\x01\x02")
    while content[record + 46 : record + 46 + len(member)] != member.encode():
        record = content.index(b"PK\x01\x02", record + 4)
    for start, (offset, value) in ((record, central), (header, local)):
        struct.pack_into("<I", content, start + offset, value)
    path.write_bytes(content)


def test_a_wrong_zip_size_takes_no_memory(path: Path) -> None:
    header = npy_declaring((3 << 30,))
    with_x_train(path, header, zipfile.ZIP_DEFLATED)
    size = len(header) + (3 << 30)
    patch_member(path, "x_train.npy", (24, size), (22, size))
    tracemalloc.start()
    try:
        assert fault(path).startswith("x_train in FILE declares")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_stored_member_shorter_than_its_size_is_refused(path: Path) -> None:
    """The checksum is of the existing bytes; the values would be bytes of other members."""
    content = npy_declaring((24,)) + bytes(4)
    with_x_train(path, content)
    size = len(content) + 20
    patch_member(path, "x_train.npy", (24, size), (22, size))
    sizes = f"{len(content)} and {size} bytes"
    reason = f"'x_train.npy' is stored, and has the sizes {sizes}"
    assert fault(path) == f"FILE is not a sound .npz file ({reason})"


@pytest.mark.parametrize("member", ["x_train.npy", "y_test.npy"])
def test_stored_member_that_reaches_into_another_is_refused(path: Path, member: str) -> None:
    """All sizes agree; the bytes belong to the next member, or to the directory."""
    with_x_train(path, npy(ARRAYS["x_train"]))
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(member).file_size + 16
    for offsets in ((20, 18), (24, 22)):
        central, local = offsets
        patch_member(path, member, (central, size), (local, size))
    assert "overlap" in fault(path).lower()


@pytest.mark.parametrize("offset", [14, 18, 22], ids=["checksum", "compressed", "size"])
def test_header_that_differs_from_the_directory_is_refused(path: Path, offset: int) -> None:
    with_x_train(path, npy(ARRAYS["x_train"]))
    content = bytearray(path.read_bytes())
    header = content.index(b"PK\x03\x04")
    content[header + offset] ^= 1
    path.write_bytes(content)
    reason = "the header of 'x_train.npy' differs from the directory"
    assert fault(path) == f"FILE is not a sound .npz file ({reason})"


def test_header_of_64_bit_sizes_is_compared(path: Path) -> None:
    save(path, ARRAYS)  # NumPy always writes such headers
    content = bytearray(path.read_bytes())
    header = content.index(b"PK\x03\x04")
    content[header + 30 + len("x_train.npy") + 4] ^= 1
    path.write_bytes(content)
    assert "differs from the directory" in fault(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        b"\x93NUMPY\x01\x00\xff",
        npy_header("{"),
        npy_header("{1: 2, 'a': 3}"),
        npy_header("-" * 9000),
        npy_header("{'descr': 'V-1', 'fortran_order': False, 'shape': (1,)}"),
    ],
)
def test_member_that_is_no_array_is_refused(path: Path, content: bytes) -> None:
    with_x_train(path, content)
    assert fault(path).startswith("FILE is not a sound .npz file")


def test_unknown_npy_version_is_refused(path: Path) -> None:
    with_x_train(path, b"\x93NUMPY\x03\x00" + bytes(100))
    assert fault(path) == "x_train in FILE is of .npy version 3.0, not 1.0 or 2.0"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_numpy_never_writes_is_refused(path: Path, compression: int) -> None:
    with_x_train(path, npy(ARRAYS["x_train"]), compression)
    assert fault(path).startswith("x_train in FILE is compressed or encrypted")


def test_encrypted_member_is_refused(path: Path) -> None:
    save(path, ARRAYS)
    content = bytearray(path.read_bytes())
    # The first of the flags in the directory, and in the member's own header.
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[content.index(b"PK\x03\x04") + 6] |= 1
    path.write_bytes(content)
    assert fault(path).startswith("x_train in FILE is compressed or encrypted")
