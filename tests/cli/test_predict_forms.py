"""`netspec predict` for arrays, several outputs, steps and pixels, and what it writes.

The networks here repeat their inputs, so that the values are known.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from commands import netspec_
from frameworks import require
from netspec.backend import find_exporting
from netspec.data.record import describe
from netspec.data.saving import save_npy, save_npz
from netspec.data.table import Table
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec.runs.drawn import colours

RECORD = describe("npz", Table.from_arrays({"x_train": np.array([[0], [255]], np.uint8)}))
HEAD = "netspec: 1\nname: same\n"

PIXELS = """\
input: [2, 2, 3]
layers: [{layer}]
data: {{dataset: npz, path: none.npz, scale: 255{data}}}
"""
CLASSES = PIXELS.format(layer="Softmax", data=", class_names: [sky, road, tree]")
AUTOENCODER = PIXELS.format(layer="Rescaling: {scale: 2}", data=", target: input")

SEVERAL = """\
input: [1, 2, 1]
layers:
  - Flatten: {name: flat}
  - Softmax: {name: digit, inputs: flat}
  - Rescaling: {name: size, inputs: flat, scale: 10}
  - Activation: {name: tags, inputs: flat, activation: sigmoid}
output: [digit, size, tags]
data: {dataset: npz, path: none.npz, scale: 255}
"""
STEPS = """\
input: [3, 2]
layers: [Softmax]
data: {dataset: npz, path: none.npz, class_names: [up, down]}
"""
PAIR = """\
input: {left: [2], right: [2]}
layers: [Subtract: {inputs: [left, right]}]
data: {dataset: npz, path: none.npz}
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def exported(text: str, weights=None) -> Path:
    """An ONNX file in the current folder."""
    require("onnx")
    network = loads(HEAD + text)
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0) | (weights or {}), record=RECORD
    )
    path = Path("same.onnx")
    path.write_bytes(content)
    return path


def saved(path: str, pixels: object) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).save(path)
    return Path(path)


def rows_of(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


# Arrays


X = np.array([[[5, 0], [0, 1], [2, 1]], [[0, 0], [1, 3], [9, 0]]], np.float32)
DOWN = np.exp(X[..., 1]) / np.exp(X).sum(-1)


@pytest.mark.parametrize("arrays", [{"x": X, "y": X}, {"x_test": X, "x_train": X}, {"z": X}])
def test_the_array_of_the_only_input_is_recognized(here, arrays):
    np.savez("a.npz", **arrays, other=np.zeros(3))
    rows = rows_of(netspec_("predict", exported(STEPS), "a.npz", "--csv", "-").results)
    assert [(row["index"], row["step"]) for row in rows] == [
        (index, step) for index in "01" for step in "123"
    ]
    values = [float(row["probability_down"]) for row in rows]
    np.testing.assert_allclose(values, DOWN.ravel(), rtol=1e-5)


def test_several_inputs_are_arrays_by_name(here):
    model, left, right = exported(PAIR), np.array([[5, 7], [1, 2]]), np.array([[1, 1], [2, 2]])
    np.savez("a.npz", left=left, x_right=right)
    expected = ["index  predicted_0  predicted_1", "0      4            6"]
    assert netspec_("predict", model, "a.npz").results.splitlines()[:2] == expected
    np.save("left.npy", left)
    np.save("right.npy", right)
    assert netspec_("predict", model, "right.npy", "left.npy").results.splitlines()[:2] == expected
    np.testing.assert_array_equal(netspec.predict(model, "a.npz"), left - right)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X[:, :2]}, "x in a.npz is (2, 2, 2), and input takes (3, 2)"),
        ({"a": X, "b": X}, "a.npz has a (2, 3, 2) and b (2, 3, 2): which of them is input"),
        ({"x": np.full_like(X, np.inf)}, "predicts values for a.npz, index 0 that are not finite"),
        ({"x": X.astype(object)}, "holds Python objects, which are never unpickled"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(here, arrays, message):
    np.savez("a.npz", **arrays)
    assert message in netspec_("predict", exported(STEPS), "a.npz").fault


def test_inputs_of_different_lengths_are_refused(here):
    np.savez("a.npz", left=np.zeros((2, 2)), right=np.zeros((3, 2)))
    fault = netspec_("predict", exported(PAIR), "a.npz").fault
    assert "different numbers of examples: left 2 and right 3" in fault


def test_outputs_are_written_as_arrays(here):
    np.savez("a.npz", x=X)
    model = exported(STEPS)
    shown = netspec_("predict", model, "a.npz", "-o", "b.npz").results
    assert shown == "Wrote b.npz: predictions (2, 3, 2)\n"
    with np.load("b.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["predictions"], netspec.predict(model, X))
    assert netspec_("predict", model, "a.npz", "-o", "b.npy").results
    np.testing.assert_array_equal(np.load("b.npy"), netspec.predict(model, X))


def test_arrays_of_images_have_the_files(here):
    image = saved("in/a.png", [[0, 255]])
    model = exported(SEVERAL)
    assert netspec_("predict", model, image, "-o", "b.npz").status == 0
    with np.load("b.npz", allow_pickle=False) as file:
        assert {*file} == {"file", "digit", "size", "tags"}
        assert file["file"].tolist() == ["in/a.png"]
        np.testing.assert_allclose(file["size"], [[0, 10]], rtol=1e-6)
        np.testing.assert_array_equal(file["tags"], netspec.predict(model, image)["tags"])
    fault = netspec_("predict", model, image, "-o", "b.npy").fault
    assert "the network has 3 outputs, and b.npy is a file of one array" in fault


def test_parts_of_arrays_become_one_array(here):
    parts = [np.arange(size * 2.0).reshape(size, 2) for size in (3, 1, 4)]
    shapes = save_npz(here / "a.npz", ({"x": part} for part in parts), {"name": ["ä", "b"]})
    assert shapes == {"x": (8, 2)}
    with np.load("a.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["x"], np.concatenate(parts))
        assert file["name"].tolist() == ["ä", "b"]
    save_npy(here / "a.npy", [{"x": parts[0]}])
    np.testing.assert_array_equal(np.load("a.npy"), parts[0])
    assert {path.name for path in here.iterdir()} == {"a.npz", "a.npy"}


# Several outputs, steps


def test_several_outputs_are_printed_by_name(here):
    image = saved("in/a.png", [[0, 255]])
    # e / (1 + e) is the probability of the second class, and of its label.
    assert netspec_("predict", exported(SEVERAL), image).results.splitlines() == [
        "in/a.png",
        "  digit  1  0.7311",
        "  size   0  10",
        "  tags   1 0.7311",
    ]


def test_columns_have_the_names_of_outputs(here):
    image = saved("in/a.png", [[0, 255]])
    (row,) = rows_of(netspec_("predict", exported(SEVERAL), image, "--csv", "-").results)
    assert [*row] == [
        *("file", "predicted_digit", "probability_digit_0", "probability_digit_1"),
        *("predicted_size_0", "predicted_size_1"),
        *("predicted_tags", "probability_tags_0", "probability_tags_1"),
    ]
    assert (row["predicted_digit"], row["predicted_tags"]) == ("1", "1")
    assert float(row["predicted_size_1"]) == pytest.approx(10)


def test_json_has_the_names_of_outputs(here):
    image = saved("in/a.png", [[0, 255]])
    (data,) = json.loads(netspec_("predict", exported(SEVERAL), image, "--json").results)
    assert {name: some["kind"] for name, some in data["outputs"].items()} == {
        "digit": "classes",
        "size": "values",
        "tags": "labels",
    }
    assert data["outputs"]["digit"]["label"] == "1"
    assert data["outputs"]["tags"]["labels"] == ["1"]


def test_long_outputs_fit_a_terminal(here):
    spec = SEVERAL.replace("[1, 2, 1]", "[4, 10, 1]")
    image = saved("in/a.png", np.full((4, 10), 200))
    lines = netspec_("predict", exported(spec), image).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.count("7.84314") for line in lines) == 40


def test_steps_are_printed_as_rows(here):
    np.save("a.npy", X[:1])
    assert netspec_("predict", exported(STEPS), "a.npy").results.splitlines() == [
        "index  step  predicted  probability",
        "0      1     up         0.9933",
        "0      2     down       0.7311",
        "0      3     up         0.7311",
    ]


def test_json_has_a_list_of_steps(here):
    np.save("a.npy", X)
    _, data = json.loads(netspec_("predict", exported(STEPS), "a.npy", "--json").results)
    assert data["index"] == 1
    assert [(step["step"], step["label"]) for step in data["steps"]] == [
        (1, "up"),
        (2, "down"),
        (3, "up"),
    ]


# Pixels

COLOURED = [[[255, 0, 0], [0, 255, 0]], [[0, 255, 0], [0, 0, 255]]]


def test_classes_of_pixels_are_a_palette(here):
    saved("in/a.png", COLOURED)
    saved("in/b/c.png", COLOURED)
    shown = netspec_("predict", exported(CLASSES), "in", "-o", "out").results
    assert shown.splitlines() == [
        "in/a.png    road 50.0%  sky 25.0%  tree 25.0%",
        "in/b/c.png  road 50.0%  sky 25.0%  tree 25.0%",
        "class  colour   index  share",
        "────────────────────────────",
        "sky    #000000      0  25.0%",
        "road   #800000      1  50.0%",
        "tree   #008000      2  25.0%",
        "Wrote 2 images into out",
    ]
    with Image.open("out/b/c.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(image, [[0, 1], [1, 2]])
        assert image.convert("RGB").getpixel((1, 1)) == (0, 128, 0)


def test_the_colours_are_of_pascal_voc():
    # Of VOCdevkit: aeroplane, bicycle, bird, boat, chair and the border.
    known = {1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 4: (0, 0, 128), 9: (192, 0, 0)}
    table = colours(256)
    assert {index: tuple(table[index].tolist()) for index in known} == known
    assert table[255].tolist() == [224, 224, 192]
    assert len(np.unique(table, axis=0)) == 256


def test_shares_are_columns_and_json(here):
    saved("in/a.png", COLOURED)
    model = exported(CLASSES)
    (row,) = rows_of(netspec_("predict", model, "in", "--csv", "-").out)
    assert row == {
        "file": "in/a.png",
        "share_sky": "0.25",
        "share_road": "0.5",
        "share_tree": "0.25",
    }
    (data,) = json.loads(netspec_("predict", model, "in", "--json", "-o", "out").results)
    assert (data["image"], data["shares"]["road"]) == ("out/a.png", 0.5)
    assert "--output DIR" in netspec_("predict", model, "in").err


def test_an_autoencoder_writes_rgb(here):
    # Twice the input: what is above white is white, and counted.
    saved("in/a.png", [[[10, 20, 30], [100, 127, 200]], [[0, 0, 0], [1, 2, 3]]])
    ended = netspec_("predict", exported(AUTOENCODER), "in", "-o", "out")
    assert "note: 8.33% of the values are not from 0 to 1" in ended.err
    with Image.open("out/a.png") as image:
        assert image.mode == "RGB"
        expected = [[[20, 40, 60], [200, 254, 255]], [[0, 0, 0], [2, 4, 6]]]
        np.testing.assert_array_equal(image, expected)


def test_one_channel_is_written_in_grey(here):
    text = AUTOENCODER.replace("[2, 2, 3]", "[2, 2, 1]").replace("scale: 2", "scale: 1")
    saved("in/a.png", [[0, 64], [128, 255]])
    assert netspec_("predict", exported(text), "in", "-o", "out").results
    with Image.open("out/a.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(image, [[0, 64], [128, 255]])


def test_arrays_of_pixels_write_images_too(here):
    np.save("a.npy", np.array([COLOURED, COLOURED]))
    assert netspec_("predict", exported(CLASSES), "a.npy", "-o", "out").status == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["0.png", "1.png"]


def test_files_of_others_are_never_replaced(here):
    saved("in/a.png", COLOURED)
    model = exported(CLASSES)
    before = saved("out/a.png", COLOURED).read_bytes()
    assert "out/a.png is there already" in netspec_("predict", model, "in", "-o", "out").fault
    assert Path("out/a.png").read_bytes() == before
    assert "in/a.png is an input" in netspec_("predict", model, "in", "-o", "in").fault
    for _ in range(2):  # an image that netspec has written is replaced
        assert netspec_("predict", model, "in", "-o", "new").results


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (CLASSES, ("in", "in/a.png", "-o", "out"), "the predictions of two inputs would both be"),
        (CLASSES, ("in", "--top", "2"), "predicts the classes of pixels, and --top is for"),
        (CLASSES, ("in", "-o", "b.npz", "--json"), "--json and --output b.npz are two forms"),
        (SEVERAL.replace("[1, 2, 1]", "[2, 2, 3]"), ("in", "-o", "out"), "predicts no images"),
    ],
)
def test_what_cannot_be_written_is_refused(here, text, arguments, message):
    saved("in/a.png", COLOURED)
    assert message in netspec_("predict", exported(text), *arguments).fault
