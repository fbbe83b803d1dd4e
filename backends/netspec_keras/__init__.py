"""The Keras backend: specs become Keras models that run on TensorFlow.

Importing this package loads neither Keras nor TensorFlow.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netspec.backend import Device, Form, Framework, Program, gpu_present
from netspec.backend.declaration import Declaration, Gradients, registered_layers
from netspec.data import Examples
from netspec.numerics.weights import Array
from netspec_keras.lower import NOTES, lower
from netspec_keras.source import PASSES, source

if TYPE_CHECKING:
    import keras

    from netspec_keras.predictor import KerasPredictor
    from netspec_keras.trainer import KerasTrainer


class KerasBackend:
    """Keras on TensorFlow; see `netspec.backend.TrainingBackend` and `BenchedBackend`."""

    name = "keras"
    work_per_thread = 250e6
    threads_sleep = True
    frameworks = (
        Framework("keras", ("keras",)),
        Framework("tensorflow", ("tensorflow", "tensorflow-cpu")),
    )
    forms = MappingProxyType({"keras": "Keras predict"})

    passes = PASSES

    def declaration(self) -> Declaration:
        return Declaration(registered_layers(lower), notes=NOTES, gradients=_gradients)

    def devices(self) -> tuple[str, ...]:
        # TensorFlow 2.21's GPU build is the plain wheel together with NVIDIA's cuDNN for CUDA 12.
        cuda = Framework("", ("nvidia-cudnn-cu12",)).version
        return ("cpu", "cuda") if cuda and gpu_present() else ("cpu",)

    def source(self, program: Program) -> str:
        return source(program)

    def model(self, program: Program) -> keras.Model:
        from netspec_keras.predictor import built_model

        return built_model(program)

    def predictor(self, program: Program, device: Device) -> KerasPredictor:
        from netspec_keras.predictor import KerasPredictor

        return KerasPredictor(program, device)

    def form(
        self,
        name: str,  # noqa: ARG002 - there is one
        program: Program,
        device: Device,
        examples: tuple[Array, ...],  # noqa: ARG002 - it needs no ranges
    ) -> Form:
        from netspec_keras.predictor import form

        return form(program, device)

    def trainer(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> KerasTrainer:
        from netspec_keras.trainer import KerasTrainer

        return KerasTrainer(program, examples, device, threads)


def _gradients(*arguments: Any, **options: Any) -> Gradients:  # Any: of GradientFunction
    """See `netspec.backend.declaration.GradientFunction`."""
    from netspec_keras.testing import gradients

    return gradients(*arguments, **options)


BACKEND = KerasBackend()
