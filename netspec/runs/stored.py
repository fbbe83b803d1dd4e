"""Predictions for arrays in .npz and .npy files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.examples import at_once
from netspec.data.mapped import Stored
from netspec.data.npy import read_npy
from netspec.data.npz import read_npz, shapes_in
from netspec.graph import Input
from netspec.language.layers import written
from netspec.runs.arrays import outputs_of, shape_fits
from netspec.runs.opened import OpenedModel
from netspec.runs.predicted import Rows, first_not_finite, not_finite, read_outputs
from netspec.text.diagnostics import DataError, one_of

NPZ, NPY = ".npz", ".npy"
SUFFIXES = (NPZ, NPY)
"""The ends of the names of files of arrays, in lower case."""

_HELP = "write it with numpy.savez(path, {})"


def are_arrays(paths: Sequence[Path]) -> bool:
    """Whether the first of the paths is a file of arrays."""
    return paths[0].suffix.lower() in SUFFIXES and not paths[0].is_dir()


class ArrayPredictions:
    """The predictions for the examples of arrays; see `Predictions`. Raises NetspecError.

    The memory does not depend on their number, where numpy.save or numpy.savez wrote them.
    """

    unit = "examples"
    name_width = None
    saved_names = ()
    names = ("index",)
    target = None
    value_range = (0.0, 1.0)

    def __init__(self, opened: OpenedModel, paths: Sequence[Path]) -> None:
        """Find the array of every input; nothing is predicted before `rows`."""
        self.opened, self.files = opened, paths
        self.meanings = opened.meanings
        self._arrays = read_inputs(opened, paths)
        self.count = len(next(iter(self._arrays.values())))

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """See `Predictions`."""
        graph = self.opened.network.graph
        shapes = [*(some.shape for some in graph.inputs), *(n.shape for n in graph.output_nodes)]
        size = at_once(max(map(prod, shapes)))
        for start in range(0, self.count, size):
            part = {
                name: np.asarray(all_[start : start + size]) for name, all_ in self._arrays.items()
            }
            outputs = read_outputs(self.opened, outputs_of(self.opened, part))
            if (wrong := first_not_finite(outputs)) is not None:
                place = f"{self.files[0]}, index {start + wrong}"
                help = "look for numbers in it that are infinite or far too large"
                raise not_finite(self.opened, place, help)
            places = range(start, start + len(outputs[0]))
            yield Rows(start, outputs, [[str(place)] for place in places] if texts else [])

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """See `Predictions`: the index of the example, from 0."""
        return {"index": rows.start + place}

    @property
    def image_names(self) -> Sequence[str]:
        """See `Drawable`: the indices."""
        return [str(place) for place in range(self.count)]

    def image_name(self, rows: Rows, place: int) -> str:
        """See `Drawable`."""
        return str(rows.start + place)

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Predictions`."""
        return self.opened.notes


def read_inputs(opened: OpenedModel, paths: Sequence[Path]) -> dict[str, Stored]:
    """The array (n, …) of every input of a network, by the name of the input. Raises DataError.

    In an .npz file it has the name of the input, or one of `_names`; or it is the only array whose
    examples have the shape of the input. Of .npy files there is one for every input, with its name
    where there are several.
    """
    first = paths[0]
    if opened.preparation:
        message = f"{opened.path} takes the columns of a table, and {first} has arrays"
        raise DataError(message, "name a CSV, Parquet or Arrow file")
    if first.suffix.lower() == NPY:
        arrays = _from_npy(opened, paths)
    elif len(paths) == 1:
        chosen = _chosen(opened, first, shapes_in(first))
        stored = read_npz(first, [*dict.fromkeys(chosen.values())], renamed=[*chosen.values()])
        arrays = {name: stored[key] for name, key in chosen.items()}
    else:
        message = f"{len(paths)} files were named, and one .npz file is predicted at a time"
        raise DataError(message, "call predict for each of them")
    counts = {name: len(array) for name, array in arrays.items()}
    if len({*counts.values()}) > 1:
        numbers = one_of([f"{name} {count:,}" for name, count in counts.items()], "and")
        message = f"the inputs in {first} have different numbers of examples: {numbers}"
        raise DataError(message, "write as many examples of each")
    return arrays


def _from_npy(opened: OpenedModel, paths: Sequence[Path]) -> dict[str, Stored]:
    inputs = opened.network.graph.inputs
    names = {path.stem: path for path in paths if path.suffix.lower() == NPY}
    if len(inputs) == 1 and len(paths) == 1:
        names = {inputs[0].name: paths[0]}
    if {*names} != {some.name for some in inputs} or len(names) != len(paths):
        files = one_of([f"{some.name}.npy" for some in inputs], "and")
        named = "1 file was" if len(paths) == 1 else f"{len(paths)} files were"
        message = f"{opened.path} has {len(inputs)} inputs, and {named} named"
        if len(inputs) == 1:
            message = f"{opened.path} has one input, and {named} named"
        help = f"name a file for each: {files}" if len(inputs) > 1 else "name one .npy file"
        raise DataError(message, help)
    arrays = {some.name: read_npy(names[some.name]) for some in inputs}
    for some in inputs:
        if not shape_fits(arrays[some.name].shape, some):
            shape = written(arrays[some.name].shape)
            message = f"{names[some.name]} is {shape}, and {some.name} takes {written(some.shape)}"
            raise DataError(message, "the first axis has the examples, also where there is one")
    return arrays


def _names(some: Input, opened: OpenedModel) -> list[str]:
    """The names that the array of an input may have, the best first."""
    single = len(opened.network.graph.inputs) == 1
    usual = ["x", "x_test"] if single else [f"x_{some.name}", f"x_test_{some.name}"]
    data = opened.network.spec.data
    named = data.renamed.get(usual[-1]) if data else None
    return [some.name, usual[0], *([named] if named else []), usual[1]]


def _chosen(
    opened: OpenedModel, path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, str]:
    """The name of the array of every input. Raises DataError where there is none."""
    chosen: dict[str, str] = {}
    for some in opened.network.graph.inputs:
        names = _names(some, opened)
        key = next((name for name in names if name in shapes), None)
        fitting = [name for name, shape in shapes.items() if shape_fits(shape, some)]
        if key is None and len(fitting) == 1:
            (key,) = fitting
        if key is None or key not in fitting:
            raise _no_array(path, some, key, shapes, names)
        chosen[some.name] = key
    return chosen


def _no_array(
    path: Path,
    some: Input,
    key: str | None,
    shapes: Mapping[str, tuple[int, ...]],
    names: Sequence[str],
) -> DataError:
    shape = written(some.shape)
    if key is not None:
        message = f"{key} in {path} is {written(shapes[key])}, and {some.name} takes {shape}"
        return DataError(message, "the first axis has the examples, also where there is one")
    there = one_of(
        [f"{name} {written(size)}" for name, size in shapes.items()] or ["nothing"], "and"
    )
    message = f"{path} has {there}: which of them is {some.name}, with examples of {shape}, is open"
    return DataError(message, _HELP.format(f"{names[0]}=..."))
