"""Arrays and examples of a program: which are read, and the errors of others."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.data import load
from netspec.data.location import with_data
from netspec.data.passed import examples
from netspec.language.data import Passed
from netspec.network import loads
from netspec.text.diagnostics import DataError

pa = pytest.importorskip("pyarrow")

SPEC = """\
netspec: 1
name: arrays
input: [3]
layers: [Dense: {units: 2, activation: softmax}]
train: {loss: sparse_categorical_crossentropy}
"""
SEVERAL = """\
netspec: 1
name: several
input: {left: [2], right: [1]}
layers:
  - Concatenate: {inputs: [left, right]}
  - Dense: {units: 1, name: price}
  - Dense: {units: 1, name: size, inputs: concatenate}
output: [price, size]
train: {loss: {price: mean_squared_error, size: mean_squared_error}}
"""
X, Y = np.arange(30, dtype=np.uint8).reshape(10, 3), np.arange(10) % 2
LEFT, RIGHT = np.arange(20.0).reshape(10, 2), np.arange(10.0)
PRICE, SIZE = RIGHT[:, None] * 2, RIGHT * 3


class Listed:
    """A data set of the elements of a list, which may be errors."""

    def __init__(self, *elements, length=None) -> None:
        self.elements, self.length = elements, length or len(elements)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if isinstance(element := self.elements[index], Exception):
            raise element
        return element


def dataset(data, spec=SPEC):
    return load(with_data(loads(spec), Passed(data)))


def examples_of(data, spec=SPEC):
    """All examples of one part."""
    return dataset({"train": data, "test": data}, spec).test


def test_values_of_8_bits_keep_their_type():
    inputs = examples_of(Listed(*zip(X, Y, strict=True))).inputs[0]
    assert inputs.dtype == np.uint8
    np.testing.assert_array_equal(inputs, X)


def test_weights_are_read():
    weights = np.linspace(0, 1, 10)
    for data in ((X, Y, weights), Listed(*zip(X, Y, weights, strict=True))):
        np.testing.assert_array_equal(examples_of(data).weights, weights.astype(np.float32))


SEVERAL_FORMS = {
    "by name": ({"left": LEFT, "right": RIGHT}, {"price": PRICE, "size": SIZE}),
    "by column": ({"x_left": LEFT, "x_right": RIGHT}, {"y_price": PRICE, "y_size": SIZE}),
    "in order": ([LEFT, RIGHT], [PRICE, SIZE]),
    "one dict": {"left": LEFT, "right": RIGHT, "price": PRICE, "size": SIZE},
    "dicts": [
        dict(zip(("left", "right", "price", "size"), values, strict=True))
        for values in zip(LEFT, RIGHT, PRICE, SIZE, strict=True)
    ],
}


@pytest.mark.parametrize("form", SEVERAL_FORMS)
def test_several_inputs_and_outputs_are_read(form):
    read = examples_of(SEVERAL_FORMS[form], SEVERAL)
    for values, expected in zip(
        (*read.inputs, *read.targets), (LEFT, RIGHT, PRICE, SIZE), strict=True
    ):
        np.testing.assert_array_equal(np.ravel(values), np.ravel(expected))


def test_the_validation_part_is_read():
    data = {"x_train": X, "y_train": Y, "x_val": X[:4], "y_val": Y[:4], "x_test": X, "y_test": Y}
    assert len(dataset(data).validation) == 4
    assert len(dataset({"train": (X, Y), "validation": (X[:3], Y[:3])}).validation) == 3


def test_labels_that_are_texts_are_classes():
    names = np.array(["cat", "dog"])[Y]
    for labels in (names, names.tolist(), names.astype(object), names.astype("S")):
        read = dataset((X, labels))
        assert read.record.class_names == ("cat", "dog")
    from_examples = dataset(Listed(*zip(X, names.tolist(), strict=True)))
    assert from_examples.record == read.record.model_copy(
        update={"arrays": from_examples.record.arrays}
    )


def test_an_autoencoder_takes_inputs_without_labels():
    spec = """\
netspec: 1
name: autoencoder
input: [3]
layers: [Dense: {units: 3}]
data: {dataset: python, target: input}
train: {loss: mean_squared_error}
"""
    for data in (X, {"x": X}, (X,), Listed(*X)):
        np.testing.assert_array_equal(examples_of(data, spec).inputs[0], X)


def test_big_endian_arrays_are_read():
    np.testing.assert_array_equal(examples_of((X.astype(">f8"), Y.astype(">i4"))).inputs[0], X)


def test_arrays_that_only_export_by_dlpack_are_read():
    class Exported:
        def __dlpack__(self, **options):
            return X.__dlpack__(**options)

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    np.testing.assert_array_equal(examples_of((Exported(), Y)).inputs[0], X)


def test_more_examples_than_memory_are_an_error(monkeypatch):
    monkeypatch.setattr(examples, "half_of_memory", lambda: 20)
    with pytest.raises(DataError, match="take more than 20 B"):
        dataset(Listed(*zip(X, Y, strict=True)))
    with pytest.raises(DataError, match="take more than 20 B"):
        dataset([(X[:2], Y[:2]), (X[2:], Y[2:])])


def test_examples_grow_beyond_an_unknown_number():
    batches = [(X[:7], Y[:7]), (X[7:], Y[7:])] * 200
    read = examples_of(batches)
    np.testing.assert_array_equal(read.inputs[0], np.tile(X, (200, 1)))
    np.testing.assert_array_equal(read.targets[0], np.tile(Y, 200))


def scipy_matrix():
    return pytest.importorskip("scipy.sparse").csr_matrix(X)


GOOD = (X[0], 0)
FAULTY = {
    "shape": (
        Listed(GOOD, (X[0, :2], 1)),
        "example 1 of the train data has x as uint8 of (2), and",
    ),
    "type": (Listed(GOOD, GOOD, (X[0], 0.5)), "example 2 of the train data has y as float64 of"),
    "raises": (
        Listed(GOOD, OSError("no disk")),
        "example 1 of the train data cannot be read: OSError: no disk",
    ),
    "short": (Listed(GOOD, length=3), "example 1 of the train data cannot be read: IndexError"),
    "no label": (Listed(GOOD, X[0]), "example 1 of the train data is ndarray, and has no y"),
    "entries": (
        Listed(GOOD, (X[0], 1, 0.5)),
        "example 1 of the train data has x, y, w, and example 0 has x, y",
    ),
    "names": (
        Listed({"image": X[0], "label": 1}),
        "example 0 of the train data: the data have 'image'",
    ),
    "no number": (
        Listed((X[0], object())),
        "y of example 0 of the train data has Python objects of the type object",
    ),
    "long tuple": (Listed((1, 2, 3, 4)), "a tuple of 4 is no (x, y)"),
    "empty": ([], "the train data have no examples"),
    "two arrays": ([X, Y], "example 0 of the train data is ndarray, and has no y"),
    "generator": ((pair for pair in [GOOD]), "generator has no __getitem__"),
    "objects": ((X, [None] * 10), "y_train has Python objects of the type NoneType"),
    "mixed": ((X, ["a", "b", None] * 3 + ["a"]), "the type str and NoneType (element 2)"),
    "ragged": (([[1, 2, 3], [1]], [0, 1]), "x_train cannot be read as an array"),
    "times": (
        (X, np.array(["2026-01-01"] * 10, "datetime64[D]")),
        "y_train has values of type datetime64[D]",
    ),
    "text inputs": ((X.astype(str), Y), "x_train has values of type <U"),
    "masked": ((np.ma.masked_equal(X, 3), Y), "x_train is a masked array"),
    "no labels": ((X,), "the train data have no labels"),
    "frame": (pa.table({"a": [1, 2]}), "a Table has inputs and labels, and the spec has no table"),
    "frame of texts": ((pa.table({"a": ["u", "v"]}), [0, 1]), "write `data: {dataset: table"),
    "sparse": ((scipy_matrix(), Y), "pass it as values.toarray()"),
    "no part": ({"Train": (X, Y)}, "did you mean 'train'?"),
    "no part beside another": (
        {"train": (X, Y), "tst": (X, Y)},
        "the data have 'tst', and the parts are train, val, validation and test",
    ),
    "no examples": ((X[:0], Y[:0]), "the data have 0 training examples, too few for a test part"),
    "empty dict": ({}, "the data are an empty dict"),
    "lacking": ({"x_train": X}, "the train data have no labels"),
    "half a part": ({"train": (X, Y), "val": (X, None)}, "the val data have no labels"),
    "unknown": (
        {"x_train": X, "y_trian": Y},
        "the data have 'y_trian', which is no name of an array",
    ),
    "twice": ({"x": X, "x_train": X, "y": Y}, "two names for the same array"),
    "lengths": ((X, Y[:9]), "there are 10 train examples, and y_train has 9"),
    "not a sequence": (7, "int has no __getitem__"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_wrong_data_are_an_error(case):
    data, message = FAULTY[case]
    with pytest.raises(DataError) as caught:
        dataset(data)
    assert message in str(caught.value)
    assert caught.value.help


def test_wrong_inputs_of_several_are_an_error():
    for x, message in (
        (LEFT, "the network has the inputs left and right, and gets ndarray"),
        ({"left": LEFT, "rihgt": RIGHT}, "did you mean 'right'?"),
        ({"left": LEFT}, "lacks x_train_right"),
    ):
        with pytest.raises(DataError) as caught:
            dataset((x, {"price": PRICE, "size": SIZE}), SEVERAL)
        assert message in str(caught.value)


def test_channels_first_are_an_error_with_a_remedy():
    spec = SPEC.replace("input: [3]", "input: [4, 5, 3]").replace("[Dense", "[Flatten, Dense")
    images = np.zeros((10, 3, 4, 5), np.uint8)
    with pytest.raises(DataError) as caught:
        dataset((images, Y), spec)
    assert "numpy.moveaxis(x, 1, -1)" in caught.value.help
    assert examples_of((np.moveaxis(images, 1, -1), Y), spec).inputs[0].shape == (10, 4, 5, 3)


def test_a_loader_is_an_error_that_names_its_data_set():
    class Loader:
        dataset = None

        def __len__(self):
            return 1

        def __iter__(self):
            return iter([])

    with pytest.raises(DataError) as caught:
        dataset(Loader())
    assert caught.value.help == "pass the data set of the loader: data=loader.dataset"
