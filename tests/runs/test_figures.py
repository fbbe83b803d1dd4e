"""The metrics of an epoch and of a test, computed manually: losses and metrics of two outputs."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pytest

from netspec.backend import Steps
from netspec.data import Examples
from netspec.network import Network, loads
from netspec.numerics.initial import initial
from netspec.numerics.measures import measure, probabilities
from netspec.runs.counted import accumulated_shares, positions_of_examples
from netspec.runs.metrics import Meter, evaluate

SPEC = """\
netspec: 1
name: two
input: [2]
layers:
  - Dense: {name: kind, units: 3, activation: softmax}
  - Dense: {name: value, inputs: input, units: 1}
output: [kind, value]
train:
  loss: {kind: sparse_categorical_crossentropy, value: mean_squared_error}
  loss_weights: {value: 0.5}
  metrics: {kind: [accuracy, confusion_matrix], value: [mean_absolute_error]}
  batch_size: 2
"""
NETWORK = loads(SPEC)

# Of every example: its class, the logits of the classes, its value, the output. The answers are the
# classes 0, 1, 1, 2, 2; the probability of each class with a logit of log(4) is 2/3.
FOUR = log(4)
CLASSES, KINDS = (
    [0, 1, 2, 2, 0],
    [[FOUR, 0, 0], [0, FOUR, 0], [0, FOUR, 0], [0, 0, FOUR], [0, 0, FOUR]],
)
TARGETS, VALUES = [[1], [2], [3], [4], [5]], [[1.5], [2], [1], [4], [9]]
EXAMPLES = Examples(
    (np.zeros((5, 2), np.float32),), (np.array(CLASSES, np.int32), np.array(TARGETS, np.float32))
)
LOGITS = (np.array(KINDS, np.float32), np.array(VALUES, np.float32))
ORDER = np.array([4, 2, 0, 1, 3])

RIGHT, WRONG = log(3 / 2), log(6)  # the losses of a right answer and of another
SQUARES, DISTANCES = (0.25, 0, 4, 0, 16), (0.5, 0, 2, 0, 4)


def test_an_epoch_weighs_its_batches_by_their_examples() -> None:
    meter = Meter(NETWORK, EXAMPLES, ORDER)
    two = Steps(np.float32([1, 2]), None, np.float32([[3, 5], [7, 8]]), logits_of(ORDER[:4]))
    last = Steps(np.float32([6]), None, np.float32([[1, 9]]), logits_of(ORDER[4:]))

    meter.add(two)
    first = meter.record()
    meter.add(last)

    assert meter.done == 5
    assert first == pytest.approx(
        {
            "loss": (2 * 1 + 2 * 2) / 4,
            "kind_loss": (2 * 3 + 2 * 7) / 4,
            "value_loss": (2 * 5 + 2 * 8) / 4,
            "kind_accuracy": 2 / 4,
            "value_mean_absolute_error": (4 + 2 + 0.5 + 0) / 4,
        }
    )
    assert meter.record() == pytest.approx(
        {
            "loss": (2 * 1 + 2 * 2 + 6) / 5,
            "kind_loss": (2 * 3 + 2 * 7 + 1) / 5,
            "value_loss": (2 * 5 + 2 * 8 + 9) / 5,
            "kind_accuracy": 3 / 5,
            "value_mean_absolute_error": (4 + 2 + 0.5 + 0 + 0) / 5,
        }
    )


def test_an_epoch_without_a_step_has_figures_of_zero() -> None:
    assert set(Meter(NETWORK, EXAMPLES, ORDER).record().values()) == {0}


def test_counted_answers_are_the_accuracy_of_all_steps() -> None:
    network = loads(
        "netspec: 1\nname: steps\ninput: [4, 2]\nlayers: [Dense: {units: 3, activation: softmax}]\n"
        "train: {loss: sparse_categorical_crossentropy, batch_size: 2}"
    )
    examples = Examples((np.zeros((3, 4, 2), np.float32),), (np.zeros((3, 4), np.int32),))
    meter = Meter(network, examples, np.arange(3))

    meter.add(Steps(np.float32([1, 4]), np.array([5, 1], np.int32)))

    assert meter.record() == pytest.approx({"loss": (2 * 1 + 4) / 3, "accuracy": 6 / 12})


def test_an_epoch_weighs_ignoring_losses_by_counted_positions() -> None:
    network = loads(
        "netspec: 1\nname: steps\ninput: [4, 2]\n"
        "layers: [Dense: {name: kind, units: 3, activation: softmax}, "
        "Dense: {name: value, inputs: input, units: 1}]\n"
        "output: [kind, value]\ntrain: {loss: {kind: {sparse_categorical_crossentropy: "
        "{ignore_class: -1}}, value: mean_squared_error}, metrics: {}, batch_size: 2}"
    )
    kinds = np.array(
        [[-1, -1, -1, -1], [0, -1, -1, -1], [1, 1, 2, 0], [-1] * 4, [-1] * 4], np.int32
    )
    examples = Examples(
        (np.zeros((5, 4, 2), np.float32),), (kinds, np.zeros((5, 4, 1), np.float32))
    )
    counts = positions_of_examples(examples, network.objectives)
    meter = Meter(network, examples, np.array([1, 2, 0, 3, 4]), counts)

    penalty = 0.5
    by_output = np.float32([[2, 3], [0, 5], [0, 7]])  # in the second and third batch nothing counts
    meter.add(Steps(by_output.sum(1) + penalty, None, by_output))

    values = (2 * 3 + 2 * 5 + 1 * 7) / 5
    assert meter.record() == pytest.approx(
        {"loss": 2 + values + penalty, "kind_loss": 2, "value_loss": values}
    )


def test_counted_answers_of_ignoring_losses_have_fewer_positions() -> None:
    network = loads(
        "netspec: 1\nname: steps\ninput: [2, 2]\nlayers: [Dense: {units: 3, activation: softmax}]\n"
        "train: {loss: {sparse_categorical_crossentropy: {ignore_class: 0}}, batch_size: 2}"
    )
    kinds = np.array([[0, 1], [2, 2], [0, 0]], np.int32)
    examples = Examples((np.zeros((3, 2, 2), np.float32),), (kinds,))
    counts = positions_of_examples(examples, network.objectives)
    meter = Meter(network, examples, np.arange(3), counts)

    meter.add(Steps(np.float32([1.5, 0]), np.array([2, 0], np.int32)))

    assert meter.record() == pytest.approx({"loss": 1.5, "accuracy": 2 / 3})


@pytest.mark.parametrize(
    ("accumulated", "expected"),
    [
        (1, [1, 1, 1, 1, 1, 1, 0, 0, 1]),
        (2, [2 / 4, 6 / 4, 10 / 6, 2 / 6, 4 / 5, 6 / 5, 0, 0, 8 / 6]),
        (4, [4 / 10, 12 / 10, 20 / 10, 4 / 10, 8 / 5, 12 / 5, 0, 0, 16 / 10]),
        (7, [7 / 15, 21 / 15, 35 / 15, 7 / 15, 14 / 15, 21 / 15, 0, 0, 28 / 14]),
    ],
)
def test_accumulated_batches_share_the_positions_of_all(
    accumulated: int, expected: list[float]
) -> None:
    """An epoch has three batches: a step of the optimizer may use batches of several epochs."""
    known = {1: [1, 3, 5], 2: [1, 2, 3], 3: [0, 0, 4]}

    def counts_of(epoch: int) -> Any:
        return np.array(known.get(epoch, [2, 2, 2]))[:, None]

    factors = [accumulated_shares(epoch, 3, accumulated, counts_of) for epoch in known]

    assert np.concatenate(factors)[:, 0].tolist() == pytest.approx(expected)


def logits_of(indices: Any) -> Any:
    return tuple(logits[indices] for logits in LOGITS)


class Predictor:
    """Returns the logits above, part after part."""

    device = "none"

    def __init__(self) -> None:
        self._done = 0

    def logits(self, inputs: Any) -> Any:
        self._done += len(inputs)
        return logits_of(slice(self._done - len(inputs), self._done))


@pytest.mark.parametrize("part", [2, 5])
def test_an_evaluation_is_a_mean_over_all_examples(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netspec.data.examples.PART", part)
    kind, value = (3 * RIGHT + 2 * WRONG) / 5, sum(SQUARES) / 5

    record = evaluate(Predictor(), None, EXAMPLES, NETWORK, "val_")

    assert record == pytest.approx(
        {
            "val_loss": kind + 0.5 * value,
            "val_kind_loss": kind,
            "val_value_loss": value,
            "val_kind_accuracy": 3 / 5,
            "val_value_mean_absolute_error": sum(DISTANCES) / 5,
        }
    )


@pytest.mark.parametrize("part", [2, 5])
def test_the_weights_of_examples_count_in_losses_only(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netspec.data.examples.PART", part)
    weights = np.float32([1, 0, 2, 0.5, 3])
    examples = Examples(EXAMPLES.inputs, EXAMPLES.targets, weights)
    kind = (1 * RIGHT + 2 * WRONG + 0.5 * RIGHT + 3 * WRONG) / 5
    value = (1 * 0.25 + 2 * 4 + 3 * 16) / 5

    record = evaluate(Predictor(), None, examples, NETWORK, "test_")

    assert record.pop("test_kind_confusion_matrix") == [[1, 0, 1], [0, 1, 0], [0, 1, 1]]
    assert record == pytest.approx(
        {
            "test_loss": kind + 0.5 * value,
            "test_kind_loss": kind,
            "test_value_loss": value,
            "test_kind_accuracy": 3 / 5,
            "test_value_mean_absolute_error": sum(DISTANCES) / 5,
        }
    )


def test_only_known_weights_have_penalties() -> None:
    regularized = SPEC.replace("units: 1", "units: 1, kernel_regularizer: {l2: {l2: 0.5}}")
    network = loads(regularized)
    weights = initial(network.graph, 0) | {"value.kernel": np.float32([[3], [-1]])}

    without, whole = (
        evaluate(Predictor(), known, EXAMPLES, network, "test_")["test_loss"]
        for known in (None, weights)
    )

    assert whole == pytest.approx(without + 0.5 * (9 + 1), rel=1e-12)


# Metrics. Of the classes 0, 0, 1, 2 the answers are 0, 1, 1, 1.

LABELS, SCORES = [0, 0, 1, 2], [[3, 2, 1], [2, 3, 1], [1, 3, 2], [2, 3, 1]]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", 2 / 4),
        ("precision", (1 + 1 / 3 + 0) / 3),
        ("recall", (1 / 2 + 1 + 0) / 3),
        ("f1_score", (2 / 3 + 2 / 4 + 0) / 3),
        ("top_k_categorical_accuracy: {k: 1}", 2 / 4),
        ("top_k_categorical_accuracy: {k: 2}", 3 / 4),
        ("top_k_categorical_accuracy: {k: 3}", 1),
        ("confusion_matrix", [[1, 1, 0], [0, 1, 0], [0, 1, 0]]),
    ],
)
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("axes", [(4,), (2, 2)], ids=str)  # four examples, or two of two steps
def test_metrics_of_classes(loss: str, axes: tuple[int, ...], metric: str, expected: Any) -> None:
    labels, scores = np.reshape(LABELS, axes), np.reshape(SCORES, (*axes, 3))
    targets = labels if loss.startswith("sparse") else np.eye(3)[labels]

    value = figure(f"loss: {loss}, metrics: [{{{metric}}}]", scores, targets, 3, "softmax")

    assert value == (expected if isinstance(expected, list) else pytest.approx(expected, rel=1e-12))


def test_two_classes_exclude_each_other() -> None:
    train = "loss: sparse_categorical_crossentropy, metrics: [precision]"
    answers = [[1, 2], [1, 2], [1, 2], [2, 1]]  # the classes 1, 1, 1, 0

    value = figure(train, answers, [1, 1, 0, 0], 2, "softmax")

    assert value == pytest.approx((1 + 2 / 3) / 2, rel=1e-12)


def test_the_confusion_matrix_counts_every_step() -> None:
    train, logits = "loss: binary_crossentropy, metrics: [confusion_matrix]", [1, 1, -1, 2, -3, 1]
    targets = np.float32([1, 0, 0, 1, 1, 1])

    value = figure(train, np.reshape(logits, (3, 2, 1)), targets.reshape(3, 2, 1), 1, "sigmoid")

    assert value == [[1, 1], [1, 3]]


METRICS = [
    *("accuracy", "top_k_categorical_accuracy", "auc", "precision", "recall", "f1_score"),
    *("categorical_accuracy", "mean_absolute_error", "root_mean_squared_error"),
]


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_of_no_example_is_zero(metric: str) -> None:
    train = f"loss: categorical_crossentropy, metrics: [{metric}]"
    (objective,) = one_output(train, 3, "softmax").objectives

    assert measure(objective.metrics[0], objective).figure() == 0


@pytest.mark.parametrize(
    ("train", "outputs", "targets", "expected"),
    [
        ("loss: mean_squared_error, metrics: [mean_absolute_error]", [[1]], [[4]], 3),
        ("loss: categorical_hinge, metrics: [precision]", [[0.9], [0.2]], [[1], [0]], 1),
        # Only a loss of signs takes -1 for no.
        (
            "loss: mean_squared_error, metrics: [binary_accuracy]",
            [[0.2], [0.9]],
            [[-1], [1]],
            1 / 2,
        ),
    ],
)
def test_metrics_of_one_output(train: str, outputs: Any, targets: Any, expected: float) -> None:
    assert figure(train, outputs, targets) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("metric", ["categorical_accuracy", "recall"])
def test_the_class_of_a_distribution_is_the_largest(metric: str) -> None:
    targets = [[0.5, 0.3, 0.2], [0.6, 0.4, 0], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]]

    value = figure(f"loss: kl_divergence, metrics: [{metric}]", SCORES, targets, 3, "softmax")

    assert value == pytest.approx(1 / 2, rel=1e-12)


def test_an_equal_output_takes_no_place_before_the_class() -> None:
    train = "loss: sparse_categorical_crossentropy, metrics: [top_k_categorical_accuracy: {k: 1}]"

    assert figure(train, [[1, 1, 1], [1, 1, 2]], [2, 1], 3, "softmax") == 1 / 2


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", 2 / 4),
        ("precision", 2 / 3),
        ("recall", 2 / 3),
        ("precision: {threshold: 0.65}", 2 / 2),
        ("recall: {threshold: 0.1}", 3 / 3),
        ("f1_score: {threshold: 0.1}", 6 / 7),
    ],
)
def test_metrics_of_several_yes_and_no_count_every_output(metric: str, expected: float) -> None:
    chances, targets = np.array([[0.9, 0.2], [0.6, 0.7]]), [[1, 1], [0, 1]]
    logits = np.log(chances / (1 - chances))

    value = figure(
        f"loss: binary_crossentropy, metrics: [{{{metric}}}]", logits, targets, 2, "sigmoid"
    )

    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mean_absolute_error", 2),
        ("mean_squared_error", 5),
        ("root_mean_squared_error", 5**0.5),
    ],
)
def test_metrics_of_values(metric: str, expected: float) -> None:
    train = f"loss: huber, metrics: [{metric}]"

    assert figure(train, [[1, 3]], [[0, 6]], 2) == pytest.approx(expected, rel=1e-12)


def figure(
    train: str, outputs: Any, targets: Any, units: int = 1, activation: str = "linear"
) -> Any:
    """The only metric of a spec's output for outputs or logits (n, units)."""
    (objective,) = one_output(train, units, activation).objectives
    measured = measure(objective.metrics[0], objective)
    measured.add(probabilities(np.float32(outputs), objective), np.array(targets))
    return measured.figure()


def one_output(train: str, units: int, activation: str) -> Network:
    return loads(
        f"netspec: 1\nname: one\ninput: [2]\n"
        f"layers: [Dense: {{units: {units}, activation: {activation}}}]\ntrain: {{{train}}}"
    )


@pytest.mark.parametrize("no", [-1, 0])
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("binary_accuracy", 2 / 5),
        ("precision", 2 / 3),
        ("recall", 2 / 4),
        ("f1_score", 4 / 7),
        ("binary_accuracy: {threshold: 0.6}", 3 / 5),
        ("precision: {threshold: 0.6}", 2 / 2),
        ("auc: {num_thresholds: 3}", 1 / 4),  # (1, 1), (1, 1/2), (0, 0)
        # Found are 4, 2 and 0 of 4, and named 5, 3 and 0 (Davis and Goadrich, 2006).
        ("auc: {num_thresholds: 3, curve: PR}", (2 - log(5 / 3) + 4 / 3) / 4),
    ],
)
def test_signs_and_zeros_and_ones_have_the_same_metrics(
    no: int, metric: str, expected: float
) -> None:
    outputs, targets = [[0.9], [0.8], [0.6], [0.4], [0.2]], [[1], [1], [no], [1], [1]]

    value = figure(f"loss: hinge, metrics: [{{{metric}}}]", outputs, targets)

    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("curve", "outputs", "targets", "expected"),
    [
        # 0 and 1 are outputs between the first threshold and the last: (1, 1), (1/2, 1/2), (0, 0).
        ("ROC", [[0], [1], [0], [1]], [[1], [1], [0], [0]], 1 / 2),
        # Found are 2, 1 and 0 of 2, and named 3, 1 and 0.
        ("PR", [[0.9], [0.2], [0.3]], [[1], [1], [0]], (0.5 * (1 + 0.5 * log(3)) + 1) / 2),
        ("PR", [[0.9], [0.8]], [[0], [0]], 0),
        ("ROC", [[0.9], [0.2]], [[1], [1]], 0),
    ],
)
def test_the_area_of_three_points(curve: str, outputs: Any, targets: Any, expected: float) -> None:
    train = f"loss: hinge, metrics: [auc: {{num_thresholds: 3, curve: {curve}}}]"

    assert figure(train, outputs, targets) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_the_curve_of_class_indices_is_that_of_one_value_a_class(curve: str) -> None:
    logits = np.random.default_rng(3).normal(0, 1, (10, 4, 3))  # of four steps
    labels = np.arange(40).reshape(10, 4) % 3
    metrics = f"metrics: [auc: {{curve: {curve}}}]"
    losses = ("sparse_categorical_crossentropy", "categorical_crossentropy")

    sparse, one_hot = (
        figure(f"loss: {loss}, {metrics}", logits, targets, 3, "softmax")
        for loss, targets in zip(losses, (labels, np.eye(3)[labels]), strict=True)
    )

    assert sparse == one_hot


def test_an_even_chance_is_a_no() -> None:
    train, logits, targets = (
        "loss: binary_crossentropy, metrics: [METRIC]",
        [[0], [0], [1]],
        [[0], [1], [1]],
    )

    matrix, accuracy = (
        figure(train.replace("METRIC", metric), logits, targets, 1, "sigmoid")
        for metric in ("confusion_matrix", "accuracy")
    )

    assert matrix == [[1, 0], [1, 1]]
    assert accuracy == pytest.approx(2 / 3, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("sparse_categorical_crossentropy", "softmax"),
        ("{categorical_crossentropy: {from_logits: true}}", "linear"),
    ],
)
def test_every_step_has_probabilities_of_its_own(loss: str, activation: str) -> None:
    expected = np.random.default_rng(4).dirichlet(np.ones(5), (4, 3))
    (objective,) = one_output(f"loss: {loss}", 5, activation).objectives

    values = probabilities(np.float32(np.log(expected)), objective)

    np.testing.assert_allclose(values, expected, 1e-6)


@pytest.mark.parametrize(
    ("loss", "activation", "expected"),
    [
        ("categorical_crossentropy", "softmax", [[1, 0], [0, 1], [0.5, 0.5]]),
        ("binary_crossentropy", "sigmoid", [[1, 0], [0, 1], [1, 1]]),
    ],
)
def test_logits_of_a_thousand_have_probabilities(
    loss: str, activation: str, expected: list[list[float]]
) -> None:
    (objective,) = one_output(f"loss: {loss}", 2, activation).objectives
    logits = np.float32([[1000, -1000], [-1000, 1000], [1000, 1000]])

    np.testing.assert_array_equal(probabilities(logits, objective), expected)
