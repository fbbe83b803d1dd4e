"""The table, the JSON and the plot of known measurements."""

from __future__ import annotations

import pytest

from netspec.bench import Bench, Settings
from netspec.bench.forms import Named
from netspec.bench.measure import Figures, Row
from netspec.bench.plot import draw, picture
from netspec.bench.table import table
from netspec.text.diagnostics import NetspecError

FAST, SLOW = Named("fast", "Fast", "one"), Named("slow", "Slow and long", "two")

# 101 calls of 1, 2, … 101 ms: the median is 51 ms, and the 99th percentile is 100 ms.
RISING = tuple(number / 1000 for number in range(1, 102))

ROWS = (
    Row(FAST, "cpu", 1, Figures(1, (0.0005, 0.0005), 100 << 20, 0.0)),
    Row(SLOW, "cpu", 1, Figures(1, RISING, None, 3e-8)),
    Row(FAST, "cpu", 32, Figures(32, (0.001, 0.001), 3000 << 20, 0.0)),
    Row(SLOW, "cpu", 32, f"RuntimeError: {'no kernel, ' * 20}"),
)


def bench(rows: tuple[Row, ...] = ROWS) -> Bench:
    settings = Settings((1, 32), (FAST, SLOW), 0.5, "cpu")
    machine = {"system": "Linux", "cpu": "Z80", "cores": 2, "load": [0.1, 0.2, 0.3]}
    about = "net", ("a_pass",), "initial weights"
    return Bench(*about, settings, rows, ("left",), machine, {"python": "3.11"})


def test_the_table_has_a_line_per_measurement():
    lines = table(ROWS, "images").splitlines()
    assert lines[0] == (
        "Batch   Form            Images/s   p50 ms    p99 ms   Peak memory   Difference"
    )
    assert [line for line in lines if not line.startswith("─")][1:] == [
        "    1   Fast               2,000    0.500     0.500       100 MiB      0.0e+00",
        "    1   Slow and long         20   51.000   100.000       unknown      3.0e-08",
        "   32   Fast              32,000    1.000     1.000     3,000 MiB      0.0e+00",
        f"   32   Slow and long   RuntimeError: {'no kernel, ' * 6}no kernel…",
    ]


def test_a_rule_separates_batch_sizes():
    places = [
        place for place, line in enumerate(table(ROWS, "images").splitlines()) if line[0] == "─"
    ]
    assert places == [1, 4]


def test_json_contains_seconds_and_bytes():
    _, slow, *_ = bench().to_json()["rows"]
    assert slow.pop("images_per_second") == pytest.approx(101 / sum(RISING))
    assert slow.pop("latency_p50") == pytest.approx(0.051)
    assert slow.pop("latency_p99") == pytest.approx(0.1)
    assert slow == {
        "batch_size": 1,
        "form": "slow",
        "title": "Slow and long",
        "device": "cpu",
        "calls": 101,
        "peak_memory": None,
        "difference": 3e-8,
    }


def test_json_contains_the_reason_of_a_failure():
    assert bench().to_json()["rows"][-1]["fault"] == ROWS[-1].result


def test_a_difference_of_nan_is_null_in_json():
    rows = (Row(FAST, "cpu", 1, Figures(1, (1.0,), None, float("nan"))),)
    assert bench(rows).to_json()["rows"][0]["difference"] is None


def test_json_contains_the_request_and_the_machine():
    data = bench().to_json()
    assert data["settings"] == {
        "batch_sizes": [1, 32],
        "forms": ["fast", "slow"],
        "seconds": 0.5,
        "rounds": 4,
        "device": "cpu",
        "passes": ["a_pass"],
    }
    assert data["machine"]["cpu"] == "Z80"
    assert data["versions"] == {"python": "3.11"}
    assert data["left_out"] == ["left"]


def test_the_title_names_the_machine_and_its_gpu():
    on_gpu = (Row(FAST, "cuda (T800)", 1, "no"), Row(SLOW, "cpu", 1, "no"))
    assert bench().title == "net on Z80, 2 cores"
    assert bench(on_gpu).title == "net on Z80, 2 cores, cuda (T800)"


def test_the_plot_has_a_line_per_form():
    figure = picture(bench())
    throughput, latency = figure.axes
    points = {line.get_label(): line.get_xydata().tolist() for line in throughput.lines}
    assert points == {
        "Fast": [[1, 2000], [32, 32000]],
        "Slow and long": [[1, pytest.approx(101 / sum(RISING))]],
    }
    assert {axes.get_xscale() + axes.get_yscale() for axes in figure.axes} == {"loglog"}
    medians = [line.get_xydata().tolist() for line in latency.lines if line.get_marker() in "os"]
    assert medians == [[[1, 0.5], [32, 1]], [[1, pytest.approx(51)]]]
    assert figure.get_suptitle() == "net on Z80, 2 cores"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Fast", "Slow and long"]


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")],
)
def test_the_suffix_selects_the_plots_format(tmp_path, name, start):
    draw(bench(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_where_nothing_was_measured_nothing_is_drawn(tmp_path):
    with pytest.raises(NetspecError, match="nothing to plot"):
        draw(bench(ROWS[-1:]), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
