"""The opsets that tests can go through: onnx may write newer ones than ONNX Runtime opens."""

from __future__ import annotations

from functools import cache

import onnxruntime
from onnx import TensorProto, defs, helper


@cache
def newest_opset() -> int:
    """The newest opset that onnx writes and ONNX Runtime opens."""
    return next(opset for opset in range(defs.onnx_opset_version(), 17, -1) if opens(opset))


def opens(opset: int) -> bool:
    """Whether ONNX Runtime opens a model of this opset."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "tested", values[:1], values[1:]
    )
    opsets = [helper.make_opsetid("", opset)]
    version = helper.find_min_ir_version_for(opsets)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:
        return False
    return True
