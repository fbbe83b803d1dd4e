"""`predict` of Python: arrays, dicts of arrays and data frames, for arrays and tables."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

import netspec
from frameworks import require
from mirrors import MIRROR, exported
from netspec.backend import find_exporting
from netspec.data.preparation import TimeColumn
from netspec.network import loads
from netspec.numerics.initial import initial

pa = pytest.importorskip("pyarrow")

COLUMNS = {"note": ["a", "b", "c"], "code": ["00123", None, "7"], "size": [2.0, None, 1.0]}
EXPECTED = [[0, 0, 1, 0], [0, 1, 0, 0], [-2, 1, 0, 0]]
TEXT = MIRROR.format(units=4, activation="", target="y", loss="mean_squared_error")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("mirror"), TEXT)


def in_pandas():
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def in_polars():
    return pytest.importorskip("polars").DataFrame(COLUMNS)


@pytest.mark.parametrize(
    "frame",
    [lambda: COLUMNS, lambda: pa.table(COLUMNS), in_pandas, in_polars],
    ids=["dict", "pyarrow", "pandas", "polars"],
)
def test_frames_predict_what_their_rows_predict(mirror, frame):
    np.testing.assert_array_equal(netspec.predict(mirror, frame()), EXPECTED)


def test_the_file_of_a_table_predicts_an_array(mirror, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("code,size\n00123,2\n,\n7,1\n", encoding="utf-8")
    np.testing.assert_array_equal(netspec.predict(mirror, path), EXPECTED)


def test_times_may_have_any_resolution(tmp_path):
    column = TimeColumn(name="t", mean=0, deviation=86_400, daily=False)
    text = TEXT.replace("[4]", "[5]").replace("units: 4", "units: 5")
    path = exported(tmp_path, text, (column,))
    days = [datetime(1970, 1, 2, tzinfo=UTC), None]
    for unit in ("s", "ms", "us", "ns"):
        table = pa.table({"t": pa.array(days, pa.timestamp(unit))})
        np.testing.assert_array_equal(netspec.predict(path, table)[:, 0], [1, 0])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((2, 4)), "the network takes the columns of a table, and gets ndarray"),
        ({"size": [1, 2]}, "the data have no column 'code'; they have size"),
        ({"size": ["a"], "code": ["b"]}, "the column size has values of string, and is a number"),
        ({"size": [1, "a"], "code": [1, 2]}, "the data are no table"),
        ({"size": [1], "code": ["a", "b"]}, "the data are no table"),
        ({"size": [1], "code": [[1, 2]]}, "the column code has values of list"),
    ],
)
def test_what_is_no_table_is_refused(mirror, inputs, message):
    with pytest.raises(netspec.DataError, match=message):
        netspec.predict(mirror, inputs)


def of_arrays(folder, text):
    require("onnx")
    network = loads(f"netspec: 1\nname: arrays\n{text}\n")
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False
    )
    path = folder / "arrays.onnx"
    path.write_bytes(content)
    return path


SCALED = "data: {dataset: npz, path: a.npz, scale: 10}"


def test_arrays_are_divided_by_the_scale(tmp_path):
    path = of_arrays(
        tmp_path,
        f"input: [2]\nlayers: [Dense: {{units: 2, kernel_initializer: identity}}]\n{SCALED}",
    )
    output = netspec.predict(path, np.array([[10, 20], [30, 40]], np.uint8))
    np.testing.assert_array_equal(output, [[1, 2], [3, 4]])


def test_logits_become_probabilities(tmp_path):
    path = of_arrays(
        tmp_path,
        "input: [1]\nlayers: [Dense: {units: 1, kernel_initializer: identity}]\n"
        f"{SCALED}\ntrain: {{loss: {{binary_crossentropy: {{from_logits: true}}}}}}",
    )
    np.testing.assert_allclose(
        netspec.predict(path, [[0], [10]]), [[0.5], [1 / (1 + np.exp(-1))]], rtol=1e-6
    )


TWO = """\
input: {a: [2], b: [1]}
layers:
  - Concatenate: {name: joined, inputs: [a, b]}
  - RepeatVector: {name: repeated, n: 2, inputs: [b]}
output: [joined, repeated]
"""


def test_several_outputs_have_their_names(tmp_path):
    path = of_arrays(tmp_path, TWO)
    outputs = netspec.predict(path, {"b": [[3]], "a": [[1, 2]]})
    assert {name: output.tolist() for name, output in outputs.items()} == {
        "joined": [[1, 2, 3]],
        "repeated": [[[3], [3]]],
    }


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([[1, 2]], "the network has the inputs a and b"),
        ({"a": [[1, 2]], "b": [[1], [2]]}, "the inputs have different numbers of examples"),
        ({"a": [1, 2], "b": [[1]]}, r"a takes examples of \(2\), and gets \(2\)"),
        ({"a": [["x", "y"]], "b": [[1]]}, "a gets list, which is no array of numbers"),
        ({"a": [[1], [1, 2]], "b": [[1]]}, "a gets list, which is no array of numbers"),
    ],
)
def test_other_arrays_are_refused(tmp_path, inputs, message):
    with pytest.raises(netspec.DataError, match=message):
        netspec.predict(of_arrays(tmp_path, TWO), inputs)
