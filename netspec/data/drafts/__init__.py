"""A spec that is written for the data of a user: images, a table or arrays are looked at first."""

from __future__ import annotations

import re
from pathlib import Path

from netspec.data.drafts.writing import Draft, Place
from netspec.text.diagnostics import DataError

__all__ = ["Draft", "Place", "draft", "is_data", "network_name"]

ARRAYS = (".npz",)
TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".feather")
"""The ends of the names of files that a spec is written for, in lower case."""


MAX_NAME = 50
"""The maximum length of a name that is made from the name of a file."""


def is_data(path: Path) -> bool:
    """Whether a path is data for which a spec can be written, and not a spec."""
    return path.is_dir() or path.suffix.lower() in (*ARRAYS, *TABLES)


def network_name(path: Path) -> str:
    """The name of a network for data: the name of the file or folder, as an identifier.

    >>> network_name(Path("my photos/"))
    'my_photos'
    """
    stem = path.resolve().name if path.is_dir() else path.stem
    name = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")[:MAX_NAME] or "network"
    return name if name[0].isalpha() else f"data_{name}"


def draft(name: str, place: Place, target: str | None = None) -> Draft:
    """A spec with the name of a network for the data at a place, which trains unchanged.

    `target` is the column of a table that the network learns to predict. Raises DataError.
    """
    path, suffix = place.path, place.path.suffix.lower()
    if not path.exists():
        raise DataError(f"there is no file or folder {path}", "check the path")
    if suffix in TABLES and not path.is_dir():
        from netspec.data.drafts.table import draft_table

        return draft_table(name, place, target)
    if target is not None:
        message = f"{path} has no columns of which one is the target"
        raise DataError(message, "leave --target out; it is for tables")
    if path.is_dir():
        from netspec.data.drafts.images import draft_images
        from netspec.data.drafts.text import draft_text_folder
        from netspec.data.folders import TEXTS, kind_below

        write = draft_text_folder if kind_below(path) is TEXTS else draft_images
        return write(name, place)
    if suffix in ARRAYS:
        from netspec.data.drafts.arrays import draft_arrays

        return draft_arrays(name, place)
    kinds = "a folder of images, a CSV or Parquet file, or an .npz file"
    raise DataError(f"{path} is not {kinds}", "name the data of the network")
