"""The gradients of a PyTorch module by autograd, which the conformance tests compare."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from netspec.backend import Program
from netspec.backend.declaration import Gradients
from netspec.numerics.weights import Array
from netspec_torch.predictor import built_model


def gradients(
    program: Program,
    inputs: list[Array],
    cotangents: list[Array],
    *,
    training: bool,
    device: str = "cpu",
) -> Gradients:
    """See `netspec.backend.declaration.GradientFunction`."""
    model = built_model(program)
    places: dict[str, tuple[str, tuple[int, ...]]] = type(model).forward.__globals__["WEIGHTS"]
    shapes = {key: weight.shape for key, weight in program.graph.weights()}

    def in_keras_axes(key: str, tensor: Tensor) -> Array:
        axes = places[key][1]
        permuted = tensor.detach().reshape([shapes[key][axis] for axis in axes])
        return permuted.permute(tuple(np.argsort(axes))).cpu().numpy()

    model.to(device).train(training)
    tensors = [torch.tensor(values, requires_grad=True, device=device) for values in inputs]
    outputs = model(*tensors)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    total = sum(
        (y * torch.tensor(c, device=device)).sum() for y, c in zip(outputs, cotangents, strict=True)
    )
    if isinstance(total, Tensor) and total.requires_grad:
        total.backward()
    parameters = dict(model.named_parameters())
    by_key = {
        key: in_keras_axes(key, _gradient(parameters[name]))
        for key, (name, _) in places.items()
        if name in parameters and parameters[name].requires_grad
    }
    state = model.state_dict()
    statistics = {
        key: in_keras_axes(key, state[name])
        for key, (name, _) in places.items()
        if key not in by_key
    }
    return Gradients([_gradient(tensor).cpu().numpy() for tensor in tensors], by_key, statistics)


def _gradient(tensor: Tensor) -> Tensor:
    """The gradient of a tensor on which the outputs may not depend."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
