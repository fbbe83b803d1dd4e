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
    indent = " " * (len(head) - len(head.lstrip()))
    lines = [f"{head}(", *(f"{indent}    {argument}," for argument in arguments)]
    return "\n".join([*lines, f"{indent}){tail}{after}"])


def camel_case(name: str) -> str:
    """The class name for a spec's name.

    >>> camel_case("mnist_cnn")
    'MnistCnn'
    """
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)


def module(*parts: str) -> str:
    """The parts of a module, two empty lines between them."""
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"
