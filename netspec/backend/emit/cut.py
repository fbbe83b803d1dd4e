"""Cuts definitions out of source files, for modules that do not import netspec.

The files are linted, typed and tested as every other; a generated module contains the classes and
functions that it uses, with those that these use.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

from netspec.backend.emit.document import INDENT


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
        """As `lines`, without the last statement where it is `return`."""
        last = self._node.body[-1]
        end = last.lineno - 1 if isinstance(last, ast.Return) else last.end_lineno
        return self._cut(constants, end or 0)

    def lines(self, constants: Mapping[str, object]) -> list[str]:
        """The lines after the docstring, with constants instead of some parameters.

        An `if` about such a parameter is replaced by the branch that is taken.
        """
        return self._cut(constants, self._node.end_lineno or 0)

    @property
    def returned(self) -> list[str]:
        """The elements of the list that it returns, as source."""
        statement = self._node.body[-1]
        assert isinstance(statement, ast.Return)
        assert isinstance(statement.value, ast.List)
        source = _parsed(self.file).text
        return [ast.get_source_segment(source, part) or "" for part in statement.value.elts]

    def _cut(self, constants: Mapping[str, object], end: int) -> list[str]:
        """The lines after the docstring and up to the line `end`."""
        node, lines = self._node, _parsed(self.file).text.splitlines()
        first = node.body[bool(self.doc)]
        dropped, moved = _branches(node, lines, constants)
        kept = [
            lines[number][INDENT * moved[number] :]
            for number in range(_with_comment(first, lines), end)
            if number not in dropped
        ]
        return [
            _with_constants(_PRAGMA.sub("", line), constants)
            for line in dedent("\n".join(kept)).split("\n")
            if line
        ]

    @property
    def _node(self) -> ast.FunctionDef:
        functions = (
            node for node in _parsed(self.file).statements if isinstance(node, ast.FunctionDef)
        )
        return next(node for node in functions if node.name == self.name)


def _branches(
    function: ast.FunctionDef, lines: list[str], constants: Mapping[str, object]
) -> tuple[set[int], Counter[int]]:
    """The lines to leave out, from 0, so that no `if` is about a constant; how far others move."""
    dropped, moved = set[int](), Counter[int]()
    for node in ast.walk(function):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
            if node.test.id not in constants:
                continue
            branch = _branch(node, lines, value=bool(constants[node.test.id]))
            dropped |= {*range(node.lineno - 1, node.end_lineno or 0)} - {*branch}
            moved.update(branch)
    return dropped, moved


def _branch(node: ast.If, lines: list[str], *, value: bool) -> range:
    """The lines of a branch, from 0, with its comments; `value` is the value of the condition."""
    end = node.body[-1].end_lineno or 0
    if value:
        return range(node.lineno, end)
    if not node.orelse:
        return range(0)
    while lines[end].strip() != "else:":
        end += 1
    return range(end + 1, node.end_lineno or 0)


def _with_comment(statement: ast.stmt, lines: list[str]) -> int:
    """The line of a statement, from 0, or of the comment before it."""
    first = statement.lineno - 1
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first


def _with_constants(line: str, constants: Mapping[str, object]) -> str:
    """A line with constants instead of names; the name of a keyword argument is kept."""
    for name, value in constants.items():
        line = re.sub(rf"(?<![\w.]){name}\b(?! *=)", repr(value), line)
    return line
