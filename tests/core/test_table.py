"""The data set `table`: files of rows become inputs, labels and parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.data import Dataset, delimited, frames, load
from netspec.data.drafts import Place, draft
from netspec.data.facts import inspect
from netspec.data.frames import Reading, batches_of, open_frame, reading_of
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
    assert data_error.details[0] == "they are 2 numbers and 3 for colour"
    assert data_error.help == "write `input: [5]`"


def test_a_learned_preparation_is_not_learned_again(tmp_path):
    spec = network(tmp_path, rows(20, "{i},{kind}", "size,kind"))
    record = load(spec).record
    spec = network(tmp_path, rows(20, "9{i},{kind}", "size,kind"))
    assert load(spec, learned=record).record.preparation == record.preparation
    assert load(spec).record.preparation != record.preparation


# What is read


def inferred(folder: Path, values: list[str], **options) -> str:
    """The kind of a column of these values, each of which is in many rows."""
    lines = [f"{values[i % len(values)]};{'ab'[i % 2]}" for i in range(40)]
    with pytest.raises(DataError) as caught:  # no column is as wide as the input
        load(network(folder, "\n".join(["x;kind", *lines]), width=999, **options))
    details = " ".join(caught.value.details)
    return next((kind for kind in ("category", "time") if f"a {kind} counts" in details), "number")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", ["1", "2"]),
        ("number", ["1", "2.5", "1e-5", "-0.25"]),
        ("number", ["1", "NA", "", "?", "n/a", "nan"]),
        ("number", ["true", "false"]),
        ("category", ["007", "12"]),
        ("category", ["1.10", "01.20"]),
        ("category", [" 08", "9"]),
        ("category", ["1,000", "2"]),
        ("category", ["yes", "no"]),
        ("category", ["red", ""]),
        ("time", ["2026-01-05", "2026-02-01"]),
        ("time", ["2026-01-05 05:30", ""]),
        ("time", ["2026-01-05T05:30:00Z", "2026-01-05T05:30:00+02:00"]),
    ],
)
def test_the_kind_of_a_column_is_inferred(tmp_path, kind, values):
    assert inferred(tmp_path, values) == kind


@pytest.mark.parametrize(
    "content",
    [
        "x,kind\n1.5,a\n2.5,b\n",
        "x;kind\r\n1.5;a\r\n2.5;b\r\n",
        "x\tkind\n1.5\ta\n2.5\tb",
        "x|kind\n1.5|a\n\n2.5|b\n",
        '"x","kind"\n"1.5","a"\n"2.5","b"\n',
        "\n x , kind \n1.5,a\n2.5,b\n",
        ",x,kind\n0,1.5,a\n1,2.5,b\n",
        b"\xef\xbb\xbfx,kind\n1.5,a\n2.5,b\n",
        "x,kind\n1.5,a\n2.5,b\n".encode("utf-16"),
    ],
)
def test_texts_of_every_form_have_the_same_values(tmp_path, content):
    dataset = load(network(tmp_path, content, data=PARTS_IN_FILES))
    assert dataset.train.inputs[0].tolist() == [[-1], [1]]
    assert dataset.train.targets[0].tolist() == [0, 1]


PARTS_IN_FILES = "train: rows.csv, test: rows.csv, target: kind"


def test_a_decimal_comma_is_read_where_the_spec_has_one(tmp_path):
    data = f'{PARTS_IN_FILES}, decimal: ","'
    dataset = load(network(tmp_path, "x;kind\n1,5;a\n2,5;b\n", data=data))
    assert dataset.train.inputs[0].tolist() == [[-1], [1]]


def test_an_encoding_is_never_guessed(tmp_path):
    content = "x,kind\n1,rot\n2,grün\n".encode("latin-1")
    data_error = error(tmp_path, content, data=PARTS_IN_FILES)
    assert data_error.message == "rows.csv:3 is not text in UTF-8"
    assert "`encoding: cp1252`" in str(data_error.help)
    dataset = load(network(tmp_path, data=f"{PARTS_IN_FILES}, encoding: latin-1"))
    assert dataset.record.class_names == ("grün", "rot")


def test_an_encoding_after_the_first_lines_is_never_guessed(tmp_path):
    content = rows(60_000, "{i},{kind}", "x,kind").encode() + "1,grün\n".encode("latin-1")
    data_error = error(tmp_path, content)
    assert data_error.message == "rows.csv:60002 is not text in UTF-8"


def test_a_category_of_integers_is_the_text_as_written(tmp_path):
    lines = [f"{i % 3},{'ab'[i % 2]}" for i in range(30)]
    data = "path: rows.csv, target: kind, types: {x: category}"
    dataset = load(network(tmp_path, "\n".join(["x,kind", *lines]), data=data, width=4))
    assert dataset.record.preparation
    (column,) = dataset.record.preparation.columns
    assert column.vocabulary == ("0", "1", "2")


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_a_columnar_file_has_the_same_values_as_text(tmp_path, suffix):
    pa, feather, parquet = (
        pytest.importorskip(name) for name in ("pyarrow", "pyarrow.feather", "pyarrow.parquet")
    )
    values = {
        "size": pa.array([1.5, None, 3.5] * 10),
        "region": pa.array([f"{i % 3:03}" for i in range(30)]).dictionary_encode(),
        "sold": pa.array([f"2026-01-{i + 1:02}" for i in range(30)]).cast(pa.date32()),
        "good": pa.array([i % 2 == 0 for i in range(30)]),
        "kind": pa.array(["ab"[i % 2] for i in range(30)]),
    }
    table = pa.table(values)
    write = parquet.write_table if suffix == "parquet" else feather.write_feather
    write(table, str(tmp_path / f"rows.{suffix}"))
    pytest.importorskip("pyarrow.csv").write_csv(table, str(tmp_path / "rows.csv"))
    files = [f"path: rows.{end}, target: kind" for end in (suffix, "csv")]
    columnar, text = (load(network(tmp_path, data=data, width=11)) for data in files)
    assert kinds(columnar) == {
        "size": "number",
        "region": "category",
        "sold": "time",
        "good": "number",
    }
    assert columnar.record == text.record


def test_times_become_where_they_are_in_the_year_and_week(tmp_path):
    lines = ["sold,kind", "01/01/1970,a", "08/01/1970,b", "31/12/1970,a"]
    data = f'{PARTS_IN_FILES}, types: {{sold: {{time: "%d/%m/%Y"}}}}'
    prepared = load(network(tmp_path, "\n".join(lines), data=data, width=5)).train.inputs[0]
    np.testing.assert_allclose(prepared[:2, 3:], [[0, 1], [0, 1]], atol=1e-6)
    days = np.array([0, 7, 364])
    np.testing.assert_allclose(prepared[:, 0], (days - days.mean()) / days.std(), rtol=1e-6)
    np.testing.assert_allclose(prepared[:, 1], np.sin(2 * np.pi * days / 365.2425), atol=1e-6)
    np.testing.assert_allclose(prepared[:, 2], np.cos(2 * np.pi * days / 365.2425), atol=1e-6)


@pytest.mark.parametrize(
    ("first", "last", "kind", "width"),
    [
        ("{}", "0.5", "number", 1),
        ("", "7", "number", 1),
        ("", "red", "category", 3),
        ("", "2026-01-05", "time", 5),
        ("true", "false", "number", 1),
        ("1", "red", "category", 3),
        ("12", "012", "category", 3),
        ("2026-01-05", "2026-01-05 10:30", "time", 7),
        ("2026-01-05", "red", "category", 3),
    ],
)
def test_the_last_rows_decide_about_a_kind_too(tmp_path, monkeypatch, first, last, kind, width):
    monkeypatch.setattr(delimited, "_BLOCK_OF_ROWS", 200)
    lines = [f"{first.format(i)},{'ab'[i % 2]}" for i in range(100)]
    lines += [f"{last},{'ab'[i % 2]}" for i in range(100)]
    content = "\n".join(["x,kind", *lines])
    dataset = load(network(tmp_path, content, data=PARTS_IN_FILES, width=width))
    assert kinds(dataset) == {"x": kind}
    assert len(dataset.train) == 200
    assert len(np.unique(dataset.train.inputs[0], axis=0)) == (101 if first == "{}" else 2) - (
        last == "7"
    )


# Targets and parts


def test_classes_are_the_values_of_the_target_in_order(tmp_path):
    lines = ["x,kind", *(f"{i},{i % 11}" for i in range(110))]
    dataset = load(network(tmp_path, "\n".join(lines), units=11))
    assert dataset.record.class_names == tuple(map(str, range(11)))
    assert np.bincount(dataset.test.targets[0]).tolist() == [2] * 11


def test_class_names_order_the_labels(tmp_path):
    content = rows(20, "{i},{kind}", "x,kind")
    data = "path: rows.csv, target: kind, class_names: [{}]"
    dataset = load(network(tmp_path, content, data=data.format("b, a")))
    assert dataset.record.class_names == ("b", "a")
    text = "class_names has a and c, and kind has a and b"
    assert error(tmp_path, content, data=data.format("a, c")).message == text


def test_a_target_of_a_regression_is_a_number(tmp_path):
    content = rows(20, "{i},{i}.5,{kind}", "x,price,kind")
    data = "path: rows.csv, target: {}, features: [x]"
    options = {"units": 1, "train": "loss: mean_squared_error"}
    dataset = load(network(tmp_path, content, data=data.format("price"), **options))
    assert dataset.record.class_names is None
    assert sorted([*dataset.train.targets[0], *dataset.test.targets[0]])[:2] == [0.5, 1.5]
    data_error = error(tmp_path, content, data=data.format("kind"), **options)
    assert "kind" in data_error.message
    assert "sparse_categorical_crossentropy" in str(data_error.help)


@pytest.mark.parametrize(
    ("loss", "units", "shape"),
    [("binary_crossentropy", 1, (16, 1)), ("categorical_crossentropy", 2, (16, 2))],
)
def test_other_losses_of_classes_have_their_targets(tmp_path, loss, units, shape):
    content = rows(20, "{i},{kind}", "x,kind")
    network(tmp_path, content)
    spec = f"""\
netspec: 1
name: rows
input: [1]
layers: [Dense: {{units: {units}}}]
data: {{dataset: table, path: rows.csv, target: kind}}
train: {{loss: {{{loss}: {{from_logits: true}}}}}}
"""
    dataset = load(loads(spec, tmp_path))
    assert dataset.record.class_names == ("a", "b")
    assert dataset.train.targets[0].shape == shape
    assert dataset.train.targets[0].sum() == (16 if units == 2 else 8)


def test_without_a_target_the_network_is_an_autoencoder(tmp_path):
    content = rows(20, "{i},2{i}", "x,y")
    options = {"data": "path: rows.csv", "width": 2, "train": "loss: mean_squared_error"}
    dataset = load(network(tmp_path, content, **options))
    assert dataset.train.own_targets
    assert (len(dataset.train), len(dataset.test)) == (16, 4)


def test_rows_without_a_target_are_named(tmp_path):
    content = "x,kind\n1,a\n2,\n3,b\n4,  \n"
    data_error = error(tmp_path, content)
    assert data_error.message == "2 rows of rows.csv have no kind"
    assert data_error.details == ("rows.csv:3", "rows.csv:5")


def test_a_column_names_the_parts(tmp_path):
    lines = ["x,kind,fold", "1,a,train", "2,b,Training", "3,a,val", "4,b,test", "5,a,TEST"]
    data = "path: rows.csv, target: kind, part: fold"
    dataset = load(network(tmp_path, "\n".join(lines), data=data))
    assert dataset.validation
    counts = [len(part) for part in (dataset.train, dataset.validation, dataset.test)]
    assert counts == [2, 1, 2]
    data_error = error(tmp_path, "\n".join([*lines, "6,a,tset"]), data=data)
    assert data_error.message == "rows.csv:7 has the fold 'tset'"


def test_files_of_parts_may_have_other_orders_of_columns(tmp_path):
    (tmp_path / "test.csv").write_text("kind,more,x\nb,z,5\n")
    (tmp_path / "val.csv").write_text("kind,x\na,3\n")
    data = "train: rows.csv, val: val.csv, test: test.csv, target: kind"
    dataset = load(network(tmp_path, "x,kind\n1,a\n3,b\n", data=data))
    assert dataset.validation
    assert dataset.validation.inputs[0].tolist() == [[1]]
    assert dataset.test.inputs[0].tolist() == [[3]]


def test_an_unknown_category_of_the_test_part_has_the_first_place(tmp_path):
    (tmp_path / "test.csv").write_text("kind,x\nb,green\na,red\n")
    data = "train: rows.csv, test: test.csv, target: kind"
    dataset = load(network(tmp_path, "x,kind\nred,a\nblue,b\n", data=data, width=3))
    assert dataset.test.inputs[0].tolist() == [[1, 0, 0], [0, 0, 1]]
    assert any("green" in remark for remark in dataset.remarks)


# Errors


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "rows.csv is empty"),
        (" \n\n", "rows.csv is empty"),
        ("x,kind\n", "rows.csv has no rows"),
        ("x,kind,x\n1,a,2\n", "rows.csv has two columns with the name x"),
        ("5.1,3.5,a\n4.9,3.0,b\n", "rows.csv has no names of columns: its first line has numbers"),
        ("x,kinds\n1,a\n", "rows.csv has no column 'kind'; it has x and kinds"),
        ("kind\na\nb\n", "rows.csv has no columns but the target"),
        ("x,kind\ninf,a\n2,b\n3,a\n4,b\n3,a\n4,b\n", "rows.csv:2: x is infinite"),
        (b"PK\3\4 a workbook", "rows.csv is an Excel workbook or another ZIP file"),
        (b"PAR1 nothing more", "rows.csv cannot be read: "),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_error(tmp_path, content, text):
    data_error = error(tmp_path, content)
    assert data_error.message.startswith(text)
    assert data_error.help


def test_a_similar_column_is_proposed(tmp_path):
    assert error(tmp_path, "x,kinds\n1,a\n").help == "did you mean kinds?"
    options = {"data": "path: rows.csv, target: kind, exclude: [sise]"}
    assert error(tmp_path, "size,kind\n1,a\n", **options).help == "did you mean size?"


BROKEN = "x,kind\n1,a\n2\n3,b\n4,a,7\n5,b\n"


def test_broken_lines_stop_and_are_all_named(tmp_path):
    data_error = error(tmp_path, BROKEN, data=PARTS_IN_FILES)
    assert (
        data_error.message == "2 lines of rows.csv have another number of values than its 2 columns"
    )
    assert data_error.details == ("rows.csv:3 has 1 value", "rows.csv:5 has 3 values")
    assert data_error.help == "correct them; `on_error: skip` in data leaves them out"


def test_broken_lines_are_skipped_and_named(tmp_path):
    dataset = load(network(tmp_path, BROKEN, data=f"{PARTS_IN_FILES}, on_error: skip"))
    assert len(dataset.train) == 3
    assert "rows.csv:3 has 1 value; it is left out" in dataset.remarks


def test_every_one_of_many_broken_lines_is_counted(tmp_path):
    content = rows(3_000, "{i},{kind}", "x,kind") + "1\n" * 2_000
    data_error = error(tmp_path, content)
    assert data_error.message.startswith("2,000 lines of rows.csv")
    assert data_error.details[-1] == "and 1,980 more"


def test_a_quotation_mark_without_an_end_is_an_error(tmp_path):
    data_error = error(tmp_path, 'x,kind\n1,a\n2,"b\n3,a\n4,b\n', data=PARTS_IN_FILES)
    assert data_error.message.startswith("rows.csv:3: a quotation mark has no end")


def test_lines_are_counted_after_values_with_line_breaks(tmp_path):
    content = 'x,kind\n1,"a\nb"\n\n2,\n'
    assert error(tmp_path, content, data=PARTS_IN_FILES).details == ("rows.csv:5",)


def test_a_number_that_is_none_is_named(tmp_path):
    data = f"{PARTS_IN_FILES}, types: {{x: number}}"
    data_error = error(tmp_path, "x,kind\n1,a\nNA,b\nabc,b\n", data=data)
    assert data_error.message == "rows.csv:4: x is 'abc', which is not a number"


@pytest.mark.parametrize(("kind", "text"), [("time", "x is '13/01/2026'"), ("number", "x is '13/")])
def test_a_time_in_another_form_is_named(tmp_path, kind, text):
    data = f"{PARTS_IN_FILES}, types: {{x: {kind}}}"
    data_error = error(tmp_path, "x,kind\n,a\n13/01/2026,a\n01/13/2026,b\n", data=data)
    assert text in data_error.message
    assert data_error.message.startswith("rows.csv:3: ")
    data = f'{PARTS_IN_FILES}, types: {{x: {{time: "%d/%m/%Y"}}}}'
    data_error = error(tmp_path, "x,kind\n,a\n13/01/2026,a\n01/13/2026,b\n", data=data)
    assert data_error.message.startswith("rows.csv:4: x is '01/13/2026'")


# Remarks


def remarks(folder: Path, content: str, width: int, data: str = "path: rows.csv, target: kind"):
    return " | ".join(load(network(folder, content, width=width, data=data)).remarks)


@pytest.mark.parametrize(
    ("line", "width", "text"),
    [
        ("{i},{i}", 1, "x counts the rows; write `exclude: [x]`"),
        ("5,{i}", 1, "the column has the same value in every row: x; write `exclude: [x]`"),
        ("same,{i}", 2, "the column has the same value in every row: x"),
        ("{kind}!,{i}", 3, "x has one value for every value of the target"),
    ],
)
def test_suspicious_columns_are_named(tmp_path, line, width, text):
    content = rows(40, line.replace(",{i}", ",{kind}"), "x,kind")
    assert text in remarks(tmp_path, content, width)


def test_an_identifier_is_named_with_the_width(tmp_path):
    details = error(tmp_path, rows(40, "n{i},{kind}", "x,kind"), width=5).details
    text = "x has 40 categories in 40 rows: it names the rows; write `exclude: [x]`"
    assert text in details


def test_missing_values_are_counted(tmp_path):
    lines = [f"{i * i if i % 4 else ''},{'red' if i % 5 else ''},{'ab'[i % 2]}" for i in range(40)]
    text = remarks(tmp_path, "\n".join(["x,colour,kind", *lines]), 4)
    assert "values are missing: x in 10 and colour in 8 of 40 rows" in text


def test_sound_columns_have_no_remarks(tmp_path):
    lines = [f"{i * i},{'red' if i % 3 else 'blue'},{'ab'[i % 2]}" for i in range(40)]
    assert remarks(tmp_path, "\n".join(["x,colour,kind", *lines]), 4) == ""


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("abc", "x is a category because of 'abc' in rows.csv:9"),
        ("1,5", 'write `decimal: ","`'),
        ("13/01/2026", "write `types: {x: {time:"),
    ],
)
def test_a_column_that_looks_like_numbers_or_times_is_named(tmp_path, wrong, text):
    same = wrong != "abc"
    lines = [f"{wrong if i == 7 or same else i % 5};{'ab'[i % 2]}" for i in range(40)]
    assert text in remarks(tmp_path, "\n".join(["x;kind", *lines]), 2 if same else 7)


# Rows for a prediction


def prepared(path: Path, dataset: Dataset, reading: Reading | None = None) -> np.ndarray:
    preparation = dataset.record.preparation
    assert preparation
    batches = batches_of(open_frame(path, path.name, reading or Reading()), preparation.columns)
    return np.concatenate([preparation.apply(batch)["x"] for batch in batches])


def trained(folder: Path) -> tuple[Dataset, str]:
    """A data set of numbers, codes, categories and times, and its rows as text."""
    lines = [
        f"{i * i if i % 4 else ''},{i % 3:03},{'red' if i % 5 else ''},2026-01-{i % 9 + 1:02},{'ab'[i % 2]}"
        for i in range(30)
    ]
    content = "\n".join(["size,code,colour,sold,kind", *lines, ""])
    data = "train: rows.csv, test: rows.csv, target: kind"
    return load(network(folder, content, width=13, data=data)), content


def test_another_table_with_the_same_rows_has_the_same_inputs(tmp_path):
    dataset, content = trained(tmp_path)
    parts = [line.split(",") for line in content.splitlines()]
    lines = [";".join([values[2], "new", *values[1::-1], values[3]]) for values in parts]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(lines).replace("new", "more", 1))
    np.testing.assert_array_equal(prepared(other, dataset), dataset.train.inputs[0])


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_rows_of_a_columnar_file_have_the_same_inputs(tmp_path, suffix):
    dataset, _ = trained(tmp_path)
    pa = pytest.importorskip("pyarrow")
    options = pytest.importorskip("pyarrow.csv").ConvertOptions(column_types={"code": pa.string()})
    table = pytest.importorskip("pyarrow.csv").read_csv(
        tmp_path / "rows.csv", convert_options=options
    )
    path = str(tmp_path / f"rows.{suffix}")
    if suffix == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=7)
    else:
        pytest.importorskip("pyarrow.feather").write_feather(table, path, chunksize=7)
    np.testing.assert_array_equal(prepared(Path(path), dataset), dataset.train.inputs[0])


def test_a_missing_feature_is_named(tmp_path):
    dataset, content = trained(tmp_path)
    (tmp_path / "other.csv").write_text(content.replace("colour", "color", 1))
    with pytest.raises(DataError) as caught:
        prepared(tmp_path / "other.csv", dataset)
    assert caught.value.message.startswith("other.csv has no column 'colour'; it has size, code")
    assert caught.value.help == "did you mean color?"
    (tmp_path / "other.csv").write_text(content.replace("colour", "zzzzzz", 1))
    with pytest.raises(DataError) as caught:
        prepared(tmp_path / "other.csv", dataset)
    assert caught.value.help == "add the column: the network was trained with it"


def test_a_wrong_value_is_named_by_its_line(tmp_path):
    dataset, content = trained(tmp_path)
    path = tmp_path / "other.csv"
    path.write_text(f"{content}many,1,red,2026-01-01,a\n")
    with pytest.raises(DataError, match=r"other\.csv:32: size is 'many', which is not a number"):
        prepared(path, dataset)
    path.write_text(f"{content}1,1,red,1/2/2026,a\n")
    with pytest.raises(DataError, match=r"other\.csv:32: sold is '1/2/2026', which is not a time"):
        prepared(path, dataset)


def test_rows_are_read_with_the_options_of_the_spec(tmp_path):
    text = "x;sold;kind\n1,5;31/01/2026;grün\n2,5;01/02/2026;rot\n"
    (tmp_path / "rows.csv").write_bytes(text.encode("cp1252"))
    data = 'encoding: cp1252, decimal: ",", types: {sold: {time: "%d/%m/%Y"}}'
    spec = network(tmp_path, width=6, data=f"{PARTS_IN_FILES}, {data}")
    dataset = load(spec)
    inputs = prepared(tmp_path / "rows.csv", dataset, reading_of(spec.spec.data))
    np.testing.assert_array_equal(inputs, dataset.train.inputs[0])


NOTE = "the data have no test part: a fifth{}, 8 of the 40 training examples, is the test part; "
NOTE += "`test` in data draws another one"


@pytest.mark.parametrize(
    ("data", "options", "notes"),
    [
        ("target: kind", {}, (NOTE.format(" of every class"),)),
        (
            "target: size, exclude: [kind]",
            {"train": "loss: mean_squared_error", "units": 1},
            (NOTE.format(""),),
        ),
        ("target: kind, test: {fraction: 0.2}", {}, ()),
    ],
)
def test_a_drawn_test_part_is_reported(tmp_path, data, options, notes):
    content = rows(40, "{i},{i},{kind}", "size,height,kind")
    of_kind = "exclude: [height], " if data.startswith("target: kind") else ""
    dataset = load(network(tmp_path, content, data=f"path: rows.csv, {of_kind}{data}", **options))
    assert dataset.notes == notes


def test_facts_and_drafts_read_a_file_once(tmp_path, monkeypatch):
    read: list[list[str]] = []
    original = frames._read

    def counted(file, columns, kinds, **options):
        read.append(list(columns))
        return original(file, columns, kinds, **options)

    monkeypatch.setattr(frames, "_read", counted)
    facts, _ = inspect(network(tmp_path, rows(40, "{i},{kind}", "size,kind")))
    assert [part.examples for part in facts.parts] == [32, 8]
    assert facts.parts[1].drawn
    assert read == [["size", "kind"]]

    read.clear()
    (tmp_path / "dates.csv").write_text(rows(40, "{i}.5,31.01.20{i:02},{kind}", "size,date,kind"))
    text = draft("drafted", Place(tmp_path / "dates.csv", tmp_path), "kind").text
    assert 'date: {time: "%d.%m.%Y"}' in text
    # Dates in another form are read a second time, as times.
    assert read == [["size", "date", "kind"], ["date"]]


@pytest.mark.parametrize("block", [7, 8, 16, 1 << 18])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{i},2026-01-05 04:0{d},1.05,x 07", False),
        ("{i},2026-01-05 04:0{d},1e+05,-0.05", False),
        ("{i},2026-01-05 04:0{d},1.05,  07", True),
        ('{i},2026-01-05 04:0{d},1.05,"07"', True),
        ("007,{i},{d},x", True),
    ],
)
def test_codes_are_suspected_only_at_the_start_of_values(
    tmp_path, monkeypatch, block, line, expected
):
    monkeypatch.setattr(delimited, "_BLOCK", block)
    lines = [line.format(i=100 + i, d=i % 10) for i in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d", *lines]))
    file = delimited.open_delimited(tmp_path / "rows.csv", "rows.csv", delimited.TextFormat())
    assert file.maybe_codes == expected
