"""The ends of a network: the facts about its outputs that losses depend on."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.graph.nodes import Graph, Node, activation
from netspec.language.layers import Layer, Shape
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.base import axis_indices
from netspec.language.layers.core import Softmax
from netspec.text.source import Location


@dataclass(frozen=True)
class End:
    """The name and the shape of an output, and the activation that it comes from.

    `subject` is its name in messages, `location` the place of its layer. `read` is true where
    another layer reads it.
    """

    name: str
    subject: str
    shape: Shape
    activation: ActivationName
    location: Location
    activation_field: bool
    units_field: bool
    read: bool


def ends(graph: Graph) -> tuple[End, ...]:
    """The end of every output."""
    read = {name for node in graph.nodes for name in node.inputs}
    places = {node.name: index for index, node in enumerate(graph.nodes)}
    several = len(graph.outputs) > 1
    return tuple(
        _end(
            node,
            subject=node.name if several else "the network",
            location=("layers", places[node.name], node.layer.tag),
            read=node.name in read,
        )
        for node in graph.output_nodes
    )


def _end(node: Node, *, subject: str, location: Location, read: bool) -> End:
    layer = node.layer
    return End(
        name=node.name,
        subject=subject,
        shape=node.shape,
        activation=_ending(layer, node.shape),
        location=location,
        activation_field="activation" in layer.model_fields_set and hasattr(layer, "activation"),
        units_field=hasattr(layer, "units"),
        read=read,
    )


def _ending(layer: Layer, shape: Shape) -> ActivationName:
    """The activation that an output of `shape` comes from, also where it is a separate layer."""
    if isinstance(layer, Softmax) and axis_indices(layer.axis, shape) == (len(shape) - 1,):
        return "softmax"
    return activation(layer)
