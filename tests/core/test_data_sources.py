"""Data sources: netspec's sources keep their promises, and installed sources are found."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from netspec.data import load
from netspec.data.location import relocated
from netspec.data.mapped import Mapped
from netspec.data.npz import read_npz
from netspec.data.pixels import pixel_range
from netspec.data.record import describe, differences, parse_record
from netspec.data.table import Column, Request, Table
from netspec.language.data import SOURCES, FilePath, registry
from netspec.language.vocabulary import json_schema
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError, SpecError

ROOT = Path(__file__).parents[2]
PLUGIN = Path(__file__).parent / "plugin"
DATA = "{dataset: stripes, names: names.txt}"


@pytest.fixture
def plugin(monkeypatch):
    """Install the source `stripes`."""
    monkeypatch.syspath_prepend(str(PLUGIN))


@pytest.fixture
def folder(tmp_path, plugin) -> Path:
    (tmp_path / "names.txt").write_text("across down", encoding="utf-8")
    return tmp_path


def network(folder: Path = Path(), data: str = DATA, *, units: int = 2, train: str = "") -> Network:
    spec = f"""\
netspec: 1
name: n
input: [4, 4, 1]
layers: [Flatten, Dense: {{units: {units}, activation: softmax}}]
data: {data}
train: {{loss: sparse_categorical_crossentropy{train}}}
"""
    return loads(spec, folder)


def message(data: str) -> str:
    with pytest.raises(SpecError) as caught:
        network(data=data)
    return str(caught.value)


def test_installed_source_is_listed_after_netspecs_sources(plugin):
    assert [*SOURCES][:8] == [
        "mnist",
        "digits",
        "npz",
        "npy",
        "idx",
        "images",
        "table",
        "text",
    ]
    assert "stripes" in SOURCES


def test_every_class_has_the_name_of_its_entry():
    for name, source in ((name, SOURCES[name]) for name in registry.BUILT_IN):
        assert source.model_json_schema()["properties"]["dataset"]["const"] == name


def test_installed_source_is_in_the_json_schema(plugin):
    (data, _) = json_schema()["properties"]["data"]["anyOf"]
    fields = [branch["then"] for branch in data["allOf"]]
    assert {"$ref": "#/$defs/Stripes"} in fields


def test_a_wrong_field_names_the_nearest_field(plugin):
    text = message("{dataset: stripes, names: a.txt, cuont: 3}")
    assert "stripes has no field 'cuont'" in text
    assert "did you mean `count`?" in text


def test_missing_field_of_an_installed_source_is_named(plugin):
    assert "stripes needs names" in message("{dataset: stripes}")


@pytest.mark.parametrize(
    ("noise", "text"),
    [
        ("{}", "needs level"),
        ("{level: a}", "level must be a whole number, not the text 'a'"),
    ],
)
def test_errors_inside_a_source_field_are_named(plugin, noise, text):
    assert text in message(f"{{dataset: stripes, names: a.txt, noise: {noise}}}")


def test_unknown_data_set_lists_an_installed_source(plugin):
    assert "table, text, series, python and stripes" in message("{dataset: qqqqqq}")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("no_stripes:Stripes", "cannot be imported from no_stripes:Stripes"),
        ("stripes:Spots", "cannot be imported from stripes:Spots"),
        ("stripes:SIZE", "is not a data source"),
    ],
)
def test_faulty_entry_point_is_an_error(plugin, monkeypatch, place, text):
    monkeypatch.setattr(registry, "_installed", lambda: {"faulty": place})
    with pytest.raises(DataError, match=text):
        network(data="{dataset: faulty}")


def test_source_that_cannot_be_opened_is_an_error(monkeypatch):
    place = "netspec.language.data:DataFields"
    monkeypatch.setattr(registry, "_installed", lambda: {"fields": place})
    with pytest.raises(DataError, match="the data set fields cannot be opened"):
        load(network(data="{dataset: fields}"))


def test_table_of_an_installed_source_is_loaded(folder):
    dataset = load(network(folder))
    assert dataset.train.inputs[0].shape == (20, 4, 4, 1)
    np.testing.assert_array_equal(dataset.test.targets[0], [0, 1, 0, 1, 0, 1])
    assert dataset.record.class_names == ("across", "down")
    assert dataset.record.arrays["x_train"].value_range == (0, 100)


def test_class_weights_use_the_names_in_the_data(folder):
    train = load(network(folder, train=", class_weights: {down: 3}")).train
    assert train.weights is not None
    assert train.weights[:4].tolist() == [1, 3, 1, 3]


def test_a_class_weight_of_an_unknown_name_fails(folder):
    with pytest.raises(DataError, match="names the class 'up'"):
        load(network(folder, train=", class_weights: {up: 3}"))


def test_units_must_equal_the_classes_in_data(folder):
    with pytest.raises(DataError, match="the data have 2 classes, and the network ends in 3"):
        load(network(folder, units=3))


def test_path_of_an_installed_source_is_relocated(folder):
    data = relocated(network(folder).spec, folder, folder / "runs" / "one").data
    assert data is not None
    assert data.paths == {"names": "../../names.txt"}
    assert isinstance(data.paths["names"], FilePath)


def test_missing_file_of_an_installed_source_is_named(folder):
    (folder / "names.txt").unlink()
    with pytest.raises(DataError, match=r"there is no file .*names\.txt"):
        load(network(folder))


def test_missing_column_is_named():
    table = Table.from_arrays({"x_train": np.zeros((2, 3)), "y_train": np.zeros(2)})
    with pytest.raises(DataError, match="train data have no column x_left; it has x, y"):
        table.required("x_left", "train")
    with pytest.raises(DataError, match="test data have no column x; it has no columns"):
        table.required("x", "test")


def test_columns_have_the_names_of_their_inputs():
    names = ["x_train_left_eye", "x_test_left_eye", "y_train", "w_train"]
    table = Table.from_arrays({name: np.zeros(2) for name in names})
    assert [column.name for column in table.splits["train"]] == ["x_left_eye", "y", "w"]
    assert {name for name, _ in table.arrays()} == set(names)


def test_column_has_the_shape_and_values_of_examples(tmp_path):
    path, values = tmp_path / "a.npz", np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    np.savez(path, x_train=values)
    column = Column("x", read_npz(path, ["x_train"])["x_train"])
    assert isinstance(column.values, Mapped)
    assert (len(column), column.shape, column.dtype) == (4, (3, 2), np.int16)
    np.testing.assert_array_equal(column.take(np.array([3, 0])), values[[3, 0]])


def test_digits_keep_the_promise_of_their_source():
    pytest.importorskip("sklearn")
    source = SOURCES["digits"](dataset="digits")
    table = source.open(Path(), Request(("x",), ("y",), needs_labels=True))
    images, labels = table.required("x", "train"), table.required("y", "train")
    values = np.asarray(images.values)
    assert (*images.shape, 1) == source.promise.image_shape
    assert (values.min(), values.max()) == source.promise.value_range == images.value_range
    assert len(np.unique(labels.values)) == source.promise.classes


def test_a_record_without_a_range_equals_another():
    arrays = {"x_train": np.array([0, 16], np.uint8)}
    before = describe("digits", Table.from_arrays(arrays))
    assert differences(before, describe("digits", Table.from_arrays(arrays, (0, 16)))) == []


def test_record_of_an_older_netspec_is_read():
    array = '{"dtype":"uint8","count":2,"shape":[],"minimum":0.0,"maximum":16.0,"hash":"00"}'
    record = parse_record(f'{{"dataset":"digits","arrays":{{"x_train":{array}}}}}')
    assert record is not None
    assert record.arrays["x_train"].value_range is None
    promise = SOURCES["digits"](dataset="digits").promise
    assert pixel_range(promise, record.arrays["x_train"]).white == 16


def test_a_record_of_classes_reads_back():
    splits = Table.from_arrays({"x_train": np.array([0, 16], np.uint8)}, (0, 16)).splits
    record = describe("digits", Table(splits, ("no", "yes")))
    assert parse_record(record.model_dump_json()) == record


def test_other_class_names_are_other_data():
    splits = Table.from_arrays({"y_train": np.array([0, 1], np.uint8)}).splits
    before, after = (describe("a", Table(splits, names)) for names in (("a", "b"), ("b", "a")))
    assert differences(before, after) == ["the classes were a and b, and are b and a"]


def test_only_one_module_opens_image_files():
    modules = [*(ROOT / "netspec").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]
    opening = re.compile(r"\bImage\.open\(")
    names = {path.name for path in modules if opening.search(path.read_text(encoding="utf-8"))}
    # drawn.py only reads the text of PNG files that netspec may have written.
    assert names == {"decoding.py", "drawn.py"}
