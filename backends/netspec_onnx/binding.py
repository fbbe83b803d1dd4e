"""Runs a session on inputs and outputs in a device's memory, and records CUDA graphs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none
from numpy.typing import NDArray

from netspec.numerics.weights import Array

ort: Any = onnxruntime  # Any: it ships no types
Session: TypeAlias = Any  # Any: likewise
Axes: TypeAlias = list[int | str | None]

RECORDED = 8
"""Batch sizes that get a CUDA graph.

A graph and the memory that it reads and writes stay as long as their session: ONNX Runtime's CUDA
provider frees none (onnxruntime/core/providers/cuda/cuda_graph.cc). So the first sizes that come
twice have one, and what sizes come later does not add up.
"""

KEPT = 8
"""Batch sizes without a graph whose memory is kept, those last used."""

NO_GRAPH = -1  # ONNX Runtime's number for a run without one

_TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


class BoundSession:
    """A session with IO binding: its inputs and outputs are in memory that its device reads.

    Their memory is made once for a batch size and filled in place, so that a size that comes again
    costs no more than its copies. With `graphs`, which the session must have been opened for, a
    size that comes a second time is recorded as a CUDA graph, and from then on launched as one.

    ONNX Runtime requires of a graph (its documentation of the CUDA provider) that shapes and
    addresses never change: the memory of a batch size has this property. It also requires no
    control flow and no copies between devices; otherwise it does not open the session. Shapes may
    be computed on the CPU. A replay does not compute them again, but they are equal for all batches
    of a size.
    """

    def __init__(self, session: Session, device: str, index: int = 0, *, graphs: bool) -> None:
        """`device` is ONNX Runtime's name for the kind of memory, cuda or cpu; `index` the GPU."""
        self._session, self._device, self._index = session, device, index
        self._inputs, self._outputs = session.get_inputs(), session.get_outputs()
        self._bindable = _bindable(self._inputs, self._outputs)
        self._bound: dict[int, _Bound] = {}  # by batch size, the last used at the end
        self._graphs, self._most_graphs = 0, RECORDED if graphs else 0
        self._one_call = Lock()  # two at once would write into the same memory

    def run(self, inputs: Sequence[NDArray[Any]]) -> tuple[Array, ...]:  # Any: float32 or uint8
        """Every output (n, …), in separate memory, for all inputs (n, …)."""
        for expected, array in zip(self._inputs, inputs, strict=True):
            if array.dtype != _TYPES[expected.type]:  # update_inplace would copy the bytes
                dtype = np.dtype(_TYPES[expected.type])
                raise TypeError(f"the model takes {dtype}, and gets {array.dtype}")
        if not self._bindable:
            return self._run_unbound(inputs)
        with self._one_call:
            size = len(inputs[0])
            known = self._bound.pop(size, None)
            bound = self._bound[size] = known or self._make_bound(size)
            self._forget_the_oldest()
            if known and known.graph == NO_GRAPH and self._graphs < self._most_graphs:
                return self._run_and_record(known, inputs)
            bound.fill(inputs)
            return self._run_with_its_graph(bound)

    def _run_unbound(self, inputs: Sequence[NDArray[Any]]) -> tuple[Array, ...]:  # Any: see run
        named = {tensor.name: array for tensor, array in zip(self._inputs, inputs, strict=True)}
        names = [tensor.name for tensor in self._outputs]
        return tuple(self._session.run(names, named, _options(NO_GRAPH)))

    def _make_bound(self, size: int) -> _Bound:
        binding = self._session.io_binding()
        values: list[Any] = []  # Any: OrtValues, which have no types
        for tensor in self._inputs:
            values.append(self._memory((size, *tensor.shape[1:]), _TYPES[tensor.type]))
            binding.bind_ortvalue_input(tensor.name, values[-1])
        for tensor in self._outputs:
            sizes = tuple(size if isinstance(axis, str) else axis for axis in tensor.shape)
            binding.bind_ortvalue_output(tensor.name, self._memory(sizes, np.float32))
        return _Bound(binding, tuple(values))

    def _memory(self, sizes: tuple[int, ...], element: type) -> Any:  # Any: an OrtValue
        return ort.OrtValue.ortvalue_from_shape_and_type(sizes, element, self._device, self._index)

    def _forget_the_oldest(self) -> None:
        without = [size for size, bound in self._bound.items() if bound.graph == NO_GRAPH]
        for size in without[:-KEPT]:
            del self._bound[size]

    def _run_and_record(
        self,
        bound: _Bound,
        inputs: Sequence[NDArray[Any]],  # Any: see run
    ) -> tuple[Array, ...]:
        """The outputs of a run without a graph. The graph is used if its outputs are equal.

        A graph is recorded on the inputs of the size's last run and replayed on these: a graph that
        does not read its inputs again would not agree. Its two warm-up runs are ONNX Runtime's
        business. Recording fails where an operator waits for the device or allocates. Most of these
        operators do so at every size, so that no other size is tried after one that failed.
        """
        graph = self._graphs + 1
        try:
            self._run(bound, graph)
            bound.fill(inputs)
            replayed = self._run(bound, graph)
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors share no class; no graph is needed
            replayed = ()
        bound.fill(inputs)
        outputs = self._run(bound, NO_GRAPH)
        if replayed and all(map(_agree, replayed, outputs)):
            bound.graph = self._graphs = graph
        else:
            self._most_graphs = self._graphs
        return outputs

    def _run_with_its_graph(self, bound: _Bound) -> tuple[Array, ...]:
        try:
            return self._run(bound, bound.graph)
        except Exception:
            if bound.graph == NO_GRAPH:
                raise
            # A graph belongs to the thread that recorded it. In another one ONNX Runtime records
            # it again, which may fail where it did not before.
            bound.graph = NO_GRAPH
            return self._run(bound, NO_GRAPH)

    def _run(self, bound: _Bound, graph: int) -> tuple[Array, ...]:
        bound.binding.synchronize_inputs()
        self._session.run_with_iobinding(bound.binding, _options(graph))
        bound.binding.synchronize_outputs()
        return bound.outputs()


@dataclass(eq=False)
class _Bound:
    """The memory of one batch size, and the number of its graph."""

    binding: Any  # Any: an IOBinding, which has no types
    inputs: tuple[Any, ...]  # Any: OrtValues, likewise
    graph: int = NO_GRAPH

    def fill(self, arrays: Sequence[NDArray[Any]]) -> None:  # Any: float32 or uint8
        for value, array in zip(self.inputs, arrays, strict=True):
            value.update_inplace(array)

    def outputs(self) -> tuple[Array, ...]:
        # On the CPU numpy() shows the memory itself, which the next run overwrites.
        values = self.binding.get_outputs()
        return tuple(np.require(value.numpy(), requirements=["OWNDATA"]) for value in values)


def _bindable(inputs: Sequence[Any], outputs: Sequence[Any]) -> bool:  # Any: NodeArgs, untyped
    """Whether the shapes of the outputs follow from the batch size only."""
    batch = {tensor.shape[0] for tensor in inputs}
    axes: Axes = [axis for output in outputs for axis in output.shape]
    free = {axis for axis in axes if not isinstance(axis, int)}
    return None not in free and len(batch) == 1 and free <= batch


def _options(graph: int) -> Any:  # Any: RunOptions, untyped
    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(graph))
    return options


def _agree(replayed: Array, expected: Array) -> bool:
    """Whether both are equal, except for rounding: kernels may add in another order."""
    finite = expected[np.isfinite(expected)]
    most = float(np.abs(finite).max(initial=0))
    return np.allclose(replayed, expected, rtol=1e-3, atol=1e-3 * most, equal_nan=True)
