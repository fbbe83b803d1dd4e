"""An error as the user reads it: its place, what is wrong, and what to write instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.text.codes import Code

MAX_FAULTS = 100
"""How many faults of a spec are shown. One more is looked for, to say that there are more."""

MAX_NAMES = 300
"""How many known names a wrong one is compared with."""

MAX_WORD = 256
"""How many characters a name can have that a wrong one is compared with."""

MAX_LISTED = 5
"""How many words of a long list are shown."""

MAX_TEXT = 100
"""How many characters of a text of the user's data are shown."""

MAX_SENTENCE = 2_000
"""How many characters of a sentence are shown: a spec may hold texts of any length."""


@dataclass(frozen=True)
class Place:
    """A stretch of one line of a text. Line and column count from 1, as editors do."""

    file: str
    line: int
    column: int
    text: str
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One fault of a spec.

    `code` names the kind of fault, `message` is what is wrong, in lower case and without a full
    stop. `help` is what to do about it. `related` adds a second place, such as the first of two
    equal names. `trail` adds the places through which a value came: the calls of the blocks around
    it, the innermost first.
    """

    code: Code
    message: str
    place: Place
    help: str | None = None
    related: tuple[str, Place] | None = None
    trail: tuple[tuple[str, Place], ...] = ()

    def __str__(self) -> str:
        """The fault as the terminal shows it, in the form of rustc and ruff."""
        others = [*([self.related] if self.related else []), *self.trail]
        last = max(place.line for place in (self.place, *(place for _, place in others)))
        margin = " " * len(str(last))
        lines = [f"error[{self.code}]: {_said(self.message)}", *_excerpt(self.place, margin)]
        for label, place in others:
            lines += _excerpt(place, margin, label)
        if self.help:
            lines += [f"{margin} |", f"{margin} = help: {_said(self.help)}"]
        return "\n".join(lines)


def visible(text: str) -> str:
    """A text in which what a terminal would obey rather than show is a replacement character."""
    return "".join("\ufffd" if _unseen(char) else char for char in text)


def _said(sentence: str) -> str:
    """A sentence as it is shown, which may hold a part of the spec."""
    return visible(sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:MAX_SENTENCE]}…")


def _excerpt(place: Place, margin: str, label: str = "") -> list[str]:
    if not place.text:
        return [f"{margin}--> {place}"]
    text, column = _window(place.text, place.column)
    text = visible(text)
    # A tab before the caret keeps it under its column, whatever the terminal's tab width.
    indent = "".join("\t" if char == "\t" else " " * _width(char) for char in text[: column - 1])
    length = max(1, sum(_width(char) for char in text[column - 1 : column - 1 + place.length]))
    return [
        f"{margin}--> {place}",
        f"{margin} |",
        f"{place.line:>{len(margin)}} | {text}",
        f"{margin} | {indent}{'^' * length}{' ' + label if label else ''}",
    ]


def _unseen(char: str) -> bool:
    """Whether a character is a control or a direction mark, other than a tab."""
    return char != "\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _width(char: str) -> int:
    """How many columns of a terminal a character takes."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _window(text: str, column: int, width: int = 160) -> tuple[str, int]:
    """The part of a very long line that surrounds the column, and the column in that part."""
    if len(text) <= width:
        return text, column
    start = max(0, column - width // 2)
    return text[start : start + width], column - start


class NetspecError(Exception):
    """A fault that its user can mend. It is shown without a traceback.

    `message` is what is wrong; `help` is what to do about it. `details` are lines between them.
    """

    def __init__(self, message: str, help: str | None = None, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.details = tuple(details)

    def __str__(self) -> str:
        lines = [
            f"error: {_said(self.message)}",
            *(f"  {_said(line)}" for line in self.details),
        ]
        return "\n".join([*lines, f"  help: {_said(self.help)}"] if self.help else lines)


class SpecError(NetspecError):
    """The faults of a spec, each at its place, in the order of the file.

    Of very many it holds the first, and `more` is true.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(f"faults in the spec: {len(diagnostics)}")
        self.diagnostics = tuple(sorted(diagnostics, key=_position)[:MAX_FAULTS])
        self.more = len(diagnostics) > MAX_FAULTS

    def __str__(self) -> str:
        shown = [str(diagnostic) for diagnostic in self.diagnostics]
        if self.more:
            shown.append(f"there are more faults than these {MAX_FAULTS}")
        return "\n\n".join(shown)


def _position(diagnostic: Diagnostic) -> tuple[str, int, int]:
    place = diagnostic.place
    return place.file, place.line, place.column


class DataError(NetspecError):
    """A data set that cannot be had, read or used."""


class SuspiciousDataError(DataError):
    """A data set that may be used, with what is suspicious about it: a sentence for each fact."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("; ".join(sentences), "change the data, or train without `strict`")
        self.sentences = tuple(sentences)

    def __str__(self) -> str:
        lines = [f"error: {_said(sentence)}" for sentence in self.sentences]
        return "\n".join([*lines, f"  help: {self.help}"])


class WeightsError(NetspecError):
    """A weights file that cannot be read, or that belongs to another graph."""


class BackendError(NetspecError):
    """A backend, a framework or a device that is not there, or that failed a check."""


class RunError(NetspecError):
    """A run folder that is missing, incomplete or another run's."""


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None where nothing is close.

    Of many words, only the last few hundred are looked at.
    """
    if len(word) > MAX_WORD:
        return None
    folded = {name.lower(): name for name in known[-MAX_NAMES:]}
    matches = get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def one_of(words: Sequence[str], conjunction: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = words
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def listed(words: Sequence[str], most: int = MAX_LISTED) -> str:
    """The first words as in `one_of`, and how many more there are."""
    more = [f"{len(words) - most:,} more"] if len(words) > most else []
    return one_of([*map(shortened, words[:most]), *more], "and")


def shortened(text: str) -> str:
    """The beginning of a text of the user's data, which may be of any length, and …."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"
