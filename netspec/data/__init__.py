"""Data sets: their sources, their tables, and the examples that a network takes of them.

The names below are imported when they are first used. The fields of a source are in this package
too, and a spec is read without NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.data.examples import Examples
    from netspec.data.loading import Dataset, load
    from netspec.data.order import epoch_order, mask_seed

__all__ = ["Dataset", "Examples", "epoch_order", "load", "mask_seed"]

_MODULES = {
    "Dataset": "loading",
    "Examples": "examples",
    "epoch_order": "order",
    "load": "loading",
    "mask_seed": "order",
}


def __getattr__(name: str) -> Any:  # Any: one of several classes and functions
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
