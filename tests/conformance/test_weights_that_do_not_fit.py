"""Weights that are not the network's are refused, by netspec.compile and by generated modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from conformance.networks import TRAINING, found_training
from netspec.api import compile
from netspec.backend import execute
from netspec.testing.networks import network, random_weights
from netspec.text.diagnostics import WeightsError

NETWORK = network(
    (6, 5, 2),
    [
        "Conv2D: {filters: 4, kernel_size: [3, 2], name: conv}",
        "Flatten",
        "Dense: {units: 3, name: dense}",
        "Reshape: {target_shape: [1, 3]}",
        "MultiHeadAttention: {num_heads: 2, key_dim: 5, name: attention}",
    ],
)
WEIGHTS = random_weights(NETWORK.graph)


def turned(key: str, *axes: int) -> dict[str, Any]:
    return {key: WEIGHTS[key].transpose(axes)}


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "a transposed kernel": (
        turned("dense.kernel", 1, 0),
        "dense.kernel has the shape (3, 64), not (input 64, output 3)",
    ),
    "a kernel in PyTorch's order": (
        turned("conv.kernel", 3, 2, 0, 1),
        "conv.kernel has the shape (4, 2, 3, 2), not (height 3, width 2, input 2, output 4)",
    ),
    "a kernel with its heads last": (
        turned("attention.query.kernel", 0, 2, 1),
        "attention.query.kernel has the shape (3, 5, 2), not (input 3, head 2, size 5)",
    ),
    "a flat kernel": (
        {"dense.kernel": WEIGHTS["dense.kernel"].ravel()},
        "dense.kernel has the shape (192,), not (input 64, output 3)",
    ),
    "another key": ({"dense.scale": WEIGHTS["dense.bias"]}, "dense.scale is not a weight of"),
    "float64": ({"dense.bias": np.zeros(3)}, "dense.bias is float64, not float32"),
    "whole numbers": ({"dense.bias": np.zeros(3, np.int32)}, "dense.bias is int32, not float32"),
    "not a number": (
        {"dense.bias": np.array([0, np.nan, 0], np.float32)},
        "dense.bias has values that are not finite",
    ),
    "minus infinity": (
        {"dense.bias": np.array([0, -np.inf, 0], np.float32)},
        "dense.bias has values that are not finite",
    ),
    "a list": ({"dense.bias": [0.0, 0.0, 0.0]}, "dense.bias is not an array"),
}


def without(key: str) -> Mapping[str, Any]:
    return {name: value for name, value in WEIGHTS.items() if name != key}


@pytest.mark.parametrize("case", UNFIT)
def test_compile_names_the_weight_and_its_axes(case: str) -> None:
    found_training("torch")
    changes, message = UNFIT[case]

    with pytest.raises(WeightsError) as raised:
        compile(NETWORK, "torch", {**WEIGHTS, **changes})

    assert raised.value.message.startswith(f"weights: {message}")


@pytest.mark.parametrize("weights", [{}, without("conv.kernel")], ids=["none", "all but one"])
def test_compile_names_a_missing_weight(weights: Mapping[str, Any]) -> None:
    found_training("torch")

    with pytest.raises(WeightsError, match=r"there is no weight conv\.kernel"):
        compile(NETWORK, "torch", weights)


def test_a_turned_weight_is_told_from_another_network() -> None:
    found_training("torch")
    helps = []
    for case in ("a transposed kernel", "a flat kernel"):
        with pytest.raises(WeightsError) as raised:
            compile(NETWORK, "torch", {**WEIGHTS, **UNFIT[case][0]})
        helps.append(raised.value.help)

    assert helps == [
        "transpose its axes to this order",
        "use the weights with the network that they were trained with",
    ]


@pytest.fixture(scope="module", params=TRAINING)
def module(request: pytest.FixtureRequest) -> Any:  # Any: a generated module
    return execute(found_training(request.param).source(NETWORK), f"unfit_{request.param}")


@pytest.mark.parametrize("case", UNFIT)
def test_set_weights_of_a_module_names_the_weight_and_its_axes(module: Any, case: str) -> None:
    changes, message = UNFIT[case]

    with pytest.raises(ValueError) as raised:
        module.set_weights(None, {**WEIGHTS, **changes})

    assert str(raised.value).startswith(message)


def test_set_weights_of_a_module_names_a_missing_weight(module: Any) -> None:
    with pytest.raises(ValueError, match=r"there is no weight conv\.kernel"):
        module.set_weights(None, without("conv.kernel"))


def test_a_pytorch_module_takes_and_refuses_tensors() -> None:
    found_training("torch")
    import torch

    module = execute(found_training("torch").source(NETWORK), "tensors")
    tensors = {key: torch.from_numpy(value) for key, value in WEIGHTS.items()}
    with torch.no_grad():
        module.set_weights(module.build_model(), tensors)

    with pytest.raises(ValueError, match=r"dense\.bias is torch\.float16, not float32"):
        module.set_weights(None, {**tensors, "dense.bias": tensors["dense.bias"].half()})
