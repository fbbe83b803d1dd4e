"""Tables of text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "   "


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
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = "─" * (sum(widths) + len(gap) * (len(widths) - 1))
    first, *lines = (_line(row, widths, texts, gap) for row in (titles, *rows))
    return "\n".join([first, rule, *lines])


def _line(row: Sequence[str], widths: Sequence[int], texts: int, gap: str) -> str:
    padded = [text.ljust(width) for text, width in zip(row[:texts], widths[:texts], strict=True)]
    padded += [text.rjust(width) for text, width in zip(row[texts:], widths[texts:], strict=True)]
    return gap.join(padded).rstrip()
