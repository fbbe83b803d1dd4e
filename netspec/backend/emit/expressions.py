"""Python expressions as documents, by their brackets, commas and operators."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from netspec.backend.emit.document import LINE, SOFT, Document, Group, IfBroken, Nest, joined

_PRECEDENCES = (("<", "<=", ">", ">=", "==", "!="), ("+", "-"), ("*", "/", "//", "%", "@"))
"""The operators before which a line may end, those that bind least first."""

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*"|[()\[\]{}]|, ?| (?:[-+*/%@<>]|//|[<>=!]=) )')


class _Operator(str):
    """An operator with a space on each side."""

    __slots__ = ()


@dataclass(frozen=True)
class Expression:
    """An expression as documents, and what decides how a formatter breaks it."""

    parts: tuple[Document, ...]

    @property
    def in_brackets(self) -> Document:
        """The expression within brackets, where a line may end before an operator."""
        return _operation(self.parts)

    @property
    def on_its_own(self) -> Document:
        """The expression without brackets around it, where lines end only in its brackets."""
        return tuple(f" {part} " if isinstance(part, _Operator) else part for part in self.parts)

    @property
    def breaks_in_brackets(self) -> bool:
        """Whether its brackets are broken first, rather than new ones around all of it.

        As ruff decides it (can_omit_optional_parentheses of ruff_python_formatter): the brackets of
        one operand at an end of one operator, or the brackets of calls with at most one
        attribute between.
        """
        operators = len(_loosest(self.parts))
        if operators == 0:
            after_brackets = [part for part in self.parts[1:] if isinstance(part, str)]
            return sum(part.startswith(".") for part in after_brackets) <= 1
        at_an_end = isinstance(self.parts[0], Group) or isinstance(self.parts[-1], Group)
        return operators == 1 and at_an_end


@dataclass
class _Bracket:
    """A bracket and its content up to a token; a call or an index follows a value."""

    opening: str
    follows_value: bool
    items: list[Document] = field(default_factory=list[Document])
    parts: list[Document] = field(default_factory=list[Document])

    def end_item(self) -> None:
        self.items.append(_operation(self.parts))
        self.parts = []

    def closed(self, closing: str) -> Document:
        one_tuple = bool(self.items) and not self.parts
        if self.parts:
            self.end_item()
        if not self.items:
            return f"{self.opening}{closing}"
        if one_tuple:
            return Group((self.opening, Nest((SOFT, *self.items, ",")), SOFT, closing))
        items = joined(self.items, (",", LINE))
        if not self.follows_value and (self.opening != "(" or len(self.items) > 1):
            return _in_lines(self.opening, self.items, closing)
        comma = IfBroken("," if self.follows_value and self.opening == "(" else "")
        return Group((self.opening, Nest((SOFT, Group((items, comma)))), SOFT, closing))


def parse(text: str) -> Expression:
    """An expression; a line may end before an operator that has a space on each side."""
    tokens = [*filter(None, _TOKEN.split(text))]
    if len(tokens) == 1:
        return Expression((text,))
    brackets = [_Bracket("", follows_value=False)]
    for token in tokens:
        innermost = brackets[-1]
        if token in ("(", "[", "{"):
            brackets.append(_Bracket(token, follows_value=_ends_value(innermost.parts)))
        elif token in (")", "]", "}"):
            document = brackets.pop().closed(token)
            brackets[-1].parts.append(document)
        elif token.startswith(","):
            innermost.end_item()
        elif token.startswith(" ") and _TOKEN.fullmatch(token):
            innermost.parts.append(_Operator(token.strip()))
        else:
            innermost.parts.append(token)
    (outermost,) = brackets
    return Expression(tuple(outermost.parts))


def _in_lines(opening: str, items: Sequence[Document], closing: str) -> Document:
    """Items in brackets: all on one line, or one item per line."""
    inner = (SOFT, joined(items, (",", LINE)), IfBroken(","))
    return Group((opening, Nest(inner), SOFT, closing))


def _ends_value(parts: Sequence[Document]) -> bool:
    """Whether a bracket after this is a call or an index."""
    if not parts or isinstance(parts[-1], _Operator):
        return False
    return not isinstance(parts[-1], str) or parts[-1][-1] not in "= "


def _operation(parts: Sequence[Document]) -> Document:
    """Operands, with a place where a line may end before each operator that binds least."""
    if len(parts) == 1:
        return parts[0]
    places = _loosest(parts)
    if not places:
        return tuple(parts)
    first, *others = (
        _operation(parts[start:end])
        for start, end in zip([0, *(place + 1 for place in places)], [*places, None], strict=True)
    )
    lines = [
        (LINE, f"{parts[place]} ", operand) for place, operand in zip(places, others, strict=True)
    ]
    return Group((first, *lines))


def _loosest(parts: Sequence[Document]) -> list[int]:
    """The indices of the operators that bind least."""
    operators = {index: part for index, part in enumerate(parts) if isinstance(part, _Operator)}
    for precedence in _PRECEDENCES:
        if places := [index for index, operator in operators.items() if operator in precedence]:
            return places
    return []
