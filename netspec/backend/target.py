"""How the core calls a backend: after its passes, and only with layers that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from netspec.backend.contract import (
    Backend,
    BenchedBackend,
    Device,
    ExportedModel,
    ExportingBackend,
    Form,
    Framework,
    Predictor,
    Quantization,
    Trainer,
    TrainingBackend,
)
from netspec.backend.declaration import (
    Declaration,
    DeclaringBackend,
    Gradients,
    missing_layers,
)
from netspec.backend.exporting import file_metadata, scaling_of
from netspec.backend.program import Program, prepare
from netspec.data import Examples
from netspec.data.record import DataRecord
from netspec.network import Network
from netspec.numerics.weights import Array, Weights, check
from netspec.passes.base import Pass
from netspec.text.codes import Code
from netspec.text.diagnostics import BackendError

_OTHER_BACKENDS = "use keras or torch, which have every layer, or replace this layer"


@dataclass(frozen=True)
class Target:
    """A backend, called with a network: its passes are run, and it gets the program.

    A method that the backend lacks raises BackendError.
    """

    backend: Backend

    @property
    def name(self) -> str:
        """The name of the backend."""
        return self.backend.name

    @property
    def frameworks(self) -> tuple[Framework, ...]:
        """See `Backend`."""
        return self.backend.frameworks

    @property
    def passes(self) -> tuple[Pass, ...]:
        """See `Backend`."""
        return self.backend.passes

    def devices(self) -> tuple[str, ...]:
        """See `Backend`."""
        return self.backend.devices()

    def declaration(self) -> Declaration | None:
        """See `DeclaringBackend`; None for a backend that declares nothing."""
        return self.backend.declaration() if isinstance(self.backend, DeclaringBackend) else None

    def program(self, network: Network, weights: Weights) -> Program:
        """The network as the backend takes it. Raises NetspecError for a layer that it lacks."""
        return self._program(network, weights, self.passes)

    def _program(self, network: Network, weights: Weights, passes: tuple[Pass, ...]) -> Program:
        if declared := self.declaration():
            for name, tag in missing_layers(declared, network.graph):
                message = f"the {self.name} backend has no {tag}"
                raise network.layer_error(name, message, _OTHER_BACKENDS, Code.BACKEND)
        return prepare(network, weights, passes)

    def predictor(self, network: Network, weights: Weights, device: Device) -> Predictor:
        """The network ready to predict. Raises BackendError where the device is not there."""
        return self.backend.predictor(self.program(network, weights), device)

    @property
    def trains(self) -> bool:
        """Whether the backend is a TrainingBackend."""
        return isinstance(self.backend, TrainingBackend)

    def training_backend(self) -> TrainingBackend:
        """The backend. Raises BackendError if it cannot train."""
        if not isinstance(self.backend, TrainingBackend):
            raise BackendError(f"the {self.name} backend cannot train", "train with keras or torch")
        return self.backend

    @property
    def work_per_thread(self) -> float:
        """See `TrainingBackend`."""
        return self.training_backend().work_per_thread

    @property
    def threads_sleep(self) -> bool:
        """See `TrainingBackend`."""
        return self.training_backend().threads_sleep

    def source(self, network: Network) -> str:
        """The Python module of the network. The framework is not imported."""
        return self.training_backend().source(self.program(network, {}))

    def model(self, network: Network, weights: Weights) -> Any:  # Any: the framework's own model
        """The framework's own model with these weights, from the module."""
        return self.training_backend().model(self.program(network, weights))

    def trainer(
        self,
        network: Network,
        weights: Weights,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> Trainer:
        """The network ready to train; see `TrainingBackend`."""
        program = self.program(network, weights)
        return self.training_backend().trainer(program, examples, device, threads)

    def gradients(
        self,
        network: Network,
        weights: Weights,
        inputs: list[Array],
        cotangents: list[Array],
        *,
        training: bool,
        device: str = "cpu",
    ) -> Gradients | None:
        """The gradients as the backend declares them, None where it declares none."""
        declaration = self.declaration()
        if declaration is None or declaration.gradients is None:
            return None
        program = self.program(network, weights)
        return declaration.gradients(program, inputs, cotangents, training=training, device=device)

    def exporting_backend(self) -> ExportingBackend:
        """The backend. Raises BackendError if its models are no files."""
        if not isinstance(self.backend, ExportingBackend):
            raise BackendError(f"the {self.name} backend writes no files", "export with --onnx")
        return self.backend

    def export(
        self,
        network: Network,
        weights: Weights,
        *,
        opset: int | None = None,
        raw_input: bool = False,
        record: DataRecord | None = None,
    ) -> bytes:
        """The content of the model's file. With `raw_input` it takes pixels as uint8.

        The file itself then divides them: by the spec's scale, and by 255 where `record` shows that
        the training data were from 0 to 1. The file contains `record`, the spec and the graph's
        hash.

        Raises DataError where raw input is requested and the training data were no pixels of 8
        bits, BackendError where it is requested of several inputs, and WeightsError where the
        weights do not belong to the network.
        """
        check(network.graph, weights, "the model")
        scaling = scaling_of(network, record, raw_input=raw_input)
        metadata = file_metadata(network, record, scaling, raw_input=raw_input)
        passes = (scaling.division, *self.passes) if raw_input else self.passes
        program = self._program(network, weights, passes)
        backend = self.exporting_backend()
        return backend.export(
            program,
            opset=opset,
            raw_input=raw_input,
            metadata=metadata,
            preparation=record.preparation if record else None,
        )

    def open(self, content: bytes, device: Device) -> ExportedModel:
        """A model's file ready to predict."""
        return self.exporting_backend().open(content, device)

    def quantize(self, content: bytes, to: Quantization, inputs: Sequence[NDArray[Any]]) -> bytes:
        """A smaller form of an exported file; see `ExportingBackend`."""
        return self.exporting_backend().quantize(content, to, inputs)

    @property
    def forms(self) -> Mapping[str, str]:
        """See `BenchedBackend`; no form for a backend that is not one."""
        return self.backend.forms if isinstance(self.backend, BenchedBackend) else {}

    def form(
        self,
        name: str,
        network: Network,
        weights: Weights,
        device: Device,
        examples: tuple[Array, ...],
    ) -> Form:
        """The network in one of the `forms`; see `BenchedBackend`."""
        if not isinstance(self.backend, BenchedBackend):
            raise BackendError(f"the {self.name} backend has no form {name}", "see `netspec bench`")
        return self.backend.form(name, self.program(network, weights), device, examples)
