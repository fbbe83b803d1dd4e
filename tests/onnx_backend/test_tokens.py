"""A text in an ONNX file has the tokens that it has in a run."""

from __future__ import annotations

import random
from typing import get_args

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from netspec.data.tokens import Split, TextColumn
from netspec_onnx.lower import Builder
from netspec_onnx.tokens import lower_text

TEXTS = [
    "The cat isn't on the mat.",
    "3.5 naïve straße, -- ÄÖ?\n\u65e5\u672c",
    "well-known\ta\u00a0b \u0130stanbul \u1e9e \U0001f642",
]
LETTERS = "aAtTheEdD'\u2019- .,!\t\n\u00a0\u2003äÄßẞİıσςΣ日x1\u0301\x1c\x85\u200b🙂   "


def indices(column: TextColumn, texts: list[str]) -> NDArray[np.float32]:
    """The indices that an ONNX file of only this column computes."""
    to = Builder(20, {})
    name = lower_text(column, "text", to, "x")
    graph = helper.make_graph(
        to.nodes,
        "texts",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["batch"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", column.length])],
        list(to.constants.values()),
    )
    domains = {"": 20, "ai.onnx.ml": 3, "com.microsoft": 1}
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": np.array(texts, object)})[0])


def column_of(texts: list[str], split: Split, length: int = 6, most: int = 100) -> TextColumn:
    return TextColumn.learned("text", texts, split, length, most)


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("length", [1, 6, 40])
def test_texts_have_the_same_indices(split: Split, length: int) -> None:
    column = column_of(TEXTS, split, length)
    texts = [*column.probes(), *TEXTS, *map(str.upper, TEXTS), "a " * 50]
    np.testing.assert_array_equal(indices(column, texts), column.apply(texts))


@pytest.mark.parametrize("split", get_args(Split))
def test_random_texts_have_the_same_indices(split: Split) -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices(LETTERS, k=draw.randrange(40))) for _ in range(2000)]
    column = column_of(texts[:1000], split, most=300)
    np.testing.assert_array_equal(indices(column, texts), column.apply(texts))


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("texts", [[""], ["", " ", "..."]])
def test_empty_texts_have_only_padding(split: Split, texts: list[str]) -> None:
    column = column_of(TEXTS, split)
    np.testing.assert_array_equal(indices(column, texts), column.apply(texts))


@pytest.mark.parametrize("split", get_args(Split))
def test_a_vocabulary_may_be_empty(split: Split) -> None:
    column = column_of(["..."], split)
    assert column.vocabulary == ()
    np.testing.assert_array_equal(indices(column, ["a b", ""]), column.apply(["a b", ""]))


def test_a_word_that_differs_only_in_length_is_another_word() -> None:
    column = column_of(["a", "aa", "aaa"], "whitespace", 4)
    assert indices(column, ["aa a aaaa aaa"]).tolist() == [[3, 4, 1, 2]]
