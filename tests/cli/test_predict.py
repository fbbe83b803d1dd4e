"""What a network sees of an image file, and which files it does not take.

The network here is a camera: its outputs are its pixels, divided by 255.
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
from netspec.data.record import describe
from netspec.data.table import Table
from netspec.network import loads
from netspec.numerics.initial import initial

CAMERA = """\
netspec: 1
name: camera
input: {input}
layers:
  - Flatten
  - Dense: {{units: {units}, kernel_initializer: identity}}
data: {{dataset: npz, path: none.npz, scale: 255}}
"""
RECORD = describe("npz", Table.from_arrays({"x_train": np.array([[0], [255]], np.uint8)}))


@pytest.fixture(scope="module")
def camera(tmp_path_factory) -> Path:
    """An ONNX file of a grey camera of 2x2 pixels."""
    return written_camera(tmp_path_factory.mktemp("camera"), "[2, 2, 1]", 4)


@pytest.fixture(scope="module")
def colour_camera(tmp_path_factory) -> Path:
    """An ONNX file of an RGB camera of one pixel."""
    return written_camera(tmp_path_factory.mktemp("camera"), "[1, 1, 3]", 3)


def written_camera(folder: Path, input: str, units: int, data: str = "", record=RECORD) -> Path:
    require("onnx")
    text = CAMERA.format(input=input, units=units).replace("scale: 255", f"scale: 255{data}")
    return written_file(folder / "camera.onnx", text, record)


def written_file(
    path: Path, text: str, record=RECORD, weights=None, *, raw_input: bool = False
) -> Path:
    """An ONNX file of a spec with its initial weights, some of them replaced."""
    network = loads(text)
    content = find_exporting("onnx").export(
        network,
        initial(network.graph, 0) | (weights or {}),
        opset=None,
        raw_input=raw_input,
        record=record,
    )
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            "input: {a: [2, 2, 1], b: [2, 2, 1]}\nlayers: [Add: {inputs: [a, b]}, Flatten]",
            "has 2 inputs, and predict takes one image each",
        ),
        ("input: [5]\nlayers: [Dense: {units: 2}]", "takes (5), and an image has three axes"),
    ],
    ids=["two inputs", "a vector"],
)
def test_a_network_that_takes_no_image_is_a_fault(spec, reason, tmp_path):
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
    (prediction,) = json.loads(netspec_("predict", camera, image, "--json", *options).out)
    values = list(prediction["values"].values())
    return np.rint(np.multiply(values, 255)).astype(int).tolist()


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
    for index, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]):
        image.putpixel((index % 2, index // 2), colour)
    assert seen(camera, saved(tmp_path, image)) == pytest.approx([76, 150, 29, 255], abs=1)


def test_a_network_of_three_channels_sees_colours(colour_camera, tmp_path):
    image = saved(tmp_path, Image.new("RGB", (3, 3), (10, 20, 30)))
    assert seen(colour_camera, image) == [10, 20, 30]


def test_a_network_of_three_channels_sees_grey_as_three_times_the_same(colour_camera, tmp_path):
    assert seen(colour_camera, saved(tmp_path, Image.new("L", (3, 3), 77))) == [77, 77, 77]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_are_seen_as_white_paper(camera, tmp_path, mode):
    image = Image.new(mode, (2, 2), "black")
    image.putalpha(Image.fromarray(np.array([[0, 255], [128, 255]], np.uint8)))
    assert seen(camera, saved(tmp_path, image)) == pytest.approx([255, 0, 127, 0], abs=1)


def test_a_palette_is_seen_as_its_colours(camera, tmp_path):
    image = Image.new("P", (2, 2))
    image.putpalette([0, 0, 0, 64, 64, 64, 128, 128, 128, 255, 255, 255])
    image.putdata([0, 1, 2, 3])
    assert seen(camera, saved(tmp_path, image)) == [0, 64, 128, 255]


def test_the_transparent_colour_of_a_palette_is_seen_as_white(camera, tmp_path):
    image = Image.new("P", (2, 2))
    image.putpalette([255, 255, 255, 64, 64, 64, 128, 128, 128, 0, 0, 0])
    image.putdata([0, 1, 2, 3])
    assert seen(camera, saved(tmp_path, image, transparency=3)) == [255, 64, 128, 255]


def png_file(folder: Path, depth: int, colour: int, rows: bytes, transparency: bytes) -> Path:
    """A PNG file of 2x2 pixels whose tRNS chunk names a transparent value."""
    header = struct.pack(">IIBBBBB", 2, 2, depth, colour, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tRNS", transparency)
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (folder / "image.png").write_bytes(content)
    return folder / "image.png"


def test_the_transparent_value_of_16_bits_is_seen_as_white(camera, tmp_path):
    rows = struct.pack(">BHHBHH", 0, 0, 64 * 257, 0, 5, 128 * 257)
    path = png_file(tmp_path, 16, 0, rows, struct.pack(">H", 0))
    assert seen(camera, path) == [255, 64, 0, 128]


def test_the_transparent_colour_of_16_bits_is_seen_as_white(camera, tmp_path):
    black, other = (0x0034, 0, 0), (0x3412, 0x3412, 0x3412)
    rows = b"\0" + struct.pack(">6H", *other, *black) + b"\0" + struct.pack(">6H", *black, *black)
    path = png_file(tmp_path, 16, 2, rows, struct.pack(">3H", *other))
    assert seen(camera, path) == [255, 0, 0, 0]


def test_the_transparent_value_of_4_bits_is_seen_as_white(camera, tmp_path):
    path = png_file(tmp_path, 4, 0, bytes([0, 0x30, 0, 0x35]), struct.pack(">H", 3))
    assert seen(camera, path) == [255, 0, 255, 85]


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


WIDE = np.array([[10, 20, 200, 100], [10, 20, 200, 100]], np.uint8)


@pytest.mark.parametrize(
    ("resize", "pixels"),
    [
        ("stretch", [41, 124, 41, 124]),
        ("crop", [20, 200, 20, 200]),
        ("pad", [41, 124, 0, 0]),
    ],
)
def test_an_image_of_other_proportions_is_made_to_fit(camera, tmp_path, resize, pixels):
    image = saved(tmp_path, Image.fromarray(WIDE))
    assert seen(camera, image, "--resize", resize) == pytest.approx(pixels, abs=20)
    in_spec = written_camera(tmp_path, "[2, 2, 1]", 4, f", resize: {resize}")
    assert seen(in_spec, image) == seen(camera, image, "--resize", resize)


def test_what_is_padded_is_black_after_inverting_too(camera, tmp_path):
    image = saved(tmp_path, Image.new("L", (4, 2), 55))
    assert seen(camera, image, "--resize", "pad", "--invert") == [200, 200, 0, 0]


@pytest.mark.parametrize("size", [(90, 1), (1, 90)])
@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_a_line_is_made_to_fit(camera, tmp_path, size, resize):
    image = saved(tmp_path, Image.new("L", size, 99))
    assert set(seen(camera, image, "--resize", resize)) <= {0, 99}


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
def test_an_image_with_one_value_gets_a_warning(camera, tmp_path, mode):
    ended = netspec_("predict", camera, saved(tmp_path, Image.new(mode, (5, 5))))
    assert ended.status == 0
    assert "image.png: it has only one value" in ended.err


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG file that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


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
    ppm = io.BytesIO()
    Image.new("L", (2, 2)).save(ppm, "PPM")
    yield "of another format", ppm.getvalue()


UNREADABLE = dict(unreadable())


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_image_that_cannot_be_read_is_a_fault(camera, tmp_path, kind):
    (tmp_path / "image.png").write_bytes(UNREADABLE[kind])
    assert str(tmp_path / "image.png") in netspec_("predict", camera, tmp_path / "image.png").fault


@pytest.mark.parametrize("name", ["nowhere.png", "folder"])
def test_an_image_that_is_not_there_is_a_fault(camera, tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / name) in netspec_("predict", camera, tmp_path / name).fault


def test_a_missing_image_is_named_and_others_predicted(camera, tmp_path):
    image = saved(tmp_path, Image.fromarray(GREY))
    ended = netspec_("predict", camera, tmp_path / "nowhere.png", image)
    assert (ended.status, len(ended.out.splitlines())) == (1, 1)
    assert "nowhere.png" in ended.err


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
    names = ', class_names: ["\\e[2J", a, b, c]'
    camera = written_camera(tmp_path, "[2, 2, 1]", 4, names)
    image = saved(tmp_path, Image.fromarray(GREY))
    assert "\x1b" not in netspec_("predict", camera, image).results


KINDS = """\
netspec: 1
name: kinds
input: [1, 3, 1]
layers:
  - Flatten
  - Dense: {{units: {units}, kernel_initializer: {kernel}, activation: {activation}}}
data: {{dataset: npz, path: none.npz, scale: 255{data}}}
"""


def printed(folder: Path, text: str, **options) -> str:
    """The line of an image whose inputs are 0, 1 and 0.2."""
    model = written_file(folder / "kinds.onnx", text, **options)
    pixels = np.array([[0, 255, 51]], np.uint8)
    image = saved(folder, Image.fromarray(pixels), "in.png")
    ended = netspec_("predict", model, image)
    assert (ended.status, ended.err) == (0, "")
    return ended.out.removeprefix(f"{image}  ").rstrip("\n")


def kinds(activation: str, data: str = "", units: int = 3, kernel: str = "identity") -> str:
    return KINDS.format(activation=activation, data=data, units=units, kernel=kernel)


def test_softmax_prints_the_likeliest_class(tmp_path):
    names = ", class_names: [a, b, c]"
    # e^1 / (e^0 + e^1 + e^0.2)
    assert printed(tmp_path, kinds("softmax", names)) == "b  0.5503"


def test_softmax_prints_the_label_of_data_that_count_from_1(tmp_path):
    # The labels of the units are 1, 2 and 3.
    assert printed(tmp_path, kinds("softmax", ", labels_from: 1")) == "2  0.5503"


def test_sigmoid_prints_the_labels_above_a_half(tmp_path):
    names = ", class_names: [a, b, c]"
    # 1 / (1 + e^-x) of 0, 1 and 0.2
    assert printed(tmp_path, kinds("sigmoid", names)) == "b 0.7311  c 0.5498"


def test_no_label_above_a_half_is_stated(tmp_path):
    names = ", class_names: [a, b, c]"
    weights = {"dense.bias": np.full(3, -9, np.float32)}
    assert printed(tmp_path, kinds("sigmoid", names), weights=weights) == "no label above 0.5"


@pytest.mark.parametrize(
    ("activation", "values"), [("linear", "0  1  0.2"), ("tanh", "0  0.761594  0.197375")]
)
def test_other_outputs_are_printed_as_they_are(tmp_path, activation, values):
    assert printed(tmp_path, kinds(activation)) == values


def test_values_are_printed_with_their_names(tmp_path):
    names = ", class_names: [x, y, z]"
    assert printed(tmp_path, kinds("linear", names)) == "x 0  y 1  z 0.2"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("", "1  0.7685"),
        (", class_names: ['no', 'yes']", "yes  0.7685"),
        (", class_names: [on]", "on 0.7685"),
    ],
)
def test_one_sigmoid_chooses_between_two_classes(tmp_path, data, line):
    # 1 / (1 + e^-1.2)
    assert printed(tmp_path, kinds("sigmoid", data, 1, "ones")) == line


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        ("sparse_categorical_crossentropy", "1  0.5503"),
        ("binary_crossentropy", "1 0.7311  2 0.5498"),
    ],
)
def test_logits_are_printed_as_the_probabilities_of_their_loss(tmp_path, loss, line):
    text = kinds("linear") + f"train: {{loss: {{{loss}: {{from_logits: true}}}}}}\n"
    assert printed(tmp_path, text) == line


@pytest.mark.parametrize("activation", ["softmax", "linear"])
def test_outputs_that_are_not_finite_are_an_error(tmp_path, activation):
    largest = np.finfo(np.float32).max
    weights = {
        "dense.kernel": np.eye(3, dtype=np.float32) * largest,
        "dense.bias": np.full(3, largest, np.float32),
    }
    model = written_file(tmp_path / "kinds.onnx", kinds(activation), weights=weights)
    image = saved(tmp_path, Image.fromarray(np.array([[0, 255, 51]], np.uint8)))
    assert "that are not finite" in netspec_("predict", model, image).fault


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "data",
            RECORD.model_copy(update={"class_names": ("a", "b")}).model_dump_json(),
            "has 2 names",
        ),
        (
            "data",
            RECORD.model_copy(update={"class_names": ("a", "a", "b")}).model_dump_json(),
            "has two classes with one name",
        ),
        ("spec", "1", "contains no spec that netspec can read"),
        ("spec", CAMERA.format(input="[1, 4, 1]", units=3), "has other inputs or outputs"),
        ("spec", CAMERA.format(input="[1, 3, 1]", units=4), "has other inputs or outputs"),
    ],
)
def test_metadata_that_is_not_of_netspec_is_a_fault(tmp_path, key, value, message):
    path = written_file(tmp_path / "kinds.onnx", kinds("softmax"))
    change_metadata(path, {f"netspec.{key}": value})
    image = saved(tmp_path, Image.fromarray(GREY))
    assert message in netspec_("predict", path, image).fault


@pytest.mark.parametrize("scale", ["9" * 400, "0", "nan", "-1", "white"])
def test_a_file_for_pixels_that_does_not_say_what_divides_them_is_a_fault(tmp_path, scale):
    path = written_file(tmp_path / "camera.onnx", kinds("linear"), raw_input=True)
    change_metadata(path, {"netspec.scale": scale})
    image = saved(tmp_path, Image.fromarray(GREY))
    fault = netspec_("predict", path, image).fault
    assert "the file does not contain what it divides pixels by" in fault


def change_metadata(path: Path, values: dict[str, str]) -> None:
    """Replace metadata of an ONNX file, which has no hash afterwards."""
    import onnx

    from netspec_onnx.seal import HASH, KEY

    model = onnx.load(path)
    kept = (entry for entry in model.metadata_props if entry.key not in (HASH, KEY))
    metadata = {entry.key: entry.value for entry in kept}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata | values)
    onnx.save(model, path)


@pytest.mark.parametrize("dtype", [np.float32, np.uint16, np.uint8])
def test_pixels_have_the_range_of_the_training_data(tmp_path, dtype):
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    record = describe("npz", Table.from_arrays({"x_train": np.array([[0], [white]], dtype)}))
    text = kinds("linear").replace("scale: 255", f"scale: {white}.0")
    assert printed(tmp_path, text, record=record) == "0  1  0.2"


def test_values_that_no_image_has_are_refused(tmp_path):
    record = describe("npz", Table.from_arrays({"x_train": np.array([[-2.5], [3]], np.float32)}))
    model = written_file(tmp_path / "kinds.onnx", kinds("linear"), record)
    image = saved(tmp_path, Image.fromarray(GREY))
    assert "float32 from -2.5 to 3" in netspec_("predict", model, image).fault


def test_16_bits_are_seen_in_full_by_a_network_that_was_trained_on_them(tmp_path):
    record = describe("npz", Table.from_arrays({"x_train": np.array([[0], [65535]], np.uint16)}))
    text = CAMERA.format(input="[2, 2, 1]", units=4).replace("scale: 255", "scale: 1")
    camera = written_file(tmp_path / "camera.onnx", text, record)
    deep = np.array([[0, 64], [300, 65535]], np.uint16)
    image = saved(tmp_path, Image.fromarray(deep))
    assert seen(camera, image) == [0, 64 * 255, 300 * 255, 65535 * 255]


def test_a_file_without_a_record_predicts_with_a_note(tmp_path):
    camera = written_camera(tmp_path, "[2, 2, 1]", 4, record=None)
    ended = netspec_("predict", camera, saved(tmp_path, Image.fromarray(GREY)))
    assert ended.out.endswith("0  0.25098  0.501961  1\n")
    assert ended.err == (
        f"note: {camera} does not record its training data: white is taken for 255 in them\n"
    )


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


def test_folders_are_searched_for_images(camera, tmp_path):
    for name in ("b/2.png", "a/1.png", ".hidden/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 2), 51).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    lines = netspec_("predict", camera, tmp_path).out.splitlines()
    assert [line.split()[0] for line in lines] == [
        str(tmp_path / "a/1.png"),
        str(tmp_path / "b/2.png"),
    ]


def test_folder_without_images_is_refused(camera, tmp_path):
    assert "has no images" in netspec_("predict", camera, tmp_path).fault


def test_broken_files_are_named_and_others_predicted(camera, tmp_path):
    for place in range(5):
        Image.new("L", (2, 2), 51).save(tmp_path / f"{place}.png")
    for place in (1, 3):
        (tmp_path / f"{place}.png").write_bytes(b"no image")
    ended = netspec_("predict", camera, tmp_path)
    assert ended.status == 1
    predicted = [line.split()[0] for line in ended.out.splitlines()]
    assert predicted == [str(tmp_path / f"{place}.png") for place in (0, 2, 4)]
    assert [line.split()[1] for line in ended.err.splitlines() if line.startswith("error")] == [
        str(tmp_path / f"{place}.png") for place in (1, 3)
    ]


@pytest.mark.parametrize("name", ["out.npz", "out.npy"])
def test_nothing_is_written_where_no_image_can_be_read(camera, tmp_path, name):
    image, output = tmp_path / "a.png", tmp_path / name
    image.write_bytes(b"no image")
    ended = netspec_("predict", camera, image, "-o", output)
    assert (ended.status, ended.out) == (1, "")
    assert [line for line in ended.err.splitlines() if line.startswith("error")] == [
        f"error: {image} is not an image in PNG, JPEG, WebP, BMP, GIF or TIFF",
        f"error: no example was predicted, and {output} is not written",
    ]
    assert [*tmp_path.glob("out.*")] == []


def test_csv_has_a_row_for_each_image(camera, tmp_path):
    Image.new("L", (2, 2), 51).save(tmp_path / "a.png")
    output = tmp_path / "output.csv"
    netspec_("predict", camera, tmp_path / "a.png", "--csv", output)
    header, row = output.read_text(encoding="utf-8").splitlines()
    assert header == "file,predicted_0,predicted_1,predicted_2,predicted_3"
    assert row == f"{tmp_path / 'a.png'},0.2,0.2,0.2,0.2"
