"""Random valid specs: chains and graphs over the whole vocabulary."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from netspec.language.layers import LAYERS, Shape
from netspec.language.spec import INPUT
from netspec.testing.cases.base import Case
from properties.draws import FIELDS, JOINS
from properties.draws.base import WHOLE, Draw, Fields, axis_sizes, sizes

# Names that Python, PyTorch or a generated module use, and plain names.
NAMES = (
    "type",
    "type_",
    "class",
    "class_",
    "forward",
    "forward_",
    "x",
    "self",
    "logits",
    "train",
    "T",
    "F",
    "nn",
    "torch",
    "weight",
    "inputs",
    "layers",
    "keras",
    "model",
    "step_1",
    "conv2d",
    "dense_1",
    "block/dense",
    "block_dense",
    "a",
    "B",
    "C9",
)

SHAPES: st.SearchStrategy[Shape] = st.one_of(
    axis_sizes(8),
    axis_sizes(5, 4),
    axis_sizes(7, 7, 4),
    axis_sizes(7, 7, 4),
    axis_sizes(4, 4, 4, 3),
)
"""Vectors, sequences, images and volumes."""

LARGEST_TENSOR = 4000
"""The maximum of values in one tensor. Larger tensors make a random spec slow without benefit."""

INDEXED = ("Embedding",)
"""Layers that read only whole numbers."""


@dataclass
class _Growing:
    """A spec while layers are added: the shapes of tensors, and the names of read tensors."""

    shapes: dict[str, Shape]
    whole: int
    layers: list[str] = field(default_factory=list[str])
    names: list[str] = field(default_factory=list[str])
    read: set[str] = field(default_factory=set[str])

    def add(self, draw: Draw, tag: str, fields: Fields, inputs: list[str]) -> None:
        shape = (
            LAYERS[tag]
            .model_validate(_lists(fields))
            .infer_shape(tuple(self.shapes[name] for name in inputs))
        )
        name = self._name(draw)
        yaml_fields: Fields = {**fields, "name": name}
        before = self.names[-1] if self.names else next(iter(self.shapes))
        if inputs != [before] or (not self.names and len(self.shapes) > 1):
            yaml_fields["inputs"] = inputs if len(inputs) > 1 else inputs[0]
        self.layers.append(f"{tag}: {json.dumps(yaml_fields)}")
        self.read.update(inputs)
        self.names.append(name)
        self.shapes[name] = shape

    def _name(self, draw: Draw) -> str:
        free = [name for name in NAMES if name not in self.shapes]
        plain = f"n{len(self.names)}"
        return draw(st.sampled_from([plain, plain, *free]))

    @property
    def unread(self) -> list[str]:
        return [name for name in self.shapes if name not in self.read]


def _lists(value: Any) -> Any:
    """Convert tuples to lists, as in YAML."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


@st.composite
def specs(draw: Draw, longest: int = 6, without: tuple[str, ...] = ()) -> Case:
    """A graph of up to `longest` layers. Each layer fits its inputs.

    Every tensor that no layer reads is an output. `without` names classes that are not drawn.
    """
    whole = WHOLE if draw(st.integers(0, 4)) == 0 else 0
    inputs = draw(st.sampled_from([1, 1, 2]))
    starts = draw(st.lists(SHAPES, min_size=inputs, max_size=inputs))
    named = (
        {INPUT: starts[0]}
        if inputs == 1
        else {f"in{index}": shape for index, shape in enumerate(starts)}
    )
    growing = _Growing(dict(named), whole)
    for _ in range(draw(sizes(longest))):
        _grow(draw, growing, list(named), without)
    for name in named:
        if name not in growing.read:
            growing.add(draw, "Activation", {"activation": "tanh"}, [name])
    outputs = f"output: {json.dumps(growing.unread)}"
    shape = named[INPUT] if inputs == 1 else tuple(named.items())
    return Case(shape, (*growing.layers, outputs), whole)


def _grow(draw: Draw, growing: _Growing, starts: list[str], without: tuple[str, ...]) -> None:
    """Add a layer that reads the newest tensor or an older tensor, or merges two tensors."""
    joins = _joins(growing, without)
    if joins and draw(st.integers(0, 2)) == 0:
        tag, pair = draw(st.sampled_from(joins))
        shapes = tuple(growing.shapes[name] for name in pair)
        strategy = JOINS[tag](shapes)
        assert strategy is not None
        growing.add(draw, tag, draw(strategy), list(pair))
        return
    newest = list(growing.shapes)[-1]
    name = draw(st.sampled_from([newest, newest, newest, *growing.shapes]))
    shape = growing.shapes[name]
    indexed = growing.whole and name in starts
    fitting = [
        tag
        for tag, draws in FIELDS.items()
        if tag not in without and (tag not in INDEXED or indexed) and draws(shape) is not None
    ]
    tag = draw(st.sampled_from(sorted(fitting)))
    strategy = FIELDS[tag](shape)
    assert strategy is not None
    fields = draw(strategy)
    output = LAYERS[tag].model_validate(_lists(fields)).infer_shape((shape,))
    if _size(output) <= LARGEST_TENSOR:
        growing.add(draw, tag, fields, [name])


def _joins(growing: _Growing, without: tuple[str, ...]) -> list[tuple[str, tuple[str, str]]]:
    """The layers of several inputs, each with two of the newest tensors that it can merge."""
    newest = list(growing.shapes)[-4:]
    return [
        (tag, (left, right))
        for left, right in combinations(newest, 2)
        for tag, joins in sorted(JOINS.items())
        if tag not in without and joins((growing.shapes[left], growing.shapes[right])) is not None
    ]


def _size(shape: Shape) -> int:
    size = 1
    for axis in shape:
        size *= axis
    return size
