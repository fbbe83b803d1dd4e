"""Layers and networks may have the names that Python and the frameworks use."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from frameworks import TRAINING, require
from golden.writing import random_weights, written_module
from netspec.backend import Trainer, execute, find_training
from netspec.data import Examples
from netspec.network import Network, loads
from netspec.numerics.initial import initial

NAMES = """
class none "true" "false" adam sGD f tensor nn torch keras layers wEIGHTS batchNormalization a__b_
"""


@pytest.mark.parametrize("name", NAMES.split())
@pytest.mark.parametrize("backend", TRAINING)
def test_a_network_may_have_any_name(backend, name):
    require(backend)
    layers = "BatchNormalization, Activation: {activation: relu}, Dense: {units: 2}"
    optimizer = "{sgd: {momentum: 0.5}}" if name == "sGD" else "adam"
    loss = "{sparse_categorical_crossentropy: {from_logits: true}}"
    network = loads(
        f"netspec: 1\nname: {name}\ninput: [3]\nlayers: [{layers}]\n"
        f"train: {{loss: {loss}, optimizer: {optimizer}}}\n"
    )
    module = execute(written_module(network, backend), "named")
    model = module.build_model()
    module.build_optimizer(*([model] if backend == "torch" else []))
    assert outputs_for_zeros(model, backend).shape == (1, 2)


@pytest.mark.parametrize(
    ("reserved", "other"),
    [("class", "class_"), ("train", "train_"), ("requires_grad", "requires_grad_")],
)
def test_a_reserved_names_replacement_is_not_shared(reserved, other):
    require("torch")
    network = chain(f"Dense: {{units: 3, name: {reserved}}}", f"Dense: {{units: 3, name: {other}}}")
    model = find_training("torch").model(network, random_weights(network))
    assert sum(parameter.numel() for parameter in model.parameters()) == 32  # 12 + 12 + 8


@pytest.mark.parametrize("backend", TRAINING)
def test_a_layer_named_softmax_keeps_its_name(backend):
    trainer = trained_on_three_images(
        backend,
        "netspec: 1\nname: example\ninput: [3]\n"
        "layers: [Dense: {units: 2, activation: softmax, name: softmax}]\n"
        "train: {loss: sparse_categorical_crossentropy}\n",
    )
    assert trainer.weights().keys() == {"softmax.kernel", "softmax.bias"}


def test_no_layer_takes_an_attribute_of_nn_module():
    require("torch")
    from torch import nn

    from netspec_torch.prelude import ATTRIBUTES

    attributes = {*dir(nn.Module), *vars(nn.Module()), "training"}
    assert {name for name in attributes if name[0] != "_"} <= ATTRIBUTES


@pytest.mark.parametrize(
    "initializer",
    [
        "identity: {gain: 2}",
        "truncated_normal: {stddev: 0}",
        "random_normal: {stddev: 0}",
        "random_uniform: {minval: 0.5, maxval: 0.5}",
        "random_uniform: {minval: 1, maxval: -1}",
        "orthogonal: {gain: -1}",
    ],
)
@pytest.mark.parametrize("backend", TRAINING)
def test_a_module_draws_its_initial_values(backend, initializer):
    require(backend)
    layer = f"Dense: {{units: 3, kernel_initializer: {{{initializer}}}, name: first}}"
    module = execute(written_module(chain(layer), backend), "initialized")
    assert callable(module.build_model())


def outputs_for_zeros(model, backend: str) -> NDArray[np.float32]:
    zeros = np.zeros((1, 3), np.float32)
    if backend == "keras":
        return model(zeros).numpy()
    import torch

    return model.eval()(torch.from_numpy(zeros)).detach().numpy()


def trained_on_three_images(backend: str, spec: str) -> Trainer:
    """A network in training, after one step."""
    require(backend)
    network = loads(spec)
    examples = Examples((np.eye(3, dtype=np.float32),), (np.zeros(3, np.int32),))
    trainer = find_training(backend).trainer(network, initial(network.graph, 0), examples, "cpu")
    list(trainer.epoch(np.arange(3), 3, np.array([0.1], np.float32), 0))
    return trainer


def chain(*layers: str) -> Network:
    """A network of three inputs and two classes through some layers."""
    lines = [f"  - {layer}" for layer in (*layers, "Dense: {units: 2, activation: softmax}")]
    return loads("\n".join(["netspec: 1", "name: example", "input: [3]", "layers:", *lines]))
