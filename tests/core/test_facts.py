"""What is in a data set: the values of small arrays are computed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.image_files import save_classes, save_image, spec_of
from netspec.data import facts
from netspec.data.facts import Facts, Part, Range, Repeated, inspect
from netspec.data.overview import number, overview, warnings
from netspec.network import loads

X = np.arange(80, dtype=np.float32).reshape(20, 4)
Y = np.tile([0, 1, 1, 2], 5)


def inspected(folder: Path, x: NDArray[Any] = X, y: NDArray[Any] = Y, **options: Any) -> Facts:
    """The facts about an npz file, whose test part has other inputs."""
    layers, train = options.pop("layers", ""), options.pop("train", "")
    units = options.pop("units", 3)
    activation = options.pop("activation", "softmax")
    loss = options.pop("loss", "sparse_categorical_crossentropy")
    text = f"""\
netspec: 1
name: tested
input: {[*x.shape[1:]]}
layers: [{layers}Dense: {{units: {units}, activation: {activation}}}]
data: {{dataset: npz, path: data.npz{options.pop("data", "")}}}
train: {{loss: {loss}{train}}}
"""
    arrays = {"x_train": x, "y_train": y, "x_test": x[:8] + 100, "y_test": y[:8]} | options
    np.savez(folder / "data.npz", **arrays)
    return inspect(loads(text, folder))[0]


def test_parts_have_their_sizes(tmp_path: Path) -> None:
    seen = inspected(tmp_path, train=", validation: {fraction: 0.2}")
    assert seen.parts == (Part("train", 16), Part("validation", 4, drawn=True), Part("test", 8))


def test_a_column_has_its_type_and_range(tmp_path: Path) -> None:
    seen = inspected(tmp_path)
    x, y, *_ = seen.columns
    assert (x.name, x.part, x.examples, x.shape, x.dtype) == ("x", "train", 20, (4,), "float32")
    assert x.range == Range(0, 79, 39.5, missing=0, infinite=0)
    assert [feature.mean for feature in x.features] == [38, 39, 40, 41]
    assert (y.shape, y.range) == ((), Range(0, 2, 1, missing=0, infinite=0))


def test_missing_values_are_counted_before_they_are_an_error(tmp_path: Path) -> None:
    x = X.copy()
    x[[0, 3], 1] = np.nan
    x[5, 2] = np.inf
    seen = inspected(tmp_path, x)
    assert seen.columns[0].range == Range(0, 79, np.delete(X, [1, 13, 22]).mean(), 2, 1)
    assert [feature.missing for feature in seen.columns[0].features] == [0, 2, 0, 0]
    assert seen.error is not None
    assert seen.error.message == "the train examples hold values that are not finite"
    assert "Infinite" in overview(seen)


def test_a_column_without_values_has_no_range(tmp_path: Path) -> None:
    x = np.full((20, 1), np.nan, np.float32)
    seen = inspected(tmp_path, x)
    assert seen.columns[0].range == Range(None, None, None, missing=20, infinite=0)
    assert overview(seen).count(" -") == 6  # three numbers in each part


def test_ranges_are_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = inspected(tmp_path).columns
    monkeypatch.setattr(facts, "PART_BYTES", 48)  # three examples
    assert inspected(tmp_path).columns == whole


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (5, 10, 5)),
        ({"loss": "categorical_crossentropy", "y": np.eye(3)[Y]}, (5, 10, 5)),
        (
            {"loss": "binary_crossentropy", "y": Y > 0, "units": 1, "activation": "sigmoid"},
            (5, 15),
        ),
        (
            {
                "loss": "binary_crossentropy",
                "y": np.array([[1, 1], [0, 1]] * 10),
                "units": 2,
                "activation": "sigmoid",
            },
            (10, 20),
        ),
    ],
    ids=["indices", "one hot", "two", "several labels"],
)
def test_classes_are_counted(options: Any, expected: tuple[int, ...], tmp_path: Path) -> None:
    (classes,) = inspected(tmp_path, **options).classes
    assert classes.counts["train"] == expected
    assert classes.names == tuple(map(str, range(len(expected))))


def test_a_regression_has_no_classes(tmp_path: Path) -> None:
    seen = inspected(tmp_path, y=X[:, 0], units=1, activation="linear", loss="mean_squared_error")
    assert seen.classes == ()


def test_equal_examples_are_counted(tmp_path: Path) -> None:
    x = X.copy()
    x[7] = x[6]
    seen = inspected(tmp_path, x, x_test=np.concatenate([X[:3], X[:5] + 100]))
    assert seen.repeated == (Repeated("train", 1, 20), Repeated("test", 3, 8))
    assert "3 of the 8 test examples are equal to a training example" in overview(seen)
    assert seen.warnings == (
        "3 of the 8 test examples are equal to training examples; results on them are too good",
    )
    assert warnings(seen).startswith("warning: 3 of the 8 test examples")


def test_examples_are_the_first_ones(tmp_path: Path) -> None:
    seen = inspected(tmp_path)
    assert seen.examples[1] == {"x": [4, 5, 6, 7], "y": 1}
    assert "  x [4, 5, 6, 7]  y 1\n" in overview(seen)


def test_facts_are_json(tmp_path: Path) -> None:
    x = X.copy()
    x[0, 0] = np.nan
    data = json.loads(json.dumps(inspected(tmp_path, x).to_json()))
    assert data["columns"][0]["range"]["missing"] == 1
    assert data["error"] == {
        "message": "the train examples hold values that are not finite",
        "help": "clean the data",
    }
    assert json.loads(json.dumps(inspected(tmp_path).to_json()))["error"] is None


def test_images_have_the_names_of_their_folders(tmp_path: Path) -> None:
    save_classes(tmp_path / "photos")
    save_image(tmp_path / "photos/cat/copy.png", 100)
    (tmp_path / "photos/cat/notes.txt").write_text("notes", "utf-8")
    seen, dataset = inspect(spec_of(tmp_path))
    (classes,) = seen.classes
    assert dataset is not None
    assert classes.names == ("cat", "dog")
    assert [sum(counts) for counts in zip(*classes.counts.values(), strict=True)] == [11, 10]
    assert any("notes.txt" in warning for warning in seen.warnings)


def test_many_classes_are_shortened(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 4)).astype(np.float32)
    y = np.r_[np.arange(30), np.arange(30), np.full(40, 7)]
    lines = overview(inspected(tmp_path, x, y, units=30)).splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("Class"))
    assert lines[place + 2].split()[:2] == ["7", "42"]
    assert lines[place + 22] == "10 more classes, with 2 to 2 for training"


def test_the_overview_has_eighty_columns(tmp_path: Path) -> None:
    names = ", ".join(f"{letter * 60}" for letter in "abc")
    x = np.random.default_rng(0).normal(size=(20, 128, 128, 3)) * 1e6
    seen = inspected(
        tmp_path,
        x.astype(np.float32),
        layers="Flatten, ",
        data=f", class_names: [{names}]",
        train=", validation: {fraction: 0.2}",
    )
    text = f"{overview(seen)}\n{warnings(seen)}"
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "-"), (3.0, "3"), (1234567.0, "1,234,567"), (0.123456, "0.1235"), (1e20, "1e+20")],
)
def test_numbers_have_four_digits(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_ignored_targets_are_in_no_class(tmp_path: Path) -> None:
    ignoring = "{sparse_categorical_crossentropy: {ignore_class: 255}}"
    labels = np.tile([0, 255, 1, 2], 5).astype(np.uint8)

    seen = inspected(tmp_path, y=labels, loss=ignoring, train=", validation: {fraction: 0.2}")

    (classes,) = seen.classes
    assert {part: sum(counts) for part, counts in classes.counts.items()} == {
        part: size - classes.ignored[part]
        for part, size in (("train", 16), ("validation", 4), ("test", 8))
    }
    assert classes.ignored["train"] + classes.ignored["validation"] == 5
    assert seen.to_json()["classes"][0]["ignored_label"] == 255
    lines = overview(seen).splitlines()
    line = next(number for number, text in enumerate(lines) if text.startswith("Ignored, "))
    assert max(map(len, lines[line : line + 2])) <= 80
    shown = " ".join(text.strip() for text in lines[line : line + 2])
    assert shown.startswith("Ignored, with the label 255: ")
    assert shown.endswith("and 2 (25.0%) of test")


def test_ignored_labels_are_shown_as_in_the_data(tmp_path: Path) -> None:
    ignoring = "{sparse_categorical_crossentropy: {ignore_class: 0}}"

    seen = inspected(tmp_path, y=Y, loss=ignoring, data=", labels_from: 1", units=2)

    (classes,) = seen.classes
    assert (classes.names, classes.counts["train"], classes.ignored) == (
        *(("1", "2"), (10, 5), {"train": 5, "test": 2}),
    )
    assert "\nIgnored, with the label 0: 5 (25.0%) of train and 2 (25.0%) of test" in overview(seen)
