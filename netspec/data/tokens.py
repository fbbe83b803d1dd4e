"""A column of texts becomes a row of token indices, as Keras's TextVectorization does.

A text is lower-cased, its punctuation is removed, and it is split at white space. Index 0 is
padding, 1 is a token that is not in the vocabulary. Letters outside ASCII are lower-cased too,
which TensorFlow does not do; a letter whose lower case is two characters stays.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netspec.language.layers.tagged import Model

PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
"""The characters that TextVectorization removes (keras 3.15, text_vectorization.py)."""

RESERVED = 2
"""The first indices of a vocabulary: padding, and tokens that are not in it."""

UNKNOWN = 1
LARGEST = np.iinfo(np.uint16).max

Split: TypeAlias = Literal["whitespace", "character"]


def lowered(character: str) -> str:
    """The lower case of a character; the character itself where that is several characters."""
    lower = character.lower()
    return lower if len(lower) == 1 else character


@cache
def capitals() -> dict[str, str]:
    """The small letter of every capital."""
    characters = map(chr, range(sys.maxunicode + 1))
    return {letter: small for letter in characters if (small := lowered(letter)) != letter}


@cache
def _standard() -> dict[int, str | None]:
    """What `str.translate` replaces: capitals, and punctuation by nothing."""
    return {
        **{ord(letter): small for letter, small in capitals().items()},
        **{ord(mark): None for mark in PUNCTUATION},
    }


_ASCII = str.maketrans("", "", PUNCTUATION)


def standardized(text: str) -> str:
    """A text in lower case, without punctuation."""
    return text.lower().translate(_ASCII) if text.isascii() else text.translate(_standard())


def _words(text: str) -> list[str]:
    return standardized(text).split()


_SPLITS: dict[Split, Callable[[str], Sequence[str]]] = {
    "whitespace": _words,
    "character": standardized,
}


class TextColumn(Model):
    """A text becomes the indices of its first `length` tokens, padded with 0 at the end.

    The vocabulary does not contain the two reserved indices.
    """

    kind: Literal["text"] = "text"
    name: str
    split: Split
    length: Annotated[int, Field(gt=0)]
    vocabulary: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many values of the input it becomes."""
        return self.length

    @classmethod
    def learned(
        cls, name: str, texts: Iterable[str], split: Split, length: int, max_tokens: int
    ) -> TextColumn:
        """The most frequent tokens, `max_tokens` with the two reserved ones.

        Of tokens that are equally frequent the last in the order of characters come first, as in
        Keras's `adapt`.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_SPLITS[split](text))
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        vocabulary = tuple(ordered[: max(0, max_tokens - RESERVED)])
        return cls(name=name, split=split, length=length, vocabulary=vocabulary)

    def apply(self, values: Sequence[str] | NDArray[Any]) -> NDArray[Any]:
        """The indices (n, length) of texts (n,): uint16, or int32 of a large vocabulary."""
        index = {token: place for place, token in enumerate(self.vocabulary, RESERVED)}
        large = len(self.vocabulary) + RESERVED > LARGEST
        indices = np.zeros((len(values), self.length), np.int32 if large else np.uint16)
        tokens = _SPLITS[self.split]
        for row, text in zip(indices, values, strict=True):
            places = [index.get(token, UNKNOWN) for token in tokens(str(text))[: self.length]]
            row[: len(places)] = places
        return indices

    def fill(self, values: Sequence[str] | NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write the indices of texts (n,) into an array (n, length)."""
        out[...] = self.apply(values)

    def probes(self) -> list[str]:
        """Texts that show whether another program computes the same."""
        joint = " " if self.split == "whitespace" else ""
        size = self.length
        known = [
            joint.join(self.vocabulary[start : start + size])
            for start in range(0, len(self.vocabulary), size)
        ]
        capitals = [text.upper() for text in known[:100]]
        odd = [
            "",
            " ",
            "...",
            "- a - B -",
            "it's\ta\nline\u2003\u00c4\u0130\u65e5\U0001f642 x1 3.5",
        ]
        return [*odd, *known, *capitals, joint.join(self.vocabulary[:1] * (size + 1))]


def unknown_part(indices: NDArray[Any]) -> float:
    """The part of the tokens of texts, as indices (n, length), that is not in the vocabulary."""
    return int((indices == UNKNOWN).sum()) / max(1, int(np.count_nonzero(indices)))
