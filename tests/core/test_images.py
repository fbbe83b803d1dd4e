"""The data set `images`: its files, their classes and parts, and the errors."""

from __future__ import annotations

import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.image_files import half_bright, save_classes, save_image, spec_of
from netspec.data import Dataset, load
from netspec.data.images import BrokenFilesError
from netspec.data.suspicious import suspicions
from netspec.network import loads
from netspec.text.diagnostics import DataError, SpecError

ORIENTATION = 0x0112  # the tag of EXIF


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))


def counts(dataset: Dataset) -> list[list[int]]:
    """The examples of every class in the training, the validation and the test part."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return [np.bincount(part.targets[0], minlength=2).tolist() for part in parts if part]


def first_pixels(dataset: Dataset) -> list[int]:
    """The first value of every training and test image, in their order."""
    parts = [np.asarray(part.inputs[0])[:, 0, 0, 0] for part in (dataset.train, dataset.test)]
    return np.concatenate(parts).tolist()


def error(folder: Path, data: str = "", **options) -> DataError:
    with pytest.raises(DataError) as caught:
        load(spec_of(folder, data, **options))
    return caught.value


# Folders and classes


def test_files_of_operating_systems_are_ignored(tmp_path):
    photos = save_classes(tmp_path / "photos", 30)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "cat/._p01.png", "cat/Thumbs.db"):
        (photos / name).write_bytes(b"\0\5\26\7")
    save_image(photos / ".ipynb_checkpoints" / "p00-checkpoint.png")
    save_image(photos / "cat" / ".ipynb_checkpoints" / "p00-checkpoint.png")
    dataset = load(spec_of(tmp_path))
    assert dataset.record.class_names == ("cat", "dog")
    assert counts(dataset) == [[24, 24], [6, 6]]
    assert dataset.remarks == ()


def test_split_is_stratified_and_the_same_every_time(tmp_path):
    save_classes(tmp_path / "photos", 20)
    first, second = (load(spec_of(tmp_path)) for _ in range(2))
    assert counts(first) == [[16, 16], [4, 4]]
    assert first_pixels(first) == first_pixels(second)
    other = load(spec_of(tmp_path, ", test: {fraction: 0.2, stratify: true, seed: 1}"))
    assert sorted(first_pixels(other)) == sorted(first_pixels(first))
    assert first_pixels(other) != first_pixels(first)


def test_validation_is_drawn_from_training_images(tmp_path):
    save_classes(tmp_path / "photos", 20)
    train = ", validation: {fraction: 0.25, stratify: true}"
    dataset = load(spec_of(tmp_path, ", test: {fraction: 0.5, stratify: true}", train=train))
    assert counts(dataset) == [[8, 8], [2, 2], [10, 10]]
    parts = (dataset.train, dataset.validation, dataset.test)
    values = [value for part in parts for value in np.asarray(part.inputs[0])[:, 0, 0, 0]]
    assert len(set(values)) == 40


@pytest.mark.parametrize(
    ("train", "validation", "test"), [("train", "val", "test"), ("Training", "VALID", "testing")]
)
def test_folders_of_parts_are_the_parts(tmp_path, train, validation, test):
    for count, part in ((6, train), (3, validation), (2, test)):
        save_classes(tmp_path / "photos" / part, count)
    assert counts(load(spec_of(tmp_path))) == [[6, 6], [3, 3], [2, 2]]


def test_a_missing_test_part_is_drawn(tmp_path):
    for count, part in ((10, "train"), (3, "val")):
        save_classes(tmp_path / "photos" / part, count)
    dataset = load(spec_of(tmp_path))
    assert counts(dataset) == [[8, 8], [3, 3], [2, 2]]
    assert dataset.notes == (
        "the data have no test part: a fifth of every class, 4 of the 20 training examples, is the "
        "test part; `test` in data draws another one",
    )


def test_train_can_be_a_class_of_trains(tmp_path):
    save_classes(tmp_path / "photos", 5, "car plane train")
    dataset = load(spec_of(tmp_path, units=3))
    assert dataset.record.class_names == ("car", "plane", "train")


def test_classes_are_in_the_order_of_their_characters(tmp_path):
    save_classes(tmp_path / "photos", 5, "10 2 1 b B")
    dataset = load(spec_of(tmp_path, units=5))
    assert dataset.record.class_names == ("1", "10", "2", "B", "b")


def test_class_names_order_the_labels(tmp_path):
    save_classes(tmp_path / "photos", 5)
    dataset = load(spec_of(tmp_path, ", class_names: [dog, cat]"))
    values = np.asarray(dataset.test.inputs[0])[:, 0, 0, 0]
    np.testing.assert_array_equal(dataset.test.targets[0], np.where(values < 100, 1, 0))


def test_decomposed_names_of_folders_are_the_composed_ones(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Löwe") for form in ("NFC", "NFD"))
    save_classes(tmp_path / "photos" / "train", 3, f"cat {composed}")
    save_classes(tmp_path / "photos" / "test", 2, f"cat {decomposed}")
    dataset = load(spec_of(tmp_path))
    assert dataset.record.class_names == (composed, "cat")
    assert counts(dataset) == [[3, 3], [2, 2]]


def test_two_folders_of_one_name_are_an_error(tmp_path):
    names = {unicodedata.normalize(form, "Löwe") for form in ("NFC", "NFD")}
    save_classes(tmp_path / "photos", 3, " ".join(["cat", *names]))
    if len([*(tmp_path / "photos").iterdir()]) < 3:
        pytest.skip("the file system stores both names as one")
    assert "two folders with the name Löwe" in error(tmp_path).message


def test_links_and_folders_inside_a_class_are_followed(tmp_path):
    photos = save_classes(tmp_path / "photos", 5)
    save_image(tmp_path / "elsewhere" / "more.PNG", 55)
    save_image(photos / "cat" / "2019" / "more.JPEG", 66)
    try:
        (photos / "cat" / "linked").symlink_to(tmp_path / "elsewhere")
        (photos / "cat" / "around").symlink_to(photos / "cat")
        (photos / "dog" / "one.png").symlink_to(photos / "dog" / "p00.png")
    except OSError:
        pytest.skip("links need a permission here")
    dataset = load(spec_of(tmp_path))
    assert sum(counts(dataset)[0]) + sum(counts(dataset)[1]) == 13
    assert {55, 66} <= {*first_pixels(dataset)}


def test_files_of_other_kinds_are_named(tmp_path):
    photos = save_classes(tmp_path / "photos", 5)
    (photos / "cat" / "IMG_1.HEIC").write_bytes(b"heic")
    save_image(photos / "stray.png")
    other, loose = load(spec_of(tmp_path)).remarks
    assert "1 file in it is left out" in other
    assert other.endswith("photos/cat/IMG_1.HEIC")
    assert loose.endswith("1 image in it is left out, in the folder of no class: photos/stray.png")


def test_class_without_test_images_is_named(tmp_path):
    save_classes(tmp_path / "photos" / "train", 4)
    save_image(tmp_path / "photos" / "test" / "cat" / "new.png", 200)
    (remark,) = load(spec_of(tmp_path)).remarks
    assert remark == "photos/test has no images of the class dog"


def test_copies_in_two_classes_and_parts_are_named(tmp_path):
    photos = save_classes(tmp_path / "photos" / "train", 4).parent
    save_image(photos / "train" / "dog" / "copy.png", 0)  # as train/cat/p00.png
    save_image(photos / "test" / "cat" / "same.png", 1)  # as train/cat/p01.png
    save_image(photos / "test" / "dog" / "new.png", 250)
    network = spec_of(tmp_path)
    dataset = load(network)
    (classes,), (parts,) = dataset.remarks, dataset.copies
    assert classes == (
        "1 image is in two classes, such as photos/train/cat/p00.png and photos/train/dog/copy.png"
    )
    assert parts == (
        "1 image is in two parts, such as photos/train/cat/p01.png and photos/test/cat/same.png"
    )
    reports = [text for text in suspicions(dataset, network) if "equal to training" in text]
    assert [parts in suspicions(dataset, network), reports] == [True, []]


def test_copies_across_a_drawn_split_are_reported(tmp_path):
    photos = save_classes(tmp_path / "photos", 10)
    for index in range(10):
        save_image(photos / "cat" / f"copy{index}.png", index)  # of every image of cats
    network = spec_of(tmp_path)
    dataset = load(network)
    assert dataset.copies == ()
    assert any("equal to training examples" in text for text in suspicions(dataset, network))


def test_remarks_are_reported_as_suspicious(tmp_path):
    photos = save_classes(tmp_path / "photos", 5)
    (photos / "notes.txt").write_text("", encoding="utf-8")
    network = spec_of(tmp_path)
    dataset = load(network)
    assert dataset.remarks[0] in suspicions(dataset, network)


def test_autoencoder_needs_no_classes(tmp_path):
    for index in range(10):
        save_image(tmp_path / "photos" / f"{index}.png", index)
    text = """\
netspec: 1
name: autoencoder
input: [8, 8, 3]
layers: [Flatten, Dense: {units: 192}, Reshape: {target_shape: [8, 8, 3]}]
data: {dataset: images, path: photos, target: input}
train: {loss: mean_squared_error}
"""
    dataset = load(loads(text, tmp_path))
    assert (len(dataset.train), len(dataset.test)) == (8, 2)


# Errors


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ({"": 3}, "photos has images, and no folders of classes"),
        ({}, "photos has no images"),
        ({"cat": 3}, "photos has only one class, cat"),
        ({"cat": 3, "dog": 3, "fox": 0}, "photos has no images of the class fox"),
        ({"train": 3, "test": 3}, "photos/train has images, and no folders of classes"),
        ({"val/cat": 3, "test/cat": 3}, "photos has test and val, and no train"),
        ({"train/cat": 3, "train/dog": 3, "fox": 3}, "the parts train, and fox next to them"),
        (
            {"train/cat": 3, "training/cat": 3},
            "photos/train and photos/training are both the train",
        ),
        (
            {"train/cat": 3, "train/dog": 3, "test/cat": 3, "test/dogs": 3},
            "photos/test has the class dogs, and photos/train has not",
        ),
    ],
)
def test_folders_that_are_no_classes_are_an_error(tmp_path, classes, text):
    (tmp_path / "photos").mkdir()
    for name, count in classes.items():
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            save_image(tmp_path / "photos" / name / f"{index}.png", index)
    data_error = error(tmp_path)
    assert text in data_error.message
    assert data_error.help


def test_similar_class_is_proposed(tmp_path):
    save_classes(tmp_path / "photos" / "train", 3)
    save_classes(tmp_path / "photos" / "test", 3, "cat dogs")
    assert error(tmp_path).help == "did you mean dog? the classes are cat and dog"


def test_missing_folder_is_an_error(tmp_path):
    data_error = error(tmp_path)
    assert data_error.message == f"there is no folder {tmp_path.resolve() / 'photos'}"


def test_file_instead_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "photos").write_bytes(b"")
    assert error(tmp_path).message == "photos is not a folder"


def test_number_of_classes_equals_the_units(tmp_path):
    save_classes(tmp_path / "photos", 5, "cat dog fox")
    assert error(tmp_path).help == "write `units: 3` in the last layer"


def test_class_names_must_be_the_folders(tmp_path):
    save_classes(tmp_path / "photos", 5)
    text = "class_names has cat and fox, and photos has the classes cat and dog"
    assert error(tmp_path, ", class_names: [cat, fox]").message == text


def test_two_validation_parts_are_an_error(tmp_path):
    for part in ("train", "val", "test"):
        save_classes(tmp_path / "photos" / part, 5)
    data_error = error(tmp_path, train=", validation_split: 0.2")
    assert data_error.message.startswith("the data have a validation part")


def test_two_test_parts_are_an_error(tmp_path):
    for part in ("train", "test"):
        save_classes(tmp_path / "photos" / part, 5)
    assert error(tmp_path, ", test: {fraction: 0.5}").message.startswith(
        "the data have a test part"
    )


def test_other_size_without_resize_is_an_error(tmp_path):
    save_classes(tmp_path / "photos", 5)
    data_error = error(tmp_path, shape="[16, 12, 3]")
    assert data_error.message == (
        f"{tmp_path / 'photos/cat/p00.png'} has 8x8 pixels (width x height), and the input takes 12x16"
    )
    assert "resize: crop" in data_error.help


@pytest.mark.parametrize("shape", ["[64]", "[8, 8, 4]", "[4, 8, 8, 3]"])
def test_an_input_without_image_shape_is_refused(tmp_path, shape):
    with pytest.raises(SpecError, match="have a height, a width, and 1 or 3 channels"):
        spec_of(tmp_path, shape=shape)


# Broken files


@pytest.fixture
def broken(tmp_path) -> Path:
    """42 valid images, two of them with suffixes of other formats, and three broken files."""
    photos = save_classes(tmp_path / "photos", 20)
    save_image(photos / "cat" / "really_png.png").rename(photos / "cat" / "really_png.jpg")
    save_image(photos / "dog" / "really_webp.webp", 55).rename(photos / "dog" / "really_webp.png")
    whole = save_image(photos / "cat" / "half.jpg", quality=100)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (photos / "cat" / "empty.png").write_bytes(b"")
    (photos / "dog" / "page.jpg").write_text("<!doctype html><title>404</title>", encoding="utf-8")
    return tmp_path


def test_broken_files_stop_and_are_all_named(broken):
    data_error = error(broken, ", resize: crop")
    assert isinstance(data_error, BrokenFilesError)
    assert data_error.message == "3 of the 45 image files in photos cannot be decoded"
    empty, half, page = data_error.broken
    assert empty == "photos/cat/empty.png is empty"
    assert half.startswith("photos/cat/half.jpg cannot be read: ")
    assert page.startswith("photos/dog/page.jpg is not an image in PNG, JPEG, ")
    assert str(data_error).splitlines()[1] == "  photos/cat/empty.png is empty"


def test_broken_files_are_skipped_and_named(broken):
    dataset = load(spec_of(broken, ", resize: crop, on_error: skip"))
    assert len(dataset.train) + len(dataset.test) == 42
    assert len([text for text in dataset.remarks if text.endswith("; it is left out")]) == 3


def test_class_of_only_broken_files_is_an_error(tmp_path):
    photos = save_classes(tmp_path / "photos", 3)
    for file in (photos / "cat").iterdir():
        file.write_bytes(b"")
    assert error(tmp_path, ", on_error: skip").message.startswith("no image of cat for training")


def test_every_one_of_many_broken_files_is_named(tmp_path):
    photos = save_classes(tmp_path / "photos", 3)
    for index in range(600):
        (photos / "cat" / f"b{index}.png").write_bytes(b"\x89PNG\r\n")
    data_error = error(tmp_path)
    assert len(data_error.broken) == 600
    assert len(str(data_error).splitlines()) == 602


def test_link_to_no_file_is_broken(tmp_path):
    photos = save_classes(tmp_path / "photos", 3)
    try:
        (photos / "cat" / "gone.png").symlink_to(photos / "nowhere.png")
    except OSError:
        pytest.skip("links need a permission here")
    assert error(tmp_path).broken == ("photos/cat/gone.png is a link to no file",)


# Decoded pixels


def decode_images(folder: Path, images: dict[str, Image.Image], **options) -> dict[str, np.ndarray]:
    """The pixels of images in the data set, by the names of their files."""
    for name, image in images.items():
        for label in "ab":
            path = folder / "photos" / "train" / label / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path, **options)
            (folder / "photos" / "test" / label).mkdir(parents=True, exist_ok=True)
            image.save(folder / "photos" / "test" / label / name, **options)
    data = load(spec_of(folder, ", resize: stretch"))
    pixels = np.asarray(data.train.inputs[0])[: len(images)]
    return dict(zip(sorted(images), pixels, strict=True))


@pytest.mark.parametrize(
    ("mode", "colour", "pixel"),
    [
        ("L", 77, [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
        ("P", 0, [0, 0, 0]),
        ("RGB", (10, 20, 30), [10, 20, 30]),
        ("RGBA", (10, 20, 30, 255), [10, 20, 30]),
        ("RGBA", (10, 20, 30, 0), [255, 255, 255]),
        ("LA", (77, 0), [255, 255, 255]),
        ("I;16", 257 * 200, [200, 200, 200]),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_every_mode_becomes_rgb(tmp_path, mode, colour, pixel, suffix):
    pixels = decode_images(tmp_path, {f"a.{suffix}": Image.new(mode, (8, 8), colour)})
    assert pixels[f"a.{suffix}"][0, 0].tolist() == pixel


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "gif", "tif", "jpg"])
def test_every_format_is_read(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    pixels = decode_images(
        tmp_path, {f"a.{suffix}": Image.new("RGB", (8, 8), (200, 200, 200))}, **options
    )
    np.testing.assert_array_equal(pixels[f"a.{suffix}"], np.full((8, 8, 3), 200))


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_first_image_of_an_animation_is_read(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), (value,) * 3) for value in (40, 200)]
    options = {"lossless": True} if suffix == "webp" else {}
    pixels = decode_images(
        tmp_path, {f"a.{suffix}": frames[0]}, save_all=True, append_images=frames[1:], **options
    )
    assert pixels[f"a.{suffix}"].max() == 40


@pytest.mark.parametrize("tag", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_images_are_rotated_by_their_orientation_tag(tmp_path, tag, suffix):
    undo = {1: 0, 3: 180, 6: 90, 8: 270}[tag]  # degrees counterclockwise, of the stored image
    exif = Image.Exif()
    exif[ORIENTATION] = tag
    pixels = decode_images(tmp_path, {f"a.{suffix}": half_bright().rotate(undo)}, exif=exif)
    assert pixels[f"a.{suffix}"][:3].min() > 200
    assert pixels[f"a.{suffix}"][5:].max() < 50


def test_colour_becomes_grey_for_one_channel(tmp_path):
    photos = tmp_path / "photos"
    for label, colour in (("a", (255, 0, 0)), ("b", (0, 0, 255))):
        for index in range(5):
            path = save_image(photos / label / f"{index}.png")
            Image.new("RGB", (8, 8), colour).save(path)
    dataset = load(spec_of(tmp_path, shape="[8, 8, 1]"))
    # ITU-R 601-2: 0.299 red, 0.587 green, 0.114 blue.
    assert {*first_pixels(dataset)} == {76, 29}


@pytest.mark.parametrize(
    ("resize", "rows"),
    [
        ("stretch", [220, 220, 220, 220, 30, 30, 30, 30]),
        ("{mode: pad, fill: 99}", [99, 99, 220, 220, 30, 30, 99, 99]),
        ("{mode: crop, filter: nearest}", [220, 220, 220, 220, 30, 30, 30, 30]),
    ],
)
def test_images_are_resized(tmp_path, resize, rows):
    wide = half_bright(16).resize((32, 16), Image.Resampling.NEAREST)
    for label in "ab":
        for index in range(5):
            path = save_image(tmp_path / "photos" / label / f"{index}.png")
            wide.save(path)
    dataset = load(spec_of(tmp_path, f", resize: {resize}"))
    pixels = np.asarray(dataset.train.inputs[0])[0, :, 4, 0].astype(int)
    np.testing.assert_allclose(pixels, rows, atol=25)


def test_no_warning_of_pillow_is_shown(tmp_path):
    photos = save_classes(tmp_path / "photos", 5)
    image = Image.new("P", (8, 8))
    image.info["transparency"] = b"\0" * 256  # Pillow warns while it converts this image
    image.save(photos / "cat" / "p00.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(spec_of(tmp_path))
