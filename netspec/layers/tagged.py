"""A mapping with one key: how layers, initializers, losses and optimizers are written.

`Conv2D: {filters: 32}` is a Conv2D with these fields; a bare `Flatten` is a Flatten without any.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Model(BaseModel):
    """A frozen model without unknown fields, whose values are of the type written, never cast."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def as_tuple(value: object) -> object:
    """A list as the tuple that a frozen model keeps it in; its items are checked after this."""
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as said


class Tagged(Model):
    """A model that is written as the value of one key, its tag."""

    tag: ClassVar[str]


def fault(field: str | tuple[str, ...], message: str, help: str) -> PydanticCustomError:
    """What a model's validator raises where its fields do not fit together.

    It is shown at `field`, or at the path of a field further inside.
    """
    at = field if isinstance(field, tuple) else (field,)
    return PydanticCustomError("fault", "{message}", {"at": at, "message": message, "help": help})


@dataclass(frozen=True)
class OneKey:
    """Annotates a union of tagged models that are written under their tags."""

    kind: str
    number: Any = None
    """The type of a number that may stand in a model's place."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        members = [member for member in get_args(source) or (source,) if member is not float]
        choices: dict[Any, CoreSchema] = {
            member.tag: core_schema.no_info_before_validator_function(
                _fields, handler.generate_schema(member)
            )
            for member in members
        }
        if self.number is not None:
            choices[_NUMBER] = handler.generate_schema(self.number)
        return core_schema.tagged_union_schema(
            choices,
            discriminator=_tag if self.number is None else _tag_or_number(choices),
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
        numbers: list[JsonSchemaValue] = []
        for tag, choice in schema["choices"].items():
            if tag == _NUMBER:
                numbers.append(handler(choice))
                continue
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
        return {"anyOf": numbers + names + forms}


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


_NUMBER = 0
"""The choice of a number, which no key can name: keys are texts."""


def _tag_or_number(choices: Container[object]) -> Callable[[object], str | int | None]:
    def choice(value: object) -> str | int | None:
        match value:
            case str() if value not in choices:
                return _NUMBER
            case dict() | list() | str() | Tagged():
                return _tag(value)  # pyright: ignore[reportUnknownArgumentType] - any list or dict
            case _:
                return _NUMBER

    return choice


def _fields(value: object) -> object:
    match value:
        case str():
            return {}
        case dict():
            (fields,) = value.values()  # pyright: ignore[reportUnknownVariableType] - any dict
            return {} if fields is None else fields  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _written(value: object, handler: core_schema.SerializerFunctionWrapHandler) -> Any:
    fields = handler(value)
    if not isinstance(value, Tagged):
        return fields
    return {value.tag: fields} if fields else value.tag
