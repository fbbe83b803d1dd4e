"""What each command loads: it starts quickly because it loads nothing that it does not need."""

from __future__ import annotations

import re
import subprocess
import sys
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
data: {dataset: digits, scale: 16}
train: {loss: sparse_categorical_crossentropy}
"""

PROGRAM = """\
import sys
try:
    from netspec.cli import main
    main()
except SystemExit as ended:
    status = ended.code
print(status, *sys.modules, file=open(sys.argv[0], "w"))
"""


def loaded(tmp_path: Path, *arguments: str | Path) -> set[str]:
    """The modules and packages that a process has loaded when a command is done."""
    argv = [str(tmp_path / "loaded"), *map(str, arguments)]
    return loaded_by(tmp_path, f"import sys; sys.argv = {argv}\n{PROGRAM}")


def loaded_by(tmp_path: Path, program: str) -> set[str]:
    command = [sys.executable, "-c", program]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    status, *names = (tmp_path / "loaded").read_text(encoding="utf-8").split()
    assert status == "0", process.stderr
    return set(names)


def test_importing_netspec_loads_nothing_heavy(tmp_path):
    program = "import sys, netspec\nprint(0, *sys.modules, file=open('loaded', 'w'))"
    assert loaded_by(tmp_path, program) & {*HEAVY, "pydantic", "yaml", "typer", "rich"} == set()


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_loads_no_room_of_the_house(tmp_path, arguments):
    modules = loaded(tmp_path, *arguments)
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


@pytest.mark.parametrize(
    "arguments",
    [["check", SPEC], ["summary", SPEC], ["summary", SPEC, "--json"], ["layers"], ["schema"]],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_the_graph_alone_loads_neither_numpy_nor_a_framework(tmp_path, arguments):
    assert loaded(tmp_path, *arguments) & HEAVY == set()


def test_a_summary_loads_the_families_of_the_layers_that_the_spec_names(tmp_path):
    modules = loaded(tmp_path, "summary", SPEC)
    families = {f"netspec.language.layers.{name}" for name in FAMILIES}
    assert modules & families == {
        f"netspec.language.layers.{family}" for family in ("convolution", "core", "pooling")
    }


def test_new_loads_neither_numpy_nor_a_framework(tmp_path):
    assert loaded(tmp_path, "new", "network") & HEAVY == set()


@pytest.mark.parametrize("backend", TRAINING)
def test_compile_loads_no_framework(tmp_path, backend):
    assert loaded(tmp_path, "compile", SPEC, "--backend", backend) & FRAMEWORKS == set()


@pytest.mark.parametrize("command", [["data"], ["check", "--data"]], ids=lambda command: command[0])
def test_a_look_at_data_loads_no_framework(tmp_path, command):
    np.savez(tmp_path / "data.npz", **arrays())
    (tmp_path / "small.yaml").write_text(SMALL.replace("digits", "npz, path: data.npz"), "utf-8")
    assert loaded(tmp_path, *command, "small.yaml") & {*FRAMEWORKS, "matplotlib"} == set()


def arrays() -> dict[str, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 17, (40, 8, 8)).astype(np.uint8)
    labels = np.arange(20) % 10
    return {
        "x_train": images[:20],
        "y_train": labels,
        "x_test": images[20:],
        "y_test": labels,
    }


def test_backends_loads_no_framework(tmp_path):
    assert loaded(tmp_path, "backends") & FRAMEWORKS == set()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    require("torch")
    path = tmp_path_factory.mktemp("runs")
    return netspec.train(loads(SMALL), "torch", device="cpu", runs=path).path


def test_export_loads_neither_keras_nor_tensorflow_nor_torch(tmp_path, run):
    require("onnx")
    packages = loaded(tmp_path, "export", run, "--onnx")
    assert packages & FRAMEWORKS == {"onnx", "onnxruntime"}


def test_evaluate_on_onnx_loads_neither_keras_nor_tensorflow_nor_torch(tmp_path, run):
    require("onnx")
    packages = loaded(tmp_path, "evaluate", run, "--backend", "onnx")
    assert packages & FRAMEWORKS == {"onnx", "onnxruntime"}


def test_predict_loads_neither_keras_nor_tensorflow_nor_torch(tmp_path):
    require("onnx")
    from PIL import Image

    network = loads(SMALL)
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False
    )
    (tmp_path / "model.onnx").write_bytes(content)
    Image.new("L", (8, 8)).save(tmp_path / "image.png")
    packages = loaded(tmp_path, "predict", "model.onnx", "image.png")
    assert packages & FRAMEWORKS == {"onnx", "onnxruntime"}


def test_bench_loads_no_framework_into_its_own_process(tmp_path):
    require("onnx")
    options = ["--forms", "onnx", "--seconds", "0.01", "--batch-sizes", "1"]
    assert loaded(tmp_path, "bench", SPEC, *options) & {*FRAMEWORKS, "matplotlib"} == set()


@pytest.mark.parametrize(("backend", "other"), [("keras", "torch"), ("torch", "keras")])
def test_a_training_backend_loads_no_other(tmp_path, backend, other):
    require(backend)
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    packages = loaded(tmp_path, "train", "small.yaml", "--backend", backend, "--device", "cpu")
    assert packages & {other, "onnx", "onnxruntime"} == set()
    # What TensorFlow and Keras would load where they find it; scikit-learn brings the digits.
    assert packages & {"jax", "matplotlib"} == set()


def test_a_program_that_imports_netspec_has_all_of_keras(tmp_path):
    require("keras")
    program = "import sys, netspec_keras.runtime\nprint(0, *sys.modules, file=open('loaded', 'w'))"
    assert "sklearn" in loaded_by(tmp_path, program)
