"""References in values: `$name`, `$(arithmetic)`, and texts that hold some of them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from netspec.language.expansion.expression import (
    Expression,
    ExpressionFault,
    Name,
    evaluate,
    names,
    parse,
)
from netspec.text.codes import Code
from netspec.text.diagnostics import MAX_FAULTS, MAX_NAMES, Diagnostic, SpecError, nearest
from netspec.text.source import Data, Node, Note, distinct

MAX_VALUES = 500_000  # of an expanded spec
MAX_TEXT = 1_000  # characters of a text with references

INDEX = "index"
"""What counts the copies of a repeated layer, and of a block."""


@dataclass(frozen=True)
class Reference:
    """`$name` or `$(…)`, from `start` to `end` in its text."""

    expression: Expression
    start: int
    end: int


Part: TypeAlias = str | Reference

_DOLLAR = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<open>\())?")


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[Part, ...]:
    """A text as its references and the parts between them. Raises ExpressionFault.

    >>> parts("conv_$index")
    ('conv_', Reference(expression=Name(name='index', start=6), start=5, end=11))
    """
    pieces: list[Part] = []
    end = 0
    while dollar := _DOLLAR.search(text, end):
        pieces.append(text[end : dollar.start()])
        end = dollar.end()
        if dollar["dollar"]:
            pieces.append("$")
        elif dollar["name"]:
            name = Name(dollar["name"], dollar.start("name"))
            pieces.append(Reference(name, dollar.start(), end))
        elif dollar["open"]:
            expression, end = parse(text, end)
            pieces.append(Reference(expression, dollar.start(), end))
        else:
            message = "`$` begins a reference, and no name follows it"
            help = "write `$name` or `$(2 * name)`; a dollar itself is written `$$`"
            raise ExpressionFault(message, help, (dollar.start(), 1))
    pieces.append(text[end:])
    return tuple(part for part in pieces if part)


@dataclass(frozen=True)
class Scope:
    """The values of names. None is a value that is at fault already.

    `index` is None outside of blocks and repeated layers; `later` holds the variables that are
    defined below.
    """

    variables: dict[str, Node | None]
    parameters: dict[str, Node | None] = field(default_factory=dict[str, "Node | None"])
    index: int | None = None
    later: Collection[str] = ()
    note: Note | None = None

    def find(self, name: Name) -> Node | int | None:
        """The value of the name. Raises ExpressionFault."""
        if name.name in self.parameters:
            return self.parameters[name.name]
        if name.name in self.variables:
            return self.variables[name.name]
        if name.name == INDEX and self.index is not None:
            return self.index
        known = ChainMap(self.parameters, self.variables)
        raise unknown(name, known, self.later)

    def copy(self, index: int) -> Scope:
        """The scope of a copy of a repeated layer or block."""
        return replace(self, index=index)


def unknown(name: Name, known: Collection[str], later: Collection[str] = ()) -> ExpressionFault:
    """The fault of a name that nothing has."""
    message = f"there is no variable named {name.name!r}"
    if name.name in later:
        message = f"{name.name} has no value yet"
        help = "a variable may use only variables above it"
    elif name.name == INDEX:
        message = "there is no index here"
        help = "`index` counts the copies of what has `repeat`, and is known only there"
    elif meant := nearest(name.name, list(islice(known, MAX_NAMES))):
        help = f"did you mean `{meant}`?"
    else:
        help = "define it at the top, as in `variables: {width: 64}`; a dollar is written `$$`"
    return ExpressionFault(message, help, (name.start, len(name.name)), Code.UNKNOWN_NAME)


class _FaultyAlready(Exception):  # noqa: N818 - about another value, and never shown
    """A value depends on one that is at fault."""


class Values:
    """Replaces references by values, gathers the faults, and counts what it makes."""

    def __init__(self) -> None:
        self.faults: list[Diagnostic] = []
        self.count = 0
        self._passed_over = 0
        self._compared = 0
        self._has_references: dict[int, bool] = {}  # by the identity of nodes of the source

    @property
    def failures(self) -> int:
        """How many values have kept their references, being at fault or depending on a fault."""
        return len(self.faults) + self._passed_over

    def fault(
        self,
        node: Node,
        code: Code,
        message: str,
        help: str,
        note: Note | None = None,
        related: tuple[str, Node] | None = None,
    ) -> None:
        """Report what is wrong with a value. Raises SpecError after enough faults."""
        second = related and (related[0], related[1].place)
        trail = note.places if note else ()
        self.faults.append(Diagnostic(code, message, node.place, help, second, trail))
        if len(self.faults) > MAX_FAULTS:
            raise self.stop()

    def near(self, word: str, known: Iterable[str]) -> str | None:
        """The known name that a wrong one is nearest to, for as many as there can be faults."""
        self._compared += 1
        if self._compared > MAX_FAULTS:
            return None
        return nearest(word, list(islice(known, MAX_NAMES)))

    def stop(self) -> SpecError:
        """The faults until now, where nothing more can be found."""
        return SpecError(distinct(self.faults))

    def raise_faults(self) -> None:
        """Raise SpecError if there are faults."""
        if self.faults:
            raise self.stop()

    def add(self, size: int, node: Node, note: Note | None) -> None:
        """Count values that the expanded spec holds. Raises SpecError beyond the limit."""
        self.count += size
        if self.count > MAX_VALUES:
            message = f"with this, the expanded spec holds more than {MAX_VALUES:,} values"
            self.fault(node, Code.LIMIT, message, "repeat less, or use smaller lists", note)
            raise self.stop()

    def substitute(self, node: Node, scope: Scope) -> Node:
        """The value with its references replaced. A faulty one is left as it is."""
        if not self.has_references(node):
            return node
        if isinstance(node.data, str):
            return self._text(node, node.data, scope)
        members = {step: self.substitute(member, scope) for step, member in node.members.items()}
        return rebuilt(node, members, node.keys)

    def has_references(self, node: Node) -> bool:
        """Whether a text in the value holds a `$`."""
        if not node.members:
            return isinstance(node.data, str) and "$" in node.data
        known = self._has_references.get(id(node))
        if known is None:
            known = any(self.has_references(member) for member in node.members.values())
            self._has_references[id(node)] = known
        return known

    def check(self, node: Node, known: Collection[str]) -> None:
        """Whether the references can be read and their names are known, without their values."""
        for member in node.members.values():
            if self.has_references(member):
                self.check(member, known)
        if isinstance(node.data, str) and self.has_references(node):
            try:
                for part in parts(node.data):
                    for name in names(part.expression) if isinstance(part, Reference) else ():
                        if name.name not in known:
                            raise unknown(name, known)
            except ExpressionFault as fault:
                self._expression_fault(node, fault, None)

    def _text(self, node: Node, text: str, scope: Scope) -> Node:
        try:
            pieces = parts(text)
            if len(pieces) == 1 and isinstance(pieces[0], Reference):
                return self._whole(node, pieces[0].expression, scope)
            joined = _joined(pieces, scope)
        except ExpressionFault as fault:
            self._expression_fault(node, fault, scope.note)
            return node
        except _FaultyAlready:
            self._passed_over += 1
            return node
        return replace(node, data=joined)

    def _whole(self, node: Node, expression: Expression, scope: Scope) -> Node:
        if not isinstance(expression, Name):
            return replace(node, data=evaluate(expression, lambda name: _data(name, scope)))
        value = scope.find(expression)
        if value is None:
            raise _FaultyAlready
        if isinstance(value, int):
            return replace(node, data=value)
        if value.members:
            self.add(value.size, node, scope.note)
        return _standing_at(node, value, Note(f"${expression.name} is set here", value, value.note))

    def _expression_fault(self, node: Node, fault: ExpressionFault, note: Note | None) -> None:
        place = node if fault.span is None else part_of(node, *fault.span)
        self.fault(place, fault.code, fault.message, fault.help, note)


def _data(name: Name, scope: Scope) -> Any:  # Any: data of a spec
    value = scope.find(name)
    if value is None:
        raise _FaultyAlready
    return value if isinstance(value, int) else value.data


def _joined(pieces: tuple[Part, ...], scope: Scope) -> str:
    joined = "".join(_part(part, scope) for part in pieces)
    if len(joined) > MAX_TEXT:
        message = f"with its references this text is longer than {MAX_TEXT:,} characters"
        raise ExpressionFault(message, "use shorter texts", None, Code.LIMIT)
    return joined


def _part(part: Part, scope: Scope) -> str:
    """A part of a text, as YAML would write its value."""
    if isinstance(part, str):
        return part
    match evaluate(part.expression, lambda name: _data(name, scope)):
        case bool() as value:
            return str(value).lower()
        case str() | int() | float() as value:
            return str(value)
        case _:
            span = (part.start, part.end - part.start)
            message = "a list cannot be a part of a text"
            raise ExpressionFault(message, "write only the reference", span)


def _standing_at(node: Node, value: Node, note: Note | None = None) -> Node:
    """The value at the place of the node that refers to it."""
    members = {step: _standing_at(node, member) for step, member in value.members.items()}
    return Node(node.text, node.start, node.end, value.data, {}, members, value.size, note)


def part_of(node: Node, start: int, length: int) -> Node:
    """A part of a text, or all of it where the source does not hold the text as it is."""
    line, column = node.start
    if line == node.end[0] and line < len(node.text.lines):
        written = node.text.lines[line][column : node.end[1]]
        before = written.find(str(node.data))
        if before >= 0:
            column += before + start
            return Node(node.text, (line, column), (line, column + length), node.data)
    return node


def rebuilt(
    node: Node, members: dict[str | int, Node], keys: dict[str, Node], note: Note | None = None
) -> Node:
    """The mapping or list of these members, at the place of the node."""
    inner = members.values()
    data: Data = [member.data for member in inner]
    if not isinstance(node.data, list):
        data = {str(name): member.data for name, member in members.items()}
    size = 1 + len(keys) + sum(member.size for member in inner)
    return Node(node.text, node.start, node.end, data, keys, members, size, note or node.note)


def kind(data: Data) -> str:
    """The type of a value, as a sentence names it."""
    match data:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case None:
            return "empty"


def shown(data: Data) -> str:
    """A value as a sentence shows it."""
    match data:
        case bool():
            return "true" if data else "false"
        case str():
            return f"the text {data!r}" if len(data) <= 40 else f"the text {data[:40]!r}…"
        case int() | float():
            return f"{data}"
        case _:
            return kind(data)


def fits(value: Data, former: Data) -> bool:
    """Whether a value has the type of another.

    A whole number may replace a number, and a list of numbers one number or the reverse, because
    sizes are written in both ways.
    """
    if isinstance(former, float) and isinstance(value, int) and not isinstance(value, bool):
        return True
    if isinstance(value, list) and _is_number(former):
        return bool(value) and all(fits(item, former) for item in value)
    if isinstance(former, list) and _is_number(value):
        return bool(former) and all(fits(value, item) for item in former)
    return kind(value) == kind(former)


def _is_number(data: Data) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


def is_plain(data: Data, depth: int = 2) -> bool:
    """Whether a variable can hold this: no mapping, and no list that is nested deeper."""
    if isinstance(data, list):
        return depth > 0 and all(is_plain(item, depth - 1) for item in data)
    return not isinstance(data, dict)


def walk(data: Data) -> Iterator[Data]:
    """Every value in some data, itself among them."""
    open_ = [data]
    while open_:
        value = open_.pop()
        yield value
        if isinstance(value, dict):
            open_ += value.values()
        elif isinstance(value, list):
            open_ += value
