"""Examples of a data set that a Python program passes, read one after the other into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.memory import half_of_memory
from netspec.data.passed.parts import Value, columns_of
from netspec.data.passed.values import array_of
from netspec.data.table import Request
from netspec.data.threads import bar
from netspec.graph.summary import in_bytes
from netspec.language.layers import Shape, written
from netspec.text.diagnostics import DataError

GROWTH = 1024
"""For how many examples there is room at first, where their number is not known."""

_FORMS = "pass (x, y), a dict of arrays, or an object with __len__ and __getitem__"


def read_examples(data: Value, part: str, request: Request) -> dict[str, NDArray[Any]]:
    """The arrays (n, …) of all examples by their column, in the order of the data set.

    `data` are a map-style data set of PyTorch, any other object with `__len__` and `__getitem__`,
    or a finite tf.data.Dataset. An element is an example, or a batch where its input has one more
    axis than the input of the network. Raises DataError with the index of an element that cannot
    be read, or is not like the first one.
    """
    count, elements = _elements(data, part)
    columns: dict[str, _Column] = {}
    batched, limit = False, half_of_memory()
    with bar("Reading examples", count or 0) as advance:
        for index, element in enumerate(elements):
            values = _values(element, index, part, request)
            if not columns:
                batched = _is_batch(values, request)
                known = count if not batched else None
                first = values if not batched else {name: some[0] for name, some in values.items()}
                _check_memory(
                    sum(some.nbytes for some in first.values()) * (known or 1), part, limit
                )
                columns = {name: _Column(name, part, known or GROWTH) for name in values}
            if values.keys() != columns.keys():
                raise _unlike(index, part, [*values], [*columns])
            for name, value in values.items():
                columns[name].add(value if batched else value[None], index)
            _check_memory(sum(column.nbytes for column in columns.values()), part, limit)
            advance(1)
    if not columns:
        raise DataError(f"the {part} data have no examples", "pass at least one example")
    return {name: column.array for name, column in columns.items()}


def _elements(data: Value, part: str) -> tuple[int | None, Iterator[Value]]:
    """The elements of a data set in their order, and their number where it is known."""
    if hasattr(data, "as_numpy_iterator") and hasattr(data, "cardinality"):
        count = int(data.cardinality())
        if count == -1:  # tf.data.INFINITE_CARDINALITY
            message = f"the {part} data are a tf.data.Dataset without an end"
            raise DataError(message, "leave .repeat() out, or pass dataset.take(n)")
        return (count if count >= 0 else None), _iterated(data, part)
    if not hasattr(data, "__getitem__"):
        help = _FORMS
        if hasattr(data, "dataset"):
            help = "pass the data set of the loader: data=loader.dataset"
        raise DataError(f"{type(data).__name__} has no __getitem__, which reads an example", help)
    try:
        count = len(data)
    except TypeError as error:
        raise DataError(f"{type(data).__name__} has no length: {error}", _FORMS) from None
    return count, _indexed(data, count, part)


def _indexed(data: Value, count: int, part: str) -> Iterator[Value]:
    for index in range(count):
        try:
            element = data[index]
        except Exception as error:  # of the program's own code
            raise _unreadable(index, part, error) from error
        yield element


def _iterated(data: Value, part: str) -> Iterator[Value]:
    elements, index = data.as_numpy_iterator(), 0
    while True:
        try:
            element = next(elements)
        except StopIteration:
            return
        except Exception as error:  # of TensorFlow, or the program's own code
            raise _unreadable(index, part, error) from error
        yield element
        index += 1


def _unreadable(index: int, part: str, error: Exception) -> DataError:
    reason = str(error).partition("\n")[0]
    message = f"example {index:,} of the {part} data cannot be read: {type(error).__name__}"
    return DataError(f"{message}: {reason}" if reason else message, "correct the data set")


def _values(element: Value, index: int, part: str, request: Request) -> dict[str, NDArray[Any]]:
    """The values of an element by their column."""
    if isinstance(element, list) and request.needs_labels:
        element = tuple(element)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of any values
    place = f"example {index:,} of the {part} data"
    try:
        columns = columns_of(element, request)
    except DataError as error:
        raise DataError(f"{place}: {error.message}", error.help) from None
    if missing := [column for column in request.required if column not in columns]:
        message = f"{place} is {type(element).__name__}, and has no {missing[0]}"  # pyright: ignore[reportUnknownArgumentType] - of any values
        raise DataError(message, "an example is (x, y) or a dict; arrays of all are a tuple (x, y)")
    return {
        name: array_of(value, f"{name} of {place}", texts=name in request.labels)
        for name, value in columns.items()
    }


def _is_batch(values: dict[str, NDArray[Any]], request: Request) -> bool:
    """Whether the first element has several examples: its input has one axis more."""
    if not request.input_shapes:
        return False
    shape, expected = values[request.inputs[0]].shape, request.input_shapes[0]
    return bool(shape) and not _fits(shape, expected) and _fits(shape[1:], expected)


def _fits(shape: Shape, expected: Shape) -> bool:
    return expected in (shape, (*shape, 1))


def _unlike(index: int, part: str, names: list[str], first: list[str]) -> DataError:
    message = f"example {index:,} of the {part} data has {', '.join(names)}, "
    message += f"and example 0 has {', '.join(first)}"
    return DataError(message, "every example has the same entries")


def _check_memory(size: int, part: str, limit: int) -> None:
    """Raise DataError where examples of so many bytes are more than the limit."""
    if size > limit:
        message = f"the examples of the {part} data take more than {in_bytes(limit)}, half of the "
        help = "write them into .npy files, which are read as they are needed: `dataset: npy`"
        raise DataError(f"{message}memory that is free", help)


class _Column:
    """The values of all examples for one input or output, which are added in their order."""

    def __init__(self, name: str, part: str, room: int) -> None:
        """`room` is the expected number of examples."""
        self._name, self._part, self._room = name, part, room
        self.nbytes = 0  # of the examples that were added
        self._texts: list[Any] = []
        self._values: NDArray[Any] = np.empty(0)
        self._first: tuple[np.dtype[Any], Shape] | None = None
        self._count = 0

    def add(self, values: NDArray[Any], index: int) -> None:
        """Add examples (k, …) of the element with this index."""
        is_text = values.dtype.kind in "US"
        form = np.dtype(values.dtype.kind) if is_text else values.dtype, values.shape[1:]
        if self._first is None:
            self._first = form
            self._values = np.empty((0 if is_text else self._room, *form[1]), form[0])
        if form != self._first:
            now, before = (f"{dtype} of {written(shape)}" for dtype, shape in (form, self._first))
            message = f"example {index:,} of the {self._part} data has {self._name} as {now}, "
            help = "every example has the same shape and type"
            raise DataError(f"{message}and example 0 as {before}", help)
        self.nbytes += values.nbytes
        if is_text:
            self._texts += values.tolist()
            return
        end = self._count + len(values)
        if end > len(self._values):
            self._values.resize((max(end, 2 * self._count), *form[1]), refcheck=False)
        self._values[self._count : end] = values
        self._count = end

    @property
    def array(self) -> NDArray[Any]:
        """All examples (n, …)."""
        if self._texts:
            return np.array(self._texts)
        return self._values[: self._count]
