"""A graph: inputs, nodes with every shape inferred, and a hash of its structure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from netspec.language.layers import Layer, Layout, Shape, Shapes, Weight
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.base import OF_WEIGHTS


@dataclass(frozen=True)
class Input:
    """An input of the network: float32 values of `shape`, channels last, without the batch axis."""

    name: str
    shape: Shape

    @property
    def channels_first(self) -> bool:
        """Whether the shape looks like (channels, height, width), as PyTorch's images have it."""
        if len(self.shape) != 3:
            return False
        channels, height, width = self.shape
        grey = channels == 1 and height == width
        return (grey or channels in (3, 4)) and min(height, width) >= 8


@dataclass(frozen=True)
class Node:
    """A layer in the graph: its inputs, and the shape of its output.

    Shapes are channels last for every layout; `layout` is the layout of the output in memory.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    input_shapes: Shapes
    shape: Shape
    layout: Layout = "channels_last"

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input, which for most layers is the only one."""
        return self.input_shapes[0]

    def dimension(self, index: int) -> int:
        """The axis of the tensor, which begins with the batch, for the axis `index` of `shape`."""
        if self.layout == "channels_first":
            return 1 if index == len(self.shape) - 1 else index + 2
        return index + 1

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        weights = self.layer.infer_weights(self.input_shapes)
        if self.layer.trainable:
            return weights
        return tuple(replace(weight, trainable=False) for weight in weights)

    @property
    def parameters(self) -> int:
        return sum(weight.size for weight in self.weights)

    @property
    def multiply_adds(self) -> int:
        return self.layer.infer_cost(self.input_shapes)


@dataclass(frozen=True)
class Graph:
    """A network: its inputs, its nodes, each after its inputs, and the names of its outputs.

    Shapes are channels last, without the batch axis.
    """

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @property
    def input_shape(self) -> Shape:
        """The shape of the first input, which for most networks is the only one."""
        return self.inputs[0].shape

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """Every node by its name."""
        return {node.name: node for node in self.nodes}

    @property
    def output(self) -> Node:
        """The first output, which for most networks is the only one."""
        return self.by_name[self.outputs[0]]

    @property
    def output_nodes(self) -> tuple[Node, ...]:
        """Every output in its order."""
        return tuple(self.by_name[name] for name in self.outputs)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of one example."""
        return sum(node.multiply_adds for node in self.nodes)

    def weights(self) -> Iterator[tuple[str, Weight]]:
        """Every weight with its key `<node>.<weight>`, in the order of the nodes."""
        for node in self.nodes:
            for weight in node.weights:
                yield f"{node.name}.{weight.name}", weight

    @cached_property
    def structure(self) -> dict[str, Any]:
        """What the meaning of trained weights depends on, as JSON data: no initializers."""
        layers = [
            [node.name, node.layer.tag, list(node.inputs), meaning(node.layer)]
            for node in self.nodes
        ]
        inputs = {input_.name: list(input_.shape) for input_ in self.inputs}
        return {"inputs": inputs, "layers": layers, "outputs": list(self.outputs)}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the structure, in hexadecimal."""
        text = json.dumps(self.structure, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def meaning(layer: Layer) -> dict[str, Any]:
    """The fields of a layer without its name and inputs, as JSON data."""
    return _without_training(layer.model_dump(mode="json", exclude={"name", "inputs", "trainable"}))


def _without_training(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, also of a layer inside, without fields that only matter in training."""
    return {
        name: _without_training(value) if isinstance(value, dict) else value  # pyright: ignore[reportUnknownArgumentType] - JSON data
        for name, value in fields.items()
        if not name.endswith(OF_WEIGHTS)
    }


def activation(layer: Layer) -> ActivationName:
    """The activation that a layer ends in."""
    return getattr(layer, "activation", "linear") if layer.ends_in_activation else "linear"
