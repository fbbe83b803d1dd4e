"""The measurements as a table for a terminal."""

from __future__ import annotations

from netspec.bench.measure import Figures, Row

COLUMNS = ("Batch", "Form", "{}/s", "p50 ms", "p99 ms", "Peak memory", "Difference")
"""The titles; the third one has a place for what the examples are."""

GAP = "   "
MAX_REASON = 90
"""How many characters of a reason the table shows."""


def table(rows: tuple[Row, ...], noun: str) -> str:
    """A line of titles, and for every batch size a rule and a line for each form.

    `noun` is what the examples are.
    """
    titles = tuple(title.format(noun.capitalize()) for title in COLUMNS)
    cells = [_cells(row) for row in rows]
    whole = [texts for texts in (titles, *cells) if len(texts) == len(COLUMNS)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    widths[1] = max(widths[1], *(len(texts[1]) for texts in cells))
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines = [_line(titles, widths)]
    size = 0
    for row, texts in zip(rows, cells, strict=True):
        if row.batch_size != size:
            lines.append(rule)
        size = row.batch_size
        lines.append(_line(texts, widths))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    """The texts of a row; without measurements, the reason instead of all of them."""
    about = f"{row.batch_size:,}", row.form.title
    if isinstance(row.result, Figures):
        return *about, *_figures(row.result)
    reason = row.result
    return *about, reason if len(reason) <= MAX_REASON else f"{reason[: MAX_REASON - 1]}…"


def _figures(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.images_per_second:,.0f}",
        f"{1000 * figures.latency(50):,.3f}",
        f"{1000 * figures.latency(99):,.3f}",
        "unknown" if figures.peak is None else f"{figures.peak / 2**20:,.0f} MiB",
        f"{figures.difference:.1e}",
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """A line of the table: the form and a reason are left-aligned, numbers right-aligned."""
    batch, form, *others = cells
    start = [batch.rjust(widths[0]), form.ljust(widths[1])]
    if len(cells) < len(widths):
        return GAP.join([*start, *others])
    return GAP.join([*start, *(c.rjust(w) for c, w in zip(others, widths[2:], strict=True))])
