"""What an output answers about an image or a row: as an object, as texts, and as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from netspec.numerics.weights import Array
from netspec.runs.meaning import Kind, Meaning

THRESHOLD = 0.5
"""A label is predicted where its probability is above this, as the metrics count it."""


@dataclass(frozen=True)
class Prediction:
    """What a network predicts of an image or a row.

    Of `kind` "classes" the probabilities add up to 1, and `label` is the likeliest class with its
    `probability`. For "labels" each has one of the `probabilities`, and `labels` are the labels
    above 0.5. Of "values" the outputs are in `values`. What the kind has not is None or empty.
    `notes` are sentences about the image.
    """

    file: str
    kind: Kind
    label: str | None
    probability: float | None
    probabilities: dict[str, float]
    values: dict[str, float]
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The class with its probability, the labels above 0.5 with theirs, or the values."""
        if self.kind == "classes":
            return self.shown(1)
        if self.kind == "labels":
            pairs = [f"{name} {self.probabilities[name]:.4f}" for name in self.labels]
            return "  ".join(pairs) or f"no label above {THRESHOLD}"
        named = not all(name.isdigit() for name in self.values)
        return "  ".join(
            f"{name} {value:.6g}" if named else f"{value:.6g}"
            for name, value in self.values.items()
        )

    def shown(self, top: int | None) -> str:
        """As a text; of classes the `top` most probable ones."""
        if top is None or self.kind != "classes":
            return str(self)
        return "  ".join(f"{name}  {value:.4f}" for name, value in self.most_probable(top).items())

    @property
    def outputs(self) -> Array:
        """All probabilities or values (1, names)."""
        return np.array([[*(self.probabilities or self.values).values()]], np.float32)

    def to_json(self, top: int | None = None) -> dict[str, Any]:
        """As JSON data; with `top`, of classes the probabilities of the most probable ones."""
        data = asdict(self)
        if top is not None and self.kind == "classes":
            data["probabilities"] = self.most_probable(top)
        return data

    def most_probable(self, top: int) -> dict[str, float]:
        """The probabilities of the `top` most probable classes, the largest first."""
        ordered = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        return dict(ordered[:top])


def prediction_of(
    subject: str, outputs: Array, meaning: Meaning, notes: tuple[str, ...] = ()
) -> Prediction:
    """The prediction of finite outputs (names,) about an image or a row."""
    kind, names = meaning.kind, meaning.names
    by_name = {name: float(value) for name, value in zip(names, outputs, strict=True)}
    best = names[int(outputs.argmax())] if kind == "classes" else None
    return Prediction(
        subject,
        kind,
        best,
        None if best is None else by_name[best],
        {} if kind == "values" else by_name,
        by_name if kind == "values" else {},
        notes,
        labels_in(outputs, names) if kind == "labels" else (),
    )


def labels_in(probabilities: Array, names: Sequence[str]) -> tuple[str, ...]:
    """The labels whose probability (names,) is above 0.5."""
    places: list[int] = np.flatnonzero(probabilities > THRESHOLD).tolist()
    return tuple(names[place] for place in places)


@dataclass(frozen=True)
class Answers:
    """The columns of one output in a table: their names, and the texts of every vector.

    `target` is the name of what is predicted, where it is known. `prefix` is the name of the
    output, where there are several. With `top`, classes have the name and the probability of the
    most probable ones instead of the probability of each.
    """

    meaning: Meaning
    target: str | None
    prefix: str = ""
    top: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        predicted = _joined("predicted", self.target or self.prefix)
        probability = _joined("probability", self.prefix)
        names = self.meaning.names
        if self.meaning.kind == "values":
            several = _joined("predicted", self.prefix)
            return (predicted,) if len(names) == 1 else tuple(f"{several}_{name}" for name in names)
        if self.meaning.kind == "labels" or self.top is None:
            return (predicted, *(f"{probability}_{name}" for name in names))
        ends = ("", *(f"_{place}" for place in range(2, self._count + 1)))
        return tuple(f"{name}{end}" for end in ends for name in (predicted, probability))

    @property
    def _count(self) -> int:
        return min(self.top or 1, len(self.meaning.names))

    def texts(self, outputs: Array, digits: int | None = None) -> list[list[str]]:
        """The texts of the columns for outputs (n, names).

        Numbers are exact, or with `digits`: that many of a value, and of a probability after the
        point.
        """
        kind = self.meaning.kind
        if kind == "values":
            return written_numbers(outputs, digits, probable=False)
        if kind == "labels":
            numbers = written_numbers(outputs, digits, probable=True)
            labels = (", ".join(labels_in(row, self.meaning.names)) for row in outputs)
            return [[text, *row] for text, row in zip(labels, numbers, strict=True)]
        ordered = np.argsort(-outputs, -1, kind="stable")[:, : self._count]
        names = np.array(self.meaning.names, object)
        classes: list[list[str]] = names[ordered].tolist()
        if self.top is None:
            numbers = written_numbers(outputs, digits, probable=True)
            return [[first, *row] for (first, *_), row in zip(classes, numbers, strict=True)]
        chosen = np.take_along_axis(outputs, ordered, -1)
        numbers = written_numbers(chosen, digits, probable=True)
        pairs = np.stack([np.array(classes, object), np.array(numbers, object)], -1)
        texts: list[list[str]] = pairs.reshape(len(outputs), -1).tolist()
        return texts

    def line(self, output: Array) -> str:
        """One output (names,) as a text."""
        return prediction_of("", output, self.meaning).shown(self.top)

    def to_json(self, output: Array) -> dict[str, Any]:
        """One output (names,) as JSON data."""
        data = prediction_of("", output, self.meaning).to_json(self.top)
        del data["file"], data["notes"]
        return data


@dataclass(frozen=True)
class Summary:
    """The columns of an output of pixels: the share of each class or label, or the range.

    A label counts where it is above 0.5.
    """

    meaning: Meaning
    prefix: str = ""

    @property
    def _values(self) -> tuple[str, ...]:
        if self.meaning.kind == "values":
            return ("minimum", "mean", "maximum")
        return self.meaning.names

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        share = "" if self.meaning.kind == "values" else "share"
        return tuple(_joined(share, _joined(self.prefix, name)) for name in self._values)

    def numbers(self, outputs: Array) -> Array:
        """The values (n, columns) of outputs (n, *axes, names)."""
        kind, names = self.meaning.kind, self.meaning.names
        if kind == "values":
            flat = outputs.reshape(len(outputs), -1)
            return np.stack([flat.min(-1), flat.mean(-1), flat.max(-1)], -1)
        places = outputs.reshape(len(outputs), -1, len(names))
        if kind == "labels":
            return (places > THRESHOLD).mean(1, dtype=np.float32)
        classes = places.argmax(-1)
        counts = [np.bincount(example, minlength=len(names)) for example in classes]
        return (np.array(counts) / classes.shape[1]).astype(np.float32)

    def texts(self, outputs: Array, digits: int | None = None) -> list[list[str]]:
        """The texts of the columns for outputs (n, *axes, names)."""
        probable = self.meaning.kind != "values"
        return written_numbers(self.numbers(outputs), digits, probable=probable)

    def line(self, output: Array) -> str:
        """One output (*axes, names) as a text; of classes and labels those that are there."""
        (values,) = self.numbers(output[np.newaxis]).tolist()
        pairs = [*zip(self._values, values, strict=True)]
        if self.meaning.kind == "values":
            return "  ".join(f"{name} {value:.6g}" for name, value in pairs)
        there = sorted((pair for pair in pairs if pair[1]), key=lambda pair: -pair[1])
        return "  ".join(f"{name} {value:.1%}" for name, value in there) or "no label above 0.5"

    def to_json(self, output: Array) -> dict[str, Any]:
        """One output (*axes, names) as JSON data."""
        (values,) = self.numbers(output[np.newaxis]).tolist()
        named = dict(zip(self._values, values, strict=True))
        kind = self.meaning.kind
        return {"kind": kind, **(named if kind == "values" else {"shares": named})}


def written_numbers(values: Array, digits: int | None, *, probable: bool) -> list[list[str]]:
    """Numbers (n, …) as texts: exact, or with `digits`, of probabilities after the point."""
    if digits is None:
        exact: list[list[str]] = values.astype(np.float32).astype(str).tolist()
        return exact
    form = f".{digits}f" if probable else f".{digits}g"
    return [[f"{value:{form}}" for value in row] for row in values.tolist()]


def _joined(*words: str) -> str:
    return "_".join(filter(None, words))


def renamed(names: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
    """Names of new columns; one that is already used has a number at its end."""
    known = set(used)
    new_names: list[str] = []
    for name in names:
        new, number = name, 2
        while new in known:
            new, number = f"{name}_{number}", number + 1
        known.add(new)
        new_names.append(new)
    return tuple(new_names)
