"""The output of the compiler for specs equals golden files.

`pytest --update tests/golden` rewrites the files. Read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from frameworks import TRAINING, require
from golden.writing import ALL, HERE, LAYERS, WHOLE, onnx_text, written_module
from netspec.graph.nodes import Graph, Input, Node
from netspec.graph.summary import summarize, table, totals
from netspec.language.layers.core import Identity
from netspec.network import Network, load


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """A function that compares a text with its golden file. With --update it rewrites the file."""

    def compare(name: str, text: str) -> None:
        path = HERE / "out" / name
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), "there is no golden file: run pytest --update tests/golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.mark.parametrize("spec", ALL)
def test_the_table_is_the_golden_one(spec, golden):
    summary = summarize(load(ALL[spec]).graph)
    values = [f"{name}: {value}" for name, value in totals(summary)]
    golden(f"{spec}/summary.txt", "\n".join([table(summary), "", *values]) + "\n")


@pytest.mark.parametrize("spec", WHOLE)
def test_the_summary_as_json_is_the_golden_one(spec, golden):
    summary = summarize(load(WHOLE[spec]).graph).to_json()
    golden(f"{spec}/summary.json", json.dumps(summary, indent=2) + "\n")


@pytest.mark.parametrize("spec", WHOLE)
@pytest.mark.parametrize("backend", TRAINING)
def test_the_module_is_the_golden_one(backend, spec, golden):
    golden(f"{spec}/{backend}_module.py", written_module(load(WHOLE[spec]), backend))


@pytest.mark.parametrize("spec", WHOLE)
def test_the_onnx_graph_is_the_golden_one(spec, golden):
    require("onnx")
    golden(f"{spec}/onnx_graph.txt", onnx_text(load(WHOLE[spec])))


@pytest.mark.parametrize("spec", LAYERS)
@pytest.mark.parametrize("backend", TRAINING)
def test_the_lines_of_a_layer_are_golden(backend, spec, golden):
    write = partial(written_module, backend=backend)
    golden(f"{spec}/{backend}_layers.txt", lines_of_layers(load(LAYERS[spec]), write))


@pytest.mark.parametrize("spec", LAYERS)
def test_the_onnx_nodes_of_a_layer_are_golden(spec, golden):
    require("onnx")
    golden(f"{spec}/onnx_layers.txt", lines_of_layers(load(LAYERS[spec]), onnx_text))


def lines_of_layers(network: Network, write: Callable[[Network], str]) -> str:
    """The lines that each layer adds to the text of a network.

    Lines of Identity are left out. A line is shown only at the first layer that has it.
    """
    texts: list[str] = []
    known_lines = {""}
    for node in network.graph.nodes:
        lines = write(single(network, node)).splitlines()
        known_lines.update(write(single(network, identity(node))).splitlines())
        added = [line for line in lines if line not in known_lines]
        texts.append("\n".join([f"# {node.name}: {node.layer.tag}", *added]))
        known_lines.update(lines)
    return "\n\n".join(texts) + "\n"


def identity(node: Node) -> Node:
    """The node as an Identity of its first input."""
    inputs, shapes = node.inputs[:1], node.input_shapes[:1]
    layer = Identity(name=node.name)
    return Node(node.name, layer, inputs, shapes, node.input_shape)


def single(network: Network, node: Node) -> Network:
    """The network with only this node, and with the inputs of this node as its inputs."""
    shapes = zip(node.inputs, node.input_shapes, strict=True)
    inputs = tuple(Input(f"in_{name}", shape) for name, shape in shapes)
    node = replace(node, inputs=tuple(tensor.name for tensor in inputs))
    graph = Graph(network.graph.name, inputs, (node,), (node.name,))
    spec = network.spec.model_copy(update={"train": None, "data": None})
    return Network(spec, graph, network.folder)
