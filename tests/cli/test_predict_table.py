"""`netspec predict` for the rows of a table.

The network is a mirror: its outputs are the prepared columns of a row.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from commands import netspec_
from mirrors import MIRROR, exported

pytest.importorskip("pyarrow")

ROWS = [("2", "00123"), ("3", "123"), ("1", "7")]
STANDARD = [0, 2, -2]
CODES = ["0.0,1.0,0.0", "0.0,0.0,1.0", "1.0,0.0,0.0"]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> Path:
    """A regression with four outputs: the standardised size, and three places of the code."""
    text = MIRROR.format(units=4, activation="", target="y", loss="mean_squared_error")
    return exported(tmp_path_factory.mktemp("mirror"), text)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Path:
    """Three classes, whose logits are the standardised size, unknown, and 00123."""
    text = MIRROR.format(
        units=3,
        activation=", activation: softmax",
        target="kind",
        loss="sparse_categorical_crossentropy",
    )
    return exported(tmp_path_factory.mktemp("classifier"), text, names=("big", "odd", "coded"))


def table(folder: Path, names: str, *lines: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([names, *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def rows(tmp_path) -> Path:
    return table(tmp_path, "size,code", *map(",".join, ROWS))


def output(*arguments: str | Path) -> str:
    """What a command prints, without its notes."""
    ended = netspec_(*arguments)
    assert ended.status == 0
    return ended.out


def read(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


def mirrored(row: dict[str, str]) -> str:
    return ",".join(row[f"predicted_{place}"] for place in range(1, 4))


def test_csv_has_the_columns_and_the_predictions(mirror, rows):
    predicted = read(output("predict", mirror, rows, "--csv", "-"))
    assert [(row["size"], row["code"]) for row in predicted] == ROWS
    assert [float(row["predicted_0"]) for row in predicted] == STANDARD
    assert [*map(mirrored, predicted)] == CODES


def test_columns_are_found_by_name(mirror, tmp_path):
    lines = [f"new {place},{code},{size}" for place, (size, code) in enumerate(ROWS)]
    path = table(tmp_path, "note,code,size", *lines)
    predicted = read(output("predict", mirror, path, "--csv", "-"))
    assert [float(row["predicted_0"]) for row in predicted] == STANDARD
    assert [*map(mirrored, predicted)] == CODES
    assert [row["note"] for row in predicted] == ["new 0", "new 1", "new 2"]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_other_files_predict_as_csv(mirror, rows, tmp_path, suffix):
    import pyarrow as pa
    from pyarrow import feather, parquet

    sizes, codes = zip(*ROWS, strict=True)
    arrow = pa.table({"code": codes, "size": [*map(int, sizes)], "odd": [None, "x", "y"]})
    path = tmp_path / f"rows.{suffix}"
    (parquet.write_table if suffix == "parquet" else feather.write_feather)(arrow, str(path))
    predicted = read(output("predict", mirror, path, "--csv", "-"))
    assert [float(row["predicted_0"]) for row in predicted] == STANDARD
    assert [*map(mirrored, predicted)] == CODES
    assert [row["odd"] for row in predicted] == ["", "x", "y"]


def test_missing_column_is_named(mirror, tmp_path):
    path = table(tmp_path, "sizes,code", "1,2")
    assert "has no column 'size'" in netspec_("predict", mirror, path).fault


def test_missing_and_unknown_values_are_counted(mirror, tmp_path):
    path = table(tmp_path, "size,code", "NA,123", "2,", ",7", "2,8", "2,123")
    ended = netspec_("predict", mirror, path, "--csv", "-")
    assert ended.status == 0
    predicted = read(ended.out)
    assert [float(row["predicted_0"]) for row in predicted] == [0] * 5
    assert [row["predicted_1"] for row in predicted] == ["0.0", "1.0", "1.0", "1.0", "0.0"]
    assert ended.err.splitlines() == [
        f"note: {path}: 3 rows have a missing value (size 2, code 1): a number counts as the mean, "
        "a category as unknown",
        f"note: {path}: 2 rows have a category that training has not seen (code 2): it counts as "
        "unknown",
    ]


def test_classes_have_a_name_and_probabilities(classifier, rows):
    predicted = read(output("predict", classifier, rows, "--csv", "-"))
    assert [row["predicted_kind"] for row in predicted] == ["coded", "big", "odd"]
    logits = np.array([[0, 0, 1], [2, 0, 0], [-2, 1, 0]])
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    names = ("big", "odd", "coded")
    values = [[float(row[f"probability_{name}"]) for name in names] for row in predicted]
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_a_table_is_printed_aligned(classifier, rows):
    assert output("predict", classifier, rows).splitlines() == [
        "size  code   predicted_kind  probability",
        "2     00123  coded           0.5761",
        "3     123    big             0.7870",
        "1     7      odd             0.7054",
    ]


def test_top_has_the_most_probable_classes(classifier, rows):
    (_, second, _) = read(output("predict", classifier, rows, "--top", "2", "--csv", "-"))
    assert second["predicted_kind"] == "big"
    assert float(second["probability"]) == pytest.approx(0.78699, abs=1e-5)
    assert float(second["probability_2"]) == pytest.approx(0.10651, abs=1e-5)
    assert "probability_3" not in second


def test_long_tables_print_their_first_rows(classifier, tmp_path):
    path = table(tmp_path, "size,code", *["2,123"] * 2_500)
    *lines, last = output("predict", classifier, path).splitlines()
    assert len(lines) == 21
    assert last == "2,480 more rows; --csv FILE writes all of them"


def test_wide_tables_fit_a_terminal(classifier, tmp_path):
    names = [f"column {place}" for place in range(30)]
    path = table(
        tmp_path, ",".join(["size", "code", *names]), ",".join(["2", "123", *["word" * 9] * 30])
    )
    header, row, more = output("predict", classifier, path).splitlines()
    assert header.startswith("size  code  column 0")
    assert header.endswith("predicted_kind  probability")
    assert "wordwordwordwor..." in row
    assert len(header) <= 80
    assert more == "28 more columns; --csv FILE writes all"


def test_json_has_an_element_for_each_row(classifier, rows):
    predicted = json.loads(output("predict", classifier, rows, "--json"))
    assert [(row["row"], row["label"]) for row in predicted] == [
        (1, "coded"),
        (2, "big"),
        (3, "odd"),
    ]
    assert predicted[1]["probabilities"]["big"] == pytest.approx(0.78699, abs=1e-5)


def test_a_table_without_rows_is_empty(classifier, tmp_path):
    path = table(tmp_path, "size,code")
    assert json.loads(output("predict", classifier, path, "--json")) == []


def test_columns_keep_their_names_beside_predictions(classifier, tmp_path):
    path = table(tmp_path, "size,code,predicted_kind", "3,123,mine")
    (row,) = read(output("predict", classifier, path, "--csv", "-"))
    assert row["predicted_kind"] == "mine"
    assert row["predicted_kind_2"] == "big"


def test_an_error_leaves_the_output_unchanged(mirror, tmp_path):
    path = table(tmp_path, "size,code", *["2,123"] * 3, "inf,123")
    output = tmp_path / "output.csv"
    output.write_text("before", encoding="utf-8")
    ended = netspec_("predict", mirror, path, "--csv", output)
    assert f"predicts values for {path}:5 that are not finite" in ended.fault
    assert output.read_text(encoding="utf-8") == "before"
    assert [*tmp_path.glob(".*")] == []


def test_texts_may_be_long(mirror, tmp_path):
    text = "long" * 40_000
    path = table(tmp_path, "size,code,note", f"2,123,{text}")
    header, row = output("predict", mirror, path, "--csv", "-").splitlines()
    assert row.split(",")[header.split(",").index("note")] == text


def test_values_may_contain_lines_and_separators(mirror, tmp_path):
    path = table(tmp_path, "note,size,code", '"two\nlines",2,123', "", '"a, b",3,00123')
    predicted = read(output("predict", mirror, path, "--csv", "-"))
    assert [row["note"] for row in predicted] == ["two\nlines", "a, b"]
    assert [float(row["predicted_0"]) for row in predicted] == [0, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--invert"], "rows are predicted, and no images"),
        (["--csv", "-", "--json"], "--json and --csv are two forms of the output"),
        (["--top", "2"], "the network predicts values, and --top is for classes"),
        (["other.csv"], "2 files were named"),
    ],
)
def test_what_does_not_fit_a_table_is_refused(mirror, rows, arguments, message):
    assert message in netspec_("predict", mirror, rows, *arguments).fault
