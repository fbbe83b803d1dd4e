"""From plain data to a Spec, and from pydantic's errors to faults in the words of the language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from netspec.language.data import SOURCES, ImageResize, Portion
from netspec.language.hints import ELSEWHERE, INSTEAD, LEFT_OUT, SYNONYMS, likely
from netspec.language.layers import LAYERS, Layer, LayerField, Shape
from netspec.language.layers.activations import LEFT_OUT as LEFT_OUT_ACTIVATIONS
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.constraints import Constraint
from netspec.language.layers.initializers import Initializer
from netspec.language.layers.regularizers import Regularizer
from netspec.language.names import is_identifier
from netspec.language.spec import (
    INPUT,
    MAX_LAYERS,
    EarlyStopping,
    Spec,
    Train,
    Validation,
)
from netspec.language.training.losses import BY_OUTPUT, LOSSES, ONE
from netspec.language.training.metrics import BY_OUTPUT as METRICS_BY_OUTPUT
from netspec.language.training.metrics import METRICS
from netspec.language.training.metrics import ONE as ONE_LIST
from netspec.language.training.optimizers import Adam, Optimizer
from netspec.language.training.schedules import ReduceOnPlateau, StepSchedule
from netspec.text import foreign
from netspec.text.codes import Code
from netspec.text.diagnostics import one_of
from netspec.text.source import Data, Fault, Location, resolve
from netspec.text.writer import flow

MAX_ERRORS = 1_000
"""How many of pydantic's errors are looked at: copies of a layer share theirs, which are one."""

_TAGGED: dict[str, type[BaseModel]] = {
    model.tag: model
    for model in (
        *get_args(Initializer),
        *get_args(Regularizer),
        *get_args(Constraint),
        *get_args(Optimizer),
        *get_args(StepSchedule),
        ReduceOnPlateau,
        *METRICS.values(),
        *LOSSES.values(),
    )
}
_MODELS: dict[str, type[BaseModel]] = {
    **_TAGGED,
    "train": Train,
    "early_stopping": EarlyStopping,
    "validation": Validation,
}
_FIELDS_OF_DATA: dict[str, type[BaseModel]] = {"resize": ImageResize, "test": Portion}
_FORMS = {ONE, BY_OUTPUT, ONE_LIST, METRICS_BY_OUTPUT}

_KEY = ("[key]",)
"""How pydantic's locations end where the key of a mapping is at fault."""


def validate(data: Data) -> Spec | list[Fault]:
    """The spec that the data describes, or everything that is wrong with its fields."""
    try:
        return Spec.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MAX_ERRORS]
        misspelt = {_meant(details["loc"]) for details in errors if _is(details, "extra_forbidden")}
        faults = (
            _fault(details, data)
            for details in errors
            if not (_is(details, "missing") and details["loc"] in misspelt)
        )
        return list(dict.fromkeys(faults))


def foreign_fault(data: Data) -> Fault | None:
    """What data are that are not meant as a spec."""
    known = frozenset((*Spec.model_fields, *_expanded_fields("the spec")))
    if not isinstance(data, dict) or (about := foreign.of_data(data, known)) is None:
        return None
    what, help = about
    return Fault((), Code.FORMAT, f"the file is {what}", help, key=True)


def _is(details: ErrorDetails, kind: str) -> bool:
    return details["type"] == kind


def _meant(location: Location) -> Location:
    """The location of the field that an unknown field was most likely meant to be."""
    _, model = _owner(location)
    return (*location[:-1], likely(str(location[-1]), list(model.model_fields)) or "")


def leading_layers(
    data: Data, faults: list[Fault]
) -> tuple[dict[str, Shape], tuple[Layer, ...]] | None:
    """The inputs and the layers in front of the first faulty one, for what shapes can tell.

    None where the inputs themselves are faulty.
    """
    assert isinstance(data, dict)
    bad_layers = [fault.location[1:2] for fault in faults if fault.location[:1] == ("layers",)]
    whole = [at for at in bad_layers if not at]  # the list itself is at fault
    if whole or any(fault.location[:1] == ("input",) for fault in faults):
        return None
    if not isinstance(data.get("layers"), list) or "input" not in data:
        return None
    end = min((int(at[0]) for at in bad_layers), default=None)
    written = data["layers"]
    assert isinstance(written, list)
    shapes = TypeAdapter[dict[str, Shape]](Spec.model_fields["input"].rebuild_annotation())
    layer = TypeAdapter[Layer](LayerField)
    inputs = shapes.validate_python(data["input"])
    return inputs, tuple(layer.validate_python(each) for each in written[:end])


def _fault(details: ErrorDetails, data: Data) -> Fault:
    location = _as_written(details["loc"], data)
    kind, context = details["type"], details.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return _unknown_field(location)
        case "missing":
            return _missing_field(location)
        case "tag":
            fault_of_tag = _no_tag if context["tag"] is None else _unknown_tag
            return fault_of_tag(location, context, details["input"])
        case "union_tag_invalid":  # of the discriminator of data
            return _unknown_data_set(str(context["tag"]))
        case "literal_error":
            return _not_among(location, details["input"])
        case "fault":
            location = (*location, *context["at"])
            return Fault(location, Code.VALUE, context["message"], context["help"], key=True)
        case "too_long" if location == ("layers",):
            return _too_many_layers(int(context["actual_length"]))
        case "union_tag_not_found" | "model_attributes_type" if location == ("data",):
            return _no_data_set(location, details["input"])
        case _:
            wanted, help = _wanted(kind, context)
            if kind == "model_type":
                help = _as_fields(location, details["input"]) or help
            if kind in _REMEDIES:
                help = _remedy(kind, location, details["input"])
            if kind == "too_short" and location == ("input",):
                wanted = "a shape, or a mapping of names to shapes"
            message = f"{_subject(location)} must be {wanted}, not {_shown(details['input'])}"
            code = Code.TYPE if kind.endswith("_type") else Code.VALUE
            key = location[-1:] == _KEY
            return Fault(location[:-1] if key else location, code, message, help, key)


def _as_written(location: Location, data: Data) -> Location:
    """The location without what the model adds: an input's name, a pair's index, a form."""
    location = tuple(step for step in location if step not in _FORMS)
    if location[:2] == ("input", INPUT) and isinstance(data, dict):
        shape = data.get("input")
        location = location if isinstance(shape, dict) else (location[0], *location[2:])
    value = data
    for step in location[:-1]:
        if isinstance(value, list) and isinstance(step, int):
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[str(step)]
    indexed = bool(location) and isinstance(location[-1], int)
    return location[:-1] if indexed and not isinstance(value, list) else location


def _subject(location: Location) -> str:
    """What the location is called in a sentence."""
    if location[-1:] == _KEY:
        return "the name of an input"  # the one mapping whose keys are the author's
    steps = [str(step) for step in location if not isinstance(step, int)]
    if not steps:
        return "a spec"
    if isinstance(location[-1], int):
        return f"an item of {steps[-1]}"
    return steps[-1]


def _model(name: str) -> type[BaseModel] | None:
    """The model of the fields that stand under a name, if it has any."""
    return LAYERS[name] if name in LAYERS else _MODELS.get(name)


def _owner(location: Location) -> tuple[str, type[BaseModel]]:
    """The name and the model of the mapping that holds the last step of the location."""
    inside = [step for step in location[2:-1] if str(step) in _FIELDS_OF_DATA]
    if location[:1] == ("data",) and len(location) > 2 and (source := str(location[1])) in SOURCES:
        return (
            (str(inside[-1]), _FIELDS_OF_DATA[str(inside[-1])])
            if inside
            else (source, SOURCES[source])
        )
    for step in reversed(location[:-1]):
        if model := _model(name := str(step)):
            return name, model
    return "the spec", Spec


def _unknown_field(location: Location) -> Fault:
    owner, model = _owner(location)
    field, known = str(location[-1]), list(model.model_fields)
    written = [*known, *_expanded_fields(owner)]
    meant = likely(field, written)
    name, colon, value = field.partition(":")
    if colon and name in written:
        help = f"a space is missing: `{name}: {value}`"
    elif field in LEFT_OUT:
        help = LEFT_OUT[field]
    elif home := _home(owner, field):
        help = f"it is a field of {home}"
    elif field in ELSEWHERE and meant is None:
        help = ELSEWHERE[field]
    elif meant:
        help = f"did you mean `{meant}`?"
    else:
        help = f"it has {one_of(written, 'and')}"
    message = f"{owner} has no field {field!r}"
    return Fault(location, Code.UNKNOWN_FIELD, message, help, key=True)


def _home(owner: str, field: str) -> str | None:
    """Where a field of the spec, of train or of data belongs, if that is another of them."""
    if owner not in ("the spec", "train", *SOURCES):
        return None
    homes: dict[str, type[BaseModel]] = {
        "train": Train,
        "data": SOURCES["npz"],
        "train.early_stopping": EarlyStopping,
    }
    here = "data" if owner in SOURCES else owner
    names = (name for name, model in homes.items() if field in model.model_fields)
    return next((name for name in names if name != here), None)


def _expanded_fields(owner: str) -> tuple[str, ...]:
    """The fields that a spec may have, and that are gone when it is validated."""
    if owner in LAYERS:
        return ("repeat",)
    return ("variables", "blocks") if owner == "the spec" else ()


def _missing_field(location: Location) -> Fault:
    owner, model = _owner(location)
    field = str(location[-1])
    info = model.model_fields.get(field)  # None inside a field of an installed source
    description = (info and info.description) or ""
    help = f"add `{field}: …`" + (
        f" - {description[0].lower()}{description[1:-1]}" if description else ""
    )
    if not location[:-1] and field == "netspec":
        help = "begin the spec with `netspec: 1`, the version of the language"
    at = location[:-1]
    return Fault(at, Code.MISSING_FIELD, f"{owner} needs {field}", help, key=True)


def _unknown_data_set(name: str) -> Fault:
    known = list(SOURCES)
    meant = likely(name, known)
    help = (
        f"did you mean `{meant}`?"
        if meant
        else f"{_choice(known)}; images are your files, npz your arrays"
    )
    message = f"there is no data set named {name!r}"
    return Fault(("data", "dataset"), Code.UNKNOWN_NAME, message, help)


def _unknown_tag(location: Location, context: Mapping[str, Any], value: object) -> Fault:
    what, tag, known = context["kind"], context["tag"], list(context["known"])
    meant = likely(tag, known)
    if what == "layer" and tag in INSTEAD:
        help = INSTEAD[tag]
    elif form := _of_a_call(tag, known) or _of_a_typed(value, known):
        help = f"write `- {form}`" if what == "layer" else f"write `{location[-1]}: {{{form}}}`"
    elif what == "layer" and tag not in SYNONYMS and (name := _activation(tag)):
        help = f"write `- Activation: {{activation: {name}}}`, or the `activation` of a layer"
    elif what == "optimizer" and tag in Adam.model_fields:
        help = f"name the optimizer first: `optimizer: {{adam: {{{tag}: …}}}}`"
    elif meant is None and location[:1] == ("layers",) and len(location) == 2:
        help = "`netspec layers` lists the vocabulary"
    else:
        help = f"did you mean `{meant}`?" if meant else _choice(known)
    at = (*location, tag)  # the only key of the value
    if location[-1:] == ("layer",) and tag in LAYERS:
        message = f"{_owner(location)[0]} cannot hold {tag}"
        return Fault(at, Code.VALUE, message, f"it holds {one_of(known)}", key=True)
    return Fault(at, Code.UNKNOWN_NAME, f"there is no {what} named {tag!r}", help, key=True)


def _of_a_call(tag: str, known: list[str]) -> str | None:
    """`Dense(units=10)` as the language writes it."""
    call = re.fullmatch(r"(\w+)\((.*)\)", tag)
    name = call and likely(call[1], known)
    if call is None or name is None:
        return None
    given = [each.strip().partition("=") for each in call[2].split(",") if each.strip()]
    own = iter(_own_fields(name))
    fields = [
        f"{key}: {value}" if equals else f"{next(own, key)}: {key}" for key, equals, value in given
    ]
    return f"{name}: {{{', '.join(fields)}}}" if fields else name


def _of_a_typed(value: object, known: list[str]) -> str | None:
    """`{type: Dense, units: 10}` as the language writes it."""
    if not isinstance(value, dict):
        return None
    fields: dict[str, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType] - data of a spec
    tag = next((key for key in _TYPE_KEYS if isinstance(fields.get(key), str)), None)
    name = tag and likely(fields.pop(tag), known)
    if name is None:
        return None
    return f"{name}: {flow(fields)}" if fields else name


_TYPE_KEYS = ("type", "class_name", "class", "kind", "layer", "name")


def _activation(tag: str) -> str | None:
    """The activation that another framework has as a layer of this name."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tag).lower()
    return next((name for name in (snake, tag.lower()) if name in get_args(ActivationName)), None)


def _no_data_set(location: Location, value: object) -> Fault:
    help = "for example `data: {dataset: mnist, scale: 255}`"
    if isinstance(value, str) and value in SOURCES:
        help = f"write `data: {{dataset: {value}}}`"
    elif isinstance(value, str) and value.endswith(".npz"):
        help = f"write `data: {{dataset: npz, path: {flow(value)}}}`"
    if isinstance(value, Mapping):
        return Fault(location, Code.MISSING_FIELD, "data needs dataset", help, key=True)
    return Fault(location, Code.TYPE, f"data must be a mapping, not {_shown(value)}", help)


def _no_tag(location: Location, context: Mapping[str, Any], value: object) -> Fault:
    what, known = context["kind"], list(context["known"])
    example = {
        "layer": "`- Dense: {units: 10}` or `- Flatten`",
        "loss": "`loss: NAME`",
        "schedule": "`learning_rate: 1e-3` or `learning_rate: {NAME: {…}}`",
    }.get(
        what if location[-1] != "layer" else "",
        f"`{location[-1]}: NAME` or `{location[-1]}: {{NAME: {{…}}}}`",
    )
    named = f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
    shown, several = _shown(value), isinstance(value, dict) and len(value) > 1  # pyright: ignore[reportUnknownArgumentType] - any mapping
    if several:
        message = f"{named} is a mapping with one key, its type"
        help = f"write {example}; indent its fields further"
        if form := _of_a_typed(cast("Any", value), known):
            help = f"write `- {form}`" if what == "layer" else f"write `{location[-1]}: {{{form}}}`"
        return Fault(location, Code.TYPE, message, help)
    if what == "regularizer" and isinstance(value, float):
        example = f"`{location[-1]}: {{l2: {{l2: {value}}}}}`"
    return Fault(location, Code.TYPE, f"{named} cannot be {shown}", f"write {example}")


def _choices(annotation: Any) -> list[str]:  # Any: an annotation of any form
    """The values that the Literals of an annotation allow."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _not_among(location: Location, value: object) -> Fault:
    _, model = _owner(location)
    known = _choices(model.model_fields[str(location[-1])].annotation)
    meant = likely(value, known) if isinstance(value, str) else None
    of_activation = "activation" in str(location[-1])
    if isinstance(value, str) and value in LEFT_OUT_ACTIVATIONS and of_activation:
        help = LEFT_OUT_ACTIVATIONS[value]
    elif of_activation and not isinstance(value, str):
        help = f"an activation is a name, as in `{location[-1]}: relu`"
    elif location[-1] == "padding" and isinstance(value, int):
        layer = "- ZeroPadding2D: {padding: 1}"
        help = f"{_choice(known)}; padding of a size is a layer, as in `{layer}`"
    elif location == ("netspec",):
        help = "this netspec reads version 1 of the language: write `netspec: 1`"
    else:
        help = f"did you mean `{meant}`?" if meant else _choice(known)
    message = f"{_subject(location)} cannot be {_shown(value)}"
    return Fault(location, Code.VALUE, message, help)


def _choice(known: list[str]) -> str:
    return f"there are {one_of(known, 'and')}" if len(known) > 1 else f"there is only {known[0]}"


def _too_many_layers(count: int) -> Fault:
    message = f"the spec has {count:,} layers, more than the limit of {MAX_LAYERS:,}"
    return Fault(("layers", MAX_LAYERS), Code.LIMIT, message, "this layer is the first beyond it")


def _wanted(kind: str, context: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a value should have been, and how to write that."""
    wanted, help = _WANTED.get(kind, ("another value", f"the rule is {kind}"))
    return wanted.format(**context), help and help.format(**context)


def _remedy(kind: str, location: Location, value: object) -> str | None:
    """How to write a value, where what was written or its place tells."""
    if location[:1] == ("input",) and kind == "too_long":
        return "the batch axis is never written; leave it out"
    if location[:1] == ("input",) and kind == "greater_than":
        return (
            "leave the batch axis out; every other axis has a fixed size" if value == -1 else None
        )
    if kind == "string_pattern_mismatch":
        identifier = re.sub(r"[^A-Za-z0-9]+", "_", str(value)).strip("_")
        return f"for example `{identifier}`" if is_identifier(identifier) else None
    if kind == "float_type" and location[0] == "data" and isinstance(value, str):
        return "the data are divided by it: write `scale: 255`"
    if location[:1] == ("input",) and value is None:
        return "leave the batch axis out; every other axis has a fixed size, so pad to the longest"
    if location == ("input",) and isinstance(value, dict):
        return "write a shape, as in [28, 28, 1], or shapes by name"
    if location[:1] == ("input",) and kind == "tuple_type":
        return _LISTS["input",]
    if kind in ("tuple_type", "too_short", "too_long"):
        return _LISTS.get(location[-1:])
    if kind == "string_type":
        return f'put it in quotes: "{value}"' if type(value) in (int, float) else None
    if location[-1:] == ("learning_rate",) and not isinstance(resolve(str(value)), int | float):
        return "write 1e-3, or a schedule, as in `{cosine_decay: {initial_learning_rate: 1e-3}}`"
    if isinstance(value, str) and isinstance(resolve(value), int | float):
        return "write it without quotes"
    if kind != "int_type" or not isinstance(value, float):
        return None
    whole = value.is_integer() and abs(value) < 10**15
    return f"write {int(value)}" if whole else "write it without a decimal point"


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, str) for each in cast("list[Any]", value)
    )


def _as_fields(location: Location, value: object) -> str | None:
    """How to write a value that is in the place of a layer's fields, or the like."""
    name = str(location[-1]) if location else ""
    if not location and isinstance(value, str) and re.match(r"\w+:\S", value):
        return "a space is missing after each colon: `netspec: 1`"
    if _model(name) is None or isinstance(value, bool):
        return None
    names = name in LAYERS and _are_names(value)
    field = next(iter(_own_fields(name)), "inputs" if names else None)
    if field is None or not (isinstance(value, str | int | float) or field == "inputs"):
        return None
    written = flow(value)
    return (
        f"write its fields by name, as in `{name}: {{{field}: {written}}}`"
        if len(written) <= 40
        else None
    )


def _own_fields(name: str) -> list[str]:
    """The fields of a layer, or the like, that describe it, in their order."""
    model = None if name == "train" else _model(name)
    fields = model.model_fields if model else ()
    return [each for each in fields if each not in ("axis", *Layer.model_fields)]


_REMEDIES = (
    *("int_type", "float_type", "string_type", "tuple_type", "too_short", "too_long"),
    *("greater_than", "string_pattern_mismatch"),
)
"""The faults of a value of which its place may tell what to write."""

_LISTS: dict[Location, str] = {
    ("input",): "write it in brackets, as in [28, 28, 1]",
    ("layers",): "write one layer a line, each behind a dash, as in `- Flatten`",
    ("inputs",): "write a name, or several in brackets, as in [left, right]",
    ("output",): "write a name, or several in brackets, as in [left, right]",
    ("metrics",): "write it in brackets, as in [accuracy]",
    ("class_names",): "write it in brackets, as in [cat, dog]",
    ("target_shape",): "write it in brackets, as in [7, 7, -1]",
    ("dims",): "write it in brackets, as in [2, 1]",
}

_WANTED: dict[str, tuple[str, str | None]] = {
    "int_type": ("a whole number", None),
    "float_type": ("a number", None),
    "sizes": ("a whole number or a list of {count}", "{remedy}"),
    "range": (
        "a number from -1 to 1, or a list of two",
        "write 0.2 for -0.2 to 0.2, or [-0.1, 0.3]",
    ),
    "zoom": ("a range that begins above -1, where nothing is left", "write 0.9, or [-0.5, 1]"),
    "numbers": ("a number or a list of numbers", "write 0.5, or [0.5, 1, 2]"),
    "string_type": ("a text", None),
    "bool_type": ("true or false", "YAML 1.2 knows only true and false, not yes, no, on or off"),
    "tuple_type": ("a list", None),
    "model_type": ("a mapping", "write its fields as `key: value`"),
    "model_attributes_type": ("a mapping", "write its fields as `key: value`"),
    "dict_type": ("a mapping", "write its fields as `key: value`"),
    "finite_number": ("a finite number", None),
    "greater_than": ("greater than {gt:,.9g}", None),
    "greater_than_equal": ("at least {ge:,.9g}", None),
    "less_than": ("less than {lt:,.20g}", None),
    "less_than_equal": ("at most {le:,.9g}", None),
    "string_pattern_mismatch": ("a letter, then letters, digits and underscores", None),
    "string_too_long": ("at most {max_length} characters long", None),
    "too_short": ("a list of at least {min_length}", None),
    "too_long": ("a list of at most {max_length}", None),
}


def _shown(value: object) -> str:
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
