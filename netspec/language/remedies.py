"""What a field or a type declares about errors: what is expected, and what to write instead.

The declarations are in the annotation: `tuple[str, ...]` with
`Remedy("write it in brackets, as in [cat, dog]")`. They change no value and no schema.
`netspec.language.validation` reads them where a value is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Remedy:
    """Annotates a field or a type with what to write in place of a value that is refused.

    `help` is a text, or a function from the refused value to a text; None leaves it to the next
    remedy, further inside. `{field}` in the text is the name of the field. `errors` are the types
    of pydantic's errors that it is for; without them, all but `missing`.
    """

    help: str | Callable[[object], str | None]
    errors: tuple[str, ...] = ()

    def help_for(self, error: str, value: object) -> str | None:
        """What to write in place of a value; None where the remedy is not for it."""
        if error not in self.errors and (self.errors or error == "missing"):
            return None
        return self.help if isinstance(self.help, str) else self.help(value)


@dataclass(frozen=True)
class Expected:
    """Annotates a field or a type with what its values are, in the words of a message.

    `errors` are the types of pydantic's errors whose messages use these words.
    """

    words: str
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Called:
    """Annotates a type with what messages call its values, where a field's name does not."""

    name: str


def unexpected(expected: str, help: str) -> PydanticCustomError:
    """The error of a validator that expects another value: the message and what to write."""
    return PydanticCustomError("unexpected", "{expected}", {"expected": expected, "help": help})
