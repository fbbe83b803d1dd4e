"""Python source as a formatter leaves it, for the backends that write modules.

Only validated values come in here: numbers, checked identifiers, and words of closed sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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


def square(pair: tuple[int, int]) -> int | tuple[int, int]:
    """3 for (3, 3), as people write it."""
    return pair[0] if pair[0] == pair[1] else pair


def arguments(positional: Iterable[object], named: Mapping[str, object]) -> list[str]:
    """The arguments of a call as source."""
    return [*map(literal, positional), *(f"{key}={literal(item)}" for key, item in named.items())]


def call(head: str, arguments: Sequence[str], tail: str = "", comment: str = "") -> str:
    """A statement `head(arguments)tail  # comment`, one argument a line where it is too long."""
    after = f"  # {comment}" if comment else ""
    line = f"{head}({', '.join(arguments)}){tail}{after}"
    if len(line) <= WIDTH or not arguments:
        return line
    indent = _indent(head)
    lines = [line for argument in arguments for line in _argument(f"{indent}    ", argument)]
    return "\n".join([f"{head}(", *lines, f"{indent}){tail}{after}"])


def _argument(indent: str, argument: str) -> list[str]:
    """An argument on a line of its own; a call that is too long for one takes three."""
    line = f"{indent}{argument},"
    if len(line) <= WIDTH or not argument.endswith(")"):
        return [line]
    head, _, inner = argument[:-1].partition("(")
    return [f"{indent}{head}(", f"{indent}    {inner}", f"{indent}),"]


def statement(head: str, expression: str, comment: str) -> str:
    """A statement `head expression  # comment`, with a call opened up where it is too long.

    That is the call that the expression ends in, or the first where that does not help.
    """
    line = f"{head}{expression}  # {comment}"
    if len(line) <= WIDTH or not expression.endswith(")"):
        return line
    brackets = {at: _closing(expression, at) for at, char in enumerate(expression) if char == "("}
    start = next(at for at, end in brackets.items() if end == len(expression) - 1)
    if len(head) + start >= WIDTH:
        start = min(brackets)
    inner, tail = expression[start + 1 : brackets[start]], expression[brackets[start] :]
    indent = _indent(head)
    opened = f"{head}{expression[: start + 1]}\n{indent}    {inner}\n"
    return f"{opened}{indent}{tail}  # {comment}"


def _closing(expression: str, start: int) -> int:
    """Where the bracket closes that opens at `start`."""
    depth = 0
    for at in range(start, len(expression)):
        depth += {"(": 1, ")": -1}.get(expression[at], 0)
        if depth == 0:
            return at
    raise ValueError(expression)


def _indent(head: str) -> str:
    return " " * (len(head) - len(head.lstrip()))


def camel_case(name: str) -> str:
    """The class name for a spec's name.

    >>> camel_case("mnist_cnn")
    'MnistCnn'
    """
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)


def module(*parts: str) -> str:
    """The parts of a module, two empty lines between them."""
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"
