"""Specs that are written for a user's data: they are valid, fit the data, and train unchanged."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.image_files import save_classes, save_image
from netspec.data import load as load_data
from netspec.data.drafts import Place, draft, network_name
from netspec.data.suspicious import suspicions
from netspec.language.data import SOURCES
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError

RANDOM = np.random.default_rng(0)


def drafted(folder: Path, name: str, target: str | None = None) -> Network:
    """The network of the spec that is written for data in a folder; its data are opened."""
    network = loads(draft("drafted", Place(folder / name, folder), target).text, folder)
    load_data(network)
    return network


def layers(network: Network) -> list[str]:
    return [node.layer.tag for node in network.graph.nodes]


def noise(path: Path, size: tuple[int, int], mode: str = "RGB") -> None:
    """Write an image of noise; `size` is (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else size[::-1]
    Image.fromarray(RANDOM.integers(0, 256, shape).astype(np.uint8)).save(path)


def save_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


# Images


def test_images_of_one_size_are_not_resized(tmp_path: Path) -> None:
    for label in "ab":
        for index in range(20):
            noise(tmp_path / f"photos/{label}/{index}.png", (12, 10), "L")
    network = drafted(tmp_path, "photos")
    assert network.graph.input_shape == (10, 12, 1)
    assert network.spec.data is not None
    assert network.spec.data.resize is None
    assert network.graph.output.shape == (2,)
    assert suspicions(load_data(network), network) == []


def test_larger_images_have_their_median_proportions(tmp_path: Path) -> None:
    for label in "ab":
        for index, width in enumerate([300, 400, 500]):
            noise(tmp_path / f"photos/{label}/{index}.jpg", (width, 200))
    network = drafted(tmp_path, "photos")
    assert network.graph.input_shape == (64, 128, 3)
    assert network.spec.data is not None
    assert network.spec.data.resize is not None


def test_an_image_that_is_stored_turned_has_its_shown_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in "ab":
        for index in range(3):
            path = tmp_path / f"photos/{label}/{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 32), (index, 0, 0)).save(path, exif=exif)
    assert drafted(tmp_path, "photos").graph.input_shape == (64, 32, 3)


def test_a_validation_folder_is_the_validation_part(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        save_classes(tmp_path / "photos" / part)
    network = drafted(tmp_path, "photos")
    assert network.spec.train is not None
    assert network.spec.train.validation is None
    assert network.spec.train.early_stopping is not None


def test_few_images_keep_none_for_validation(tmp_path: Path) -> None:
    save_classes(tmp_path / "photos", 4)
    network = drafted(tmp_path, "photos")
    assert network.spec.train is not None
    assert network.spec.train.validation is None
    assert network.spec.train.early_stopping is None


def test_broken_images_are_left_to_the_training(tmp_path: Path) -> None:
    save_classes(tmp_path / "photos")
    (tmp_path / "photos/cat/broken.png").write_bytes(b"no image")
    text = draft("drafted", Place(tmp_path / "photos", tmp_path)).text
    with pytest.raises(DataError, match="1 of the 21 image files"):
        load_data(loads(text, tmp_path))


def test_names_with_line_breaks_stay_in_their_comment(tmp_path: Path) -> None:
    for label in ("a\nlayers: [Flatten]", "b\u2028c"):
        for index in range(3):
            save_image(tmp_path / "photos" / label / f"{index}.png", 40 * index)
    network = drafted(tmp_path, "photos")
    assert layers(network)[-1] == "Dense"


def test_a_path_with_signs_of_the_language_is_quoted(tmp_path: Path) -> None:
    name = 'my $photos: "new"'
    save_classes(tmp_path / name)
    network = drafted(tmp_path, name)
    assert network.spec.data is not None
    assert network.spec.data.paths["path"] == name


# Tables

ROWS = [
    (f"A{index:04}", index, index % 7 or "", ["north", "south", "east"][index % 3], index * 1.5)
    for index in range(120)
]
HEADER = ("code", "row", "rooms", "district", "price")


def test_a_number_is_a_regression_with_its_mean(tmp_path: Path) -> None:
    save_table(tmp_path / "sales.csv", HEADER, ROWS)
    network = drafted(tmp_path, "sales.csv", "price")
    assert layers(network) == ["Dense", "Dense", "Dense", "Rescaling"]
    assert network.graph.input_shape == (1 + 4,)  # rooms; three districts and unknown ones
    train = network.spec.train
    assert train is not None
    assert getattr(train.loss, "tag", None) == "mean_squared_error"


def test_identifiers_and_constant_columns_are_left_out(tmp_path: Path) -> None:
    rows = [(*row, "same") for row in ROWS]
    save_table(tmp_path / "sales.csv", (*HEADER, "kind"), rows)
    network = drafted(tmp_path, "sales.csv", "price")
    source = network.spec.data
    assert isinstance(source, SOURCES["table"])
    assert source.exclude == ("code", "row", "kind")
    assert source.types == {"rooms": "number", "district": "category"}


@pytest.mark.parametrize(
    ("values", "classes"),
    [(["no", "yes"], 2), ([0, 1, 2], 3), ([1.5, 2.5], None), ([*range(60)], None)],
    ids=["texts", "few whole numbers", "fractions", "many whole numbers"],
)
def test_the_values_of_a_target_decide_the_loss(
    values: list[object], classes: int | None, tmp_path: Path
) -> None:
    rows = [(RANDOM.normal(), values[index % len(values)]) for index in range(120)]
    save_table(tmp_path / "rows.csv", ("x", "y"), rows)
    network = drafted(tmp_path, "rows.csv", "y")
    assert network.graph.output.shape == (classes or 1,)
    assert network.graph.nodes[-1].layer.tag == ("Dense" if classes else "Rescaling")


def test_a_decimal_comma_is_seen(tmp_path: Path) -> None:
    lines = [f"{7 * index % 60},5;{2 * index},25" for index in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["a;b", *lines]), "utf-8")
    network = drafted(tmp_path, "rows.csv", "b")
    assert network.graph.input_shape == (1,)
    assert suspicions(load_data(network), network) == []


@pytest.mark.parametrize(
    ("order", "expected"), [("{day}.{month}.2024", "%d.%m.%Y"), ("{month}/{day}/2024", "%m/%d/%Y")]
)
def test_the_order_of_a_date_is_seen(order: str, expected: str, tmp_path: Path) -> None:
    rows = [
        (order.format(day=index % 28 + 1, month=index % 12 + 1), index * 0.5) for index in range(90)
    ]
    save_table(tmp_path / "rows.csv", ("date", "y"), rows)
    source = drafted(tmp_path, "rows.csv", "y").spec.data
    assert isinstance(source, SOURCES["table"])
    assert source.types["date"].time == expected


def test_a_column_with_signs_of_the_language_is_quoted(tmp_path: Path) -> None:
    header = ("price ($)", "no", "a: b #c")
    rows = [(RANDOM.normal(), RANDOM.normal(), RANDOM.normal()) for _ in range(60)]
    save_table(tmp_path / "rows.csv", header, rows)
    source = drafted(tmp_path, "rows.csv", "a: b #c").spec.data
    assert isinstance(source, SOURCES["table"])
    assert [*source.types] == ["price ($)", "no"]


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    columns = {"x": RANDOM.normal(size=50), "y": ["a", "b"] * 25}
    pyarrow.write_table(pa.table(columns), tmp_path / "rows.parquet")
    assert drafted(tmp_path, "rows.parquet", "y").graph.output.shape == (2,)


def test_a_missing_target_names_the_columns(tmp_path: Path) -> None:
    save_table(tmp_path / "sales.csv", HEADER, ROWS)
    with pytest.raises(DataError, match="code, row, rooms, district and price") as caught:
        drafted(tmp_path, "sales.csv")
    assert caught.value.help == "name the column to predict, as in `--target price`"
    with pytest.raises(DataError, match="no column 'prise'") as caught:
        drafted(tmp_path, "sales.csv", "prise")
    assert caught.value.help == "did you mean price?"


# Arrays


def save_arrays(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x[:5], y_test=y[:5])


@pytest.mark.parametrize(
    ("shape", "first"),
    [((8, 8), "Conv2D"), ((8, 8, 3), "Conv2D"), ((5,), "BatchNormalization")],
)
def test_the_shape_of_arrays_decides_the_layers(
    shape: tuple[int, ...], first: str, tmp_path: Path
) -> None:
    x = RANDOM.integers(0, 256, (60, *shape)).astype(np.uint8)
    save_arrays(tmp_path, x, np.arange(60) % 3)
    network = drafted(tmp_path, "data.npz")
    assert layers(network)[0] == first
    assert network.graph.output.shape == (3,)


def test_labels_may_count_from_one(tmp_path: Path) -> None:
    save_arrays(tmp_path, RANDOM.normal(size=(60, 4)), np.arange(60) % 3 + 1)
    network = drafted(tmp_path, "data.npz")
    assert network.spec.data is not None
    assert network.spec.data.first_label == 1


def test_several_numbers_are_several_outputs(tmp_path: Path) -> None:
    save_arrays(tmp_path, RANDOM.normal(size=(60, 4)), RANDOM.normal(size=(60, 2)) * [1, 100])
    network = drafted(tmp_path, "data.npz")
    assert network.graph.output.shape == (2,)


def test_arrays_without_a_network_are_refused(tmp_path: Path) -> None:
    save_arrays(tmp_path, RANDOM.normal(size=(60, 4, 4, 4)), np.arange(60) % 3)
    with pytest.raises(DataError, match="is \\(60, 4, 4, 4\\)"):
        drafted(tmp_path, "data.npz")


# Names


@pytest.mark.parametrize(
    ("path", "name"),
    [("my photos/", "my_photos"), ("2024.csv", "data_2024"), ("é.csv", "network"), ("a.npz", "a")],
)
def test_a_network_has_the_name_of_its_data(path: str, name: str) -> None:
    assert network_name(Path(path)) == name


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("text", "utf-8")
    with pytest.raises(DataError, match="is not a folder of images"):
        drafted(tmp_path, "data.txt")
