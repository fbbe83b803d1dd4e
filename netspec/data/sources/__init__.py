"""The data sources, one file each: the fields that a spec writes, and how the data are opened.

Importing a source loads no NumPy: `netspec check` imports its fields. What reads data is imported
by `open`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.language.data import DataFields
from netspec.language.layers.tagged import fault
from netspec.text.codes import Code

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Source(DataFields, ABC):
    """A data source. Its fields are what a spec writes under `data`."""

    @abstractmethod
    def open(self, folder: Path, request: Request) -> Table:
        """The data as a table. Raises DataError.

        `folder` is the folder that the paths are relative to. `request` names the columns that the
        network reads.
        """


def check_pairs(source: DataFields, pairs: Mapping[str, str]) -> None:
    """Raise the error of a field of a part whose inputs or labels are missing.

    `pairs` are the fields of the inputs of every part, training first, with the fields of its
    labels. An autoencoder needs no labels.
    """
    for inputs, labels in pairs.items():
        if getattr(source, inputs) is None and getattr(source, labels) is not None:
            message = f"there is {labels}, and no {inputs}"
            raise fault(labels, message, f"add `{inputs}: …`, or remove {labels}")
        needed = getattr(source, inputs) is not None and not source.own_targets
        if needed and getattr(source, labels) is None:
            message = f"{source.dataset} needs {labels}"
            help = f"add `{labels}: …`, the file with the labels of {inputs}"
            raise fault((), message, help, Code.MISSING_FIELD)
