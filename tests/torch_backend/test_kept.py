"""The memory of training in `summary` equals the memory that PyTorch's autograd saves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from frameworks import require
from netspec.api import compile, load
from netspec.checks.indices import index_inputs
from netspec.graph.summary import summarize
from netspec.network import Network, loads

SPECS = Path(__file__).parents[2] / "specs"


def saved_bytes(network: Network) -> int:
    """The bytes that autograd saves for each example, without weights and statistics."""
    require("torch")
    import torch

    model = compile(replace(network, passes=frozenset()), "torch").train()
    model_storages = {
        tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]
    }
    indices = index_inputs(network.graph)

    def saved(count: int) -> int:
        storages: dict[int, torch.UntypedStorage] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in model_storages:
                storages[storage.data_ptr()] = storage
            return tensor

        inputs = [
            (torch.zeros if graph_input.name in indices else torch.rand)(count, *graph_input.shape)
            for graph_input in network.graph.inputs
        ]
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model(*inputs)
        return sum(storage.nbytes() for storage in storages.values())

    return saved(3) - saved(2)


LARGE = [pytest.param(name, marks=pytest.mark.nightly) for name in ("densenet121", "resnet50")]


@pytest.mark.parametrize("name", ["mnist_cnn", "lenet5", *LARGE])
def test_kept_bytes_equal_the_bytes_of_autograd(name: str) -> None:
    network = load(SPECS / f"{name}.yaml")

    assert summarize(network.graph).kept_bytes == saved_bytes(network)


def test_kept_bytes_of_mobilenet_equal_autograd() -> None:
    """PyTorch pads an image before a stride of 2, and keeps the padded image: 0.3% more."""
    network = load(SPECS / "mobilenet_v2.yaml")

    assert summarize(network.graph).kept_bytes == pytest.approx(saved_bytes(network), rel=0.004)


LAYERS = {
    "gelu": ("[6]", "Dense: {units: 5, activation: gelu}, Dense: {units: 2}"),
    "embedding": ("[6]", "Embedding: {input_dim: 9, output_dim: 4}, Flatten, Dense: {units: 2}"),
    "frozen": ("[6]", "Dense: {units: 5, trainable: false}, Dense: {units: 2}"),
    "without gradient": ("[4, 4, 1]", "MaxPooling2D, Activation: {activation: tanh}, Flatten"),
    "merging": (
        "[6]",
        "Dense: {units: 5, name: a}, Dense: {units: 5, name: b, inputs: input}, "
        "Add: {inputs: [a, b], name: c}, Multiply: {inputs: [a, c]}",
    ),
    "dropout": ("[6]", "Dense: {units: 5}, Dropout: {rate: 0.5}, Dense: {units: 2}"),
    "average": ("[6, 6, 1]", "Conv2D: {filters: 2, kernel_size: 3}, AveragePooling2D, Flatten"),
    "global": (
        "[6, 6, 1]",
        "Conv2D: {filters: 2, kernel_size: 3, activation: relu}, GlobalAveragePooling2D",
    ),
    "GRU": ("[5, 3]", "GRU: {units: 4, return_sequences: true}"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_rule_equals_the_bytes_of_autograd(name: str) -> None:
    shape, layers = LAYERS[name]
    text = f"netspec: 1\nname: kept\ninput: {shape}\nlayers: [{layers}, Dense: {{units: 2}}]\n"
    network = loads(text)

    assert summarize(network.graph).kept_bytes == saved_bytes(network)
