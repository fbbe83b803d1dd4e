"""Names of devices become PyTorch's devices, and a missing device is an error."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from netspec.text.diagnostics import BackendError
from netspec_torch import devices
from netspec_torch.devices import find_device, runs_on


@pytest.fixture
def two_gpus(monkeypatch):
    """A build of PyTorch for CUDA, on a machine with two GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device}")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90"])


@pytest.mark.parametrize(
    ("name", "device", "title"),
    [
        ("cpu", "cpu", "cpu"),
        ("auto", "cuda:0", "cuda (GPU cuda:0)"),
        ("cuda", "cuda:0", "cuda (GPU cuda:0)"),
        ("cuda:1", "cuda:1", "cuda:1 (GPU cuda:1)"),
    ],
)
def test_a_name_becomes_a_device(two_gpus, name, device, title):
    assert find_device(name) == (torch.device(device), title)


def error_of(name: str) -> BackendError:
    with pytest.raises(BackendError) as caught:
        find_device(name)
    return caught.value


def test_an_absent_gpu_names_the_devices_present(two_gpus):
    error = error_of("cuda:2")
    assert error.message == "PyTorch sees no cuda:2"
    assert error.help == "use one of cpu, cuda:0, cuda:1"


def test_tensorrt_is_not_a_device_of_pytorch():
    assert error_of("tensorrt").message == "the torch backend does not run on tensorrt"


def test_a_driver_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(devices, "gpu_present", lambda: True)
    error = error_of("cuda")
    assert error.message == "PyTorch's build for CUDA 13.0 cannot use the GPU's driver"
    assert "update the NVIDIA driver" in error.help


def test_a_gpu_without_kernels_is_refused(two_gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 0))
    assert "has no kernels for GPU 0 (sm_70)" in error_of("cuda").message
    assert find_device("auto") == (torch.device("cpu"), "cpu")


@pytest.mark.parametrize(
    ("architectures", "capability", "runs"),
    [
        (["sm_80"], (8, 6), True),
        (["sm_86"], (8, 0), False),
        (["sm_80"], (9, 0), False),
        (["sm_80", "compute_80"], (9, 0), True),
        (["compute_90"], (8, 0), False),
        (["gfx90a"], (9, 0), True),
    ],
)
def test_binaries_run_within_their_major_version(architectures, capability, runs):
    assert runs_on(architectures, capability) == runs
