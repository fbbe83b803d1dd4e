"""Weights as arrays by key, checked; safetensors in and out.

A weights file is safetensors with the keys `<node>.<weight>` and Keras's axes. Its metadata
contains the version of the format and the graph of the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse
from safetensors.numpy import save

from netspec.graph import Graph
from netspec.numerics.mismatch import find_mismatch
from netspec.text.diagnostics import WeightsError, one_of
from netspec.text.files import read_regular

Array: TypeAlias = NDArray[np.float32]
Weights: TypeAlias = Mapping[str, Array]

FORMAT = "netspec-weights-1"


def check(graph: Graph, weights: Mapping[str, NDArray[Any]], origin: str) -> None:
    """Raise WeightsError where weights have other keys, shapes or types, or are not finite."""
    axes = {key: weight.sizes for key, weight in graph.weights()}
    if mismatch := find_mismatch({**weights}, axes):
        fault, help = mismatch
        raise WeightsError(f"{origin}: {fault}", help)


_ANOTHER_GRAPH = "use the weights with the spec that they were trained with"


def to_bytes(graph: Graph, weights: Weights) -> bytes:
    """The weights as the content of a safetensors file, the same bytes for the same values."""
    check(graph, weights, "the model")
    tensors = {key: np.array(weights[key], np.float32, order="C") for key, _ in graph.weights()}
    structure = json.dumps(graph.structure, sort_keys=True)
    return _in_order(save(tensors, {"format": FORMAT, "graph": graph.hash, "structure": structure}))


def _in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted: the library writes a hash map, in any order."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    metadata = dict(sorted(header.pop("__metadata__").items()))
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def load(path: Path, graph: Graph) -> dict[str, Array]:
    """The weights of a file, by key. Raises WeightsError where they do not fit the graph."""
    return _of_graph(*read_safetensors(path), graph, str(path))


def loads(content: bytes, graph: Graph, origin: str) -> dict[str, Array]:
    """The weights in the content of a file; see `load`. `origin` is its name in errors."""
    return _of_graph(*parse_safetensors(content, origin), graph, origin)


def _of_graph(
    tensors: dict[str, Any], metadata: dict[str, str], graph: Graph, origin: str
) -> dict[str, Array]:
    if metadata.get("format") != FORMAT:
        file_format = metadata.get("format", "another program's safetensors")
        raise WeightsError(
            f"{origin} is {file_format}, not {FORMAT}", "name a file that netspec wrote"
        )
    if metadata.get("graph") != graph.hash:
        difference = _first_difference(metadata.get("structure", "{}"), graph)
        message = f"{origin} belongs to another graph: {difference}"
        raise WeightsError(message, _ANOTHER_GRAPH)
    check(graph, tensors, origin)
    return tensors


def read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays and the metadata of a safetensors file. Raises WeightsError."""
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise WeightsError(f"there is no file {path}", "train the network first") from None
    except OSError as error:
        raise _unreadable(str(path), error.strerror) from None
    return parse_safetensors(content, str(path))


def parse_safetensors(content: bytes, origin: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays and the metadata in the content of a safetensors file. Raises WeightsError."""
    try:
        tensors: dict[str, Any] = parse(content)  # Any: safetensors has no types
        size = int.from_bytes(content[:8], "little")
        metadata: dict[str, str] = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    except KeyError as error:  # of the types, such as bfloat16
        raise _unreadable(origin, f"NumPy has no type {error.args[0]}") from None
    except (SafetensorError, TypeError, ValueError, RecursionError, OverflowError) as error:
        raise _unreadable(origin, error) from None
    return tensors, metadata


def _unreadable(origin: str, reason: object) -> WeightsError:
    message = f"{origin} cannot be read as safetensors: {reason}"
    return WeightsError(message, "the file is damaged; train again, or copy it again")


def _first_difference(text: str, graph: Graph) -> str:
    """The first difference between the structure in a file and the graph, in words."""
    try:
        theirs = json.loads(text)
        layers: list[list[Any]] = theirs["layers"]
        for name, shape in graph.structure["inputs"].items():
            if theirs["inputs"].get(name) != shape:
                return f"its input {name} is {theirs['inputs'].get(name)}, and the spec's {shape}"
        if difference := _layer_difference(layers, graph.structure["layers"]):
            return difference
        outputs = one_of(theirs["outputs"], "and")
        return f"its outputs are {outputs}, and the spec has {one_of(graph.outputs, 'and')}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "its metadata do not show which"


def _layer_difference(theirs: list[list[Any]], ours: list[list[Any]]) -> str | None:
    for (name, tag, read, fields), (our_name, our_tag, our_read, our_fields) in zip(
        theirs, ours, strict=False
    ):
        if (name, tag) != (our_name, our_tag):
            return f"it has the layer {name} ({tag}) where the spec has {our_name} ({our_tag})"
        if read != our_read:
            return f"{name} reads {one_of(read, 'and')} in it, and {one_of(our_read, 'and')} here"
        for field, value in our_fields.items():
            if fields.get(field) != value:
                return f"{name} has {field} {fields.get(field)} in it, and {value} in the spec"
    if len(theirs) == len(ours):
        return None
    return f"it has {len(theirs)} layers, and the spec {len(ours)}"
