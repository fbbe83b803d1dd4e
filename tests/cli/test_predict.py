"""What a network sees of an image file, and which files it does not take.

The network here is a camera: it ends in its pixels, and in a 0 beside them.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from commands import netspec_
from frameworks import require
from netspec.backend import find_exporting
from netspec.data.decoding import converted
from netspec.graph import loads
from netspec.weights import initial

CAMERA = """\
netspec: 1
name: camera
input: {input}
layers:
  - Flatten
  - Dense: {{units: {units}, kernel_initializer: identity}}
data: {{dataset: npz, path: none.npz, scale: 255}}
"""


@pytest.fixture(scope="module")
def camera(tmp_path_factory) -> Path:
    """An ONNX file of a grey camera of 2x2 pixels."""
    return written_camera(tmp_path_factory.mktemp("camera"), "[2, 2, 1]", 5)


@pytest.fixture(scope="module")
def colour_camera(tmp_path_factory) -> Path:
    """An ONNX file of an RGB camera of one pixel."""
    return written_camera(tmp_path_factory.mktemp("camera"), "[1, 1, 3]", 4)


def written_camera(folder: Path, input: str, units: int) -> Path:
    require("onnx")
    network = loads(CAMERA.format(input=input, units=units))
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False
    )
    (folder / "camera.onnx").write_bytes(content)
    return folder / "camera.onnx"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            "input: {a: [2, 2, 1], b: [2, 2, 1]}\nlayers: [Add: {inputs: [a, b]}, Flatten]",
            "has 2 inputs and 1 outputs",
        ),
        ("input: [5]\nlayers: [Dense: {units: 2}]", "takes (5), and an image has three axes"),
        ("input: [2, 2, 1]\nlayers: [Flatten, Dense: {units: 1}]", "gives (1), and not one value"),
    ],
    ids=["two inputs", "a vector", "one unit"],
)
def test_a_network_that_classifies_no_images_is_a_fault(spec, reason, tmp_path):
    require("onnx")
    network = loads(f"netspec: 1\nname: other\n{spec}\n")
    weights = initial(network.graph, 0)
    content = find_exporting("onnx").export(network, weights, opset=None, raw_input=False)
    (tmp_path / "other.onnx").write_bytes(content)
    Image.new("L", (2, 2)).save(tmp_path / "image.png")
    ended = netspec_("predict", tmp_path / "other.onnx", tmp_path / "image.png")
    assert ended.status == 1
    assert reason in ended.err


def test_pixels_that_an_embedding_cannot_look_up_are_told(tmp_path):
    require("onnx")
    layers = "[Flatten, Embedding: {input_dim: 9, output_dim: 2}, Flatten]"
    network = loads(
        f"netspec: 1\nname: palette\ninput: [2, 2, 1]\nlayers: {layers}\n"
        "data: {dataset: npz, path: none.npz, scale: 255}\n"
    )
    weights = initial(network.graph, 0)
    content = find_exporting("onnx").export(network, weights, opset=None, raw_input=False)
    (tmp_path / "palette.onnx").write_bytes(content)
    image = saved(tmp_path, Image.new("L", (2, 2), 9))
    ended = netspec_("predict", tmp_path / "palette.onnx", image)
    assert ended.status == 1
    assert "the images hold the index 9, and embedding has 9" in ended.err


def seen(camera: Path, image: Path, *options: str) -> list[int]:
    """The pixels that the camera sees, row by row."""
    (prediction,) = json.loads(netspec_("predict", camera, image, "--json", *options).results)
    row = np.log(list(prediction["probabilities"].values()))
    return np.rint(255 * (row[:-1] - row[-1])).astype(int).tolist()


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options) -> Path:
    image.save(folder / name, **options)
    return folder / name


GREY = np.array([[0, 64], [128, 255]], np.uint8)


def test_a_grey_image_is_seen_as_it_is(camera, tmp_path):
    assert seen(camera, saved(tmp_path, Image.fromarray(GREY))) == [0, 64, 128, 255]


def test_invert_changes_light_and_dark(camera, tmp_path):
    image = saved(tmp_path, Image.fromarray(GREY))
    assert seen(camera, image, "--invert") == [255, 191, 127, 0]


def test_colours_are_seen_as_their_luminance(camera, tmp_path):
    # ITU-R BT.601: 0.299 red, 0.587 green, 0.114 blue.
    image = Image.new("RGB", (2, 2))
    for at, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]):
        image.putpixel((at % 2, at // 2), colour)
    assert seen(camera, saved(tmp_path, image)) == pytest.approx([76, 150, 29, 255], abs=1)


def test_a_network_of_three_channels_sees_colours(colour_camera, tmp_path):
    image = saved(tmp_path, Image.new("RGB", (3, 3), (10, 20, 30)))
    assert seen(colour_camera, image) == [10, 20, 30]


def test_a_network_of_three_channels_sees_grey_as_three_times_the_same(colour_camera, tmp_path):
    assert seen(colour_camera, saved(tmp_path, Image.new("L", (3, 3), 77))) == [77, 77, 77]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_are_seen_as_black(camera, tmp_path, mode):
    image = Image.new(mode, (2, 2), "white")
    image.putalpha(Image.fromarray(np.array([[0, 255], [128, 255]], np.uint8)))
    assert seen(camera, saved(tmp_path, image)) == pytest.approx([0, 255, 128, 255], abs=1)


def test_a_palette_is_seen_as_its_colours(camera, tmp_path):
    image = Image.new("P", (2, 2))
    image.putpalette([0, 0, 0, 64, 64, 64, 128, 128, 128, 255, 255, 255])
    image.putdata([0, 1, 2, 3])
    assert seen(camera, saved(tmp_path, image)) == [0, 64, 128, 255]


def test_the_transparent_colour_of_a_palette_is_seen_as_black(camera, tmp_path):
    image = Image.new("P", (2, 2))
    image.putpalette([255, 255, 255, 64, 64, 64, 128, 128, 128, 200, 200, 200])
    image.putdata([0, 1, 2, 3])
    assert seen(camera, saved(tmp_path, image, transparency=0)) == [0, 64, 128, 200]


def test_an_image_of_one_bit_is_seen_as_black_and_white(camera, tmp_path):
    assert seen(camera, saved(tmp_path, Image.fromarray(GREY > 100))) == [0, 0, 255, 255]


def test_sixteen_bits_are_seen_as_their_upper_eight(camera, tmp_path):
    deep = GREY.astype(np.uint16) * 256 + 255
    assert seen(camera, saved(tmp_path, Image.fromarray(deep))) == [0, 64, 128, 255]


def test_a_jpeg_is_seen_as_its_camera_was_held(camera, tmp_path):
    image = Image.fromarray(np.kron(GREY, np.ones((8, 8), np.uint8)))
    upright = seen(camera, saved(tmp_path, image, "upright.jpg", quality=95))
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side: turn it clockwise
    turned = seen(camera, saved(tmp_path, image, "turned.jpg", quality=95, exif=exif))
    a, b, c, d = upright
    assert turned == pytest.approx([c, a, d, b], abs=1)


def test_an_image_of_one_pixel_fills_the_input(camera, tmp_path):
    assert seen(camera, saved(tmp_path, Image.new("L", (1, 1), 99))) == [99, 99, 99, 99]


def test_an_image_of_other_proportions_is_scaled_to_fit(camera, tmp_path):
    assert seen(camera, saved(tmp_path, Image.new("L", (90, 1), 99))) == [99, 99, 99, 99]


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG file that claims a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


def unreadable() -> Iterator[tuple[str, bytes]]:
    whole = io.BytesIO()
    Image.effect_noise((32, 32), 50).save(whole, "PNG")
    yield "text", b"no image at all"
    yield "empty", b""
    yield "cut off", whole.getvalue()[:-200]
    yield "changed inside", whole.getvalue().replace(b"IDAT", b"IDAX")
    yield "only a header", png(2, 2)
    yield "of no size", png(0, 2)
    yield "of too many pixels", png(30_000, 30_000)
    gif = io.BytesIO()
    Image.new("L", (2, 2)).save(gif, "GIF")
    yield "of another format", gif.getvalue()


UNREADABLE = dict(unreadable())


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_image_that_cannot_be_read_is_a_fault(camera, tmp_path, kind):
    (tmp_path / "image.png").write_bytes(UNREADABLE[kind])
    assert str(tmp_path / "image.png") in netspec_("predict", camera, tmp_path / "image.png").fault


@pytest.mark.parametrize("name", ["nowhere.png", "folder"])
def test_an_image_that_is_not_there_is_a_fault(camera, tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / name) in netspec_("predict", camera, tmp_path / name).fault


def test_a_folder_of_images_is_called_a_folder(camera, tmp_path):
    fault = netspec_("predict", camera, tmp_path).fault

    assert f"{tmp_path} is a folder" in fault
    assert f"name its images, as in {tmp_path}/*.png" in fault


def test_predict_gives_no_results_where_one_image_is_faulty(camera, tmp_path):
    image = saved(tmp_path, Image.fromarray(GREY))
    assert "nowhere.png" in netspec_("predict", camera, image, tmp_path / "nowhere.png").fault


def test_a_model_that_is_no_onnx_file_is_a_fault_that_names_it(spec, tmp_path):
    require("onnx")
    image = saved(tmp_path, Image.fromarray(GREY))
    assert str(spec) in netspec_("predict", spec, image).fault


def test_an_onnx_file_of_another_program_is_a_fault_that_names_it(camera, tmp_path):
    import onnx

    model = onnx.load(camera)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    image = saved(tmp_path, Image.fromarray(GREY))
    fault = netspec_("predict", tmp_path / "other.onnx", image).fault
    assert f"{tmp_path / 'other.onnx'} contains no spec that netspec can read" in fault


def test_a_class_is_shown_without_what_a_terminal_would_obey(tmp_path):
    require("onnx")
    names = 'class_names: ["\\e[2J", "\\e[2J", "\\e[2J", "\\e[2J", "\\e[2J"]'
    text = CAMERA.format(input="[2, 2, 1]", units=5).replace("scale: 255", f"scale: 255, {names}")
    network = loads(text)
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False
    )
    (tmp_path / "camera.onnx").write_bytes(content)
    Image.new("L", (2, 2)).save(tmp_path / "image.png")

    shown = netspec_("predict", tmp_path / "camera.onnx", tmp_path / "image.png").results

    assert "\x1b" not in shown


def test_a_pipe_is_no_image(camera, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("Windows has no named pipes")
    os.mkfifo(tmp_path / "image.png")
    assert "it is no regular file" in netspec_("predict", camera, tmp_path / "image.png").fault


def test_an_image_is_converted_in_strips_as_at_once(monkeypatch):
    image = Image.effect_noise((7, 50), 90).convert("RGBA")
    image.putalpha(Image.effect_noise((7, 50), 90))
    at_once = converted(image, "L", lambda part: part.convert("RGB"))
    monkeypatch.setattr("netspec.data.decoding._STRIP", 30)
    in_strips = converted(image, "L", lambda part: part.convert("RGB"))
    assert np.array_equal(np.asarray(at_once), np.asarray(image.convert("RGB").convert("L")))
    assert np.array_equal(np.asarray(in_strips), np.asarray(at_once))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("netspec.class_names", "5", "does not say how it takes images"),
        ("netspec.class_names", "null", "does not say how it takes images"),
        ("netspec.class_names", "[]", "names 0 classes, and has 5"),
        ("netspec.class_names", "[1, 2, 3, 4, 5]", "does not say how it takes images"),
        ("netspec.class_names", "9" * 400, "does not say how it takes images"),
        ("netspec.scale", "9" * 400, "does not say how it takes images"),
        ("netspec.scale", "0", "does not say how it takes images"),
        ("netspec.scale", "nan", "does not say how it takes images"),
        ("netspec.largest_pixel", "-1", "does not say how it takes images"),
        ("netspec.spec", "5", "contains no spec that netspec can read"),
        ("netspec.spec", CAMERA.format(input="[2, 3, 1]", units=5), "has other inputs or outputs"),
        ("netspec.spec", CAMERA.format(input="[2, 2, 1]", units=4), "has other inputs or outputs"),
    ],
)
def test_metadata_that_is_not_of_netspec_is_a_fault(camera, tmp_path, key, value, message):
    import onnx

    from netspec_onnx.seal import HASH, KEY

    model = onnx.load(camera)
    metadata = {
        each.key: each.value for each in model.metadata_props if each.key not in (HASH, KEY)
    }
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata | {key: value})
    onnx.save(model, tmp_path / "other.onnx")
    image = saved(tmp_path, Image.fromarray(GREY))
    assert message in netspec_("predict", tmp_path / "other.onnx", image).fault
