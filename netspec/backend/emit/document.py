"""A printer of documents: text with places where a line may end, laid out within a width.

The layout follows code formatters (Wadler, A prettier printer, 2003): a group is on one line
where it fits, and all lines directly in it end where it does not.

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

from collections.abc import Callable, Sequence
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
    """A text if it fits, else the first of other documents of which every line fits, else the last.

    A choice ends its line, and contains no other choice. `others` is not called where the text
    fits, as it does for most statements.
    """

    text: str
    others: Callable[[], Sequence[Document]]


Document: TypeAlias = str | Line | IfBroken | Nest | Group | Choice | tuple["Document", ...]
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
        if isinstance(item, Line):
            if broken or item.flat is None:
                pieces.append("\n")
                padding, column = " " * indent, indent
                continue
            item = item.flat
        match item:
            case "":
                pass
            case str():
                pieces.append(padding + item)
                padding, column = "", column + len(item)
            case tuple():
                items.extend([(indent, broken, part) for part in reversed(item)])
            case Choice():
                items.append((indent, broken, _chosen(item, width, indent, column)))
            case Nest(content):
                items.append((indent + INDENT, broken, content))
            case Group(content):
                items.append((indent, not _fits(content, width - column, items), content))
            case IfBroken(text):
                items.append((indent, broken, text if broken else ""))
    return "".join(pieces)


def _fits(content: Document, space: int, following: Sequence[_Item]) -> bool:
    """Whether a document on one line fits into a space with what follows on that line."""
    items, left = [(False, content)], len(following)
    while space >= 0 and (items or left):
        if not items:
            left -= 1
            items.append(following[left][1:])
        broken, item = items.pop()
        if isinstance(item, Line):
            if broken or item.flat is None:
                return broken
            item = item.flat
        match item:
            case str():
                space -= len(item)
            case tuple():
                items.extend([(broken, part) for part in reversed(item)])
            case Nest(content) | Group(content):
                items.append((broken, content))
            case IfBroken(text):
                space -= len(text) if broken else 0
            case Choice():
                raise AssertionError(item)  # it is in no group, and ends its line
    return space >= 0


def _chosen(choice: Choice, width: int, indent: int, column: int) -> Document:
    if column + len(choice.text) <= width:
        return choice.text
    *others, last = choice.others()
    for option in others:
        first, *lines = render(option, width, indent, column).split("\n")
        if column + len(first) <= width and all(len(line) <= width for line in lines):
            return option
    return last
