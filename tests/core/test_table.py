"""The data set `table`: files of rows become inputs, labels and parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.data import Dataset, load
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError

pytest.importorskip("pyarrow")


def network(
    folder: Path,
    content: str | bytes | None = None,
    *,
    width: int = 1,
    data: str = "path: rows.csv, target: kind",
    units: int = 2,
    train: str = "loss: sparse_categorical_crossentropy",
) -> Network:
    """A network for the rows of `rows.csv`, which is written where there is a content."""
    if content is not None:
        path = folder / "rows.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    activation = ", activation: softmax" if "categorical" in train else ""
    text = f"""\
netspec: 1
name: rows
input: [{width}]
layers: [Dense: {{units: {units}{activation}}}]
data: {{dataset: table, {data}}}
train: {{{train}}}
"""
    return loads(text, folder)


def rows(count: int, line: str, header: str) -> str:
    """A CSV file of lines with {i}, their number, and {kind}, their class."""
    lines = (line.format(i=i, kind="ab"[i % 2]) for i in range(count))
    return "\n".join([header, *lines, ""])


def error(folder: Path, content: str | bytes, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        load(network(folder, content, **options))
    return caught.value


def kinds(dataset: Dataset) -> dict[str, str]:
    assert dataset.record.preparation
    return {column.name: column.kind for column in dataset.record.preparation.columns}


def test_codes_with_leading_zeros_are_categories(tmp_path):
    codes = ("00123", "123", "0123", "01230")
    lines = [f"{codes[i % 4]},{'ab'[i // 4 % 2]}" for i in range(40)]
    dataset = load(network(tmp_path, "\n".join(["code,kind", *lines]), width=5))
    assert dataset.record.preparation
    (column,) = dataset.record.preparation.columns
    assert column.vocabulary == ("00123", "0123", "01230", "123")
    assert dataset.train.inputs[0].sum() == len(dataset.train)


def test_statistics_are_of_the_training_part(tmp_path):
    part = "part: part, path: rows.csv, target: kind"
    lines = ["size,kind,part", "1,a,train", "3,b,train", "500,a,test", "700,b,val"]
    dataset = load(network(tmp_path, "\n".join(lines), data=part))
    assert dataset.record.preparation
    (column,) = dataset.record.preparation.columns
    assert (column.mean, column.deviation) == (2, 1)
    assert dataset.train.inputs[0].tolist() == [[-1], [1]]
    assert dataset.test.inputs[0].tolist() == [[498]]
    assert dataset.validation
    assert dataset.validation.inputs[0].tolist() == [[698]]


def test_statistics_are_not_of_the_validation_rows(tmp_path):
    train = "loss: sparse_categorical_crossentropy, validation: {fraction: 0.5}"
    dataset = load(network(tmp_path, rows(40, "{i},{kind}", "size,kind"), train=train))
    np.testing.assert_allclose(dataset.train.inputs[0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(dataset.train.inputs[0].std(), 1, atol=1e-6)
    assert dataset.validation
    assert abs(dataset.validation.inputs[0].mean()) > 0.01


def test_a_wrong_width_names_the_right_one(tmp_path):
    content = rows(20, "{i},{kind},{kind},{i}", "size,colour,kind,age")
    data_error = error(tmp_path, content, width=4)
    assert data_error.message == "the features become 5 numbers, and the input takes 4"
    assert data_error.details[0].startswith("2 numbers and 3 for colour: ")
    assert data_error.help == "write `input: [5]`"


def test_a_learned_preparation_is_not_learned_again(tmp_path):
    spec = network(tmp_path, rows(20, "{i},{kind}", "size,kind"))
    record = load(spec).record
    spec = network(tmp_path, rows(20, "9{i},{kind}", "size,kind"))
    assert load(spec, learned=record).record.preparation == record.preparation
    assert load(spec).record.preparation != record.preparation
