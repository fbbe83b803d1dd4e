"""Puts random values at random places in the data of a spec."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from netspec.text.source import Data, Node, Source, Text

VALUES = st.sampled_from(
    [
        *(None, True, 0, 1, -1, 3, 10**6, 10**30, 0.5, -0.0, 1e300, float("inf"), float("nan")),
        *("", "relu", "Flatten", "a b", "x" * 500, "\0", "__class__", "${name}"),
        *([], [0], [1, 2], [None, None], [[]], {}, {"a": 1}, {"Dense": {"units": 1}}, {"": None}),
    ]
)

Change = tuple[tuple[str | int, ...], Any]


def changes(whole: Any, values: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[list[Change]]:
    """A few places in the data, each with a value for it."""
    return st.lists(st.tuples(st.sampled_from([*paths(whole)]), values), min_size=1, max_size=3)


def changed(whole: Any, changes: Sequence[Change]) -> Source:
    """The data with the values at their places, as far as these exist."""
    data = copy.deepcopy(whole)
    for (*path, last), value in changes:
        inner: Any = data
        for step in path:
            inner = members(inner).get(step)
        if last in members(inner):
            inner[last] = copy.deepcopy(value)  # which a later change may change
    return located(data)


def members(value: Any) -> dict[Any, Any]:
    """The values of a mapping or a list, by key or index."""
    if isinstance(value, list):
        return dict(enumerate(value))
    return value if isinstance(value, dict) else {}


def paths(data: Any, start: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value inside some data."""
    for step, value in members(data).items():
        yield (*start, step)
        yield from paths(value, (*start, step))


def located(data: Data) -> Source:
    """A source of the data. All its values have the same place."""

    def node(value: Data) -> Node:
        inner = {step: node(child) for step, child in members(value).items()}
        keys = {step: node(step) for step in value} if isinstance(value, dict) else {}
        return Node(Text("data", ("data",)), (0, 0), (0, 4), value, keys, inner)

    return Source(node(data))
