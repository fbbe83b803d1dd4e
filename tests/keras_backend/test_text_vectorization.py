"""Texts become tokens as in Keras's TextVectorization."""

from __future__ import annotations

import random
from typing import get_args

import numpy as np
import pytest

from frameworks import require
from netspec.data.tokens import Split, TextColumn

WORDS = [
    "the",
    "The",
    "THE",
    "cat",
    "don't",
    "sat,",
    "on",
    "mat.",
    "a-b",
    "3.5",
    "x1",
    "--",
    "!?",
    "\t",
    "\n",
]


def texts(count: int) -> list[str]:
    draw = random.Random(0)
    return [" ".join(draw.choices(WORDS, k=draw.randrange(12))) for _ in range(count)]


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("max_tokens", [5, 100])
def test_vocabulary_and_indices_equal_those_of_keras(split: Split, max_tokens: int) -> None:
    require("keras")
    from keras_oracle import keras

    column = TextColumn.learned("text", texts(200), split, 7, max_tokens)
    layer = keras.layers.TextVectorization(
        max_tokens=max_tokens, split=split, output_sequence_length=7
    )
    layer.adapt(texts(200))
    assert layer.get_vocabulary()[2:] == list(column.vocabulary)
    np.testing.assert_array_equal(column.apply(texts(300)), layer(texts(300)))
