"""The arrays of a data set become inputs, targets and weights in the form of each loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data import Dataset, load
from netspec.network import loads
from netspec.text.diagnostics import DataError

SPEC = """\
netspec: 1
name: tested
input: {shape}
layers:
  - Dense: {{units: {units}, activation: {activation}}}
data: {{dataset: npz, path: data.npz{data}}}
train: {{loss: {loss}{train}}}
"""

SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY, SQUARES = "binary_crossentropy", "mean_squared_error"


def load_dataset(
    folder: Path,
    labels: Any,
    loss: str = SPARSE,
    units: int = 3,
    shape: tuple[int, ...] = (2,),
    data: str = "",
    train: str = "",
    **more: NDArray[Any],
) -> Dataset:
    """A data set with an example for each label. Training and test examples are equal."""
    y = np.asarray(labels)
    x = np.ones((len(y), *shape), np.float32)
    arrays = {"x_train": x, "y_train": y, "x_test": x, "y_test": y} | more
    np.savez(folder / "data.npz", **arrays)
    activation = {SPARSE: "softmax", CATEGORICAL: "softmax", BINARY: "sigmoid"}.get(loss, "linear")
    fields = {"shape": [*shape], "units": units, "activation": activation}
    return load(loads(SPEC.format(**fields, loss=loss, data=data, train=train), folder))


@pytest.mark.parametrize(
    ("loss", "units", "labels", "dtype"),
    [
        (SPARSE, 3, np.array([0, 2, 1], np.uint8), np.int32),
        (SPARSE, 3, np.array([[0], [2], [1]]), np.int32),
        (SPARSE, 3, np.array([0.0, 2.0, 1.0]), np.int32),
        (SPARSE, 3, np.array([True, False, True]), np.int32),
        (CATEGORICAL, 3, np.eye(3), np.float32),
        (BINARY, 1, np.array([0, 1, 1], np.uint8), np.float32),
        (BINARY, 2, np.array([[0, 1], [1, 1], [0, 0]]), np.float32),
        (SQUARES, 1, np.array([0.5, -3, 2]), np.float32),
        ("hinge", 1, np.array([-1, 1, 1]), np.float32),
    ],
    ids=str,
)
def test_targets_are_as_the_loss_takes_them(
    loss: str, units: int, labels: NDArray[Any], dtype: type, tmp_path: Path
) -> None:
    (targets,) = load_dataset(tmp_path, labels, loss, units).train.targets

    assert targets.dtype == dtype
    assert targets.shape == ((3,) if loss == SPARSE else (3, units))
    np.testing.assert_array_equal(targets.reshape(-1), labels.reshape(-1).astype(dtype))


def test_every_step_may_have_a_label(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 2, 2], [2, 2, 1, 0]])

    (targets,) = load_dataset(tmp_path, labels, shape=(4, 2)).train.targets

    np.testing.assert_array_equal(targets, labels.astype(np.int32), strict=True)


FAULTS: list[tuple[str, int, Any, str]] = [
    (SPARSE, 3, [0, 3], "a train label is 3, and the network has the classes 0 to 2"),
    (SPARSE, 3, [0, -1], "a train label is -1, and the network has the classes 0 to 2"),
    (SPARSE, 3, [0.0, 2.5], "a train label is 2.5, and class indices are whole numbers"),
    (SPARSE, 3, [0.0, np.nan], "a train label is nan, and class indices are whole numbers"),
    (SPARSE, 3, [np.inf, 1], "a train label is inf, and class indices are whole numbers"),
    (
        SPARSE,
        3,
        [0, 1e300],
        f"a train label is {int(1e300)}, and the network has the classes 0 to 2",
    ),
    (SPARSE, 3, [[0, 1], [1, 0]], "the train labels are int64 of the shape (2, 2)"),
    (CATEGORICAL, 3, [0, 1], f"the train labels are (), and {CATEGORICAL} takes (3)"),
    (CATEGORICAL, 3, [[1, -1, 1]], "the train labels hold negative values"),
    (BINARY, 1, [0, 2], "the train labels hold values outside of 0 to 1"),
    (SQUARES, 2, [[0, 1, 2]], f"the train labels are (3), and {SQUARES} takes (2)"),
    (SQUARES, 1, [0, np.inf], "the train labels hold values that are not finite"),
    ("hinge", 1, [0, 3], "the train labels hold values other than -1, 0 and 1"),
]


@pytest.mark.parametrize(("loss", "units", "labels", "message"), FAULTS, ids=str)
def test_targets_that_do_not_fit_are_errors(
    loss: str, units: int, labels: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, labels, loss, units)

    assert caught.value.message == message
    assert caught.value.help


def test_class_indices_need_the_sparse_loss(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="use sparse_categorical_crossentropy"):
        load_dataset(tmp_path, [0, 1], CATEGORICAL)


def test_example_weights_are_split_with_the_examples(tmp_path: Path) -> None:
    weights = {"w_train": np.array([1, 2, 3, 4]), "w_test": np.array([0.5, 0, 1, 1])}

    dataset = load_dataset(tmp_path, [0, 1, 2, 0], train=", validation_split: 0.25", **weights)

    assert dataset.validation is not None
    assert dataset.train.weights is not None
    np.testing.assert_array_equal(
        dataset.train.weights, np.array([1, 2, 3], np.float32), strict=True
    )
    np.testing.assert_array_equal(dataset.validation.weights, [4])
    np.testing.assert_array_equal(dataset.test.weights, [0.5, 0, 1, 1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "w_train has the shape (2), and there are 3 examples"),
        ([1, -1, 0], "w_train holds negative or infinite weights"),
        ([1, np.nan, 0], "w_train holds negative or infinite weights"),
    ],
)
def test_wrong_example_weights_are_errors(weights: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, [0, 1, 2], w_train=np.array(weights))

    assert caught.value.message == message


# keras/src/trainers/data_adapters/data_adapter_utils.py, class_weight_to_sample_weights.
@pytest.mark.parametrize(
    ("loss", "units", "labels"),
    [
        (SPARSE, 3, [0, 2, 1, 2]),
        (CATEGORICAL, 3, np.eye(3)[[0, 2, 1, 2]]),
        (BINARY, 1, [0, 1, 1, 0]),
    ],
    ids=str,
)
def test_class_weights_become_keras_sample_weights(
    loss: str, units: int, labels: Any, tmp_path: Path
) -> None:
    from netspec_keras.framework import keras

    adapters = keras.src.trainers.data_adapters.data_adapter_utils

    class_weights = ', class_weights: {"0": 0.5, "1": 3}'
    dataset = load_dataset(
        tmp_path, labels, loss, units, train=f"{class_weights}, validation_split: 0.5"
    )

    expected = adapters.class_weight_to_sample_weights(np.asarray(labels), {0: 0.5, 1: 3.0})
    np.testing.assert_array_equal(dataset.train.weights, expected[:2])
    assert dataset.validation is not None
    assert dataset.validation.weights is None
    assert dataset.test.weights is None


def test_class_weights_are_read_by_class_name(tmp_path: Path) -> None:
    names = ", class_names: [ant, bee, cat]"

    dataset = load_dataset(tmp_path, [0, 2, 1], data=names, train=", class_weights: {bee: 3}")

    np.testing.assert_array_equal(dataset.train.weights, [1, 1, 3])


def test_an_autoencoders_target_is_its_input(tmp_path: Path) -> None:
    examples = load_dataset(tmp_path, [0, 1], SQUARES, 2, data=", target: input, scale: 4").train

    assert examples.targets is examples.inputs
    np.testing.assert_array_equal(examples.answers()[0], np.full((2, 2), 0.25))


def test_an_autoencoders_input_is_checked_as_target(tmp_path: Path) -> None:
    x = {name: np.full((2, 2), 255, np.uint8) for name in ("x_train", "x_test")}

    with pytest.raises(
        DataError, match="the train examples, which are the targets too, hold values"
    ):
        load_dataset(tmp_path, [0, 1], BINARY, 2, data=", target: input", **x)

    assert load_dataset(tmp_path, [0, 1], BINARY, 2, data=", target: input, scale: 255", **x)


def test_an_autoencoder_needs_no_labels(tmp_path: Path) -> None:
    x = np.ones((3, 2), np.float32)
    np.savez(tmp_path / "data.npz", x_train=x, x_test=x)
    fields = {"shape": [2], "units": 2, "activation": "linear", "loss": SQUARES, "train": ""}

    dataset = load(loads(SPEC.format(**fields, data=", target: input"), tmp_path))

    assert len(dataset.test) == 3


def test_arrays_have_names_of_inputs_and_outputs(tmp_path: Path) -> None:
    spec = """\
netspec: 1
name: tested
input: {a: [2], b: [3]}
layers:
  - Dense: {name: left, inputs: a, units: 2}
  - Dense: {name: right, inputs: b, units: 3, activation: softmax}
output: [right, left]
data: {dataset: npz, path: data.npz}
train: {loss: {left: huber, right: sparse_categorical_crossentropy}}
"""
    a, b, left, right = (
        np.ones((4, 2)),
        np.zeros((4, 3)),
        np.full((4, 2), 5),
        np.array([0, 1, 2, 0]),
    )
    arrays = {"x_{}_a": a, "x_{}_b": b, "y_{}_left": left, "y_{}_right": right}
    arrays_of_parts = {
        key.format(part): array for key, array in arrays.items() for part in ("train", "test")
    }
    np.savez(tmp_path / "data.npz", **arrays_of_parts)

    examples = load(loads(spec, tmp_path)).train

    assert [array.tolist() for array in examples.inputs] == [a.tolist(), b.tolist()]
    assert [array.tolist() for array in examples.targets] == [right.tolist(), left.tolist()]


def test_a_missing_array_of_several_is_named(tmp_path: Path) -> None:
    network = loads(
        "netspec: 1\nname: tested\ninput: {a: [2], b: [2]}\n"
        "layers: [Add: {inputs: [a, b]}, Dense: {units: 1}]\n"
        "data: {dataset: npz, path: data.npz}\ntrain: {loss: huber}",
        tmp_path,
    )
    np.savez(tmp_path / "data.npz", x_train_a=np.ones((2, 2)))

    with pytest.raises(DataError, match="lacks x_train_b"):
        load(network)


EMBEDDED = """\
netspec: 1
name: tested
input: {left: [2], right: [2]}
layers:
  - Embedding: {input_dim: 5, output_dim: 1, inputs: left}
  - Flatten: {name: seen}
  - Concatenate: {inputs: [seen, right]}
  - Dense: {units: 1}
data: {dataset: npz, path: data.npz}
train: {loss: mean_squared_error}
"""


def load_embedded(folder: Path, **other: NDArray[Any]) -> Dataset:
    arrays = {f"x_{part}_{name}": [[0, 4]] for part in ("train", "test") for name in SIDES}
    np.savez(folder / "data.npz", **(arrays | {"y_train": [[0]], "y_test": [[0]]} | other))
    return load(loads(EMBEDDED, folder))


SIDES = "left", "right"


@pytest.mark.parametrize("index", [5, -1])
def test_indices_beyond_an_embedding_are_errors(index: int, tmp_path: Path) -> None:
    load_embedded(tmp_path)

    with pytest.raises(DataError, match=f"test data hold the index {index}, and embedding has 5"):
        load_embedded(tmp_path, x_test_left=np.array([[0, index]]))


def test_an_input_with_fewer_examples_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are 1 train examples, and x_train_right has 2"):
        load_embedded(tmp_path, x_train_right=np.zeros((2, 2)))


def test_labels_from_1_are_class_indices_from_0(tmp_path: Path) -> None:
    (targets,) = load_dataset(tmp_path, [1, 3, 2], data=", labels_from: 1").train.targets

    np.testing.assert_array_equal(targets, np.array([0, 2, 1], np.int32), strict=True)


def test_step_labels_from_1_become_class_indices(tmp_path: Path) -> None:
    labels = np.array([[1, 2, 3, 3], [3, 3, 2, 1]], np.uint8)

    (targets,) = load_dataset(tmp_path, labels, shape=(4, 2), data=", labels_from: 1").train.targets

    np.testing.assert_array_equal(targets, labels.astype(np.int32) - 1, strict=True)


def test_classes_without_names_are_named_by_their_labels(tmp_path: Path) -> None:
    weights = ', class_weights: {"3": 5.0}'

    example_weights = load_dataset(
        tmp_path, [1, 3, 2], data=", labels_from: 1", train=weights
    ).train.weights

    assert example_weights is not None
    assert example_weights.tolist() == [1, 5, 1]


@pytest.mark.parametrize(
    ("labels", "data", "message", "help"),
    [
        (
            *([1, 2, 3], "", "a train label is 3, and the network has the classes 0 to 2"),
            "the labels count from 1: add `labels_from: 1` to data",
        ),
        (
            *([0, 1, 2], ", labels_from: 1"),
            "a train label is 0, and the network has the classes 1 to 3",
            "change the units of the last layer, or the labels",
        ),
        (
            *([0, 1, 7], "", "a train label is 7, and the network has the classes 0 to 2"),
            "change the units of the last layer, or the labels",
        ),
        (
            *(np.eye(3), "", "the train labels are float64 of the shape (3, 3)"),
            "use categorical_crossentropy, which takes one value a class",
        ),
        (
            *([0.0, 1.0, 2.5], "", "a train label is 2.5, and class indices are whole numbers"),
            "correct the label; a loss on values takes other numbers",
        ),
    ],
    ids=["from 1", "from 0", "too large", "one hot", "floats"],
)
def test_wrong_labels_are_refused_with_a_remedy(
    labels: Any, data: str, message: str, help: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, labels, data=data)

    assert (caught.value.message, caught.value.help) == (message, help)


def test_example_labels_do_not_fit_every_step(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, [0, 1, 2], shape=(4, 2))

    assert caught.value.message == "the train labels are int64 of the shape (3)"
    assert caught.value.help == (
        "dense has classes for (4) positions; for one class each end with `- Flatten` and "
        "`- Dense: {units: CLASSES, activation: softmax}`"
    )


# Labels that a loss ignores.


def ignoring(label: int) -> str:
    return f"{{{SPARSE}: {{ignore_class: {label}, from_logits: true}}}}"


@pytest.mark.parametrize(
    ("ignored", "labels", "data", "expected"),
    [
        (255, np.array([0, 255, 2], np.uint8), "", [0, 255, 2]),
        (-1, [1, -1, 0], "", [1, -1, 0]),
        (-1, [1.0, -1.0, 0.0], "", [1, -1, 0]),
        (-1, np.array([0, 1, 2], np.uint8), "", [0, 1, 2]),
        (0, np.array([0, 1, 3], np.uint8), ", labels_from: 1", [-1, 0, 2]),
        (255, np.array([255, 1, 3], np.uint8), ", labels_from: 1", [-1, 0, 2]),
        (2, [1, 2, 3], ", labels_from: 1", [0, 1, 2]),
        (-(2**24), [-(2**24), 2**31 - 3], f", labels_from: {2**31 - 3}", [-1, 0]),
        (255, [255, 255], "", [255, 255]),
    ],
)
def test_ignored_labels_become_the_index_of_the_loss(
    ignored: int, labels: Any, data: str, expected: list[int], tmp_path: Path
) -> None:
    (targets,) = load_dataset(tmp_path, labels, ignoring(ignored), data=data).train.targets

    np.testing.assert_array_equal(targets, np.array(expected, np.int32), strict=True)


@pytest.mark.parametrize(
    ("loss", "labels", "data", "message", "help"),
    [
        (
            *(ignoring(255), [0, 1, 254, 255], ""),
            "a train label is 254, and the network has the classes 0 to 2 and ignores 255",
            "change the units of the last layer, or the labels",
        ),
        (
            *(
                SPARSE,
                [0, 255, 2],
                "",
                "a train label is 255, and the network has the classes 0 to 2",
            ),
            "change the units of the last layer, or the labels; `ignore_class: 255` in the loss leaves "
            "such targets out",
        ),
        (
            *(
                SPARSE,
                [0, 255, -1],
                "",
                "a train label is -1, and the network has the classes 0 to 2",
            ),
            "change the units of the last layer, or the labels",
        ),
        (
            *(ignoring(1), np.eye(3), "", "the train labels are float64 of the shape (3, 3)"),
            "ignore_class is for class indices: numpy.argmax(labels, -1) computes them",
        ),
        (
            *(ignoring(255), ["b", "a", "c"], ""),
            "the loss ignores the class 255, and the data have the classes a, b and c, counted from 0",
            "write the place of a class, as `ignore_class: 0` for a",
        ),
        (
            *(ignoring(-1), ["-1", "0", "1"], ""),
            "the loss ignores the class -1, and the data have the classes -1, 0 and 1, counted from 0",
            "write the place of a class, as `ignore_class: 0` for -1",
        ),
    ],
    ids=["another label", "usual label", "two labels", "one hot", "names", "names of numbers"],
)
def test_labels_that_a_loss_cannot_ignore_are_refused(
    loss: str, labels: Any, data: str, message: str, help: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, labels, loss, data=data)

    assert (caught.value.message, caught.value.help) == (message, help)


def test_class_weights_leave_ignored_labels_at_one(tmp_path: Path) -> None:
    weights = ', class_weights: {"0": 3.0, "2": 5.0}'

    train = load_dataset(tmp_path, [0, -1, 2, 1], ignoring(-1), train=weights).train

    assert train.weights is not None
    assert train.weights.tolist() == [3, 1, 5, 1]
