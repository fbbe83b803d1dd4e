"""Which training examples are kept for validation: fraction, shuffle, stratify and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.data import Dataset, load
from netspec.data.mapped import Selected
from netspec.network import loads
from netspec.text.diagnostics import DataError

SPEC = """\
netspec: 1
name: tested
input: [1]
layers:
  - Dense: {{units: 3, activation: softmax}}
data: {{dataset: npz, path: data.npz}}
train: {{loss: sparse_categorical_crossentropy, {validation}}}
"""

SORTED = np.repeat([0, 1, 2], [60, 30, 10])


def load_dataset(
    folder: Path, validation: str, labels: NDArray[Any] = SORTED, memory: int | None = None
) -> Dataset:
    """A data set whose inputs are the indices 0, 1, 2, … of its examples."""
    x = np.arange(len(labels), dtype=np.float32)[:, None]
    weights = {"w_train": x[:, 0], "w_test": x[:, 0]}
    np.savez(folder / "data.npz", x_train=x, y_train=labels, x_test=x, y_test=labels, **weights)
    return load(loads(SPEC.format(validation=validation), folder), memory)


def validation_indices(dataset: Dataset) -> list[int]:
    """The indices of the examples for validation."""
    assert dataset.validation is not None
    return np.asarray(dataset.validation.inputs[0])[:, 0].astype(int).tolist()


def test_without_shuffle_the_split_equals_keras(tmp_path: Path) -> None:
    expected = validation_indices(load_dataset(tmp_path, "validation_split: 0.25"))

    assert expected == [*range(75, 100)]
    assert (
        validation_indices(load_dataset(tmp_path, "validation: {fraction: 0.25, shuffle: false}"))
        == expected
    )


def test_shuffled_parts_are_all_examples_once(tmp_path: Path) -> None:
    dataset = load_dataset(tmp_path, "validation: {fraction: 0.25}")
    validation, train = validation_indices(dataset), np.asarray(dataset.train.inputs[0])[:, 0]

    assert len(validation) == 25
    assert sorted([*validation, *train]) == [*range(100)]
    assert validation == sorted(validation)
    assert min(validation) < 50  # by chance in one of 10 million seeds
    assert dataset.train.weights is not None
    np.testing.assert_array_equal(dataset.train.weights, train)
    np.testing.assert_array_equal(dataset.train.targets[0], SORTED[train.astype(int)])


def test_seed_decides_which_examples_are_kept(tmp_path: Path) -> None:
    first, again, other = (
        validation_indices(load_dataset(tmp_path, f"validation: {{fraction: 0.25, seed: {seed}}}"))
        for seed in (0, 0, 1)
    )

    assert first == again
    assert first != other
    training_seed = "seed: 5, validation: {fraction: 0.25}"
    assert validation_indices(load_dataset(tmp_path, training_seed)) == first


@pytest.mark.parametrize("shuffle", ["true", "false"])
def test_every_class_has_the_same_fraction(shuffle: str, tmp_path: Path) -> None:
    validation = f"validation: {{fraction: 0.2, stratify: true, shuffle: {shuffle}}}"

    places = validation_indices(load_dataset(tmp_path, validation))

    assert np.bincount(SORTED[places]).tolist() == [12, 6, 2]
    if shuffle == "false":
        assert places == [*range(48, 60), *range(84, 90), 98, 99]


def test_only_example_of_a_class_is_for_training(tmp_path: Path) -> None:
    labels = np.array([0] * 9 + [2])

    places = validation_indices(
        load_dataset(tmp_path, "validation: {fraction: 0.9, stratify: true}", labels)
    )

    assert 9 not in places


def test_a_part_without_examples_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0\.999 of 100 examples for validation leaves a part"):
        load_dataset(tmp_path, "validation: {fraction: 0.999, shuffle: false}")


def test_shuffled_examples_of_a_file_stay_in_it(tmp_path: Path) -> None:
    validation = "validation: {fraction: 0.25}"
    expected = load_dataset(tmp_path, validation).train

    examples = load_dataset(tmp_path, validation, memory=0).train

    (inputs,) = examples.inputs
    assert isinstance(inputs, Selected)
    assert inputs.shape == (75, 1)
    order = np.array([70, 3, 3, 0])
    np.testing.assert_array_equal(examples[order].values()[0], expected[order].values()[0])
    np.testing.assert_array_equal(examples[10:20].values()[0], expected[10:20].values()[0])
    np.testing.assert_array_equal(np.asarray(inputs), expected.inputs[0])
