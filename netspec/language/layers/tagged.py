"""A mapping with one key: how layers, initializers, losses and optimizers are written.

`Conv2D: {filters: 32}` is a Conv2D with these fields; a bare `Flatten` is a Flatten without any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import (
    CoreSchema,
    PydanticCustomError,
    SchemaValidator,
    core_schema,
)

from netspec.text.codes import Code


class Model(BaseModel):
    """A frozen model without unknown fields, whose values are of the type written, never cast."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True
    )


def as_tuple(value: object) -> object:
    """A list as the tuple that a frozen model keeps it in; its items are checked after this."""
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - checked later


class Tagged(Model):
    """A model that is written as the value of one key, its tag."""

    tag: ClassVar[str]


def fault(
    field: str | tuple[str | int, ...], message: str, help: str, code: Code = Code.VALUE
) -> PydanticCustomError:
    """What a model's validator raises where its fields do not fit together.

    It is shown at `field`, or at the path of a field further inside.
    """
    path = field if isinstance(field, tuple) else (field,)
    context = {"path": path, "message": message, "help": help, "code": code}
    return PydanticCustomError("fault", "{message}", context)


@dataclass(frozen=True)
class OneKey:
    """Annotates a union of tagged models that are written under their tags.

    A model's validator is built when the first value of its tag is read: a spec names few of the
    many models that there are.
    """

    kind: str
    """What messages call one of the models."""
    example: str = "`{field}: NAME` or `{field}: {NAME: {…}}`"
    """How one is written. `{field}` is the name of the field."""
    number: Any = None
    """The type of a number that may be written in place of a model."""
    members: Mapping[str, type[Tagged]] | None = None
    """The models by tag, where the annotated union does not name them all at run time."""

    def models(self, source: Any) -> Mapping[str, type[Tagged]]:  # Any: a type or a union
        """The models of the annotated union, by tag."""
        if self.members is not None:
            return self.members
        models = (model for model in get_args(source) or (source,) if model is not float)
        return {model.tag: model for model in models}

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        members = self.models(source)
        numbers = None if self.number is None else handler.generate_schema(self.number)
        return core_schema.no_info_plain_validator_function(
            _Union(self.kind, self.example, members, numbers).validate,
            metadata={"members": members, "numbers": numbers},
            serialization=core_schema.wrap_serializer_function_ser_schema(_written),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        about = schema.get("metadata", {})
        members: Mapping[str, type[Tagged]] = about["members"]
        fields = {
            tag: core_schema.typed_dict_field(_choice(member), required=False)
            for tag, member in members.items()
        }
        names: list[str] = []
        for tag, field in fields.items():
            definition = handler.resolve_ref_schema(handler(field["schema"]))
            if not definition.get("required"):  # only the name, or with nothing after it
                names.append(tag)
                definition["type"] = ["object", "null"]
        mapping = handler(core_schema.typed_dict_schema(fields, extra_behavior="forbid"))
        mapping |= {"minProperties": 1, "maxProperties": 1}
        forms = [{"enum": names}] if names else []
        forms += [handler(about["numbers"])] if about["numbers"] else []
        return {
            # The fields are under `then`: an error in one is not an error of every other form.
            "anyOf": [*forms, {"type": "object"}],
            "if": {"type": "object"},
            "then": mapping,
            "title": self.kind,
        }


class _Union:
    """Validates a value by the model that its tag names, or by the schema of a number."""

    def __init__(
        self,
        kind: str,
        example: str,
        members: Mapping[str, type[Tagged]],
        numbers: CoreSchema | None,
    ) -> None:
        self.kind = kind
        self.example = example
        self.members = members
        config = core_schema.CoreConfig(strict=True, allow_inf_nan=False)
        self.number = None if numbers is None else SchemaValidator(numbers, config)

    def validate(self, value: object) -> object:
        tag = _tag(value)
        if tag is not None and tag in self.members:
            return _validator(self.members[tag]).validate_python(value)
        if self.number and (isinstance(value, str) or not isinstance(value, dict | list | Tagged)):
            return self.number.validate_python(value)
        context: dict[str, object] = {
            "kind": self.kind,
            "example": self.example,
            "members": self.members,
            "tag": tag,
        }
        raise PydanticCustomError("tag", "not a {kind}", context)


@cache
def _validator(model: type[Tagged]) -> SchemaValidator:
    """Validates a value under the tag of a model, which errors have in their location."""
    return SchemaValidator(core_schema.tagged_union_schema({model.tag: _choice(model)}, _tag))


def _choice(model: type[Tagged]) -> CoreSchema:
    """The schema of the value under the tag of a model."""
    model.model_rebuild()  # where nothing has needed it yet
    # Under a reference, a model is a definition in the JSON Schema, named as a spec writes it.
    reference = f"{model.__module__}.{model.tag}:{id(model)}"
    schema: Any = {**model.__pydantic_core_schema__, "ref": reference}  # Any: a schema of any type
    return core_schema.no_info_before_validator_function(_fields, schema)


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


def _written(value: object, handler: core_schema.SerializerFunctionWrapHandler) -> Any:
    fields = handler(value)
    if not isinstance(value, Tagged):
        return fields
    return {value.tag: fields} if fields else value.tag
