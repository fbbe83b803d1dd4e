"""A spec with variables and blocks becomes the flat spec that it means.

The result has one list of layers, and no variables, blocks, repetitions or references. Each of its
values keeps its place in the text. A layer of a block also keeps the calls that it came through, so
that a later message shows both.
"""

from __future__ import annotations

from netspec.language.expansion.blocks import check_nesting, check_uncalled, read_blocks
from netspec.language.expansion.calls import Calls, Frame
from netspec.language.expansion.values import Scope, Values, rebuilt, walk
from netspec.language.expansion.variables import read_variables
from netspec.language.spec import INPUT
from netspec.text.source import Data, Node, Source

__all__ = ["expand", "variables"]


def expand(source: Source) -> Source:
    """The flat spec. Raises SpecError with the faults of variables, blocks and calls."""
    root = source.root
    if not isinstance(root.data, dict) or not _has_work(root.data):
        return source
    values = Values()
    variables = read_variables(root, values)
    blocks = read_blocks(root, values, variables)
    values.raise_faults()
    check_nesting(blocks, values)
    check_uncalled(root.members.get("layers"), blocks, values)
    calls = Calls(blocks, variables, values)
    scope = Scope(variables)
    members = {
        key: values.substitute(node, scope)
        for key, node in root.members.items()
        if key not in ("variables", "blocks", "layers", "output")
    }
    frame = Frame(scope, *_inputs(members.get("input")))
    layers = root.members.get("layers")
    if layers is not None and isinstance(layers.data, list):
        calls.expand(layers, frame)
        items = dict[str | int, Node](enumerate(calls.finish(tuple(frame.inputs))))
        members["layers"] = rebuilt(layers, items, {})
    elif layers is not None:
        members["layers"] = layers
    if (output := root.members.get("output")) is not None:
        members["output"] = calls.resolved(values.substitute(output, scope), frame)
    values.raise_faults()
    return Source(rebuilt(root, members, {str(key): root.keys[str(key)] for key in members}))


def variables(source: Source) -> dict[str, Data]:
    """The variables of a spec with their values. Raises SpecError."""
    values = Values()
    nodes = read_variables(source.root, values)
    values.raise_faults()
    return {name: node.data for name, node in nodes.items() if node is not None}


def _has_work(data: dict[str, Data]) -> bool:
    """Whether a spec uses what has to be expanded."""
    for value in walk(data):
        if isinstance(value, str) and "$" in value:
            return True
        if isinstance(value, dict) and "repeat" in value:
            return True
    return "variables" in data or "blocks" in data


def _inputs(node: Node | None) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """What the first layer reads, if that is clear, and the network's inputs by name."""
    names = (INPUT,)
    if node is not None and isinstance(node.data, dict):
        names = tuple(node.data)
    return names if len(names) == 1 else (), {name: (name,) for name in names}
