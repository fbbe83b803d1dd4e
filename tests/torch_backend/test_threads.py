"""Threads of PyTorch: how many compute, and how long they wait."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from netspec.backend import find_training
from netspec.data import Examples
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec_torch.threads import WAITING, WAITING_SETTINGS, short_waits

SPEC = """\
netspec: 1
name: net
input: [4]
layers:
  - Dense: {units: 3, activation: softmax}
data: {dataset: npz, path: data.npz}
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in WAITING_SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_waits_are_short_while_pytorch_is_imported():
    with short_waits():
        assert {name: os.environ[name] for name in WAITING} == WAITING
    assert not any(name in os.environ for name in WAITING)


@pytest.mark.parametrize("name", WAITING_SETTINGS)
def test_the_users_way_of_waiting_stays(monkeypatch, name):
    monkeypatch.setenv(name, "5")
    before = dict(os.environ)
    with short_waits():
        assert dict(os.environ) == before
    assert dict(os.environ) == before


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("requested", "expected"), [(1, 1), (3, 3), (9, 4), (None, 4)])
def test_steps_use_the_requested_threads(monkeypatch, four_threads, requested, expected):
    network = loads(SPEC)
    labels = np.zeros(4, np.int32)
    examples = Examples((np.zeros((4, 4), np.float32),), (labels,))
    weights = initial(network.graph, 0)
    trainer = find_training("torch").trainer(network, weights, examples, "cpu", requested)
    counts: list[int] = []
    forward_of_linear = torch.nn.Linear.forward

    def forward(self, inputs):
        counts.append(torch.get_num_threads())
        return forward_of_linear(self, inputs)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    list(trainer.epoch(np.arange(4), 2, np.full(2, 0.1, np.float32), 0))
    trainer.outputs(examples.inputs[0])
    assert trainer.threads == expected
    assert counts == [expected] * 3
    assert torch.get_num_threads() == 4
