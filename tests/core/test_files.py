"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.diagnostics import NetspecError
from netspec.files import check_writable, write_atomically


def test_a_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"old")

    write_atomically(path, b"new")

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {path.name: b"new"}


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", no_space)

    with pytest.raises(NetspecError, match="cannot be written: No space left on device"):
        write_atomically(path, b"new")

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {path.name: b"old"}


def test_a_folder_that_is_not_there_is_refused_with_the_path(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "weights.safetensors"

    with pytest.raises(NetspecError, match=f"{path} cannot be written: No such file"):
        write_atomically(path, b"new")


def no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_where_a_file_could_be_written_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    check_writable(path)

    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {path.name: b"old"}


@pytest.mark.parametrize("name", ["absent/picture.png", ""])
def test_where_a_file_cannot_be_written_is_known_before(tmp_path: Path, name: str) -> None:
    with pytest.raises(NetspecError, match="cannot be written"):
        check_writable(tmp_path / name)
