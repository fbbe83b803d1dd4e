"""Data that a Python program passes instead of the files of a spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Passed:
    """Arrays, a data frame, a data set of PyTorch or TensorFlow, or a mapping of them by part.

    `netspec.data.passed` reads them. With `tested`, data without parts are the test part.
    """

    values: Any  # Any: data of any package
    tested: bool = False
