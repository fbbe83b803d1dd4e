"""What each command loads: it starts quickly because it loads nothing that it does not need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import netspec
from frameworks import TRAINING, require
from netspec.backend import find_exporting
from netspec.language.layers import FAMILIES
from netspec.network import loads
from netspec.numerics.initial import initial

SPEC = Path(__file__).parents[1] / "specs/mnist_cnn.yaml"
FRAMEWORKS = {"keras", "tensorflow", "torch", "onnx", "onnxruntime"}
# What reading a spec does not need either; the largest are numpy, sklearn and PIL.
HEAVY = FRAMEWORKS | {"numpy", "sklearn", "scipy", "PIL", "safetensors", "pooch", "requests"}

SMALL = """\
netspec: 1
name: small
input: [8, 8, 1]
layers: [Flatten, Dense: {units: 10, activation: softmax}]
data: {dataset: npz, path: data.npz, scale: 255}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""

PROGRAM = """\
import json, sys
from netspec.cli import main

file = open(sys.argv[1], "w")
for arguments in json.loads(sys.argv[2]):
    sys.argv = ["netspec", *arguments]
    try:
        main()
    except SystemExit as ended:
        json.dump([ended.code, *sys.modules], file)
        file.write("\\n")
"""

LIGHT = {
    "summary": ["summary", SPEC],
    "check": ["check", SPEC],
    "summary --json": ["summary", SPEC, "--json"],
    "layers": ["layers"],
    "schema": ["schema"],
    "new": ["new", "network"],
}
"""Commands that need only the graph. The first one runs in a fresh process."""


def loaded(folder: Path, *commands: Sequence[str | Path]) -> list[set[str]]:
    """The modules that a process has loaded after each of several commands."""
    arguments = json.dumps([[*map(str, command)] for command in commands])
    run_python(folder, PROGRAM, "loaded", arguments)
    lines = (folder / "loaded").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [status for status, *_ in records] == [0] * len(commands)
    return [set(names) for _, *names in records]


def run_python(folder: Path, program: str, *arguments: str) -> str:
    """The standard output of a program in a folder."""
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_importing_netspec_loads_nothing_heavy(tmp_path):
    modules = {*run_python(tmp_path, "import sys, netspec\nprint(*sys.modules)").split()}
    assert modules & {*HEAVY, "pydantic", "yaml", "typer", "rich"} == set()


def test_help_loads_no_room_of_the_house(tmp_path):
    *_, modules = loaded(tmp_path, ["--help"], ["train", "--help"])
    assert modules & {*HEAVY, "yaml"} == set()
    rooms = {
        "netspec",
        "netspec.api",
        "netspec.process",
        "netspec.text",
        "netspec.text.diagnostics",
    }
    of_rooms = {name for name in modules if re.match(r"netspec(?!\.cli\b)", name)}
    assert of_rooms == rooms


@pytest.fixture(scope="module")
def light(tmp_path_factory) -> dict[str, set[str]]:
    """The modules that are loaded after each command that needs only the graph, in one process."""
    results = loaded(tmp_path_factory.mktemp("light"), *LIGHT.values())
    return dict(zip(LIGHT, results, strict=True))


@pytest.mark.parametrize("command", LIGHT)
def test_what_needs_only_the_graph_is_light(light, command):
    assert light[command] & HEAVY == set()


def test_a_summary_loads_only_the_families_of_the_spec(light):
    families = {f"netspec.language.layers.{name}" for name in FAMILIES}
    assert light["summary"] & families == {
        f"netspec.language.layers.{family}" for family in ("convolution", "core", "pooling")
    }


def test_compile_and_backends_load_no_framework(tmp_path):
    commands = [["compile", SPEC, "--backend", backend] for backend in TRAINING]
    results = loaded(tmp_path, *commands, ["backends"])
    assert [modules & FRAMEWORKS for modules in results] == [set()] * len(results)


def test_new_loads_neither_numpy_nor_a_framework(tmp_path):
    (modules,) = loaded(tmp_path, ["new", "network"])
    assert modules & HEAVY == set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the small spec and its data."""
    path = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(0)
    arrays = {
        f"{name}_{split}": random.integers(0, limit, (count, *shape), np.uint8)
        for name, limit, shape in (("x", 256, (8, 8)), ("y", 10, ()))
        for split, count in (("train", 64), ("test", 16))
    }
    np.savez(path / "data.npz", **arrays)
    (path / "small.yaml").write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(folder) -> Path:
    require("torch")
    network = netspec.load(folder / "small.yaml")
    return netspec.train(network, "torch", device="cpu", runs=folder / "runs").path


def test_a_look_at_data_loads_no_framework(folder):
    results = loaded(folder, ["data", "small.yaml"], ["check", "--data", "small.yaml"])
    assert [modules & {*FRAMEWORKS, "matplotlib"} for modules in results] == [set()] * 2


def test_onnx_commands_load_neither_keras_nor_torch(folder, run):
    require("onnx")
    from PIL import Image

    network = loads(SMALL)
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False
    )
    (folder / "model.onnx").write_bytes(content)
    Image.new("L", (8, 8)).save(folder / "image.png")

    results = loaded(
        folder,
        ["predict", "model.onnx", "image.png"],
        ["evaluate", run, "--backend", "onnx"],
        ["export", run, "--onnx"],
    )

    assert [modules & FRAMEWORKS for modules in results] == [{"onnx", "onnxruntime"}] * 3


def test_bench_loads_no_framework_into_its_own_process(tmp_path):
    require("onnx")
    options = ["--forms", "onnx", "--seconds", "0.01", "--batch-sizes", "1"]
    (modules,) = loaded(tmp_path, ["bench", SPEC, *options])
    assert modules & {*FRAMEWORKS, "matplotlib"} == set()


@pytest.mark.parametrize(("backend", "other"), [("keras", "torch"), ("torch", "keras")])
def test_a_training_backend_loads_no_other(folder, backend, other):
    require(backend)
    options = ["--backend", backend, "--device", "cpu", "--runs", str(folder / backend)]
    (packages,) = loaded(folder, ["train", "small.yaml", *options])
    assert packages & {other, "onnx", "onnxruntime"} == set()
    # What TensorFlow and Keras would load where they find it.
    assert packages & {"jax", "matplotlib", "sklearn"} == set()


def test_a_program_that_imports_netspec_has_all_of_keras():
    """pytest is such a program. Keras's wrappers of scikit-learn need scikit-learn."""
    require("keras")
    from netspec_keras.framework import keras

    assert "jax" not in sys.modules
    assert keras.wrappers.SKLearnClassifier
