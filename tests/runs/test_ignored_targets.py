"""Runs whose loss ignores a label: void pixels of a segmentation, and the padding of sequences."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import TRAINING, found_training
from frameworks import require
from netspec.api import export
from netspec.data import Examples, epoch_order, load
from netspec.network import Network, loads
from netspec.numerics.initial import initial
from netspec.numerics.weights import Array, Weights
from netspec.runs.counted import (
    accumulated_shares,
    positions_of_batches,
    positions_of_examples,
)
from netspec.runs.evaluation import evaluate_file, evaluate_run
from netspec.runs.metrics import Record
from netspec.runs.training import train

VOID, BATCH, EPOCHS, RATE = 255, 5, 2, 0.5
SEGMENTATION = f"""\
netspec: 1
name: segmentation
input: [6, 6, 2]
layers: [Conv2D: {{filters: 3, kernel_size: 3, padding: same, activation: softmax}}]
data: {{dataset: npz, path: masks.npz}}
train:
  loss: {{sparse_categorical_crossentropy: {{ignore_class: {VOID}}}}}
  optimizer: {{sgd: {{learning_rate: {RATE}}}}}
  batch_size: {BATCH}
  epochs: {EPOCHS}
"""


def images(count: int, seed: int) -> tuple[Array, NDArray[np.uint8]]:
    """Images and masks with a void border; the first mask is void."""
    random = np.random.default_rng(seed)
    x = random.normal(0, 1, (count, 6, 6, 2)).astype(np.float32)
    y = np.full((count, 6, 6), VOID, np.uint8)
    y[1:, 1:-1, 1:-1] = (x[1:, 1:-1, 1:-1, 0] > 0) + (x[1:, 1:-1, 1:-1, 1] > 0)
    y[:, 3, 3 : 3 + seed] = VOID
    return x, y


TRAIN, VALIDATION = images(12, 1), images(4, 2)
EXAMPLE_WEIGHTS = np.random.default_rng(3).uniform(0, 3, 12).astype(np.float32)


def segmentation(folder: Path, *, weighted: bool, train: str = "") -> Network:
    parts = {"train": TRAIN, "val": VALIDATION, "test": VALIDATION}
    arrays: dict[str, Any] = {f"x_{part}": x for part, (x, _) in parts.items()}
    arrays |= {f"y_{part}": y for part, (_, y) in parts.items()}
    if weighted:
        arrays["w_train"] = EXAMPLE_WEIGHTS
    np.savez(folder / "masks.npz", **arrays)
    return loads(SEGMENTATION + train, folder)


class Expected(NamedTuple):
    history: list[dict[str, float]]
    weights: Weights


@cache
def expected_training(weighted: bool) -> Expected:
    """The losses, accuracies and weights of a hand-written training with Keras."""
    from keras_oracle import keras, tf

    weights = dict(initial(loads(SEGMENTATION).graph, 0))
    kernel, bias = (tf.Variable(weights[f"conv2d.{name}"]) for name in ("kernel", "bias"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID)

    def logits(x: Array) -> Any:
        return tf.nn.conv2d(x, kernel, 1, "SAME") + bias

    def validated(x: Array, y: NDArray[Any]) -> dict[str, float]:
        outputs = logits(x)
        right = (outputs.numpy().argmax(-1) == y)[y != VOID]
        return {"val_loss": float(loss(y, outputs)), "val_accuracy": float(right.mean())}

    history: list[dict[str, float]] = []
    for epoch in range(1, EPOCHS + 1):
        order, total, right, count = epoch_order(12, 0, epoch), 0.0, 0, 0
        for start in range(0, 12, BATCH):
            batch = order[start : start + BATCH]
            x, y = TRAIN[0][batch], TRAIN[1][batch]
            w = EXAMPLE_WEIGHTS[batch, None, None] if weighted else None
            with tf.GradientTape() as tape:
                outputs = logits(x)
                value = loss(y, outputs, w)
            gradients = tape.gradient(value, [kernel, bias])
            kernel.assign_sub(RATE * gradients[0])
            bias.assign_sub(RATE * gradients[1])
            counted = y != VOID
            right += int((outputs.numpy().argmax(-1) == y)[counted].sum())
            total += float(value) * int(counted.sum())
            count += int(counted.sum())
        record = {"loss": total / count, "accuracy": right / count}
        history.append(record | validated(*VALIDATION))
    return Expected(history, {"conv2d.kernel": kernel.numpy(), "conv2d.bias": bias.numpy()})


@pytest.mark.parametrize(
    ("name", "weighted"), [*((name, True) for name in TRAINING), ("torch", False)]
)
def test_a_segmentation_with_void_pixels_trains_as_with_keras(
    name: str, weighted: bool, tmp_path: Path
) -> None:
    require(name)
    require("keras")
    expected = expected_training(weighted)

    network, memory = segmentation(tmp_path, weighted=weighted), None if weighted else 0
    run = train(network, name, device="cpu", runs=tmp_path, memory=memory)

    for record, values in zip(run.history, expected.history, strict=False):
        assert {key: record[key] for key in values} == pytest.approx(values, rel=1e-5)
    assert run.history[-1]["test_loss"] == run.history[-2]["val_loss"]
    weights = run.weights()
    for key, values in expected.weights.items():
        np.testing.assert_allclose(weights[key], values, 1e-5, 1e-6, err_msg=key)


@pytest.mark.parametrize("name", TRAINING)
def test_accumulated_batches_equal_one_batch(name: str) -> None:
    require(name)
    weights = initial(loads(SEGMENTATION).graph, 0)
    examples = Examples((TRAIN[0],), (TRAIN[1].astype(np.int32),), EXAMPLE_WEIGHTS)
    order = np.arange(12)

    def trained(batch_size: int, accumulated: int | None) -> tuple[Weights, float]:
        settings = f"  gradient_accumulation_steps: {accumulated or 'null'}\n"
        network = loads(SEGMENTATION + settings)
        counts = positions_of_examples(examples, network.objectives)
        assert counts is not None
        batches = positions_of_batches(counts, order, batch_size)
        shares = accumulated_shares(1, len(batches), accumulated or 1, lambda _: batches)
        backend = found_training(name if accumulated else "torch")
        trainer = backend.trainer(network, weights, examples, "cpu")
        rates = np.full(len(batches), RATE, np.float32)
        factors = {"loss_factors": shares} if accumulated else {}
        steps = [*trainer.epoch(order, batch_size, rates, 0, **factors)]
        losses = np.concatenate([part.losses for part in steps])
        return trainer.weights(), float(losses @ batches[:, 0] / batches.sum())

    expected, loss = trained(12, None)
    accumulated_weights, accumulated_loss = trained(BATCH, 3)

    assert accumulated_loss == pytest.approx(loss, rel=1e-5)
    for key, values in expected.items():
        np.testing.assert_allclose(accumulated_weights[key], values, 1e-5, 1e-6, err_msg=key)


def test_runs_accumulate_the_gradient_of_all_positions(tmp_path: Path) -> None:
    require("torch")
    accumulated = segmentation(tmp_path, weighted=False, train="  gradient_accumulation_steps: 3\n")
    whole = loads(SEGMENTATION.replace(f"batch_size: {BATCH}", "batch_size: 12"), tmp_path)

    runs = [
        train(network, "torch", device="cpu", runs=tmp_path) for network in (accumulated, whole)
    ]

    losses = [[record["val_loss"] for record in run.history[:-1]] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


SEQUENCES = """\
netspec: 1
name: padded
input: {words: [5, 4], place: [4]}
layers:
  - Dense: {name: step, inputs: words, units: 4, activation: softmax}
  - Dense: {name: kind, inputs: place, units: 3, activation: softmax}
output: [step, kind]
data: {dataset: npz, path: words.npz, labels_from: 1}
train:
  loss:
    step: {sparse_categorical_crossentropy: {ignore_class: 0, label_smoothing: 0.1}}
    kind: {sparse_categorical_crossentropy: {ignore_class: 2}}
  metrics:
    step: [accuracy, {top_k_categorical_accuracy: {k: 2}}, f1_score, confusion_matrix]
    kind: [accuracy, confusion_matrix]
  early_stopping: {monitor: val_loss, patience: 1, restore_best_weights: true}
  batch_size: 7
  epochs: 2
  validation_split: 0.2
"""


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    """A network of two outputs, of which each ignores another label; 0 is no class."""
    random = np.random.default_rng(5)
    folder, arrays = tmp_path_factory.mktemp("padded"), dict[str, Any]()
    for part, count in (("train", 40), ("test", 30)):
        lengths = random.integers(0, 6, count)
        steps = random.integers(1, 5, (count, 5)).astype(np.uint8)
        arrays |= {
            f"x_{part}_words": random.normal(0, 1, (count, 5, 4)).astype(np.float32),
            f"x_{part}_place": random.normal(0, 1, (count, 4)).astype(np.float32),
            f"y_{part}_step": np.where(np.arange(5) < lengths[:, None], steps, 0),
            f"y_{part}_kind": random.integers(1, 4, count),
        }
    np.savez(folder / "words.npz", **arrays)
    return loads(SEQUENCES, folder), folder


def test_every_metric_leaves_ignored_targets_out(padded: tuple[Network, Path]) -> None:
    require("torch")
    network, folder = padded
    run = train(network, "torch", device="cpu", runs=folder)
    test = load(network).test
    outputs = (
        found_training("torch").predictor(network, run.weights(), "cpu").outputs(*test.values())
    )

    figures = evaluate_run(run).figures

    expected: Record = {}
    for name, y, labels, ignored, part in (
        ("step", outputs[0], test.targets[0], -1, 0.1),
        ("kind", outputs[1], test.targets[1], 1, 0.0),
    ):
        counted = np.asarray(labels) != ignored
        p, t = y[counted].astype(np.float64), np.asarray(labels)[counted]
        smooth = (1 - part) * np.eye(y.shape[-1])[t] + part / y.shape[-1]
        matrix = np.zeros((y.shape[-1], y.shape[-1]), int)
        np.add.at(matrix, (t, p.argmax(-1)), 1)
        expected |= {
            f"test_{name}_loss": float(-(smooth * np.log(p)).sum(-1).mean()),
            f"test_{name}_accuracy": float((p.argmax(-1) == t).mean()),
        }
        assert figures[f"test_{name}_confusion_matrix"] == matrix.tolist()
        if name == "step":
            among = (np.argsort(-p, -1)[:, :2] == t[:, None]).any(-1)
            twice = 2 * np.diag(matrix) / (matrix.sum(0) + matrix.sum(1))
            expected["test_step_top_k_categorical_accuracy"] = float(among.mean())
            expected["test_step_f1_score"] = float(twice.mean())
    losses = [float(str(expected[f"test_{name}_loss"])) for name in ("step", "kind")]
    expected["test_loss"] = sum(losses)
    numbers = {key: value for key, value in figures.items() if not isinstance(value, list)}
    assert numbers == pytest.approx(expected, rel=1e-5)
    require("onnx")
    exported = evaluate_file(export(run, folder / "padded.onnx").path, "cpu").figures
    assert exported.pop("test_step_confusion_matrix") == figures["test_step_confusion_matrix"]
    assert exported["test_loss"] == pytest.approx(figures["test_loss"], rel=1e-5)
