"""The training of a network, epoch by epoch, into a run folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import ceil, isfinite
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Device, Predictor, Target, Trainer, find_training
from netspec.checks.objectives import figures
from netspec.checks.training import needs_validation
from netspec.cores import (
    allowed_cores,
    free_cores,
    sleeping_thread_count,
    thread_count,
    threads_set_by_user,
)
from netspec.data import Dataset, epoch_order, load, mask_seed
from netspec.data.examples import noun_of
from netspec.data.location import with_data
from netspec.data.record import DataRecord, differences, remarks
from netspec.data.suspicious import suspicions
from netspec.language.data import Passed
from netspec.language.spec import Train
from netspec.network import Network
from netspec.numerics.initial import check_memory, initial
from netspec.numerics.measures import Figure
from netspec.numerics.rates import Span, epoch_rates
from netspec.numerics.weights import Array, Weights
from netspec.runs.callbacks import Callback, Callbacks
from netspec.runs.counted import (
    Counts,
    accumulated_shares,
    positions_of_batches,
    positions_of_examples,
)
from netspec.runs.folder import Checkpoint, Reference, Run, create, resumable, write_spec
from netspec.runs.lock import locked
from netspec.runs.metrics import NO_FIGURES, Meter, Record, evaluate
from netspec.runs.remembered import restore
from netspec.runs.stopping import Watch, watch
from netspec.text.diagnostics import DataError, RunError, SuspiciousDataError, one_of

REFERENCE_BATCHES = (1, 2, 7)
"""Batches of test examples whose predictions a run keeps, for an export to be compared with."""


COPIES = 2
"""How often the weights are in memory at least: the initial values and the model."""


class Progress(Protocol):
    """Shows a training to the user."""

    def warns(self, text: str) -> None: ...
    def prepares(self, backend: str) -> None: ...
    def begins(self, run: Run, device: str, epoch: int, epochs: int) -> None: ...
    def epoch_begins(self, epoch: int, examples: int) -> None: ...
    def advances(self, count: int, so_far: Record) -> None: ...
    def epoch_ends(self, record: Record) -> None: ...
    def remarks(self, text: str) -> None: ...
    def tested(self, record: Record) -> None: ...


class Silent:
    """Shows nothing."""

    def warns(self, text: str) -> None: ...
    def prepares(self, backend: str) -> None: ...
    def begins(self, run: Run, device: str, epoch: int, epochs: int) -> None: ...
    def epoch_begins(self, epoch: int, examples: int) -> None: ...
    def advances(self, count: int, so_far: Record) -> None: ...
    def epoch_ends(self, record: Record) -> None: ...
    def remarks(self, text: str) -> None: ...
    def tested(self, record: Record) -> None: ...


@dataclass(frozen=True)
class _Options:
    """What the caller of a training decides, beside the spec."""

    device: Device
    runs: Path
    memory: int | None
    strict: bool
    progress: Progress
    callbacks: Callbacks


def train(
    network: Network,
    backend: str,
    *,
    device: Device = "auto",
    runs: Path = Path("runs"),
    resume: bool | Path = False,
    memory: int | None = None,
    strict: bool = False,
    data: Path | Passed | None = None,
    progress: Progress | None = None,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train a network as its spec describes; the run is complete after every epoch.

    With `resume` the newest run of this spec and backend in `runs` goes on, or the run with this
    path or name. It ends with the weights of a run that was never broken. Examples that take more
    than `memory` bytes, by default half of the machine's free memory, are read as they are
    needed. `data` is the npz file, or the folder of the files, to read instead of those that the
    spec names; or data that a program passes. What is suspicious about the data is shown before a
    new run begins, and raised with `strict`. Raises NetspecError.
    """
    progress = progress or Silent()
    options = _Options(device, runs, memory, strict, progress, Callbacks(callbacks))
    train_settings(network)
    target = find_training(backend)
    network = with_data(network, data)
    if resume is False:
        return _train(network, target, None, options)
    chosen = None if resume is True else resume
    run = resumable(runs, network, backend, chosen, moved=data is not None)
    for remark in run.remarks:
        progress.remarks(f"{remark}; from now on it has hashes")
    with locked(run.path):
        return _train(network, target, run, options)


def _train(network: Network, target: Target, run: Run | None, options: _Options) -> Run:
    """Train a new run, or a run that is locked."""
    settings, progress = train_settings(network), options.progress
    if run:
        network = replace(network, passes=run.network.passes)
    state = run.checkpoint() if run else None
    if run and state and (complete := _is_complete(run, state, network)):
        progress.remarks(complete)
        return run
    check_memory(network.graph, COPIES)
    dataset = load(network, options.memory, run.about.data if run else None)
    if run:
        _check_same_data(run, dataset.record)
    _check_validation(settings, dataset)
    steps = _steps(settings, len(dataset.train), noun_of(network.graph))
    if options.strict or run is None:
        _report(suspicions(dataset, network), dataset.notes, progress, strict=options.strict)
    progress.prepares(target.name)
    weights = state.weights if state else initial(network.graph, settings.seed)
    threads = run.about.threads if run else training_threads(network, target)
    trainer = target.trainer(network, weights, dataset.train, options.device, threads)
    if run and state and state.epoch:
        restore(trainer, state.optimizer, state.epoch * steps, str(run.path))
        if state.tested:
            trainer.swap_averages()
    with ExitStack() as stack:
        if run is None:
            reference = _reference(trainer, dataset)
            run = create(options.runs, network, target, trainer, weights, reference, dataset.record)
            stack.enter_context(locked(run.path))
        else:
            write_spec(run, network)
        state = state or run.checkpoint()
        if run.about.threads not in (None, trainer.threads):
            threads = trainer.threads or "the framework's own number of"
            before = run.about.threads
            progress.remarks(
                f"Resumed with {threads} threads, begun with {before}: sums round differently"
            )
        if run.about.data is None:
            for remark in remarks(str(run.path), None, dataset.record):
                progress.remarks(remark)
        progress.begins(run, trainer.device, state.epoch, settings.epochs)
        training = _Training(network, run, trainer, dataset, steps, options)
        training.goes_on(state)
        training.ends(lambda best: target.predictor(network, best, options.device))
    return run


def _report(
    suspicious: Sequence[str], notes: Sequence[str], progress: Progress, *, strict: bool
) -> None:
    """Show what the user must know of the data; what is suspicious is raised with `strict`."""
    if suspicious and strict:
        raise SuspiciousDataError(suspicious)
    for sentence in suspicious:
        progress.warns(sentence)
    for note in notes:
        progress.remarks(note)


def _check_validation(settings: Train, dataset: Dataset) -> None:
    """Raise DataError where something monitors a validation part that the data do not have."""
    if dataset.validation is None and (reason := needs_validation(settings)):
        raise DataError(*reason)


def _check_same_data(run: Run, now: DataRecord) -> None:
    """Raise RunError where a run was begun with other data; nobody knows it of an old run."""
    before = run.about.data
    if before and (changes := differences(before, now)):
        message = f"{run.path} was begun with other data: {'; '.join(changes)}"
        help = "name the same data with --data, or leave --resume out to begin a new run"
        if before.passed:
            help = "pass the same data, or leave `resume` out to begin a new run"
        raise RunError(message, help)


def training_threads(network: Network, target: Target) -> int:
    """The threads for the work of a step on the cores that are free now.

    Sums over another number of threads round differently. So a run keeps its number, and goes on
    with it when it is resumed.
    """
    if threads := threads_set_by_user():
        return threads
    work = train_settings(network).batch_size * network.graph.multiply_adds
    useful = max(1, ceil(work / target.work_per_thread))
    if target.threads_sleep:
        return sleeping_thread_count(useful, free_cores(), allowed_cores())
    return thread_count(useful, free_cores())


def _is_complete(run: Run, state: Checkpoint, network: Network) -> str | None:
    """A sentence about a run that is complete, None where there is something to go on with.

    The files of a run that was killed as it wrote them are completed first. Raises RunError where
    more epochs are done than requested.
    """
    run.follow(state)
    settings = train_settings(network)
    if state.epoch > settings.epochs:
        message = (
            f"{run.path} has done {state.epoch} epochs, more than the requested {settings.epochs}"
        )
        raise RunError(message, "ask for more with --epochs, or leave --resume out")
    if not state.tested:
        return None
    if _watched(network, state.history).stopped:
        return f"{run.path} is complete: it stopped early, after {state.epoch} epochs"
    if state.epoch < settings.epochs:
        return None
    return f"{run.path} is complete: all of its {state.epoch} epochs are done"


def train_settings(network: Network) -> Train:
    """How the spec wants to be trained. Raises RunError where it does not say."""
    if network.spec.train is None:
        help = "add `train: {loss: sparse_categorical_crossentropy}` to it"
        raise RunError(f"the spec {network.spec.name} does not say how it is trained", help)
    return network.spec.train


def _watched(network: Network, history: Sequence[Record]) -> Watch:
    """The result of early stopping for the epochs until now."""
    stopping = train_settings(network).early_stopping
    if stopping is None:
        return Watch(None, stopped=False)
    epochs = [record for record in history if "loss" in record]
    return watch(stopping, figures(network.objectives), epochs)


class _Training:
    """A training on its way, epoch by epoch."""

    def __init__(
        self,
        network: Network,
        run: Run,
        trainer: Trainer,
        dataset: Dataset,
        steps: int,
        options: _Options,
    ) -> None:
        """`steps` is the number of steps of an epoch."""
        self._network = network
        self._settings = train_settings(network)
        self._run = run
        self._trainer = trainer
        self._dataset = dataset
        self._steps = steps
        self._progress = options.progress
        self._callbacks = options.callbacks
        self._history: list[Record] = []
        self._best: dict[str, Array] = {}
        self._counts = positions_of_examples(dataset.train, network.objectives)

    def goes_on(self, state: Checkpoint) -> None:
        """Train from a checkpoint to the last epoch, or until it is stopped early."""
        self._history = [record for record in state.history if "test_loss" not in record]
        self._best = state.best
        for epoch in range(state.epoch + 1, self._settings.epochs + 1):
            if _watched(self._network, self._history).stopped or self._callbacks.stop:
                break
            record, weights = self._epoch(epoch)
            self._history.append(record)
            if self._is_best(epoch):
                self._best = weights
            self._save(self._trainer, weights)
            self._progress.epoch_ends(record)
            self._callbacks.on_epoch_end(epoch, record)

    def ends(self, predictor: Callable[[Weights], Predictor]) -> None:
        """Test the final weights of the run: of the last epoch, or of the best epoch."""
        self._trainer.swap_averages()  # as Keras's fit does after its last epoch
        epoch = len(self._history)
        watched = _watched(self._network, self._history)
        if watched.stopped:
            self._progress.remarks(f"Stopped early, after epoch {epoch}")
        elif self._callbacks.stop:
            self._progress.remarks(f"Stopped by a callback, after epoch {epoch}")
        tested: Predictor = self._trainer
        weights = self._trainer.weights()
        if self._best:
            assert watched.best is not None
            epoch, tested = watched.best, predictor(self._best)
            self._progress.remarks(f"Restored the weights of epoch {epoch}")
        final = self._best or weights
        results = evaluate(tested, final, self._dataset.test, self._network, "test_")
        self._history.append({"epoch": epoch, **results})
        self._save(tested, weights)
        self._progress.tested(results)
        self._callbacks.on_train_end(self._run, results)

    def _is_best(self, epoch: int) -> bool:
        """Whether this epoch is the best until now, whose weights are restored."""
        stopping = self._settings.early_stopping
        if stopping is None or not stopping.restore_best_weights:
            return False
        return _watched(self._network, self._history).best == epoch

    def _save(self, predictor: Predictor, weights: dict[str, Array]) -> None:
        """Write a checkpoint of the trainer, whose weights these are.

        `predictor` has the weights that the run would end with.
        """
        reference = _reference(predictor, self._dataset)
        state = weights, self._trainer.optimizer_state()
        self._run.save(Checkpoint(*state, self._history, reference, self._best))

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """The examples that an epoch sees, in this order."""
        order = epoch_order(len(self._dataset.train), self._settings.seed, epoch)
        return order[: self._steps * self._settings.batch_size]

    def _shares(self, epoch: int) -> dict[str, Array]:
        """The argument `loss_factors` of an epoch, where its losses have factors."""
        counts, settings = self._counts, self._settings
        if counts is None or settings.gradient_accumulation_steps is None:
            return {}

        def counts_of(number: int) -> Counts:
            return positions_of_batches(counts, self._order(number), settings.batch_size)

        accumulated = settings.gradient_accumulation_steps
        return {"loss_factors": accumulated_shares(epoch, self._steps, accumulated, counts_of)}

    def _epoch(self, epoch: int) -> tuple[Record, dict[str, Array]]:
        """Train for an epoch. Returns its metrics, and the weights after it."""
        settings, dataset = self._settings, self._dataset
        rates = _rates(settings, epoch, self._steps, self._history)
        order = self._order(epoch)
        self._progress.epoch_begins(epoch, len(order))
        began = perf_counter()
        meter = Meter(self._network, dataset.train, order, self._counts)
        seed = mask_seed(settings.seed, epoch)
        for part in self._trainer.epoch(
            order, settings.batch_size, rates, seed, **self._shares(epoch)
        ):
            meter.add(part)
            so_far = meter.record()
            _check_finite(so_far["loss"], epoch)
            self._progress.advances(meter.done, so_far)
            self._callbacks.on_batch_end(-(-meter.done // settings.batch_size), so_far)
        seconds = perf_counter() - began
        record: Record = {"epoch": epoch, **meter.record()}
        if not isinstance(settings.optimizer.learning_rate, float):
            record["learning_rate"] = float(str(rates[-1]))  # as short as float32 allows
        weights = self._trainer.weights()
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise _diverged("the weights are", epoch)
        if dataset.validation:
            record |= evaluate(self._trainer, weights, dataset.validation, self._network, "val_")
        speed = {"seconds": round(seconds, 3), "images_per_second": round(len(order) / seconds, 1)}
        return record | speed, weights


def _reference(predictor: Predictor, dataset: Dataset) -> Reference:
    """Predictions of test examples, in batches of the sizes that an export is compared at."""
    inputs = dataset.test[: sum(REFERENCE_BATCHES)].values()
    return Reference(inputs, predicted_in_batches(predictor, inputs))


def predicted_in_batches(predictor: Predictor, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """The outputs for some examples, computed in their batches of 1, 2 and 7."""
    parts = [predictor.outputs(*batch) for batch in reference_batches(inputs)]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def reference_batches(inputs: tuple[Array, ...]) -> Iterator[tuple[Array, ...]]:
    """The examples in batches of 1, 2 and 7; with fewer than ten, the last ones are smaller."""
    start = 0
    for size in REFERENCE_BATCHES:
        if len(inputs[0][start:]):
            yield tuple(array[start : start + size] for array in inputs)
        start += size


def _steps(settings: Train, examples: int, noun: str) -> int:
    """The steps of an epoch. Raises RunError where the spec wants more than there are."""
    most = -(-examples // settings.batch_size)
    requested = settings.steps_per_epoch or most
    if requested > most:
        message = f"steps_per_epoch is {requested:,}, and {examples:,} {noun} make {most:,} batches"
        raise RunError(message, f"make it {most} or less, or leave it out")
    return requested


def _rates(settings: Train, epoch: int, steps: int, history: Sequence[Record]) -> Array:
    """The learning rates of an epoch's steps. Raises RunError where a metric is missing."""
    schedule = settings.optimizer.learning_rate
    try:
        numbers = [
            {name: value for name, value in record.items() if not isinstance(value, list)}
            for record in history
        ]
        return epoch_rates(schedule, epoch, Span(settings.epochs, steps), numbers)
    except KeyError as missing:
        figures = [name for name in history[0] if name not in NO_FIGURES]
        message = f"the learning rate waits for {missing.args[0]}, which no epoch reports"
        raise RunError(message, f"reported are {one_of(figures, 'and')}") from None


def _check_finite(loss: Figure, epoch: int) -> None:
    if isinstance(loss, list) or not isfinite(loss):
        raise _diverged("the loss is", epoch)


def _diverged(what: str, epoch: int) -> RunError:
    message = f"{what} no longer finite in epoch {epoch}; the run stays as it was before"
    return RunError(message, "lower the learning rate, or look for faulty examples")
