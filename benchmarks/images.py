"""How fast does a network train on a folder of image files, in the first epoch and later ones?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

from benchmarks.harness import Program, Table, by_hand, parser, show, write_json
from netspec.process import own_process

SIZE = 64  # pixels of the network's input
CLASSES = 10
WIDTH, HEIGHT = 320, 240  # pixels of a file
EPOCHS = 4
IMAGES = 1000
QUICK_IMAGES = 100
TEST_IMAGES = 20

SPEC = f"""\
netspec: 1
name: photographs
input: [{SIZE}, {SIZE}, 3]
layers:
  - Conv2D: {{filters: 16, kernel_size: 3, strides: 2, activation: relu}}
  - Conv2D: {{filters: 32, kernel_size: 3, strides: 2, activation: relu}}
  - Flatten
  - Dense: {{units: {CLASSES}, activation: softmax}}
data: {{dataset: images, path: photos, resize: stretch, scale: 255}}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  epochs: {EPOCHS}
  batch_size: 32
"""

PEERS = {
    "torch": {"ImageFolder, DataLoader of 2 workers": ("torch_images",)},
    "keras": {
        "image_dataset_from_directory": ("keras_images",),
        "image_dataset_from_directory, cache": ("keras_images", "cache"),
    },
}
"""The hand-written programs, by backend and name."""


@dataclass(frozen=True)
class Result:
    """A program: the images a second of its first epoch and of later ones, and all seconds."""

    name: str
    first_epoch: float
    later_epochs: float
    peak_megabytes: float
    seconds: list[list[float]]


def write_photos(folder: Path, images: int) -> None:
    """JPEG files with the smooth shapes and the noise of photographs, in two parts."""
    rng = np.random.default_rng(0)
    for part, count in (("train", images), ("test", TEST_IMAGES)):
        for index in range(count):
            path = folder / part / str(index % CLASSES) / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
            smooth = np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
            noise = rng.integers(0, 16, smooth.shape, np.uint8)
            Image.fromarray(np.maximum(smooth, noise)).save(path, quality=90)


def train(backend: str, folder: Path) -> None:
    """Train with netspec in this process, and print the seconds of every epoch."""
    import netspec
    from netspec.backend import find_training
    from netspec.runs.metrics import Record
    from netspec.runs.training import Silent, train

    find_training(backend)
    __import__(
        {"keras": "tensorflow"}.get(backend, backend)
    )  # as the other sides: before the clock

    class Clock(Silent):
        """The seconds of every epoch; the first one begins with the object."""

        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.began = perf_counter()

        def epoch_ends(self, record: Record) -> None:
            del record
            now = perf_counter()
            self.seconds.append(now - self.began)
            self.began = now

    clock = Clock()
    network = netspec.load(folder / "spec.yaml")
    train(network, backend, device="cpu", runs=folder / "runs", progress=clock)
    print(json.dumps(clock.seconds))


def epochs_of(program: Program) -> list[float]:
    return json.loads(program.output().splitlines()[-1])


def sides(backend: str, folder: Path) -> dict[str, Program]:
    """The programs that are compared; the first of them is netspec's."""
    module = (sys.executable, "-m", "benchmarks.images")
    ours = Program(*module, backend, "--train", folder, NETSPEC_CACHE=str(folder / "cache"))
    arguments = [*map(str, (folder / "photos" / "train", SIZE, CLASSES, EPOCHS))]
    theirs = {
        name: by_hand(file, *arguments, *options)
        for name, (file, *options) in PEERS[backend].items()
    }
    return {f"netspec, {backend}": ours, **theirs}


def main() -> None:
    arguments = parser(__doc__, rounds=3)
    arguments.add_argument("backend", choices=[*PEERS])
    arguments.add_argument("--train", type=Path, help="train once with netspec on this folder")
    options = arguments.parse_args()
    if options.train:
        with own_process():  # as in the command line
            train(options.backend, options.train)
        return
    images, rounds = (QUICK_IMAGES, 1) if options.quick else (IMAGES, options.rounds)
    seconds: dict[str, list[list[float]]] = {}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
        write_photos(folder / "photos", images)
        programs = sides(options.backend, folder)
        for _ in range(rounds):
            for name, program in programs.items():
                seconds.setdefault(name, []).append(epochs_of(program))
                for file in (folder / "cache").rglob("*.pixels"):
                    file.unlink()  # every first epoch decodes
    results = [_result(name, epochs, images, programs[name]) for name, epochs in seconds.items()]
    table = _table(results, options.backend)
    show(table)
    write_json(
        options, f"images_{options.backend}", [table], [asdict(result) for result in results]
    )


def _result(name: str, rounds: list[list[float]], images: int, program: Program) -> Result:
    first, *later = zip(*rounds, strict=True)
    of_later = median(value for epoch in later for value in epoch)
    return Result(name, images / median(first), images / of_later, program.megabytes, rounds)


def _table(results: list[Result], backend: str) -> Table:
    columns = ("first, of netspec's", "later, of netspec's", "program", "first", "later", "peak MB")
    ours = results[0]
    rows = tuple(
        (
            f"{ours.first_epoch / result.first_epoch:.2f}x",
            f"{ours.later_epochs / result.later_epochs:.2f}x",
            result.name,
            f"{result.first_epoch:,.0f}",
            f"{result.later_epochs:,.0f}",
            f"{result.peak_megabytes:,.0f}",
        )
        for result in results
    )
    return Table(f"Images a second of a folder of JPEG files, {backend}", columns, rows)


if __name__ == "__main__":
    main()
