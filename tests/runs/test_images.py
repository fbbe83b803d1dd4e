"""Folders of image files through a whole run: training, test, export, prediction."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from core.image_files import half_bright
from frameworks import TRAINING, require
from netspec.data import load
from netspec.network import Network, loads
from netspec.runs.folder import Run
from netspec.runs.training import train
from netspec.text.diagnostics import RunError, SuspiciousDataError

ROOT = Path(__file__).parents[2]
ORIENTATION = 0x0112  # the tag of EXIF
TURNED = {1: 0, 3: 180, 6: 90, 8: 270}  # degrees against the clock that the tag undoes

SPEC = """\
netspec: 1
name: halves
input: [8, 8, 1]
layers: [Flatten, Dense: {units: 2, activation: softmax}]
data: {dataset: images, path: photos, resize: stretch, scale: 255}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.05}}
  epochs: 3
  batch_size: 5
  validation: {fraction: 0.2, stratify: true}
"""


def network(folder: Path, **changes: str) -> Network:
    text = SPEC
    for before, after in changes.items():
        text = text.replace(before, after)
    return loads(text, folder)


def save_turned(path: Path, image: Image.Image, tag: int) -> Path:
    """A file as a camera writes it that was rotated as in the EXIF tag."""
    exif = Image.Exif()
    exif[ORIENTATION] = tag
    image.rotate(TURNED[tag]).save(path, exif=exif)
    return path


def written(folder: Path, count: int = 15) -> Path:
    """A folder with photographs of two classes, all of them stored upside down."""
    for label, name in enumerate(("bottom", "top")):
        for index in range(count):
            path = folder / "photos" / name / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = half_bright(40 + index, top=name == "top", seed=100 * label + index)
            save_turned(path, image, 3)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("halves"))


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETSPEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=TRAINING)
def run(request, folder) -> Run:
    require(request.param)
    return netspec.train(network(folder), request.param, device="cpu", runs=folder / "runs")


@pytest.mark.parametrize("tag", TURNED)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_predicted_photograph_is_turned_as_in_training(run, tmp_path, tag, suffix):
    require("onnx")
    for name in ("top", "bottom"):
        path = save_turned(tmp_path / f"{name}.{suffix}", half_bright(60, top=name == "top"), tag)
        (prediction,) = netspec.predict(run, [path])
        assert (prediction.label, prediction.notes) == (name, ())


def test_evaluation_shows_the_names_of_the_folders(run):
    evaluation = netspec.evaluate(run)
    assert evaluation.class_names == ("bottom", "top")
    assert evaluation.figures["test_accuracy"] == 1
    assert evaluation.remarks == ()


def test_run_records_its_images(run):
    about = json.loads((run.path / "run.json").read_text("utf-8"))["data"]
    arrays = about["arrays"]
    assert {name: array["count"] for name, array in arrays.items()} == {
        "x_train": 24,
        "y_train": 24,
        "x_test": 6,
        "y_test": 6,
    }
    assert arrays["x_train"]["value_range"] == [0, 255]


def test_exported_file_predicts_as_the_run(run, tmp_path):
    require("onnx")
    exported = netspec.export(run, path=tmp_path / "halves.onnx").path
    path = save_turned(tmp_path / "image.webp", half_bright(33), 1)
    (of_file,), (of_run,) = netspec.predict(exported, [path]), netspec.predict(run, [path])
    assert of_file.label == "top"
    assert of_file.probabilities == of_run.probabilities


def test_streamed_images_train_the_same_weights(run, folder, tmp_path):
    streamed = train(network(folder), run.backend, device="cpu", runs=tmp_path, memory=1)
    for name, weights in run.weights().items():
        np.testing.assert_array_equal(streamed.weights()[name], weights)


def test_resumed_run_ends_with_the_same_weights(run, folder, tmp_path):
    options = {"device": "cpu", "runs": tmp_path}
    begun = train(network(folder, **{"epochs: 3": "epochs: 1"}), run.backend, **options)
    resumed = train(network(folder), run.backend, resume=begun.path, **options)
    for name, weights in run.weights().items():
        np.testing.assert_array_equal(resumed.weights()[name], weights)


def test_resume_refuses_other_images(tmp_path):
    require("torch")
    folder = written(tmp_path, 5)
    small = {"epochs: 3": "epochs: 1"}
    run = train(network(folder, **small), "torch", device="cpu", runs=tmp_path / "runs")
    half_bright(50).save(folder / "photos/top/0.jpg")
    with pytest.raises(RunError, match="was begun with other data"):
        train(network(folder), "torch", device="cpu", runs=tmp_path / "runs", resume=run.path)


def test_folder_of_images_can_be_moved(run, folder, tmp_path):
    written(tmp_path / "elsewhere")
    evaluation = netspec.evaluate(run, data=tmp_path / "elsewhere" / "photos")
    assert evaluation.remarks == ()
    assert netspec.evaluate(run, data=tmp_path / "elsewhere").remarks == ()


def test_digits_in_a_folder_are_learned_better_than_by_a_linear_model(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    require("torch")
    from sklearn.linear_model import LogisticRegression

    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    program, *_ = re.findall("```python\n(.*?)```", page, re.DOTALL)
    exec(program, {})
    spec = (ROOT / "specs/digits_folder.yaml").read_text(encoding="utf-8")
    digits = loads(spec, tmp_path)
    dataset = load(digits)
    features = [
        np.asarray(part.inputs[0]).reshape(len(part), -1) / 255
        for part in (dataset.train, dataset.test)
    ]
    linear = LogisticRegression(max_iter=1000).fit(features[0], dataset.train.targets[0])
    run = train(digits, "torch", device="cpu", runs=tmp_path / "runs")
    accuracy = netspec.evaluate(run).figures["test_accuracy"]
    assert accuracy >= 0.97  # a linear model: 0.953, scikit-learn's MLPClassifier: 0.975
    assert accuracy > linear.score(features[1], dataset.test.targets[0])


def test_strict_training_stops_at_skipped_files(tmp_path):
    require("torch")
    folder = written(tmp_path, 5)
    (folder / "photos/top/empty.jpg").write_bytes(b"")
    skipping = network(folder, **{"resize: stretch": "resize: stretch, on_error: skip"})
    with pytest.raises(SuspiciousDataError) as caught:
        train(skipping, "torch", device="cpu", runs=tmp_path / "runs", strict=True)
    assert caught.value.sentences[0] == "photos/top/empty.jpg is empty; it is left out"
