"""A printer of documents: text with places where a line may end, laid out within a width.

The layout is that of code formatters (Wadler, A prettier printer, 2003): a group is on one line
where it fits, and all of its own lines end where it does not.

>>> numbers = Group(("[", Nest((SOFT, "1,", LINE, "2", IfBroken(","))), SOFT, "]"))
>>> render(("x = ", numbers), 10)
'x = [1, 2]'
>>> print(render(("x = ", numbers), 9))
x = [
    1,
    2,
]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

INDENT = 4


@dataclass(frozen=True, slots=True)
class Line:
    """The end of a line, or in a group on one line the text `flat`; None always ends the line."""

    flat: str | None


LINE, SOFT, NEWLINE = Line(" "), Line(""), Line(None)


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text of a group that is not on one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Nest:
    """A document whose lines are indented by one step more."""

    content: Document


@dataclass(frozen=True, slots=True)
class Group:
    """A document on one line where it fits together with the text up to the next line's end."""

    content: Document


@dataclass(frozen=True, slots=True)
class Choice:
    """The first of several documents of which every line fits, else the last.

    It ends its line, and contains no other choice.
    """

    options: tuple[Document, ...]


Document: TypeAlias = "str | Line | IfBroken | Nest | Group | Choice | tuple[Document, ...]"
"""Text without line ends, or a part of a layout; a tuple is one document after the other."""

_Item: TypeAlias = tuple[int, bool, Document]
"""The indentation of the lines, whether the group around is broken, and what to print."""


def joined(documents: Sequence[Document], separator: Document) -> Document:
    """Documents with a separator between them."""
    return tuple(part for document in documents for part in (separator, document))[1:]


def render(document: Document, width: int, indent: int = 0, column: int = 0) -> str:
    """The text of a document, whose lines have at most `width` characters where that is possible.

    The first line begins in `column`; the others are indented by `indent`.
    """
    pieces: list[str] = []
    items: list[_Item] = [(indent, True, document)]
    padding = ""
    while items:
        indent, broken, item = items.pop()
        match item:
            case Line(flat) if broken or flat is None:
                pieces.append("\n")
                padding, column = " " * indent, indent
            case str(text) | Line(str(text)):
                pieces.append(f"{padding}{text}" if text else "")
                padding, column = "" if text else padding, column + len(text)
            case IfBroken(text):
                items.append((indent, broken, text if broken else ""))
            case Nest(content):
                items.append((indent + INDENT, broken, content))
            case Group(content):
                items.append((indent, not _fits(content, width - column, items), content))
            case Choice(options):
                items.append((indent, broken, _first_that_fits(options, width, indent, column)))
            case tuple():
                items.extend((indent, broken, part) for part in reversed(item))
            case Line():  # matched above, by its text
                raise AssertionError(item)
    return "".join(pieces)


def _fits(content: Document, space: int, following: Sequence[_Item]) -> bool:
    """Whether a document on one line fits into a space with what follows on that line."""
    items, left = [(False, content)], len(following)
    while space >= 0 and (items or left):
        if not items:
            left -= 1
            items.append(following[left][1:])
        broken, item = items.pop()
        match item:
            case Line(flat) if broken or flat is None:
                return broken
            case str(text) | Line(str(text)):
                space -= len(text)
            case IfBroken(text):
                space -= len(text) if broken else 0
            case Nest(content) | Group(content):
                items.append((broken, content))
            case tuple():
                items.extend((broken, part) for part in reversed(item))
            case Choice() | Line():  # a choice is in no group, and a line is matched above
                raise AssertionError(item)
    return space >= 0


def _first_that_fits(options: Sequence[Document], width: int, indent: int, column: int) -> Document:
    for option in options[:-1]:
        first, *others = render(option, width, indent, column).split("\n")
        if column + len(first) <= width and all(len(line) <= width for line in others):
            return option
    return options[-1]
