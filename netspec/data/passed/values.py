"""What a Python program passes as an array: of NumPy, PyTorch, TensorFlow or JAX, or a list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.text.diagnostics import DataError

_HELP = "pass numbers, as in numpy.asarray(values, dtype='float32')"
_TABLE_HELP = (
    "for the columns of a table, write `data: {dataset: table, target: COLUMN}` into the spec"
)


def is_array(value: object) -> bool:
    """Whether a value is an array of any package, a series or a data frame."""
    return hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def is_frame(value: object) -> bool:
    """Whether a value is a data frame of any package; none is imported."""
    return hasattr(type(value), "columns")


def check_no_frame(value: object) -> None:
    """Raise DataError where a value is a frame, which only a table has as a whole."""
    if is_frame(value):
        message = f"a {type(value).__name__} has inputs and labels, and the spec has no table"
        raise DataError(message, f"{_TABLE_HELP}; or pass (x, y)")


def array_of(value: Any, name: str, *, texts: bool) -> NDArray[Any]:  # Any: of any package
    """The values as an array of numbers in native byte order. Raises DataError.

    The array is the one that was passed where it can be. `name` is for messages. `texts` allows
    texts as values.
    """
    if np.ma.is_masked(value):
        message = f"{name} is a masked array, and some of its values are masked"
        raise DataError(message, "fill them, as in values.filled(0), or leave the examples out")
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()  # a tensor of PyTorch
        # NumPy has no such type, and float32 has all of its values.
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    help = "pass it as values.toarray()" if hasattr(value, "toarray") else _HELP
    help = _TABLE_HELP if is_frame(value) else help
    try:
        array = np.from_dlpack(value) if _only_exports(value) else np.asarray(value)
    except Exception as error:  # noqa: BLE001 - of any package
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{name} cannot be read as an array: {reason}", help) from None
    if array.dtype.kind in "OT":
        array = _of_objects(array, name, help)
    if array.dtype.kind not in ("biufUS" if texts else "biuf"):
        raise DataError(f"{name} has values of type {array.dtype}, which are no numbers", help)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _only_exports(value: object) -> bool:
    """Whether DLPack is the only way to the values."""
    return hasattr(value, "__dlpack__") and not hasattr(value, "__array__")


def _of_objects(array: NDArray[Any], name: str, help: str) -> NDArray[Any]:
    """The array of objects that are all texts, or all numbers."""
    objects = array.ravel().tolist()
    kinds = (str, bytes, bool, int, (int, float))
    for kind in kinds:
        if objects and all(isinstance(some, kind) for some in objects):
            return np.array(objects).reshape(array.shape)
    types = [type(some).__name__ for some in objects] or ["object"]
    place = next((index for index, type_ in enumerate(types) if type_ != types[0]), 0)
    types = f"{types[0]} and {types[place]} (element {place:,})" if place else types[0]
    raise DataError(f"{name} has Python objects of the type {types}, which are no numbers", help)
