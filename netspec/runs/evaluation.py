"""The test figures of a run, on any backend."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from netspec.backend import Device, find
from netspec.data import load
from netspec.runs.folder import Run
from netspec.runs.metrics import Record, evaluate
from netspec.runs.training import train_settings


@dataclass(frozen=True)
class Evaluation:
    """Figures over the test images, and what computed them."""

    figures: Record
    images: int
    seconds: float
    backend: str
    device: str


def evaluate_run(run: Run, backend: str | None = None, device: Device = "auto") -> Evaluation:
    """Test a run's weights on a backend, by default its own. Raises NetspecError."""
    name = backend or run.backend
    network = run.network
    settings = train_settings(network)
    target = find(name)
    weights = run.weights()
    examples = load(network).test
    predictor = target.predictor(network, weights, device)
    began = perf_counter()
    figures = evaluate(predictor, examples, settings, "test_")
    seconds = perf_counter() - began
    return Evaluation(figures, len(examples), seconds, name, predictor.device)
