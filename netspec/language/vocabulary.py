"""The language as a reference: the layers with their fields, and the JSON Schema for editors."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from netspec.language.definitions import with_definitions
from netspec.language.expansion.schema import with_expansion
from netspec.language.layers import LAYERS, Layer
from netspec.language.layers.activations import FORMULAS
from netspec.language.layers.tagged import Tagged
from netspec.language.spec import Spec
from netspec.text.diagnostics import NetspecError, nearest


def overview() -> str:
    """Every layer with the first sentence of its description."""
    width = max(len(tag) for tag in LAYERS) + 2
    lines = [f"{tag:{width}}{_document(layer)[0]}" for tag, layer in LAYERS.items()]
    return "\n".join([*lines, "", "`netspec layers NAME` shows a layer's fields."])


def describe(name: str) -> str:
    """A layer's description, formula, fields and defaults. Raises NetspecError."""
    layer = LAYERS.get(name)
    if layer is None:
        meant = nearest(name, list(LAYERS))
        help = f"did you mean {meant}?" if meant else "`netspec layers` lists them"
        raise NetspecError(f"there is no layer named {name!r}", help)
    fields = list(layer.model_fields.items())
    width = max(len(field) for field, _ in fields) + 2
    defaults = [_default(info) for _, info in fields]
    column = max(len(default) for default in defaults) + 2
    lines = [name, "", *_document(layer), "", "Fields:"]
    for (field, info), default in zip(fields, defaults, strict=True):
        lines.append(f"  {field:{width}}{default:{column}}{info.description}")
    if "activation" in layer.model_fields:
        lines += ["", "Activations:", *(f"  {name:16}{text}" for name, text in FORMULAS.items())]
    return "\n".join(lines)


def _document(layer: type[Layer]) -> list[str]:
    return inspect.cleandoc(layer.__doc__ or "").splitlines()


def _default(info: FieldInfo) -> str:
    """A field's default as a spec writes it."""
    match info.default:
        case _ if info.is_required():
            return "required"
        case Tagged() as value:
            return value.tag
        case bool() as value:
            return str(value).lower()
        case None:
            return "null"
        case tuple():
            return str(list(info.default))  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType] - any default
        case value:
            return str(value)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec."""
    schema = with_expansion(Spec.model_json_schema(schema_generator=_Generator))
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **with_definitions(schema)}


class _Generator(GenerateJsonSchema):
    """Generates a schema without titles of fields, with defaults as a spec writes them."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # Any: of a type that is private
        del schema
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # Any: of a type that is private
        """The schema of a field with a default; null is left out."""
        field = super().default_schema(schema)
        return {key: value for key, value in field.items() if (key, value) != ("default", None)}

    def encode_default(self, dft: Any) -> Any:  # Any: as in the method that it overrides
        if not isinstance(dft, Tagged):
            return super().encode_default(dft)
        fields = dft.model_dump(mode="json", exclude_defaults=True)
        return {dft.tag: fields} if fields else dft.tag
