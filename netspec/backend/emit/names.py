"""The names in generated modules: identifiers, variables, and the class."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable

from netspec.graph import Graph


def identifiers(names: Iterable[str], reserved: Collection[str]) -> dict[str, str]:
    """A Python identifier for every name, none of them twice or among the reserved ones.

    >>> identifiers(["block/conv2d", "class", "x"], {"x"})
    {'block/conv2d': 'block_conv2d', 'class': 'class_', 'x': 'x_'}
    """
    used_names = {*keyword.kwlist, *reserved}
    by_name: dict[str, str] = {}
    for name in names:
        identifier = re.sub(r"\W", "_", name)
        while identifier in used_names:
            identifier += "_"
        used_names.add(identifier)
        by_name[name] = identifier
    return by_name


def variables(graph: Graph, only_input: str, reserved: Collection[str]) -> dict[str, str]:
    """The variable of each tensor of a graph, by the tensor's name.

    A tensor that only the next node reads is `x`; every other has a separate name. An only input is
    `only_input` where that is safe, and `inputs` where `x` would be overwritten too early.
    """
    readers: dict[str, set[int]] = {}
    for index, node in enumerate(graph.nodes):
        for name in node.inputs:
            readers.setdefault(name, set()).add(index)
    for name in graph.outputs:
        readers.setdefault(name, set()).add(len(graph.nodes))
    kept = [
        node.name for index, node in enumerate(graph.nodes) if readers.get(node.name) != {index + 1}
    ]
    used_names = {"x", "inputs", *reserved}
    names = [tensor.name for tensor in graph.inputs]
    if len(names) > 1:
        inputs = identifiers(names, used_names)
    else:
        inputs = {names[0]: only_input if readers.get(names[0]) == {0} else "inputs"}
    kept_names = identifiers(kept, {*used_names, *inputs.values()})
    return {**{node.name: "x" for node in graph.nodes}, **kept_names, **inputs}


def camel_case(name: str) -> str:
    """The class name for a spec's name.

    >>> camel_case("mnist_cnn")
    'MnistCnn'
    """
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)
