"""Runs ONNX files: `predict.py FOLDER` writes the outputs of every file next to the file.

It does not import netspec, so that it starts quickly in an emulator. The inputs of `name.onnx` are in
`name.inputs.npz`, in the file's order. The outputs are written to `name.outputs.npz`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray


def predict(path: Path, *, optimized: bool = True) -> list[NDArray[Any]]:  # Any: of any type
    """The outputs of a file for its inputs.

    Without optimizations ONNX Runtime computes every product in float32, without overflow.
    """
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    )
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    with np.load(path.with_suffix(".inputs.npz")) as file:
        names = [node.name for node in session.get_inputs()]
        inputs = {name: file[key] for name, key in zip(names, file.files, strict=True)}
    return session.run(None, inputs)


if __name__ == "__main__":
    for file in sorted(Path(sys.argv[1]).glob("*.onnx")):
        np.savez(file.with_suffix(".outputs.npz"), *predict(file))
