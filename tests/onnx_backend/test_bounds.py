"""A model without a bound on its time or memory is refused before ONNX Runtime sees it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from netspec.backend import find_exporting
from netspec.text.diagnostics import BackendError
from netspec_onnx.bounds import MAX_NODES, check_bounds

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name: str, *shape: int | str, of: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, of, shape)


def constant(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def model(*nodes: NodeProto, weights: tuple[TensorProto, ...] = ()) -> ModelProto:
    graph = helper.make_graph(nodes, "g", [info("x", "n", 2)], [info("y", "n", 2)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def loop() -> ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Relu", ["v"], ["w"])],
        "body",
        [info("i", of=INT64), info("c", of=BOOL), info("v", "n", 2)],
        [info("d", of=BOOL), info("w", "n", 2)],
    )
    count = numpy_helper.from_array(np.array(2**62), "count")
    forever = numpy_helper.from_array(np.array(True), "true")
    node = helper.make_node("Loop", ["count", "true", "x"], ["y"], body=body)
    return model(node, weights=(count, forever))


def many_nodes() -> ModelProto:
    names = ["x", *(f"v{index}" for index in range(MAX_NODES)), "y"]
    pairs = pairwise(names)
    return model(*(helper.make_node("Relu", [a], [b]) for a, b in pairs))


def nested(levels: int) -> ModelProto:
    """An If in an If: 2^levels nodes."""
    inner = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["z"])], "b", [], [info("z", "n", 2)]
    )
    for level in range(levels):
        node = helper.make_node("If", ["c"], [f"z{level}"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "b", [], [info(f"z{level}", "n", 2)])
    condition = numpy_helper.from_array(np.array(True), "c")
    return model(
        helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
        weights=(condition,),
    )


def scan(length: int) -> ModelProto:
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "e"], ["t"]), helper.make_node("Identity", ["t"], ["o"])],
        "body",
        [info("s", 1), info("e", 1)],
        [info("t", 1), info("o", 1)],
    )
    return model(
        helper.make_node("Expand", ["zero", "shape"], ["long"]),
        helper.make_node("Scan", ["start", "long"], ["last", "all"], body=body, num_scan_inputs=1),
        helper.make_node("Add", ["x", "last"], ["y"]),
        weights=(
            numpy_helper.from_array(np.zeros((1, 1), np.float32), "zero"),
            numpy_helper.from_array(np.zeros(1, np.float32), "start"),
            constant("shape", length, 1),
        ),
    )


def function_model() -> ModelProto:
    twice = helper.make_function(
        "",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 20)],
    )
    content = model(helper.make_node("Twice", ["x"], ["y"]))
    content.functions.append(twice)
    return content


def expanded() -> ModelProto:
    return model(
        helper.make_node("Expand", ["x", "shape"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["y"], keepdims=1),
        weights=(constant("shape", 2**40, 2),),
    )


def expanded_by_an_input() -> ModelProto:
    return model(
        helper.make_node("Cast", ["x"], ["sizes"], to=INT64),
        helper.make_node("Reshape", ["sizes", "flat"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["y"], keepdims=1),
        weights=(constant("flat", -1),),
    )


def padded() -> ModelProto:
    return model(
        helper.make_node("Pad", ["x", "pads"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["y"], keepdims=1),
        weights=(constant("pads", 0, 2**40, 0, 0),),
    )


REFUSED: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "a loop": (loop, "the operator Loop, whose steps have no bound"),
    "many nodes": (many_nodes, "more than 50,000 nodes"),
    "branches in branches": (lambda: nested(16), "more than 50,000 nodes"),
    "a long scan": (lambda: scan(10**8), "nodes for an example, more than 100,000,000"),
    "a function": (function_model, "has functions"),
    "a large value": (expanded, "the value large of the model has the shape"),
    "padding": (padded, "the value large of the model has the shape"),
    "a size from the input": (expanded_by_an_input, "the size of large, an output of Constant"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_without_a_bound_is_refused(name):
    make, message = REFUSED[name]
    with pytest.raises(BackendError, match=message):
        check_bounds(make())


def test_a_short_scan_and_few_branches_are_within_the_bounds():
    check_bounds(scan(1000))
    check_bounds(nested(3))


def test_the_bounds_are_checked_before_a_model_is_opened():
    with pytest.raises(BackendError, match="the operator Loop"):
        find_exporting("onnx").open(loop().SerializeToString(), "cpu")


def test_outputs_of_other_sizes_than_declared_are_an_error(capfd):
    content = model(
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Transpose", ["places"], ["rows"]),
        helper.make_node("Cast", ["rows"], ["y"], to=FLOAT),
    )
    opened = find_exporting("onnx").open(content.SerializeToString(), "cpu")
    with pytest.raises(BackendError, match="returns \\(2, 2\\) where it declares other sizes"):
        opened.outputs(np.ones((1, 2), np.float32))
    assert capfd.readouterr() == ("", "")


def test_metadata_that_is_not_utf_8_is_an_error():
    message = model(helper.make_node("Relu", ["x"], ["y"]))
    helper.set_model_props(message, {"netspec.spec": "marked"})
    content = message.SerializeToString().replace(b"marked", b"\xff\xfe\xff\xfe\xff\xfe")
    with pytest.raises(BackendError, match="metadata of the model is not UTF-8"):
        find_exporting("onnx").open(content, "cpu")
