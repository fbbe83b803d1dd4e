"""The data sources by name, each imported when a spec names it.

A source is a class with an entry point of the group `netspec.sources`. netspec's own sources are
in the same form in a table here: a scan of all installed packages takes longer than a summary may.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from netspec.language.data.fields import DataFields
from netspec.text.diagnostics import DataError

GROUP = "netspec.sources"

BUILT_IN = {
    "mnist": "netspec.data.sources.mnist:Mnist",
    "digits": "netspec.data.sources.digits:Digits",
    "npz": "netspec.data.sources.npz:Npz",
    "npy": "netspec.data.sources.npy:Npy",
    "idx": "netspec.data.sources.idx:Idx",
    "images": "netspec.data.sources.images:Images",
    "table": "netspec.data.sources.table:TableFiles",
    "text": "netspec.data.sources.text:TextFiles",
    "series": "netspec.data.sources.series:Series",
    "python": "netspec.data.sources.python:Python",
}
"""The module and the class of every source of netspec."""


class _Sources(Mapping[str, type[DataFields]]):
    """The sources by name. Other packages are searched only for a name that is not netspec's."""

    def __getitem__(self, name: str) -> type[DataFields]:
        return _imported(name, BUILT_IN[name] if name in BUILT_IN else _installed()[name])

    def __iter__(self) -> Iterator[str]:
        return iter({**BUILT_IN, **_installed()})

    def __len__(self) -> int:
        return len({**BUILT_IN, **_installed()})

    def __contains__(self, name: object) -> bool:
        return name in BUILT_IN or name in _installed()


def _installed() -> dict[str, str]:
    """The module and the class of every source of other packages; none is imported."""
    return _scanned(tuple(sys.path))


@cache
def _scanned(path: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001 - the key of the cache
    """The sources of the packages in the folders of `path`, which is sys.path."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in sorted(entry_points(group=GROUP))}


def _imported(name: str, place: str) -> type[DataFields]:
    module, _, attribute = place.partition(":")
    try:
        source: Any = getattr(import_module(module), attribute)  # Any: what a package contains
    except (ImportError, AttributeError) as error:
        message = f"the data set {name} cannot be imported from {place} ({error})"
        raise DataError(message, "reinstall the package that provides it") from error
    if isinstance(source, type) and issubclass(source, DataFields):
        return source
    message = f"the data set {name} is {place}, which is not a data source"
    raise DataError(message, "derive its class from netspec.data.sources.Source")


SOURCES = _Sources()
"""The data sources by name."""


class _ByDataset:
    """Annotates the fields of a data source, whose class the value of `dataset` names."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(_union(SOURCES))


def _validated(value: object) -> object:
    name: Any = value.get(_KEY) if isinstance(value, dict) else getattr(value, _KEY, None)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType] - any mapping
    if isinstance(name, str) and name in SOURCES:
        return SchemaValidator(_union({name: SOURCES[name]})).validate_python(value)
    # None of these is chosen: pydantic's error names them all.
    others: dict[str, CoreSchema] = {name: core_schema.any_schema() for name in SOURCES}
    union = core_schema.tagged_union_schema(others, _KEY)
    return SchemaValidator(union).validate_python(value)


def _union(sources: Mapping[str, type[DataFields]]) -> CoreSchema:
    return core_schema.tagged_union_schema(
        {name: _schema(source) for name, source in sources.items()}, _KEY
    )


def _schema(source: type[DataFields]) -> CoreSchema:
    source.model_rebuild()  # where nothing has needed it yet
    # Under a reference, a model is a definition in the JSON Schema.
    reference = f"{source.__module__}.{source.__qualname__}:{id(source)}"
    schema: Any = {**source.__pydantic_core_schema__, "ref": reference}  # Any: a schema of any type
    return schema


_KEY = "dataset"

DataField: TypeAlias = Annotated[DataFields, _ByDataset()]
