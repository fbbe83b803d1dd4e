"""The error of any field has a position in the language, with the mapping of the field."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from netspec.language.layers import LAYERS
from netspec.language.layers.tagged import Tagged
from netspec.language.spec import EarlyStopping, Spec, Validation
from netspec.language.training.losses import LOSSES
from netspec.language.training.metrics import METRICS
from netspec.language.training.optimizers import Optimizer
from netspec.language.training.schedules import ReduceOnPlateau, StepSchedule
from netspec.language.validation.position import Position, find_position

SCHEDULES = (*get_args(StepSchedule), ReduceOnPlateau)
WRONG = {"neither": 1, "nor": 2}
"""A value that is wrong for every field of a layer or of training."""


def positions(data: dict) -> list[Position]:
    """The positions of all errors in the data, except missing fields."""
    with pytest.raises(ValidationError) as error:
        Spec.model_validate(data)
    errors = [details for details in error.value.errors() if details["type"] != "missing"]
    return [find_position(details["loc"], data) for details in errors]


def check_positions(model: type, data: dict, fields: dict) -> None:
    """Check the positions of the errors where every field of a model has a wrong value."""
    fields_of_model = set(model.model_fields)
    fields.update(dict.fromkeys([*fields_of_model, "unknown"], WRONG))
    by_field = {position.field: position for position in positions(data) if position.model is model}
    assert by_field.keys() == {*fields_of_model, "unknown"}
    assert {name for name in by_field if by_field[name].annotation is None} == {"unknown"}


@pytest.mark.parametrize("tag", LAYERS)
def test_errors_of_layers_have_a_position(tag):
    fields: dict = {}
    check_positions(LAYERS[tag], {"layers": [{tag: fields}]}, fields)


@pytest.mark.parametrize("model", get_args(Optimizer), ids=lambda model: model.tag)
def test_errors_of_optimizers_have_a_position(model: type[Tagged]):
    fields: dict = {}
    check_positions(model, {"train": {"optimizer": {model.tag: fields}}}, fields)


@pytest.mark.parametrize("model", SCHEDULES, ids=lambda model: model.tag)
def test_errors_of_schedules_have_a_position(model: type[Tagged]):
    fields: dict = {}
    optimizer = {"sgd": {"learning_rate": {model.tag: fields}}}
    check_positions(model, {"train": {"optimizer": optimizer}}, fields)


@pytest.mark.parametrize("model", LOSSES.values(), ids=lambda model: model.tag)
def test_errors_of_losses_have_a_position(model: type[Tagged]):
    fields: dict = {}
    check_positions(model, {"train": {"loss": {model.tag: fields}}}, fields)
    check_positions(model, {"train": {"loss": {"out": {model.tag: fields}}}}, fields)


@pytest.mark.parametrize("model", METRICS.values(), ids=lambda model: model.tag)
def test_errors_of_metrics_have_a_position(model: type[Tagged]):
    fields: dict = {}
    check_positions(model, {"train": {"metrics": [{model.tag: fields}]}}, fields)
    check_positions(model, {"train": {"metrics": {"out": [{model.tag: fields}]}}}, fields)


@pytest.mark.parametrize(
    ("name", "model"), [("early_stopping", EarlyStopping), ("validation", Validation)]
)
def test_errors_of_training_have_a_position(name: str, model: type):
    fields: dict = {}
    check_positions(model, {"train": {name: fields}}, fields)


@pytest.mark.parametrize(
    ("location", "data", "written", "owner"),
    [
        (("input", "input"), {"input": 5}, ("input",), "the spec"),
        (("input", "input", 1), {"input": [5, "x"]}, ("input", 1), "the spec"),
        (("input", "a", 0), {"input": {"a": [0]}}, ("input", "a", 0), "the spec"),
        (("data", "mnist", "scale"), {"data": {"dataset": "mnist"}}, ("data", "scale"), "mnist"),
        (("layers", 0, "Dense", "units"), {"layers": ["Dense"]}, None, "Dense"),
        (
            ("layers", 0, "Conv2D", "strides", 1),
            {"layers": [{"Conv2D": {"strides": 0}}]},
            ("layers", 0, "Conv2D", "strides"),
            "Conv2D",
        ),
        (("train", "class_weights", "[key]"), {"train": {"class_weights": {}}}, None, "train"),
    ],
)
def test_a_location_is_a_path_of_data(location, data, written, owner):
    position = find_position(location, data)
    assert position.location == (written or location)
    assert position.owner == owner
    assert not position.is_key
