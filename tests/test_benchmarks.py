"""The benchmarks run, their arithmetic follows their definitions, and the page shows their results.

Running all of them, however short, takes minutes: `make nightly` does it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import busy, gpu, harness, inference, limits, page
from frameworks import require
from netspec.cores import allowed_cores
from netspec.data.mnist import FILES, cache_dir
from netspec.network import loads

ROOT = Path(__file__).parents[1]


def quick(tmp_path: Path, name: str, *arguments: str) -> dict[str, object]:
    """What a benchmark writes, run only to see that it runs."""
    path = tmp_path / "results.json"
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--quick", "--json", path]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"out": process.stdout}
    )


def names(result: dict[str, object]) -> list[str]:
    """What is compared, in order and once each."""
    return list(dict.fromkeys(row["name"] for row in result["results"]))


@pytest.fixture
def mnist() -> None:
    """Skip where MNIST would have to be fetched."""
    if not all((cache_dir() / "mnist" / file.name).exists() for file in FILES.values()):
        pytest.skip("MNIST is not cached")


def test_steps(tmp_path, mnist):
    require("torch")
    compared = ["netspec, torch", "PyTorch with DataLoader", "Lightning Trainer"]
    assert names(quick(tmp_path, "steps", "torch")) == compared[: 2 + bool(find_spec("lightning"))]


@pytest.mark.nightly
def test_training_compares_whole_processes_and_their_memory(tmp_path, mnist):
    require("torch")
    result = quick(tmp_path, "training", "torch")
    assert names(result) == ["netspec, torch", "PyTorch with DataLoader"]
    assert all(row["peak_megabytes"] > 100 for row in result["results"])


@pytest.mark.nightly
def test_streaming_trains_on_more_than_memory(tmp_path):
    require("torch")
    results = quick(tmp_path, "streaming", "torch")["results"]
    assert [row["times"] for row in results] == [1, 2]
    assert all(row["peak_megabytes"][0] > 100 for row in results)


@pytest.mark.nightly
def test_tables_compare_netspec_with_pyarrow(tmp_path):
    pytest.importorskip("pyarrow")
    result = quick(tmp_path, "tables")
    assert names(result) == ["netspec", "pyarrow.csv.read_csv"]
    assert all(row["megabytes"] > 0 for row in result["results"])


@pytest.mark.nightly
def test_table_quality_is_that_of_scikit_learn(tmp_path):
    require("torch")
    pytest.importorskip("sklearn")
    results = quick(tmp_path, "table_quality")["results"]
    assert [(row["data"], row["measure"]) for row in results] == [
        ("iris", "accuracy"),
        ("diabetes", "R2"),
    ]
    assert all(row["netspec"][0] > row["scikit_learn"][0] - 0.2 for row in results)


@pytest.mark.nightly
def test_images_compare_epochs_with_a_dataset(tmp_path):
    require("torch")
    result = quick(tmp_path, "images", "torch")
    assert names(result) == ["netspec, torch", "ImageFolder, DataLoader of 2 workers"]


@pytest.mark.nightly
def test_first_step(tmp_path, mnist):
    require("keras")
    result = quick(tmp_path, "first_step", "keras")
    assert names(result) == ["netspec, keras", "keras, hand-written"]


@pytest.mark.nightly
def test_accuracy_is_that_of_the_exported_files_too(tmp_path, mnist):
    for backend in ("keras", "torch", "onnx"):
        require(backend)
    results = quick(tmp_path, "accuracy", "--runs", str(tmp_path / "runs"))["results"]
    assert [(row["backend"], row["seed"]) for row in results] == [("keras", 0), ("torch", 0)]
    assert all(row["same"] == row["images"] == 10_000 for row in results)
    assert all(row["accuracy"] == row["onnx_accuracy"] for row in results)


@pytest.mark.nightly
def test_time_to_99(tmp_path):
    require("torch")
    result = quick(tmp_path, "time_to_99", "torch")
    assert [(row["of"], row["name"]) for row in result["results"]] == [
        (of, name) for of in ("process", "epochs") for name in ("mnist_fast", "mnist_cnn")
    ]


@pytest.mark.nightly
def test_busy_processes_are_beside_both_sides(tmp_path, mnist):
    require("keras", "torch")
    results = quick(tmp_path, "busy")["results"]
    compared = [(row["backend"], row["network"], row["busy"]) for row in results]
    assert compared == list(itertools.product(busy.BACKENDS, busy.SPECS, (0, 2)))
    counts = {"netspec", *map(str, range(1, allowed_cores() + 1))}
    assert all(row["seconds"].keys() == counts for row in results)


@pytest.mark.nightly
def test_start(tmp_path):
    require("keras", "torch")
    assert names(quick(tmp_path, "start"))[:3] == [
        "netspec --help",
        "netspec summary specs/mnist_cnn.yaml",
        'python -c "import keras"',
    ]


@pytest.mark.nightly
def test_inference_compares_models_that_compute_the_same(tmp_path):
    require("keras", "torch", "onnx")
    result = quick(tmp_path, "inference")
    there = [name for name, (module, _) in inference.MODELS.items() if find_spec(module)]
    assert names(result) == [*there, inference.PRODUCTS]
    assert {row["batch"] for row in result["results"]} == {1, 32, 256}


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    require("torch")
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu", "--quick"])
    gpu.main()
    assert capsys.readouterr().out == "PyTorch sees no GPU, and nothing is measured\n"


@pytest.mark.gpu
@pytest.mark.nightly
def test_gpu_epochs_compare_hand_written_loops(tmp_path, mnist):
    require("torch")
    result = quick(tmp_path, "gpu", "epochs", "--device", "cpu")
    assert names(result)[:2] == ["netspec, torch", "PyTorch with DataLoader"]
    assert result["device"] == "cpu"


def test_gpu_tests_are_counted_by_outcome(tmp_path, monkeypatch):
    require("torch")
    lines = tmp_path / "tests.jsonl"
    line = {"test": "tests/gpu/test_a.py::test_b[1]", "seconds": 1, "reason": "no | GPU"}
    outcomes = ("passed", "skipped", "skipped", "failed")
    written = [json.dumps(line | {"outcome": outcome}) + "\n" for outcome in outcomes]
    lines.write_text("".join(written), encoding="utf-8")

    results = tmp_path / "results.json"
    command = ["gpu", "tests", "--device", "cpu", "--quick"]
    monkeypatch.setattr(sys, "argv", [*command, "--lines", str(lines), "--json", str(results)])
    gpu.main()

    counts, others = json.loads(results.read_text(encoding="utf-8"))["tables"]
    assert counts["rows"] == [["1", "1", "2"]]
    assert others["rows"] == [
        ["1", "failed", "test_a.py::test_b", "no / GPU"],
        ["2", "skipped", "test_a.py::test_b", "no / GPU"],
    ]


def test_a_part_without_its_framework_is_left_out(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "find_spec", lambda name: None if name == "tensorflow" else name)
    gpu.run_part("keras", argparse.Namespace())
    assert capsys.readouterr().out == "left out: keras, for tensorflow is not installed\n"


def test_an_unknown_driver_loses_no_results(monkeypatch):
    monkeypatch.setattr(harness, "gpu_present", lambda: True)
    monkeypatch.setenv("PATH", "")
    assert harness._gpu() is None


def test_the_limit_of_a_batch_size_is_the_lower_rate():
    most = gpu.image_limits({"fp32": 1e12, "copy": 1e9}, batch=32)
    graph = loads(harness.SPEC.read_text(encoding="utf-8")).graph
    assert most["fp32"] == 1e12 / limits.training_operations(graph)
    assert most["copy"] == 1e9 / limits.training_traffic(graph, 32)


def test_the_ratio_is_that_of_the_medians_and_its_range_that_of_the_rounds():
    _, row = harness.rows({"ours": [1.0, 2.0, 4.0], "theirs": [3.0, 4.0, 10.0]})
    assert (row.ratio, row.lowest, row.highest) == (4 / 2, 4 / 2, 3 / 1)


def test_every_other_round_goes_backwards():
    order = []
    sides = {name: lambda name=name: order.append(name) or 1.0 for name in "ab"}
    harness.alternated(sides, 2)
    assert order == ["a", "b", "a", "b", "b", "a"]


def test_a_side_without_its_module_is_left_out_and_told(capsys):
    sides = {"here": ("json", lambda: 1), "not here": ("no_such_module", lambda: 2)}
    assert harness.installed(sides) == {"here": 1}
    assert capsys.readouterr().out == "left out: not here, for no_such_module is not installed\n"


def test_the_arithmetic_of_training_is_that_of_three_passes_but_the_first_layers_input():
    graph = loads(
        "netspec: 1\nname: a\ninput: [4]\nlayers: [Dense: {units: 3}, Dense: {units: 2}]\n"
    ).graph
    assert limits.training_operations(graph) == 2 * (2 * 4 * 3 + 3 * 3 * 2)


def test_the_traffic_of_training_counts_values_five_times_and_weights_ten_times_a_batch():
    graph = loads("netspec: 1\nname: a\ninput: [4]\nlayers: [Dense: {units: 3}]\n").graph
    assert limits.training_traffic(graph, batch=2) == 4 * (5 * 3 + 10 * (4 * 3 + 3) / 2)


def test_the_arithmetic_of_prediction_bounds_the_images_a_second():
    def operations(first: int, second: int) -> int:
        """The layers of the tutorial, with outputs of these sides after the first two convolutions."""
        convolutions = 9 * (first**2 * 32 + second**2 * 32 * 64 + 3**2 * 64 * 64)
        return 2 * (convolutions + 3 * 3 * 64 * 64 + 64 * 10)

    # The second pooling reads 10 x 10 of 11 x 11, for which the second convolution reads 12 x 12 of
    # 13 x 13, for which the first pooling reads 24 x 24 of 26 x 26.
    whole, needed = operations(26, 11), operations(24, 10)
    reached = limits.Reached(operations=1000 * whole, netspec=500, eager=250)
    texts, computed = limits.prediction_table(inference.NETWORK, {32: reached}).rows
    assert texts[:4] == ("50.0%", "4.00x", "32", "of the spec")
    assert texts[-1] == "1,000"
    assert computed[:2] == (f"{0.5 * needed / whole:.1%}", f"{4 * whole / needed:.2f}x")
    assert computed[-1] == f"{1000 * whole / needed:,.0f}"


def test_limits_are_measured_the_same_way_on_any_device():
    require("torch")
    limits_ = gpu.limits("cpu", quick=True)
    table = gpu.limits_table(limits_, images_per_second=1.0)
    assert [row[1] for row in table.rows] == [
        "matrix products, fp32",
        "matrix products, TF32",
        "matrix products, bf16",
        "copies in memory",
    ]


def test_the_page_is_what_the_results_give():
    assert page.PAGE.read_text(encoding="utf-8") == page.document()


def test_results_are_no_quick_ones():
    results = [json.loads(path.read_text(encoding="utf-8")) for path in harness.RESULTS.iterdir()]
    assert [result["benchmark"] for result in results if result["quick"]] == []
