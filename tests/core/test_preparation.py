"""Columns become inputs, with what was learned from the training data."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from netspec.data.coded import Coded
from netspec.data.preparation import CategoryColumn, NumberColumn, Preparation

SIZES = np.array([1.0, 2.0, np.nan, 6.0])
PREPARATION = Preparation(
    inputs={
        "x": (
            NumberColumn.learned("size", SIZES),
            CategoryColumn.learned("colour", ["red", "blue", "red", "green"]),
        )
    }
)


def test_a_number_is_standardised_and_a_missing_one_is_the_mean() -> None:
    column = NumberColumn.learned("size", SIZES)
    assert (column.mean, column.deviation) == (3, pytest.approx(np.sqrt(14 / 3)))
    np.testing.assert_allclose(
        column.apply(SIZES)[:, 0], [-0.9258201, -0.46291006, 0, 1.3887301], rtol=1e-6
    )


@pytest.mark.parametrize("values", [[], [np.nan], [4.0], [4.0, 4.0]])
def test_a_column_without_spread_stays_finite(values: list[float]) -> None:
    column = NumberColumn.learned("size", np.array(values))
    assert np.isfinite(column.apply(np.array([np.nan, 4.0, 5.0]))).all()


def test_an_unknown_category_has_the_first_place() -> None:
    prepared = PREPARATION.apply({"size": SIZES[:3], "colour": np.array(["green", "pink", ""])})
    assert prepared["x"][:, 1:].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]]


def test_a_preparation_is_the_same_after_it_was_written() -> None:
    assert Preparation.model_validate_json(PREPARATION.model_dump_json()) == PREPARATION


def test_probes_have_every_category_an_unknown_one_and_a_missing_number() -> None:
    probes = PREPARATION.probes()
    assert {"", "blue", "green", "red"} < set(probes["colour"].tolist())
    assert np.isnan(probes["size"]).any()
    assert (PREPARATION.apply(probes)["x"][:, 1:].sum(0) > 0).all()


def test_windows_are_prepared_as_their_rows_are() -> None:
    colours = np.array(["red", "pink", "", "blue"])
    rows = PREPARATION.apply({"size": SIZES, "colour": colours})["x"]
    windows = {"size": SIZES.reshape(2, 2), "colour": colours.reshape(2, 2)}
    np.testing.assert_array_equal(PREPARATION.apply(windows)["x"], rows.reshape(2, 2, -1))
    probes = PREPARATION.model_copy(update={"history": 5}).probes()
    assert {values.shape[1:] for values in probes.values()} == {(5,)}


def test_many_categories_take_the_memory_of_their_rows() -> None:
    column = CategoryColumn(name="code", vocabulary=tuple(f"{i:04}" for i in range(5_000)))
    preparation = Preparation(inputs={"x": (column,)})
    codes = Coded.of(["4999", "?", "0000"])
    tracemalloc.start()
    prepared = preparation.apply({"code": codes})["x"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert prepared.argmax(1).tolist() == [5_000, 0, 1]
    assert prepared.sum() == 3
    # A matrix with a row for every category would be 100 MB.
    assert peak < 5_000_000
