"""Data frames of a program: the same examples as of the file with the same rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.data import load
from netspec.data.location import with_data
from netspec.language.data import Passed
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
ROWS = 60
COLUMNS = {
    "size": [None if row % 10 == 0 else float(row % 7) for row in range(ROWS)],
    "colour": [("red", "green", None)[row % 3] for row in range(ROWS)],
    "sold": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(row) for row in range(ROWS)],
    "kind": [("a", "b")[row % 2] for row in range(ROWS)],
}
TABLE = pa.table(COLUMNS)
TEXTS = {
    "text": [f"word{row % 5} and word{row % 3}" for row in range(ROWS)],
    "label": [("good", "bad")[row % 2] for row in range(ROWS)],
}

SPEC = """\
netspec: 1
name: rows
input: [10]
layers: [Dense: {units: 2, activation: softmax}]
data: {dataset: table, target: kind}
train: {loss: sparse_categorical_crossentropy, validation: {fraction: 0.2}}
"""
TEXT_SPEC = """\
netspec: 1
name: texts
input: [4]
layers:
  - Embedding: {input_dim: 10, output_dim: 2}
  - Flatten
  - Dense: {units: 2, activation: softmax}
data: {dataset: text, max_tokens: 10}
train: {loss: sparse_categorical_crossentropy}
"""
SERIES_SPEC = """\
netspec: 1
name: series
input: [3, 1]
layers: [Flatten, Dense: {units: 1}]
data: {dataset: series, time: time, target: load, history: 3}
train: {loss: mean_squared_error}
"""


def with_path(text: str, fields: str, folder: Path) -> Network:
    """The network of a spec whose data are in files."""
    return loads(text.replace("data: {", f"data: {{{fields}, "), folder)


def record(network: Network, data=None):
    passed = None if data is None else Passed(data)
    return load(with_data(network, passed)).record


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    parquet.write_table(TABLE, folder / "rows.parquet")
    parquet.write_table(TABLE[:40], folder / "train.parquet")
    parquet.write_table(TABLE[40:], folder / "test.parquet")
    parquet.write_table(pa.table(TEXTS), folder / "texts.parquet")
    return folder


def pandas_frame():
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def polars_frame():
    return pytest.importorskip("polars").DataFrame(COLUMNS)


FRAMES = {
    "pyarrow": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "columns": lambda: COLUMNS,
    "pandas": pandas_frame,
    "index": lambda: pandas_frame().set_index(np.arange(ROWS)[::-1] * 2),
    "named index": lambda: pandas_frame().set_index("size"),
    "polars": polars_frame,
    "lazy": lambda: polars_frame().lazy(),
    "labels": lambda: (pandas_frame().drop(columns="kind"), pandas_frame()["kind"]),
    "list of labels": lambda: (TABLE.drop_columns("kind"), COLUMNS["kind"]),
    "array of labels": lambda: (TABLE.drop_columns("kind"), np.array(COLUMNS["kind"])),
}


@pytest.mark.parametrize("form", FRAMES)
def test_a_frame_has_the_examples_of_its_file(form, folder):
    of_file = record(with_path(SPEC, "path: rows.parquet", folder))
    of_frame = record(loads(SPEC), FRAMES[form]())
    assert of_frame == of_file.model_copy(update={"passed": True})


def test_a_frame_has_the_examples_of_its_csv_file(folder):
    csv = pytest.importorskip("pyarrow.csv")
    csv.write_csv(TABLE, folder / "rows.csv")
    of_file = record(with_path(SPEC, "path: rows.csv", folder))
    assert record(loads(SPEC), TABLE) == of_file.model_copy(update={"passed": True})


def test_frames_of_parts_have_the_examples_of_their_files(folder):
    files = with_path(SPEC, "train: train.parquet, test: test.parquet", folder)
    of_frames = record(loads(SPEC), {"train": TABLE[:40], "test": TABLE[40:]})
    assert of_frames == record(files).model_copy(update={"passed": True})


def test_a_frame_replaces_the_path_of_a_spec(folder):
    network = with_path(SPEC, "path: missing.csv", folder)
    passed = with_data(network, Passed(TABLE))
    assert passed.spec.data.path is None
    assert load(passed).record.arrays == record(loads(SPEC), TABLE).arrays


def test_a_table_without_a_path_takes_a_file(folder):
    place = with_data(loads(SPEC), folder / "rows.parquet")
    assert load(place).record == record(with_path(SPEC, "path: rows.parquet", folder))


@pytest.mark.parametrize("form", ["frame", "lists"])
def test_texts_have_the_examples_of_their_file(form, folder):
    data = pa.table(TEXTS) if form == "frame" else (TEXTS["text"], TEXTS["label"])
    of_file = record(with_path(TEXT_SPEC, "path: texts.parquet", folder))
    assert record(loads(TEXT_SPEC), data) == of_file.model_copy(update={"passed": True})


def test_texts_of_parts_learn_from_the_training_part():
    texts, labels = ["new word", "old word"] * 2, ["a", "b"] * 2
    data = {"train": (texts, labels), "test": (["unseen word"], ["b"])}
    dataset = load(with_data(loads(TEXT_SPEC), Passed(data)))
    assert (len(dataset.train), len(dataset.test)) == (4, 1)
    assert dataset.test.targets[0].tolist() == [1]
    unknown, word = dataset.test.inputs[0][0][:2]
    assert (unknown, word) == (1, dataset.train.inputs[0][0][1])


def test_a_series_has_the_windows_of_its_file(tmp_path):
    rows = pa.table({"time": np.arange(ROWS), "load": np.sin(np.arange(ROWS))})
    parquet.write_table(rows, tmp_path / "rows.parquet")
    of_file = record(with_path(SERIES_SPEC, "path: rows.parquet", tmp_path))
    assert record(loads(SERIES_SPEC), rows) == of_file.model_copy(update={"passed": True})
    with pytest.raises(DataError, match="gets several parts"):
        record(loads(SERIES_SPEC), {"train": rows[:40], "test": rows[40:]})


def test_a_frame_of_numbers_is_an_array_without_a_table():
    spec = SPEC.replace("[10]", "[2]").replace("dataset: table, target: kind", "dataset: python")
    frame = pytest.importorskip("pandas").DataFrame({"a": [1, 2] * 10, "b": [0.5, 1.5] * 10})
    arrays = frame.to_numpy(), np.array([0, 1] * 10)
    assert record(loads(spec), (frame, arrays[1])) == record(loads(spec), arrays)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TABLE.drop_columns("kind"), "the frame has no column 'kind'"),
        (np.ones((4, 2)), "the network takes the columns of a table, and gets ndarray"),
        ((np.ones((4, 2)), [0, 1, 0, 1]), "the network takes the columns of a table"),
        ((TABLE, COLUMNS["kind"]), "x has the column 'kind', which is the target"),
        ((TABLE.drop_columns("kind"), ["a"]), "x has 60 rows, and y has 1"),
        ((TABLE, COLUMNS["kind"], np.ones(ROWS)), "takes (x, y), and gets a tuple of 3"),
        (TABLE.rename_columns(["a", "a", "b", "kind"]), "the data are no table"),
        ((TABLE.drop_columns("kind"), TABLE), "y is a data frame with 4 columns"),
        ({"test": TABLE}, "the data have test, and no train"),
        ((TABLE.drop_columns("kind"), ["a", 1] * 30), "y has values of several types"),
        ((TABLE.drop_columns("kind"), np.ones((ROWS, 2))), "y is an array with 2 axes"),
        ({"train": TABLE, "val": TABLE, "validation": TABLE}, "both val and validation"),
        ({"size": [1, 2], "kind": ["a"]}, "the data are no table"),
        (
            {"train": TABLE, "test": TABLE.set_column(0, "size", pa.array([np.inf] * ROWS))},
            "the test frame, row 1: size is infinite",
        ),
    ],
)
def test_a_wrong_frame_is_an_error(data, message):
    with pytest.raises(DataError) as caught:
        record(loads(SPEC), data)
    assert message in str(caught.value)


def test_a_spec_of_rows_without_a_file_names_what_to_do():
    with pytest.raises(DataError, match="names no file") as caught:
        netspec.inspect(loads(SPEC))
    assert "path: FILE.csv" in caught.value.help
