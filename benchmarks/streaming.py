"""Does a training stay fast and small where its data are larger than the memory limit?"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.harness import NETSPEC, Program, Table, parser, show, write_json

BACKENDS = ("torch", "keras")
TIMES = (1, 2, 4, 8, 16)
QUICK_TIMES = (1, 2)
MEMORY = 32 << 20  # bytes, the value of --memory
QUICK_MEMORY = 1 << 20
PIXELS = 28 * 28
LABEL = 4  # bytes of a label in memory
TEST_IMAGES = 200
EPOCHS = 2  # in the first the framework makes itself ready: it is left out

SPEC = f"""\
netspec: 1
name: outgrown
input: [28, 28, 1]
layers:
  - Conv2D: {{filters: 8, kernel_size: 3, strides: 2, activation: relu}}
  - Flatten
  - Dense: {{units: 10, activation: softmax}}
data:
  dataset: idx
  train_images: train-images
  train_labels: train-labels
  test_images: test-images
  test_labels: test-labels
  scale: 255
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  epochs: {EPOCHS}
  batch_size: 128
"""


@dataclass(frozen=True)
class Result:
    """A training on `times` as many bytes as it may take; the median over its rounds and epochs."""

    backend: str
    times: int
    images: int
    images_per_second: list[float]
    peak_megabytes: list[float]
    speed_ratio: float
    memory_ratio: float


def write_images(path: Path, count: int, seed: int) -> None:
    """An idx file of random images, some at a time: this process must stay small."""
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(struct.pack(">HBB3I", 0, 0x08, 3, count, 28, 28))
        for size in _parts(count):
            file.write(random.bytes(size * PIXELS))


def write_labels(path: Path, count: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 10, count, np.uint8)
    path.write_bytes(struct.pack(">HBBI", 0, 0x08, 1, count) + labels.tobytes())


def _parts(count: int) -> Iterator[int]:
    for start in range(0, count, 1000):
        yield min(1000, count - start)


def write_data(folder: Path, times: int, memory: int) -> int:
    """Training data of `times` the memory, including the test images; returns their number."""
    images = times * memory // (PIXELS + LABEL) - TEST_IMAGES
    for part, count, seed in (("train", images, 0), ("test", TEST_IMAGES, 1)):
        write_images(folder / f"{part}-images", count, seed)
        write_labels(folder / f"{part}-labels", count, seed)
    return images


def trained(backend: str, memory: int, folder: Path) -> tuple[list[float], float]:
    """The images a second of every epoch but the first, and the process's largest memory."""
    runs = folder / "runs"
    chosen = ("--backend", backend, "--memory", str(memory), "--device", "cpu", "--runs", runs)
    program = Program(*NETSPEC, "train", folder / "spec.yaml", *chosen)
    program()
    newest = max(runs.glob("*/metrics.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    lines = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    speeds = [line["images_per_second"] for line in lines if "images_per_second" in line]
    return speeds[1:], program.megabytes


def measured(backend: str, memory: int, sizes: Sequence[int], rounds: int) -> list[Result]:
    """The trainings of a backend, with more data each time."""
    speeds: dict[int, list[float]] = {times: [] for times in sizes}
    peaks: dict[int, list[float]] = {times: [] for times in sizes}
    images: dict[int, int] = {}
    for _ in range(rounds):
        for times in sizes:
            with TemporaryDirectory() as temporary:
                folder = Path(temporary)
                (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
                images[times] = write_data(folder, times, memory)
                duration, peak = trained(backend, memory, folder)
                speeds[times] += duration
                peaks[times].append(peak)
    return [
        Result(
            backend,
            times,
            images[times],
            speeds[times],
            peaks[times],
            median(speeds[times]) / median(speeds[1]),
            median(peaks[times]) / median(peaks[1]),
        )
        for times in sizes
    ]


def shown(results: list[Result], memory: int) -> Table:
    columns = ("speed / 1x", "peak / 1x", "data / memory", "images", "images/s", "peak MB")
    cells = tuple(
        (
            f"{result.speed_ratio:.2f}",
            f"{result.memory_ratio:.2f}",
            f"{result.times}x" + (", resident" if result.times == 1 else ", streamed"),
            f"{result.images:,}",
            f"{median(result.images_per_second):,.0f}",
            f"{median(result.peak_megabytes):.0f}",
        )
        for result in results
    )
    return Table(f"Data that may take {memory >> 20} MiB, {results[0].backend}", columns, cells)


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("backend", choices=BACKENDS)
    arguments = options.parse_args()
    memory, sizes, rounds = MEMORY, TIMES, arguments.rounds
    if arguments.quick:
        memory, sizes, rounds = QUICK_MEMORY, QUICK_TIMES, 1
    results = measured(arguments.backend, memory, sizes, rounds)
    table = shown(results, memory)
    show(table)
    write_json(
        arguments, f"streaming_{arguments.backend}", [table], [asdict(result) for result in results]
    )


if __name__ == "__main__":
    main()
