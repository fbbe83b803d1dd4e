"""The measurements as a table for a terminal."""

from __future__ import annotations

from netspec.bench.measure import Figures, Row

COLUMNS = ("Batch", "Form", "Images/s", "p50 ms", "p99 ms", "Peak memory", "Difference")
GAP = "   "
MAX_REASON = 90
"""How many characters of a reason stand in the table."""


def table(rows: tuple[Row, ...]) -> str:
    """A line of titles, and for every batch size a rule and a line for each form."""
    cells = [_cells(row) for row in rows]
    whole = [each for each in (COLUMNS, *cells) if len(each) == len(COLUMNS)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    widths[1] = max(widths[1], *(len(each[1]) for each in cells))
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines = [_line(COLUMNS, widths)]
    size = 0
    for row, each in zip(rows, cells, strict=True):
        if row.batch_size != size:
            lines.append(rule)
        size = row.batch_size
        lines.append(_line(each, widths))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    """The cells of a row; where there are no figures, the reason in the place of all of them."""
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
    """A line of the table: the form and a reason stand left, figures right."""
    batch, form, *others = cells
    start = [batch.rjust(widths[0]), form.ljust(widths[1])]
    if len(cells) < len(widths):
        return GAP.join([*start, *others])
    return GAP.join([*start, *(c.rjust(w) for c, w in zip(others, widths[2:], strict=True))])
