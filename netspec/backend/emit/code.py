"""Python source as a formatter leaves it: values, calls and statements.

Only validated values come in here: numbers, checked identifiers, and words of closed sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netspec.backend.emit.document import NEWLINE, Choice, Document, Nest
from netspec.backend.emit.expressions import parse

WIDTH = 100


class Code(str):
    """Text that is source already."""

    __slots__ = ()


def literal(value: Any) -> str:  # Any: every value that a field can have
    """A field's value as Python source, with double quotes.

    >>> literal("same"), literal((3, 3)), literal(1e-3)
    ('"same"', '(3, 3)', '0.001')
    """
    match value:
        case Code():
            return str(value)
        case str():
            return f'"{value}"'
        case tuple():
            items = [literal(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - as above
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case _:
            return repr(value)


def square(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """3 for (3, 3), and for (3,), as people write it."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def arguments(positional: Iterable[object], named: Mapping[str, object]) -> list[str]:
    """The arguments of a call as source."""
    return [*map(literal, positional), *(f"{key}={literal(item)}" for key, item in named.items())]


def call(
    head: str, arguments: Sequence[str], tail: str = "", comment: str = "", brackets: str = "()"
) -> Document:
    """A statement `head(arguments)tail  # comment`, one argument a line where it is too long."""
    opening, closing = brackets
    after = f"{tail}  # {comment}" if comment else tail
    line = f"{head}{opening}{', '.join(arguments)}{closing}{after}"

    def broken() -> tuple[Document, ...]:
        items = [(NEWLINE, parse(argument).in_brackets, ",") for argument in arguments]
        return ((head, opening, Nest(tuple(items)), NEWLINE, closing, after),)

    return Choice(line, broken) if arguments else line


def statement(head: str, expression: str, comment: str = "") -> Document:
    """A statement `head expression  # comment`, in several lines where it is too long for one.

    Its brackets are broken; where that does not help, new ones are written around all of it.
    """
    after = f"  # {comment}" if comment else ""

    def broken() -> tuple[Document, ...]:
        parsed = parse(expression)
        in_own_brackets = (head, parsed.on_its_own, after)
        if expression.isidentifier():
            around = (head, "(", Nest((NEWLINE, expression, after)), NEWLINE, ")")
            return around, in_own_brackets
        around = (head, "(", Nest((NEWLINE, parsed.in_brackets)), NEWLINE, ")", after)
        if parsed.breaks_in_brackets:
            return in_own_brackets, around, in_own_brackets
        return (around,)

    return Choice(f"{head}{expression}{after}", broken)
