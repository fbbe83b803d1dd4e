"""Texts become token indices."""

from __future__ import annotations

import numpy as np

from netspec.data.tokens import TextColumn, standardized, unknown_part


def column(*texts: str, split: str = "whitespace", length: int = 4, most: int = 100) -> TextColumn:
    return TextColumn.learned("text", texts, split, length, most)  # type: ignore[arg-type]


def test_the_most_frequent_tokens_come_first_and_equal_ones_backwards() -> None:
    assert column("a b b", "c, a B d").vocabulary == ("b", "a", "d", "c")


def test_the_vocabulary_has_two_reserved_tokens() -> None:
    assert column("a a a b b c", most=4).vocabulary == ("a", "b")
    assert column("a", most=1).vocabulary == ()


def test_indices_are_padded_and_cut_at_the_end() -> None:
    indices = column("a a a b b c").apply(["b a", "", "c X a b a", "..."])
    assert indices.tolist() == [[3, 2, 0, 0], [0, 0, 0, 0], [4, 1, 2, 3], [0, 0, 0, 0]]
    assert indices.dtype == np.uint16


def test_letters_of_all_alphabets_are_lower_cased() -> None:
    assert standardized("ÄÖ Ω Я Don't!") == "äö ω я dont"
    assert standardized("\u0130x") == "\u0130x"  # its lower case is two characters


def test_characters_are_tokens_without_punctuation() -> None:
    letters = column("ab, a", split="character", length=6)
    assert letters.vocabulary == ("a", "b", " ")
    assert letters.apply(["A-b! c"]).tolist() == [[2, 3, 4, 1, 0, 0]]


def test_a_large_vocabulary_has_larger_indices() -> None:
    words = column(" ".join(map(str, range(70_000))), length=1, most=80_000)
    assert words.apply(["0"]).tolist() == [[70_001]]


def test_the_part_of_unknown_tokens_is_counted_without_padding() -> None:
    assert unknown_part(column("a b").apply(["a", "x y z", ""])) == 0.75
