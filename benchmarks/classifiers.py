"""The forms of the tutorial's network that classify images, with the same weights."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SPEC
from netspec.backend import find_exporting
from netspec.network import load
from netspec.numerics.initial import initial

Images: TypeAlias = NDArray[np.float32]
Classify: TypeAlias = Callable[[Images], Images]
"""Probabilities (n, 10) of a batch (n, 28, 28, 1), in one call."""

NETWORK = load(SPEC)
NETSPEC, EAGER = "netspec's ONNX in ONNX Runtime", "PyTorch eager"


def onnx() -> Classify:
    target = find_exporting("onnx")
    content = target.export(NETWORK, _weights(), opset=None, raw_input=False)
    return target.open(content, "cpu").predict


def keras_predict() -> Classify:
    from benchmarks.by_hand.keras_tutorial import compiled_model

    model = compiled_model()
    model.set_weights(list(_weights().values()))
    return lambda images: model.predict(images, verbose=0)


def torch_eager() -> Classify:
    import torch

    model = _torch_model().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def classify(images: Images) -> Images:
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        return model(batch.contiguous(memory_format=torch.channels_last)).numpy()

    return classify


def torch_onnx() -> Classify:
    import onnxruntime
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision
    examples, batch = torch.zeros(2, 1, 28, 28), torch.export.Dim("batch")
    program = torch.onnx.export(
        _torch_model(), (examples,), dynamic_shapes=({0: batch},), verbose=False
    )
    assert program
    content = io.BytesIO()
    program.save(content)
    session = onnxruntime.InferenceSession(content.getvalue())
    (input_,) = session.get_inputs()
    # One channel lies in memory as channels first and last do alike.
    return lambda images: session.run(None, {input_.name: images.reshape(-1, 1, 28, 28)})[0]


MODELS: dict[str, tuple[str, Callable[[], Classify]]] = {
    NETSPEC: ("onnxruntime", onnx),
    "torch.onnx's export in ONNX Runtime": ("onnxscript", torch_onnx),
    EAGER: ("torch", torch_eager),
    "keras.Model.predict": ("keras", keras_predict),
}
"""What makes each of them, and the module that it needs; netspec's is the first."""


def _weights() -> dict[str, Images]:
    return initial(NETWORK.graph, seed=0)


def _torch_model() -> Any:
    """The hand-written model, which returns logits, with a softmax and the common weights."""
    import torch
    from torch import nn

    from benchmarks.by_hand.torch_tutorial import Net

    net = Net()
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), _weights().values(), strict=True):
            parameter.copy_(torch.from_numpy(_as_torch(value)))
    return nn.Sequential(net, nn.Softmax(1)).eval()


def _as_torch(value: Images) -> Images:
    """Keras's axes to PyTorch's; the first Dense reads 3 x 3 positions of 64 channels."""
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    elif value.shape == (576, 64):
        value = value.reshape(3, 3, 64, 64).transpose(3, 2, 0, 1).reshape(64, 576)
    else:
        value = value.T
    return np.ascontiguousarray(value)
