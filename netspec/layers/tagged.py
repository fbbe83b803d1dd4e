"""A mapping with one key: how layers, initializers, losses and optimizers are written.

`Conv2D: {filters: 32}` is a Conv2D with these fields; a bare `Flatten` is a Flatten without any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Model(BaseModel):
    """A frozen model without unknown fields, whose values are of the type written, never cast."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def as_tuple(value: object) -> object:
    """A list as the tuple that a frozen model keeps it in; its items are checked after this."""
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as said


class Tagged(Model):
    """A model that is written as the value of one key, its tag."""

    tag: ClassVar[str]


@dataclass(frozen=True)
class OneKey:
    """Annotates a union of tagged models that are written under their tags."""

    kind: str

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        members: tuple[type[Tagged], ...] = get_args(source) or (source,)
        choices: dict[Any, CoreSchema] = {
            member.tag: core_schema.no_info_before_validator_function(
                _fields, handler.generate_schema(member)
            )
            for member in members
        }
        return core_schema.tagged_union_schema(
            choices,
            discriminator=_tag,
            metadata={"kind": self.kind},
            serialization=core_schema.wrap_serializer_function_ser_schema(_written),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        assert schema["type"] == "tagged-union"
        forms: list[JsonSchemaValue] = []
        bare: list[str] = []
        nothing = {"type": "null"}
        for tag, choice in schema["choices"].items():
            reference = handler(choice)
            fields = handler.resolve_ref_schema(reference)
            needs = bool(fields.get("required"))
            forms.append(
                {
                    "type": "object",
                    "description": fields.get("description", ""),
                    "properties": {tag: reference if needs else {"anyOf": [reference, nothing]}},
                    "required": [tag],
                    "additionalProperties": False,
                }
            )
            if not needs:
                bare.append(str(tag))
        names: list[JsonSchemaValue] = [{"enum": bare}] if bare else []
        return {"anyOf": names + forms}


def _tag(value: object) -> str | None:
    match value:
        case str():
            return value
        case Tagged():
            return value.tag
        case dict() if len(value) == 1:  # pyright: ignore[reportUnknownArgumentType] - any dict
            return str(next(iter(value)))  # pyright: ignore[reportUnknownArgumentType] - as above
        case _:
            return None


def _fields(value: object) -> object:
    match value:
        case str():
            return {}
        case dict():
            (fields,) = value.values()  # pyright: ignore[reportUnknownVariableType] - any dict
            return {} if fields is None else fields  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _written(value: Tagged, handler: core_schema.SerializerFunctionWrapHandler) -> Any:
    fields = handler(value)
    return {value.tag: fields} if fields else value.tag
