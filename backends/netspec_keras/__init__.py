"""The Keras backend: specs become Keras models that run on TensorFlow.

Importing this package loads neither Keras nor TensorFlow.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from netspec.backend import Device, Form, Framework, gpu_present
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec_keras.source import PASSES, source

if TYPE_CHECKING:
    import keras

    from netspec.backend.declaration import Declaration
    from netspec_keras.runtime import KerasPredictor, KerasTrainer


class KerasBackend:
    """Keras on TensorFlow; see `netspec.backend.TrainingBackend` and `BenchedBackend`."""

    name = "keras"
    work_per_thread = 250e6
    frameworks = (
        Framework("keras", ("keras",)),
        Framework("tensorflow", ("tensorflow", "tensorflow-cpu")),
    )
    forms = MappingProxyType({"keras": "Keras predict"})

    passes = PASSES

    def declaration(self) -> Declaration:
        from netspec_keras.testing import declaration

        return declaration()

    def devices(self) -> tuple[str, ...]:
        # TensorFlow 2.21's GPU build is the plain wheel together with NVIDIA's cuDNN for CUDA 12.
        cuda = Framework("", ("nvidia-cudnn-cu12",)).version
        return ("cpu", "cuda") if cuda and gpu_present() else ("cpu",)

    def source(self, network: Network) -> str:
        return source(network)

    def model(self, network: Network, weights: Weights) -> keras.Model:
        from netspec_keras.runtime import built_model

        return built_model(network, weights)

    def predictor(self, network: Network, weights: Weights, device: Device) -> KerasPredictor:
        from netspec_keras.runtime import KerasPredictor

        return KerasPredictor(network, weights, device)

    def form(
        self,
        name: str,  # noqa: ARG002 - there is one
        network: Network,
        weights: Weights,
        device: Device,
        examples: tuple[Array, ...],  # noqa: ARG002 - it needs no ranges
    ) -> Form:
        from netspec_keras.runtime import form

        return form(network, weights, device)

    def trainer(
        self,
        network: Network,
        weights: Weights,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> KerasTrainer:
        from netspec_keras.runtime import KerasTrainer

        return KerasTrainer(network, weights, examples, device, threads)


BACKEND = KerasBackend()
