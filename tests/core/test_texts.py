"""The data set `text`: its tables and folders, parts, classes and errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.data import Dataset, load
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError, SpecError

CATS = [f"the cat number {count} sleeps" for count in range(10)]
DOGS = [f"a dog called {count} runs" for count in range(10)]


def network(
    folder: Path, data: str, *, length: int = 6, loss: str = "", units: int = 2, train: str = ""
) -> Network:
    loss = loss or "sparse_categorical_crossentropy"
    end = "softmax" if "crossentropy" in loss else "linear"
    spec = f"""\
netspec: 1
name: texts
input: [{length}]
layers:
  - Embedding: {{input_dim: 100, output_dim: 2}}
  - GlobalAveragePooling1D
  - Dense: {{units: {units}, activation: {end}}}
data: {{dataset: text, {data}}}
train: {{loss: {loss}, epochs: 1{train}}}
"""
    return loads(spec, folder)


def write_table(folder: Path, text: str | None = None) -> None:
    rows = [f"{text},cat" for text in CATS] + [f'"{text}",dog' for text in DOGS]
    content = text or "\n".join(["text,label", *rows])
    (folder / "pets.csv").write_text(content + "\n", encoding="utf-8")


def write_folder(folder: Path) -> None:
    for name, texts in (("cat", CATS), ("dog", DOGS)):
        (folder / name).mkdir(parents=True)
        for count, text in enumerate(texts):
            (folder / name / f"{count}.txt").write_text(text, encoding="utf-8")


def counts(dataset: Dataset) -> list[list[int]]:
    parts = (dataset.train, dataset.validation, dataset.test)
    return [np.bincount(np.asarray(part.targets[0])).tolist() for part in parts if part]


def test_a_drawn_test_part_is_reported(tmp_path):
    write_table(tmp_path)
    assert load(network(tmp_path, "path: pets.csv")).notes == (
        "the data have no test part: a fifth of every class, 4 of the 20 training examples, is the "
        "test part; `test` in data draws another one",
    )


def error(folder: Path, data: str = "path: pets.csv", **options: str | int) -> str:
    with pytest.raises(DataError) as caught:
        load(network(folder, data, **options))  # type: ignore[arg-type]
    return str(caught.value)


def test_a_table_and_a_folder_are_the_same_data(tmp_path):
    write_table(tmp_path)
    write_folder(tmp_path / "pets")
    table, folder = (load(network(tmp_path, f"path: {name}")) for name in ("pets.csv", "pets"))
    assert counts(table) == counts(folder) == [[8, 8], [2, 2]]
    assert table.record.class_names == folder.record.class_names == ("cat", "dog")
    assert table.record.preparation == folder.record.preparation
    for first, second in ((table.train, folder.train), (table.test, folder.test)):
        np.testing.assert_array_equal(first.inputs[0], second.inputs[0])


def test_the_vocabulary_is_of_the_training_part_only(tmp_path):
    rows = ["text,label,part", "red green,a,train", "red blue,b,train", "black,a,test"]
    write_table(tmp_path, "\n".join(rows))
    dataset = load(network(tmp_path, "path: pets.csv, part: part"))
    (column,) = dataset.record.preparation.columns
    assert column.vocabulary == ("red", "green", "blue")
    assert np.asarray(dataset.test.inputs[0]).tolist() == [[1, 0, 0, 0, 0, 0]]
    assert "100% of the tokens of the test texts are not in the vocabulary" in dataset.remarks


def test_parts_are_folders(tmp_path):
    for part in ("train", "test", "val"):
        write_folder(tmp_path / "pets" / part)
    assert counts(load(network(tmp_path, "path: pets"))) == [[10, 10]] * 3


def test_early_stopping_may_watch_the_validation_part_of_a_folder(tmp_path):
    for part in ("train", "test", "val"):
        write_folder(tmp_path / "pets" / part)
    stopping = "early_stopping: {monitor: val_loss}"
    dataset = load(network(tmp_path, "path: pets", train=f", {stopping}"))
    assert dataset.validation is not None
    with pytest.raises(SpecError, match="val_loss"):
        network(tmp_path, "path: pets.csv", train=f", {stopping}")


def test_a_run_uses_what_it_learned(tmp_path):
    write_table(tmp_path)
    texts = network(tmp_path, "path: pets.csv")
    record = load(texts).record
    write_table(tmp_path, "text,label" + "\ncat x,dog\nsleeps dog,cat" * 5)
    again = load(texts, learned=record)
    assert again.record.preparation == record.preparation
    assert again.record.class_names == ("cat", "dog")


def test_long_texts_and_empty_ones_are_reported(tmp_path):
    rows = [*(f"one two {count},a" for count in range(9)), ",b"]
    write_table(
        tmp_path,
        "\n".join(["text,label,part", *(f"{row},train" for row in rows * 2), "x,a,test"]),
    )
    remarks = load(network(tmp_path, "path: pets.csv, part: part", length=2)).remarks
    assert any(text.startswith("90% of the train texts have 2 tokens or more") for text in remarks)
    assert "2 of the 20 train texts have no tokens" in remarks


def test_a_number_can_be_the_target(tmp_path):
    write_table(tmp_path, "text,stars\ngood,5\nbad,1\nfine,4\npoor,2\nso so,3")
    options = {"loss": "mean_squared_error", "units": 1}
    dataset = load(network(tmp_path, "path: pets.csv, target: stars", **options))
    assert np.asarray(dataset.train.targets[0]).dtype == np.float32


def test_errors_are_clear(tmp_path):
    assert "there is no file" in error(tmp_path)
    write_table(tmp_path, "review,label\na,b\nc,d")
    assert "pets.csv has no column 'text'; it has review and label" in error(tmp_path)
    write_table(tmp_path, "text,label\na,b\nc,d\ne,\nf,d")
    assert "pets.csv:4" in error(tmp_path)
    write_table(tmp_path, "text,label")
    assert "pets.csv has no rows" in error(tmp_path)


def test_files_that_are_no_text_are_named(tmp_path):
    write_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "x.txt").write_bytes(b"\xff\xfe\xff")
    text = error(tmp_path, "path: pets")
    assert "1 of the 21 texts in pets cannot be read" in text
    assert "pets/cat/x.txt is not text in utf-8 (byte 0)" in text
    dataset = load(network(tmp_path, "path: pets, on_error: skip"))
    assert counts(dataset) == [[8, 8], [2, 2]]
    (remark,) = dataset.remarks
    assert remark == "pets/cat/x.txt is not text in utf-8 (byte 0); it is left out"


def test_a_vocabulary_larger_than_the_embedding_is_an_error(tmp_path):
    words = " ".join(f"w{count}" for count in range(200))
    write_table(tmp_path, f"text,label\n{words},a\nb,b\nc,a\nd,b\ne,a\nf,b")
    assert "raise input_dim" in error(tmp_path, length=200)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("path: a.csv, scale: 255", "indices are never scaled"),
        ("path: a.csv, resize: pad", "resize is for images"),
        ("path: a.csv, column: label", "is both the text and the target"),
        ("path: a.csv, max_tokens: 2", "max_tokens"),
        ("path: a.csv, encoding: utf-9", "there is no encoding 'utf-9'"),
    ],
)
def test_fields_that_do_not_fit_are_refused(tmp_path, data, message):
    with pytest.raises(SpecError, match=message):
        network(tmp_path, data)


def test_an_input_with_two_axes_is_refused(tmp_path):
    spec = (
        "netspec: 1\nname: x\ninput: [4, 4]\nlayers: [Flatten, Dense: {units: 2, activation: "
        "softmax}]\ndata: {dataset: text, path: a.csv}"
    )
    with pytest.raises(SpecError, match="tokens, which have one axis"):
        loads(spec, tmp_path)
