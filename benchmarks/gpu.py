"""What does a GPU make of the tutorial's training, and how far is that from what it can do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from math import prod
from multiprocessing import get_context
from time import perf_counter
from typing import Any

from benchmarks import steps, time_to_99, training
from benchmarks.harness import SPEC, Table, parser, show, write_json
from netspec.graph import Graph, load
from netspec.summary import summarize

FLOAT = 4  # bytes
SIDE, BYTES, REPEATS = 8192, 1 << 30, 20
QUICK_SIDE, QUICK_BYTES = 64, 1 << 16
TITLE = "What the hardware can do, and netspec's training with torch beside it"
COLUMNS = ("netspec's share", "measured", "reaches", "of which an image needs", "images/s at most")


def operations(graph: Graph) -> int:
    """Floating-point operations to train on an image: forward, and twice that for the gradients.

    The first layer needs no gradient of its input.
    """
    each = [row.multiply_adds for row in summarize(graph).rows]
    first = next(count for count in each if count)
    return 2 * (3 * sum(each) - first)


def traffic(graph: Graph, batch: int) -> float:
    """Bytes that training on an image must move at the least, in float32.

    What a layer with weights gives is written and read going forward, read again for the gradients,
    and its gradient is written and read. A step reads every weight twice and writes its gradient;
    Adam reads that, reads the weight and two moments, and writes those three.
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


def product_rate(kind: str, size: int, device: str) -> float:
    """Floating-point operations a second of square matrix products, in fp32, TF32 or bf16."""
    import torch

    dtype = torch.bfloat16 if kind == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    with tf32(kind == "TF32"):
        return rate(lambda: left @ right, 2 * size**3, device)


def copy_rate(size: int, device: str) -> float:
    """Bytes a second, read or written, of copies of so many bytes."""
    import torch

    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return rate(lambda: target.copy_(source), 2 * size, device)


def limits(device: str, quick: bool) -> dict[str, float]:
    """What the device reaches: operations a second by kind of product, and bytes a second."""
    side, size = (QUICK_SIDE, QUICK_BYTES) if quick else (SIDE, BYTES)
    found = {kind: product_rate(kind, side, device) for kind in ("fp32", "TF32", "bf16")}
    return found | {"copy": copy_rate(size, device)}


def limits_table(found: dict[str, float], images_per_second: float) -> Table:
    """The limits beside the images a second of netspec's training."""
    graph = load(SPEC).graph
    needed = {"copy": (traffic(graph, steps.BATCH) / 1e6, "MB")}
    cells: list[tuple[str, ...]] = []
    for kind, reached in found.items():
        need, unit = needed.get(kind, (operations(graph) / 1e6, "Mflop"))
        most = reached / (need * 1e6)
        name = "copies in memory" if kind == "copy" else f"matrix products, {kind}"
        reaches = f"{reached / 1e12:.2f} T{unit.removeprefix('M')}/s"
        share = f"{images_per_second / most:.2%}"
        cells.append((share, name, reaches, f"{need:.2f} {unit}", f"{most:,.0f}"))
    return Table(TITLE, COLUMNS, tuple(cells))


def sees_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def main() -> None:
    given = parser(__doc__).parse_args()
    if find_spec("torch") is None:
        print("PyTorch is not installed, and nothing is measured")
        return
    batches = steps.QUICK_STEPS if given.quick else steps.STEPS["torch"]
    rounds = 1 if given.quick else steps.ROUNDS["torch"]
    # PyTorch's own process ends before the programs begin, and the GPU's memory is theirs.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        if not worker.submit(sees_gpu).result():
            print("PyTorch sees no GPU, and nothing is measured")
            return
        found = worker.submit(limits, "cuda", given.quick).result()
        rows, trained, device = worker.submit(steps.measured, "torch", batches, rounds).result()
    tables = [trained, limits_table(found, batches * steps.BATCH / rows[0].median)]
    results: list[dict[str, Any]] = [row.to_json() for row in rows] + [{"limits": found}]
    for backend in ("torch", "keras"):
        for question in (training, time_to_99):
            more, figures = question.measured(backend, 1 if given.quick else 3, given.quick)
            tables += more
            results += figures
    show(*tables)
    write_json(given, "gpu", tables, results, device=device)


if __name__ == "__main__":
    main()
