"""A spec for the texts of a table, or of files in a folder for every class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netspec.data.drafts.writing import (
    Draft,
    Place,
    Training,
    class_training,
    number_training,
    plural,
    quoted,
    training_examples,
    training_of,
    write_classes,
    write_head,
    write_numbers,
    write_training,
)
from netspec.data.folders import TEXTS, list_files
from netspec.data.tokens import RESERVED, TextColumn, standardized
from netspec.text.files import read_regular

MAX_TOKENS = 20_000
"""The maximum size of the vocabulary."""

MAX_LENGTH = 400
"""The maximum number of tokens of a text that a network reads."""

MULTIPLE = 10
"""The length of the input is a multiple of this."""

MIN_WORDS = 2
"""The mean number of words from which on different texts are sentences, and no identifiers."""

_DRAWN = " A fifth of them is the test part."


@dataclass(frozen=True)
class Texts:
    """Texts with a label for each, and the columns of a table that they are in.

    `training` is the training on them where their parts are known; else a test part is drawn.
    """

    texts: Sequence[str]
    labels: Sequence[str] | Sequence[float]
    column: str = "text"
    target: str = "label"
    training: Training | None = None
    has_test: bool = False


def are_sentences(texts: Sequence[str]) -> bool:
    """Whether different texts are sentences, and no identifiers."""
    return bool(texts) and sum(len(text.split()) for text in texts) / len(texts) > MIN_WORDS


def draft_text_folder(name: str, place: Place) -> Draft:
    """A spec for a folder with a folder of text files for every class. Raises DataError."""
    listing = list_files(place.path, place.relative, labelled=True, kind=TEXTS)
    contents = [read_regular(file.path).decode("utf-8-sig", "replace") for file in listing.files]
    labels = [file.label or "" for file in listing.files]
    has_test = any(file.part == "test" for file in listing.files)
    texts = Texts(contents, labels, training=training_of(listing), has_test=has_test)
    return draft_texts(name, place, texts)


def draft_texts(name: str, place: Place, texts: Texts) -> Draft:
    """A spec for texts, whose labels are classes where they are texts too."""
    lengths = [len(standardized(text).split()) for text in texts.texts]
    most = max(1, int(np.quantile(lengths, 0.95)))
    length = min(MAX_LENGTH, -(-most // MULTIPLE) * MULTIPLE)
    column = TextColumn.learned("text", texts.texts, "whitespace", length, MAX_TOKENS)
    tokens = len(column.vocabulary) + RESERVED
    end, training, about = _end(texts)
    seen = (f"{plural(len(lengths), 'text')} in {place.relative}", about)
    lines = [
        *write_head(name, seen),
        f"input: [{length}]   # tokens: of 20 texts, 19 have at most {most:,}",
        "",
        "layers:",
        f"  - Embedding: {{input_dim: {tokens}, output_dim: 32}}   # a vector for every token",
        "  - GlobalAveragePooling1D",
        "  - Dropout: {rate: 0.5}",
        *end,
        "",
        f"# The vocabulary is of the training texts.{'' if texts.has_test else _DRAWN}",
        "data:",
        "  dataset: text",
        f"  path: {quoted(place.relative)}",
        *(f"  {field}: {quoted(value)}" for field, value in _columns(texts).items()),
        f"  max_tokens: {tokens}",
        "",
        *write_training(training),
    ]
    return Draft("\n".join(lines) + "\n", seen)


def _columns(texts: Texts) -> dict[str, str]:
    """The names of columns that are not the usual ones."""
    named = {"column": (texts.column, "text"), "target": (texts.target, "label")}
    return {field: name for field, (name, usual) in named.items() if name != usual}


def _end(texts: Texts) -> tuple[list[str], Training, str]:
    """The last layers, the training, and a sentence about the labels."""
    if isinstance(texts.labels[0], str):
        counts = Counter(texts.labels)
        examples = [*map(training_examples, counts.values())]
        training = texts.training or class_training(sum(examples), min(examples))
        about = f"{texts.target}, the target, has {plural(len(counts), 'class')}"
        return write_classes(len(counts)), training, about
    y = np.asarray(texts.labels, np.float64)
    about = f"{texts.target}, the target, is a number: {y.min():,g} to {y.max():,g}"
    end = write_numbers(y.mean(keepdims=True), y.std(keepdims=True))
    return end, number_training(training_examples(len(y))), about
