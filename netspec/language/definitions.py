"""A JSON Schema whose repeated parts are definitions: smaller, with the same meaning."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]  # Any: JSON data

_OF_NAMES = ("$defs", "properties", "patternProperties")
_OF_LISTS = ("anyOf", "allOf", "prefixItems")
_OF_ONE = ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not")
"""The keywords whose values are schemas: by name, in a list, and one."""

_ABOUT = ("description", "default")
"""What a field adds to the schema of its values."""

_SHORT = 50
"""How many characters a schema has that is not worth a definition."""


def with_definitions(schema: Schema) -> Schema:
    """The schema, in which each part that is repeated is a definition.

    A definition has the title of its part, or the name of the field that has it most often.

    >>> part = {"type": "integer", "minimum": 0, "exclusiveMaximum": 1000}
    >>> schema = {"$defs": {}, "properties": {"rows": part, "columns": part}}
    >>> with_definitions(schema)["properties"]["columns"]
    {'$ref': '#/$defs/rows'}
    """
    return _Definitions(schema).schema


class _Definitions:
    """Counts the parts of a schema, and moves the repeated ones into its definitions."""

    def __init__(self, schema: Schema) -> None:
        self.uses: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.titles: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self._count(schema, "")
        self.definitions: Schema = dict(schema["$defs"])
        for name, definition in schema["$defs"].items():
            self.definitions[name] = self._with_references(definition)
        self.schema = self._with_references({**schema, "$defs": {}})
        self.schema["$defs"] = dict(sorted(self.definitions.items()))

    def _count(self, schema: Schema, field: str) -> None:
        """Count in how many different places every part is used, by the field."""
        text = _text(schema)
        self.uses[text][field] += 1
        if "title" in schema:
            self.titles[text] = schema["title"]
        if self.uses[text].total() == 1:
            for name, part in _parts(schema):
                self._count(part, name or field)

    def _part(self, schema: Schema) -> Schema:
        """A part with separate keywords, or a reference to its definition."""
        text, values = _text(schema), _values(schema)
        about = {key: schema[key] for key in _ABOUT if key in schema}
        if self.uses[text].total() == 1 or len(text) < _SHORT:
            return {**self._with_references(values), **about}
        if text not in self.names:
            name = self._free_name(text)
            self.names[text] = name
            self.definitions[name] = values
            self.definitions[name] = self._with_references(values)
        return {"$ref": f"#/$defs/{self.names[text]}", **about}

    def _free_name(self, text: str) -> str:
        """The name of a definition, with a number where it is taken."""
        ((field, _),) = self.uses[text].most_common(1)
        name = self.titles.get(text, field)
        names = (name, *(f"{name}_{number}" for number in range(2, 1_000)))
        return next(free for free in names if free not in self.definitions)

    def _with_references(self, schema: Schema) -> Schema:
        """A schema whose parts are references where they are repeated."""
        changed = dict(schema)
        for key, value in schema.items():
            if key in _OF_NAMES:
                changed[key] = {name: self._part(part) for name, part in value.items()}
            elif key in _OF_LISTS:
                changed[key] = [self._part(part) for part in value]
            elif key in _OF_ONE and value is not False:
                changed[key] = self._part(value)
        return changed


def _text(schema: Schema) -> str:
    return json.dumps(_values(schema), sort_keys=True)


def _values(schema: Schema) -> Schema:
    """The schema of a field's values, without the description of the field."""
    return {key: value for key, value in schema.items() if key not in (*_ABOUT, "title")}


def _parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas that a schema contains, and the field of each, if it has one."""
    for key, value in schema.items():
        if key in _OF_NAMES:
            for name, part in value.items():
                yield (name if key == "properties" else ""), part
        elif key in _OF_LISTS:
            yield from (("", part) for part in value)
        elif key in _OF_ONE and value is not False:
            yield "", value
