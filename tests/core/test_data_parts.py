"""The parts of npz, npy and idx data: by their names, complete, or drawn from the training part."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data import Dataset, load
from netspec.data.mapped import Selected
from netspec.network import loads
from netspec.text.diagnostics import DataError, SpecError

SPEC = """\
netspec: 1
name: tested
input: [2]
layers:
  - Dense: {{units: {units}, activation: {activation}}}
data: {data}
train: {{loss: {loss}{train}}}
"""
NPZ = "{dataset: npz, path: data.npz}"


def read(
    folder: Path,
    data: str = NPZ,
    *,
    loss: str = "sparse_categorical_crossentropy",
    train: str = "",
    memory: int | None = None,
) -> Dataset:
    units, activation = (2, "softmax") if loss.startswith("sparse") else (1, "linear")
    if "target" in data:
        units = 2
    spec = SPEC.format(data=data, loss=loss, units=units, activation=activation, train=train)
    return load(loads(spec, folder), memory)


def arrays(count: int, part: str, first: int = 0) -> dict[str, NDArray[Any]]:
    """Inputs with the numbers of the examples, and classes 0 and 1 in turn."""
    numbers = np.arange(first, first + count)
    return {
        f"x_{part}": np.stack([numbers, numbers], 1).astype(np.uint8),
        f"y_{part}": numbers % 2,
    }


def save(folder: Path, *parts: dict[str, NDArray[Any]]) -> None:
    merged = {name: array for part in parts for name, array in part.items()}
    np.savez(folder / "data.npz", **merged)  # pyright: ignore[reportArgumentType]  # see savez


def numbers(dataset: Dataset) -> list[list[int]]:
    """The numbers of the examples in the training, the validation and the test part."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return [np.asarray(part.inputs[0])[:, 0].tolist() if part else [] for part in parts]


# Names in an archive


def test_arrays_are_read_by_the_names_in_the_spec(tmp_path):
    save(
        tmp_path,
        {"images": np.ones((3, 2)), "labels": np.array([0, 1, 0]), "unread": np.zeros(1)},
        arrays(2, "test", 7),
    )
    data = "{dataset: npz, path: data.npz, arrays: {x_train: images, y_train: labels}}"
    dataset = read(tmp_path, data)
    assert numbers(dataset) == [[1, 1, 1], [], [7, 8]]
    assert np.asarray(dataset.train.targets[0]).tolist() == [0, 1, 0]


def test_renamed_array_is_not_another_part_too(tmp_path):
    save(tmp_path, arrays(10, "train"), arrays(20, "test", 10))
    data = "{dataset: npz, path: data.npz, arrays: {x_train: x_test, y_train: y_test}}"
    dataset = read(tmp_path, data, train=", validation_split: 0.25")
    assert sorted(number for part in numbers(dataset) for number in part) == [*range(10, 30)]


def test_wrong_name_in_the_file_has_the_nearest_name(tmp_path):
    save(tmp_path, {"images": np.ones((3, 2)), "labels": np.zeros(3)})
    data = "{dataset: npz, path: data.npz, arrays: {x_train: imgaes, y_train: labels}}"
    with pytest.raises(DataError) as caught:
        read(tmp_path, data)
    assert caught.value.message.endswith("lacks imgaes; it holds images and labels")
    assert caught.value.help == "did you mean images?"


def test_wrong_name_of_an_array_is_an_error_at_its_place(tmp_path):
    data = "{dataset: npz, path: data.npz, arrays: {x_trian: images}}"
    with pytest.raises(SpecError) as caught:
        read(tmp_path, data)
    (fault,) = caught.value.diagnostics
    assert fault.message == "'x_trian' is no array that the network reads"
    assert fault.help == "did you mean `x_train`?"
    assert fault.place.text[fault.place.column - 1 :].startswith("x_trian")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["x_val"], "has x_val, and lacks y_val"),
        (["y_test"], "has y_test, and lacks x_test"),
        (["w_test"], "has w_test, and lacks x_test and y_test"),
        (["x_val", "y_val", "x_validation", "y_validation"], "has arrays of validation"),
    ],
)
def test_an_incomplete_or_double_part_is_an_error(tmp_path, names, text):
    save(tmp_path, arrays(4, "train"), {name: np.zeros((2, 2)) for name in names})
    with pytest.raises(DataError, match=re.escape(text)):
        read(tmp_path)


# Validation


@pytest.mark.parametrize("part", ["val", "validation"])
def test_validation_arrays_are_the_validation_part(tmp_path, part):
    save(tmp_path, arrays(4, "train"), arrays(2, part, 4), arrays(3, "test", 6))
    assert numbers(read(tmp_path)) == [[0, 1, 2, 3], [4, 5], [6, 7, 8]]


def test_validation_part_excludes_validation_in_train(tmp_path):
    save(tmp_path, arrays(4, "train"), arrays(2, "val", 4), arrays(3, "test", 6))
    with pytest.raises(DataError, match="the data have a validation part"):
        read(tmp_path, train=", validation_split: 0.5")


MONITORED = ", early_stopping: {monitor: val_loss}"
OF_VALIDATION = {
    "npy": "{dataset: npy, x_train: a, y_train: b, x_val: c, y_val: d}",
    "idx": "{dataset: idx, train_images: a, train_labels: b, val_images: c, val_labels: d}",
}


def test_early_stopping_may_monitor_validation_arrays(tmp_path):
    save(tmp_path, arrays(4, "train"), arrays(2, "val", 4), arrays(3, "test", 6))
    assert numbers(read(tmp_path, train=MONITORED))[1] == [4, 5]


@pytest.mark.parametrize("dataset", OF_VALIDATION)
def test_early_stopping_may_monitor_validation_files(tmp_path, dataset):
    data = OF_VALIDATION[dataset]
    with pytest.raises(DataError, match="there is no file"):  # of a spec without faults
        read(tmp_path, data, train=MONITORED)
    with pytest.raises(SpecError, match="no examples for validation"):
        read(tmp_path, data.split(", x_val")[0].split(", val_im")[0] + "}", train=MONITORED)


# The test part


def test_a_fifth_of_every_class_is_the_test_part(tmp_path):
    save(tmp_path, arrays(40, "train"))
    dataset = read(tmp_path)
    train, _, test = numbers(dataset)
    assert sorted(train + test) == [*range(40)]
    assert [sum(number % 2 == label for number in test) for label in (0, 1)] == [4, 4]
    assert dataset.notes == (
        "the data have no test part: a fifth of every class, 8 of the 40 training examples, is the "
        "test part; `test` in data draws another one",
    )
    assert dataset.record.arrays["x_test"].count == 8


def test_test_part_of_the_spec_needs_no_note(tmp_path):
    save(tmp_path, arrays(10, "train"))
    test = "test: {fraction: 0.3, shuffle: false}"
    dataset = read(tmp_path, f"{{dataset: npz, path: data.npz, {test}}}")
    assert numbers(dataset) == [[*range(7)], [], [7, 8, 9]]
    assert dataset.notes == ()


def test_values_are_drawn_without_classes(tmp_path):
    save(tmp_path, arrays(10, "train") | {"y_train": np.linspace(0, 1, 10)})
    dataset = read(tmp_path, loss="mean_squared_error")
    assert len(dataset.test) == 2
    assert "no test part: a fifth, 2 of the 10 training" in dataset.notes[0]


def test_weights_are_drawn_with_their_examples(tmp_path):
    save(tmp_path, arrays(10, "train") | {"w_train": np.arange(10)})
    dataset = read(tmp_path)
    for examples in (dataset.train, dataset.test):
        assert examples.weights is not None
        assert examples.weights.tolist() == np.asarray(examples.inputs[0])[:, 0].tolist()


def test_drawn_parts_stay_in_the_file(tmp_path):
    save(tmp_path, arrays(40, "train"))
    dataset = read(tmp_path, memory=0)
    assert isinstance(dataset.test.inputs[0], Selected)
    assert dataset.test.values()[0][:, 0].tolist() == numbers(read(tmp_path))[2]


def test_arrays_of_other_lengths_are_not_drawn(tmp_path):
    save(tmp_path, arrays(10, "train") | {"y_train": np.zeros(9)})
    with pytest.raises(DataError, match="there are 10 train examples, and y_train has 9"):
        read(tmp_path)


def test_few_examples_are_not_drawn_silently(tmp_path):
    save(tmp_path, arrays(4, "train"))
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.message == "0.2 of 4 examples for test leaves a part without any"
    assert "test: {fraction: 0.5}" in (caught.value.help or "")


def test_stratify_needs_classes(tmp_path):
    data = "{dataset: npz, path: data.npz, test: {fraction: 0.5, stratify: true}}"
    with pytest.raises(SpecError, match="stratify needs one output with one class"):
        read(tmp_path, data, loss="mean_squared_error")


# A file for every array


def save_npy(folder: Path, *parts: dict[str, NDArray[Any]]) -> str:
    """Write every array into a file; the data of a spec that names the files."""
    names = [name for part in parts for name in part]
    for part in parts:
        for name, array in part.items():
            np.save(folder / f"{name}.npy", array)
    return f"{{dataset: npy, {', '.join(f'{name}: {name}.npy' for name in names)}}}"


def test_npy_files_are_the_parts(tmp_path):
    data = save_npy(tmp_path, arrays(4, "train"), arrays(2, "val", 4), arrays(3, "test", 6))
    assert numbers(read(tmp_path, data)) == [[0, 1, 2, 3], [4, 5], [6, 7, 8]]


def test_npy_without_a_test_part_is_drawn(tmp_path):
    weights = {"w_train": np.ones(10)}
    dataset = read(tmp_path, save_npy(tmp_path, arrays(10, "train"), weights))
    assert (len(dataset.train), len(dataset.test), len(dataset.notes)) == (8, 2, 1)
    assert dataset.test.weights is not None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("{dataset: npy, x_train: a.npy}", "npy needs y_train"),
        ("{dataset: npy, x_train: a, y_train: b, x_val: c}", "npy needs y_val"),
        ("{dataset: npy, x_train: a, y_train: b, y_test: c}", "there is y_test, and no x_test"),
        ("{dataset: idx, train_images: a, train_labels: b, val_images: c}", "idx needs val_labels"),
    ],
)
def test_missing_files_of_a_part_are_named(tmp_path, data, text):
    with pytest.raises(SpecError, match=text):
        read(tmp_path, data)


def test_autoencoder_of_npy_needs_no_labels(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((5, 2)))
    data = "{dataset: npy, x_train: a.npy, target: input}"
    dataset = read(tmp_path, data, loss="mean_squared_error")
    assert (len(dataset.train), len(dataset.test)) == (4, 1)


def test_idx_files_are_the_parts(tmp_path):
    fields: list[str] = []
    for part, first in (("train", 0), ("val", 4)):
        images, labels = arrays(4, part, first).values()
        for name, array in ((f"{part}_images", images), (f"{part}_labels", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (tmp_path / name).write_bytes(gzip.compress(header + array.astype("u1").tobytes()))
            fields.append(f"{name}: {name}")
    data = f"{{dataset: idx, {', '.join(fields)}, test: {{fraction: 0.5, shuffle: false}}}}"
    assert numbers(read(tmp_path, data)) == [[0, 1], [4, 5, 6, 7], [2, 3]]
