"""Cuts definitions out of source files, for modules that do not import netspec.

The files are linted, typed and tested as every other; a generated module contains the classes and
functions that it uses, with those that these use.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Folder:
    """A folder of source files, each definition in it with a separate name."""

    path: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all definitions."""
        return tuple(_files(self.path))

    def with_needed(self, names: Iterable[str]) -> dict[str, str]:
        """The definitions of these names and those that they use, each after what it uses."""
        files = _files(self.path)
        seen, ordered = set[str](), dict[str, str]()

        def add(name: str) -> None:
            if name not in seen:
                seen.add(name)
                text, used = _cut(files[name])[name]
                for other in used:
                    if other in files:
                        add(other)
                ordered[name] = text

        for name in names:
            add(name)
        return ordered


def cut(file: Path, name: str) -> str:
    """A definition in a file."""
    text, _ = _cut(file)[name]
    return text


@cache
def _files(folder: Path) -> Mapping[str, Path]:
    """The file of every definition in a folder; only the files that are used are parsed."""
    return {
        name: file
        for file in sorted(folder.glob("*.py"))
        for name in _HEAD.findall(file.read_text(encoding="utf-8"))
    }


_HEAD = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)


@cache
def _cut(file: Path) -> Mapping[str, tuple[str, list[str]]]:
    """The definitions in a file: the text, and the names in it in their order."""
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    definitions: dict[str, tuple[str, list[str]]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(part.lineno for part in node.decorator_list)])
            text = "\n".join(lines[first - 1 : node.end_lineno])
            definitions[node.name] = _PRAGMA.sub("", text), _names(node)
    return definitions


_PRAGMA = re.compile(r"  # (pyright|noqa).*")
"""What only the file's own linter and type checker read."""


def _names(node: ast.AST) -> list[str]:
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return [part.id for part in sorted(names, key=lambda part: (part.lineno, part.col_offset))]
