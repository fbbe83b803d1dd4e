"""Where the files of a data set are: relative to the folder of a spec, a run or an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from netspec.checks import check
from netspec.data.sources.rows import WrittenFiles
from netspec.language.data import SOURCES, DataFields, FilePath, FolderPath, Passed, Portion
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


def with_data(network: Network, place: Path | Passed | None) -> Network:
    """The network with its data read from another place.

    `place` is the npz file, the folder of images, or a folder with what the spec names; or data
    that a program passes. None changes nothing. Raises DataError where the spec names no file.
    """
    if place is None:
        return network
    if isinstance(place, Passed):
        return _with_passed(network, place)
    data = _in_a_file(network.spec.data)
    if data is None or not data.paths:
        named = f"the data set {data.dataset}" if data else "no data set"
        message = f"{network.spec.name} names {named}, which is not read from a path"
        raise DataError(
            message, "leave --data out; it is for data sets of files, such as npz and images"
        )
    if not place.is_dir() and len(data.paths) > 1:
        message = f"{place} is not a folder, and {network.spec.name} has {len(data.paths)} files"
        raise DataError(message, "name their folder with --data")
    spec = network.spec.model_copy(update={"data": data})
    return replace(network, spec=_with_paths(spec, lambda path: _moved(path, place)))


def _with_passed(network: Network, passed: Passed) -> Network:
    """The network with data that a program passes. Raises SpecError where they do not fit it.

    A source of rows keeps its fields. Of others the fields about the values stay.
    """
    spec = network.spec.model_copy(update={"data": _fields_of_passed(network.spec.data)})
    if network.source and (faults := check(spec, network.graph)):
        raise network.source.error(faults)
    return replace(network, spec=spec, passed=passed)


def _fields_of_passed(data: DataFields | None) -> DataFields:
    """The fields of the source of data that a program passes, made of the fields of a spec."""
    if isinstance(data, WrittenFiles):
        return data.model_copy(update=dict.fromkeys(data.paths))
    fields: dict[str, object] = {"dataset": "python"}
    if data is not None:
        written = {name: getattr(data, name) for name in data.model_fields_set - {"dataset"}}
        kept = SOURCES["python"].model_fields.keys() & written.keys() - data.paths.keys()
        fields |= {name: written[name] for name in kept}
    return SOURCES["python"].model_validate(fields)


def _in_a_file(data: DataFields | None) -> DataFields | None:
    """The fields of data that a program passed, for a file with the same data."""
    if data is None or not data.passed:
        return data
    if isinstance(data, WrittenFiles):
        return data.model_copy(update={"path": FilePath()})
    fields = {name: getattr(data, name) for name in data.model_fields_set}
    return SOURCES["npz"].model_validate(fields | {"dataset": "npz", "path": ""})


def _moved(path: str, place: Path) -> str:
    """The new path of a file or folder that is at a place, or in it."""
    inside = place / Path(path).name
    is_place = not place.is_dir() or (isinstance(path, FolderPath) and not inside.exists())
    return str(_real(place if is_place else inside))


def only_tested(network: Network) -> Network:
    """The network with the data that a program passes, which are all tested.

    The test part of a series is always its last part in time.
    """
    assert network.passed is not None
    passed, data = replace(network.passed, tested=True), network.spec.data
    if data is None or data.promise.ordered or not isinstance(getattr(data, "test", None), Portion):
        return replace(network, passed=passed)
    fields = data.model_copy(update={"test": None})
    spec = network.spec.model_copy(update={"data": fields})
    return replace(network, spec=spec, passed=passed)


def check_named(network: Network, subject: str, call: str) -> None:
    """Raise DataError where the data of a run or a file were passed by a program.

    `call` is how Python code begins that passes them again.
    """
    if network.spec.data and network.spec.data.passed:
        message = f"the data of {subject} were passed in Python, and are in no file"
        form = "frame" if isinstance(network.spec.data, WrittenFiles) else "(x, y)"
        help = f"pass them again, as in {call}data={form}); or name a file with --data"
        raise DataError(message, help)


def check_files(network: Network) -> None:
    """Raise DataError where a file or folder of the data is not there, or none is named."""
    if network.passed is None and network.spec.data and network.spec.data.passed:
        name, dataset = network.spec.name, network.spec.data.dataset
        message = f"{name} names no file, and no Python program passes its data"
        call = 'as in netspec.train(network, "torch", data=…)'
        here = "an .npz file with --data" if dataset == "python" else "a file, as `path: FILE.csv`"
        raise DataError(message, f"name {here}; or pass the data, {call}")
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
