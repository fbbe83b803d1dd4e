"""Gradients of the models that the backends make, in the frameworks' own automatic differentiation.

They are those of the sum of outputs times cotangents, with respect to every input and weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.networks import found_training
from netspec.network import Network
from netspec.numerics.weights import Array, Weights


@dataclass(frozen=True)
class Gradients:
    """By input in their order, by key for trainable weights, and the statistics afterwards."""

    inputs: list[Array]
    weights: dict[str, Array]
    statistics: dict[str, Array]


def gradients(
    name: str,
    network: Network,
    weights: Weights,
    inputs: list[Array],
    cotangents: list[Array],
    *,
    training: bool,
    device: str = "cpu",
) -> Gradients:
    """The gradients that a backend's model has; with PyTorch on any device."""
    model = found_training(name).model(network, weights)
    if name == "torch":
        return _torch(model, network, inputs, cotangents, training, device)
    assert device == "cpu"
    return _keras(model, network, inputs, cotangents, training)


def random_cotangents(outputs: Sequence[Array]) -> list[Array]:
    random = np.random.default_rng(4)
    return [random.normal(0, 1, output.shape).astype(np.float32) for output in outputs]


def _keras(
    model: Any, network: Network, inputs: list[Array], cotangents: list[Array], training: bool
) -> Gradients:
    from netspec_keras.framework import tf

    variables = {
        f"{node.name}.{weight.name}": variable
        for node in network.graph.nodes
        if node.weights
        for weight, variable in zip(
            node.weights, model.get_layer(node.name.replace("/", ".")).weights, strict=True
        )
    }
    trainable = {key: variable for key, variable in variables.items() if variable.trainable}
    given = [tf.constant(each) for each in inputs]
    with tf.GradientTape() as tape:
        tape.watch(given)
        outputs = model(given[0] if len(given) == 1 else given, training=training)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        total = tf.add_n([tf.reduce_sum(y * c) for y, c in zip(outputs, cotangents, strict=True)])
    wanted = [*given, *(variable.value for variable in trainable.values())]
    zero = tf.UnconnectedGradients.ZERO
    found = [
        tf.convert_to_tensor(one).numpy()
        for one in tape.gradient(total, wanted, unconnected_gradients=zero)
    ]
    statistics = {key: it.numpy() for key, it in variables.items() if key not in trainable}
    by_key = dict(zip(trainable, found[len(given) :], strict=True))
    return Gradients(found[: len(given)], by_key, statistics)


def _torch(
    model: Any,
    network: Network,
    inputs: list[Array],
    cotangents: list[Array],
    training: bool,
    device: str,
) -> Gradients:
    import torch

    places: dict[str, tuple[str, tuple[int, ...]]] = type(model).forward.__globals__["WEIGHTS"]
    shapes = {key: weight.shape for key, weight in network.graph.weights()}

    def in_kerass_axes(key: str, tensor: Any) -> Array:
        axes = places[key][1]
        permuted = tensor.detach().reshape([shapes[key][axis] for axis in axes])
        return permuted.permute(tuple(np.argsort(axes))).cpu().numpy()

    model.to(device).train(training)
    given = [torch.tensor(each, requires_grad=True, device=device) for each in inputs]
    outputs = model(*given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    total = sum(
        (y * torch.tensor(c, device=device)).sum() for y, c in zip(outputs, cotangents, strict=True)
    )
    if total.requires_grad:
        total.backward()
    parameters = dict(model.named_parameters())
    by_key = {
        key: in_kerass_axes(key, _gradient(parameters[name]))
        for key, (name, _) in places.items()
        if name in parameters and parameters[name].requires_grad
    }
    tensors = model.state_dict()
    statistics = {
        key: in_kerass_axes(key, tensors[name])
        for key, (name, _) in places.items()
        if key not in by_key
    }
    return Gradients([_gradient(each).cpu().numpy() for each in given], by_key, statistics)


def _gradient(tensor: Any) -> Any:
    import torch

    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
