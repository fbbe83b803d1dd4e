"""The fields under `data` of a spec, and the sources that they are of, found by name."""

from __future__ import annotations

from netspec.language.data.fields import (
    ARRAY_PARTS,
    DataFields,
    FileFields,
    FilePath,
    FolderPath,
    ImageResize,
    PartFields,
    Portion,
    Promise,
    Resize,
    class_names,
    promise_of,
)
from netspec.language.data.passed import Passed
from netspec.language.data.registry import SOURCES, DataField

__all__ = [
    "ARRAY_PARTS",
    "SOURCES",
    "DataField",
    "DataFields",
    "FileFields",
    "FilePath",
    "FolderPath",
    "ImageResize",
    "PartFields",
    "Passed",
    "Portion",
    "Promise",
    "Resize",
    "class_names",
    "promise_of",
]
