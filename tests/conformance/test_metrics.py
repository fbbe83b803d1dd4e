"""Every metric is Keras's own, batch by batch; what Keras lacks is scikit-learn's or a formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from keras_oracle import keras
from netspec.checks.objectives import Objective
from netspec.network import loads
from netspec.numerics.measures import measure, probabilities

Arrays = tuple[NDArray[Any], NDArray[Any]]

COUNT, CLASSES = 60, 7
BATCHES = np.split(np.arange(COUNT), [25, 50])  # the last is short


def several(sparse: bool, axes: tuple[int, ...] = ()) -> Arrays:
    """Probabilities (count, …, classes) and their classes, as indices or one value a class."""
    random = np.random.default_rng(5)
    outputs = random.dirichlet(np.ones(CLASSES), (COUNT, *axes)).astype(np.float32)
    labels = random.integers(0, CLASSES, (COUNT, *axes), np.int32)
    return outputs, labels if sparse else np.eye(CLASSES, dtype=np.float32)[labels]


def binary(units: int = 1) -> Arrays:
    """Probabilities (count, units) and zeros and ones."""
    random = np.random.default_rng(6)
    outputs = random.uniform(0, 1, (COUNT, units)).astype(np.float32)
    return outputs, (random.uniform(0, 1, (COUNT, units)) < outputs).astype(np.float32)


def on_thresholds() -> Arrays:
    """Probabilities (count, 1) that are thresholds of a curve of five points, and zeros and ones."""
    random = np.random.default_rng(9)
    outputs = random.choice(np.array([0, 0.25, 0.5, 0.75, 1], np.float32), (COUNT, 1))
    return outputs, (random.uniform(0, 1, (COUNT, 1)) < outputs).astype(np.float32)


def values() -> Arrays:
    random = np.random.default_rng(8)
    outputs = random.normal(0, 2, (COUNT, 3)).astype(np.float32)
    return outputs, (outputs + random.normal(0, 1, outputs.shape)).astype(np.float32)


def objective_of(loss: str, metric: str, outputs: NDArray[Any]) -> Objective:
    """The objective of a spec with this metric."""
    *axes, units = outputs.shape[1:]
    activation = {SPARSE: "softmax", CATEGORICAL: "softmax", BINARY: "sigmoid"}.get(loss, "linear")
    braced = f"{{{metric}}}" if ":" in metric else metric
    network = loads(
        f"netspec: 1\nname: tested\ninput: {[*axes, 2]}\n"
        f"layers: [Dense: {{units: {units}, activation: {activation}}}]\n"
        f"train: {{loss: {loss}, metrics: [{braced}]}}"
    )
    return network.objectives[0]


def figure(loss: str, metric: str, outputs: NDArray[Any], targets: NDArray[Any]) -> Any:
    """What a metric of probabilities or other outputs comes to over three batches."""
    objective = objective_of(loss, metric, outputs)
    measured = measure(objective.metrics[0], objective)
    for batch in BATCHES:
        measured.add(outputs[batch], targets[batch])
    return measured.figure()


SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY, SQUARES = "binary_crossentropy", "mean_squared_error"
M = keras.metrics

AGAINST_KERAS: list[tuple[str, str, Callable[[], Any], Callable[[], Arrays]]] = [
    (SPARSE, "accuracy", M.SparseCategoricalAccuracy, lambda: several(True)),
    (SPARSE, "accuracy", M.SparseCategoricalAccuracy, lambda: several(True, (3,))),
    (SPARSE, "sparse_categorical_accuracy", M.SparseCategoricalAccuracy, lambda: several(True)),
    (CATEGORICAL, "accuracy", M.CategoricalAccuracy, lambda: several(False)),
    (CATEGORICAL, "categorical_accuracy", M.CategoricalAccuracy, lambda: several(False, (3,))),
    (BINARY, "accuracy", M.BinaryAccuracy, binary),
    (BINARY, "accuracy", M.BinaryAccuracy, lambda: binary(4)),
    (BINARY, "binary_accuracy: {threshold: 0.3}", lambda: M.BinaryAccuracy(threshold=0.3), binary),
    (SPARSE, "top_k_categorical_accuracy", M.SparseTopKCategoricalAccuracy, lambda: several(True)),
    (SPARSE, "top_k_categorical_accuracy: {k: 2}",
     lambda: M.SparseTopKCategoricalAccuracy(k=2), lambda: several(True, (3,))),
    (CATEGORICAL, "top_k_categorical_accuracy: {k: 3}",
     lambda: M.TopKCategoricalAccuracy(k=3), lambda: several(False)),
    (BINARY, "auc", M.AUC, binary),
    (BINARY, "auc", M.AUC, lambda: binary(4)),
    (CATEGORICAL, "auc", M.AUC, lambda: several(False)),
    (BINARY, "auc: {num_thresholds: 20}", lambda: M.AUC(num_thresholds=20), binary),
    (BINARY, "auc: {num_thresholds: 5}", lambda: M.AUC(num_thresholds=5), on_thresholds),
    (BINARY, "auc: {num_thresholds: 5, curve: PR}",
     lambda: M.AUC(num_thresholds=5, curve="PR"), on_thresholds),
    (BINARY, "auc: {curve: PR}", lambda: M.AUC(curve="PR"), binary),
    (BINARY, "precision", M.Precision, binary),
    (BINARY, "precision: {threshold: 0.7}", lambda: M.Precision(thresholds=0.7), lambda: binary(4)),
    (BINARY, "recall", M.Recall, binary),
    (BINARY, "recall: {threshold: 0.2}", lambda: M.Recall(thresholds=0.2), lambda: binary(4)),
    (BINARY, "f1_score", lambda: M.F1Score(threshold=0.5), binary),
    (BINARY, "f1_score: {threshold: 0.6}",
     lambda: M.F1Score("micro", threshold=0.6), lambda: binary(4)),
    (CATEGORICAL, "f1_score", lambda: M.F1Score("macro"), lambda: several(False)),
    (SQUARES, "mean_absolute_error", M.MeanAbsoluteError, values),
    (SQUARES, "mean_squared_error", M.MeanSquaredError, values),
    (SQUARES, "root_mean_squared_error", M.RootMeanSquaredError, values),
]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "metric", "oracle", "arrays"),
    AGAINST_KERAS,
    ids=[f"{loss}-{metric}" for loss, metric, *_ in AGAINST_KERAS],
)
def test_a_metric_is_that_of_keras(
    loss: str, metric: str, oracle: Callable[[], Any], arrays: Callable[[], Arrays]
) -> None:
    outputs, targets = arrays()
    theirs = oracle()
    for batch in BATCHES:
        theirs.update_state(targets[batch], outputs[batch])

    actual = figure(loss, metric, outputs, targets)

    assert actual == pytest.approx(float(np.ravel(theirs.result())[0]), rel=1e-5)


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("precision", sklearn_metrics.precision_score),
        ("recall", sklearn_metrics.recall_score),
        ("f1_score", sklearn_metrics.f1_score),
    ],
    ids=["precision", "recall", "f1_score"],
)
def test_of_several_classes_the_mean_over_the_classes_is_that_of_scikit_learn(
    metric: str, function: Callable[..., float]
) -> None:
    outputs, labels = several(True)

    actual = figure(SPARSE, metric, outputs, labels)

    expected = function(labels, outputs.argmax(-1), average="macro", zero_division=0)
    assert actual == pytest.approx(expected, rel=1e-12)


def test_the_confusion_matrix_of_classes_is_that_of_scikit_learn() -> None:
    outputs, labels = several(True)

    actual = figure(SPARSE, "confusion_matrix", outputs, labels)

    assert actual == sklearn_metrics.confusion_matrix(labels, outputs.argmax(-1)).tolist()


def test_the_confusion_matrix_of_yes_and_no_has_two_classes() -> None:
    outputs, targets = binary()

    actual = figure(BINARY, "confusion_matrix", outputs, targets)

    assert actual == sklearn_metrics.confusion_matrix(targets[:, 0], outputs[:, 0] > 0.5).tolist()


def test_metrics_see_the_probabilities_of_logits() -> None:
    for loss in (BINARY, f"{{{BINARY}: {{from_logits: true}}}}"):
        outputs, _ = binary()
        actual = probabilities(
            np.log(outputs / (1 - outputs)), objective_of(loss, "precision", outputs)
        )
        np.testing.assert_allclose(actual, outputs, 1e-6)


def test_the_probabilities_of_far_logits_are_those_of_keras() -> None:
    logits = np.array([[-200, -100, -20, 0, 20, 100, 200]], np.float32)
    softmax, sigmoid = keras.activations.softmax(logits), keras.activations.sigmoid(logits)

    actual = [
        probabilities(logits, objective_of(loss, "auc", logits)) for loss in (CATEGORICAL, BINARY)
    ]

    np.testing.assert_allclose(actual[0], softmax, 1e-5, 1e-37)
    np.testing.assert_allclose(actual[1], sigmoid, 1e-5, 1e-37)
    assert all(values.dtype == np.float32 for values in actual)
