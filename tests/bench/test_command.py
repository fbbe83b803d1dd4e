"""`netspec bench`, end to end, and its errors before it begins."""

from __future__ import annotations

import json

import pytest

import abacus
from commands import netspec_
from frameworks import require
from netspec.bench.worker import Worker
from netspec.runs.training import train

QUICK = ["--seconds", "0.01"]


def test_a_spec_is_measured_in_onnx_runtime(spec):
    require("onnx")
    options = ["--forms", "onnx", "--batch-sizes", "3,1", "--device", "cpu", "--json", *QUICK]
    data = json.loads(netspec_("bench", spec, *options).results)
    assert data["settings"]["batch_sizes"] == [1, 3]
    assert data["versions"]["onnxruntime"]
    assert [row["batch_size"] for row in data["rows"]] == [1, 3]
    for row in data["rows"]:
        assert row["images_per_second"] > 0
        assert row["device"] == "cpu (CPUExecutionProvider)"


def test_the_table_and_the_plot_are_written(scripted, spec, tmp_path):
    plot = tmp_path / "plot.svg"
    options = ["--forms", "exact,absent", "--batch-sizes", "2", "--plot", plot, *QUICK]
    about, titles, _, row, left_out, wrote = netspec_("bench", spec, *options).results.splitlines()
    assert about.startswith("regression on ")
    assert about.endswith(": initial weights")
    assert titles.split()[:2] == ["Batch", "Form"]
    assert row.split()[:2] == ["2", "Exact"]
    assert left_out.startswith("Absent is left out: ")
    assert wrote == f"Wrote {plot}"
    assert plot.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("forms", "status"), [("refusing", 1), ("refusing,ending", 1), ("exact,refusing", 0)]
)
def test_it_fails_where_no_form_could_be_measured(scripted, spec, forms, status):
    result = netspec_("bench", spec, "--forms", forms, "--batch-sizes", "1", *QUICK)
    assert result.status == status
    assert "there is no abacus in this machine" in result.out


def test_spec_values_and_passes_can_be_set(scripted, spec):
    options = ["--forms", "exact", "--batch-sizes", "1", "--json", *QUICK]
    settings = ["--set", "name=renamed", "--passes", "needed_extent"]
    data = json.loads(netspec_("bench", spec, *settings, *options).results)
    assert data["network"] == "renamed"
    assert data["settings"]["passes"] == ["needed_extent"]


def test_an_interrupt_ends_it_with_a_line(scripted, spec, monkeypatch):
    def ask(worker: Worker, **request: object) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "ask", ask)
    result = netspec_("bench", spec, "--forms", "exact")
    assert (result.status, result.out, result.err) == (130, "", "\nStopped.\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-sizes", "0"], "--batch-sizes 0: '0' is no batch size"),
        (["--batch-sizes", "1,,2"], "'' is no batch size"),
        (["--batch-sizes", "1,-2"], "'-2' is no batch size"),
        (["--batch-sizes", "65537"], "write whole numbers from 1 to 65,536"),
        (["--batch-sizes", "²"], "'²' is no batch size"),
        (["--forms", "pytorch"], "did you mean torch?"),
        (["--forms", "zzz"], "there are keras, torch, torch-compiled"),
        (["--forms", ""], "there is no form named ''"),
        (["--forms", "absent"], "needs no_such_framework, which is not installed"),
        (["--seconds", "0"], "--seconds 0 is no time for a measurement"),
        (["--seconds", "nan"], "--seconds nan is no time for a measurement"),
        (["--plot", "picture.gif"], "end the name in .png, .svg or .pdf"),
        (["--plot", "png"], "has no suffix of a plot"),
        (["--plot", "nowhere/picture.png"], "nowhere/picture.png cannot be written"),
        (["--passes", "zzz"], "there is no pass named 'zzz'"),
        (["--set", "name"], "is not of the form KEY.PATH=VALUE"),
    ],
)
def test_errors_are_shown_before_anything_is_measured(
    scripted, spec, options, message, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Worker, "__init__", None)
    assert message in netspec_("bench", spec, *options).fault


def test_a_missing_spec_is_an_error(tmp_path):
    assert "no.yaml" in netspec_("bench", tmp_path / "no.yaml").fault


def test_values_of_a_run_cannot_be_set(tmp_path, monkeypatch):
    abacus.install(monkeypatch)
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path)
    options = ["--forms", "onnx", "--set", "name=renamed"]
    assert (
        f"{run.path} is a run, and --set changes specs"
        in netspec_("bench", run.path, *options).fault
    )


def test_neither_spec_nor_run_is_an_error(tmp_path):
    fault = netspec_("bench", "mnist", "--runs", tmp_path).fault
    assert "there is no spec and no run mnist" in fault


def test_checking_the_plots_place_leaves_no_file(scripted, spec, tmp_path):
    netspec_("bench", spec, "--plot", tmp_path / "a.png", "--forms", "zzz")
    netspec_("bench", spec, "--plot", tmp_path / "a.png", "--set", "name")
    assert [path.name for path in tmp_path.iterdir()] == [spec.name]
