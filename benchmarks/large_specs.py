"""How the time for a parameter table grows with the layers of a spec: as they do, or faster?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.harness import (
    NETSPEC,
    ROOT,
    SPEC,
    Program,
    Table,
    compare,
    parser,
    seconds_table,
    show,
    timed,
    write_json,
)
from netspec.graph.summary import summarize
from netspec.network import load

TITLE = "Reading, checking and summarising a spec; the ratio compares the time for a layer"
COLUMNS = ("to the size before", "spec", "layers", "seconds", "µs a layer")
SIZES = (100, 1_000, 10_000)

HEAD = "netspec: 1\nname: large\ninput: [8]\n"


def chain(count: int) -> str:
    """One layer after another."""
    return HEAD + "layers:\n" + "  - Dense: {units: 8, activation: relu}\n" * count


def graph(count: int) -> str:
    """Every second layer adds the outputs of two layers before it."""
    lines = ["  - Dense: {units: 8, name: d0}"]
    last = "d0"
    for position in range(1, count // 2):
        lines.append(f"  - Dense: {{units: 8, name: d{position}, inputs: {last}}}")
        lines.append(f"  - Add: {{name: a{position}, inputs: [d{position}, {last}]}}")
        last = f"a{position}"
    return HEAD + "layers:\n" + "\n".join([*lines, "  - ReLU"]) + "\n"


def blocks(count: int) -> str:
    """A block of five layers, repeated."""
    return (
        HEAD
        + "blocks:\n  residual:\n    parameters: {units: }\n    layers:\n"
        + "      - Dense: {units: $units}\n      - BatchNormalization\n      - ReLU\n"
        + "      - Dense: {units: $(units + 0)}\n      - Add: {inputs: [input, dense_1]}\n"
        + f"layers:\n  - residual: {{units: 8, repeat: {count // 5}}}\n"
    )


KINDS: dict[str, Callable[[int], str]] = {"chain": chain, "graph": graph, "blocks": blocks}


def measured(kind: str, count: int, rounds: int, folder: Path) -> float:
    """Median seconds to read, check and summarise a spec of so many layers, in this process."""
    path = folder / f"{kind}_{count}.yaml"
    path.write_text(KINDS[kind](count), encoding="utf-8")
    took = timed(lambda: summarize(load(path).graph))
    took()
    return median(took() for _ in range(rounds))


def main() -> None:
    arguments = parser(__doc__, rounds=5).parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    results: list[dict[str, object]] = []
    cells: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            before = 0.0
            for count in SIZES:
                seconds = measured(kind, count, rounds, Path(folder))
                per_layer = seconds / count
                ratio = per_layer / before if before else 1.0
                before = per_layer
                results.append({"kind": kind, "layers": count, "seconds": seconds, "ratio": ratio})
                cells.append(
                    (
                        f"{ratio:.2f}x",
                        kind,
                        f"{count:,}",
                        f"{seconds:.3f}",
                        f"{per_layer * 1e6:.0f}",
                    )
                )
    commands = {
        "netspec summary specs/mnist_cnn.yaml": Program(*NETSPEC, "summary", SPEC),
        "netspec summary specs/resnet50.yaml": Program(
            *NETSPEC, "summary", ROOT / "specs" / "resnet50.yaml"
        ),
    }
    rows = compare(commands, rounds)
    tables = [
        Table(TITLE, COLUMNS, tuple(cells)),
        seconds_table("A command, from its start to its end", rows),
    ]
    show(*tables)
    write_json(arguments, "large_specs", tables, results + [row.to_json() for row in rows])


if __name__ == "__main__":
    main()
