"""Runs generated PyTorch modules: prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from netspec.backend import (
    LARGEST_BATCH,
    Device,
    Form,
    Predicting,
    Program,
    execute,
    outputs_in_batches,
)
from netspec.numerics.weights import Array, Weights
from netspec_torch.devices import (
    explain_full_memory,
    find_device,
    free_memory,
)
from netspec_torch.process import (
    random_numbers_kept,
    rounding_to_tf32,
)
from netspec_torch.source import source


def built_model(program: Program) -> nn.Module:
    """The program's module with its weights, ready to predict. Its outputs are the spec's."""
    return model_with(module_of(program), program.weights).eval()


def module_of(program: Program) -> ModuleType:
    """The program's generated module."""
    return execute(source(program), f"{program.graph.name}_torch")


def model_with(module: ModuleType, weights: Weights) -> nn.Module:
    """The model of a module. It draws initial values, and the weights replace them."""
    with random_numbers_kept():
        model: nn.Module = module.build_model()
    with torch.no_grad():
        module.set_weights(model, weights)
    return model


def outputs_of(
    forward: Callable[..., Any],  # Any: one tensor or several
    device: torch.device,
    inputs: tuple[Array, ...],
) -> tuple[Array, ...]:
    """The outputs for arrays of any length, in batches that fit the memory of the device."""
    function = _outputs_function(forward, device)
    size = min(LARGEST_BATCH, len(inputs[0]))
    while size > 1:
        try:
            return outputs_in_batches(inputs, function, size)
        except torch.OutOfMemoryError:
            size //= 2
        free_memory()
    with explain_full_memory("use --device cpu"):
        return outputs_in_batches(inputs, function, size)


def _outputs_function(
    model: Callable[..., Any],  # Any: one tensor or several
    device: torch.device,
) -> Callable[..., tuple[Array, ...]]:
    """A function of an array for every input. It returns an array for every output."""

    @torch.inference_mode()
    def outputs(*parts: Array) -> tuple[Array, ...]:
        tensors = [torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in parts]
        with rounding_to_tf32(device, allowed=False):
            values = as_tuple(model(*tensors))
        return tuple(value.cpu().numpy() for value in values)

    return outputs


def as_tuple(outputs: Any) -> tuple[Any, ...]:  # Any: one tensor or several
    """The outputs of a module, which returns an only output without a tuple."""
    return outputs if isinstance(outputs, tuple) else (outputs,)


def form(program: Program, device: Device, *, compiled: bool) -> Form:
    """The program's module as it is, or compiled by torch.compile for every size of batch."""
    place, shown = find_device(device)
    model = built_model(program).to(place)
    if not compiled:
        return Form(_outputs_function(model, place), shown)
    outputs = _outputs_function(torch.compile(model, dynamic=False), place)

    def compiled_outputs(*inputs: Array) -> tuple[Array, ...]:
        with warnings.catch_warnings():
            # PyTorch advises against float32, which is measured here.
            warnings.filterwarnings("ignore", "TensorFloat32 tensor cores", UserWarning)
            return outputs(*inputs)

    return Form(compiled_outputs, shown)


class TorchPredictor(Predicting):
    """The program's module on a device."""

    def __init__(self, program: Program, device: Device) -> None:
        self._device, self.device = find_device(device)
        self._model: Any = built_model(program).to(self._device)  # Any: a generated class
        self._logits = self._model.logits if any(program.taken_off) else self._model

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_of(self._model, self._device, inputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_of(self._logits, self._device, inputs)
