"""The devices of PyTorch: which one is meant, and what to do where its memory is full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from netspec.backend import Device, gpu_present
from netspec.backend.devices import absent_gpu, parse_device, unknown_tensorrt
from netspec.text.diagnostics import BackendError

ON_CPU = torch.device("cpu")


def find_device(device: Device) -> tuple[torch.device, str]:
    """PyTorch's device, and its name for the user. Raises BackendError where it is not there."""
    choice = parse_device(device)
    if choice.kind == "tensorrt":
        raise unknown_tensorrt("torch")
    present = choice.kind != "cpu" and torch.cuda.is_available()
    if choice.kind == "cuda":
        _check_gpu(choice.index, present=present)
    elif not present or not _has_kernels(choice.index):
        return ON_CPU, "cpu"
    gpu = torch.device("cuda", choice.index)
    return gpu, f"{_name(choice.index)} ({torch.cuda.get_device_name(gpu)})"


def _name(index: int) -> str:
    return f"cuda:{index}" if index else "cuda"


def _check_gpu(index: int, *, present: bool) -> None:
    """Raise BackendError where PyTorch cannot compute on a GPU."""
    if not present and torch.version.cuda and gpu_present():
        message = f"PyTorch's build for CUDA {torch.version.cuda} cannot use the GPU's driver"
        raise BackendError(message, "update the NVIDIA driver, or use --device cpu")
    if not present:
        message = "PyTorch sees no GPU"
        raise BackendError(message, "use --device cpu, or install PyTorch's CUDA build")
    if index >= torch.cuda.device_count():
        raise absent_gpu("PyTorch", index, torch.cuda.device_count())
    if not _has_kernels(index):
        major, minor = torch.cuda.get_device_capability(index)
        name = torch.cuda.get_device_name(index)
        message = f"PyTorch {torch.__version__} has no kernels for {name} (sm_{major}{minor})"
        raise BackendError(message, "install a PyTorch build for this GPU, or use --device cpu")


def _has_kernels(index: int) -> bool:
    return runs_on(torch.cuda.get_arch_list(), torch.cuda.get_device_capability(index))


def runs_on(architectures: Sequence[str], capability: tuple[int, int]) -> bool:
    """Whether a build for these architectures has kernels for a GPU.

    Binary code (sm_86) runs on GPUs of the same major version and at least its minor version.
    Intermediate code (compute_90) is compiled for every newer GPU ("Application Compatibility" in
    NVIDIA's CUDA C++ Best Practices Guide).
    """
    matches = [re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name) for name in architectures]
    builds = [(match[1], int(match[2]), int(match[3])) for match in matches if match]
    if not builds:  # names that are not NVIDIA's, of which nothing is known here
        return True
    return any(
        minor <= capability[1]
        if major == capability[0]
        else code == "compute" and major < capability[0]
        for code, major, minor in builds
    )


@contextmanager
def explain_full_memory(help: str) -> Iterator[None]:
    """Raise BackendError with this help where the GPU has no memory left."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        reason = str(error).partition(". ")[0]
        raise BackendError(f"the GPU's memory is full: {reason}", help) from None


def help_for_batches(size: int) -> str:
    """What to do where a batch of this size does not fit the GPU's memory."""
    smaller = f"use --batch-size {size // 2}" if size > 1 else "use a smaller network"
    return f"{smaller}, or --memory 1GiB if the data fill the GPU, or --device cpu"


def free_memory() -> None:
    """Return the memory that PyTorch has reserved and does not use."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
