"""Gradients of a group normalization whose input needs no gradient, in generated PyTorch modules.

PyTorch 2.13 may crash, so that a separate process computes the gradients.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.backend import find_training
from netspec.testing.cases import Case, chain
from netspec.testing.networks import of_case

pytest.importorskip("torch")

LAYER = "GroupNormalization: {groups: 2, name: layer}"
FROZEN = "Conv2D: {filters: 4, kernel_size: 1, kernel_initializer: ones, trainable: false}"
CASES = {
    "first": chain((5, 6, 4), LAYER),
    "first of a volume": chain((3, 4, 5, 4), LAYER),
    "of one pixel": chain((1, 1, 4), LAYER),
    "of one channel": chain((5, 6, 1), LAYER.replace("2", "1")),
    "without a beta": chain((5, 6, 4), LAYER.replace("2", "2, center: false")),
    "after another layer": chain((5, 6, 4), "ReLU", LAYER),
    "after a frozen layer": chain((5, 6, 1), FROZEN, LAYER),
    "after a trained layer": chain((5, 6, 1), FROZEN.replace("false", "true"), LAYER),
}

PROGRAM = """
import json, sys, torch
for text, x, cotangents in json.load(sys.stdin):
    names = {"__name__": "generated"}
    exec(text, names)
    model = names["build_model"]()
    (model(torch.tensor(x)) * torch.tensor(cotangents)).sum().backward()
    gamma, *_ = model.layer.parameters()
    print(json.dumps(gamma.grad.tolist()), flush=True)
"""


def test_gradients_of_gamma_without_input_gradients() -> None:
    examples = {name: _example(case) for name, case in CASES.items()}
    program_input = json.dumps([[text, x.tolist(), c.tolist()] for text, x, c in examples.values()])
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(
        command, input=program_input, capture_output=True, text=True, check=False
    )

    assert process.returncode == 0, process.stderr
    gradients = dict(zip(CASES, map(json.loads, process.stdout.splitlines()), strict=True))
    for name, (_, x, cotangents) in examples.items():
        expected = _gradient_of_gamma(_input_of_the_layer(name, x), cotangents)
        np.testing.assert_allclose(gradients[name], expected, 1e-4, 1e-5, err_msg=name)


def _example(case: Case) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
    """The module of a case, its input and the cotangents of its output."""
    network, random = of_case(case), np.random.default_rng(0)
    x, c = (random.normal(size=(3, *shape)) for shape in (case.shape, network.graph.output.shape))
    return find_training("torch").source(network), x.astype(np.float32), c.astype(np.float32)


def _input_of_the_layer(name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    if name == "after another layer":
        return np.maximum(x, 0)
    return np.repeat(x, 4, -1) if name.startswith("after a ") else x


def _gradient_of_gamma(
    x: NDArray[np.float32], cotangents: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The sum, for every channel, of the normalized values times the cotangents.

    The groups are halves of the channels (Wu and He, 2018).
    """
    groups = min(2, x.shape[-1])
    values = x.astype(np.float64).reshape(len(x), -1, groups, x.shape[-1] // groups)
    mean, variance = (f(values, (1, 3), keepdims=True) for f in (np.mean, np.var))
    normalized = ((values - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    return (normalized * cotangents).sum(tuple(range(x.ndim - 1)))
