"""docs/training.md lists every term of training, with its fields and their defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from netspec.language.spec import EarlyStopping
from netspec.language.training.losses import LOSSES
from netspec.language.training.metrics import METRICS
from netspec.language.training.optimizers import Optimizer, OptimizerBase
from netspec.language.training.schedules import ReduceOnPlateau, Schedule, StepSchedule
from netspec.network import loads

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
ROWS = {
    line.split("|")[1].strip(" `"): line for line in PAGE.splitlines() if line.startswith("| `")
}


def format_default(value: Any) -> str:
    """A default value in the form of the page."""
    if value is None:
        return "null"
    return f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value).lower()


@pytest.mark.parametrize("model", [*get_args(Optimizer), *get_args(StepSchedule), ReduceOnPlateau])
def test_a_models_row_has_fields_and_defaults(model):
    shared = OptimizerBase if issubclass(model, OptimizerBase) else Schedule
    for name, field in model.model_fields.items():
        row = ROWS[model.tag]
        if model.tag == "adamw":
            row = row.replace("as adam,", ROWS["adam"])
        if name in shared.model_fields and name != "learning_rate":
            continue
        default = (
            "" if field.is_required() or field.default is None else format_default(field.default)
        )
        assert f"{name} {default}".strip() in row


@pytest.mark.parametrize(
    "name", [name for name in OptimizerBase.model_fields if name != "learning_rate"]
)
def test_every_field_of_all_optimizers_has_a_row(name):
    default = OptimizerBase.model_fields[name].default
    text = "null" if default is None else format_default(default)
    assert f"| {text} |" in ROWS[name]


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("title", "model"),
    [
        *(("Losses", loss) for loss in LOSSES.values()),
        *(("Metrics", metric) for metric in METRICS.values()),
    ],
)
def test_an_objectives_row_has_fields_and_defaults(title, model):
    lines = [line.split("|") for line in section(title).splitlines() if line.startswith("| `")]
    (row,) = [cells[2].strip() for cells in lines if f"`{model.tag}`" in cells[1]]
    fields = {
        name: field.default if isinstance(field.default, str) else format_default(field.default)
        for name, field in model.model_fields.items()
    }
    assert row == ", ".join(f"{name} {default}" for name, default in fields.items())


def test_every_field_of_early_stopping_has_a_row():
    for name, field in EarlyStopping.model_fields.items():
        default = "null" if field.default is None else format_default(field.default)
        assert f"| `{name}` | {default} |" in section("Early stopping")


def test_the_example_of_several_outputs_is_valid():
    (example,) = re.findall(r"```yaml\n(output:.*?)```", PAGE, re.DOTALL)
    layers = [
        "Dense: {name: kind, inputs: input, units: 3, activation: softmax}",
        "Dense: {name: box, inputs: input, units: 4}",
    ]
    loads(f"netspec: 1\nname: example\ninput: [2]\nlayers: [{', '.join(layers)}]\n{example}")


def test_the_examples_are_valid():
    examples = re.findall(r"```yaml\n(train:.*?)```", PAGE, re.DOTALL)
    assert examples
    for example in examples:
        begin = "netspec: 1\nname: example\ninput: [2]\n"
        loads(f"{begin}layers: [Dense: {{units: 2, activation: softmax}}]\n{example}")
