"""How good are networks for tables, compared with scikit-learn's networks?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import netspec
from benchmarks.harness import Table, parser, show, write_json
from netspec.data import load
from netspec.network import Network, loads
from netspec.runs.training import Silent, train

DATA: dict[str, Callable[..., Any]] = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
"""scikit-learn's data sets; the target of the last one is a number."""

REGRESSION = ("diabetes",)
QUICK_DATA = ("iris", "diabetes")
UNITS = (64, 32)
EPOCHS = 60
BATCH = 32

SPEC = """\
netspec: 1
name: {name}
input: [{width}]
layers:
  - Dense: {{units: {units[0]}, activation: relu}}
  - Dense: {{units: {units[1]}, activation: relu}}
{end}
data: {{dataset: table, path: {name}.csv, target: target, types: {{{types}}}, test: {test}}}
train: {{loss: {loss}, metrics: {metrics}, epochs: {epochs}, batch_size: {batch}, seed: {seed}}}
"""


@dataclass(frozen=True)
class Result:
    """The accuracy, or R2, on the test part of a data set, for every seed."""

    data: str
    measure: str
    netspec: list[float]
    scikit_learn: list[float]

    @property
    def difference(self) -> float:
        """How much better netspec is on average, in standard deviations of scikit-learn's."""
        spread = stdev(self.scikit_learn) if len(self.scikit_learn) > 1 else 0.0
        return (mean(self.netspec) - mean(self.scikit_learn)) / (spread or 1.0)


def network_of(name: str, seed: int, epochs: int, folder: Path) -> Network:
    """A network for a data set, which is written as a CSV file; the seed decides the test part."""
    data = DATA[name](as_frame=True)
    data.frame.to_csv(folder / f"{name}.csv", index=False)
    target = data.frame["target"].to_numpy(np.float64)
    names = [str(column) for column in data.frame.columns if column != "target"]
    regression = name in REGRESSION
    end = f"  - Dense: {{units: {len(np.unique(target))}, activation: softmax}}"
    if regression:
        scaled = f"{{scale: {target.std():.3f}, offset: {target.mean():.3f}}}"
        end = f"  - Dense: {{units: 1}}\n  - Rescaling: {scaled}"
    stratify = "" if regression else ", stratify: true"
    text = SPEC.format(
        name=name,
        width=len(names),
        units=UNITS,
        end=end,
        types=", ".join(f'"{column}": number' for column in names),
        test=f"{{fraction: 0.2, seed: {seed}{stratify}}}",
        loss="mean_squared_error" if regression else "sparse_categorical_crossentropy",
        metrics="[]" if regression else "[accuracy]",
        epochs=epochs,
        batch=BATCH,
        seed=seed,
    )
    return loads(text, folder)


def scores(name: str, seed: int, epochs: int, folder: Path) -> tuple[float, float]:
    """The score of netspec's network and of scikit-learn's, with the same rows and layers."""
    network = network_of(name, seed, epochs, folder)
    run = train(network, "torch", device="cpu", runs=folder / "runs", progress=Silent())
    dataset = load(network, learned=run.about.data)
    (x, y), (test_x, test_y) = (
        (np.asarray(part.inputs[0]), np.asarray(part.targets[0]).ravel())
        for part in (dataset.train, dataset.test)
    )
    figures = netspec.evaluate(run, device="cpu").figures
    settings = {
        "hidden_layer_sizes": UNITS,
        "batch_size": BATCH,
        "max_iter": epochs,
        "random_state": seed,
    }
    if name in REGRESSION:
        regressor = make_pipeline(StandardScaler(), MLPRegressor(**settings))
        other = TransformedTargetRegressor(regressor, transformer=StandardScaler())
        score = 1 - figures["test_loss"] / test_y.var()
    else:
        other = make_pipeline(StandardScaler(), MLPClassifier(**settings))
        score = figures["test_accuracy"]
    return float(score), float(other.fit(x, y).score(test_x, test_y))


def measured(names: tuple[str, ...], seeds: int, epochs: int) -> list[Result]:
    results: list[Result] = []
    for name in names:
        with TemporaryDirectory() as folder:
            pairs = [scores(name, seed, epochs, Path(folder)) for seed in range(seeds)]
        ours, theirs = map(list, zip(*pairs, strict=True))
        results.append(Result(name, "R2" if name in REGRESSION else "accuracy", ours, theirs))
    return results


def shown(results: list[Result]) -> Table:
    columns = ("difference / deviation", "data set", "measure", "netspec", "scikit-learn")
    lines = tuple(
        (
            f"{result.difference:+.2f}",
            result.data,
            result.measure,
            *(
                f"{mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"
                for values in (result.netspec, result.scikit_learn)
            ),
        )
        for result in results
    )
    title = "Tables: netspec on PyTorch and scikit-learn's networks of the same layers, over seeds"
    return Table(title, columns, lines)


def main() -> None:
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)  # both sides end after the same epochs
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="by default 5")
    arguments = options.parse_args()
    names, seeds, epochs = (tuple(DATA), arguments.seeds, EPOCHS)
    if arguments.quick:
        names, seeds, epochs = QUICK_DATA, 1, 20
    results = measured(names, seeds, epochs)
    table = shown(results)
    show(table)
    write_json(arguments, "table_quality", [table], [asdict(result) for result in results])


if __name__ == "__main__":
    main()
