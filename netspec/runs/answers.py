"""What a network answers about an image or a row: as an object, as texts, and as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from netspec.numerics.weights import Array
from netspec.runs.meaning import Kind, Meaning
from netspec.text.diagnostics import RunError


@dataclass(frozen=True)
class Prediction:
    """What a network predicts of an image or a row.

    Of `kind` "classes" the probabilities add up to 1, and `label` is the likeliest class with its
    `probability`. For "labels" each has one of the `probabilities`. Of "values" the outputs are
    in `values`. What the kind has not is None or empty. `notes` are sentences about the image.
    """

    file: str
    kind: Kind
    label: str | None
    probability: float | None
    probabilities: dict[str, float]
    values: dict[str, float]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The class with its probability, each label with its probability, or the values."""
        if self.kind == "classes":
            return self.shown(1)
        if self.kind == "labels":
            return "  ".join(f"{name} {value:.4f}" for name, value in self.probabilities.items())
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
    )


@dataclass(frozen=True)
class Answers:
    """The columns of predictions in a table: their names, and the texts of every row.

    `target` is the name of what is predicted, where it is known. With `top`, classes have the name
    and the probability of the most probable ones instead of the probability of each.
    """

    meaning: Meaning
    target: str | None
    top: int | None = None

    def __post_init__(self) -> None:
        if self.top is not None and self.meaning.kind != "classes":
            message = f"the network predicts {self.meaning.kind}, and --top is for classes"
            raise RunError(message, "leave --top out")

    @property
    def shortest(self) -> Answers:
        """The same, with only the most probable class where there is no `top`."""
        top = 1 if self.meaning.kind == "classes" else None
        return self if self.top else replace(self, top=top)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        predicted = f"predicted_{self.target}" if self.target else "predicted"
        names = self.meaning.names
        if self.meaning.kind == "labels":
            return tuple(f"probability_{name}" for name in names)
        if self.meaning.kind == "values":
            return (predicted,) if len(names) == 1 else tuple(f"predicted_{name}" for name in names)
        if self.top is None:
            return (predicted, *(f"probability_{name}" for name in names))
        ends = ("", *(f"_{place}" for place in range(2, self._count + 1)))
        return tuple(f"{name}{end}" for end in ends for name in (predicted, "probability"))

    @property
    def _count(self) -> int:
        return min(self.top or 1, len(self.meaning.names))

    def texts(self, outputs: Array, digits: int | None = None) -> list[list[str]]:
        """The texts of the columns for outputs (n, names).

        Numbers are exact, or with `digits`: that many of a value, and of a probability after the
        point.
        """
        if self.meaning.kind != "classes":
            return self._numbers(outputs, digits)
        ordered = np.argsort(-outputs, -1, kind="stable")[:, : self._count]
        names = np.array(self.meaning.names, object)
        classes: list[list[str]] = names[ordered].tolist()
        if self.top is None:
            numbers = self._numbers(outputs, digits)
            return [[first, *row] for (first, *_), row in zip(classes, numbers, strict=True)]
        numbers = self._numbers(np.take_along_axis(outputs, ordered, -1), digits)
        pairs = np.stack([np.array(classes, object), np.array(numbers, object)], -1)
        texts: list[list[str]] = pairs.reshape(len(outputs), -1).tolist()
        return texts

    def _numbers(self, values: Array, digits: int | None) -> list[list[str]]:
        if digits is None:
            exact: list[list[str]] = values.astype(np.float32).astype(str).tolist()
            return exact
        form = f".{digits}g" if self.meaning.kind == "values" else f".{digits}f"
        return [[f"{value:{form}}" for value in row] for row in values.tolist()]


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
