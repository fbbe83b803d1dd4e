"""A column of texts in an ONNX file: its tokens, looked up in a vocabulary.

Texts are split by ONNX Runtime's operator Tokenizer (domain com.microsoft), which is in all of its
builds. ONNX's own StringNormalizer needs a locale that not every machine has, so letters are
lower-cased here: the characters of a word become numbers, a capital and its small letter the same
one. The sum of the numbers, each times a power of a constant for its place, is the word's hash in
64 bits. A word with the hash of another one would be taken for it: for a vocabulary of a million
words the probability is 5e-14. All words of the vocabulary have different hashes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from netspec.data.tokens import PUNCTUATION, RESERVED, UNKNOWN, TextColumn, capitals
from netspec.text.diagnostics import BackendError
from netspec_onnx.lower import Builder

MICROSOFT = "com.microsoft"
ML = "ai.onnx.ml"

OTHER = sys.maxunicode + 2
"""The number of a character that no word of the vocabulary has."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose bits look random: 2^64 divided by the golden ratio (Knuth, 6.4)."""


def lower_text(column: TextColumn, name: str, to: Builder, x: str) -> str:
    """Append the operators from texts (batch) to indices (batch, length) as float32."""
    tokens = _tokens(column, name, to, x)
    start, axis = to.integers(f"{name}.start", [0]), to.integers(f"{name}.axis", [1])
    length = to.integers(f"{name}.length", [column.length])
    cut = to.add("Slice", [tokens, start, length, axis], f"{name}.cut")
    to.types[cut] = TensorProto.STRING
    find = _characters if column.split == "character" else _words
    places = find(column, name, to, cut)
    # Zeros after the indices of every text, of which the first `length` are kept.
    first = _looked_up(f"{name}.first", to, x, {"": 0}, 0)
    zeros = to.integers(f"{name}.zeros", [[0] * column.length])
    padding = to.add("Gather", [zeros, first], f"{name}.padding")
    longer = to.add("Concat", [places, padding], f"{name}.longer", axis=1)
    padded = to.add("Slice", [longer, start, length, axis], f"{name}.padded")
    single = to.add("Cast", [padded], f"{name}.float32", to=TensorProto.FLOAT)
    sizes = to.integers(f"{name}.sizes", [-1, column.length])
    return to.add("Reshape", [single, sizes], f"{name}.prepared")


def _tokens(column: TextColumn, name: str, to: Builder, x: str) -> str:
    """The tokens (batch, most) of texts, empty ones at the end; words with their punctuation."""
    pattern = _of_characters() if column.split == "character" else _of_words()
    return _tokenized(f"{name}.tokens", to, x, tokenexp=pattern)


def _tokenized(name: str, to: Builder, x: str, **rule: list[str] | str) -> str:
    options: dict[str, int | str] = {"mark": 0, "pad_value": "", "mincharnum": 1}
    to.types[name] = TensorProto.STRING
    return to.add("Tokenizer", [x], name, domain=MICROSOFT, **options, **rule)


_MARKS = "".join(f"\\{mark}" for mark in PUNCTUATION)


def _of_characters() -> str:
    """A regular expression (RE2) of every character except punctuation."""
    return f"[^{_MARKS}]"


@cache
def _of_words() -> str:
    """A regular expression (RE2) of what `str.split` finds, except punctuation only."""
    codes = (code for code in range(sys.maxunicode + 1) if chr(code).isspace())
    spaces = "".join(f"\\x{{{code:x}}}" for code in codes)
    return f"[{_MARKS}]*[^{_MARKS}{spaces}][^{spaces}]*"


def _characters(column: TextColumn, name: str, to: Builder, cut: str) -> str:
    """The indices (batch, most) of characters; 0 where there is none."""
    places = {letter: place for place, letter in enumerate(column.vocabulary, RESERVED)}
    large = {letter: places[small] for letter, small in capitals().items() if small in places}
    return _looked_up(f"{name}.places", to, cut, {**places, **large, "": 0}, UNKNOWN)


def _looked_up(name: str, to: Builder, x: str, values: Mapping[str, int], default: int) -> str:
    """The number of every text, `default` of texts that have none."""
    return to.add(
        "LabelEncoder",
        [x],
        name,
        domain=ML,
        keys_strings=[*values],
        values_int64s=[*values.values()],
        default_int64=default,
    )


def _words(column: TextColumn, name: str, to: Builder, cut: str) -> str:
    """The indices (batch, most) of words; 0 where there is none."""
    flat = to.add("Reshape", [cut, to.integers(f"{name}.one_axis", [-1])], f"{name}.flat")
    # One more word, so that there is a character even where all texts are empty.
    word = to.add("Constant", [], f"{name}.word", value_strings=["a"])
    words = to.add("Concat", [flat, word], f"{name}.words", axis=0)
    letters = _tokenized(f"{name}.letters", to, words, separators=[""])
    hashes = _hashes(column, name, to, letters)
    known = _hashed(column.vocabulary)
    places = [*range(RESERVED, RESERVED + len(column.vocabulary))]
    index = to.add(
        "LabelEncoder",
        [hashes],
        f"{name}.index",
        domain=ML,
        keys_int64s=[0, *known],
        values_int64s=[0, *places],
        default_int64=UNKNOWN,
    )
    bounds = to.integers(f"{name}.start", [0]), to.integers(f"{name}.last", [-1])
    without = to.add("Slice", [index, *bounds], f"{name}.without")
    shape = to.add("Shape", [cut], f"{name}.grid")
    return to.add("Reshape", [without, shape], f"{name}.places", allowzero=1)


def _hashes(column: TextColumn, name: str, to: Builder, letters: str) -> str:
    """The hashes (words) of words (words, most letters), without their punctuation."""
    numbers = _looked_up(f"{name}.numbers", to, letters, _numbers(column.vocabulary), OTHER)
    kept = to.add("Sign", [numbers], f"{name}.kept")
    axis = to.integers(f"{name}.along", 1)
    place = to.add("CumSum", [kept, axis], f"{name}.place")
    powers = _powers(1 + max(map(len, column.vocabulary), default=0))
    last = to.integers(f"{name}.furthest", len(powers) - 1)
    near = to.add("Min", [place, last], f"{name}.near")
    power = to.add("Gather", [to.integers(f"{name}.powers", powers), near], f"{name}.power")
    products = to.add("Mul", [numbers, power], f"{name}.products")
    # ONNX Runtime rounds the sums of ReduceSum to float; the sums of CumSum are exact.
    sums = to.add("CumSum", [products, axis], f"{name}.sums")
    last_sum = to.integers(f"{name}.end", -1)
    hashes = to.add("Gather", [sums, last_sum], f"{name}.hashes", axis=1)
    to.types[hashes] = TensorProto.INT64
    return hashes


def _numbers(vocabulary: Sequence[str]) -> dict[str, int]:
    """The number of every letter of a vocabulary, small or capital; 0 of what is left out."""
    small = {letter for word in vocabulary for letter in word}
    large = {letter: ord(low) + 1 for letter, low in capitals().items() if low in small}
    left_out = dict.fromkeys(("", *PUNCTUATION), 0)
    return {**{letter: ord(letter) + 1 for letter in sorted(small)}, **large, **left_out}


def _powers(count: int) -> NDArray[np.int64]:
    """The powers from 0 to `count` of the multiplier, modulo 2^64."""
    factors = np.concatenate([[np.uint64(1)], np.full(count, MULTIPLIER)])
    return np.cumprod(factors, dtype=np.uint64).view(np.int64)


def _hashed(vocabulary: Sequence[str]) -> list[int]:
    """The hash of every word. Raises BackendError where two of them are equal."""
    powers = _powers(max(map(len, vocabulary), default=0)).view(np.uint64)
    hashes = [
        int(
            (np.array([ord(letter) + 1 for letter in word], np.uint64) * powers[1 : len(word) + 1])
            .sum(dtype=np.uint64)
            .view(np.int64)
        )
        for word in vocabulary
    ]
    if len({0, *hashes}) != len(vocabulary) + 1:
        message = "two words of the vocabulary have the same hash in an ONNX file"
        raise BackendError(message, "use another number of tokens in the data")
    return hashes
