"""A pass changes a graph, and an invalid graph is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netspec.graph import Graph, Node
from netspec.graph.listing import listing
from netspec.graph.rewrite import Rewriter
from netspec.graph.verify import GraphError, verify
from netspec.language.layers import Activation
from netspec.network import loads

RELU = Activation(activation="relu")


@pytest.fixture
def graph() -> Graph:
    """Two layers that read a third layer, and their sum."""
    layers = """
- Dense: {units: 2, name: first}
- Dense: {units: 2, name: left}
- Dense: {units: 2, name: right, inputs: first}
- Add: {inputs: [left, right], name: sum}
"""
    return loads(f"netspec: 1\nname: example\ninput: [3]\nlayers:{layers}").graph


def reading(name: str, source: str) -> Node:
    return Node(name, RELU, (source,), ((2,),), (2,))


def edges(graph: Graph) -> list[tuple[str, tuple[str, ...]]]:
    return [(node.name, node.inputs) for node in graph.nodes]


def test_without_a_change_the_graph_is_the_same(graph):
    assert Rewriter(graph).graph() == graph


def test_a_node_inserted_after_another_is_read_instead(graph):
    rewriter = Rewriter(graph)
    rewriter.insert_after("first", reading("relu", "first"))
    rewriter.redirect("first", "relu")
    new_graph = rewriter.graph()
    verify(new_graph)
    assert edges(new_graph) == [
        ("first", ("input",)),
        ("relu", ("first",)),
        ("left", ("relu",)),
        ("right", ("relu",)),
        ("sum", ("left", "right")),
    ]
    assert [node.name for node in rewriter.readers("relu")] == ["left", "right"]
    assert rewriter.has_one_reader("first")


def test_nodes_before_a_reader_keep_their_order(graph):
    rewriter = Rewriter(graph)
    for name in ("one", "two"):
        rewriter.insert_before("left", reading(name, "first"))
    assert [node.name for node in rewriter.graph().nodes][:4] == ["first", "one", "two", "left"]


def test_a_redirected_output_is_read_instead(graph):
    rewriter = Rewriter(graph)
    assert rewriter.is_output("sum")
    rewriter.append(reading("relu", "sum"))
    assert not rewriter.has_one_reader("sum")
    rewriter.redirect("sum", "relu")
    assert rewriter.has_one_reader("sum")
    assert rewriter.graph().outputs == ("relu",)


def test_a_removed_node_reads_nothing(graph):
    rewriter = Rewriter(graph)
    rewriter.redirect("right", "left")
    rewriter.remove("right")
    assert edges(rewriter.graph())[-1] == ("sum", ("left", "left"))
    assert [node.name for node in rewriter.readers("first")] == ["left"]
    assert [node.name for node in rewriter.readers("left")] == ["sum"]


@pytest.mark.parametrize(
    ("index", "changes", "message"),
    [
        (1, {"name": "first"}, "two nodes are named first"),
        (1, {"name": "input"}, "two nodes are named input"),
        (1, {"inputs": ("sum",)}, "left reads sum, which no node before it computes"),
        (1, {"input_shapes": ((3,),)}, r"left reads first as \(3\), which is \(2\)"),
        (1, {"shape": (4,)}, r"left has the shape \(4\), and its layer computes \(2\)"),
        (3, {"inputs": ("left", "input")}, r"sum reads input as \(2\), which is \(3\)"),
    ],
)
def test_a_graph_that_is_not_sound_is_noticed(graph, index, changes, message):
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **changes)
    with pytest.raises(GraphError, match=message):
        verify(replace(graph, nodes=tuple(nodes)))


def test_an_output_is_a_node(graph):
    with pytest.raises(GraphError, match="the output input is no node"):
        verify(replace(graph, outputs=("input",)))


def test_a_listing_shows_differences_from_the_defaults(graph):
    assert listing(graph).splitlines()[-2:] == ["sum: (2) = Add(left, right)", "output: sum"]
