"""Tables of text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "   "

WIDTH = 80
"""How many characters a line of a terminal has."""

MAX_LENGTH = 18
"""The maximum length of a text in a table that is fitted to a terminal."""

MAX_FIRST = 34
"""The same in columns that come before others."""


def write_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1, gap: str = GAP
) -> str:
    """A line of titles, a rule, and a line for every row.

    The first `texts` columns are left-aligned, numbers right-aligned. `gap` is between columns.

    >>> print(write_table(("Layer", "Units"), [("dense", "10")]))
    Layer   Units
    ─────────────
    dense      10
    """
    widths = _widths([titles, *rows])
    rule = "─" * (sum(widths) + len(gap) * (len(widths) - 1))
    first, *lines = align([titles, *rows], texts, gap)
    return "\n".join([first, rule, *lines])


def align(rows: Sequence[Sequence[str]], texts: int, gap: str = GAP) -> list[str]:
    """A line for every row; the first `texts` columns are left-aligned, others right-aligned.

    >>> align([("dense", "10"), ("flatten", "0")], 1)
    ['dense     10', 'flatten    0']
    """
    widths = _widths(rows)
    return [
        gap.join(
            text.ljust(width) if place < texts else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def fit(rows: Sequence[Sequence[str]], first: int, gap: str = "  ") -> tuple[list[str], int]:
    """Left-aligned lines of at most 80 characters, and how many columns are left out.

    Texts are clipped. The columns from `first` on come before the others where there is no room
    for all of them.
    """
    clipped = [
        [
            _clipped(text, MAX_LENGTH if place < first else MAX_FIRST)
            for place, text in enumerate(row)
        ]
        for row in rows
    ]
    widths = _widths(clipped)
    room, shown = WIDTH + len(gap), list[int]()
    for place in (*range(first, len(widths)), *range(first)):
        if widths[place] + len(gap) > room:
            room = room if place >= first else 0
            continue
        room -= widths[place] + len(gap)
        shown.append(place)
    chosen = [[row[place] for place in sorted(shown)] for row in clipped]
    return align(chosen, len(shown), gap), len(widths) - len(shown)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
