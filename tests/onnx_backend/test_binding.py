"""IO binding and CUDA graphs: the values, the memory that stays, and when a graph is requested."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnxruntime
from onnx import TensorProto, helper

from netspec.backend import find_exporting
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec_onnx import binding
from netspec_onnx.binding import KEPT, RECORDED, BoundSession

BACKEND = find_exporting("onnx")

TWO = """
netspec: 1
name: two
input: {left: [3], right: [2]}
layers:
  - Dense: {units: 4, activation: tanh, inputs: left, name: first}
  - Dense: {units: 4, inputs: right, name: second}
  - Add: {inputs: [first, second], name: sum}
  - Dense: {units: 5, activation: softmax, name: kind}
  - Dense: {units: 1, inputs: sum, name: size}
output: [kind, size]
"""

IMAGES = """
netspec: 1
name: images
input: [4, 4, 1]
layers: [Flatten, Dense: {units: 3, activation: softmax}]
data: {dataset: npz, path: a.npz, scale: 255}
"""


def opened(text: str, **options: Any) -> Any:
    net = loads(text)
    content = BACKEND.export(net, initial(net.graph, 0), **options)
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def two() -> Any:
    return opened(TWO)


def floats(size: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(size)
    return generator.random((size, 3), np.float32), generator.random((size, 2), np.float32)


def pixels(size: int) -> tuple[np.ndarray]:
    generator = np.random.default_rng(size)
    return (generator.integers(0, 256, (size, 4, 4, 1), np.uint8),)


def unbound(session: Any, *inputs: np.ndarray) -> list[np.ndarray]:
    names = (tensor.name for tensor in session.get_inputs())
    return session.run(None, dict(zip(names, inputs, strict=True)))


@pytest.mark.parametrize(
    ("text", "options", "inputs"),
    [(TWO, {}, floats), (IMAGES, {"raw_input": True}, pixels)],
    ids=["two-inputs-two-outputs", "pixels"],
)
def test_values_are_those_of_a_plain_run_at_every_batch_size(
    text: str, options: dict[str, Any], inputs: Callable[[int], tuple[np.ndarray, ...]]
) -> None:
    session = opened(text, **options)
    bound = BoundSession(session, "cpu", graphs=False)

    for size in (1, 3, 1, 32, 3):
        arrays = inputs(size)
        outputs, expected = bound.run(arrays), unbound(session, *arrays)
        for output, other in zip(outputs, expected, strict=True):
            np.testing.assert_array_equal(output, other)


def test_results_stay_when_their_batch_size_comes_again(two: Any) -> None:
    bound = BoundSession(two, "cpu", graphs=False)
    first = bound.run(floats(3))
    kept = [output.copy() for output in first]

    bound.run([np.zeros((3, 3), np.float32), np.zeros((3, 2), np.float32)])

    for output, other in zip(first, kept, strict=True):
        np.testing.assert_array_equal(output, other)


class Counting:
    """ONNX Runtime, which counts the memory that it makes."""

    def __init__(self) -> None:
        self.OrtValue, self.made = self, list[tuple[int, ...]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(onnxruntime, name)

    def ortvalue_from_shape_and_type(self, shape: tuple[int, ...], *rest: Any) -> Any:
        self.made.append(shape)
        return onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, *rest)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of the memory made."""
    counting = Counting()
    monkeypatch.setattr(binding, "ort", counting)
    return counting.made


def test_memory_is_made_once_for_a_batch_size(two: Any, memory: list[tuple[int, ...]]) -> None:
    bound = BoundSession(two, "cpu", graphs=False)

    for size in (1, 3, 1, 3):
        bound.run(floats(size))

    assert memory == [(1, 3), (1, 2), (1, 5), (1, 1), (3, 3), (3, 2), (3, 5), (3, 1)]


def test_memory_of_the_sizes_last_used_is_kept(two: Any, memory: list[tuple[int, ...]]) -> None:
    bound = BoundSession(two, "cpu", graphs=False)
    for size in (*range(1, KEPT + 1), 1, KEPT + 1):  # so that 2 is the one used longest ago
        bound.run(floats(size))
    memory.clear()

    bound.run(floats(1))
    assert memory == []
    bound.run(floats(2))
    assert memory == [(2, 3), (2, 2), (2, 5), (2, 1)]


def test_inputs_of_another_type_are_refused_and_not_copied_byte_by_byte() -> None:
    bound = BoundSession(opened(IMAGES, raw_input=True), "cpu", graphs=False)
    with pytest.raises(TypeError, match="takes uint8, and gets float32"):
        bound.run([np.zeros((2, 4, 4, 1), np.float32)])


def test_model_that_does_not_say_how_large_its_outputs_are_runs_unbound() -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "foreign",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])],
    )
    opsets = [helper.make_opsetid("", 18)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    for size in (2, 3):
        x = np.ones((size, 2), np.float32)
        (y,) = BoundSession(session, "cpu", graphs=True).run([x])
        np.testing.assert_array_equal(y, x)


class Recording:
    """A session on the CPU that notes which graph every run requests, by batch size.

    `failing` are the graphs that it cannot record. A graph in `stale` returns the outputs of its
    first run, as if its inputs were not read again.
    """

    def __init__(self, real: Any, failing: tuple[int, ...] = (), stale: tuple[int, ...] = ()):
        self._real, self._failing, self._stale = real, failing, stale
        self._first: dict[int, list[np.ndarray]] = {}
        self.requested: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def run_with_iobinding(self, io_binding: Any, options: Any) -> None:
        graph = int(options.get_run_config_entry("gpu_graph_id"))
        values = io_binding.get_outputs()
        self.requested.append((values[0].shape()[0], graph))
        if graph in self._failing:
            raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : CUDA failure 900: not permitted")
        self._real.run_with_iobinding(io_binding, options)
        if graph in self._stale:
            first = self._first.setdefault(graph, [value.numpy().copy() for value in values])
            for value, array in zip(values, first, strict=True):
                value.update_inplace(array)

    def requested_since(self) -> list[tuple[int, int]]:
        graphs, self.requested = self.requested, []
        return graphs


def changing(size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Inputs of this batch size, other ones every time."""
    generator = np.random.default_rng(size)
    while True:
        yield generator.random((size, 3), np.float32), generator.random((size, 2), np.float32)


def test_graph_is_recorded_when_a_size_comes_again_and_launched_from_then_on(two: Any) -> None:
    session = Recording(two)
    bound = BoundSession(session, "cpu", graphs=True)

    bound.run(floats(3))
    assert session.requested_since() == [(3, -1)]
    bound.run(floats(3))
    assert session.requested_since() == [(3, 1), (3, 1), (3, -1)]  # recorded, replayed, compared
    bound.run(floats(3))
    assert session.requested_since() == [(3, 1)]
    bound.run(floats(2))
    bound.run(floats(2))
    assert session.requested_since() == [(2, -1), (2, 2), (2, 2), (2, -1)]


def test_without_graphs_none_is_requested(two: Any) -> None:
    session = Recording(two)
    bound = BoundSession(session, "cpu", graphs=False)
    for _ in range(3):
        bound.run(floats(3))
    assert session.requested == [(3, -1)] * 3


def test_sizes_beyond_the_most_that_are_recorded_run_without_a_graph(two: Any) -> None:
    session = Recording(two)
    bound = BoundSession(session, "cpu", graphs=True)
    for size in range(1, RECORDED + 2):
        for _ in range(3):
            bound.run(floats(size))

    assert session.requested[-4:] == [(RECORDED, RECORDED)] + [(RECORDED + 1, -1)] * 3
    session.requested_since()
    bound.run(floats(1))
    assert session.requested == [(1, 1)]


@pytest.mark.parametrize("fault", ["failing", "stale"])
def test_graph_that_cannot_be_had_or_is_wrong_is_not_used(two: Any, fault: str) -> None:
    session = Recording(two, **{fault: (1,)})
    bound = BoundSession(session, "cpu", graphs=True)

    for inputs, _ in zip(changing(3), range(4), strict=False):
        for output, other in zip(bound.run(inputs), unbound(two, *inputs), strict=True):
            np.testing.assert_array_equal(output, other)

    assert session.requested[-2:] == [(3, -1), (3, -1)]


def test_graph_that_fails_later_gives_way_to_a_run_without(two: Any) -> None:
    session = Recording(two)
    bound = BoundSession(session, "cpu", graphs=True)
    for _ in range(3):
        bound.run(floats(3))
    session._failing = (1,)
    session.requested_since()

    outputs = bound.run(floats(3))

    assert session.requested == [(3, 1), (3, -1)]
    np.testing.assert_array_equal(outputs[0], unbound(two, *floats(3))[0])
