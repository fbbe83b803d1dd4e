"""Faults of the fields of a mapping: unknown ones and missing ones."""

from __future__ import annotations

from pydantic import BaseModel

from netspec.language.data import SOURCES
from netspec.language.data.fields import DataFields
from netspec.language.hints import ELSEWHERE, LEFT_OUT, likely
from netspec.language.layers import Layer
from netspec.language.spec import EarlyStopping, Spec, Train
from netspec.language.validation.position import Position
from netspec.text.codes import Code
from netspec.text.diagnostics import one_of
from netspec.text.source import Fault


def explain_unknown_field(position: Position) -> Fault:
    """The fault of a field that its mapping does not have."""
    message = f"{position.owner} has no field {position.field!r}"
    help = _help_for_unknown(position)
    return Fault(position.location, Code.UNKNOWN_FIELD, message, help, key=True)


def _help_for_unknown(position: Position) -> str:
    field = position.field
    known = [*position.model.model_fields, *expanded_fields(position.model)]
    name, colon, value = field.partition(":")
    if colon and name in known:
        return f"a space is missing: `{name}: {value}`"
    if field in LEFT_OUT:
        return LEFT_OUT[field]
    if home := _home(position.model, field):
        return f"it is a field of {home}"
    meant = likely(field, known)
    if field in ELSEWHERE and meant is None:
        return ELSEWHERE[field]
    return f"did you mean `{meant}`?" if meant else f"it has {one_of(known, 'and')}"


def expanded_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields that a spec may have, and that are gone when it is validated."""
    if issubclass(model, Layer):
        return ("repeat",)
    return ("variables", "blocks") if model is Spec else ()


def _home(model: type[BaseModel], field: str) -> str | None:
    """The mapping that has a field which is written in another one of the spec."""
    if not issubclass(model, Spec | Train | DataFields):
        return None
    homes: dict[str, type[BaseModel]] = {
        "train": Train,
        "data": SOURCES["npz"],
        "train.early_stopping": EarlyStopping,
    }
    here = DataFields if issubclass(model, DataFields) else model
    others = (name for name, home in homes.items() if not issubclass(home, here))
    return next((name for name in others if field in homes[name].model_fields), None)


def explain_missing_field(position: Position) -> Fault:
    """The fault of a mapping without a field that it needs."""
    field = position.field
    message = f"{position.owner} needs {field}"
    help = position.remedy("missing", None) or f"add `{field}: …`{_described(position)}"
    return Fault(position.location[:-1], Code.MISSING_FIELD, message, help, key=True)


def _described(position: Position) -> str:
    """The description of a field, as the end of a sentence."""
    field = position.model.model_fields.get(position.field)  # None in a model of another package
    description = field.description if field else None
    return f" - {description[0].lower()}{description[1:-1]}" if description else ""


def meant_field(position: Position) -> str | None:
    """The field that an unknown field was most likely meant to be."""
    return likely(position.field, list(position.model.model_fields))
