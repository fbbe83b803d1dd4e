"""The JSON Schema of specs with variables and blocks, made of the one of flat specs.

Any value may be a text with a reference, any layer may be repeated, and where there are blocks, a
layer may be a call. Only netspec checks whether a name is known, and which value a reference has.
"""

from __future__ import annotations

from typing import Any

from netspec.language.expansion.blocks import CALL_FIELDS
from netspec.language.layers import LAYERS
from netspec.language.names import IDENTIFIER, MAX_NAME
from netspec.language.spec import MAX_LAYERS

Schema = dict[str, Any]  # Any: JSON data

_REFERENCE: Schema = {"$ref": "#/$defs/Reference"}
_LAYER: Schema = {"$ref": "#/$defs/Layer"}
_LAYER_OR_CALL: Schema = {"$ref": "#/$defs/LayerOrCall"}
_VALUE: Schema = {"$ref": "#/$defs/Value"}
_NAME: Schema = {"pattern": f"^{IDENTIFIER.pattern}$", "maxLength": MAX_NAME}
_NOTHING: Schema = {"type": "null"}

_SCALARS = ("integer", "number", "boolean", "string", "array")
_ABOUT = ("description", "default")
_UNCHANGED = ("netspec", "layers")
_OF_ARRAYS = {"minLength": "minItems", "maxLength": "maxItems"}


def with_expansion(flat: Schema) -> Schema:
    """The schema of specs that may use variables, blocks and repetition."""
    schema = _inside(flat)
    properties: Schema = schema["properties"]
    properties |= {name: flat["properties"][name] for name in _UNCHANGED}
    layer = _inside(properties["layers"].pop("items"))
    definitions: Schema = schema["$defs"] | _definitions(layer)
    for model in LAYERS.values():
        fields: Schema = definitions[model.__name__]["properties"]
        fields |= {"repeat": _REPEAT}
    ends = {name: properties.pop(name) for name in list(properties) if name in ("data", "train")}
    return {
        **schema,
        "$defs": definitions,
        "properties": {**properties, **_PROPERTIES, **ends},
        "if": {"required": ["blocks"]},
        "then": {"properties": {"layers": {"items": _LAYER_OR_CALL}}},
        "else": {"properties": {"layers": {"items": _LAYER}}},
    }


def _inside(schema: Any) -> Any:  # Any: JSON data
    """The schema, in which every value may be a reference."""
    if not isinstance(schema, dict):
        return schema
    result: Schema = dict(schema)  # pyright: ignore[reportUnknownArgumentType] - JSON data
    if discriminator := result.pop("discriminator", None):
        return _by_name(discriminator["propertyName"], discriminator["mapping"])
    if "oneOf" in result:  # a reference may fit several
        result["anyOf"] = result.pop("oneOf")
    for key in ("properties", "patternProperties"):
        if key in result:
            result[key] = {name: _value(part) for name, part in result[key].items()}
    for key in ("anyOf", "prefixItems"):
        if key in result:
            change = _form if key == "anyOf" else _value
            result[key] = [change(part) for part in result[key]]
    for key in ("then", "else"):
        if key in result:
            result[key] = _form(result[key])
    if "items" in result:
        result["items"] = _value(result["items"])
    if result.get("type") == "array":  # what pydantic calls a length
        result = {_OF_ARRAYS.get(key, key): value for key, value in result.items()}
    if "$defs" in result:
        result["$defs"] = {name: _inside(part) for name, part in result["$defs"].items()}
    return result


def _form(schema: Schema) -> Schema:
    """The schema of one form of a value. A reference is a form of every union with a title."""
    return _value(schema) if "title" in schema else _inside(schema)


def _by_name(field: str, models: dict[str, str]) -> Schema:
    """The schema of a mapping whose other fields depend on one that is a name."""
    cases = [
        {
            "if": {"properties": {field: {"const": name}}, "required": [field]},
            "then": {"$ref": reference},
        }
        for name, reference in models.items()
    ]
    names: Schema = {"anyOf": [{"enum": list(models)}, _REFERENCE]}
    return {"type": "object", "properties": {field: names}, "required": [field], "allOf": cases}


def _value(schema: Schema) -> Schema:
    """The schema of a value that may be a reference, unless it is a mapping."""
    result = _inside(schema)
    if not any(_is_scalar(part) for part in result.get("anyOf", [result])):
        return result
    if "anyOf" in result:
        return {**result, "anyOf": [*result["anyOf"], _REFERENCE]}
    about = {key: result.pop(key) for key in _ABOUT if key in result}
    return {"anyOf": [result, _REFERENCE], **about}


def _is_scalar(schema: Schema) -> bool:
    return "enum" in schema or "const" in schema or schema.get("type") in _SCALARS


_REPEAT: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": MAX_LAYERS},
        {"type": "boolean"},
        _REFERENCE,
    ],
    "description": "The number of copies in a chain. `$index` counts them from 0.",
}

_PROPERTIES: Schema = {
    "variables": {
        "description": "Names for values, used as `$name` and in `$(2 * name)`.",
        "type": ["object", "null"],
        "propertyNames": _NAME,
        "additionalProperties": _VALUE,
    },
    "blocks": {
        "description": "Layers under one name, called like a layer.",
        "type": ["object", "null"],
        "propertyNames": _NAME,
        "additionalProperties": {"$ref": "#/$defs/Block"},
    },
}


def _definitions(layer: Schema) -> Schema:
    scalar: Schema = {"type": ["number", "string", "boolean", "null"]}
    flat: Schema = {"type": "array", "items": scalar}
    return {
        "Reference": {
            "description": "`$name`, `$(2 * name)`, or a text that holds some of them.",
            "type": "string",
            "pattern": "\\$",
        },
        "Value": {
            "anyOf": [
                {"type": ["number", "string", "boolean"]},
                {"type": "array", "items": {"anyOf": [scalar, flat]}},
            ]
        },
        "Block": {
            "type": "object",
            "properties": {
                "parameters": {
                    "description": "Names with their defaults; empty where a call must set it.",
                    "type": ["object", "null"],
                    "propertyNames": _NAME,
                    "additionalProperties": {"anyOf": [_VALUE, _NOTHING]},
                },
                "layers": {
                    "description": "The layers. `input` is what the call reads.",
                    "type": "array",
                    "minItems": 1,
                    "items": _LAYER_OR_CALL,
                },
            },
            "required": ["layers"],
            "additionalProperties": False,
        },
        "Layer": layer,
        "LayerOrCall": _layer_or_call(layer),
    }


def _layer_or_call(layer: Schema) -> Schema:
    """The schema of a layer, or of a call of a block: by its name, or a mapping with arguments."""
    names: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    fields: Schema = dict(zip(CALL_FIELDS, ({"type": "string"}, names, _REPEAT), strict=True))
    arguments = {
        "type": ["object", "null"],
        "properties": fields,
        "additionalProperties": _VALUE,
    }
    incomplete = [name for name in LAYERS if name not in layer["anyOf"][0]["enum"]]
    return {
        "anyOf": [{"type": "string", **_NAME, "not": {"enum": incomplete}}, {"type": "object"}],
        "if": {"type": "object"},
        "then": {**layer["then"], "propertyNames": _NAME, "additionalProperties": arguments},
    }
