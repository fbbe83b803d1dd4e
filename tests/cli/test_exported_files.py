"""`netspec evaluate` and `netspec bench` of ONNX files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from commands import netspec_
from frameworks import require
from netspec.api import load, train
from netspec.backend import find
from netspec.data.sources.digits import load_digits
from netspec.network import loads
from saturating import with_8_bits

QUICK = ["--batch-sizes", "1", "--seconds", "0.01", "--device", "cpu"]
OVERFLOW = "2 layers have int8 weights of 8 bits"


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    require("onnx")
    require("torch")
    network = load(digits, {"train.epochs": 1})
    return train(network, "torch", device="cpu", runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def int8_file(run):
    path = run.path / "model-int8.onnx"
    netspec_("export", run.path, "--onnx", "--quantize", "int8", "--force")
    yield path
    path.unlink()


@pytest.fixture
def old_file(int8_file):
    content = int8_file.read_bytes()
    int8_file.write_bytes(with_8_bits(content))
    yield int8_file
    int8_file.write_bytes(content)


@pytest.mark.parametrize("options", [[], ["--raw-input"]], ids=["scaled", "raw"])
def test_a_file_is_evaluated_as_its_run(run, tmp_path, options):
    file = tmp_path / "model.onnx"
    netspec_("export", run.path, "--onnx", "-o", file, *options)
    results = json.loads(netspec_("evaluate", file, "--json").results)
    expected = json.loads(netspec_("evaluate", run.path, "--backend", "onnx", "--json").results)
    assert results["run"] == str(file)
    assert results["images"] == expected["images"]
    assert results["test_accuracy"] == expected["test_accuracy"]
    assert results["test_loss"] == pytest.approx(expected["test_loss"], abs=1e-5)


def test_a_file_is_measured_as_it_is(int8_file):
    data = json.loads(netspec_("bench", int8_file, "--json", *QUICK).results)
    assert data["of"] == f"{int8_file}, test images"
    assert data["remarks"] == []
    (row,) = data["rows"]
    assert (row["form"], row["title"]) == ("file", "model-int8.onnx")
    assert row["images_per_second"] > 0


def test_evaluate_reports_weights_of_8_bits(old_file):
    ended = netspec_("evaluate", old_file)
    assert ended.status == 0
    assert ended.err.startswith(f"note: {OVERFLOW}")


def test_bench_reports_weights_of_8_bits(old_file):
    ended = netspec_("bench", old_file, *QUICK)
    assert ended.status == 0
    assert ended.err.startswith(f"note: {OVERFLOW}")


@pytest.mark.parametrize("command", ["evaluate", "bench"])
def test_old_files_of_a_run_are_reported(run, old_file, command):
    options = [*QUICK, "--forms", "onnx"] if command == "bench" else []
    ended = netspec_(command, run.path, *options)
    assert ended.status == 0
    assert ended.err.startswith(f"note: {old_file}: {OVERFLOW}")


def test_new_files_are_not_reported(run, int8_file):
    assert netspec_("evaluate", run.path).results


def test_the_missing_penalties_of_a_file_are_reported(run, digits, tmp_path):
    network = load(
        digits, {"train.epochs": 1, "layers.2.Dense.kernel_regularizer": {"l2": {"l2": 0.01}}}
    )
    penalized = train(network, "torch", device="cpu", runs=tmp_path)
    file = tmp_path / "model.onnx"
    netspec_("export", penalized.path, "--onnx", "-o", file)
    assert "note: test_loss has no penalties" in netspec_("evaluate", file).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "FILE", "--backend", "torch"], "is an ONNX file, and --backend torch"),
        (["bench", "FILE", "--forms", "onnx"], "is an ONNX file, which has one form"),
        (["bench", "FILE", "--set", "name=x"], "is an ONNX file, and --set and --passes"),
        (["bench", "FILE", "--passes", "none"], "is an ONNX file, and --set and --passes"),
        (["evaluate", "missing.onnx"], "missing.onnx cannot be read"),
        (["bench", "missing.onnx"], "missing.onnx cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_file_cannot_be_asked_is_refused(int8_file, arguments, message):
    words = [str(int8_file) if word == "FILE" else word for word in arguments]
    assert message in netspec_(*words).fault


def test_a_file_without_a_spec_is_refused(int8_file, tmp_path):
    import onnx

    model = onnx.load(int8_file)
    del model.metadata_props[:]
    file = tmp_path / "other.onnx"
    onnx.save(model, file)
    assert "contains no spec" in netspec_("evaluate", file).fault


FLOATS = """\
netspec: 1
name: floats
input: [8, 8, 1]
layers:
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: npz, path: floats.npz}
train: {loss: sparse_categorical_crossentropy, epochs: 1, batch_size: 100}
"""


def run_on(folder, of_pixels):
    """A run on the digits, their pixels of 8 bits made something else by a function."""
    require("onnx")
    require("torch")
    arrays = load_digits()
    for name in ("x_train", "x_test"):
        arrays[name] = of_pixels(np.rint(arrays[name] * (255 / 16)))
    np.savez(folder / "floats.npz", **arrays)
    network = loads(FLOATS, folder)
    return train(network, "torch", device="cpu", runs=folder / "runs")


def test_a_raw_file_takes_the_pixels_of_a_network_of_floats(tmp_path):
    run = run_on(tmp_path, lambda pixels: (pixels / 255).astype(np.float32))
    file = tmp_path / "raw.onnx"
    netspec_("export", run.path, "--onnx", "--raw-input", "-o", file)
    model = find("onnx").open(file.read_bytes(), "cpu")
    pixels = np.rint(load_digits()["x_test"] * (255 / 16)).astype(np.uint8)[..., None]
    inputs = (pixels / 255).astype(np.float32)
    expected = find("torch").predictor(run.network, run.weights(), "cpu").predict(inputs)
    (outputs,) = model.outputs_of_pixels(pixels)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert json.loads(netspec_("evaluate", file, "--json").results)["images"] == 297


@pytest.mark.parametrize(
    ("of_pixels", "reason"),
    [
        (lambda pixels: (pixels / 300).astype(np.float32), "from pixels of 8 bits"),
        (lambda pixels: (pixels * 257).astype(np.uint16), "raw input is pixels of 8 bits"),
        (lambda pixels: ((pixels - 99) / 55).astype(np.float32), "no pixels of an image"),
    ],
    ids=["between pixels", "16 bits", "standardized"],
)
def test_raw_input_is_refused_where_no_pixels_are_the_training_data(tmp_path, of_pixels, reason):
    run = run_on(tmp_path, of_pixels)
    assert reason in netspec_("export", run.path, "--onnx", "--raw-input").fault
    assert not (run.path / "model.onnx").exists()


def test_a_file_records_its_data_and_where_they_are_from_its_folder(tmp_path):
    import onnx

    run = run_on(tmp_path, lambda pixels: pixels.astype(np.uint8))
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "model.onnx"
    netspec_("export", run.path, "--onnx", "-o", file)
    assert str(tmp_path).encode() not in file.read_bytes()
    metadata = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(metadata["netspec.data"]) == run.about.data.model_dump(mode="json")
    assert netspec_("evaluate", file).results
    moved = tmp_path / "moved.npz"
    (tmp_path / "floats.npz").rename(moved)
    assert "--data" in netspec_("evaluate", file).fault
    assert netspec_("evaluate", file, "--data", moved).results
    arrays = dict(np.load(moved))
    np.savez(moved, **(arrays | {"y_test": arrays["y_test"][::-1]}))
    assert "y_test has other values" in netspec_("evaluate", file, "--data", moved).err
    quantized = netspec_(
        "export", run.path, "--onnx", "--quantize", "fp16", "--force", "--data", moved
    )
    assert "y_test has other values" in quantized.err
