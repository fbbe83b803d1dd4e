"""Faults of a value that is of another type, too large, too long, or not as its field expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from netspec.language.layers import Layer
from netspec.language.layers.tagged import Tagged
from netspec.language.validation.position import Position
from netspec.text.codes import Code
from netspec.text.source import Fault, resolve
from netspec.text.writer import flow

EXPECTED: dict[str, str] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "greater_than": "greater than {gt:,.9g}",
    "greater_than_equal": "at least {ge:,.9g}",
    "less_than": "less than {lt:,.20g}",
    "less_than_equal": "at most {le:,.9g}",
    "string_too_long": "at most {max_length} characters long",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "unexpected": "{expected}",
}
"""What a value must be, by the type of pydantic's error, with the values of its context."""

FIELDS_HELP = "write its fields as `key: value`"
BOOL_HELP = "YAML 1.2 knows only true and false, not yes, no, on or off"


def explain_value(
    position: Position, error: str, context: Mapping[str, Any], value: object
) -> Fault:
    """The fault of a value that is not what its field expects."""
    actual = shown(value)
    expected = position.expected(error) or EXPECTED.get(error, "another value").format(**context)
    if error == "too_long" and actual == "a mapping":
        expected = f"a mapping with at most {context['max_length']} keys"
        actual = f"one with {len(cast('dict[str, Any]', value))}"
    message = f"{position.subject} must be {expected}, not {actual}"
    help = position.remedy(error, value) or _help(position, error, context, value)
    code = Code.TYPE if error.endswith("_type") else Code.VALUE
    return Fault(position.location, code, message, help, position.is_key)


def _help(position: Position, error: str, context: Mapping[str, Any], value: object) -> str | None:
    """What to write in place of a value, where the field declares nothing about it."""
    match error:
        case "unexpected":
            return context["help"]
        case "bool_type":
            return BOOL_HELP
        case "model_type" | "model_attributes_type" | "dict_type":
            return _as_fields(position, value) or FIELDS_HELP
        case "string_type":
            return f'put it in quotes: "{value}"' if type(value) in (int, float) else None
        case "tuple_type" if isinstance(value, str | int | float):
            return f"write it in brackets, as in [{flow(value)}]"
        case "int_type" | "float_type":
            return _as_number(error, value)
        case _:
            return None if error in EXPECTED else f"the rule is {error}"


def _as_number(error: str, value: object) -> str | None:
    """How to write a value as a number, or as a whole number."""
    if isinstance(value, str) and isinstance(resolve(value), int | float):
        return "write it without quotes"
    if error != "int_type" or not isinstance(value, float):
        return None
    whole = value.is_integer() and abs(value) < 10**15
    return f"write {int(value)}" if whole else "write it without a decimal point"


def _as_fields(position: Position, value: object) -> str | None:
    """How to write a value that is in the place of the fields of a layer, or of something else."""
    if not position.location and isinstance(value, str) and re.match(r"\w+:\S", value):
        return "a space is missing after each colon: `netspec: 1`"
    model = position.fields
    if model is None or isinstance(value, bool):
        return None
    names = issubclass(model, Layer) and _are_names(value)
    field = next(iter(own_fields(model)), "inputs" if names else None)
    if field is None or not (isinstance(value, str | int | float) or field == "inputs"):
        return None
    text = flow(value)
    form = f"`{position.field}: {{{field}: {text}}}`"
    return f"write its fields by name, as in {form}" if len(text) <= 40 else None


def _are_names(value: Any) -> bool:  # Any: data of a spec
    return isinstance(value, list) and all(
        isinstance(item, str) for item in cast("list[Any]", value)
    )


def own_fields(model: type[BaseModel]) -> list[str]:
    """The fields of a layer, or of something else, that describe it, in their order."""
    if not issubclass(model, Tagged):
        return []
    return [name for name in model.model_fields if name not in ("axis", *Layer.model_fields)]


def shown(value: object) -> str:
    """A value as the author wrote it, shortened."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value!r}" if len(value) <= 40 else f"the text {value[:40]!r}…"
        case int() | float():
            return f"{value}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return f"a list of {len(value)}"  # pyright: ignore[reportUnknownArgumentType] - any list
        case _:
            return "this"
