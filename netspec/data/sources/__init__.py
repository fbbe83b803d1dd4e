"""The data sources, one file each: the fields that a spec writes, and how the data are opened.

Importing a source loads no NumPy: `netspec check` imports its fields. What reads data is imported
by `open`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.language.data import DataFields

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
