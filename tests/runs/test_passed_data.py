"""Data that a program passes to `netspec.train`: trained, resumed, evaluated as files are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import abacus
import netspec
from frameworks import require
from netspec.network import loads
from netspec.runs.folder import Run
from netspec.text.diagnostics import DataError, RunError

SPEC = abacus.SPEC.replace("dataset: npz, path: images.npz", "dataset: python")
ARRAYS = abacus.arrays()
TRAINING = ARRAYS["x_train"], ARRAYS["y_train"]
TEST = ARRAYS["x_test"], ARRAYS["y_test"]
DRAWN = sum(round(count / 5) for count in np.bincount(TRAINING[1]))  # a fifth of every class
PARTS = {"train": TRAINING, "test": TEST}


class Pairs:
    """A data set of examples (x, y), as map-style data sets of PyTorch are."""

    def __init__(self, x, y) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


def batches(x, y):
    return [(x[start : start + 30], y[start : start + 30]) for start in (0, 30)]


def trained(data, folder: Path, **options) -> Run:
    network = options.pop("network", None) or netspec.loads(SPEC)
    runs = folder / "runs"
    return netspec.train(network, "abacus", data=data, runs=runs, progress=False, **options)


def assert_equal(run: Run, other: Run) -> None:
    for name, weights in run.weights().items():
        np.testing.assert_array_equal(other.weights()[name], weights)


@pytest.fixture(scope="module")
def from_file(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("file")
    with pytest.MonkeyPatch.context() as patch:
        abacus.install(patch)
        return netspec.train(abacus.network(folder), "abacus", runs=folder, progress=False)


FORMS = {
    "parts": lambda: PARTS,
    "names": lambda: ARRAYS,
    "lists": lambda: {"train": tuple(part.tolist() for part in TRAINING), "test": TEST},
    "by input": lambda: {"train": ({"pixels": TRAINING[0]}, TRAINING[1]), "test": TEST},
    "by column": lambda: {"train": dict(zip("xy", TRAINING, strict=True)), "test": TEST},
    "data sets": lambda: {"train": Pairs(*TRAINING), "test": Pairs(*TEST)},
    "batches": lambda: {"train": batches(*TRAINING), "test": [TEST]},
}


@pytest.mark.parametrize("form", FORMS)
def test_passed_data_train_as_their_file(form, from_file, on_abacus, tmp_path):
    assert_equal(from_file, trained(FORMS[form](), tmp_path))


def test_a_spec_of_files_keeps_its_fields(from_file, on_abacus, tmp_path):
    run = trained(PARTS, tmp_path, network=netspec.loads(abacus.SPEC))
    assert_equal(from_file, run)
    data = run.network.spec.data
    assert (data.dataset, data.scale) == ("python", 255)


def test_a_spec_without_data_takes_passed_data(from_file, on_abacus, tmp_path):
    spec = abacus.SPEC.replace("data: {dataset: npz, path: images.npz, scale: 255}\n", "")
    scaled = {part: ((x / np.float32(255)).astype(np.float32), y) for part, (x, y) in PARTS.items()}
    assert_equal(from_file, trained(scaled, tmp_path, network=netspec.loads(spec)))


def test_a_run_records_that_data_were_passed(on_abacus, tmp_path):
    run = trained(PARTS, tmp_path)
    about = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    assert about["data"]["dataset"] == "python"
    assert about["data"]["passed"] is True


def test_a_missing_test_part_is_drawn_with_a_note(on_abacus, tmp_path, capsys):
    network = netspec.loads(abacus.SPEC)
    run = netspec.train(network, "abacus", data=TRAINING, runs=tmp_path)
    assert "the data have no test part" in capsys.readouterr().out
    assert run.about.data.arrays["x_test"].count == DRAWN


def test_resuming_with_the_same_data_ends_with_the_same_weights(from_file, on_abacus, tmp_path):
    begun = netspec.loads(abacus.SPEC.replace("epochs: 3", "epochs: 1"))
    trained(PARTS, tmp_path, network=begun)
    assert_equal(
        from_file, trained(PARTS, tmp_path, network=netspec.loads(abacus.SPEC), resume=True)
    )


def test_resuming_with_other_data_is_an_error(on_abacus, tmp_path):
    begun = netspec.loads(abacus.SPEC.replace("epochs: 3", "epochs: 1"))
    trained(PARTS, tmp_path, network=begun)
    changed = {"train": (TRAINING[0][::-1], TRAINING[1]), "test": TEST}
    with pytest.raises(RunError, match="x_train has other values") as caught:
        trained(changed, tmp_path, network=netspec.loads(abacus.SPEC), resume=True)
    assert caught.value.help == "pass the same data, or leave `resume` out to begin a new run"


def test_the_data_of_a_training_are_tested_on_their_test_part(on_abacus, tmp_path):
    run = trained(TRAINING, tmp_path)
    evaluation = netspec.evaluate(run, data=TRAINING)
    assert evaluation.images == DRAWN
    assert evaluation.figures["test_loss"] == pytest.approx(run.history[-1]["test_loss"])


def test_as_many_other_examples_are_tested_with_a_remark(on_abacus, tmp_path):
    run = trained(TRAINING, tmp_path)
    shuffled = TRAINING[0][::-1], TRAINING[1][::-1]
    evaluation = netspec.evaluate(run, data=shuffled)
    assert evaluation.images == 40
    assert "all 40 examples are tested" in evaluation.remarks[-1]


def test_all_examples_of_other_data_are_tested(on_abacus, tmp_path):
    run = trained(PARTS, tmp_path)
    expected = netspec.evaluate(run, data=PARTS)
    for data in (TEST, {"test": TEST}, {"x_test": TEST[0], "y_test": TEST[1]}, Pairs(*TEST)):
        evaluation = netspec.evaluate(run, data=data)
        assert (evaluation.images, evaluation.figures) == (20, expected.figures)
    assert netspec.evaluate(run, data=(TEST[0][:1], TEST[1][:1])).images == 1


def test_a_run_of_a_file_is_tested_on_passed_data(from_file, on_abacus):
    expected = netspec.evaluate(from_file).figures
    for data in (TEST, PARTS):
        assert netspec.evaluate(from_file, data=data).figures == expected


def test_passed_data_larger_than_memory_are_a_stream(from_file, on_abacus, tmp_path):
    assert_equal(from_file, trained(PARTS, tmp_path, memory="100"))


def test_text_labels_of_few_classes_are_tested_with_the_classes_of_the_run(on_abacus, tmp_path):
    names = np.array(["ant", "bee", "cat"])
    run = trained(
        {"train": (TRAINING[0], names[TRAINING[1]]), "test": (TEST[0], names[TEST[1]])}, tmp_path
    )
    last = TEST[1] == 2
    evaluation = netspec.evaluate(run, data=(TEST[0][last], names[TEST[1][last]]))
    network = trained(PARTS, tmp_path)
    assert (
        evaluation.figures == netspec.evaluate(network, data=(TEST[0][last], TEST[1][last])).figures
    )


def test_a_run_without_its_data_names_what_to_do(on_abacus, tmp_path):
    run = trained(PARTS, tmp_path)
    with pytest.raises(DataError, match="were passed in Python, and are in no file") as caught:
        netspec.evaluate(run)
    assert f'netspec.evaluate(netspec.run("{run.path}"), data=(x, y))' in caught.value.help


def test_a_run_of_passed_data_is_tested_on_a_file(on_abacus, tmp_path):
    run = trained(PARTS, tmp_path)
    np.savez(tmp_path / "images.npz", **ARRAYS)
    moved = netspec.evaluate(run, data=tmp_path / "images.npz")
    assert moved.figures == netspec.evaluate(run, data=PARTS).figures


def test_a_smaller_export_takes_passed_data(on_abacus, tmp_path):
    require("onnx")
    run = trained(PARTS, tmp_path)
    exported = netspec.export(run, quantize="int8", data=PARTS, force=True)
    assert exported.quantized.before["test_loss"] == pytest.approx(
        run.history[-1]["test_loss"], rel=1e-5
    )
    assert netspec.evaluate(exported.path, data=PARTS).images == 20
    with pytest.raises(DataError) as caught:
        netspec.export(run, quantize="int8")
    assert 'quantize="int8", data=(x, y))' in caught.value.help
    with pytest.raises(DataError, match="were passed in Python"):
        netspec.evaluate(exported.path)


def torch_data_sets():
    import torch
    from torch.utils.data import Subset, TensorDataset

    tensors = (torch.from_numpy(np.concatenate(pair)) for pair in zip(TRAINING, TEST, strict=True))
    both = TensorDataset(*tensors)
    return {"train": Subset(both, range(40)), "test": Subset(both, range(40, 60))}


def torch_tensors():
    import torch

    return {
        part: (torch.from_numpy(x).float().requires_grad_(), torch.from_numpy(y))
        for part, (x, y) in PARTS.items()
    }


@pytest.mark.parametrize("form", [lambda: PARTS, torch_data_sets, torch_tensors])
def test_torch_trains_on_data_sets_as_on_their_file(form, tmp_path):
    require("torch")
    np.savez(tmp_path / "images.npz", **ARRAYS)
    options = {"runs": tmp_path / "runs", "device": "cpu", "progress": False}
    from_file = netspec.train(loads(abacus.SPEC, tmp_path), "torch", **options)
    assert_equal(from_file, netspec.train(netspec.loads(SPEC), "torch", data=form(), **options))


def test_a_tf_data_set_trains_as_its_arrays(from_file, on_abacus, tmp_path):
    require("keras")
    from netspec_keras.framework import tf

    parts = {part: tf.data.Dataset.from_tensor_slices(pair) for part, pair in PARTS.items()}
    assert_equal(from_file, trained(parts, tmp_path / "examples"))
    batched = {"train": parts["train"].batch(7).prefetch(1), "test": parts["test"].batch(20)}
    assert_equal(from_file, trained(batched, tmp_path / "batches"))
    tensors = {part: tuple(map(tf.constant, pair)) for part, pair in PARTS.items()}
    assert_equal(from_file, trained(tensors, tmp_path / "tensors"))
    with pytest.raises(DataError, match="without an end") as caught:
        trained(parts["train"].repeat(), tmp_path)
    assert caught.value.help == "leave .repeat() out, or pass dataset.take(n)"


def test_passed_data_are_inspected():
    facts = netspec.inspect(netspec.loads(abacus.SPEC), data=PARTS)
    assert [(part.name, part.examples) for part in facts.parts] == [("train", 40), ("test", 20)]
