"""Writes the JSON Schema of the language into the package, when a wheel of it is built."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SchemaHook(BuildHookInterface[Any]):  # Any: the configuration of every kind of builder
    """Writes `netspec/netspec.schema.json`, for wheels and for editable installations."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling calls it so
        """Write the file from the modules of this checkout."""
        sys.path.insert(0, self.root)
        try:
            from netspec.language.vocabulary import json_schema
        finally:
            sys.path.remove(self.root)
        text = json.dumps(json_schema(), indent=2)
        Path(self.root, "netspec/netspec.schema.json").write_text(f"{text}\n", encoding="utf-8")
