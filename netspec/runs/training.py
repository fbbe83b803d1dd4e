"""The training of a network, epoch by epoch, into a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netspec import weights as weight_files
from netspec.backend import Device, Predictor, Steps, Trainer, find_training
from netspec.data import Dataset, epoch_order, load, mask_seed
from netspec.diagnostics import RunError, one_of
from netspec.graph import Network
from netspec.rates import Span, epoch_rates
from netspec.runs.folder import Checkpoint, Reference, Run, create, resumable, write_spec
from netspec.runs.metrics import Record, evaluate, training_record
from netspec.spec import Train
from netspec.weights import Array

REFERENCE_BATCHES = (1, 2, 7)
"""Batches of test images whose predictions a run keeps, for an export to be compared with."""

_NO_FIGURES = ("epoch", "learning_rate", "seconds", "images_per_second")


class Progress(Protocol):
    """Shows a training to a person."""

    def prepares(self, backend: str) -> None: ...
    def begins(self, run: Run, device: str, epoch: int, epochs: int) -> None: ...
    def epoch_begins(self, epoch: int, images: int) -> None: ...
    def advances(self, images: int, so_far: Record) -> None: ...
    def epoch_ends(self, record: Record) -> None: ...
    def tested(self, record: Record) -> None: ...


class Silent:
    """Shows nothing."""

    def prepares(self, backend: str) -> None: ...
    def begins(self, run: Run, device: str, epoch: int, epochs: int) -> None: ...
    def epoch_begins(self, epoch: int, images: int) -> None: ...
    def advances(self, images: int, so_far: Record) -> None: ...
    def epoch_ends(self, record: Record) -> None: ...
    def tested(self, record: Record) -> None: ...


def train(
    network: Network,
    backend: str,
    *,
    device: Device = "auto",
    runs: Path = Path("runs"),
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train a network as its spec says; the run is complete after every epoch.

    With `resume` the newest run of this network and backend in `runs` goes on, and ends with the
    weights of a run that was never broken. Raises NetspecError.
    """
    progress = progress or Silent()
    settings = train_settings(network)
    target = find_training(backend)
    run = resumable(runs, network, backend) if resume else None
    state = run.checkpoint() if run else None
    if run and state and _is_complete(run, state, settings):
        return run
    dataset = load(network)
    progress.prepares(backend)
    weights = state.weights if state else weight_files.initial(network.graph, settings.seed)
    trainer = target.trainer(network, weights, dataset.train, device)
    if state and state.optimizer:
        trainer.restore(state.optimizer)
        if state.tested:
            trainer.swap_averages()
    if run is None:
        reference = _reference(trainer, dataset)
        run = create(runs, network, target, trainer.device, weights, reference)
    else:
        write_spec(run, network)
    state = state or run.checkpoint()
    progress.begins(run, trainer.device, state.epoch, settings.epochs)
    _run_epochs(run, trainer, dataset, settings, state, progress)
    return run


def _is_complete(run: Run, state: Checkpoint, settings: Train) -> bool:
    """Whether a run only had to be tidied up after it was killed as it wrote its last files.

    Raises RunError where there is nothing to go on with.
    """
    tidied = run.follow(state)
    if state.epoch > settings.epochs:
        message = (
            f"{run.path} has done {state.epoch} epochs, more than the {settings.epochs} wanted"
        )
        raise RunError(message, "ask for more with --epochs, or leave --resume out")
    complete = state.epoch == settings.epochs and state.tested
    if complete and not tidied:
        message = f"{run.path} is complete: all of its {state.epoch} epochs are done"
        raise RunError(message, "ask for more with --epochs, or leave --resume out")
    return complete


def train_settings(network: Network) -> Train:
    """How the spec wants to be trained. Raises RunError where it does not say."""
    if network.spec.train is None:
        help = "add `train: {loss: sparse_categorical_crossentropy}` to it"
        raise RunError(f"the spec {network.spec.name} does not say how it is trained", help)
    return network.spec.train


def _run_epochs(
    run: Run,
    trainer: Trainer,
    dataset: Dataset,
    settings: Train,
    state: Checkpoint,
    progress: Progress,
) -> None:
    history = [record for record in state.history if "test_loss" not in record]
    for epoch in range(state.epoch + 1, settings.epochs + 1):
        record = _epoch(trainer, dataset, settings, epoch, history, progress)
        history.append(record)
        _save(run, trainer, history, dataset)
        progress.epoch_ends(record)
    trainer.swap_averages()  # as Keras's fit does after its last epoch
    tested = evaluate(trainer, dataset.test, settings, "test_")
    history.append({"epoch": settings.epochs, **tested})
    _save(run, trainer, history, dataset)
    progress.tested(tested)


def _save(run: Run, trainer: Trainer, history: list[Record], dataset: Dataset) -> None:
    reference = _reference(trainer, dataset)
    run.save(Checkpoint(trainer.weights(), trainer.optimizer_state(), history, reference))


def _reference(predictor: Predictor, dataset: Dataset) -> Reference:
    """Predictions of test images, in batches of the sizes that an export is compared at."""
    inputs = dataset.test.inputs[: sum(REFERENCE_BATCHES)]
    outputs = np.concatenate([predictor.predict(part) for part in reference_batches(inputs)])
    return Reference(inputs, outputs)


def reference_batches(samples: Array) -> Iterator[Array]:
    """The samples in batches of 1, 2 and 7; with fewer than ten, the last ones are smaller."""
    start = 0
    for size in REFERENCE_BATCHES:
        if len(part := samples[start : start + size]):
            yield part
        start += size


def _epoch(
    trainer: Trainer,
    dataset: Dataset,
    settings: Train,
    epoch: int,
    history: Sequence[Record],
    progress: Progress,
) -> Record:
    images = len(dataset.train)
    sizes = batch_sizes(images, settings.batch_size)
    rates = _rates(settings, epoch, len(sizes), history)
    order = epoch_order(images, settings.seed, epoch)
    progress.epoch_begins(epoch, images)
    began = perf_counter()
    steps: list[Steps] = []
    for part in trainer.epoch(order, settings.batch_size, rates, mask_seed(settings.seed, epoch)):
        steps.append(part)
        done = sum(len(each.losses) for each in steps)
        so_far = training_record(steps, sizes, settings)
        _check_finite(so_far["loss"], epoch)
        progress.advances(int(sizes[:done].sum()), so_far)
    seconds = perf_counter() - began
    record = {"epoch": epoch, **training_record(steps, sizes, settings)}
    if not isinstance(settings.optimizer.learning_rate, float):
        record["learning_rate"] = float(str(rates[-1]))  # as short as float32 allows
    if dataset.validation:
        record |= evaluate(trainer, dataset.validation, settings, "val_")
    return record | {"seconds": round(seconds, 3), "images_per_second": round(images / seconds, 1)}


def _rates(settings: Train, epoch: int, steps: int, history: Sequence[Record]) -> Array:
    """The learning rates of an epoch's steps. Raises RunError where a figure is missing."""
    schedule = settings.optimizer.learning_rate
    try:
        return epoch_rates(schedule, epoch, Span(settings.epochs, steps), history)
    except KeyError as missing:
        figures = [name for name in history[0] if name not in _NO_FIGURES]
        message = f"the learning rate waits for {missing.args[0]}, which no epoch reports"
        raise RunError(message, f"reported are {one_of(figures, 'and')}") from None


def batch_sizes(images: int, batch_size: int) -> NDArray[np.int64]:
    """The sizes of an epoch's batches: all alike, and the last what is left."""
    whole, rest = divmod(images, batch_size)
    return np.array([batch_size] * whole + [rest] * bool(rest), np.int64)


def _check_finite(loss: float, epoch: int) -> None:
    if not isfinite(loss):
        message = f"the loss is no longer finite in epoch {epoch}; the run stays as it was before"
        raise RunError(message, "lower the learning rate, or look for faulty images")
