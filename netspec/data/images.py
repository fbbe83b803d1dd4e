"""Image files as a table: found, decoded, with their classes, in parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.decoded import Decoded, decode
from netspec.data.decoding import Fitting
from netspec.data.folders import ExampleFile, Listing, list_files, listed
from netspec.data.labels import CsvTable, read_listing
from netspec.data.mapped import Selected
from netspec.data.sources.images import Images
from netspec.data.split import draw
from netspec.data.table import PARTS, Column, Request, Table
from netspec.language.data import Portion
from netspec.text.diagnostics import DataError

DEFAULT_TEST = Portion(fraction=0.2, stratify=True)
"""The test part of images that are in no part, where the spec does not describe it."""


class BrokenFilesError(DataError):
    """Files that cannot be decoded, each with the reason."""

    def __init__(self, message: str, broken: Sequence[str]) -> None:
        help = "replace or remove them; `on_error: skip` in data leaves them out"
        super().__init__(message, help, broken)
        self.broken = self.details


def open_images(source: Images, folder: Path, request: Request) -> Table:
    """The images of a spec as a table of the columns x and y. Raises DataError.

    `folder` is the folder that the paths are relative to.
    """
    shown = source.path.rstrip("/") or source.path
    listing = _listing(source, folder, shown, labelled=request.needs_labels)
    names = _ordered(listing, source, shown)
    fitting = Fitting(_image_shape(request), resize=source.resize, reduced=True)
    decoded = decode([file.path for file in listing.files], fitting)
    broken = [f"{listing.files[index].name} {why}" for index, why in decoded.faults.items()]
    if broken and source.on_error == "stop":
        count = f"{len(broken):,} of the {len(listing.files):,}"
        raise BrokenFilesError(f"{count} image files in {shown} cannot be decoded", broken)
    indices = [index for index in range(len(listing.files)) if index not in decoded.faults]
    sound = np.array(indices, np.int64)
    if not sound.size:
        raise BrokenFilesError(f"no image file in {shown} can be decoded", broken)
    labels = _labels(listing.files, names)
    parts = _parts(listing.files, sound, labels, source.test)
    _check_classes(parts["train"], labels, names)
    remarks = (
        *listing.remarks,
        *(f"{fault}; it is left out" for fault in broken),
        *_copies(listing.files, decoded, sound),
    )
    columns = {part: _columns(decoded, labels, indices) for part, indices in parts.items()}
    return Table(columns, names, remarks)


def _listing(source: Images, folder: Path, shown: str, *, labelled: bool) -> Listing:
    root = folder / source.path
    if source.labels is None:
        return list_files(root, shown, labelled=labelled)
    table = CsvTable(folder / source.labels, str(source.labels), source.columns)
    return read_listing(table, root, shown, labelled=labelled)


def _image_shape(request: Request) -> tuple[int, int, int]:
    ((height, width, channels),) = request.input_shapes
    return height, width, channels


def _ordered(listing: Listing, source: Images, shown: str) -> tuple[str, ...] | None:
    """The classes in the order of their labels: the order in the spec, where it has one."""
    names, requested = listing.class_names, source.class_names
    if names is None or requested is None:
        return names
    if sorted(names) != sorted(requested):
        message = (
            f"class_names has {listed(requested)}, and {shown} has the classes {listed(names)}"
        )
        raise DataError(message, "class_names may only change the order; rename the folders")
    return requested


def _labels(
    files: Sequence[ExampleFile], names: tuple[str, ...] | None
) -> NDArray[np.int64] | None:
    """The class index (n,) of every file, None where there are no classes."""
    if names is None:
        return None
    indices = {name: index for index, name in enumerate(names)}
    return np.array([indices[file.label or ""] for file in files])


def _parts(
    files: Sequence[ExampleFile],
    sound: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    test: Portion | None,
) -> dict[str, NDArray[np.int64]]:
    """The indices of the files in every part. A test part that is not there is drawn."""
    named = np.array([files[int(index)].part or "train" for index in sound])
    parts = {part: sound[named == part] for part in PARTS}
    parts = {part: indices for part, indices in parts.items() if indices.size}
    if "test" in parts:
        if test is not None:
            message = "the images have a test part, and data draws another one"
            raise DataError(message, "remove `test` from data, or move the images of the test part")
        return parts
    train = parts.get("train", sound[:0])
    classes = None if labels is None else labels[train]
    chosen = draw(len(train), classes, test or DEFAULT_TEST, "test")
    return {**parts, "train": train[~chosen], "test": train[chosen]}


def _check_classes(
    train: NDArray[np.int64], labels: NDArray[np.int64] | None, names: tuple[str, ...] | None
) -> None:
    """Raise DataError where a class has no image to train with: all of its files are broken."""
    if labels is None or names is None:
        return
    present = np.bincount(labels[train], minlength=len(names)) > 0
    if not present.all():
        missing = [name for name, there in zip(names, present, strict=True) if not there]
        message = f"no image of {listed(missing)} for training can be decoded"
        raise DataError(message, "replace the broken files, or remove the class")


def _columns(
    decoded: Decoded, labels: NDArray[np.int64] | None, indices: NDArray[np.int64]
) -> tuple[Column, ...]:
    images = Column("x", Selected(decoded.pixels, indices), value_range=(0, 255))
    return (images,) if labels is None else (images, Column("y", labels[indices]))


def _copies(
    files: Sequence[ExampleFile], decoded: Decoded, sound: NDArray[np.int64]
) -> tuple[str, ...]:
    """Files with the same content in two classes, or in two parts: a sentence for each kind."""
    by_hash: defaultdict[str | None, list[ExampleFile]] = defaultdict(list)
    for index in map(int, sound):
        by_hash[decoded.hashes[index]].append(files[index])
    groups = [group for group in by_hash.values() if len(group) > 1]
    kinds = (
        ("classes", [group for group in groups if len({file.label for file in group}) > 1]),
        ("parts", [group for group in groups if len({file.part for file in group}) > 1]),
    )
    return tuple(
        f"{len(members):,} image{'s are' if len(members) > 1 else ' is'} in two {kind}, such as "
        f"{_two(members[0])}"
        for kind, members in kinds
        if members
    )


def _two(group: Sequence[ExampleFile]) -> str:
    """The first file of a group, and the first that differs from it in its class or its part."""
    first = group[0]
    other = next(file for file in group if (file.label, file.part) != (first.label, first.part))
    return f"{first.name} and {other.name}"
