"""Adds to a wheel what is not source: the JSON Schema of the language, and the specs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SchemaHook(BuildHookInterface[Any]):  # Any: the configuration of every kind of builder
    """Writes `netspec/netspec.schema.json`, for wheels and for editable installations.

    A wheel also contains `specs/` as `netspec/specs/`, from which `netspec new` copies.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file from the modules of this checkout."""
        sys.path.insert(0, self.root)
        try:
            from netspec.language.vocabulary import json_schema
        finally:
            sys.path.remove(self.root)
        if version != "editable":  # an editable installation reads them in the checkout
            build_data["force_include"]["specs"] = "netspec/specs"
        text = json.dumps(json_schema(), indent=2)
        Path(self.root, "netspec/netspec.schema.json").write_text(f"{text}\n", encoding="utf-8")
