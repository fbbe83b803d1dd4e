"""Files of data that are broken at random: images, CSV, Parquet, Arrow and text files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
from PIL import Image

from netspec.network import Network, loads

ROWS = 30
IMAGES = 4  # sound images of every class


@dataclass(frozen=True)
class Broken:
    """A spec of data in a folder, and the name of the file that is broken."""

    network: Network
    file: str
    examples: Callable[[], int | None]
    """The number of examples that are in the file, None where nobody can know it."""


def break_bytes(content: bytes, random: np.random.Generator) -> bytes:
    """The content after one to three random changes."""
    for _ in range(random.integers(1, 4)):
        content = CHANGES[random.integers(len(CHANGES))](content, random)
    return content


def _truncate(content: bytes, random: np.random.Generator) -> bytes:
    return content[: random.integers(0, len(content) + 1)]


def _flip(content: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(min(len(content), random.integers(1, 20))):
        changed[random.integers(len(changed))] ^= 1 << random.integers(8)
    return bytes(changed)


def _insert(pieces: Sequence[bytes]) -> Callable[[bytes, np.random.Generator], bytes]:
    def insert(content: bytes, random: np.random.Generator) -> bytes:
        place = random.integers(0, len(content) + 1)
        return content[:place] + pieces[random.integers(len(pieces))] + content[place:]

    return insert


def _repeat(content: bytes, random: np.random.Generator) -> bytes:
    start, end = sorted(random.integers(0, len(content) + 1, 2))
    return content[:end] + content[start:]


def _remove(content: bytes, random: np.random.Generator) -> bytes:
    start, end = sorted(random.integers(0, len(content) + 1, 2))
    return content[:start] + content[end:]


def _recode(content: bytes, random: np.random.Generator) -> bytes:
    encodings = ("utf-16", "utf-16-le", "utf-32", "cp1252", "utf-8-sig", "utf-7")
    encoding = encodings[random.integers(len(encodings))]
    return content.decode("latin-1").encode(encoding, "replace")


CHANGES = (
    _truncate,
    _flip,
    _insert((b"\0", b"\0" * 1000, b"\xff\xfe", b"\xef\xbb\xbf", b"\x1a")),
    _insert((b'"', b'""', b'"""', b'"a"b"', b'\n"', b'"\n', b",", b";", b"\t")),
    _insert((b"\n", b"\r", b"\r\n", b"\n\n", b"\n,\n", b" \n", b"\xe2\x80\xa8", b"\x85")),
    _insert((b"x" * 200_000, b"9" * 5_000, b'"' + b"y," * 50_000 + b'"', b"a," * 5_000)),
    _insert((b"1e999", b"-inf", b"nan", b"1,5", b"\xc3\xa4", b"\xe4", b"31/02/2026", b"007")),
    _repeat,
    _remove,
    _recode,
)


@cache
def _table() -> pa.Table:
    random = np.random.default_rng(0)
    return pa.table(
        {
            "size": np.round(random.normal(size=ROWS), 3),
            "colour": [("red", "green", "dark blue")[i % 3] for i in range(ROWS)],
            "day": [f"2026-01-{i % 28 + 1:02}" for i in range(ROWS)],
            "note": [f'{i} wrote "hello, you"' if i % 2 else f"line {i}" for i in range(ROWS)],
            "kind": ["ab"[i % 2] for i in range(ROWS)],
        }
    )


def _csv_bytes() -> bytes:
    out = io.BytesIO()
    pyarrow.csv.write_csv(_table(), out, pyarrow.csv.WriteOptions(quoting_style="needed"))
    return out.getvalue()


def _parquet_bytes() -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(_table(), out)
    return out.getvalue()


def _arrow_bytes() -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(_table(), out)
    return out.getvalue()


def _image_bytes(suffix: str) -> bytes:
    values = np.random.default_rng(1).integers(0, 256, (24, 20, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(values).save(out, suffix)
    return out.getvalue()


FORMATS = ("png", "jpeg", "webp", "bmp", "gif", "tiff")

CONTENTS: dict[str, Callable[[], bytes]] = {
    "rows.csv": _csv_bytes,
    "rows.parquet": _parquet_bytes,
    "rows.arrow": _arrow_bytes,
    "text.csv": _csv_bytes,
    "text.txt": lambda: "a sentence with an ä, and a second line\n".encode() * 5,
    **{f"image.{suffix}": partial(_image_bytes, suffix) for suffix in FORMATS},
}
"""A sound content, by the kind of the file."""

WRONG_TYPES = "rows.csv", "rows.parquet", "image.png", "text.txt", "image.gif"
"""Whose contents are sometimes in a file of another kind."""


def broken(folder: Path, seed: int) -> Broken:
    """Data in an empty folder of which one file is broken; a seed is always the same data."""
    random = np.random.default_rng(seed)
    kind = [*CONTENTS][random.integers(len(CONTENTS))]
    content = CONTENTS[kind]()
    if random.random() < 0.1:
        content = CONTENTS[WRONG_TYPES[random.integers(len(WRONG_TYPES))]]()
    elif random.random() < 0.05:
        content = random.bytes(random.integers(0, 2000))
    else:
        content = break_bytes(content, random)
    if kind.startswith("rows"):
        (folder / kind).write_bytes(content)
        return Broken(_rows_network(folder, kind), kind, lambda: _count(folder / kind))
    if kind == "text.csv":
        (folder / kind).write_bytes(content)
        data = f"{{dataset: text, path: {kind}, column: note, target: kind}}"
        return Broken(_text_network(folder, data), kind, lambda: _count(folder / kind))
    if kind == "text.txt":
        for label in "ab":
            for index in range(IMAGES):
                _write(folder / f"texts/{label}/{index}.txt", CONTENTS[kind]())
        _write(folder / "texts/a/broken.txt", content)
        network = _text_network(folder, "{dataset: text, path: texts}")
        return Broken(network, "broken.txt", lambda: 2 * IMAGES + 1)
    suffix = kind.partition(".")[2]
    for label in "ab":
        for index in range(IMAGES):
            _write(folder / f"photos/{label}/{index}.png", _image_bytes("png"))
    _write(folder / f"photos/a/broken.{suffix}", content)
    return Broken(_images_network(folder), f"broken.{suffix}", lambda: 2 * IMAGES + 1)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _count(path: Path) -> int | None:
    """The rows of a CSV file in UTF-8, as Python reads it; of other files, the rows there were."""
    if path.suffix != ".csv":
        return None
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error):
        return None
    return len(rows) - 1


def _rows_network(folder: Path, name: str) -> Network:
    return loads(
        f"""\
netspec: 1
name: broken
input: [1]
layers: [Dense: {{units: 2, activation: softmax}}]
data: {{dataset: table, path: {name}, target: kind, features: [size]}}
train: {{loss: sparse_categorical_crossentropy}}
""",
        folder,
    )


def _text_network(folder: Path, data: str) -> Network:
    return loads(
        f"""\
netspec: 1
name: broken
input: [6]
layers:
  - Embedding: {{input_dim: 20000, output_dim: 2}}
  - GlobalAveragePooling1D
  - Dense: {{units: 2, activation: softmax}}
data: {data}
train: {{loss: sparse_categorical_crossentropy}}
""",
        folder,
    )


def _images_network(folder: Path) -> Network:
    return loads(
        """\
netspec: 1
name: broken
input: [8, 8, 3]
layers: [Flatten, Dense: {units: 2, activation: softmax}]
data: {dataset: images, path: photos, resize: stretch, scale: 255}
train: {loss: sparse_categorical_crossentropy}
""",
        folder,
    )
