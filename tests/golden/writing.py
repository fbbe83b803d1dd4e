"""The networks whose generated modules are tested, and the output of the compiler for them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.backend import find_exporting, find_training
from netspec.network import Network
from netspec.passes import for_inference

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
WHOLE = {
    path.stem: path
    for path in (
        SPECS / "mnist_cnn.yaml",
        SPECS / "mnist_fast.yaml",
        *sorted((HERE / "specs").glob("*.yaml")),
    )
}
"""The six networks with complete golden modules and ONNX graphs."""

LAYERS = {path.stem: path for path in sorted((HERE / "specs" / "layers").glob("*.yaml"))}
"""Networks with golden lines for each layer."""

KNOWN = {path.stem: path for path in sorted(SPECS.glob("*.yaml"))}
ALL = {**KNOWN, **WHOLE, **LAYERS}


def written_module(network: Network, backend: str) -> str:
    return find_training(backend, framework=False).source(network)


def onnx_text(network: Network) -> str:
    """ONNX's text of the graph. It shows the values of constants, except weights and long constants.

    The metadata is left out: it contains the spec, which is not output of the compiler.
    """
    import onnx

    trained = random_weights(network)
    content = find_exporting("onnx").export(network, trained, opset=None, raw_input=False)
    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    _, weights = for_inference(network, trained)
    constants = [
        _constant(tensor.name, onnx.numpy_helper.to_array(tensor), weights)
        for tensor in model.graph.initializer
    ]
    del model.graph.initializer[:]
    return "\n".join([onnx.printer.to_text(model), "", *constants]) + "\n"


def _constant(name: str, values: NDArray[np.generic], weights: Collection[str]) -> str:
    shape = f"{values.dtype}[{','.join(map(str, values.shape))}] {name}"
    if name in weights or values.size > 100:
        return shape
    alike = values.size > 1 and (values == values.flat[0]).all()
    return f"{shape} = {f'{values.flat[0]} throughout' if alike else values.tolist()}"


def random_weights(network: Network) -> dict[str, NDArray[np.float32]]:
    """Weights of which none is 0 or 1 everywhere, so that each changes the outputs."""
    random = np.random.default_rng(5)
    values: dict[str, NDArray[np.float32]] = {}
    for key, weight in network.graph.weights():
        low, high = (0.5, 1.5) if key.endswith(("gamma", "variance")) else (-0.4, 0.4)
        values[key] = random.uniform(low, high, weight.shape).astype(np.float32)
    return values


def images(network: Network) -> NDArray[np.float32]:
    random = np.random.default_rng(6)
    return random.random((3, *network.graph.input_shape), np.float32)
