"""A spec is written for texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.image_files import save_image
from netspec.data import load
from netspec.data.drafts import Place, draft
from netspec.network import Network, loads

pytest.importorskip("pyarrow")
TEXTS = {
    "cat": [f"the cat number {count} sleeps" for count in range(20)],
    "dog": [f"a dog called {count} runs far" for count in range(20)],
}


def network_of(folder: Path, name: str, target: str | None = None) -> Network:
    text = draft("pets", Place(folder / name, folder), target).text
    return loads(text, folder)


def test_a_table_with_one_column_of_sentences_is_texts(tmp_path):
    rows = [f"{text},{name}" for name, texts in TEXTS.items() for text in texts]
    (tmp_path / "pets.csv").write_text("\n".join(["review,kind", *rows]), encoding="utf-8")
    network = network_of(tmp_path, "pets.csv", "kind")
    assert network.graph.input_shape == (10,)
    assert load(network).record.class_names == ("cat", "dog")


def test_a_folder_of_text_files_is_texts(tmp_path):
    for name, texts in TEXTS.items():
        (tmp_path / "pets" / name).mkdir(parents=True)
        for count, text in enumerate(texts):
            (tmp_path / "pets" / name / f"{count}.txt").write_text(text, encoding="utf-8")
    assert load(network_of(tmp_path, "pets")).record.class_names == ("cat", "dog")


def test_a_folder_with_parts_is_not_split_again(tmp_path):
    for part in ("train", "val", "test"):
        for name, texts in TEXTS.items():
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            for count, text in enumerate(texts):
                path = tmp_path / "pets" / part / name / f"{count}.txt"
                path.write_text(f"{text} {part}", encoding="utf-8")
    network = network_of(tmp_path, "pets")
    dataset = load(network)
    assert dataset.validation is not None
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [40] * 3
    assert network.spec.train is not None
    assert network.spec.train.early_stopping is not None


def test_a_text_about_images_makes_no_texts_of_them(tmp_path):
    for name in TEXTS:
        (tmp_path / "pets" / name).mkdir(parents=True)
        for count in range(3):
            save_image(tmp_path / "pets" / name / f"{count}.png")
    (tmp_path / "pets" / "README.txt").write_text("Photographs of pets", encoding="utf-8")
    network = network_of(tmp_path, "pets")
    assert network.spec.data is not None
    assert network.spec.data.dataset == "images"


def test_the_target_of_texts_may_be_a_number(tmp_path):
    rows = [f"{text},{place / 7}" for place, text in enumerate(TEXTS["dog"])]
    (tmp_path / "pets.csv").write_text("\n".join(["text,price", *rows]), encoding="utf-8")
    network = network_of(tmp_path, "pets.csv", "price")
    assert network.objectives[0].loss.tag == "mean_squared_error"
    assert np.asarray(load(network).train.targets[0]).dtype == np.float32


def test_identifiers_are_no_texts(tmp_path):
    rows = [f"id{place},{place % 3},{'ab'[place % 2]}" for place in range(40)]
    (tmp_path / "rows.csv").write_text("\n".join(["id,size,kind", *rows]), encoding="utf-8")
    network = network_of(tmp_path, "rows.csv", "kind")
    assert network.spec.data is not None
    assert network.spec.data.dataset == "table"
