"""Every emitted operator returns the values of ONNX's test cases, if a spec can express them."""

from __future__ import annotations

import json
import os
from functools import cache

import numpy as np
import pytest

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnx

from netspec.backend import find_exporting
from netspec.network import Network, loads
from netspec.testing.cases import ALL
from netspec.testing.networks import of_case, random_weights
from netspec_numpy.interpreter import run
from onnx_backend.node_cases import CONVERTERS, REASONS, Expressed, Inexpressible, View, cases
from onnx_backend.opsets import newest_opset

BACKEND = find_exporting("onnx")


@cache
def emitted() -> frozenset[str]:
    """The operators in the ONNX files of the whole conformance table, by default and newest."""
    names: set[str] = set()
    for case in ALL:
        network = of_case(case)
        for opset in (None, newest_opset()):
            content = BACKEND.export(network, random_weights(network.graph), opset=opset)
            names |= operators(content)
    return frozenset(names)


def operators(content: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(content).graph.node}


def network(expressed: Expressed) -> Network:
    shapes = [list(array.shape[1:]) for array in expressed.inputs]
    inputs = (
        {f"in{index}": shape for index, shape in enumerate(shapes)}
        if len(shapes) > 1
        else shapes[0]
    )
    layers = "".join(f"  - {layer}\n" for layer in expressed.layers)
    return loads(f"netspec: 1\nname: tested\ninput: {json.dumps(inputs)}\nlayers:\n{layers}")


def converted(operator: str) -> list[tuple[View, Expressed]]:
    """The cases of an operator that a spec can express."""
    expressed_cases: list[tuple[View, Expressed]] = []
    for view in cases(operator):
        try:
            expressed_cases.append((view, CONVERTERS[operator](view)))
        except Inexpressible:
            continue
    return expressed_cases


def test_every_operator_that_is_emitted_is_held_to_a_case_or_has_a_reason() -> None:
    assert emitted() <= CONVERTERS.keys() | REASONS.keys()


@pytest.mark.parametrize("operator", [name for name in CONVERTERS if name not in REASONS])
def test_the_operator_gives_what_the_cases_of_onnx_expect(operator: str) -> None:
    expressed = converted(operator)
    assert expressed, "no case can be expressed, and no reason is written"
    for view, case in expressed:
        tested = network(case)
        weights = {
            key: np.ascontiguousarray(value, np.float32) for key, value in case.weights.items()
        }
        content = BACKEND.export(tested, weights, opset=case.opset)
        assert operator in operators(content), view.name

        outputs = BACKEND.open(content, "cpu").predict(*case.inputs)

        tolerance = {"rtol": view.rtol, "atol": max(view.atol, 1e-6), "err_msg": view.name}
        np.testing.assert_allclose(outputs, case.output, **tolerance)
        defined = run(tested.graph, weights, *case.inputs)
        np.testing.assert_allclose(defined, case.output, **tolerance)


@pytest.mark.parametrize("operator", [name for name in CONVERTERS if name in REASONS])
def test_an_operator_with_a_reason_has_no_case_that_a_spec_can_express(operator: str) -> None:
    assert [view.name for view, _ in converted(operator)] == []
