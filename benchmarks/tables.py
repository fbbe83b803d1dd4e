"""How long does a large CSV file take until the first step, compared with pyarrow's own read?"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.harness import KIBIBYTES, Program, Table, parser, show, write_json

ROWS = 1_000_000
QUICK_ROWS = 2_000
NUMBERS = 15
CATEGORIES = {"colour": 4, "region": 8, "product": 16}
WIDTH = NUMBERS + sum(count + 1 for count in CATEGORIES.values()) + 7  # a time of day counts 7
SIDES = ("netspec", "pyarrow.csv.read_csv")

SPEC = f"""\
netspec: 1
name: sales
input: [{WIDTH}]
layers: [Dense: {{units: 1}}]
data: {{dataset: table, path: rows.csv, target: price}}
train: {{loss: mean_squared_error, batch_size: 32}}
"""


@dataclass(frozen=True)
class Result:
    """A side: the seconds and the seconds of the cores in every round, and the memory it adds.

    `per_file` and `per_features` are the memory, divided by the size of the file and of the
    features as float32.
    """

    name: str
    seconds: list[float]
    core_seconds: list[float]
    megabytes: float
    per_file: float
    per_features: float


def write_rows(path: Path, count: int) -> None:
    """15 numbers, 3 categories, a time and a number to predict, without quotation marks."""
    random = np.random.default_rng(0)
    columns = {
        f"number_{place}": np.round(random.normal(size=count) * 10 ** (place % 4), 4)
        for place in range(NUMBERS)
    }
    for name, different in CATEGORIES.items():
        texts = np.array([f"{name} {place}" for place in range(different)])
        columns[name] = texts[random.integers(0, different, count)]
    seconds = random.integers(0, 5 * 365 * 24 * 3600, count).astype("timedelta64[s]")
    columns["time"] = np.datetime64("2020-01-01T00:00:00") + seconds
    columns["price"] = np.round(random.normal(size=count) * 100, 2)
    options = pyarrow.csv.WriteOptions(quoting_style="none")
    pyarrow.csv.write_csv(pa.table(columns), path, options)


def work(side: str, folder: Path) -> None:
    """Do the work of a side once in this process, and print its seconds and its memory."""
    import pyarrow.compute

    import netspec.data.tables  # noqa: F401 - imported before the clock, as pyarrow
    from netspec.data.loading import load
    from netspec.data.suspicious import suspicions
    from netspec.network import load as load_network

    network = load_network(folder / "spec.yaml")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, cores_began = perf_counter(), process_time()
    if side == SIDES[0]:
        dataset = load(network)
        suspicions(dataset, network)
        dataset.train[np.arange(32)].values()
    else:
        pyarrow.csv.read_csv(folder / "rows.csv")
    seconds, core_seconds = perf_counter() - began, process_time() - cores_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([seconds, core_seconds, (peak - before) * KIBIBYTES * 1024 / 1e6]))


def measured(rounds: int, rows: int) -> list[Result]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
        # In a separate process: a child begins with the peak of the process that starts it.
        module = (sys.executable, "-m", "benchmarks.tables")
        Program(*module, "--write", folder, str(rows))()
        programs = {side: Program(*module, "--work", side, folder) for side in SIDES}
        numbers: dict[str, list[list[float]]] = {side: [] for side in SIDES}
        for _ in range(rounds):
            for side, program in programs.items():
                numbers[side].append(json.loads(program.output().splitlines()[-1]))
        size = (folder / "rows.csv").stat().st_size / 1e6
    features = rows * WIDTH * 4 / 1e6
    results: list[Result] = []
    for side, of_side in numbers.items():
        seconds, core_seconds, added = map(list, zip(*of_side, strict=True))
        peak = max(added)
        results.append(Result(side, seconds, core_seconds, peak, peak / size, peak / features))
    return results


def shown(results: Sequence[Result], rows: int) -> Table:
    columns = ("time / pyarrow's", "of the cores", "program", "seconds", "core seconds")
    columns += ("added MB", "/ file", "/ features")
    peer = results[1]
    lines = tuple(
        (
            f"{median(result.seconds) / median(peer.seconds):.2f}x",
            f"{median(result.core_seconds) / median(peer.core_seconds):.2f}x",
            result.name,
            f"{median(result.seconds):.2f}",
            f"{median(result.core_seconds):.2f}",
            f"{result.megabytes:,.0f}",
            f"{result.per_file:.2f}",
            f"{result.per_features:.2f}",
        )
        for result in results
    )
    return Table(
        f"A CSV file of {rows:,} rows and 20 columns, until the first step", columns, lines
    )


def main() -> None:
    options = parser(__doc__, rounds=5)
    options.add_argument("--work", nargs=2, help="do the work of a side once, in a folder")
    options.add_argument("--write", nargs=2, help="write the file of so many rows into a folder")
    arguments = options.parse_args()
    if arguments.write:
        write_rows(Path(arguments.write[0]) / "rows.csv", int(arguments.write[1]))
        return
    if arguments.work:
        work(arguments.work[0], Path(arguments.work[1]))
        return
    rounds, rows = (1, QUICK_ROWS) if arguments.quick else (arguments.rounds, ROWS)
    results = measured(rounds, rows)
    table = shown(results, rows)
    show(table)
    write_json(arguments, "tables", [table], [asdict(result) for result in results])


if __name__ == "__main__":
    main()
