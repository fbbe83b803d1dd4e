"""The cache of decoded images: when it is used, when it is rewritten, and that it is complete."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.image_files import save_classes, save_image
from netspec.data import decoded, hashes
from netspec.data.decoded import decode
from netspec.data.decoding import Fitting, read_image
from netspec.language.data import ImageResize
from netspec.text.diagnostics import DataError

FITTING = Fitting((8, 8, 3), resize=ImageResize(mode="stretch"), reduced=True)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "images"


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return sorted(save_classes(tmp_path / "photos", 5).rglob("*.png"))


@pytest.fixture
def decodings(monkeypatch) -> list[Path]:
    """The files that are decoded, in any order."""
    seen: list[Path] = []
    original = decoded.read_pixels

    def counted(path: Path, fitting: Fitting):
        seen.append(path)
        return original(path, fitting)

    monkeypatch.setattr(decoded, "read_pixels", counted)
    return seen


def values(files: list[Path], fitting: Fitting = FITTING) -> list[int]:
    return np.asarray(decode(files, fitting).pixels)[:, 0, 0, 0].tolist()


def test_images_are_decoded_once(files, decodings):
    assert values(files) == values(files) == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]
    assert sorted(decodings) == files


def test_equal_files_at_another_place_are_not_decoded(files, decodings, tmp_path):
    first = values(files)
    (tmp_path / "photos").rename(tmp_path / "moved")
    paths = sorted((tmp_path / "moved").rglob("*.png"))
    assert values(paths) == first
    assert len(decodings) == 10


def test_changed_content_of_equal_size_is_decoded(files):
    before = files[5].stat()
    assert values(files)[5] == 100
    save_image(files[5], 111)
    os.utime(files[5], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files[5].stat().st_size == before.st_size
    assert values(files)[5] == 111


@pytest.fixture
def reads(monkeypatch) -> list[Path]:
    """The files whose contents are read to be hashed, in any order."""
    opened: list[Path] = []
    original = hashes.open_regular

    def counted(path: Path):
        opened.append(path)
        return original(path)

    monkeypatch.setattr(hashes, "open_regular", counted)
    return opened


@pytest.fixture
def later(monkeypatch) -> None:
    """An hour later than the changes of the files."""
    now = time.time_ns
    monkeypatch.setattr(hashes.time, "time_ns", lambda: now() + 3600 * 10**9)


@pytest.mark.usefixtures("later")
def test_unchanged_files_are_read_once(files, reads):
    assert values(files) == values(files)
    assert sorted(reads) == files


@pytest.mark.usefixtures("later")
def test_changed_files_are_read_again(files, reads):
    before = files[5].stat()
    values(files)
    save_image(files[5], 111)
    os.utime(files[5], ns=(before.st_atime_ns, before.st_mtime_ns))
    save_image(files[6].with_name("p99.png"), 112)
    reads.clear()
    assert values([*files, files[6].with_name("p99.png")])[5] == 111
    assert sorted(reads) == [files[5], files[6].with_name("p99.png")]


@pytest.mark.usefixtures("later")
def test_replaced_files_are_read_again(files, reads):
    values(files)
    save_image(files[0].with_name("new.png"), 77).replace(files[0])
    assert values(files)[0] == 77


def test_files_that_just_changed_are_read_again(files, reads):
    values(files)
    values(files)
    assert len(reads) == 20


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 0, "entries": {}}'])
def test_damaged_index_is_written_again(files, reads, cache, content):
    values(files)
    (path,) = cache.glob("*.index")
    index = path.read_bytes()
    path.write_bytes(content)
    values(files)
    assert len(reads) == 20
    assert path.read_bytes() == index


@pytest.mark.usefixtures("later")
def test_unused_index_is_removed(files, cache):
    values(files)
    (old,) = cache.glob("*.index")
    os.utime(old, (0, 0))
    values(files[:5])
    assert [path.name for path in cache.glob("*.index")] != [old.name]


@pytest.mark.parametrize(
    "fitting",
    [
        Fitting((8, 8, 1), resize=ImageResize(mode="stretch"), reduced=True),
        Fitting((4, 8, 3), resize=ImageResize(mode="stretch"), reduced=True),
        Fitting((8, 8, 3), resize=ImageResize(mode="pad", fill=9), reduced=True),
    ],
)
def test_other_settings_are_another_file(files, decodings, fitting, cache):
    assert decode(files, FITTING).pixels.shape == (10, 8, 8, 3)
    assert decode(files, fitting).pixels.shape == (10, *fitting.shape)
    assert len(decodings) == 20
    assert len([*cache.glob("*.pixels")]) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "changed"])
def test_damaged_cache_file_is_written_again(files, cache, damage):
    first = values(files)
    (path,) = cache.glob("*.pixels")
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-1], "empty": b"", "changed": content[:-1] + b"?"}[damage])
    assert values(files) == first
    assert path.read_bytes() == content


def test_interrupted_decoding_leaves_nothing(files, cache, monkeypatch):
    def interrupted(path: Path, fitting: Fitting):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(decoded, "read_pixels", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decode(files, FITTING)
    assert [path.suffix for path in cache.iterdir()] in ([], [".lock"])
    assert values(files)[-1] == 104


def test_unfinished_cache_files_are_not_read(files, cache):
    first = values(files)
    (path,) = cache.glob("*.pixels")
    path.rename(cache / f".{path.name}.partial")
    (cache / f".{path.name}.partial").write_bytes(b"\7" * 10)
    assert values(files) == first
    assert not [*cache.glob(".*")]


def test_threads_decode_shared_images_once(files, decodings):
    results: list[list[int]] = []
    threads = [threading.Thread(target=lambda: results.append(values(files))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decodings) == 10
    assert len(results) == 4
    assert results.count(results[0]) == 4


def test_broken_files_are_remembered(files, decodings):
    files[3].write_bytes(b"not an image")
    faults = [dict(decode(files, FITTING).faults) for _ in range(2)]
    assert faults[0] == faults[1]
    assert list(faults[0]) == [3]
    assert len(decodings) == 10


def test_unused_cache_file_is_removed(files, cache):
    decode(files, FITTING)
    (old,) = cache.glob("*.lock")
    os.utime(old, (0, 0))
    decode(files[:5], FITTING)
    assert len([*cache.glob("*.pixels")]) == 1
    assert not old.exists()


def test_used_cache_file_is_kept(files, cache):
    decode(files, FITTING)
    (lock,) = cache.glob("*.lock")
    os.utime(lock, (0, 0))
    decode(files, FITTING)
    decode(files[:5], FITTING)
    assert len([*cache.glob("*.pixels")]) == 2


def test_an_unwritable_cache_folder_is_an_error(files, monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="cannot be used: Not a directory") as caught:
        decode(files, FITTING)
    assert "NETSPEC_CACHE" in caught.value.help


def test_disk_without_room_is_an_error_before_decoding(files, monkeypatch, decodings):
    usage = decoded.shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DataError, match=r"take 1,920 bytes, and .* has 100 left"):
        decode(files, FITTING)
    assert not decodings


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_prediction_reads_the_pixels_of_training(tmp_path, mode, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (300, 410, 3), np.uint8)
    path = save_image(tmp_path / f"a.{suffix}")
    Image.fromarray(noise).save(path)
    fitting = Fitting((32, 32, 3), resize=ImageResize(mode=mode), reduced=True)
    np.testing.assert_array_equal(
        np.asarray(decode([path], fitting).pixels)[0], read_image(path, fitting).pixels
    )
