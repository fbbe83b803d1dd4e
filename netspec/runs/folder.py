"""The folder of a run: its files, and how it stays complete after any failure.

`checkpoint.safetensors` is the one file that decides: it holds the weights, the optimizer's state
and the metrics of every epoch. The other files follow from it, so a run that was killed between two
of them is whole again as soon as it is resumed. `manifest.json` has the hash of every file.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import save

from netspec.backend import Target, Trainer
from netspec.data.location import absolute, relocated, unlocated
from netspec.data.record import DataRecord
from netspec.language.layers.tagged import Model
from netspec.language.spec import resolved
from netspec.language.training.schedules import spans_training
from netspec.network import Network, loads
from netspec.numerics import weights as weight_files
from netspec.numerics.weights import Array, Weights, parse_safetensors
from netspec.runs.manifest import (
    MANIFEST,
    content_hash,
    damaged,
    present_hashes,
    read_files,
    read_manifest,
    replace_files,
)
from netspec.runs.metrics import Record
from netspec.text.diagnostics import NetspecError, RunError, SpecError, WeightsError, one_of
from netspec.text.files import is_file

CHECKPOINT_FORMAT = "netspec-checkpoint-2"
CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
REFERENCE = "reference.safetensors"

_RECORD = TypeAdapter(Record)
_HISTORY = TypeAdapter(list[Record])


class About(Model):
    """The content of run.json."""

    name: str
    backend: str
    device: str
    seed: int
    graph: str
    created: str
    versions: dict[str, str]
    passes: tuple[str, ...] | None = None
    """The optimizations that it is trained with; without them all."""
    threads: int | None = None
    """The threads that compute on a CPU, None where the framework or its user decides."""
    data: DataRecord | None = None
    """The arrays that it is trained and tested on; None in a run of an older netspec."""


@dataclass(frozen=True)
class Reference:
    """What the backend that trained predicts for a few test images, for later comparison.

    `inputs` are arrays (n, …) of every input, `outputs` arrays (n, …) of every output.
    """

    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]

    def tensors(self) -> dict[str, Array]:
        """The arrays by the names that they have in a file: `inputs/0` and so on."""
        return {
            f"{kind}/{index}": _contiguous(value)
            for kind, values in (("inputs", self.inputs), ("outputs", self.outputs))
            for index, value in enumerate(values)
        }


def _reference(tensors: Mapping[str, NDArray[Any]], network: Network) -> Reference:
    """The arrays of a file. Raises KeyError and ValueError where they are not the network's."""
    graph = network.graph
    shapes = {f"inputs/{index}": input_.shape for index, input_ in enumerate(graph.inputs)}
    outputs = [graph.by_name[name].shape for name in graph.outputs]
    shapes |= {f"outputs/{index}": shape for index, shape in enumerate(outputs)}
    counts = {tensors[key].shape[:1] for key in shapes}
    fits = [tensors[key].shape[1:] == shape for key, shape in shapes.items()]
    if len(counts) != 1 or not all(fits) or {tensors[key].dtype for key in shapes} != {_FLOAT32}:
        raise ValueError("the reference has other shapes or types")
    arrays = [tensors[key] for key in shapes]
    return Reference(tuple(arrays[: len(graph.inputs)]), tuple(arrays[len(graph.inputs) :]))


def _history(text: str) -> list[Record]:
    """The records of epochs 1, 2, and so on, and maybe of a test. Raises ValueError for others."""
    history = _HISTORY.validate_json(text)
    epochs = history[:-1] if history and "test_loss" in history[-1] else history
    in_order = [record.get("epoch") for record in epochs] == [*range(1, len(epochs) + 1)]
    if not in_order or not all("loss" in record for record in epochs):
        raise ValueError("the epochs are not in order")
    if any(record.keys() != epochs[0].keys() for record in epochs):
        raise ValueError("the epochs report different metrics")
    return history


_FLOAT32 = np.dtype(np.float32)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training, after as many epochs as the history has records.

    `best` contains the weights of the best epoch, where they are restored at the end.
    """

    weights: dict[str, Array]
    optimizer: dict[str, NDArray[Any]]
    history: list[Record]
    reference: Reference
    best: dict[str, Array] = field(default_factory=dict[str, Array])

    @property
    def result(self) -> dict[str, Array]:
        """The weights that the run has to show: the last, and in the end the best."""
        return self.best if self.best and self.tested else self.weights

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return sum("loss" in record for record in self.history)

    @property
    def tested(self) -> bool:
        """Whether the last epoch is done and the network was tested."""
        return any("test_loss" in record for record in self.history)


@dataclass(frozen=True)
class Run:
    """A training that is written down in a folder."""

    path: Path

    @cached_property
    def about(self) -> About:
        """The content of run.json: the backend, the device, the versions, the time of the start."""
        try:
            return About.model_validate_json(self._content("run.json", whole=False))
        except ValidationError:
            raise damaged(self.path / "run.json") from None

    @property
    def backend(self) -> str:
        """The name of the backend that trained it."""
        return self.about.backend

    @cached_property
    def network(self) -> Network:
        """The network as its resolved spec describes it, with the passes of its training."""
        content, passes = self._content("spec.yaml", whole=False), self.about.passes
        try:
            network = loads(content.decode("utf-8"), self.path)
        except (SpecError, UnicodeDecodeError):
            raise damaged(self.path / "spec.yaml") from None
        return network if passes is None else replace(network, passes=frozenset(passes))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user would not expect of the folder, a sentence for each fact."""
        if read_manifest(self.path) is not None:
            return ()
        message = (
            f"{self.path} has no {MANIFEST}: an older netspec wrote it, and damage is not seen"
        )
        return (message,)

    def weights(self) -> dict[str, Array]:
        """The weights after the last complete epoch, by key."""
        return self._weights(self._content(WEIGHTS))

    def predict(self, x: object) -> Array | dict[str, Array]:
        """The output (n, …) for an array (n, …), arrays by name, or a data frame.

        See `netspec.predict`. Raises NetspecError.
        """
        from netspec.runs.arrays import predict_arrays
        from netspec.runs.opened import open_model

        return predict_arrays(open_model(self, "auto"), x)

    def reference(self) -> Reference:
        """The backend's own predictions for the weights of this run. Raises RunError."""
        return self.result()[1]

    def result(self) -> tuple[dict[str, Array], Reference]:
        """The weights and the backend's own predictions for them, of one epoch.

        Also while another process trains the run. Raises RunError, WeightsError.
        """
        contents = read_files(self.path, (WEIGHTS, REFERENCE))
        origin = self.path / REFERENCE
        tensors, metadata = parse_safetensors(contents[REFERENCE], str(origin))
        if metadata.get("weights") != content_hash(contents[WEIGHTS]):
            message = f"the predictions kept in {self.path} belong to another epoch's weights"
            raise RunError(message, "the run was stopped as it wrote: train with --resume first")
        return self._weights(contents[WEIGHTS]), self._reference(tensors, origin)

    @property
    def history(self) -> list[Record]:
        """The metrics of every epoch, and of the test once it is done."""
        lines = self._content("metrics.jsonl").splitlines()
        try:
            return [_RECORD.validate_json(line) for line in lines]
        except ValidationError:
            raise damaged(self.path / "metrics.jsonl") from None

    def checkpoint(self) -> Checkpoint:
        """The state that training goes on from. Raises RunError.

        The checkpoint decides: other files may still be files of the epoch before.
        """
        try:
            return self._checkpoint(self.path / CHECKPOINT)
        except WeightsError as error:
            raise RunError(error.message, error.help) from None

    def _checkpoint(self, path: Path) -> Checkpoint:
        tensors, metadata = parse_safetensors(self._content(CHECKPOINT, whole=False), str(path))
        if metadata.get("format") != CHECKPOINT_FORMAT:
            raise RunError(f"{path} is not a {CHECKPOINT_FORMAT}", "start a new run")
        weights = _part(tensors, "weights/")
        weight_files.check(self.network.graph, weights, str(path))
        try:
            history = _history(metadata.get("history", ""))
        except ValueError:  # a ValidationError is one
            raise damaged(path) from None
        if not _is_monitored(history, self.network):
            raise damaged(path)
        reference = self._reference(_part(tensors, "reference/"), path)
        optimizer, best = _part(tensors, "optimizer/"), _part(tensors, "best/")
        if optimizer and not history:
            raise damaged(path)
        if best:
            weight_files.check(self.network.graph, best, str(path))
        return Checkpoint(weights, optimizer, history, reference, best)

    def save(self, state: Checkpoint) -> None:
        """Write a checkpoint and what follows from it. Raises RunError."""
        tensors = {
            **{f"weights/{key}": value for key, value in state.weights.items()},
            **{f"optimizer/{key}": value for key, value in state.optimizer.items()},
            **{f"reference/{key}": value for key, value in state.reference.tensors().items()},
            **{f"best/{key}": value for key, value in state.best.items()},
        }
        metadata = {"format": CHECKPOINT_FORMAT, "history": json.dumps(state.history)}
        content = save({key: _contiguous(value) for key, value in tensors.items()}, metadata)
        self.write({CHECKPOINT: content, **self._followers(state)})

    def follow(self, state: Checkpoint) -> bool:
        """Write what follows from a checkpoint, where it is not there yet. Whether any was."""
        files, present = self._followers(state), present_hashes(self.path)
        stale = {
            name: content
            for name, content in files.items()
            if present.get(name) != content_hash(content)
        }
        manifest = read_manifest(self.path)
        if stale or manifest is None or manifest.files != present:
            self.write(stale, present)
        return bool(stale)

    def write(self, files: Mapping[str, bytes], present: Mapping[str, str] | None = None) -> None:
        """Replace files of the run together; see `replace_files`. Raises RunError."""
        try:
            replace_files(self.path, files, present)
        except OSError as error:
            message = f"{self.path} cannot be written: {error.strerror}"
            raise RunError(
                message, "check that it can be written to, and that it has room"
            ) from None

    def _followers(self, state: Checkpoint) -> dict[str, bytes]:
        """The content of the files that follow from a checkpoint."""
        weights = weight_files.to_bytes(self.network.graph, state.result)
        metadata = {"weights": content_hash(weights)}
        lines = "".join(json.dumps(record) + "\n" for record in state.history)
        return {
            REFERENCE: save(state.reference.tensors(), metadata),
            WEIGHTS: weights,
            "metrics.jsonl": lines.encode(),
        }

    def _content(self, name: str, *, whole: bool = True) -> bytes:
        return read_files(self.path, (name,), whole=whole)[name]

    def _weights(self, content: bytes) -> dict[str, Array]:
        return weight_files.loads(content, self.network.graph, str(self.path / WEIGHTS))

    def _reference(self, tensors: Mapping[str, NDArray[Any]], path: Path) -> Reference:
        """The reference in a file. Raises RunError where its arrays are not the network's."""
        try:
            return _reference(tensors, self.network)
        except (KeyError, ValueError):
            raise damaged(path) from None


def _is_monitored(history: Sequence[Record], network: Network) -> bool:
    """Whether every epoch has the number that early stopping watches."""
    stopping = network.spec.train.early_stopping if network.spec.train else None
    epochs = [record for record in history if "loss" in record]
    return stopping is None or all(
        isinstance(record.get(stopping.monitor), int | float) for record in epochs
    )


def _part(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }


def _contiguous(value: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(value).reshape(value.shape)  # which keeps a scalar's shape


def create(
    folder: Path,
    network: Network,
    backend: Target,
    trainer: Trainer,
    weights: Weights,
    reference: Reference,
    data: DataRecord,
) -> Run:
    """A new run in `folder`, named after its network and backend, that has not begun.

    It appears under its name all at once.
    """
    stem = f"{network.spec.name}-{backend.name}"
    partial = Run(folder / f".{stem}-{uuid4().hex[:8]}.partial")
    about = _about(network, backend, trainer, data).model_dump_json(indent=2) + "\n"
    try:
        partial.path.mkdir(parents=True)
        partial.write(
            {
                "spec.yaml": _spec_text(partial, network),
                "model.py": backend.source(network).encode(),
                "run.json": about.encode(),
            }
        )
        partial.save(Checkpoint(dict(weights), {}, [], reference))
        return _named(partial.path, folder, stem)
    except OSError as error:
        message = f"no run can be written in {folder}: {error.strerror}"
        raise RunError(message, "choose another folder with --runs") from None
    finally:
        shutil.rmtree(partial.path, ignore_errors=True)


def write_spec(run: Run, network: Network) -> None:
    """Keep the spec as resolved, its paths relative to the folder of the run."""
    run.write({"spec.yaml": _spec_text(run, network)})


def _spec_text(run: Run, network: Network) -> bytes:
    return resolved(relocated(network.spec, network.folder, run.path)).encode()


def _named(partial: Path, folder: Path, stem: str) -> Run:
    number = 1
    while True:
        path = folder / f"{stem}-{number}"
        if not path.exists():
            try:
                return Run(partial.rename(path))
            except OSError:  # another training took the name in between
                if not path.exists():
                    raise
        number += 1


def _about(network: Network, backend: Target, trainer: Trainer, data: DataRecord) -> About:
    versions = {"python": platform.python_version(), "netspec": version("netspec")}
    versions["numpy"] = np.__version__
    versions |= {needed.module: str(needed.version) for needed in backend.frameworks}
    return About(
        name=network.spec.name,
        backend=backend.name,
        device=trainer.device,
        threads=trainer.threads,
        seed=network.seed,
        graph=network.graph.hash,
        created=datetime.now(UTC).isoformat(),
        versions=versions,
        passes=None if network.passes is None else tuple(sorted(network.passes)),
        data=data,
    )


def find(folder: Path, chosen: Path | None = None) -> Run:
    """The chosen run, by its path or its name in `folder`; else the newest. Raises RunError."""
    if chosen is None:
        runs = in_order(folder)
        if not runs:
            message = f"there is no run in {folder}"
            raise RunError(message, "train first: netspec train SPEC --backend keras")
        return runs[-1]
    for path in (chosen, folder / chosen):
        if is_file(path / "run.json"):
            return Run(path)
    names = [run.path.name for run in in_order(folder)]
    help = f"{folder} holds {one_of(names, 'and')}" if names else f"{folder} holds no run"
    raise RunError(f"there is no run {chosen}", help)


def in_order(folder: Path) -> list[Run]:
    """The runs in a folder, the newest last. What never was a run is passed over.

    Raises RunError where a run is damaged, for it may be the newest.
    """
    runs = [Run(path.parent) for path in folder.glob("*/run.json") if path.parent.name[0] != "."]
    return sorted(filter(_readable, runs), key=lambda run: run.about.created)


def _readable(run: Run) -> bool:
    try:
        return bool(run.about)
    except NetspecError as error:
        if (run.path / MANIFEST).exists():
            help = "copy this run again, remove it, or name another run"
            raise RunError(error.message, help) from None
        return False


def resumable(
    folder: Path,
    network: Network,
    backend: str,
    chosen: Path | None = None,
    *,
    moved: bool = False,
) -> Run:
    """The chosen run, or the newest run of exactly this spec and backend, to go on with.

    More epochs than before may be requested, unless the learning rate's schedule is as long as the
    training; a run with the same number of epochs comes first. The paths of `moved` data are not
    compared. Raises RunError where no run fits, with the first difference of the newest one.
    """
    runs = [find(folder, chosen)] if chosen else _runs_of(folder, network, backend)
    if not runs:
        message = f"there is no run of {network.spec.name} with {backend} in {folder} to resume"
        raise RunError(message, "leave --resume out to begin one")
    for ignored in ((), _changeable(network)):
        for run in runs:
            if _change(run, network, backend, ignored, moved=moved) is None:
                return run
    change = _change(runs[0], network, backend, ignored, moved=moved)
    message = f"{runs[0].path} was begun with {change}"
    help = "resume with the spec as it was, or leave --resume out"
    if "passes" in message:
        help = "leave --passes out: a run keeps those that it was begun with"
    raise RunError(message, help)


def _runs_of(folder: Path, network: Network, backend: str) -> list[Run]:
    """The runs of a network's name and a backend, the newest first."""
    return [
        run
        for run in reversed(in_order(folder))
        if run.backend == backend and run.about.name == network.spec.name
    ]


def _changeable(network: Network) -> tuple[str, ...]:
    """The fields of `train` that may differ when a run goes on."""
    train = network.spec.train
    return () if train and spans_training(train.optimizer.learning_rate) else ("epochs",)


def _change(
    run: Run, network: Network, backend: str, ignored: Sequence[str], *, moved: bool
) -> str | None:
    """What a run was begun with and is otherwise now, in words."""
    if run.backend != backend:
        return f"the backend {run.backend}"
    before, now = (_compared(side, ignored, moved=moved) for side in (run.network, network))
    if difference := _difference(before, now, ""):
        return f"another spec: {difference}"
    return "other passes" if network.passes not in (None, run.network.passes) else None


def _compared(network: Network, ignored: Sequence[str], *, moved: bool) -> Any:  # Any: JSON data
    """A spec without its description, and without these fields of `train`.

    It has absolute paths, or none where the data were `moved`.
    """
    spec = unlocated(network.spec) if moved else absolute(network.spec, network.folder)
    data = json.loads(spec.model_dump_json(exclude={"description"}))
    for name in ignored if spec.train else ():
        del data["train"][name]
    return data


def _difference(before: Any, now: Any, path: str) -> str | None:  # Any: JSON data
    """The first value that is not the same, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys: list[str] = list({**before, **now})  # pyright: ignore[reportUnknownArgumentType] - JSON data
        for key in keys:
            values = before.get(key), now.get(key)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - JSON data
            if difference := _difference(*values, f"{path}.{key}".lstrip(".")):  # pyright: ignore[reportUnknownArgumentType] - JSON data
                return difference
        return None
    if isinstance(before, list) and isinstance(now, list) and len(before) != len(now):  # pyright: ignore[reportUnknownArgumentType] - JSON data
        return f"{path} had {len(before)} items, and has {len(now)}"  # pyright: ignore[reportUnknownArgumentType] - JSON data
    if isinstance(before, list) and isinstance(now, list):  # pyright: ignore[reportUnknownArgumentType] - JSON data
        pairs = enumerate(zip(before, now, strict=True))  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON data
        differences = (_difference(*pair, f"{path}.{index}") for index, pair in pairs)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON data
        return next(filter(None, differences), None)
    return None if before == now else f"{path} was {before}, and is {now}"
