"""The backends: their contract, how they are found, and what they share.

A backend is an object at an entry point of the group `netspec.backends`. Its import does not load
its framework; its methods do that.
"""

from __future__ import annotations

import linecache
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend.contract import (
    Backend,
    BenchedBackend,
    Device,
    ExportedModel,
    ExportingBackend,
    Form,
    Framework,
    Predicting,
    Predictor,
    Quantization,
    Steps,
    Trainer,
    TrainingBackend,
    counts_answers,
    gives_logits,
    steps_per_report,
)
from netspec.backend.program import Program
from netspec.backend.target import Target
from netspec.numerics.weights import Array
from netspec.text.diagnostics import BackendError, nearest, one_of

GROUP = "netspec.backends"

VARIABLE = "NETSPEC_BACKEND"
"""The environment variable with the backend that trains where none is named."""


def installed() -> dict[str, EntryPoint]:
    """Every backend that is installed, by name; none is loaded."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


_PARTS = ("frameworks", "passes", "devices", "predictor")
"""What every backend has."""


def find(name: str, *, framework: bool = True) -> Target:
    """The backend of this name. Raises BackendError where it or its framework is missing.

    Without `framework`, only what needs no framework is available: its source, its versions.
    """
    return _found(name, installed(), framework=framework)


def _found(name: str, points: Mapping[str, EntryPoint], *, framework: bool) -> Target:
    """The backend of this name among the installed ones; see `find`."""
    if name not in points:
        meant = nearest(name, list(points))
        help = f"did you mean {meant}?" if meant else f"there are {one_of(list(points), 'and')}"
        raise BackendError(f"there is no backend named {name!r}", help)
    backend: Backend = points[name].load()
    missing = [part for part in _PARTS if not hasattr(backend, part)]
    if missing:
        message = f"the {name} backend has no {one_of(missing, 'and')}, as netspec's backends have"
        raise BackendError(message, "update the package that contains it")
    for needed in backend.frameworks:
        if framework and find_spec(needed.module) is None:
            message = f"the {name} backend needs {needed.module}, which is not installed"
            raise BackendError(message, f"pip install 'netspec[{name}]'")
    return Target(backend)


def find_training(name: str, *, framework: bool = True) -> Target:
    """The backend of this name, which can train; see `find`. Raises BackendError."""
    target = find(name, framework=framework)
    target.training_backend()
    return target


def default_training() -> str:
    """The backend that trains where none is named: of the environment variable, or the only one.

    No framework is imported. Raises BackendError where none is installed, or several are.
    """
    points = installed()
    if chosen := os.environ.get(VARIABLE):
        if chosen not in points:
            message = f"the environment variable {VARIABLE} is {chosen!r}, which is no backend"
            raise BackendError(message, f"there are {one_of([*points], 'and')}")
        return chosen
    targets = {name: _found(name, points, framework=False) for name in points}
    training = {name: target for name, target in targets.items() if target.trains}
    ready = [
        name
        for name, target in training.items()
        if all(find_spec(needed.module) for needed in target.frameworks)
    ]
    if len(ready) == 1:
        return ready[0]
    if ready:
        message = f"the backends {one_of(ready, 'and')} are installed, and none is named"
        help = f"write --backend {ready[0]}, or set the environment variable {VARIABLE}={ready[0]}"
        raise BackendError(message, help)
    installs = one_of([f"pip install 'netspec[{name}]'" for name in training], "or")
    raise BackendError("no backend that trains is installed", installs)


def find_exporting(name: str) -> Target:
    """The backend of this name, whose models are files. Raises BackendError."""
    target = find(name)
    target.exporting_backend()
    return target


def listing() -> list[dict[str, Any]]:
    """What `netspec backends` shows: name, versions and devices of each. No framework is loaded."""
    rows: list[dict[str, Any]] = []
    for name in installed():
        backend = find(name, framework=False)
        versions = {framework.module: framework.version for framework in backend.frameworks}
        devices = list(backend.devices()) if all(versions.values()) else []
        rows.append({"name": name, "versions": versions, "devices": devices})
    return rows


def execute(source: str, name: str) -> ModuleType:
    """The module that a generated source makes, with its lines in tracebacks.

    Only a source that a backend has just written is executed, never a file.
    """
    file = f"<netspec {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(name)
    module.__file__ = file
    exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - the compiler's own output
    return module


def chunks(steps: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` steps that cover all of them."""
    for start in range(0, steps, size):
        yield slice(start, min(start + size, steps))


LARGEST_BATCH = 1000
"""Examples that predictors compute at a time, to bound the memory."""


def outputs_in_batches(
    inputs: tuple[NDArray[Any], ...],
    outputs: Callable[..., tuple[Array, ...]],
    size: int = LARGEST_BATCH,
) -> tuple[Array, ...]:
    """The outputs for all inputs, computed `size` at a time to bound the memory."""
    if len(inputs[0]) <= size:
        return outputs(*inputs)
    parts = chunks(len(inputs[0]), size)
    computed = [outputs(*(array[part] for array in inputs)) for part in parts]
    return tuple(np.concatenate(arrays) for arrays in zip(*computed, strict=True))


def gpu_present() -> bool:
    """Whether the machine shows an NVIDIA GPU. No framework is imported."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"))


def gpu_count() -> int:
    """How many NVIDIA GPUs the machine shows to this process, where it shows them one by one."""
    count = len([*Path("/dev").glob("nvidia[0-9]*")])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return count if visible is None else min(count, len([*filter(None, visible.split(","))]))


__all__ = [
    "GROUP",
    "LARGEST_BATCH",
    "Backend",
    "BenchedBackend",
    "Device",
    "ExportedModel",
    "ExportingBackend",
    "Form",
    "Framework",
    "Predicting",
    "Predictor",
    "Program",
    "Quantization",
    "Steps",
    "Target",
    "Trainer",
    "TrainingBackend",
    "chunks",
    "counts_answers",
    "default_training",
    "execute",
    "find",
    "find_exporting",
    "find_training",
    "gives_logits",
    "gpu_count",
    "gpu_present",
    "installed",
    "listing",
    "outputs_in_batches",
    "steps_per_report",
]
