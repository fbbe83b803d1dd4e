"""Images whose classes are in a CSV file."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from core.image_files import save_image, spec_of
from netspec.data import Dataset, load
from netspec.text.diagnostics import DataError

DATA = ", labels: labels.csv"
CODES = ("00123", "123", "0123", "01230")


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with `photos`: 12 images of different greys in two folders."""
    for index in range(12):
        save_image(tmp_path / "photos" / "ab"[index % 2] / f"{index}.png", 10 * index)
    return tmp_path


def load_dataset(folder: Path, text: str | bytes, data: str = DATA, **options) -> Dataset:
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "labels.csv").write_bytes(content)
    return load(spec_of(folder, data, **options))


def lines(labels: str, start: str = "file,label\n") -> str:
    """The text of a file with 12 rows; `labels` has a letter for each row."""
    rows = (f"{'ab'[index % 2]}/{index}.png,{label}\n" for index, label in enumerate(labels))
    return start + "".join(rows)


def labels_by_grey(dataset: Dataset) -> dict[int, int]:
    """The label of every image, by the grey of the image."""
    parts = (dataset.train, dataset.test)
    return {
        int(grey): int(label)
        for part in parts
        for grey, label in zip(np.asarray(part.inputs[0])[:, 0, 0, 0], part.targets[0], strict=True)
    }


def test_labels_are_read_from_the_file(folder):
    dataset = load_dataset(folder, lines("yyynnnyyynnn"))
    assert dataset.record.class_names == ("n", "y")
    expected = {10 * index: int("yyynnnyyynnn"[index] == "y") for index in range(12)}
    assert labels_by_grey(dataset) == expected


@pytest.mark.parametrize(
    "start",
    ["\ufefffile,label\n", "file, label \r\n", "label,file,extra\n"],
)
def test_other_forms_of_the_header_are_read(folder, start):
    text = lines("yyynnnyyynnn", start)
    if start.startswith("label"):
        rows = [line.split(",")[::-1] for line in text.splitlines()[1:]]
        text = start + "".join(f"{label},{file},1\n" for label, file in rows)
    assert load_dataset(folder, text).record.class_names == ("n", "y")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_recognized(folder, separator):
    text = lines("yyynnnyyynnn").replace(",", separator)
    assert load_dataset(folder, text).record.class_names == ("n", "y")


def test_codes_of_digits_are_different_classes(folder):
    text = "file,label\n" + "".join(
        f"{'ab'[index % 2]}/{index}.png,{CODES[index % 4]}\n" for index in range(12)
    )
    assert load_dataset(folder, text, units=4).record.class_names == tuple(sorted(CODES))


def test_columns_have_the_names_in_the_spec(folder):
    data = DATA + ", columns: {file: name, label: kind}"
    text = lines("yyynnnyyynnn", "name,kind\n")
    assert load_dataset(folder, text, data).record.class_names == ("n", "y")


def test_parts_are_read_from_the_file(folder):
    parts = ["train"] * 8 + ["Val"] * 2 + ["test"] * 2
    rows = lines("ynynynynynyn").splitlines()
    text = "\n".join(
        [rows[0] + ",part", *(f"{row},{part}" for row, part in zip(rows[1:], parts, strict=True))]
    )
    dataset = load_dataset(folder, text)
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [8, 2, 2]


def test_name_in_another_form_of_unicode_is_found(folder):
    decomposed = unicodedata.normalize("NFD", "ä.png")
    (folder / "photos/a/0.png").rename(folder / "photos/a" / decomposed)
    text = lines("yyynnnyyynnn").replace("a/0.png", "a/ä.png")
    assert len(labels_by_grey(load_dataset(folder, text))) == 12


def test_a_missing_image_file_is_broken(folder):
    text = lines("yyynnnyyynnn") + "a/100.png,y\n"
    with pytest.raises(DataError) as caught:
        load_dataset(folder, text)
    assert caught.value.broken == ("photos/a/100.png is not there",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "labels.csv has no line with the names of columns"),
        ("file,label\n", "labels.csv has no rows"),
        ("file,kind\na/0.png,y\n", "labels.csv has no column label; it has file and kind"),
        ("file,label\na/0.png,\n", "labels.csv:2: there is no label"),
        ("file,label\na/0.png,y\na/0.png,n\n", "has a/0.png in the lines 2 and 3"),
        ('file,label\n"a/0.png,y\n', "labels.csv:2: this is not a line of CSV"),
        (b"file,label\na/0.png,\xff\xfe\n", "labels.csv is not text in UTF-8"),
        ("file,label,part\na/0.png,y,tset\n", "labels.csv:2: there is no part 'tset'"),
        ("file,label,part\na/0.png,y,test\n", "has the parts test, and no train"),
        (
            "file,label,part\na/0.png,y,train\na/2.png,y,\n",
            "labels.csv:3: there is no part",
        ),
        ("file,label\na/0.png,y\n", "labels.csv has only one class, y"),
        (
            "file,label,part\na/0.png,y,train\na/2.png,n,train\na/4.png,x,test\n",
            "labels.csv, test, has the class x, and labels.csv, train, has not",
        ),
    ],
)
def test_faults_of_the_file_are_named(folder, text, message):
    with pytest.raises(DataError) as caught:
        load_dataset(folder, text)
    assert message in caught.value.message
    assert caught.value.help


def test_missing_column_names_the_setting(folder):
    with pytest.raises(DataError) as caught:
        load_dataset(folder, lines("yyynnnyyynnn", "file,labels\n"))
    assert caught.value.help == "name the column in data, as `columns: {label: labels}`"


def test_missing_file_is_an_error(folder):
    with pytest.raises(DataError, match=r"there is no file .*labels\.csv"):
        load(spec_of(folder, DATA))
