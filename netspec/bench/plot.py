"""The measurements as a plot: throughput and latency against batch size."""

# Matplotlib leaves the types of its keywords open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from netspec.bench import Bench
from netspec.bench.measure import Figures
from netspec.text.diagnostics import NetspecError
from netspec.text.files import write_atomically

# Paul Tol's "bright" colours, which all readers distinguish, also the colour-blind.
COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
MARKERS = "osD^vPX"


def draw(bench: Bench, path: Path) -> None:
    """Write the plot, in the format of the file's suffix; no window is opened.

    Raises NetspecError where it cannot be written, or where no form was measured.
    """
    if not _measured(bench):
        raise NetspecError("there is nothing to plot: no form could be measured")
    content = BytesIO()
    picture(bench).savefig(content, format=path.suffix[1:].lower(), dpi=110)
    write_atomically(path, content.getvalue())


def picture(bench: Bench) -> Figure:
    """Examples a second on the left, milliseconds on the right, a line for every form."""
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    throughput, latency = figure.subplots(1, 2)
    looks = zip(cycle(COLORS), cycle(MARKERS), strict=False)
    for (title, figures), (color, marker) in zip(_measured(bench).items(), looks, strict=False):
        sizes = [result.batch_size for result in figures]
        look = {"color": color, "marker": marker, "label": title}
        throughput.plot(sizes, [result.images_per_second for result in figures], **look)
        median, most = (
            [1000 * result.latency(percent) for result in figures] for percent in (50, 99)
        )
        above = [high - middle for middle, high in zip(median, most, strict=True)]
        latency.errorbar(sizes, median, ([0.0] * len(sizes), above), capsize=4, **look)
    for axes in (throughput, latency):
        _scale(axes, bench.settings.batch_sizes)
    throughput.set(title="Throughput", ylabel=f"{bench.noun} a second")
    latency.set(title="Latency: p50, and p99 as a whisker", ylabel="milliseconds a call")
    figure.suptitle(bench.title)
    handles, labels = throughput.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _measured(bench: Bench) -> dict[str, list[Figures]]:
    """The measurements of every form that has any, by its title."""
    lines: dict[str, list[Figures]] = {}
    for row in bench.rows:
        if isinstance(row.result, Figures):
            lines.setdefault(row.form.title, []).append(row.result)
    return lines


def _scale(axes: Axes, sizes: Sequence[int]) -> None:
    """Both axes logarithmic, the sizes that were measured and plain numbers beside them."""
    axes.set(xscale="log", yscale="log", xlabel="batch size")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, alpha=0.3)


def _plain(value: float, _position: int | None) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
