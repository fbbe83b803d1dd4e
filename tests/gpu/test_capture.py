"""Steps in a CUDA graph equal eager steps. On a CPU the steps are repeated instead."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from conformance.networks import found_training
from gpu.machine import DEVICE, only_on_gpu, some_of
from netspec.testing.cases import ALL
from netspec.testing.networks import all_random_inputs, of_case, random_weights
from netspec.text.diagnostics import BackendError
from netspec_torch import capture
from netspec_torch.capture import CudaGraphs, Launched
from netspec_torch.results import Results
from torch_backend.recorded import (
    Repeated,
    check_same,
    epochs_of,
    network_with,
    networks,
    recorded_by,
    train_network,
    trainer_of,
)

BEFORE_2_13 = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13)


def recorder():
    return CudaGraphs(torch.device("cuda", 0)) if DEVICE == "cuda" else Repeated()


@pytest.fixture(autouse=True)
def same_sums(monkeypatch):
    """Make cuDNN's sums deterministic."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)


@pytest.mark.parametrize("steps", [1, 3, 25])
@pytest.mark.parametrize("name", networks())
def test_captured_steps_equal_eager_steps(name, steps, monkeypatch):
    monkeypatch.setattr(capture, "STEPS", steps)
    tested = networks()[name]
    launches: list[Launched] = []

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        results = train_network(tested, DEVICE, recorded_by(recorder(), launches))

    monkeypatch.setenv("NETSPEC_CUDA_GRAPHS", "0")
    check_same(results, train_network(tested, DEVICE), 1e-3, 1e-4)
    assert launches[0]._recordings


def test_the_trainer_records_by_itself(monkeypatch):
    monkeypatch.setattr(capture, "STEPS", 3)
    trainer = trainer_of(network_with("adam", epochs=100), DEVICE)
    [*epochs_of(trainer)]
    recorded = bool(trainer._launch and trainer._launch._recordings)
    assert recorded == (DEVICE == "cuda")


@pytest.mark.parametrize("case", some_of(ALL, 40), ids=str)
def test_every_layer_can_be_recorded(case):
    tested = of_case(case)
    weights = random_weights(tested.graph)
    model = found_training("torch").model(tested, weights).to(DEVICE).train(not case.is_random)
    arrays = all_random_inputs(tested.graph, 3, whole=case.whole)
    inputs = [torch.tensor(array, device=DEVICE, requires_grad=True) for array in arrays]
    sources = [*inputs, *(weight for weight in model.parameters() if weight.requires_grad)]

    def compute():
        outputs = model(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        total = sum(output.square().mean() for output in outputs)
        if total.requires_grad:
            torch.autograd.grad(total, sources, allow_unused=True)
        return Results(total.detach()[None], None, None, ())

    records = recorder()
    records.warm_up(compute)
    figures, replay = records.record(compute)
    replay()
    assert np.isfinite(figures.losses.cpu().numpy()).all()


def waiting(trainer):
    """Make every step of a trainer wait for its device."""
    logits = trainer._logits

    def outputs(*inputs):
        values = logits(*inputs)
        values.sum().item()
        return values

    trainer._logits = outputs


@only_on_gpu
def test_a_step_that_waits_is_found_before_recording(monkeypatch):
    tested = network_with("adam", epochs=100)
    with pytest.warns(UserWarning, match="no CUDA graph holds this network"):
        weights, _ = train_network(tested, DEVICE, waiting)

    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert torch.cuda.get_sync_debug_mode() == 0
    monkeypatch.setenv("NETSPEC_CUDA_GRAPHS", "0")
    expected, _ = train_network(tested, DEVICE)
    for key, value in expected.items():
        np.testing.assert_allclose(weights[key], value, 1e-3, 1e-4, err_msg=key)


class Unprepared(CudaGraphs):
    """A recorder that does not check for waits before it records."""

    def warm_up(self, compute):
        compute()


@only_on_gpu
@pytest.mark.skipif(BEFORE_2_13, reason="PyTorch below 2.13 draws no numbers afterwards")
def test_training_continues_after_a_failed_recording():
    def prepare(trainer):
        waiting(trainer)
        recorded_by(Unprepared(torch.device("cuda", 0)))(trainer)

    with pytest.warns(UserWarning, match="no CUDA graph holds this network"):
        train_network(network_with("adam"), DEVICE, prepare)
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@only_on_gpu
@pytest.mark.skipif(not BEFORE_2_13, reason="PyTorch from 2.13 on draws numbers afterwards")
def test_a_failed_recording_names_the_switch():
    def prepare(trainer):
        waiting(trainer)
        recorded_by(Unprepared(torch.device("cuda", 0)))(trainer)

    with pytest.raises(BackendError, match="cannot be recorded") as caught:
        train_network(network_with("adam"), DEVICE, prepare)
    assert "NETSPEC_CUDA_GRAPHS=0" in caught.value.help
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
