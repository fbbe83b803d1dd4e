"""Suspicious data are reported before training, one sentence for each fact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import abacus
import netspec
from core.image_files import save_classes, spec_of
from netspec.data import load, suspicious
from netspec.data.suspicious import suspicions
from netspec.network import loads
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import DataError, SuspiciousDataError

RANDOM = np.random.default_rng(7)
CLASSES = np.tile([0, 1, 2], 20)


def features(*shape: int) -> NDArray[Any]:
    """Examples without anything suspicious."""
    return RANDOM.normal(size=(60, *shape)).astype(np.float32)


def find_suspicions(
    folder: Path,
    x: NDArray[Any],
    y: NDArray[Any] = CLASSES,
    *,
    layers: str = "",
    data: str = "",
    train: str = "",
    loss: str = "sparse_categorical_crossentropy",
    memory: int | None = None,
    **other: NDArray[Any],
) -> list[str]:
    """The warnings about a data set, by default of three classes and with other test images."""
    text = f"""\
netspec: 1
name: tested
input: {[*x.shape[1:]]}
layers: [{layers}Flatten, Dense: {{units: 3, activation: softmax}}]
data: {{dataset: npz, path: data.npz{data}}}
train: {{loss: {loss}{train}}}
"""
    network = loads(text, folder)
    arrays = {"x_train": x, "y_train": y, "x_test": x[:30] + 1, "y_test": y[:30]} | other
    np.savez(folder / "data.npz", **arrays)  # pyright: ignore[reportArgumentType]  # no allow_pickle
    return suspicions(load(network, memory), network)


@pytest.mark.parametrize("memory", [None, 0], ids=["in memory", "in its file"])
def test_nothing_is_suspicious_about_good_data(memory: int | None, tmp_path: Path) -> None:
    assert find_suspicions(tmp_path, features(4), memory=memory) == []
    images = RANDOM.integers(0, 256, (60, 8, 8, 1)).astype(np.uint8)
    images[:, 0] = 0  # like the borders of MNIST
    assert find_suspicions(tmp_path, images, data=", scale: 255", memory=memory) == []


RARE = np.where(np.arange(60) < 54, np.tile([0, 1], 30), 2)
"""Classes, the last of which is only in the last examples."""

HALF = np.tile([0, 1], 30)


@pytest.mark.parametrize(
    ("y", "options", "expected"),
    [
        (
            RARE,
            {"train": ", validation_split: 0.1"},
            "the validation part has the class 2, the training part has not; write "
            "`validation: {fraction: 0.1, stratify: true}` in train",
        ),
        (
            HALF,
            {"y_test": np.tile([0, 2], 15)},
            "the test part has the class 2, the training part has not; shuffle the data before "
            "they are split into training and test",
        ),
        (HALF, {}, "no example has the class 2; use fewer units, or add examples"),
        (HALF * 0, {}, "no example has the classes 1 and 2; use fewer units, or add examples"),
        (
            HALF,
            {"data": ", class_names: [ant, bee, cat]"},
            "no example has the class cat; use fewer units, or add examples",
        ),
    ],
    ids=["validation", "test", "none", "two", "named"],
)
def test_classes_without_training_examples_are_named(
    y: NDArray[Any], options: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    assert find_suspicions(tmp_path, features(4), y, **options) == [expected]


def test_stratified_validation_has_no_other_classes(tmp_path: Path) -> None:
    validation = ", validation: {fraction: 0.1, stratify: true}"

    assert find_suspicions(tmp_path, features(4), RARE, train=validation) == []


X = features(4)


@pytest.mark.parametrize(
    ("x", "options", "expected"),
    [
        (
            np.abs(X) / np.abs(X).max(),
            {"data": ", scale: 255"},
            "the greatest value of the input is 1, and `scale: 255` divides it; remove `scale` "
            "where the data are scaled already",
        ),
        (
            features(3, 32, 32),
            {"layers": "Conv2D: {filters: 2, kernel_size: 1}, "},
            "the input (3, 32, 32) looks like an image with channels first; an image is [height, "
            "width, channels]: write [32, 32, 3], and move the axis of the data with "
            "numpy.moveaxis(x, 1, -1)",
        ),
        (np.full((60, 4), 3), {}, "every value of the input is 3"),
        (
            X * [1, 0, 1, 0],
            {},
            "the features 1 and 3 of the input, counted from 0, are constant; leave out constant "
            "features",
        ),
        (
            np.array([[0, 0.5, 7, -1], [1, 0.25, 7000, 0]] * 30) + X * 1e-6,
            {},
            "the features of the input have very different scales: feature 2 ranges over "
            "6.99e+03, feature 1 over 0.25; begin with Normalization or BatchNormalization",
        ),
        (
            X,
            {"x_test": np.concatenate([X[:2], features(4)[2:30]])},
            "2 of the 30 test examples are equal to training examples; results on them are too "
            "good",
        ),
        (
            np.stack([np.arange(60) % 9, np.arange(60) // 9], 1),
            {
                "layers": "Embedding: {input_dim: 9, output_dim: 2}, ",
                "data": ", scale: 255",
                "x_test": np.full((30, 2), 8),
            },
            "the input holds indices, which are never divided by `scale: 255`",
        ),
    ],
    ids=["scaled", "channels", "constant", "features", "scales", "equal", "indices"],
)
@pytest.mark.parametrize("memory", [None, 0], ids=["in memory", "in its file"])
def test_suspicious_inputs_are_reported(
    x: NDArray[Any], options: dict[str, Any], expected: str, memory: int | None, tmp_path: Path
) -> None:
    assert find_suspicions(tmp_path, x, memory=memory, **options) == [expected]


def test_normalized_features_may_have_any_scale(tmp_path: Path) -> None:
    x = X * [1, 10_000, 1, 1]

    assert len(find_suspicions(tmp_path, x)) == 1
    assert find_suspicions(tmp_path, x, layers="BatchNormalization, ") == []


def test_large_data_are_looked_at_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspicious, "LOOKED_AT", 10 * 4 * 4)  # bytes: ten examples
    x = np.full((60, 4), 3, np.float32)

    first, second = find_suspicions(tmp_path, x, memory=0, x_test=x[:30])

    assert first == "every value of the input is 3"
    assert second == (
        "10 of the 10 test examples that were looked at are equal to training examples; results "
        "on them are too good"
    )


@pytest.fixture
def regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> netspec.graph.Network:
    """A network of the abacus whose test images are its training images."""
    abacus.install(monkeypatch)
    network = abacus.network(tmp_path)
    arrays = dict(np.load(tmp_path / "images.npz"))
    test = {"x_test": arrays["x_train"], "y_test": arrays["y_train"]}
    np.savez(tmp_path / "images.npz", **(arrays | test))
    return network


EQUAL = "40 of the 40 test examples are equal to training examples"


def test_suspicious_data_are_reported_once_before_training(regression, tmp_path: Path) -> None:
    events: list[str] = []

    class Progress(Silent):
        def warns(self, text: str) -> None:
            events.append(text)

        def prepares(self, backend: str) -> None:
            events.append(backend)

    train(regression, "abacus", runs=tmp_path, progress=Progress())

    assert [text.partition(";")[0] for text in events] == [EQUAL, "abacus"]


def test_python_warns_of_suspicious_data(regression, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=EQUAL) as caught:
        netspec.train(regression, "abacus", runs=tmp_path)

    assert caught[0].filename == __file__


def test_strict_training_does_not_begin_on_suspicious_data(regression, tmp_path: Path) -> None:
    with pytest.raises(SuspiciousDataError) as caught:
        train(regression, "abacus", runs=tmp_path / "runs", strict=True)

    assert str(caught.value) == (
        f"error: {EQUAL}; results on them are too good\n"
        "  help: change the data, or train without `strict`"
    )
    assert not (tmp_path / "runs").exists()


STOPPING = ", early_stopping: {patience: 1}"


def test_early_stopping_uses_the_validation_part_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abacus.install(monkeypatch)
    for part in ("train", "val", "test"):
        save_classes(tmp_path / "photos" / part)
    run = train(spec_of(tmp_path, train=STOPPING), "abacus", runs=tmp_path / "runs")
    assert "val_loss" in (run.path / "metrics.jsonl").read_text("utf-8")


def test_early_stopping_without_a_validation_part_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abacus.install(monkeypatch)
    save_classes(tmp_path / "photos")
    with pytest.raises(DataError, match="there are no examples for validation"):
        train(spec_of(tmp_path, train=STOPPING), "abacus", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_an_ignored_class_needs_no_example(tmp_path: Path) -> None:
    x, labels = features(4), np.where(CLASSES == 2, 0, CLASSES)
    (missing,) = find_suspicions(tmp_path, x, labels)
    assert missing.startswith("no example has the class 2")

    ignoring = "{sparse_categorical_crossentropy: {ignore_class: 2}}"
    assert find_suspicions(tmp_path, x, labels, loss=ignoring) == []
    assert find_suspicions(tmp_path, x, CLASSES, loss=ignoring) == []


def test_a_part_without_targets_that_count_is_reported(tmp_path: Path) -> None:
    ignoring = "{sparse_categorical_crossentropy: {ignore_class: 255}}"
    void = np.full(30, 255)

    reported = find_suspicions(tmp_path, features(4), loss=ignoring, y_test=void)

    assert reported == ["every test label is 255, which the loss ignores: its loss is 0"]
