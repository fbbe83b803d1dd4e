"""Arithmetic on numbers, as between the parentheses of `$(2 * width)`.

    comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
    sum        = product {("+" | "-") product}
    product    = operand {("*" | "//" | "%") operand}
    operand    = "-" operand | number | name | ("min" | "max") "(" comparison {"," comparison} ")"
               | "(" comparison ")"

The operators mean what they mean in Python: // rounds down, and % has the sign of the divisor. In
arithmetic true is 1 and false is 0.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from netspec.text.codes import Code
from netspec.text.diagnostics import one_of

MAX_LENGTH = 256  # characters
MAX_DEPTH = 32
MAX_MAGNITUDE = 10**18

FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max}

Lookup: TypeAlias = Callable[["Name"], Any]  # Any: data of a spec


@dataclass(frozen=True)
class Number:
    """A number as it is written."""

    value: float


@dataclass(frozen=True)
class Name:
    """The value of a variable or a parameter; `start` is the name's place in the text."""

    name: str
    start: int


@dataclass(frozen=True)
class Negative:
    """-operand."""

    operand: Expression


@dataclass(frozen=True)
class Binary:
    """left operator right."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Call:
    """min(a, b, …) or max(a, b, …)."""

    function: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Number | Name | Negative | Binary | Call


class ExpressionFault(Exception):  # noqa: N818 - caught and shown as a fault of the spec
    """What is wrong with an expression; `span` is a start and a length, or None for all of it."""

    def __init__(
        self,
        message: str,
        help: str,
        span: tuple[int, int] | None = None,
        code: Code = Code.EXPRESSION,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.span = span
        self.code = code


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": lambda left, right: left // right,
    "%": operator.mod,
}
_BINDING = dict.fromkeys(_COMPARISONS, 1) | {"+": 2, "-": 2, "*": 3, "//": 3, "%": 3}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<other>\*\*|&&|\|\|)
      | (?P<symbol>//|<=|>=|==|!=|[-+*%<>(),])
      | (?P<unknown>\S)
      | (?P<end>$)
    )""",
    re.VERBOSE,
)
_ALLOWED = "an expression has + - * // % min max, comparisons, numbers and names"
_INSTEAD = {
    "/": "write `//`, which divides and rounds down",
    "=": "write `==` to compare",
    "**": "there is no power; write the product out",
    "$": "names are written plainly in an expression, as in `$(2 * width)`",
}


def parse(text: str, start: int) -> tuple[Expression, int]:
    """The expression that begins at `start`, and where its closing parenthesis ends.

    Raises ExpressionFault.

    >>> parse("$(2 * width)", 2)
    (Binary(operator='*', left=Number(value=2), right=Name(name='width', start=6)), 12)
    """
    parser = _Parser(text, start)
    expression = parser.expression()
    if parser.word != ")":
        raise parser.unexpected("`)`")
    return expression, parser.position


class _Parser:
    """Precedence climbing (Pratt, 1973) over one token of foresight."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.first = self.position = start
        self.depth = 0
        self.advance()

    def advance(self) -> None:
        """Take the next token, which begins at `start` and ends at `position`."""
        token = _TOKEN.match(self.text, self.position)
        assert token is not None  # the pattern takes any character, and the end
        self.kind = token.lastgroup
        self.word = token[token.lastgroup or 0]
        self.start, self.position = token.start(token.lastgroup or 0), token.end()
        if self.position - self.first > MAX_LENGTH:
            message = f"an expression is at most {MAX_LENGTH} characters long"
            help = "name its parts as variables"
            raise ExpressionFault(message, help, (self.first, 1), Code.LIMIT)

    def expect(self, symbol: str) -> None:
        if self.word != symbol or self.kind != "symbol":
            raise self.unexpected(f"`{symbol}`")
        self.advance()

    def unexpected(self, expected: str) -> ExpressionFault:
        span = (self.start, max(1, len(self.word)))
        if self.kind == "end":
            return ExpressionFault(
                f"the expression ends where {expected} is expected", _CLOSE, None
            )
        if self.kind in ("other", "unknown"):
            message = f"{self.word!r} has no meaning in an expression"
            return ExpressionFault(message, _INSTEAD.get(self.word, _ALLOWED), span)
        message = f"{self.word!r} is written where {expected} is expected"
        return ExpressionFault(message, _ALLOWED, span)

    def expression(self, binding: int = 0) -> Expression:
        """An expression whose operators bind tighter than `binding`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"the expression is nested more than {MAX_DEPTH} deep"
            help = "name its parts as variables"
            raise ExpressionFault(message, help, (self.start, 1), Code.LIMIT)
        left = self.operand()
        compared = False
        while _BINDING.get(self.word, 0) > binding:
            symbol = self.word
            if symbol in _COMPARISONS:
                if compared:
                    message = "comparisons cannot be chained"
                    help = "compare two values; put parentheses around one comparison"
                    raise ExpressionFault(message, help, (self.start, len(symbol)))
                compared = True
            self.advance()
            left = Binary(symbol, left, self.expression(_BINDING[symbol]))
        self.depth -= 1
        return left

    def operand(self) -> Expression:
        kind, word, start = self.kind, self.word, self.start
        if kind == "number":
            self.advance()
            return Number(_number(word, start))
        if kind == "name":
            self.advance()
            return self.call(word) if word in FUNCTIONS else self.name(word, start)
        if word == "-":
            self.advance()
            return Negative(self.expression(max(_BINDING.values())))
        if word != "(" or kind != "symbol":
            raise self.unexpected("a value")
        self.advance()
        inner = self.expression()
        self.expect(")")
        return inner

    def name(self, name: str, start: int) -> Name:
        if self.word == "(":
            message = f"there is no function {name!r}"
            help = f"there are {one_of(list(FUNCTIONS), 'and')}"
            raise ExpressionFault(message, help, (start, len(name)))
        return Name(name, start)

    def call(self, function: str) -> Call:
        self.expect("(")
        arguments = [self.expression()]
        while self.word == ",":
            self.advance()
            arguments.append(self.expression())
        self.expect(")")
        return Call(function, tuple(arguments))


_CLOSE = "close it with `)`, and write the whole text in quotes where it holds `: ` or ` #`"


def _number(token: str, start: int) -> float:
    if len(token) <= MAX_LENGTH:
        value = int(token) if token.isdecimal() else float(token)
        if abs(value) <= MAX_MAGNITUDE:
            return value
    raise ExpressionFault("this number is too large", _LARGE, (start, len(token)))


_LARGE = "numbers in expressions go up to 10^18"


def names(expression: Expression) -> list[Name]:
    """Every name in the expression, from left to right."""
    match expression:
        case Name():
            return [expression]
        case Negative(operand):
            return names(operand)
        case Binary(_, left, right):
            return names(left) + names(right)
        case Call(_, arguments):
            return [name for argument in arguments for name in names(argument)]
        case Number():
            return []


def evaluate(expression: Expression, lookup: Lookup) -> Any:  # Any: data of a spec
    """The value of the expression. Only a single name may have a value of any type.

    Raises ExpressionFault.
    """
    match expression:
        case Name():
            return lookup(expression)
        case Number(value):
            return value
        case Negative(operand):
            return -_operand(operand, lookup)
        case Call(function, arguments):
            return FUNCTIONS[function]([_operand(argument, lookup) for argument in arguments])
        case Binary(symbol, left, right):
            return _binary(symbol, _operand(left, lookup), _operand(right, lookup))


def _operand(expression: Expression, lookup: Lookup) -> float:
    value = evaluate(expression, lookup)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    assert isinstance(expression, Name)  # what is computed is a number
    what = "a text" if isinstance(value, str) else "a list"
    message = f"{expression.name} is {what}, and arithmetic takes numbers"
    span = (expression.start, len(expression.name))
    raise ExpressionFault(message, "numbers, true and false can be computed with", span)


def _binary(symbol: str, left: float, right: float) -> float:
    if symbol in _COMPARISONS:
        return _COMPARISONS[symbol](left, right)
    if symbol in ("//", "%") and not right:
        raise ExpressionFault(f"{left} {symbol} 0 divides by zero", "the divisor must not be 0")
    value = _ARITHMETIC[symbol](left, right)
    if not abs(value) <= MAX_MAGNITUDE:
        raise ExpressionFault(f"{left} {symbol} {right} is too large", _LARGE)
    return value
