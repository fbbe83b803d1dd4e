"""The data of a spec as a plot: example images by class, the values of features, the classes."""

# Matplotlib leaves the types of its keywords open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from netspec.data.facts import Classes, Facts
from netspec.data.loading import Dataset
from netspec.data.mapped import Stored
from netspec.data.preparation import CategoryColumn, Preparation, TimeColumn
from netspec.data.targets import classes_of
from netspec.data.tokens import TextColumn
from netspec.network import Network
from netspec.text.diagnostics import visible
from netspec.text.files import write_atomically

# Paul Tol's "bright" colours, which all readers distinguish, also the colour-blind.
COLORS = {"train": "#4477aa", "validation": "#ccbb44", "test": "#ee6677"}

MAX_CLASSES = 12
"""How many classes have example images and bars."""

MAX_HISTOGRAMS = 16
COLUMNS = 4
"""Of histograms."""

IMAGES = 8
"""How many images of a class are shown."""

MAX_LOOKED_AT = 20_000
"""How many training examples are looked at."""

BINS = 40


def draw(facts: Facts, dataset: Dataset, network: Network, path: Path) -> None:
    """Write the plot, in the format of the file's suffix; no window is opened.

    Raises NetspecError where it cannot be written.
    """
    content = BytesIO()
    picture(facts, dataset, network).savefig(content, format=path.suffix[1:].lower(), dpi=110)
    write_atomically(path, content.getvalue())


def picture(facts: Facts, dataset: Dataset, network: Network) -> Figure:
    """Example images or histograms on the left, the classes or the targets on the right."""
    whole = Figure(figsize=(12, 6.5), layout="constrained")
    left, right = cast(
        "Iterable[SubFigure]", whole.subfigures(1, 2, width_ratios=(2, 1))
    )  # an array, for which the types of Matplotlib have no name
    whole.suptitle(visible(f"{facts.network}: {facts.dataset}"))
    inputs = dataset.train.inputs[0]
    classes = facts.classes[0] if facts.classes else None
    shape = network.graph.inputs[0].shape
    if len(shape) == 3 and shape[-1] in (1, 3):
        _draw_images(left, dataset, classes)
    else:
        _draw_histograms(left, _features(_sample(inputs), dataset.record.preparation))
    axes = right.add_subplot()
    if classes is not None:
        _draw_classes(axes, classes)
    elif dataset.train.own_targets:
        axes.set_axis_off()
    else:
        _draw_histogram(axes, _sample(dataset.train.targets[0]).ravel(), "target")
    return whole


def _sample(array: Stored) -> NDArray[np.generic]:
    """Examples that are spread evenly over all."""
    count = min(len(array), MAX_LOOKED_AT)
    return np.asarray(array[np.linspace(0, len(array) - 1, count).astype(np.int64)])


def _draw_images(to: SubFigure, dataset: Dataset, classes: Classes | None) -> None:
    """A row of images for each class; without classes, the first images."""
    train = dataset.train
    if classes is None or len(train.targets[0].shape) > 2:
        count = min(len(train), IMAGES * MAX_CLASSES // 2)
        rows = {"": np.arange(count)}
    else:
        answers = classes_of(train.targets[0][:MAX_LOOKED_AT])
        names = classes.names[:MAX_CLASSES]
        rows = {name: np.flatnonzero(answers == place) for place, name in enumerate(names)}
    lines = [
        (name, indices[start : start + IMAGES])
        for name, indices in rows.items()
        for start in range(0, len(indices) if not name else 1, IMAGES)
    ]
    grid = to.subplots(len(lines), IMAGES, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for row, (name, indices) in zip(grid, lines, strict=True):
        chosen = np.sort(indices[:IMAGES])
        for axes, pixels in zip(row, _pixels(train.inputs[0], chosen), strict=False):
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1)
        row[0].text(-0.1, 0.5, visible(name), transform=row[0].transAxes, ha="right", va="center")


def _pixels(images: Stored, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Images with values from 0 to 1; grey ones without an axis of channels."""
    values = np.asarray(images[indices], np.float64)
    low, high = values.min(initial=0), values.max(initial=0)
    values = (values - low) / ((high - low) or 1)
    return values[..., 0] if values.shape[-1] == 1 else values


def _draw_histograms(to: SubFigure, features: Mapping[str, NDArray[np.generic]]) -> None:
    """A histogram of every feature."""
    names = list(features)[:MAX_HISTOGRAMS]
    columns = min(COLUMNS, len(names))
    grid = to.subplots(-(-len(names) // columns), columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names, strict=False):
        _draw_histogram(axes, features[name], name)
    more = len(features) - len(names)
    shown = f"{len(features[names[0]]):,} training examples"
    to.supxlabel(f"{shown}; {more:,} more features" if more else shown, fontsize="small")


def _features(
    values: NDArray[np.generic], preparation: Preparation | None
) -> dict[str, NDArray[np.generic]]:
    """The values of every feature by its name; all values where an example has other axes.

    Numbers and times of a table are as they are in it.
    """
    if values.ndim != 2:
        return {"all values": values.ravel()}
    if preparation is None or len(preparation.inputs) != 1:
        return {f"feature {place}": values[:, place] for place in range(values.shape[1])}
    features: dict[str, NDArray[np.generic]] = {}
    start = 0
    for column in preparation.columns:
        part = np.asarray(values[:, start : start + column.width], np.float64)
        start += column.width
        if isinstance(column, TextColumn):
            features[f"tokens of {column.name}"] = np.count_nonzero(part, axis=1)
        elif not isinstance(column, CategoryColumn):
            numbers = part[:, 0] * column.deviation + column.mean
            of_times = isinstance(column, TimeColumn)
            features[column.name] = numbers.astype("datetime64[s]") if of_times else numbers
        else:
            names = np.array(["unknown", *map(visible, column.vocabulary)])
            features[column.name] = names[part.argmax(1)]
    return features


def _draw_histogram(axes: Axes, values: NDArray[np.generic], name: str) -> None:
    if values.dtype.kind == "U":
        names, counts = np.unique(values, return_counts=True)
        order = np.argsort(-counts)[:MAX_CLASSES]
        axes.barh([str(names[place])[:16] for place in order], counts[order], color=COLORS["train"])
        axes.invert_yaxis()
    else:
        numbers = values if values.dtype.kind == "M" else values.astype(np.float64)
        axes.hist(cast("NDArray[np.float64]", numbers), bins=BINS, color=COLORS["train"])
        axes.xaxis.set_major_locator(
            AutoDateLocator(maxticks=3) if values.dtype.kind == "M" else MaxNLocator(3)
        )
    axes.set_title(visible(name)[:30], fontsize="small")
    axes.tick_params(labelsize="small")


def _draw_classes(axes: Axes, classes: Classes) -> None:
    """A bar for each class and part."""
    names = [visible(name)[:24] for name in classes.names[:MAX_CLASSES]]
    places = np.arange(len(names))
    height = 0.8 / len(classes.counts)
    for index, (part, counts) in enumerate(classes.counts.items()):
        bars = counts[:MAX_CLASSES]
        axes.barh(places + index * height, bars, height, color=COLORS[part], label=part)
    axes.set_yticks(places + height * (len(classes.counts) - 1) / 2, names)
    axes.invert_yaxis()
    axes.set(title="examples of each class")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3, frameon=False)
    if more := len(classes.names) - len(names):
        axes.set_xlabel(f"{more:,} more classes")
