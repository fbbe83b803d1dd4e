"""What does a GPU make of the tutorial's training, and how far is that from what it can do?"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

from benchmarks import steps, time_to_99, training
from benchmarks.harness import SPEC, Table, parser, show, write_json
from benchmarks.limits import copy_rate, product_rate, training_operations, training_traffic
from netspec.graph import load

SIDE, BYTES = 8192, 1 << 30
QUICK_SIDE, QUICK_BYTES = 64, 1 << 16
TITLE = "What the hardware can do, and netspec's training with torch beside it"
COLUMNS = ("netspec's share", "measured", "reaches", "of which an image needs", "images/s at most")


def limits(device: str, quick: bool) -> dict[str, float]:
    """What the device reaches: operations a second by kind of product, and bytes a second."""
    side, size = (QUICK_SIDE, QUICK_BYTES) if quick else (SIDE, BYTES)
    found = {kind: product_rate(kind, side, device) for kind in ("fp32", "TF32", "bf16")}
    return found | {"copy": copy_rate(size, device)}


def limits_table(found: dict[str, float], images_per_second: float) -> Table:
    """The limits beside the images a second of netspec's training."""
    graph = load(SPEC).graph
    needed = {"copy": (training_traffic(graph, steps.BATCH) / 1e6, "MB")}
    cells: list[tuple[str, ...]] = []
    for kind, reached in found.items():
        need, unit = needed.get(kind, (training_operations(graph) / 1e6, "Mflop"))
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
