"""Losses, weights and metrics of every output; and valid objectives. docs/errors shows the others."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.checks.objectives import Objective, figures
from netspec.language.training.losses import Hinge, Huber, Loss
from netspec.network import loads

BEGINNING = "netspec: 1\nname: example\n"
TWO = (
    BEGINNING + "input: [4]\nlayers:\n"
    "  - Dense: {name: kind, units: 3, activation: softmax}\n"
    "  - Dense: {name: size, inputs: input, units: 2}\n"
    "output: [kind, size]\n"
)
BOTH = "{kind: sparse_categorical_crossentropy, size: mean_squared_error}"


def spec_of(train: str, units: int = 3, activation: str = "softmax", more: str = "") -> str:
    """A spec of one Dense for four features; `more` adds fields, or replaces the input."""
    dense = f"Dense: {{units: {units}, activation: {activation}}}"
    shape = "" if "input:" in more else "input: [4]\n"
    return f"{BEGINNING}{shape}layers: [{dense}]\n{more}train: {{{train}}}\n"


def objectives(text: str) -> tuple[Objective, ...]:
    return loads(text).objectives


def metrics(objective: Objective) -> list[str]:
    return [metric.tag for metric in objective.metrics]


# Requested losses, weights and metrics.


def test_every_output_has_loss_weight_and_metrics() -> None:
    kind, size = objectives(
        f"{TWO}train: {{loss: {BOTH}, loss_weights: {{size: 0.25}}, metrics: {{size: "
        "[mean_absolute_error]}}"
    )

    assert (kind.output, kind.loss.tag, kind.weight, metrics(kind), kind.taken_off) == (
        *("kind", "sparse_categorical_crossentropy", 1.0, [], "softmax"),
    )
    assert (size.output, size.loss.tag, size.weight, metrics(size), size.taken_off) == (
        *("size", "mean_squared_error", 0.25, ["mean_absolute_error"], None),
    )
    assert (kind.shape, kind.target_shape) == ((3,), ())
    assert (size.shape, size.target_shape) == ((2,), (2,))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("hinge", Hinge()),
        ("{hinge: }", Hinge()),
        ("{huber: {delta: 2}}", Huber(delta=2)),
        ("{hinge: huber}", Huber()),  # of the output that is named hinge
        ("{hinge: hinge}", Hinge()),
        ("{hinge: {huber: {delta: 2}}}", Huber(delta=2)),
    ],
)
def test_a_mapping_is_a_loss_or_names_outputs(loss: str, expected: Loss) -> None:
    (objective,) = objectives(spec_of(f"loss: {loss}").replace("units: 3", "units: 3, name: hinge"))

    assert objective.loss == expected


@pytest.mark.parametrize(
    ("loss", "units", "activation", "expected"),
    [
        ("sparse_categorical_crossentropy", 3, "softmax", "softmax"),
        ("categorical_crossentropy", 3, "softmax", "softmax"),
        ("binary_crossentropy", 1, "sigmoid", "sigmoid"),
        ("{binary_crossentropy: {from_logits: true}}", 1, "linear", None),
        ("{categorical_crossentropy: {from_logits: true}}", 3, "tanh", None),
        ("mean_squared_error", 1, "sigmoid", None),
        ("kl_divergence", 3, "softmax", None),
        ("categorical_hinge", 3, "linear", None),
    ],
)
def test_only_a_cross_entropy_takes_its_activation_off(
    loss: str, units: int, activation: str, expected: str | None
) -> None:
    (objective,) = objectives(spec_of(f"loss: {loss}", units, activation))

    assert objective.taken_off == expected


@pytest.mark.parametrize(
    ("train", "activation", "data", "expected"),
    [
        ("loss: sparse_categorical_crossentropy", "softmax", "", ["accuracy"]),
        ("loss: categorical_crossentropy", "softmax", "", ["accuracy"]),
        ("loss: categorical_hinge", "linear", "", ["accuracy"]),
        ("loss: binary_crossentropy", "sigmoid", "", ["accuracy"]),
        ("loss: hinge", "linear", "", []),
        ("loss: kl_divergence", "softmax", "", []),
        ("loss: mean_squared_error", "linear", "", []),
        ("loss: categorical_crossentropy, metrics: []", "softmax", "", []),
        (
            "loss: categorical_crossentropy, metrics: [auc, recall]",
            "softmax",
            "",
            ["auc", "recall"],
        ),
        ("loss: binary_crossentropy", "sigmoid", "target: input", []),
        ("loss: binary_crossentropy", "sigmoid", "target: labels", ["accuracy"]),
        (
            "loss: binary_crossentropy, metrics: [accuracy]",
            "sigmoid",
            "target: input",
            ["accuracy"],
        ),
    ],
)
def test_accuracy_is_the_default_metric_of_classes(
    train: str, activation: str, data: str, expected: list[str]
) -> None:
    source = f"data: {{dataset: npz, path: a.npz, {data}}}\n" if data else ""

    (objective,) = objectives(spec_of(train, 4, activation, source))

    assert metrics(objective) == expected


def test_metrics_of_one_output_have_no_prefix() -> None:
    train = "loss: categorical_crossentropy, metrics: [auc, confusion_matrix, mean_squared_error]"

    assert figures(objectives(spec_of(train))) == {
        "loss": False,
        "auc": True,
        "mean_squared_error": False,
    }


def test_metrics_of_several_outputs_have_a_prefix() -> None:
    train = f"train: {{loss: {BOTH}, metrics: {{kind: [accuracy, confusion_matrix]}}}}"

    assert figures(objectives(TWO + train)) == {
        "loss": False,
        "kind_loss": False,
        "kind_accuracy": True,
        "size_loss": False,
    }


# Valid objectives.

SPARSE, CATEGORICAL = "loss: sparse_categorical_crossentropy", "loss: categorical_crossentropy"
BINARY, SQUARES = "loss: binary_crossentropy", "loss: mean_squared_error"
ARRAYS = "data: {dataset: npz, path: a.npz}\n"
NAMED = "data: {dataset: npz, path: a.npz, class_names: [a, b, c]}\n"
STEPS = "input: [4, 2]\n"
IMAGES = "input: [8, 8, 1]\n"
KEPT = "validation: {fraction: 0.1, stratify: true}"

VALID: dict[str, Any] = {
    "a class at every step": spec_of(SPARSE, more=STEPS + ARRAYS),
    "a class at every step, without data": spec_of(SPARSE, more=STEPS),
    "an image of the input": spec_of(SQUARES, 1, "sigmoid", IMAGES + "data: {dataset: digits, target: input}\n"),
    "probabilities of the input's pixels": spec_of(
        BINARY, 1, "sigmoid", IMAGES + "data: {dataset: digits, target: input}\n"
    ),
    "as many names as classes": spec_of(SPARSE, more=NAMED),
    "two names of one output": spec_of(BINARY, 1, "sigmoid", NAMED.replace(", c]", "]")),
    "names of several outputs": spec_of(BINARY, 2, "sigmoid", NAMED),
    "labels from one": spec_of(SPARSE, more="data: {dataset: npz, path: a.npz, labels_from: 1}\n"),
    "one unit of a regression": spec_of(SQUARES, 1, "linear"),
    "several units of yes and no": spec_of(BINARY, 3, "sigmoid"),
    "metrics of class indices": spec_of(f"{SPARSE}, metrics: [accuracy, sparse_categorical_accuracy, "
        "top_k_categorical_accuracy, auc, precision, confusion_matrix]"),
    "metrics of one value a class": spec_of(f"{CATEGORICAL}, metrics: [accuracy, categorical_accuracy, "
        "top_k_categorical_accuracy, confusion_matrix, mean_absolute_error]"),
    "metrics of yes and no": spec_of(
        f"{BINARY}, metrics: [accuracy, binary_accuracy, confusion_matrix]", 1, "sigmoid"
    ),
    "metrics of several yes and no": spec_of(
        f"{BINARY}, metrics: [accuracy, binary_accuracy, precision]", 3, "sigmoid"
    ),
    "metrics of signs": spec_of("loss: hinge, metrics: [binary_accuracy, confusion_matrix]", 1, "tanh"),
    "metrics of distributions": spec_of("loss: kl_divergence, metrics: [categorical_accuracy, auc]"),
    "no metrics for two outputs": f"{TWO}train: {{loss: {BOTH}, metrics: []}}",
    "one metric of two outputs": f"{TWO}train: {{loss: {BOTH}, metrics: {{kind: [auc], size: [mean_squared_error]}}}}",
    "one output by its name": spec_of("loss: {dense: categorical_crossentropy}, metrics: {dense: [auc]}"),
    "an output that another layer reads": TWO.replace("inputs: input", "inputs: kind").replace(
        "activation: softmax", "activation: relu") + "train: {loss: {kind: mean_squared_error, size: mean_squared_error}}",
    "logits that another layer reads": TWO.replace("inputs: input", "inputs: kind").replace(
        ", activation: softmax", "") + "train: {loss: {kind: {categorical_crossentropy: {from_logits: true}}, "
        "size: mean_squared_error}}",
    "weights of classes": spec_of(f"{SPARSE}, class_weights: {{'0': 2, '2': 1}}"),
    "weights of named classes": spec_of(f"{CATEGORICAL}, class_weights: {{a: 2, c: 1}}", more=NAMED),
    "weights of yes and no": spec_of(f"{BINARY}, class_weights: {{'0': 2, '1': 1}}", 1, "sigmoid"),
    "stratified classes": spec_of(f"{SPARSE}, {KEPT}"),
    "stratified vectors": spec_of(f"{CATEGORICAL}, {KEPT}"),
    "stratified yes and no": spec_of(f"{BINARY}, {KEPT}", 1, "sigmoid"),
    "not stratified values": spec_of(f"{SQUARES}, validation: {{fraction: 0.1, stratify: false}}", 1, "linear"),
    "stopping by a metric of training": spec_of(f"{SPARSE}, early_stopping: {{monitor: accuracy}}"),
    "stopping by a metric of validation": spec_of(
        f"{SPARSE}, validation_split: 0.1, early_stopping: {{monitor: val_accuracy}}"
    ),
    "stopping by a metric of an output": f"{TWO}train: {{loss: {BOTH}, metrics: {{kind: [auc]}}, "
    "early_stopping: {monitor: kind_auc}}",
    "stopping by validation by default": spec_of(f"{SPARSE}, {KEPT}, early_stopping: {{}}"),
    "a plateau of training": spec_of(f"{SPARSE}, optimizer: {{adam: {{learning_rate: {{reduce_on_plateau: "
        "{initial_learning_rate: 0.1, monitor: loss}}}}"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_valid_objectives_have_no_errors(name: str) -> None:
    assert loads(VALID[name]).objectives
