"""A compiler from YAML specs of neural networks to Keras, PyTorch and ONNX.

>>> import netspec
>>> network = netspec.load("specs/mnist_cnn.yaml")  # doctest: +SKIP
>>> run = netspec.train(network, "keras")  # doctest: +SKIP
>>> netspec.export(run).path  # doctest: +SKIP

A spec is a graph of layers; a backend is a function from the graph and its weights to a model. The
functions here load what they need when they are called, and no framework before that.
"""

from netspec.api import (
    compile,
    evaluate,
    export,
    inspect,
    load,
    loads,
    predict,
    run,
    summarize,
    to_source,
    train,
)
from netspec.text.diagnostics import (
    BackendError,
    DataError,
    NetspecError,
    RunError,
    SpecError,
    WeightsError,
)

__all__ = [
    "BackendError",
    "DataError",
    "NetspecError",
    "RunError",
    "SpecError",
    "WeightsError",
    "compile",
    "evaluate",
    "export",
    "inspect",
    "load",
    "loads",
    "predict",
    "run",
    "summarize",
    "to_source",
    "train",
]
