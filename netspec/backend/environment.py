"""Finds installed distributions that overwrite each other's files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution
from itertools import combinations

from netspec.text.diagnostics import visible

_CUDA_LIBRARY = re.compile(r"(nvidia-.+)-cu(\d+)")
_ONNX_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")

_SEPARATE_CUDA = (
    "install 'netspec[torch-gpu]' and 'netspec[keras-gpu]' into two new environments; "
    "next to keras-gpu, use PyTorch's CPU build"
)
_ONE_ONNX_RUNTIME = (
    "pip uninstall onnxruntime onnxruntime-gpu, then pip install 'netspec[torch-gpu]' for CUDA 13 "
    "or 'netspec[onnx]' for the CPU"
)


@dataclass(frozen=True)
class Conflict:
    """Distributions that install different files under the same paths.

    pip reports no error: the files of the distribution that was unpacked last remain.
    """

    distributions: tuple[str, ...]
    message: str
    help: str

    def __str__(self) -> str:
        return f"warning: {visible(self.message)}\n  help: {self.help}"


def find_conflicts(distributions: Iterable[Distribution]) -> tuple[Conflict, ...]:
    """Find the libraries of two CUDA versions, and two builds of ONNX Runtime.

    `distributions` are the distributions of one environment, as `importlib.metadata.distributions`
    returns them. Libraries of two CUDA versions that share no file are no conflict.
    """
    by_name: dict[str, Distribution] = {}
    for distribution in distributions:
        by_name.setdefault(_normalized(distribution.name), distribution)
    conflicts = (_cuda_conflict(by_name), _onnx_runtime_conflict(by_name))
    return tuple(conflict for conflict in conflicts if conflict is not None)


def _cuda_conflict(by_name: dict[str, Distribution]) -> Conflict | None:
    builds: dict[str, dict[str, int]] = {}  # of each library: the major version of CUDA by name
    for name in sorted(by_name):
        match = _CUDA_LIBRARY.fullmatch(name)
        if match:
            builds.setdefault(match[1], {})[name] = int(match[2])
    majors: dict[str, int] = {}
    for library in builds.values():
        for pair in combinations(library, 2):
            if _share_paths(*(by_name[name] for name in pair)):
                majors |= {name: library[name] for name in pair}
    if not majors:
        return None
    versions = " and ".join(f"CUDA {major}" for major in sorted(set(majors.values())))
    message = f"{versions} overwrite each other's files: {', '.join(majors)}"
    return Conflict(tuple(majors), message, _SEPARATE_CUDA)


def _onnx_runtime_conflict(by_name: dict[str, Distribution]) -> Conflict | None:
    builds = [by_name[name] for name in _ONNX_RUNTIMES if name in by_name]
    if len(builds) < 2 or not _share_paths(*builds):
        return None
    message = f"{' and '.join(_ONNX_RUNTIMES)} overwrite each other's files"
    return Conflict(_ONNX_RUNTIMES, message, _ONE_ONNX_RUNTIME)


def _share_paths(first: Distribution, second: Distribution) -> bool:
    """Whether a path has one content in the first distribution and another in the second."""
    hashes, other_hashes = _hashes(first), _hashes(second)
    return any(hashes[path] != other_hashes[path] for path in hashes.keys() & other_hashes.keys())


def _hashes(distribution: Distribution) -> dict[str, str]:
    """The hash of each installed file by path, without the files that Python compiled."""
    files = distribution.files or ()
    return {path.as_posix(): path.hash.value for path in files if path.hash is not None}


def _normalized(name: str) -> str:
    """The name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
