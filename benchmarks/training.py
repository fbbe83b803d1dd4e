"""How long does a training take as a whole process, and in how much memory?

Every side trains the tutorial's network for an epoch in batches of 32, tests it on the 10,000 test
images, and ends.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import (
    NETSPEC,
    ROOT,
    SPEC,
    Program,
    Table,
    alternated,
    by_hand,
    installed,
    parser,
    rows,
    seconds_table,
    show,
    write_json,
)

TITLE = "Training of the tutorial's network as a process: an epoch in batches of 32, and its test"
IMAGES = 60_000
QUICK_IMAGES = 600
QUICK_SPEC = ROOT / "specs" / "digits_cnn.yaml"

Make = Callable[..., Program]
"""A program from whether it is only to be seen that it runs, the folder for its runs, and more."""


def netspec(backend: str, quick: bool, runs: Path, device: str = "auto") -> Program:
    chosen = ("--backend", backend, "--epochs", "1", "--runs", runs, "--device", device)
    return Program(*NETSPEC, "train", QUICK_SPEC if quick else SPEC, *chosen)


def program(name: str, quick: bool, _: Path, **environment: str) -> Program:
    images = QUICK_IMAGES if quick else IMAGES
    return by_hand(name, "--epochs", "1", "--images", str(images), **environment)


def keras_on(framework: str) -> Make:
    return partial(program, "keras_tutorial", KERAS_BACKEND=framework)


OURS: dict[str, tuple[str, Make]] = {
    "netspec, keras": ("keras", partial(netspec, "keras")),
    "netspec, torch": ("torch", partial(netspec, "torch")),
}
FIT: dict[str, tuple[str, Make]] = {
    "Keras fit on NumPy arrays": ("tensorflow", keras_on("tensorflow")),
}
DATA_LOADER: dict[str, tuple[str, Make]] = {
    "PyTorch with DataLoader": ("torch", partial(program, "torch_tutorial")),
}
LIGHTNING: dict[str, tuple[str, Make]] = {
    "Lightning Trainer": ("lightning", partial(program, "lightning_tutorial")),
}
BACKENDS: dict[str, tuple[str, Make]] = {
    "Keras fit, JAX backend": ("jax", keras_on("jax")),
    "Keras fit, torch backend": ("torch", keras_on("torch")),
}

COMPARED = {
    "keras": (["netspec, keras"], FIT),
    "torch": (["netspec, torch"], DATA_LOADER),
    "lightning": (["netspec, torch", "netspec, keras"], LIGHTNING),
    "keras_backends": (["netspec, keras"], BACKENDS),
}
"""The sides of netspec and of its peers, for every comparison."""


def measured(
    comparison: str, rounds: int, quick: bool, device: str = "auto"
) -> tuple[list[Table], list[dict[str, Any]]]:
    """The peers compared with each side of netspec: tables and results."""
    ours, peers = COMPARED[comparison]
    chosen = {name: _on_device(OURS[name], device) for name in ours} | peers
    with TemporaryDirectory() as folder:
        sides = {
            name: (module, partial(make, quick, Path(folder)))
            for name, (module, make) in chosen.items()
        }
        programs = installed(sides)
        # Without a round to warm up: it would take minutes, and the median leaves the first out.
        seconds = alternated(programs, rounds, warm=False)
    tables: list[Table] = []
    results: list[dict[str, Any]] = []
    for name in ours:
        theirs = {peer: durations for peer, durations in seconds.items() if peer not in ours}
        beside = rows({name: seconds[name]} | theirs)
        tables.append(seconds_table(TITLE, beside, programs))
        results += [
            row.to_json() | {"against": name, "peak_megabytes": sides[row.name].megabytes}
            for row in beside
        ]
    return tables, results


def _on_device(side: tuple[str, Make], device: str) -> tuple[str, Make]:
    module, make = side
    return module, partial(make, device=device)


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("comparison", choices=COMPARED)
    arguments = options.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    tables, results = measured(arguments.comparison, rounds, arguments.quick)
    show(*tables)
    write_json(arguments, f"training_{arguments.comparison}", tables, results)


if __name__ == "__main__":
    main()
