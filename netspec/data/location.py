"""Where the files of a data set are: relative to the folder of a spec, a run or an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from netspec.language.data import FolderPath
from netspec.language.spec import Spec
from netspec.network import Network
from netspec.text.diagnostics import DataError


def relocated(spec: Spec, folder: Path, to: Path) -> Spec:
    """The spec with every path, seen from `folder`, as it is seen from the folder `to`.

    No path is absolute afterwards. Where none leads from `to` to a file, as between two drives of
    Windows, the file's name is left.
    """
    return _with_paths(spec, lambda path: _relative(folder / path, to))


def unlocated(spec: Spec) -> Spec:
    """The spec without its paths: for comparison where the data are at another place."""
    return _with_paths(spec, lambda _: "")


def absolute(spec: Spec, folder: Path) -> Spec:
    """The spec with every path, seen from `folder`, as an absolute one: for comparison."""
    return _with_paths(spec, lambda path: os.path.realpath(folder / path))


def with_data(network: Network, place: Path | None) -> Network:
    """The network with its data read from another place.

    `place` is the npz file, the folder of images, or a folder with what the spec names. None
    changes nothing. Raises DataError where the spec names no file.
    """
    if place is None:
        return network
    data = network.spec.data
    if data is None or not data.paths:
        named = f"the data set {data.dataset}" if data else "no data set"
        message = f"{network.spec.name} names {named}, which is not read from a path"
        raise DataError(
            message, "leave --data out; it is for data sets of files, such as npz and images"
        )
    if not place.is_dir() and len(data.paths) > 1:
        message = f"{place} is not a folder, and {network.spec.name} has {len(data.paths)} files"
        raise DataError(message, "name their folder with --data")
    return replace(network, spec=_with_paths(network.spec, lambda path: _moved(path, place)))


def _moved(path: str, place: Path) -> str:
    """The new path of a file or folder that is at a place, or in it."""
    inside = place / Path(path).name
    is_place = not place.is_dir() or (isinstance(path, FolderPath) and not inside.exists())
    return str(_real(place if is_place else inside))


def check_files(network: Network) -> None:
    """Raise DataError where a file or folder of the data is not there."""
    for path in network.spec.data.paths.values() if network.spec.data else ():
        if not os.path.lexists(network.folder / path):
            help = "correct the path in the spec, or name the data with --data"
            kind = "folder" if isinstance(path, FolderPath) else "file"
            raise DataError(f"there is no {kind} {_real(network.folder / path)}", help)


def _with_paths(spec: Spec, change: Callable[[str], str]) -> Spec:
    if spec.data is None or not spec.data.paths:
        return spec
    return spec.model_copy(update={"data": spec.data.with_paths(change)})


def _relative(path: Path, to: Path) -> str:
    try:
        return Path(os.path.relpath(_real(path), to.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return path.name


def _real(path: Path) -> Path:
    """An absolute path whose folders are no links, so that `..` leads out of each."""
    try:
        return path.parent.resolve() / path.name
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name that no file has
        return Path(os.path.abspath(path))  # noqa: PTH100 - which only handles the text
