"""A smaller form of an ONNX model, and what it loses on the test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import ExportedModel, Predicting, Quantization, Target
from netspec.data import Dataset, Examples
from netspec.data.pixels import as_pixels
from netspec.graph.summary import in_bytes
from netspec.network import Network
from netspec.numerics.seeds import generator
from netspec.numerics.weights import Array, Weights
from netspec.runs.metrics import Record, evaluate
from netspec.runs.training import train_settings
from netspec.text.diagnostics import BackendError, RunError
from netspec.text.tables import align

CALIBRATION_EXAMPLES = 512
"""How many training examples the ranges of int8 are taken from."""


@dataclass(frozen=True)
class Quantized:
    """A smaller model and the float32 model: their metrics on the test set, and their sizes."""

    kind: Quantization
    before: Record
    after: Record
    size_before: int
    size_after: int

    @property
    def lost(self) -> tuple[str, float]:
        """The metric with the largest loss, and the loss: points of accuracy, as a fraction.

        Without accuracy, by how much of itself the loss has grown.
        """
        names = [name for name in self.before if name.endswith("accuracy")]
        if not names:
            before, after = self.figures("test_loss")
            return "test_loss", (after - before) / max(abs(before), 1e-12)
        losses = {name: float(np.subtract(*self.figures(name))) for name in names}
        worst = max(losses, key=lambda name: np.nan_to_num(losses[name], nan=np.inf))
        return worst, losses[worst]

    def figures(self, name: str) -> tuple[float, float]:
        """A metric that is a number, before and after."""
        before, after = self.before[name], self.after[name]
        assert not isinstance(before, list)
        assert not isinstance(after, list)
        return float(before), float(after)

    def table(self) -> str:
        """A row for every metric and the size: before, after, and the change or the ratio."""
        names = [name for name, value in self.before.items() if not isinstance(value, list)]
        rows = [("", "float32", self.kind, "")]
        for name in names:
            before, after = self.figures(name)
            rows.append((name, f"{before:.4f}", f"{after:.4f}", f"{after - before:+.4f}"))
        ratio = f"x {self.size_after / self.size_before:.3f}"
        rows.append(("file", in_bytes(self.size_before), in_bytes(self.size_after), ratio))
        return "\n".join(align(rows, 1, "  "))


def quantized(
    target: Target,
    content: bytes,
    kind: Quantization,
    network: Network,
    weights: Weights,
    dataset: Dataset,
) -> tuple[bytes, Quantized]:
    """A smaller form of a model's file, calibrated on training examples, and what it loses.

    Raises NetspecError where nothing can be made smaller.
    """
    train_settings(network)
    model = target.open(content, "cpu")
    smaller = target.quantize(content, kind, _taken(_calibration(dataset.train, network), model))
    before, after = (
        evaluate(ScaledInputs(opened), weights, dataset.test, network, "test_")
        for opened in (model, target.open(smaller, "cpu"))
    )
    return smaller, Quantized(kind, before, after, len(content), len(smaller))


def check_loss(quantized: Quantized, most: float) -> None:
    """Raise BackendError where a smaller model loses more than it may."""
    name, lost = quantized.lost
    if lost <= most:
        return
    before, after = quantized.figures(name)
    limit = f"{most:g}" if name.endswith("accuracy") else f"{most:g} of it"
    message = (
        f"the {quantized.kind} model has a {name} of {after:.4f}, the float32 model {before:.4f}"
    )
    help = "allow more with --max-loss, or write it all the same with --force"
    raise BackendError(f"{message}: they may differ by {limit}", help)


def _calibration(train: Examples, network: Network) -> tuple[Array, ...]:
    """The inputs of some training examples, which the seed of the training decides."""
    seed = network.seed
    order = generator(seed, "calibration").permutation(len(train))
    return train.values(np.sort(order[:CALIBRATION_EXAMPLES]))


def _taken(inputs: Sequence[Array], by: ExportedModel) -> tuple[NDArray[Any], ...]:
    """Scaled inputs as a model takes them: pixels where it scales them itself."""
    if not by.raw_input:
        return tuple(inputs)
    divisor = divisor_of(by)
    return tuple(as_pixels(array, divisor) for array in inputs)


def divisor_of(model: ExportedModel) -> float:
    """What a model that takes pixels divides them by. Raises RunError where its file lacks it."""
    try:
        divisor = float(model.metadata["netspec.scale"])
    except (KeyError, ValueError):
        divisor = nan
    if not 0 < divisor < inf:
        message = "the file does not contain what it divides pixels by"
        raise RunError(message, "name a file that `netspec export --onnx --raw-input` wrote")
    return divisor


class ScaledInputs(Predicting):
    """An exported model that is called with scaled inputs, also where its file takes pixels."""

    def __init__(self, model: ExportedModel) -> None:
        self._model = model
        self.device = model.device

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        """See `Predictor.outputs`."""
        if self._model.raw_input:
            return self._model.outputs_of_pixels(*_taken(inputs, self._model))
        return self._model.outputs(*inputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        """See `Predictor.logits`."""
        return self._model.logits(*_taken(inputs, self._model))
