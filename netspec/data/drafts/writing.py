"""The parts that the specs for all kinds of data have: the first lines, and the training."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.folders import Listing
from netspec.data.split import DEFAULT_FRACTION
from netspec.language.spec import Validation
from netspec.language.template import modeline
from netspec.text.diagnostics import visible
from netspec.text.writer import flow

STEPS = 2_000
"""How many steps of the optimizer a training of a small data set has."""

LEAST_EPOCHS, MOST_EPOCHS = 20, 200

MIN_EXAMPLES = 20
"""The minimum number of training examples of which some are kept for validation."""

MIN_OF_CLASS = 4
"""The minimum number of training examples in every class, for each of them to be in both parts."""

KEPT = 0.15
"""The part of the training examples that is kept for validation."""


@dataclass(frozen=True)
class Draft:
    """A spec for a user's data: its text, and what was seen in the data, a sentence for each."""

    text: str
    seen: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where data are, and the folder of the spec that is written for them."""

    path: Path
    folder: Path = Path()

    @property
    def relative(self) -> str:
        """The path as the spec writes it: relative to the folder of the spec."""
        try:
            return Path(os.path.relpath(self.path, self.folder.resolve())).as_posix()
        except ValueError:  # on another drive of Windows
            return self.path.resolve().as_posix()


@dataclass(frozen=True)
class Training:
    """What decides how a network is trained.

    `examples` counts the training examples, `smallest` the examples of the smallest class; it is
    None without classes. `validation` is whether the data have a validation part.
    """

    loss: str
    metrics: Sequence[str]
    examples: int
    smallest: int | None = None
    validation: bool = False


def write_head(name: str, about: Sequence[str]) -> list[str]:
    """The first lines of a spec, with comments about the data."""
    file = f"{name}.yaml"
    return [
        *modeline(),
        *(f"# {in_comment(line)}" for line in about),
        f"# `netspec data {file}` shows the data, `netspec summary {file}` the parameter table,",
        f"# `netspec train {file} --backend keras` trains the network.",
        "netspec: 1",
        f"name: {flow(name)}",
        "",
    ]


def in_comment(text: str) -> str:
    """A text without line breaks and other invisible characters, which names of files may have."""
    return "".join("\ufffd" if char in "\u2028\u2029" else char for char in visible(text))


def quoted(text: str) -> str:
    """A text as a value of a spec, in which `$` begins no reference to a variable."""
    return flow(text).replace("$", "$$")


def kept_for_validation(training: Training) -> Validation | None:
    """Which of the training examples only measure; none where they are few."""
    if training.validation or training.examples < MIN_EXAMPLES:
        return None
    stratify = training.smallest is not None and training.smallest >= MIN_OF_CLASS
    return Validation(fraction=KEPT, stratify=stratify)


def write_training(training: Training) -> list[str]:
    """The section `train`, with a number of epochs that small data sets need."""
    kept = kept_for_validation(training)
    count = max(1, round(training.examples * (1 - (kept.fraction if kept else 0))))
    batch_size = 32 if count >= 10 * 32 else 16
    epochs = ceil(STEPS / ceil(count / batch_size))
    epochs = min(max(epochs, LEAST_EPOCHS), MOST_EPOCHS)
    metrics = f"[{', '.join(training.metrics)}]"
    lines = [
        "train:",
        f"  loss: {training.loss}",
        "  optimizer: {adam: {learning_rate: 1e-3}}",
        f"  metrics: {metrics}",
        f"  epochs: {epochs}",
        f"  batch_size: {batch_size}",
    ]
    if kept:
        stratify = ", stratify: true" if kept.stratify else ""
        validation = f"{{fraction: {kept.fraction:g}{stratify}}}"
        lines.append(f"  validation: {validation}   # training examples that only measure")
    if kept or training.validation:
        stopping = f"{{patience: {max(10, epochs // 8)}, restore_best_weights: true}}"
        lines.append(f"  early_stopping: {stopping}   # ends it sooner")
    lines.append("  seed: 0                       # decides the initial weights and all orders")
    return lines


def class_training(examples: int, smallest: int, *, validation: bool = False) -> Training:
    """The training of a network that ends in `write_classes`."""
    loss = "sparse_categorical_crossentropy"
    return Training(loss, ["accuracy"], examples, smallest, validation)


def training_of(listing: Listing) -> Training:
    """The training on the files of a listing, whose test part is drawn where it has none."""
    parts = {file.part for file in listing.files}
    counts = Counter(file.label or "" for file in listing.files if file.part in (None, "train"))
    sizes = counts.values() if "test" in parts else map(training_examples, counts.values())
    examples = [*sizes]
    return class_training(sum(examples), min(examples), validation="validation" in parts)


def training_examples(count: int) -> int:
    """How many examples of a class are left for training where a test part is drawn."""
    return count - min(round(count * DEFAULT_FRACTION), count - 1)


def number_training(examples: int, *, validation: bool = False) -> Training:
    """The training of a network that ends in `write_numbers`."""
    metrics = ["mean_absolute_error"]
    return Training("mean_squared_error", metrics, examples, validation=validation)


def write_classes(count: int) -> list[str]:
    """The last layer of a network for classes."""
    return [f"  - Dense: {{units: {count}, activation: softmax}}   # one unit for every class"]


def write_numbers(means: NDArray[np.float64], deviations: NDArray[np.float64]) -> list[str]:
    """The last layers of a network for numbers with these means and deviations."""
    scales, offsets = (
        [float(f"{value:.6g}") for value in values]
        for values in (np.where(deviations > 0, deviations, 1), means)
    )
    single = len(scales) == 1
    scale, offset = (flow(values[0] if single else values) for values in (scales, offsets))
    return [
        f"  - Dense: {{units: {len(scales)}}}",
        "  # Target = output of Dense * deviation + mean, of the training targets.",
        f"  - Rescaling: {{scale: {scale}, offset: {offset}}}",
    ]


def plural(count: int, noun: str) -> str:
    """1 image, 2 images, 3 classes.

    >>> plural(3, "class")
    '3 classes'
    """
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
