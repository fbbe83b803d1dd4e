"""Characters that look like YAML's characters, but differ, as in input methods and documents."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MEANT = {
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # the full-width forms
    **dict.fromkeys("\u3000\u00a0\u2007\u202f", " "),
    **dict.fromkeys("\u200b\u2060\ufeff", ""),
    **dict.fromkeys("\u3001\ufe50", ","),  # ideographic and small commas
    **dict.fromkeys("\u3002\ufe52", "."),
    **dict.fromkeys("\ufe55\u2236\ua789", ":"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u301d\u301e", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u3010\u3014", "["),
    **dict.fromkeys("\u3011\u3015", "]"),
}
"""The ASCII character that each looks like; nothing for what has no width."""

_LOOKALIKES = re.compile(f"[{re.escape(''.join(MEANT))}]+")
_QUOTED_OR_COMMENT = re.compile(r""""(?:\\.|[^"\\])*"|'(?:''|[^'])*'|(?:^|(?<=\s))#.*""")


@dataclass(frozen=True)
class Lookalike:
    """Characters at an index of a line, and what to write instead."""

    index: int
    length: int
    message: str
    help: str


def find_lookalike(line: str, start: int = 0, end: int | None = None) -> Lookalike | None:
    """The first characters in a part of a line, outside of quotes and comments, that mislead."""
    plain = _unquoted(line)
    match = _LOOKALIKES.search(plain, start, len(plain) if end is None else end)
    if match is None:
        return None
    char = match[0][0]
    name = unicodedata.name(char).lower()
    article = "an" if name[0] in "aeiou" else "a"
    shown = f"the character {char!r}" if MEANT[char].strip() else "the character here"
    message = f"{shown} is {article} {name}, U+{ord(char):04X}"
    text = "".join(MEANT[character] for character in match[0])
    help = "remove it" if not text else f"write `{text}`" if text.strip() else "write a space"
    return Lookalike(match.start(), len(match[0]), message, help)


@lru_cache(maxsize=1)  # many faults may be in one long line
def _unquoted(line: str) -> str:
    """The line with spaces in place of quotes and comments."""
    return _QUOTED_OR_COMMENT.sub(lambda match: " " * len(match[0]), line)
