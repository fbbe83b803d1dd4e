"""The arrays of an .npz file as a table: by the names of netspec, or by names in the spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from netspec.data.mapped import Stored
from netspec.data.npz import read_npz
from netspec.data.table import WEIGHTS, Column, Request, Table, array_name
from netspec.language.data import ARRAY_PARTS
from netspec.text.diagnostics import DataError, one_of


def open_archive(path: Path, request: Request, renamed: Mapping[str, str]) -> Table:
    """The table of an .npz file; `renamed` is the name in the file by netspec's name.

    The training part is required, the others are in the file or not. Raises DataError.
    """
    columns = (*request.inputs, *request.labels, WEIGHTS)
    by_part = {
        part: {array_name(column, part): column for column in columns} for part in ARRAY_PARTS
    }
    needed = [*renamed, *(array_name(column, "train") for column in request.required)]
    members = {
        name: renamed.get(name, name)
        for names in by_part.values()
        for name in names
        if name in needed or name not in renamed.values()
    }
    keys = list(dict.fromkeys(members[name] for name in members if name in needed))
    arrays = read_npz(
        path,
        keys,
        [member for member in members.values() if member not in keys],
        texts=[member for name, member in members.items() if name.startswith("y")],
        renamed=renamed.values(),
    )
    parts = {
        part: {
            column: arrays[members[name]]
            for name, column in names.items()
            if members.get(name) in arrays
        }
        for part, names in by_part.items()
    }
    return table_of_parts(parts, request.required, str(path))


def table_of_parts(
    parts: Mapping[str, Mapping[str, Stored]], required: Sequence[str], subject: str
) -> Table:
    """The table of arrays by their column and part, as names of arrays write the parts.

    `required` are the columns that a part has. `subject` is what has the arrays, for messages.
    Raises DataError.
    """
    splits: dict[str, tuple[Column, ...]] = {}
    for part, values in parts.items():
        split = ARRAY_PARTS[part]
        if values:
            _check_part(part, list(values), required, subject)
            if split in splits:
                message = f"{subject} has arrays of {part}, and others of val"
                raise DataError(message, f"both are the {split} part: leave one of them out")
            splits[split] = tuple(Column(column, array) for column, array in values.items())
    return Table(splits)


def _check_part(part: str, there: list[str], required: Sequence[str], subject: str) -> None:
    """Raise DataError where a part has some of its arrays, and not all."""
    if missing := [array_name(column, part) for column in required if column not in there]:
        message = f"{subject} has {array_name(there[0], part)}, and lacks {one_of(missing, 'and')}"
        raise DataError(message, "a part has an array for every input and every output")
