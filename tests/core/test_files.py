"""A file is written completely or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netspec.text.diagnostics import NetspecError
from netspec.text.files import check_writable, is_file, open_regular, write_atomically

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no named pipes")


def test_a_write_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"old")

    write_atomically(path, b"new")

    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {path.name: b"new"}


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.fsync", no_space)

    with pytest.raises(NetspecError, match="cannot be written: No space left on device"):
        write_atomically(path, b"new")

    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {path.name: b"old"}


def test_a_missing_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "weights.safetensors"

    with pytest.raises(NetspecError, match=f"{path} cannot be written: No such file"):
        write_atomically(path, b"new")


def no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_where_a_file_could_be_written_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    check_writable(path)

    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {path.name: b"old"}


@pytest.mark.parametrize("name", ["absent/picture.png", ""])
def test_an_unwritable_place_is_refused_before_writing(tmp_path: Path, name: str) -> None:
    with pytest.raises(NetspecError, match="cannot be written"):
        check_writable(tmp_path / name)


def test_the_longest_file_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)

    write_atomically(path, b"new")

    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {path.name: b"new"}


@pytest.mark.parametrize("write", [lambda path: write_atomically(path, b"new"), check_writable])
def test_a_name_that_is_too_long_is_refused(write, tmp_path: Path) -> None:
    with pytest.raises(NetspecError, match="File name too long") as raised:
        write(tmp_path / ("a" * 256))

    assert raised.value.help == "choose a shorter name"
    assert [*tmp_path.iterdir()] == []


def test_a_name_of_256_letters_is_no_file(tmp_path: Path) -> None:
    assert not is_file(tmp_path / ("a" * 256))


def test_two_writers_never_mix_their_contents(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", set()
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    writers = [
        threading.Thread(
            target=lambda content=content: [write_atomically(path, content) for _ in range(20)]
        )
        for content in contents
    ]
    write_atomically(path, contents[0])
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_bytes())

    assert seen <= {*contents}
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


# A link, pipe or device stays, and the content is written to it.


@ON_POSIX
def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder/file", tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to("folder/file")

    write_atomically(link, b"new")

    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["file"]


@ON_POSIX
def test_a_link_to_no_file_makes_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")

    write_atomically(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@ON_POSIX
def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "link")

    with pytest.raises(NetspecError, match="cannot be written: Too many levels"):
        write_atomically(tmp_path / "link", b"new")


@ON_POSIX
def test_a_pipe_stays_and_takes_the_content(tmp_path: Path) -> None:
    pipe, content, contents = tmp_path / "pipe", os.urandom(300_000), []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: contents.append(pipe.read_bytes()))
    reader.start()

    write_atomically(pipe, content)
    reader.join()

    assert contents == [content]
    assert pipe.is_fifo()


@ON_POSIX
def test_a_device_stays(tmp_path: Path) -> None:
    check_writable(Path("/dev/null"))
    write_atomically(Path("/dev/null"), b"new")

    assert Path("/dev/null").is_char_device()


@ON_POSIX
def test_a_device_that_is_full_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(NetspecError, match="No space left on device"):
        write_atomically(Path("/dev/full"), b"new")


@ON_POSIX
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_standard_output_that_is_a_file_is_written(mode: str, tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from netspec.text.files import write_atomically; "
        "print('before'); write_atomically(Path('/dev/stdout'), b'new\\n'); print('after')"
    )
    (tmp_path / "file").write_bytes(b"old\n")
    with (tmp_path / "file").open(mode) as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True)

    expected = b"before\nnew\nafter\n"
    assert (tmp_path / "file").read_bytes() == (b"old\n" if mode == "ab" else b"") + expected


@ON_POSIX
def test_a_pipe_with_a_name_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="it is no regular file"):
        open_regular(tmp_path / "pipe", pipes=True)


@ON_POSIX
def test_a_pipe_of_a_shell_is_opened() -> None:
    read, write = os.pipe()
    os.write(write, b"netspec: 1")
    os.close(write)
    try:
        with open_regular(Path(f"/dev/fd/{read}"), pipes=True) as file:
            assert file.read() == b"netspec: 1"
        with pytest.raises(OSError, match="it is no regular file"):
            open_regular(Path(f"/dev/fd/{read}"))
    finally:
        os.close(read)
