"""From plain data to a Spec, and from pydantic's errors to faults in the words of the language.

A location of pydantic's leads to a `Position` in the language, and the type of the error to the
module that explains it. What to write instead is declared by the field: see
`netspec.language.remedies`.
"""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from netspec.language.layers import Layer, LayerField, Shape
from netspec.language.spec import Spec
from netspec.language.validation.choices import (
    explain_choice,
    explain_data_set,
    explain_no_data_set,
    explain_tag,
)
from netspec.language.validation.fields import (
    expanded_fields,
    explain_missing_field,
    explain_unknown_field,
    meant_field,
)
from netspec.language.validation.position import Position, find_position
from netspec.language.validation.values import explain_value
from netspec.text import foreign
from netspec.text.codes import Code
from netspec.text.source import Data, Fault

MAX_ERRORS = 1_000
"""How many of pydantic's errors are looked at: copies of a layer share theirs, which are one."""


def validate(data: Data) -> Spec | list[Fault]:
    """The spec that the data describes, or everything that is wrong with its fields."""
    try:
        return Spec.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MAX_ERRORS]
    located = [(details, find_position(details["loc"], data)) for details in errors]
    misspelt = {
        (*position.location[:-1], meant_field(position))
        for details, position in located
        if details["type"] == "extra_forbidden"
    }
    faults = (
        _explain(details, position)
        for details, position in located
        if not (details["type"] == "missing" and position.location in misspelt)
    )
    return list(dict.fromkeys(faults))


def _explain(details: ErrorDetails, position: Position) -> Fault:
    """The fault of an error of pydantic's."""
    error, context, value = details["type"], details.get("ctx", {}), details["input"]
    match error:
        case "extra_forbidden":
            return explain_unknown_field(position)
        case "missing":
            return explain_missing_field(position)
        case "tag":
            return explain_tag(position, context, value)
        case "literal_error":
            return explain_choice(position, value)
        case "fault":
            location = (*position.location, *context["path"])
            return Fault(location, context["code"], context["message"], context["help"], key=True)
        case "union_tag_invalid":  # of the discriminator of data
            return explain_data_set(str(context["tag"]))
        case "union_tag_not_found" | "model_attributes_type" if position.location == ("data",):
            return explain_no_data_set(position, value)
        case _:
            return explain_value(position, error, context, value)


def foreign_fault(data: Data) -> Fault | None:
    """What data are that are not meant as a spec."""
    known = frozenset((*Spec.model_fields, *expanded_fields(Spec)))
    if not isinstance(data, dict) or (about := foreign.of_data(data, known)) is None:
        return None
    what, help = about
    return Fault((), Code.FORMAT, f"the file is {what}", help, key=True)


def leading_layers(
    data: Data, faults: list[Fault]
) -> tuple[dict[str, Shape], tuple[Layer, ...]] | None:
    """The inputs and the layers before the first faulty one, for checks that need only shapes.

    None where the inputs themselves have a fault.
    """
    assert isinstance(data, dict)
    indices = [fault.location[1:2] for fault in faults if fault.location[:1] == ("layers",)]
    whole_list = [index for index in indices if not index]
    if whole_list or any(fault.location[:1] == ("input",) for fault in faults):
        return None
    if not isinstance(data.get("layers"), list) or "input" not in data:
        return None
    end = min((int(index) for (index,) in indices), default=None)
    layers = data["layers"]
    assert isinstance(layers, list)
    shapes = TypeAdapter[dict[str, Shape]](Spec.model_fields["input"].rebuild_annotation())
    layer = TypeAdapter[Layer](LayerField)
    inputs = shapes.validate_python(data["input"])
    return inputs, tuple(layer.validate_python(value) for value in layers[:end])
