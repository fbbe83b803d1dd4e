"""train, evaluate, export and predict, end to end on every backend."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import Ended, netspec_
from frameworks import TRAINING, require
from netspec.backend import find, find_exporting, gpu_present
from netspec.data.sources.digits import load_digits
from netspec.numerics.initial import initial
from netspec.runs.folder import Run


@dataclass(frozen=True)
class Trained:
    backend: str
    runs: Path
    ended: Ended

    @property
    def run(self) -> Run:
        return Run(self.runs / f"small_digits-{self.backend}-1")


@pytest.fixture(scope="module", params=TRAINING)
def trained(request, digits, tmp_path_factory) -> Trained:
    """What the train command left on a backend; no test changes it."""
    require(request.param, "onnx")
    runs = tmp_path_factory.mktemp("runs")
    options = ["--runs", runs, "--device", "cpu"]
    ended = netspec_("train", digits, "--backend", request.param, *options)
    return Trained(request.param, runs, ended)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Digits of the test set as PNG files, light on dark."""
    folder = tmp_path_factory.mktemp("pictures")
    paths: list[Path] = []
    for index, image in enumerate(load_digits()["x_test"][:5]):
        paths.append(folder / f"{index}.png")
        Image.fromarray(np.rint(image * (255 / 16)).astype(np.uint8)).save(paths[-1])
    return paths


def probabilities(ended: Ended) -> np.ndarray:
    predictions = json.loads(ended.results)
    return np.array([list(prediction["probabilities"].values()) for prediction in predictions])


def test_train_prints_a_line_for_every_epoch_and_for_the_test(trained):
    first, *epochs, test, last = trained.ended.results.splitlines()
    assert first == f"Training with {trained.backend} on cpu, into {trained.run.path}"
    assert [line[:9] for line in epochs] == ["Epoch 1/2", "Epoch 2/2"]
    assert all(re.search(r"loss \d\.\d{4}  accuracy [01]\.\d{4}", line) for line in epochs)
    assert re.fullmatch(r"Test  loss \d\.\d{4}  accuracy [01]\.\d{4}", test)
    assert last.startswith(f"Wrote {trained.run.path}: checkpoint.safetensors, ")


@pytest.mark.parametrize("backend", ["keras", "torch", "onnx"])
def test_evaluate_gives_the_figures_of_the_training_on_every_backend(trained, backend):
    require(backend)
    options = ["--runs", trained.runs, "--backend", backend, "--device", "cpu", "--json"]
    data = json.loads(netspec_("evaluate", *options).results)
    *_, test = trained.run.history
    assert (data["backend"], data["images"]) == (backend, 297)
    assert data["test_loss"] == pytest.approx(test["test_loss"], rel=1e-5)
    assert data["test_accuracy"] == test["test_accuracy"]


def test_evaluate_prints_the_figures_with_what_computed_them(trained):
    options = [trained.run.path.name, "--runs", trained.runs, "--device", "cpu"]
    about, loss, accuracy = netspec_("evaluate", *options).results.splitlines()
    *_, test = trained.run.history
    assert about.startswith(f"{trained.run.path} with {trained.backend} on cpu: 297 images, ")
    assert loss == f"test_loss      {test['test_loss']:.4f}"
    assert accuracy == f"test_accuracy  {test['test_accuracy']:.4f}"


def test_export_writes_a_file_that_predicts_what_the_backend_predicted(trained, tmp_path):
    file = tmp_path / "model.onnx"
    options = ["--onnx", "--runs", trained.runs, "-o", file]
    first, second = netspec_("export", *options).results.splitlines()
    assert first.startswith(f"Wrote {file} (")
    message = f"Largest difference from {trained.backend} at batches of 1, 2, 7: "
    assert second.startswith(message)
    assert float(second.removeprefix(message)) <= 1e-5


@pytest.mark.parametrize("form", ["run", "file", "raw"])
def test_predict_gives_what_the_backend_gives(trained, pictures, tmp_path, form):
    if form == "run":
        model = trained.run.path
    else:
        raw = ["--raw-input"] if form == "raw" else []
        exported = tmp_path / "model.onnx"
        assert netspec_("export", trained.run.path, "--onnx", "-o", exported, *raw).results
        model = tmp_path / "elsewhere" / "moved.onnx"
        model.parent.mkdir()
        exported.rename(model)
    run = trained.run
    inputs = np.stack([np.asarray(Image.open(path), np.float32) for path in pictures]) / 255
    predictor = find(run.backend).predictor(run.network, run.weights(), "cpu")
    outputs = predictor.predict(inputs.reshape(-1, 8, 8, 1).astype(np.float32))
    options = ["--as-is", "--device", "cpu", "--json"]
    predicted = probabilities(netspec_("predict", model, *pictures, *options))
    # Raw input has whole pixels only, from 0 to 16; the others have 255 steps.
    np.testing.assert_allclose(predicted, outputs, atol=0.02 if form == "raw" else 1e-5)


def test_predict_prints_a_line_for_every_image_in_their_order(trained, pictures):
    model = trained.run.path
    predictions = probabilities(netspec_("predict", model, *pictures, "--json"))
    lines = netspec_("predict", model, *pictures).results.splitlines()
    best = [f"{row.argmax()}  {row.max():.4f}" for row in predictions]
    assert lines == [f"{path}  {line}" for path, line in zip(pictures, best, strict=True)]


def test_a_run_is_named_by_its_name_in_the_folder_of_runs(trained, pictures):
    name = trained.run.path.name
    assert netspec_("predict", name, pictures[0], "--runs", trained.runs).results


@pytest.fixture
def on_torch(digits, tmp_path) -> Trained:
    """A run of an epoch that a test may change."""
    require("torch", "onnx")
    options = ["--runs", tmp_path / "runs", "--device", "cpu", "--epochs", "1"]
    ended = netspec_("train", digits, "--backend", "torch", *options)
    return Trained("torch", tmp_path / "runs", ended)


def test_train_takes_epochs_batch_size_seed_and_settings_from_the_command_line(digits, tmp_path):
    require("torch")
    options = ["--backend", "torch", "--runs", tmp_path, "--device", "cpu"]
    training = ["--epochs", "1", "--batch-size", "500", "--seed", "7"]
    setting = ["--set", "train.optimizer.adam.beta_1=0.8"]
    assert netspec_("train", digits, *options, *training, *setting).results
    train = Run(tmp_path / "small_digits-torch-1").network.spec.train
    assert train is not None
    assert (train.epochs, train.batch_size, train.seed) == (1, 500, 7)
    assert train.optimizer.beta_1 == 0.8


def test_train_goes_on_with_resume(on_torch, digits):
    options = ["--backend", "torch", "--runs", on_torch.runs, "--device", "cpu"]
    shown = netspec_("train", digits, *options, "--resume", "--epochs", "2").results
    first, second, *_ = shown.splitlines()
    assert first.startswith("Resuming after epoch 1 with torch on cpu, into ")
    assert second.startswith("Epoch 2/2")


def test_train_reports_a_complete_run_as_complete(on_torch, digits):
    options = ["--backend", "torch", "--runs", on_torch.runs, "--device", "cpu"]
    first, _ = netspec_("train", digits, *options, "--resume", "--epochs", "1").results.splitlines()
    assert first == f"{on_torch.run.path} is complete: all of its 1 epochs are done"


def test_train_goes_on_with_the_run_that_is_named(on_torch, digits):
    options = ["--backend", "torch", "--runs", on_torch.runs, "--device", "cpu", "--epochs", "1"]
    netspec_("train", digits, *options)  # a newer run
    shown = netspec_("train", digits, *options, "--resume", "small_digits-torch-1").results
    assert f"{on_torch.run.path} is complete" in shown


def test_resume_may_be_before_the_spec(on_torch, digits):
    options = ["--backend", "torch", "--runs", on_torch.runs, "--device", "cpu", "--epochs", "1"]
    assert "is complete" in netspec_("train", "--resume", digits, *options).results


def test_a_run_to_resume_that_is_not_there_is_a_fault(on_torch, digits):
    options = ["--backend", "torch", "--runs", on_torch.runs]
    fault = netspec_("train", digits, *options, "--resume", "nowhere").fault
    assert "there is no run nowhere" in fault


@pytest.mark.parametrize(
    ("option", "value"), [("epochs", "0"), ("batch-size", "-1"), ("seed", "-1")]
)
def test_an_option_out_of_range_is_shown_as_it_was_typed(digits, option, value):
    fault = netspec_("train", digits, "--backend", "torch", f"--{option}", value).fault
    assert f"1 | --{option} {value}" in fault


def test_an_option_that_is_no_number_is_a_fault_of_usage(digits):
    ended = netspec_("train", digits, "--backend", "torch", "--epochs", "many")
    assert (ended.status, ended.out) == (2, "")
    assert "--epochs" in ended.err


def test_train_cannot_write_runs_into_a_file(digits, spec):
    require("torch")
    ended = netspec_("train", digits, "--backend", "torch", "--runs", spec)
    assert f"no run can be written in {spec}" in ended.fault


@pytest.mark.skipif(gpu_present(), reason="there is a GPU")
@pytest.mark.parametrize("backend", TRAINING)
def test_train_on_a_gpu_that_is_not_there_is_a_fault(digits, backend, tmp_path):
    require(backend)
    options = ["--backend", backend, "--device", "cuda", "--runs", tmp_path]
    assert "no GPU" in netspec_("train", digits, *options).fault
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(gpu_present(), reason="there is a GPU")
def test_predict_on_a_gpu_that_is_not_there_is_a_fault(trained, pictures):
    ended = netspec_("predict", trained.run.path, pictures[0], "--device", "cuda")
    assert "GPU" in ended.fault


# Runs that are none.

TAKERS = [("evaluate",), ("export", "--onnx")]


@pytest.mark.parametrize("command", TAKERS, ids=lambda command: command[0])
def test_without_a_run_the_help_says_how_to_train(command, tmp_path):
    fault = netspec_(*command, "--runs", tmp_path).fault
    assert f"there is no run in {tmp_path}" in fault
    assert "netspec train" in fault


@pytest.mark.parametrize("command", TAKERS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["nowhere", "folder", "file", "."])
def test_what_is_no_run_is_a_fault(command, name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    assert "there is no run" in netspec_(*command, tmp_path / name, "--runs", tmp_path).fault


NEEDED = {
    "evaluate": ["run.json", "spec.yaml", "weights.safetensors"],
    "export": ["run.json", "spec.yaml", "weights.safetensors", "reference.safetensors"],
}


@pytest.mark.parametrize(
    ("command", "file"),
    [(command, file) for command in TAKERS for file in NEEDED[command[0]]],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_damaged_run_is_a_fault(command, file, trained, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(trained.run.path, damaged)
    (damaged / file).write_bytes((damaged / file).read_bytes()[:20])
    assert str(damaged / file) in netspec_(*command, damaged).fault


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "write: netspec export --onnx"),
        (["--onnx", "--opset", "3"], "opset 3"),
        (["--onnx", "--opset", "999"], "opset 999"),
        (["--onnx", "-o", "nowhere/model.onnx"], "nowhere/model.onnx cannot be written"),
        (["--onnx", "-o", "."], "cannot be written"),
        (["--onnx", "--passes", "fast"], "there is no pass named 'fast'"),
    ],
)
def test_an_export_that_cannot_be_is_a_fault(trained, options, message):
    assert message in netspec_("export", *options, "--runs", trained.runs).fault


def test_evaluate_on_a_backend_that_there_is_not_is_a_fault(trained):
    options = ["--runs", trained.runs, "--backend", "tensorflow"]
    assert "there is no backend named 'tensorflow'" in netspec_("evaluate", *options).fault


# Variables and blocks


BLOCKS = """\
netspec: 1
name: blocks
input: [8, 8, 1]
variables: {width: 4, epochs: 1}
blocks:
  unit: {parameters: {filters: }, layers: [Conv2D: {filters: $filters, kernel_size: 3}]}
layers:
  - unit: {filters: $width}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train: {loss: sparse_categorical_crossentropy, epochs: $epochs}
"""


def test_a_run_keeps_what_variables_and_blocks_became(tmp_path):
    require("torch")
    path, runs = tmp_path / "blocks.yaml", tmp_path / "runs"
    path.write_text(BLOCKS, encoding="utf-8")
    options = ["--backend", "torch", "--device", "cpu", "--runs", runs]
    assert netspec_("train", path, *options, "--set", "variables.width=3").results

    run = Run(runs / "blocks-torch-1")
    assert "- Conv2D: {name: unit/conv2d, filters: 3, kernel_size: [3, 3]}" in (
        run.path / "spec.yaml"
    ).read_text(encoding="utf-8")
    assert run.weights()["unit/conv2d.kernel"].shape == (3, 3, 1, 3)


@pytest.mark.parametrize("to", ["int8", "fp16"])
def test_a_smaller_export_shows_what_it_loses_and_predicts(trained, pictures, to):
    options = ["--onnx", "--runs", trained.runs, "--quantize", to, "--force"]
    first, _, head, loss, accuracy, size = netspec_("export", *options).results.splitlines()
    file = trained.run.path / f"model-{to}.onnx"
    assert first.startswith(f"Wrote {file} (")
    assert head.split() == ["float32", to]
    *_, test = trained.run.history
    assert loss.split()[:2] == ["test_loss", f"{test['test_loss']:.4f}"]
    assert accuracy.split()[:2] == ["test_accuracy", f"{test['test_accuracy']:.4f}"]
    assert len({len(line) for line in (loss, accuracy)}) == 1
    assert size.startswith("file ")
    predicted = probabilities(netspec_("predict", file, *pictures, "--device", "cpu", "--json"))
    expected = probabilities(
        netspec_("predict", trained.run.path, *pictures, "--device", "cpu", "--json")
    )
    file.unlink()
    np.testing.assert_allclose(predicted, expected, atol=0.05 if to == "int8" else 0.003)


def test_an_export_that_loses_too_much_is_refused_and_writes_nothing(
    trained, tmp_path, monkeypatch
):
    from netspec_onnx import quantization

    network = trained.run.network
    untrained = find_exporting("onnx").export(network, initial(network.graph, 7))
    monkeypatch.setattr(quantization, "int8", lambda *_: untrained)
    file = tmp_path / "small.onnx"
    options = ["--onnx", "--runs", trained.runs, "-o", file]
    fault = netspec_("export", *options, "--quantize", "int8").fault
    assert fault.startswith("error: the int8 model has a test_accuracy of ")
    assert "help: allow more with --max-loss, or write it all the same with --force" in fault
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most", ["-0.001", "nan"])
def test_an_export_that_may_lose_less_than_nothing_is_a_fault(trained, most):
    options = ["--onnx", "--runs", trained.runs, "--quantize", "fp16", "--max-loss", most]
    assert f"an export cannot lose {most}" in netspec_("export", *options).fault
