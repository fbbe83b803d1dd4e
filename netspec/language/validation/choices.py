"""Faults of a value that names one of several things: a layer, a loss, a data set, a choice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast, get_args

from netspec.language.data import SOURCES
from netspec.language.hints import INSTEAD, SYNONYMS, likely
from netspec.language.layers import LAYERS
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.tagged import Tagged
from netspec.language.validation.position import Position
from netspec.language.validation.values import own_fields, shown
from netspec.text.codes import Code
from netspec.text.diagnostics import one_of
from netspec.text.source import Fault
from netspec.text.writer import flow

Members: TypeAlias = Mapping[str, type[Tagged]]
"""The models that a value may name, by tag."""

TYPE_KEYS = ("type", "class_name", "class", "kind", "layer", "name")
"""The keys under which other languages write the type of a thing, among its fields."""


def explain_tag(position: Position, context: Mapping[str, Any], value: object) -> Fault:
    """The fault of a value that names none of the models of a union."""
    if context["tag"] is None:
        return _explain_no_tag(position, context, value)
    kind, tag, members = context["kind"], context["tag"], context["members"]
    location = (*position.location, tag)  # the only key of the value
    if position.field == "layer" and tag in LAYERS:
        message = f"{position.owner} cannot hold {tag}"
        return Fault(location, Code.VALUE, message, f"it holds {one_of(list(members))}", key=True)
    message = f"there is no {kind} named {tag!r}"
    help = _help_for_layer(tag) if kind == "layer" else None
    help = help or _help_for_tag(position, kind, tag, members, value)
    return Fault(location, Code.UNKNOWN_NAME, message, help, key=True)


def _help_for_layer(tag: str) -> str | None:
    """What to write in place of a layer of another framework."""
    if tag in INSTEAD:
        return INSTEAD[tag]
    if tag not in SYNONYMS and (name := _activation(tag)):
        return f"write `- Activation: {{activation: {name}}}`, or the `activation` of a layer"
    return None


def _help_for_tag(position: Position, kind: str, tag: str, members: Members, value: object) -> str:
    known = list(members)
    if form := _of_a_call(tag, members) or _of_a_typed(value, members):
        return f"write {_written(position, kind, form)}"
    if kind != "layer" and (owner := _owner_of_field(tag, members)):
        return f"name the {kind} first: `{position.field}: {{{owner}: {{{tag}: …}}}}`"
    if meant := likely(tag, known):
        return f"did you mean `{meant}`?"
    return "`netspec layers` lists the vocabulary" if members is LAYERS else choice_of(known)


def _written(position: Position, kind: str, form: str) -> str:
    """A tag with its fields, where a spec writes it."""
    return f"`- {form}`" if kind == "layer" else f"`{position.field}: {{{form}}}`"


def _owner_of_field(field: str, members: Members) -> str | None:
    """The first model with a field that is written where its tag belongs."""
    return next((tag for tag, model in members.items() if field in model.model_fields), None)


def _of_a_call(tag: str, members: Members) -> str | None:
    """`Dense(units=10)` as the language writes it."""
    call = re.fullmatch(r"(\w+)\((.*)\)", tag)
    name = call and likely(call[1], list(members))
    if call is None or name is None:
        return None
    arguments = [part.strip().partition("=") for part in call[2].split(",") if part.strip()]
    names = iter(own_fields(members[name]))
    fields = [
        f"{key}: {value}" if equals else f"{next(names, key)}: {key}"
        for key, equals, value in arguments
    ]
    return f"{name}: {{{', '.join(fields)}}}" if fields else name


def _of_a_typed(value: object, members: Members) -> str | None:
    """`{type: Dense, units: 10}` as the language writes it."""
    if not isinstance(value, dict):
        return None
    fields: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType] - data of a spec
    key = next((key for key in TYPE_KEYS if isinstance(fields.get(key), str)), None)
    name = key and likely(fields.pop(key), list(members))
    if name is None:
        return None
    return f"{name}: {flow(fields)}" if fields else name


def _activation(tag: str) -> str | None:
    """The activation that another framework has as a layer of this name."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tag).lower()
    return next((name for name in (snake, tag.lower()) if name in get_args(ActivationName)), None)


def _explain_no_tag(position: Position, context: Mapping[str, Any], value: object) -> Fault:
    kind, members = context["kind"], context["members"]
    example = context["example"].replace("{field}", position.field)
    noun = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    if _keys(value) > 1:
        message = f"{noun} is a mapping with one key, its type"
        help = f"write {example}; indent its fields further"
        if form := _of_a_typed(value, members):
            help = f"write {_written(position, kind, form)}"
    else:
        message = f"{noun} cannot be {shown(value)}"
        help = position.remedy("tag", value) or f"write {example}"
    return Fault(position.location, Code.TYPE, message, help)


def _keys(value: object) -> int:
    """The number of keys of a mapping."""
    return len(cast("dict[str, Any]", value)) if isinstance(value, dict) else 0


def explain_choice(position: Position, value: object) -> Fault:
    """The fault of a value that is not in a Literal."""
    known = position.choices
    meant = likely(value, known) if isinstance(value, str) else None
    help = position.remedy("literal_error", value)
    help = help or (f"did you mean `{meant}`?" if meant else choice_of(known))
    message = f"{position.subject} cannot be {shown(value)}"
    return Fault(position.location, Code.VALUE, message, help)


def explain_data_set(name: str) -> Fault:
    """The fault of a data set that is not there."""
    known = list(SOURCES)
    meant = likely(name, known)
    help = (
        f"did you mean `{meant}`?"
        if meant
        else f"{choice_of(known)}; images, table, text and series are your files, npz your arrays"
    )
    message = f"there is no data set named {name!r}"
    return Fault(("data", "dataset"), Code.UNKNOWN_NAME, message, help)


def explain_no_data_set(position: Position, value: object) -> Fault:
    """The fault of data that name no data set."""
    help = "for example `data: {dataset: mnist, scale: 255}`"
    if isinstance(value, str) and value in SOURCES:
        help = f"write `data: {{dataset: {value}}}`"
    elif isinstance(value, str) and value.endswith(".npz"):
        help = f"write `data: {{dataset: npz, path: {flow(value)}}}`"
    if isinstance(value, Mapping):
        message = "data needs dataset"
        return Fault(position.location, Code.MISSING_FIELD, message, help, key=True)
    return Fault(position.location, Code.TYPE, f"data must be a mapping, not {shown(value)}", help)


def choice_of(known: list[str]) -> str:
    """All of the names that there are, as a sentence."""
    return f"there are {one_of(known, 'and')}" if len(known) > 1 else f"there is only {known[0]}"
