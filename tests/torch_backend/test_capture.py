"""Recorded steps equal the steps of a training without recording."""

from __future__ import annotations

import warnings
from contextlib import nullcontext

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from netspec.backend import find
from netspec.text.diagnostics import BackendError
from netspec_torch import capture, predictor
from netspec_torch.capture import CudaGraphs, recording_allowed
from netspec_torch.optimizers import in_one_update
from torch_backend.recorded import (
    EPOCHS,
    IMAGES,
    SIZE,
    Repeated,
    check_same,
    epochs_of,
    network_with,
    networks,
    recorded_by,
    train_network,
    trainer_of,
)


class Refused(Repeated):
    """Raises an error in a recording, as CUDA does if a step waits for it."""

    def record(self, compute):
        compute()
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")


class Waiting(Repeated):
    """Raises an error in the warm-up."""

    def warm_up(self, compute):
        compute()
        raise RuntimeError("called a synchronizing CUDA operation")


@pytest.fixture
def three_steps(monkeypatch):
    """At most three steps per launch: two launches, and one launch of the remaining step."""
    monkeypatch.setattr(capture, "STEPS", 3)


@pytest.mark.parametrize("name", networks())
def test_captured_steps_equal_eager_steps(name, three_steps):
    tested = networks()[name]
    recorder = Repeated()
    # The numbers of an update are float32 tensors in a recording, and otherwise Python floats.
    check_same(train_network(tested, prepare=recorded_by(recorder)), train_network(tested))
    assert recorder.launches == EPOCHS * 3
    assert recorder.warm_ups == 1


@pytest.mark.parametrize("recorder", [Refused(), Waiting()], ids=["recording", "warm-up"])
def test_steps_that_cannot_be_captured_are_eager(recorder):
    tested = networks()["adam"]

    with pytest.warns(UserWarning, match="no CUDA graph holds this network") as warnings:
        weights, _ = train_network(tested, prepare=recorded_by(recorder))

    assert len(warnings) == 1
    expected, _ = train_network(tested)
    for key, value in expected.items():
        np.testing.assert_array_equal(weights[key], value, key)


def test_old_pytorch_stops_after_failed_dropout_recording(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.11.0+cu130")
    with pytest.raises(BackendError, match="cannot be recorded: operation not") as caught:
        train_network(networks()["adam"], prepare=recorded_by(Refused()))
    assert caught.value.help == "set NETSPEC_CUDA_GRAPHS=0 in the environment"


def test_old_pytorch_continues_without_dropout(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.11.0+cu130")
    with pytest.warns(UserWarning, match="no CUDA graph holds this network"):
        train_network(networks()["constrained"], prepare=recorded_by(Refused()))


def test_a_recording_has_a_bounded_number_of_operations(monkeypatch):
    monkeypatch.setattr(capture, "NODES", 1)
    recorder = Repeated()
    train_network(networks()["adam"], prepare=recorded_by(recorder))
    assert recorder.launches == EPOCHS * (IMAGES // SIZE)


def test_a_dropped_recording_is_not_repeated(three_steps):
    recorder = Repeated()
    trainer = trainer_of(networks()["adam"])
    recorded_by(recorder)(trainer)
    [*epochs_of(trainer, 1)]

    assert trainer._launch.drop()

    launches = recorder.launches
    [*epochs_of(trainer, 1)]
    assert recorder.launches == launches
    assert not trainer._launch.drop()


def test_an_environment_variable_turns_recording_off(monkeypatch):
    assert recording_allowed()
    monkeypatch.setenv("NETSPEC_CUDA_GRAPHS", "0")
    assert not recording_allowed()


class Stream:
    """A stream whose waiting does nothing."""

    def wait_stream(self, _other):
        pass


class FailingCapture:
    """A `torch.cuda.graph` that fails at the end of a capture, and leaves its stream current."""

    def __init__(self, *_arguments, **_options):
        pass

    def __enter__(self):
        pass

    def __exit__(self, *_exception):
        raise RuntimeError("operation failed due to a previous error during capture")


@pytest.fixture
def pretended_cuda(monkeypatch):
    """Replace the recording functions of `torch.cuda`. Returns a list of their settings in order."""
    calls = []
    main = Stream()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: main)
    monkeypatch.setattr(torch.cuda, "Stream", lambda _device: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda _stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", lambda _device: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", FailingCapture)
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: calls.append(stream is main))
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", calls.append)
    return calls


def test_a_failed_capture_restores_the_stream(pretended_cuda):
    graphs = CudaGraphs(torch.device("cuda", 1))
    with pytest.raises(RuntimeError, match="previous error"):
        graphs.record(lambda: None)
    assert pretended_cuda == [True]


def test_a_failed_warm_up_restores_the_sync_mode(pretended_cuda):
    graphs = CudaGraphs(torch.device("cuda", 1))
    with pytest.raises(BackendError):
        graphs.warm_up(raises_backend_error)
    assert pretended_cuda == ["error", 1]


def raises_backend_error():
    raise BackendError("a step that waits")


class OnGpu:
    """Replaces the device of a trainer."""

    type = "cuda"


@pytest.mark.parametrize(("steps", "recorded"), [(49, False), (50, True)])
def test_short_trainings_are_not_recorded(steps, recorded):
    trainer = trainer_of(network_with("adam", epochs=2))
    trainer._device = OnGpu()
    assert (trainer._launched(steps, SIZE) is not None) == recorded


@pytest.mark.parametrize(
    ("optimizer", "more", "alike"),
    [
        ("adam", {}, True),
        ("adam: {use_ema: true}", {}, False),  # the first average is the weight itself
        ("adam", {"gradient_accumulation_steps": 2}, False),  # every second step moves the weights
    ],
)
def test_steps_that_are_not_alike_are_not_recorded(optimizer, more, alike):
    train = network_with(optimizer, **more).spec.train
    assert train is not None
    assert in_one_update(train) == alike


def out_of_memory(*_inputs):
    message = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 1 GiB"
    raise torch.OutOfMemoryError(message)


def test_full_memory_names_the_batch_size_to_try():
    trainer = trainer_of(networks()["adam"])
    trainer._forward = out_of_memory
    with pytest.raises(BackendError) as caught:
        [*epochs_of(trainer)]
    assert caught.value.message == "the GPU's memory is full: CUDA out of memory"
    assert caught.value.help.startswith("use --batch-size 2, or --memory 1GiB")


def test_training_continues_without_recording_in_full_memory(three_steps):
    tested = networks()["constrained"]
    trainer = trainer_of(tested)
    recorded_by(Repeated())(trainer)
    gradients = trainer._gradients

    def full_while_recorded(batch, factors=None):
        if len(batch.inputs[0]) < SIZE and trainer._launch._recordings:
            out_of_memory()
        return gradients(batch, factors)

    trainer._gradients = full_while_recorded
    steps = [*epochs_of(trainer)]

    check_same((trainer.weights(), steps), train_network(tested))


def test_a_recording_beyond_memory_is_left_out():
    class Full(Repeated):
        def record(self, compute):
            out_of_memory()

    tested = networks()["constrained"]
    with pytest.warns(UserWarning, match="CUDA out of memory"):
        without = train_network(tested, prepare=recorded_by(Full()))
    check_same(without, train_network(tested))


def test_prediction_takes_smaller_batches_where_memory_is_full(monkeypatch):
    model = torch.nn.Identity()
    sizes = []

    def outputs_function(_model, _device):
        def outputs(part):
            sizes.append(len(part))
            if len(part) > 4:
                out_of_memory()
            return (part,)

        return outputs

    monkeypatch.setattr(predictor, "_outputs_function", outputs_function)
    inputs = np.arange(10, dtype=np.float32)
    (outputs,) = predictor.outputs_of(model, torch.device("cpu"), (inputs,))
    np.testing.assert_array_equal(outputs, inputs)
    assert sizes == [10, 5, 2, 2, 2, 2, 2]


def test_the_advice_of_torch_compile_is_not_shown(monkeypatch):
    def compile_(model, **_options):
        def compiled(x):
            warnings.warn("TensorFloat32 tensor cores are available but not enabled", stacklevel=1)
            return model(x)

        return compiled

    monkeypatch.setattr(torch, "compile", compile_)
    tested = networks()["constrained"]
    weights = {key: np.zeros(weight.shape, np.float32) for key, weight in tested.graph.weights()}
    program = find("torch").program(tested, weights)
    form = predictor.form(program, "cpu", compiled=True)
    assert form.outputs(np.ones((2, 4), np.float32))[0].shape == (2, 3)
