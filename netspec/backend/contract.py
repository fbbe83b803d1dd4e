"""The contract of a backend: what its object has, and what its models do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import prod
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from netspec.backend.program import Program
from netspec.checks.objectives import Objective
from netspec.data import Examples
from netspec.data.preparation import Preparation
from netspec.language.layers import Shape
from netspec.language.training.metrics import Accuracy
from netspec.numerics.weights import Array
from netspec.passes.base import Pass

Device: TypeAlias = str
"""Where to compute, as `netspec.backend.devices.parse_device` reads it."""

Quantization: TypeAlias = Literal["int8", "fp16"]


class Predictor(Protocol):
    """A model that computes the network's outputs."""

    @property
    def device(self) -> str:
        """Where it runs, in words for the user: cpu, or the name of the GPU."""
        ...

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        """Every output (n, …) of the network for all of its inputs (n, …), all float32."""
        ...

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        """The same without the activations of `Program.taken_off`, as the losses take them."""
        ...

    def predict(self, *inputs: Array) -> Array:
        """The output (n, …) of a network that has one."""
        ...


class Predicting(ABC):
    """What every predictor does the same way."""

    @abstractmethod
    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        """See `Predictor.outputs`."""

    @abstractmethod
    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        """See `Predictor.logits`."""

    def predict(self, *inputs: Array) -> Array:
        """The output (n, …) of a network that has one."""
        (output,) = self.outputs(*inputs)
        return output


class ExportedModel(Predictor, Protocol):
    """A model's file, opened. The file records how it takes images.

    Its `logits` follow from the spec in its metadata, for inputs as the file takes them.
    """

    @property
    def metadata(self) -> dict[str, str]:
        """What was written into the file, by name."""
        ...

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs, without the batch axis."""
        ...

    @property
    def output_shapes(self) -> tuple[tuple[int | None, ...], ...]:
        """The shapes of the outputs, without the batch axis; None is a size not declared."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user would not expect of the file, a sentence for each fact."""
        ...

    @property
    def raw_input(self) -> bool:
        """Whether it takes pixels as they are stored, and scales them itself."""
        ...

    def outputs_of_pixels(self, pixels: NDArray[np.uint8]) -> tuple[Array, ...]:
        """Every output (n, …) for pixels (n, height, width, channels) as they are stored."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a table that the file takes, none for a file that takes arrays.

        All other functions are of the network after the preparation of these columns.
        """
        ...

    def outputs_of_columns(self, columns: Mapping[str, NDArray[Any]]) -> tuple[Array, ...]:
        """Every output (n, …) for the values (n,) of the columns: float64, or texts."""
        ...

    def prepared(self, columns: Mapping[str, NDArray[Any]]) -> tuple[Array, ...]:
        """Every input (n, …) of the network for the values (n,) of the columns."""
        ...


@dataclass(frozen=True)
class Steps:
    """The results of some steps of training.

    `losses` (steps,) are the losses of the batches, `by_output` (steps, outputs) the losses
    of every output of a network with several, before their weights. `correct` (steps,) counts
    the right answers of every batch where `counts_answers` is true; where another metric needs
    them, `logits` contains each output (examples of the steps, …) as its loss takes it.
    """

    losses: NDArray[np.float32]
    correct: NDArray[np.int32] | None = None
    by_output: NDArray[np.float32] | None = None
    logits: tuple[Array, ...] = ()


OUTPUT_BYTES = 16 << 20
"""What the outputs of the steps between two reports may take, as long as one step is not more."""


def counts_answers(objectives: Sequence[Objective]) -> bool:
    """Whether accuracy of class indices is the only metric, so that counts of answers suffice."""
    if len(objectives) > 1 or objectives[0].loss.kind != "classes":
        return False
    return objectives[0].training_metrics == (Accuracy(),)


def gives_logits(objectives: Sequence[Objective]) -> bool:
    """Whether a metric of training needs the logits or outputs of every step."""
    return any(objective.training_metrics for objective in objectives) and not counts_answers(
        objectives
    )


def steps_per_report(most: int, objectives: Sequence[Objective], batch_size: int) -> int:
    """How many steps run between two reports, at most `most`: fewer for large outputs."""
    if not gives_logits(objectives):
        return most
    size = 4 * batch_size * sum(prod(objective.shape) for objective in objectives)
    return max(1, min(most, OUTPUT_BYTES // size))


class Trainer(Predictor, Protocol):
    """A model in training, with the training images on its device."""

    def epoch(
        self,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rates: Array,
        mask_seed: int,
        loss_factors: Array | None = None,
    ) -> Iterator[Steps]:
        """Take a step for every `batch_size` images of `order`; the last batch is what is left.

        `order` holds indices of images, `learning_rates` one rate a step. `mask_seed` decides the
        random masks of the epoch. Where gradients are accumulated and a loss has `ignore_class`,
        the gradient of each output's loss is multiplied by its `loss_factors` (steps, outputs), and
        the reported losses are not. Yields from time to time, so that progress can be shown.
        """
        ...

    @property
    def threads(self) -> int | None:
        """The threads that compute, None where the framework or its user decides."""
        ...

    def weights(self) -> dict[str, Array]:
        """The weights as they are now, by key, with Keras's axes."""
        ...

    def swap_averages(self) -> None:
        """Exchange the weights and their moving averages, where the optimizer keeps averages."""
        ...

    def optimizer_state(self) -> dict[str, NDArray[Any]]:
        """What the optimizer remembers between steps, and before the first one."""
        ...

    @property
    def never_negative(self) -> frozenset[str]:
        """The keys of the optimizer's state that are never negative, such as means of squares."""
        ...

    def restore(self, optimizer_state: dict[str, NDArray[Any]]) -> None:
        """Continue from an optimizer's state, with equal names, shapes and types."""
        ...


@dataclass(frozen=True)
class Framework:
    """A package that a backend needs: the module, and the distributions that may bring it."""

    module: str
    distributions: tuple[str, ...]

    @property
    def version(self) -> str | None:
        """The installed version, or None. Nothing is imported."""
        for name in self.distributions:
            try:
                return version(name)
            except PackageNotFoundError:
                continue
        return None


@runtime_checkable
class Backend(Protocol):
    """A function from a graph and its weights, in a program, to a model that predicts."""

    name: str
    frameworks: tuple[Framework, ...]
    passes: tuple[Pass, ...]
    """What the core changes in a graph before it calls the backend, in this order."""

    def devices(self) -> tuple[str, ...]:
        """The devices that the installed framework can use, without importing it."""
        ...

    def predictor(self, program: Program, device: Device) -> Predictor:
        """The network ready to predict. Raises BackendError where the device is not there."""
        ...


@runtime_checkable
class TrainingBackend(Backend, Protocol):
    """A backend whose models are Python source code, and can be trained."""

    def source(self, program: Program) -> str:
        """The Python module of a program without weights. The framework is not imported."""
        ...

    def model(self, program: Program) -> Any:  # Any: the framework's own model
        """The framework's own model with the weights, from the module."""
        ...

    work_per_thread: float
    """The multiply-adds of a step, forward only, from which on one more thread is faster."""

    threads_sleep: bool
    """Whether a thread that waits for others leaves its core at once to other processes."""

    def trainer(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> Trainer:
        """The network ready to train. Raises BackendError where the device is not there.

        `threads` compute on a CPU, unless the environment sets their number.
        """
        ...


@runtime_checkable
class ExportingBackend(Backend, Protocol):
    """A backend whose models are files."""

    def export(
        self,
        program: Program,
        *,
        opset: int | None,
        raw_input: bool,
        metadata: Mapping[str, str],
        preparation: Preparation | None = None,
    ) -> bytes:
        """The content of the model's file, with `metadata` in it.

        With `raw_input` it takes pixels as uint8, which the first node of the graph divides. With a
        preparation it takes the columns of a table.
        """
        ...

    def open(self, content: bytes, device: Device) -> ExportedModel:
        """A model's file ready to predict."""
        ...

    def quantize(self, content: bytes, to: Quantization, inputs: Sequence[NDArray[Any]]) -> bytes:
        """A smaller form of an exported file. `inputs` (n, …) are examples, as the file takes them.

        Raises BackendError where nothing in it can be made smaller.
        """
        ...


@dataclass(frozen=True)
class Form:
    """A model as its users call it, ready to be timed.

    `outputs` computes every output (n, …) for one batch of all inputs (n, …): NumPy's arrays both,
    so that what it costs to bring them to a GPU and back counts. `device` is where it runs, in
    words for the user.
    """

    outputs: Callable[..., tuple[Array, ...]]
    device: str


@runtime_checkable
class BenchedBackend(Backend, Protocol):
    """A backend that predicts in one form or several, which can be compared."""

    forms: Mapping[str, str]
    """What a table calls each form, by the name that a user writes."""

    def form(
        self,
        name: str,
        program: Program,
        device: Device,
        examples: tuple[Array, ...],
    ) -> Form:
        """The network in a form. Raises BackendError where the device is not there.

        `examples` (n, …) are inputs from which a form may take the ranges of its values.
        """
        ...
