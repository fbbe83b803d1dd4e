"""`netspec predict` for a series: the rows after the last row of every group.

The network repeats the last two values of its first column.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import netspec
from commands import netspec_
from frameworks import require
from netspec.backend import find_exporting
from netspec.data.preparation import NumberColumn, Preparation
from netspec.data.record import DataRecord
from netspec.network import loads

pytest.importorskip("pyarrow")

SPEC = """\
netspec: 1
name: same
input: [2, 1]
layers: [Flatten]
data:
  dataset: series
  path: none.csv
  time: day
  group: [shop, kind]
  target: sales
  history: 2
  horizon: 2
"""
ROWS = """\
day,shop,kind,sales
2026-01-03,x,new,3
2026-01-01,x,new,1
2026-01-02,x,new,2
2026-01-01,y,old,7
2026-01-03,y,old,
2026-01-01,z,old,1
"""
EXPECTED = [
    ("2026-01-04", "x", "new", 2),
    ("2026-01-05", "x", "new", 3),
    ("2026-01-05", "y", "old", 7),
    ("2026-01-07", "y", "old", 5),  # the mean instead of the missing value
]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return exported(tmp_path_factory.mktemp("series"), SPEC)


def exported(folder: Path, text: str) -> Path:
    require("onnx")
    columns = (NumberColumn(name="sales", mean=5, deviation=1),)
    preparation = Preparation(inputs={"x": columns}, history=2)
    record = DataRecord(dataset="series", arrays={}, preparation=preparation)
    layers = "[Flatten, Rescaling: {scale: 1, offset: 5}]"
    network = loads(text.replace("[Flatten]", layers))
    path = folder / "same.onnx"
    path.write_bytes(find_exporting("onnx").export(network, {}, record=record))
    return path


@pytest.fixture
def rows(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS, encoding="utf-8")
    return "rows.csv"


def test_every_group_is_followed_by_its_forecast(model, rows):
    ended = netspec_("predict", model, rows, "--csv", "-")
    assert ended.out.splitlines() == [
        "day,shop,kind,predicted_sales",
        *(f"{day},{shop},{kind},{value:.1f}" for day, shop, kind, value in EXPECTED),
    ]
    assert ended.err.splitlines() == [
        "note: no 2 rows without a gap at the end, and no prediction: shop z, kind old",
        "note: rows.csv: 1 row has a missing value (sales 1): a number counts as the mean, a "
        "category as unknown",
    ]


def test_a_forecast_is_printed_aligned(model, rows):
    assert netspec_("predict", model, rows).out.splitlines()[:2] == [
        "day         shop  kind  predicted_sales",
        "2026-01-04  x     new   2",
    ]


def test_json_has_the_time_and_the_group(model, rows):
    first, *_ = json.loads(netspec_("predict", model, rows, "--json").out)
    assert first["time"] == "2026-01-04"
    assert first["group"] == {"shop": "x", "kind": "new"}
    assert first["values"] == {"sales": 2}


def test_arrays_of_a_forecast_have_its_rows(model, rows):
    assert netspec_("predict", model, rows, "-o", "out.npz").status == 0
    with np.load("out.npz", allow_pickle=False) as file:
        assert [*zip(file["day"], file["shop"], file["kind"], strict=True)] == [
            row[:3] for row in EXPECTED
        ]
        np.testing.assert_allclose(file["predictions"][:, 0], [row[3] for row in EXPECTED])


def test_frames_are_predicted_as_their_file(model, rows):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(rows)
    frame["day"] = pandas.to_datetime(frame["day"])
    forecast = netspec.predict(model, frame)
    from_file = netspec.predict(model, rows)
    assert [*forecast] == ["day", "shop", "kind", "predicted_sales"]
    assert [str(day)[:10] for day in forecast["day"]] == [row[0] for row in EXPECTED]
    for name, values in forecast.items():
        np.testing.assert_array_equal(values, from_file[name])
        assert values.tolist() == from_file[name].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rows.csv", "rows.csv"), "2 files were named"),
        (("rows.csv", "--invert"), "rows are predicted, and no images"),
        (("rows.csv", "-o", "out"), "rows have no images"),
        (("short.csv",), "no group of short.csv ends in 2 rows without a gap in time"),
        (("rows.npz",), "takes the columns of a table, and rows.npz has arrays"),
    ],
)
def test_what_does_not_fit_a_series_is_refused(model, rows, arguments, message):
    Path("short.csv").write_text("\n".join(ROWS.splitlines()[:2]), encoding="utf-8")
    assert message in netspec_("predict", model, *arguments).fault


def test_several_targets_are_columns(tmp_path, rows):
    text = SPEC.replace("horizon: 2", "horizon: 1").replace(
        "target: sales", "target: [sales, cost]"
    )
    model = exported(tmp_path, text)
    lines = netspec_("predict", model, rows, "--csv", "-").out.splitlines()
    assert lines[:2] == ["day,shop,kind,predicted_sales,predicted_cost", "2026-01-04,x,new,2.0,3.0"]
