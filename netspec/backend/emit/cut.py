"""Cuts definitions out of source files, for modules that do not import netspec.

The files are linted, typed and tested as every other; a generated module contains the classes and
functions that it uses, with those that these use.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent


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


@dataclass(frozen=True)
class _Source:
    """The text of a file, and its statements."""

    text: str
    statements: list[ast.stmt]


@cache
def _parsed(file: Path) -> _Source:
    text = file.read_text(encoding="utf-8")
    return _Source(text, ast.parse(text).body)


@cache
def _cut(file: Path) -> Mapping[str, tuple[str, list[str]]]:
    """The definitions in a file: the text, and the names in it in their order."""
    source = _parsed(file)
    lines = source.text.splitlines()
    definitions: dict[str, tuple[str, list[str]]] = {}
    for node in source.statements:
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


@dataclass(frozen=True)
class Function:
    """A function in a file whose body becomes a part of another function."""

    file: Path
    name: str

    @property
    def doc(self) -> str:
        """The docstring."""
        return ast.get_docstring(self._node) or ""

    @property
    def parameters(self) -> list[str]:
        """The parameters before `*`."""
        return [parameter.arg for parameter in self._node.args.args]

    @property
    def keywords(self) -> list[str]:
        """The parameters after `*` that have no default."""
        arguments = self._node.args
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        return [parameter.arg for parameter, default in pairs if default is None]

    def body(self, constants: Mapping[str, object]) -> list[str]:
        """The lines between the docstring and `return`, with constants instead of some parameters.

        An `if` about such a parameter is replaced by the branch that is taken.
        """
        lines = _parsed(self.file).text.splitlines()
        return [
            _with_constants(_PRAGMA.sub("", line), constants)
            for statement in _taken(self._node.body[bool(self.doc) :], constants)
            if not isinstance(statement, ast.Return)
            for line in _lines_of(statement, lines)
        ]

    @property
    def returned(self) -> list[str]:
        """The elements of the list that it returns, as source."""
        statement = self._node.body[-1]
        assert isinstance(statement, ast.Return)
        assert isinstance(statement.value, ast.List)
        source = _parsed(self.file).text
        return [ast.get_source_segment(source, part) or "" for part in statement.value.elts]

    @property
    def _node(self) -> ast.FunctionDef:
        functions = (
            node for node in _parsed(self.file).statements if isinstance(node, ast.FunctionDef)
        )
        return next(node for node in functions if node.name == self.name)


def _taken(statements: list[ast.stmt], constants: Mapping[str, object]) -> Iterator[ast.stmt]:
    """The statements, with the branch that is taken instead of an `if` about a constant."""
    for statement in statements:
        if (
            isinstance(statement, ast.If)
            and isinstance(statement.test, ast.Name)
            and statement.test.id in constants
        ):
            branch = statement.body if constants[statement.test.id] else statement.orelse
            yield from _taken(branch, constants)
        else:
            yield statement


def _lines_of(statement: ast.stmt, lines: list[str]) -> list[str]:
    """The lines of a statement without its indentation, with the comment before it."""
    first = statement.lineno - 1
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return dedent("\n".join(lines[first : statement.end_lineno])).split("\n")


def _with_constants(line: str, constants: Mapping[str, object]) -> str:
    """A line with constants instead of names; the name of a keyword argument is kept."""
    for name, value in constants.items():
        line = re.sub(rf"(?<![\w.]){name}\b(?! *=)", repr(value), line)
    return line
