"""`netspec new` from templates and from data, and `netspec train` of data."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from commands import netspec_
from core.image_files import save_classes
from frameworks import require
from netspec.data.drafts import network_name
from netspec.language.template import specs
from netspec.network import load
from netspec.text.diagnostics import NetspecError


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Templates


def test_list_shows_every_template_once(here):
    lines = netspec_("new", "--list").results.splitlines()
    names = [line.split()[0] for line in lines]
    templates = ["digits", "mnist", "images", "table", "text", "series", "autoencoder"]
    assert names[:7] == templates
    assert {"resnet50", "lenet5"} <= {*names}
    assert len({*names}) == len(names)
    assert all(len(line.split()) > 2 for line in lines)


@pytest.mark.parametrize(
    "template", ["mnist", "autoencoder", "images", "table", "text", "series", *specs()]
)
def test_a_template_becomes_a_spec_with_another_name(here, template):
    assert "Wrote mine.yaml." in netspec_("new", "mine", "--template", template).results
    assert load(here / "mine.yaml").spec.name == "mine"
    text = (here / "mine.yaml").read_text("utf-8")
    assert "$schema=../" not in text


@pytest.mark.parametrize(
    ("template", "dataset", "file"),
    [("text", "text", "reviews.csv"), ("series", "series", "sensors.csv")],
)
def test_a_template_names_the_missing_data(here, template, dataset, file):
    shown = netspec_("new", "mine", "--template", template).results
    assert f"It reads {file}, which is not there yet" in shown
    data = load(here / "mine.yaml").spec.data
    assert data is not None
    assert data.dataset == dataset
    (here / file).touch()
    assert "not there" not in netspec_("new", "mine", "--template", template).results


def test_a_template_that_does_not_exist_names_the_nearest(here):
    assert "did you mean mnist?" in netspec_("new", "mine", "--template", "mnst").fault


# Data


@pytest.fixture
def photos(here) -> Path:
    return save_classes(here / "photos", 12)


@pytest.fixture
def sales(here) -> Path:
    path = here / "sales.csv"
    lines = [f"{index % 9},{'ab'[index % 2]},{index * 1.5}" for index in range(100)]
    path.write_text("\n".join(["rooms,kind,price", *lines]), "utf-8")
    return path


def test_new_writes_a_spec_for_images(photos):
    shown = netspec_("new", "pets", "--from", "photos/").results
    assert shown.splitlines()[:2] == [
        "24 images in photos, colour, 8x8 pixels",
        "2 classes: cat and dog",
    ]
    checked = netspec_("check", "--data", "pets.yaml")
    assert checked.status == 0
    assert "no faults" in checked.out


def test_new_writes_a_spec_for_a_table(sales):
    shown = netspec_("new", "--from", sales, "--target", "price").results
    assert "price, the target, is a number: 0 to 148.5\nWrote sales.yaml." in shown
    assert "no faults" in netspec_("check", "--data", "sales.yaml").out


def test_the_path_of_the_data_is_relative_to_the_spec(photos, monkeypatch):
    folder = photos.parent / "specs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert netspec_("new", "pets", "--from", photos).results
    data = load(folder / "pets.yaml").spec.data
    assert data is not None
    assert data.paths == {"path": "../photos"}


def test_a_spec_that_was_changed_is_kept(photos):
    assert netspec_("new", "--from", "photos").results
    assert netspec_("new", "--from", "photos").results  # the same text
    spec = photos.parent / "photos.yaml"
    spec.write_text("mine", "utf-8")
    assert "photos.yaml is there already" in netspec_("new", "--from", "photos").fault
    fault = netspec_("train", "photos", "--backend", "torch").fault
    assert "help: train it: netspec train photos.yaml; or remove it" in fault
    assert spec.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("new", "a", "--from", "photos", "--template", "mnist"), "leave one of them out"),
        (("new", "a", "--target", "b"), "name the table with --from"),
        (("new", "a", "--from", "photos", "--target", "b"), "leave --target out"),
        (("new", "a", "--from", "nowhere"), "there is no file or folder nowhere"),
        (("train", "a.yaml", "--backend", "torch", "--target", "b"), "leave --target out"),
    ],
)
def test_options_that_do_not_fit_are_a_fault(photos, arguments, message):
    assert message in netspec_(*arguments).fault


def test_train_uses_the_only_installed_backend(photos, monkeypatch):
    monkeypatch.delenv("NETSPEC_BACKEND", raising=False)
    hide_frameworks(monkeypatch, "keras", "tensorflow")
    monkeypatch.setattr("netspec.runs.training.train", reported_backend)
    assert netspec_("train", photos).err == "error: torch\n"


@pytest.mark.parametrize(
    ("environment", "hidden", "message"),
    [
        ("", (), "the backends keras and torch are installed, and none is named"),
        ("", ("keras", "torch"), "no backend that trains is installed"),
        ("jax", (), "the environment variable NETSPEC_BACKEND is 'jax', which is no backend"),
        ("onnx", (), "the onnx backend cannot train"),
        ("keras", (), "error: keras\n"),
    ],
)
def test_the_environment_decides_between_backends(
    photos, monkeypatch, environment, hidden, message
):
    require("keras", "torch")
    monkeypatch.setenv("NETSPEC_BACKEND", environment)
    hide_frameworks(monkeypatch, *hidden)
    if environment != "onnx":
        monkeypatch.setattr("netspec.runs.training.train", reported_backend)
    ended = netspec_("train", photos)
    assert ended.status == 1
    assert message in ended.err


def hide_frameworks(monkeypatch, *names: str) -> None:
    monkeypatch.setattr(
        "netspec.backend.find_spec", lambda name: None if name in names else find_spec(name)
    )


def reported_backend(network, backend: str, **_) -> None:
    raise NetspecError(backend)


@pytest.mark.parametrize(
    ("name", "options"), [("photos/", ()), ("sales.csv", ("--target", "price"))]
)
def test_train_writes_a_spec_for_data_and_trains_it(photos, sales, name, options):
    require("torch")
    arguments = ["--backend", "torch", "--device", "cpu", "--epochs", "1"]
    ended = netspec_("train", name, *options, *arguments)
    assert ended.status == 0
    network = network_name(Path(name))
    assert f"\nWrote {network}.yaml, which is trained now\n" in ended.out
    assert ended.out.splitlines()[-1].startswith(f"Wrote runs/{network}-torch-1: ")
