"""What every exported file contains: its metadata, and a division where it takes pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from netspec.data.location import relocated
from netspec.data.pixels import WHITE, raw_divisor
from netspec.data.record import DataRecord
from netspec.graph import Graph, Node
from netspec.language.data import class_names, promise_of
from netspec.language.layers.preprocessing import Division
from netspec.language.spec import resolved
from netspec.network import Network
from netspec.passes.base import Pass, graph_pass
from netspec.passes.layout import renamed
from netspec.text.diagnostics import BackendError


@dataclass(frozen=True)
class Scaling:
    """The number by which inputs are divided, and the value of white before the division."""

    divisor: float
    white: int

    @property
    def division(self) -> Pass:
        """The pass that makes the graph take pixels, by a division before its only input."""

        def divide_pixels(graph: Graph) -> Graph:
            return _on_pixels(graph, self.divisor)

        return graph_pass(divide_pixels)


def scaling_of(network: Network, record: DataRecord | None, *, raw_input: bool) -> Scaling:
    """How the inputs of a network are scaled.

    For raw input it follows from pixels of 8 bits. Raises DataError where `record` shows that the
    training data were no such pixels.
    """
    scale = network.scales[network.graph.inputs[0].name]
    promise = promise_of(network.spec.data)
    if not raw_input:
        return Scaling(scale, int(promise.value_range[1]) if promise.value_range else WHITE)
    if record and record.preparation:
        message = "raw input is pixels, and the network takes the columns of a table"
        raise BackendError(message, "leave --raw-input out: the file prepares the columns itself")
    recorded = record.arrays.get("x_train") if record else None
    return Scaling(*raw_divisor(promise, recorded, scale))


def _on_pixels(graph: Graph, divisor: float) -> Graph:
    """The graph with a division that scales pixels to its only input."""
    pixels, *others = graph.inputs
    if others:
        message = f"{graph.name} has {len(graph.inputs)} inputs, and raw input is for one of images"
        raise BackendError(message, "leave --raw-input out, and scale the pixels before")
    scaled, divided_by = f"{pixels.name}.scaled", Division(divisor=divisor)
    divided = Node(scaled, divided_by, (pixels.name,), (pixels.shape,), pixels.shape)
    nodes = renamed(replace(graph, inputs=()), {pixels.name: scaled}).nodes
    return replace(graph, nodes=(divided, *nodes))


def file_metadata(
    network: Network, record: DataRecord | None, scaling: Scaling, *, raw_input: bool
) -> dict[str, str]:
    """The spec, the classes, the hash of the graph, the scaling and the data, by name."""
    graph, spec = network.graph, network.spec
    recorded = record.class_names if record else None
    names = class_names(spec.data, graph.output.shape[-1], recorded)
    metadata = {
        "netspec.spec": resolved(relocated(spec, network.folder, network.folder)),
        "netspec.class_names": json.dumps(names),
        "netspec.graph": graph.hash,
        "netspec.scale": str(scaling.divisor),
        "netspec.largest_pixel": str(scaling.white),
        "netspec.raw_input": json.dumps(raw_input),
    }
    return metadata | ({"netspec.data": record.model_dump_json()} if record else {})
