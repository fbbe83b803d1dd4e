"""What is measured: a network, its weights, and its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from netspec import data
from netspec.checks.indices import embeddings, index_count, index_inputs
from netspec.data.examples import noun_of
from netspec.data.record import DataRecord
from netspec.graph import Graph
from netspec.graph.summary import FLOAT32_BYTES, in_bytes
from netspec.language.spec import resolved
from netspec.network import Network, loads
from netspec.numerics import weights as weight_files
from netspec.numerics.initial import initial
from netspec.numerics.seeds import generator
from netspec.numerics.weights import Array, Weights
from netspec.runs.exported import open_exported, remarks_about
from netspec.runs.folder import Run
from netspec.text.diagnostics import DataError, NetspecError, RunError
from netspec.text.files import write_atomically

FILE = "model.onnx"

MAX_BYTES = 2 << 30
"""The limit for the inputs of the largest batch, in bytes."""


@dataclass(frozen=True)
class Subject:
    """A network with its weights, and inputs (n, …) for the largest batch.

    `origin` describes in words where weights and inputs come from. `content` is an exported file,
    which is measured instead of the network. `remarks` are facts that a user would not expect.
    """

    network: Network
    weights: Weights
    inputs: tuple[Array, ...]
    origin: str
    content: bytes | None = None
    remarks: tuple[str, ...] = ()


def of_spec(network: Network, count: int) -> Subject:
    """A network with the initial weights of its seed, and random inputs."""
    seed = network.seed
    weights = initial(network.graph, seed)
    return Subject(network, weights, random_inputs(network.graph, count), "initial weights")


def of_run(run: Run, passes: frozenset[str] | None, count: int) -> Subject:
    """A run's network and weights, and its test examples; random inputs where it has none."""
    network = replace(run.network, passes=passes)
    inputs, source = _inputs(network, run.about.data, count)
    origin = f"the weights of {run.path}, {source}"
    return Subject(network, run.weights(), inputs, origin, remarks=tuple(remarks_about(run)))


def of_file(path: Path, count: int) -> Subject:
    """An exported file, and the test examples that its spec names; else random inputs."""
    file = open_exported(path, "cpu")
    inputs, source = _inputs(file.network, file.record, count)
    return Subject(file.network, {}, inputs, f"{path}, {source}", file.content, file.model.remarks)


def _inputs(
    network: Network, learned: DataRecord | None, count: int
) -> tuple[tuple[Array, ...], str]:
    """Test examples, repeated where they are fewer, or random inputs; and which, in words."""
    _check_size(network.graph, count)
    try:
        examples = data.load(network, learned=learned).test
    except DataError as error:
        return random_inputs(network.graph, count), f"random inputs ({error.message})"
    inputs = examples.values(np.arange(count) % len(examples))
    return inputs, f"test {noun_of(network.graph)}"


def random_inputs(graph: Graph, count: int) -> tuple[Array, ...]:
    """Inputs (count, …) from a normal distribution; whole numbers where an Embedding reads them."""
    _check_size(graph, count)
    indices = index_inputs(graph)
    counts = [index_count(node.layer) or 1 for node in embeddings(graph)]
    drawn: list[Array] = []
    for input_ in graph.inputs:
        random, shape = generator(0, f"bench/{input_.name}"), (count, *input_.shape)
        whole = input_.name in indices
        values = random.integers(0, min(counts), shape) if whole else random.normal(size=shape)
        drawn.append(values.astype(np.float32))
    return tuple(drawn)


def _check_size(graph: Graph, count: int) -> None:
    size = count * FLOAT32_BYTES * sum(prod(input_.shape) for input_ in graph.inputs)
    if size > MAX_BYTES:
        message = f"a batch of {count:,} takes {in_bytes(size)}, more than {in_bytes(MAX_BYTES)}"
        raise NetspecError(message, "choose smaller --batch-sizes")


def find_run(runs: Path, path: Path) -> Run:
    """The run that a user names. Raises RunError, which also mentions a spec."""
    from netspec.runs.folder import find

    try:
        return find(runs, path)
    except RunError as error:
        raise RunError(f"there is no spec and no run {path}", error.help) from None


def write(subject: Subject, folder: Path) -> None:
    """Put a subject into files of a folder, from which other processes read it."""
    graph = subject.network.graph
    write_atomically(folder / "spec.yaml", resolved(subject.network.spec).encode())
    if subject.content is not None:
        write_atomically(folder / FILE, subject.content)
    else:
        weights = weight_files.to_bytes(graph, subject.weights)
        write_atomically(folder / "weights.safetensors", weights)
    for input_, array in zip(graph.inputs, subject.inputs, strict=True):
        np.save(folder / f"{input_.name}.npy", array)


def read_network(folder: Path, passes: Sequence[str] | None) -> tuple[Network, Weights]:
    """The network and the weights that were written into a folder."""
    network = loads((folder / "spec.yaml").read_text(encoding="utf-8"), folder)
    weights = weight_files.load(folder / "weights.safetensors", network.graph)
    return replace(network, passes=None if passes is None else frozenset(passes)), weights


def read_inputs(graph: Graph, folder: Path, count: int) -> tuple[Array, ...]:
    """A batch of the inputs that were written into a folder; only this batch is in memory."""
    paths = [folder / f"{input_.name}.npy" for input_ in graph.inputs]
    return tuple(np.array(np.load(path, mmap_mode="r")[:count]) for path in paths)


def outputs_file(form: str, count: int) -> str:
    """The name of the file with a form's outputs for a batch."""
    return f"outputs-{form}-{count}.npz"
