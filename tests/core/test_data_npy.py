"""A .npy file: valid files are read, and all others are refused."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.data.mapped import Mapped
from netspec.data.npy import read_npy
from netspec.text.diagnostics import DataError


def test_npy_files_are_mapped(tmp_path):
    values = np.arange(24, dtype=">i2").reshape(4, 3, 2)
    np.save(tmp_path / "a.npy", values)
    array = read_npy(tmp_path / "a.npy")
    assert isinstance(array, Mapped)
    assert array.dtype == np.dtype("=i2")
    np.testing.assert_array_equal(np.asarray(array), values)


def test_npy_in_fortran_order_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray([[1, 2], [3, 4]]))
    assert np.asarray(read_npy(tmp_path / "a.npy")).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is not a sound .npy file"),
        (b"PK\3\4 an archive", "is not a sound .npy file"),
        (b"\x93NUMPY\1\0\x05\0{'a'}", "is not a sound .npy file"),
    ],
)
def test_file_that_is_no_npy_is_refused(tmp_path, content, text):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DataError, match=text):
        read_npy(tmp_path / "a.npy")


def test_pickled_objects_in_npy_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which are never unpickled"):
        read_npy(tmp_path / "a.npy")


def test_cut_npy_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(4, np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-1])
    with pytest.raises(DataError, match="declares 4 bytes of values, and 3 are there"):
        read_npy(tmp_path / "a.npy")
