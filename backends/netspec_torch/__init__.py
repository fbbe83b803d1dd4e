"""The PyTorch backend: specs become `torch.nn.Module`s.

Importing this package does not load PyTorch.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from netspec.backend import Device, Form, Framework, gpu_present
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec_torch.source import PASSES, source
from netspec_torch.threads import short_waits

if TYPE_CHECKING:
    from torch import nn

    from netspec.backend.declaration import Declaration
    from netspec_torch.runtime import TorchPredictor, TorchTrainer


class TorchBackend:
    """PyTorch; see `netspec.backend.TrainingBackend` and `BenchedBackend`."""

    name = "torch"
    work_per_thread = 32e6
    frameworks = (Framework("torch", ("torch",)),)
    forms = MappingProxyType({"torch": "PyTorch eager", "torch-compiled": "PyTorch compiled"})

    passes = PASSES

    def declaration(self) -> Declaration:
        _runtime()
        from netspec_torch.testing import declaration

        return declaration()

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if _built_with_cuda() and gpu_present() else ("cpu",)

    def source(self, network: Network) -> str:
        return source(network)

    def model(self, network: Network, weights: Weights) -> nn.Module:
        return _runtime().built_model(network, weights)

    def predictor(self, network: Network, weights: Weights, device: Device) -> TorchPredictor:
        return _runtime().TorchPredictor(network, weights, device)

    def form(
        self,
        name: str,
        network: Network,
        weights: Weights,
        device: Device,
        examples: tuple[Array, ...],  # noqa: ARG002 - it needs no ranges
    ) -> Form:
        return _runtime().form(network, weights, device, compiled=name == "torch-compiled")

    def trainer(
        self,
        network: Network,
        weights: Weights,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> TorchTrainer:
        return _runtime().TorchTrainer(network, weights, examples, device, threads)


def _runtime() -> ModuleType:
    """The module that runs PyTorch. PyTorch is imported with it."""
    with short_waits():
        from netspec_torch import runtime
    return runtime


def _built_with_cuda() -> bool:
    """Whether the installed PyTorch is a CUDA build, from the file in which it says so."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    said = Path(found.origin).with_name("version.py").read_text(encoding="utf-8")
    return not any(line.startswith("cuda") and line.endswith("None") for line in said.splitlines())


BACKEND = TorchBackend()
