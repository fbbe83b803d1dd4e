"""Labels that are the names of classes become class indices, and the names stay with the data."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.data import Dataset, Examples, load
from netspec.network import loads
from netspec.text.diagnostics import DataError

SPARSE = "sparse_categorical_crossentropy"
SPEC = """\
netspec: 1
name: tested
input: {input}
layers:
  - Dense: {{units: {units}, activation: {activation}}}
data: {{dataset: npz, path: data.npz{data}}}
train: {{loss: {loss}{train}}}
"""


def read(
    folder: Path,
    train: Any,
    test: Any,
    *,
    units: int = 3,
    loss: str = SPARSE,
    data: str = "",
    settings: str = "",
    steps: int = 0,
) -> Dataset:
    labels = {"y_train": np.array(train), "y_test": np.array(test)}
    shape = [steps, 2] if steps else [2]
    inputs = {f"x{name[1:]}": np.ones((len(array), *shape)) for name, array in labels.items()}
    np.savez(folder / "data.npz", **inputs, **labels)  # pyright: ignore[reportArgumentType]  # see savez
    activation = {SPARSE: "softmax", "categorical_crossentropy": "softmax"}.get(loss, "linear")
    activation = "sigmoid" if loss == "binary_crossentropy" else activation
    fields = {"input": shape, "units": units, "activation": activation, "loss": loss}
    return load(loads(SPEC.format(**fields, data=data, train=settings), folder))


def indices(examples: Examples) -> list[int]:
    return np.asarray(examples.targets[0]).tolist()


def error(folder: Path, train: Any, test: Any, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        read(folder, train, test, **options)
    return caught.value


@pytest.mark.parametrize("kind", [str, np.bytes_])
def test_names_are_numbered_in_the_order_of_characters(tmp_path, kind):
    train = np.array(["dog", "cat", "eel", "cat"]).astype(kind)
    dataset = read(tmp_path, train, np.array(["eel", "dog"]).astype(kind))
    np.testing.assert_array_equal(
        dataset.train.targets[0], np.array([1, 0, 2, 0], np.int32), strict=True
    )
    assert indices(dataset.test) == [2, 1]
    assert dataset.record.class_names == ("cat", "dog", "eel")


def test_names_of_digits_are_texts(tmp_path):
    dataset = read(tmp_path, ["10", "2", "010"], ["2"])
    assert dataset.record.class_names == ("010", "10", "2")
    assert indices(dataset.train) == [1, 2, 0]


def test_class_names_order_the_names(tmp_path):
    dataset = read(tmp_path, ["a", "b", "a"], ["b"], data=", class_names: [c, b, a]")
    assert indices(dataset.train) == [2, 1, 2]
    assert dataset.record.class_names == ("c", "b", "a")


def test_every_step_may_have_a_name(tmp_path):
    labels = [["a", "b"], ["c", "a"], ["b", "b"]]
    dataset = read(tmp_path, labels, labels[:1], steps=2)
    assert np.asarray(dataset.train.targets[0]).tolist() == [[0, 1], [2, 0], [1, 1]]


def test_decomposed_names_are_the_composed_ones(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Löwe") for form in ("NFC", "NFD"))
    dataset = read(tmp_path, [composed, "cat", decomposed], [decomposed], units=2)
    assert dataset.record.class_names == (composed, "cat")
    assert indices(dataset.test) == [0]


def test_yes_and_no_are_targets_of_one_sigmoid(tmp_path):
    dataset = read(tmp_path, ["yes", "no"], ["yes"], units=1, loss="binary_crossentropy")
    np.testing.assert_array_equal(dataset.train.targets[0], [[1], [0]])
    assert dataset.record.class_names == ("no", "yes")


def test_a_drawn_test_part_has_every_name(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.ones((10, 2)), y_train=["a", "b"] * 5)
    fields = {"input": [2], "units": 2, "activation": "softmax", "loss": SPARSE}
    dataset = load(loads(SPEC.format(**fields, data="", train=""), tmp_path))
    assert sorted(indices(dataset.test)) == [0, 1]


def test_class_weights_use_the_names(tmp_path):
    dataset = read(tmp_path, ["a", "b", "c"], ["a"], settings=", class_weights: {b: 4}")
    assert dataset.train.weights is not None
    assert dataset.train.weights.tolist() == [1, 4, 1]


def test_an_unknown_name_is_shown_with_the_nearest(tmp_path):
    unknown = error(tmp_path, ["cat", "dog", "eel"], ["dgo"])
    assert unknown.message == "a test label is dgo, which no training example has"
    assert unknown.help == "did you mean dog? the classes are cat, dog and eel"


def test_unknown_names_are_listed(tmp_path):
    unknown = error(tmp_path, ["cat", "dog", "eel"], ["fox", "gnu", "fox"])
    assert unknown.message == "test labels are fox and gnu, which no training example has"


def test_a_name_outside_of_class_names_is_an_error(tmp_path):
    unknown = error(tmp_path, ["a", "d"], ["a"], data=", class_names: [a, b, c]")
    assert unknown.message == "a train label is d, which class_names does not name"


@pytest.mark.parametrize(
    ("train", "test", "options", "text"),
    [
        (["a", ""], ["a"], {}, "a train label is empty"),
        (["a", "b"], [0], {}, "the train labels are texts, and the test labels are int64"),
        ([b"a", b"\xff"], [b"a"], {}, "a train label is no text in UTF-8"),
        (["a", "\ud800"], ["a"], {}, "a train label is no text in UTF-8"),
        (["a", "b"], ["a"], {"data": ", labels_from: 1"}, "`labels_from: 1` is for numbers"),
        (["1", "2"], ["1"], {"loss": "mean_squared_error", "units": 1}, "takes numbers"),
        (["a", "b"], ["a"], {"loss": "categorical_crossentropy"}, "takes numbers"),
        (
            ["a", "b", "c"],
            ["a"],
            {"loss": "binary_crossentropy", "units": 1},
            "the labels are 3 classes: a, b and c; binary_crossentropy takes two",
        ),
        (["a", "b"], ["a"], {}, "the data have 2 classes, and the network ends in 3 units"),
    ],
    ids=str,
)
def test_names_that_do_not_fit_are_errors(tmp_path, train, test, options, text):
    wrong = error(tmp_path, train, test, **options)
    assert text in wrong.message
    assert wrong.help


def test_code_point_beyond_unicode_is_an_error(tmp_path):
    labels = np.array(["a", "b", "c"])
    labels.view(np.uint32)[1] = 0x110000
    assert error(tmp_path, labels, ["a"]).message == "a train label is no text in UTF-8"


def test_autoencoder_does_not_read_names(tmp_path):
    options = {"loss": "mean_squared_error", "units": 2, "data": ", target: input"}
    dataset = read(tmp_path, ["a", "b"], ["c"], **options)
    assert [*dataset.record.arrays] == ["x_train", "x_test"]


def test_inputs_are_never_texts(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.array(["1"]), y_train=[0], x_test=[1], y_test=[0])
    fields = {"input": [2], "units": 2, "activation": "softmax", "loss": SPARSE}
    with pytest.raises(DataError, match=r"x_train in .* which are no numbers"):
        load(loads(SPEC.format(**fields, data="", train=""), tmp_path))


def test_names_are_read_without_a_loss(tmp_path):
    labels = np.array(["a", "b"] * 10)
    np.savez(tmp_path / "data.npz", x_train=np.ones((20, 2), np.float32), y_train=labels)
    text = SPEC.partition("train:")[0].format(input=[2], units=2, activation="softmax", data="")

    assert load(loads(text, tmp_path)).record.class_names == ("a", "b")
