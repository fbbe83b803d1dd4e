"""The PyTorch backend: specs become `torch.nn.Module`s.

Importing this package does not load PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from netspec.backend import Device, Form, Framework, Program, gpu_present
from netspec.backend.declaration import Declaration, Gradients, registered_layers
from netspec.data import Examples
from netspec.numerics.weights import Array
from netspec_torch.lower import NOTES, lower_layer
from netspec_torch.source import PASSES, source
from netspec_torch.threads import short_waits

if TYPE_CHECKING:
    from torch import nn

    from netspec_torch.predictor import TorchPredictor
    from netspec_torch.trainer import TorchTrainer


class TorchBackend:
    """PyTorch; see `netspec.backend.TrainingBackend` and `BenchedBackend`."""

    name = "torch"
    work_per_thread = 32e6
    threads_sleep = False
    frameworks = (Framework("torch", ("torch",)),)
    forms = MappingProxyType({"torch": "PyTorch eager", "torch-compiled": "PyTorch compiled"})

    passes = PASSES

    def declaration(self) -> Declaration:
        layers = registered_layers(lower_layer, "TimeDistributed")
        return Declaration(layers, notes=NOTES, gradients=_gradients)

    def devices(self) -> tuple[str, ...]:
        return ("cpu", "cuda") if _built_with_cuda() and gpu_present() else ("cpu",)

    def source(self, program: Program) -> str:
        return source(program)

    def model(self, program: Program) -> nn.Module:
        return _loaded("predictor").built_model(program)

    def predictor(self, program: Program, device: Device) -> TorchPredictor:
        return _loaded("predictor").TorchPredictor(program, device)

    def form(
        self,
        name: str,
        program: Program,
        device: Device,
        examples: tuple[Array, ...],  # noqa: ARG002 - it needs no ranges
    ) -> Form:
        return _loaded("predictor").form(program, device, compiled=name == "torch-compiled")

    def trainer(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> TorchTrainer:
        return _loaded("trainer").TorchTrainer(program, examples, device, threads)


def _gradients(*arguments: Any, **options: Any) -> Gradients:  # Any: of GradientFunction
    """See `netspec.backend.declaration.GradientFunction`."""
    return _loaded("testing").gradients(*arguments, **options)


def _loaded(name: str) -> ModuleType:
    """A module of this package that imports PyTorch."""
    with short_waits():
        return import_module(f"netspec_torch.{name}")


def _built_with_cuda() -> bool:
    """Whether the installed PyTorch is a CUDA build, according to its file `version.py`."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    lines = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8").splitlines()
    return not any(line.startswith("cuda") and line.endswith("None") for line in lines)


BACKEND = TorchBackend()
