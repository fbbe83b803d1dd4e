"""From the location of an error to the field, the type and the model that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from netspec.language.data import SOURCES
from netspec.language.data.fields import DataFields
from netspec.language.layers.tagged import OneKey
from netspec.language.remedies import Called, Expected, Remedy
from netspec.language.spec import Spec
from netspec.text.source import Data, Location

Annotation: TypeAlias = Any  # Any: a type, an alias or a union; None where there is no such field

T = TypeVar("T")

KEY = "[key]"
"""The last step of pydantic's location where the key of a mapping is refused."""


@dataclass(frozen=True)
class Position:
    """A place in the language.

    `location` is the place in the data, without the steps that only pydantic takes. `annotation` is
    the type of the value there, and `owner` and `model` are the mapping of fields that contains it.
    """

    location: Location
    annotation: Annotation
    owner: str
    model: type[BaseModel]
    is_key: bool = False

    @property
    def field(self) -> str:
        """The last step of the location: the name of a field, or of what may be one."""
        return str(self.location[-1])

    @property
    def subject(self) -> str:
        """What messages call the value."""
        if called := _declared(self.annotation, Called):
            return called[0].name
        names = [str(step) for step in self.location if not isinstance(step, int)]
        if not names:
            return "a spec"
        return f"an item of {names[-1]}" if isinstance(self.location[-1], int) else names[-1]

    @property
    def fields(self) -> type[BaseModel] | None:
        """The model of the value, if it is a mapping of fields."""
        return _model(self.annotation)

    @property
    def choices(self) -> list[str]:
        """The values that the Literals of the type allow."""
        return _choices(self.annotation)

    def expected(self, error: str) -> str | None:
        """What the type declares as expected, for a type of error."""
        declared = _declared(self.annotation, Expected)
        return next(
            (declaration.words for declaration in declared if error in declaration.errors), None
        )

    def remedy(self, error: str, value: object) -> str | None:
        """What the field or its type declares to be written in place of a value."""
        helps = (
            declaration.help_for(error, value) for declaration in _declared(self.annotation, Remedy)
        )
        help = next(filter(None, helps), None)
        return help and help.replace("{field}", self.field)


def find_position(location: Location, data: Data) -> Position:
    """The position of an error, from pydantic's location in the data."""
    value: Any = data  # Any: data of a spec, of any form
    annotation: Annotation = Spec
    model: type[BaseModel] = Spec
    name = owner = "the spec"
    written: list[str | int] = []
    for index, step in enumerate(location):
        kind = _without_metadata(annotation)
        is_made = _is_made_by_validator(annotation, value)
        if location[index + 1 :] == (KEY,) and get_origin(kind) is dict:
            return Position((*written, step), get_args(kind)[0], owner, model, is_key=True)
        if form := _form(annotation, step):
            annotation = form
            name = str(step) if _model(form) else name  # of a data source
            continue
        if fields := _model(annotation):
            owner, model = name, fields
        annotation = _member(annotation, step)
        if not is_made:
            written.append(step)
            name = str(step) if isinstance(step, str) else name
            value = _value(value, step)
    return Position(tuple(written), annotation, owner, model)


def _form(annotation: Annotation, step: str | int) -> Annotation:
    """The form of a union, or the data source, that a step of pydantic's names."""
    kind = _without_metadata(annotation)
    if kind is DataFields and step in SOURCES:
        return SOURCES[str(step)]
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else ()
    return next((part for part in parts if Tag(str(step)) in get_args(part)), None)


def _member(annotation: Annotation, step: str | int) -> Annotation:
    """The type of a field, an item or a tagged model in a value of a type."""
    kind = _without_metadata(annotation)
    if one_key := _declared(annotation, OneKey):
        return one_key[0].models(kind).get(str(step))
    if model := _model(kind):
        field = model.model_fields.get(str(step))
        return field and field.rebuild_annotation()
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) is tuple and isinstance(step, int):
        items = get_args(kind)
        return items[0] if items[-1] is Ellipsis else items[step]
    return None


def _is_made_by_validator(annotation: Annotation, value: object) -> bool:
    """Whether a validator makes the mapping or the list of what a spec writes as another value."""
    if _model(annotation):
        return value is not None and not isinstance(value, dict)
    containers = {dict: dict, tuple: list}
    container = containers.get(get_origin(_without_metadata(annotation)))
    return container is not None and not isinstance(value, container)


def _value(value: Any, step: str | int) -> object:  # Any: data of a spec
    """The member of a value; None where it has none, as under a name without fields."""
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _model(annotation: Annotation) -> type[BaseModel] | None:
    """The model whose fields a spec writes as a value of the type."""
    if _declared(annotation, OneKey):  # its value is a tag with the fields under it
        return None
    kind = _without_metadata(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _without_metadata(annotation: Annotation) -> Annotation:
    """A type without what annotates it, and without the None that it may also be."""
    if get_origin(annotation) is Annotated:
        return _without_metadata(get_args(annotation)[0])
    part = _only_part(annotation)
    return annotation if part is None else _without_metadata(part)


def _only_part(annotation: Annotation) -> Annotation:
    """The type that may also be None, of a union of the two."""
    if get_origin(annotation) not in (Union, UnionType):
        return None
    parts = [part for part in get_args(annotation) if part is not NoneType]
    return parts[0] if len(parts) == 1 else None


def _declared(annotation: Annotation, kind: type[T]) -> list[T]:
    """What annotates a type, of a kind; the outermost first."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        outer = [item for item in reversed(metadata) if isinstance(item, kind)]
        return [*outer, *_declared(inner, kind)]
    part = _only_part(annotation)
    return [] if part is None else _declared(part, kind)


def _choices(annotation: Annotation) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in _choices(part)]
