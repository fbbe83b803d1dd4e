"""`netspec data` and `netspec check --data`: what they print, and with which status they end."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import netspec_

SPEC = """\
netspec: 1
name: flowers
input: [4]
layers: [Dense: {units: 2, activation: softmax}]
data: {dataset: npz, path: data.npz, class_names: [rose, tulip]}
train: {loss: sparse_categorical_crossentropy, validation: {fraction: 0.25, shuffle: false}}
"""
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.tile([0, 1], 20)


def save(folder: Path, **arrays: np.ndarray) -> Path:
    sound = {"x_train": X[:40], "y_train": Y, "x_test": X[40:], "y_test": Y[:20]}
    np.savez(folder / "data.npz", **{**sound, **arrays})
    spec = folder / "flowers.yaml"
    spec.write_text(SPEC, "utf-8")
    return spec


@pytest.fixture
def sound(tmp_path) -> Path:
    return save(tmp_path)


@pytest.fixture
def odd(tmp_path) -> Path:
    """A spec whose test part has a training example."""
    return save(tmp_path, x_test=np.concatenate([X[:1], X[41:]]))


@pytest.fixture
def broken(tmp_path) -> Path:
    """A spec whose data have a missing value."""
    x = X[:40].copy()
    x[3, 2] = np.nan
    return save(tmp_path, x_train=x)


def test_data_shows_parts_classes_and_warnings(sound):
    shown = netspec_("data", sound).results
    assert "validation, drawn from train        10\n" in shown
    assert "\nrose      15           5    10  ███" in shown
    assert shown.endswith("\nNo warnings\n")


def test_data_reports_a_warning_with_status_zero(odd):
    shown = netspec_("data", odd).results
    assert shown.endswith(
        "\nwarning: 1 of the 20 test examples are equal to training examples; results on\n"
        "  them are too good\n"
    )


def test_data_that_cannot_be_used_are_shown_with_their_error(broken):
    ended = netspec_("data", broken)
    assert ended.status == 1
    assert re.search(r"^2 .* 1$", ended.out, re.MULTILINE)  # the missing value of feature 2
    assert ended.err.startswith("error: the train examples hold values that are not finite")


def test_data_prints_json(odd):
    data = json.loads(netspec_("data", odd, "--json").results)
    assert data["parts"][1] == {"name": "validation", "examples": 10, "drawn": True}
    assert len(data["warnings"]) == 1


def test_data_takes_values_from_the_command_line(sound):
    setting = "train.validation.fraction=0.5"
    data = json.loads(netspec_("data", sound, "--json", "--set", setting).results)
    assert [part["examples"] for part in data["parts"]] == [20, 20, 20]


def test_a_spec_without_data_has_nothing_to_show(tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text("netspec: 1\nname: a\ninput: [4]\nlayers: [Dense: {units: 1}]\n", "utf-8")
    assert "a names no data set" in netspec_("data", spec).fault


# --plot


def test_a_plot_has_the_name_that_is_given(sound, tmp_path):
    plot = tmp_path / "plot.png"
    assert netspec_("data", sound, "--plot", plot).results.endswith(f"\nWrote {plot}\n")
    with Image.open(plot) as image:
        assert image.width > 1000
        assert len(image.getcolors(1 << 20) or []) > 10  # it is not empty


@pytest.mark.parametrize("place", [0, 1], ids=["before the spec", "after the spec"])
def test_a_plot_without_a_name_has_the_name_of_the_spec(sound, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    arguments = ["flowers.yaml"]
    arguments.insert(place, "--plot")
    assert netspec_("data", *arguments).results.endswith("\nWrote flowers_data.png\n")
    assert (tmp_path / "flowers_data.png").exists()


def test_a_plot_with_another_suffix_is_a_fault(sound, tmp_path):
    fault = netspec_("data", sound, "--plot", tmp_path / "plot.txt").fault
    assert "end the name in .png, .svg or .pdf" in fault


# check --data


def test_check_opens_data_only_when_requested(broken):
    assert "no faults" in netspec_("check", broken).results
    ended = netspec_("check", broken, "--data")
    assert (ended.status, ended.out) == (1, "")
    assert "the train examples hold values that are not finite" in ended.err


def test_check_reports_the_parts_of_sound_data(sound):
    lines = netspec_("check", sound, "--data").results.splitlines()
    assert lines[1:] == ["  data: 30 train, 10 validation and 20 test examples, no warnings"]
    assert netspec_("check", sound, "--data", "--strict").status == 0


def test_a_warning_about_data_leaves_the_status(odd):
    ended = netspec_("check", odd, "--data")
    assert ended.status == 0
    assert ended.err.startswith("warning: 1 of the 20 test examples are equal")
    assert ended.out.endswith("20 test examples, 1 warning\n")


def test_a_warning_about_data_is_a_fault_with_strict(odd):
    ended = netspec_("check", odd, "--data", "--strict")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("error: 1 of the 20 test examples are equal")


def test_check_of_several_files_opens_all_data(broken, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(SPEC.replace("data.npz", "absent.npz"), "utf-8")
    ended = netspec_("check", other, broken, "--data")
    assert ended.status == 1
    assert "there is no file" in ended.err
    assert "not finite" in ended.err


def test_strict_is_about_data(sound):
    assert "add --data" in netspec_("check", sound, "--strict").fault
