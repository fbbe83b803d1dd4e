"""The limits of a machine, and how much of them an image of the network needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from time import perf_counter

from benchmarks.harness import Table
from netspec.graph import Graph
from netspec.graph.summary import summarize
from netspec.network import Network
from netspec.numerics.initial import initial
from netspec.passes import for_inference

FLOAT = 4  # bytes
REPEATS = 20


def prediction_operations(graph: Graph) -> int:
    """Floating-point operations to predict for an image: a multiplication and an addition each."""
    return 2 * summarize(graph).multiply_adds


def training_operations(graph: Graph) -> int:
    """Floating-point operations to train on an image: forward, and twice that for the gradients.

    The first layer needs no gradient of its input.
    """
    multiply_adds = [row.multiply_adds for row in summarize(graph).rows]
    first = next(count for count in multiply_adds if count)
    return 2 * (3 * sum(multiply_adds) - first)


def training_traffic(graph: Graph, batch: int) -> float:
    """The minimum of bytes that training on an image moves, in float32.

    The output of a layer with weights is written and read going forward, read again for the
    gradients, and its gradient is written and read. A step reads every weight twice and writes its
    gradient; Adam reads that, reads the weight and two moments, and writes those three.
    """
    summary = summarize(graph)
    values = sum(prod(row.output_shape) for row in summary.rows if row.parameters)
    return FLOAT * (5 * values + 10 * summary.parameters / batch)


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Matrix products of float32 with or without TF32; netspec's training is without."""
    import torch

    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def rate(work: Callable[[], object], amount: float, device: str) -> float:
    """How much of an amount a second gets done, over some repeats after one to warm up."""
    import torch

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    work()
    wait()
    began = perf_counter()
    for _ in range(REPEATS):
        work()
    wait()
    return REPEATS * amount / (perf_counter() - began)


def product_rate(kind: str, side: int, device: str) -> float:
    """Floating-point operations a second of square matrix products, in fp32, TF32 or bf16."""
    import torch

    dtype = torch.bfloat16 if kind == "bf16" else torch.float32
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    with tf32(kind == "TF32"):
        return rate(lambda: left @ right, 2 * side**3, device)


def copy_rate(size: int, device: str) -> float:
    """Bytes a second, read or written, of copies of so many bytes."""
    import torch

    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return rate(lambda: target.copy_(source), 2 * size, device)


@dataclass(frozen=True)
class Reached:
    """What was measured side by side: operations of products, and images, a second."""

    operations: float
    netspec: float
    eager: float


PREDICTION = "The limit of this machine's cores, measured with matrix products of float32"
PREDICTION_COLUMNS = (
    "netspec's ONNX reaches",
    "limit / PyTorch eager",
    "images a call",
    "arithmetic",
    "products",
    "of which an image needs",
    "images/s at most",
)


def prediction_table(network: Network, reached: Mapping[int, Reached]) -> Table:
    """The limit of a network's arithmetic, compared with the measured speed, by batch size.

    A program that takes fewer operations for a convolution, as Winograd's does, may go beyond.
    """
    smaller, _ = for_inference(network, initial(network.graph, 0))
    graphs = {"of the spec": network.graph, "after netspec's passes": smaller}
    rows = (
        _prediction_cells(name, prediction_operations(graph), size, rate)
        for size, rate in reached.items()
        for name, graph in graphs.items()
    )
    return Table(PREDICTION, PREDICTION_COLUMNS, tuple(rows))


def _prediction_cells(name: str, needed: int, size: int, reached: Reached) -> tuple[str, ...]:
    most = reached.operations / needed
    return (
        f"{reached.netspec / most:.1%}",
        f"{most / reached.eager:.2f}x",
        f"{size}",
        name,
        f"{reached.operations / 1e9:,.0f} Gflop/s",
        f"{needed / 1e6:.2f} Mflop",
        f"{most:,.0f}",
    )
