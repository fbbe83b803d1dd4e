"""The image files in a folder: their classes and parts by the names of the folders they are in.

What operating systems and programs leave in folders is ignored: names that begin with a dot, and
`IGNORED`. Names are compared in Unicode's composed form (NFC), because systems store the same name
in different forms, and are in the order of their characters: 1, 10, 2.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from netspec.data.decoding import KINDS
from netspec.text.diagnostics import DataError, nearest, one_of

SUFFIXES = frozenset(
    (
        ".bmp",
        ".dib",
        ".gif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
    )
)
"""The ends of the names of image files, in lower case. The content decides about the format."""

IGNORED = frozenset(
    (
        "$recycle.bin",
        "@eadir",
        "__macosx",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "system volume information",
        "thumbs.db",
    )
)
"""What Windows, macOS and file servers leave in folders, in lower case."""

PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""The parts of a data set by the names of their folders, in lower case."""

_SHOWN = 5  # names in a message


@dataclass(frozen=True)
class ImageFile:
    """An image file: `name` is shown and sorted by, `label` and `part` are None where unknown."""

    path: Path
    name: str
    label: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class Listing:
    """The image files of a data set in a fixed order, the classes, and what is odd about them.

    Either every file has a part, or none. `remarks` are sentences.
    """

    files: tuple[ImageFile, ...]
    class_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()


def list_images(root: Path, shown: str, *, labelled: bool) -> Listing:
    """The image files in a folder, with their classes where they are `labelled`.

    `shown` is the folder as the spec writes it. Raises DataError.
    """
    if not root.is_dir():
        message = f"{shown} is not a folder"
        raise DataError(message, "name the folder with the images; several arrays are an npz file")
    search = _Search()
    folder = _Folder(root, shown)
    parts = _parts(folder, labelled=labelled)
    if not labelled:
        files = [
            file
            for part, child in parts.items()
            for file in search.files(child, None, part, nested=True)
        ]
        if not files:
            raise _no_images(shown)
        return Listing(tuple(files), None, search.remarks(shown))
    by_part = {part: _classes(search, child, part) for part, child in parts.items()}
    listing = classified(by_part, {part: child.shown for part, child in parts.items()})
    return replace(listing, remarks=(*search.remarks(shown), *listing.remarks))


def images_below(root: Path, shown: str) -> list[Path]:
    """The image files in a folder and in the folders inside it. Raises DataError without any."""
    files = _Search().files(_Folder(root, shown), None, None, nested=True)
    if not files:
        raise DataError(f"{shown} has no images", f"images are {KINDS} files")
    return [file.path for file in files]


def classified(
    by_part: Mapping[str | None, Mapping[str, Sequence[ImageFile]]],
    shown: Mapping[str | None, str],
) -> Listing:
    """The listing of files by part and class; `shown` is the name of every part in messages.

    Raises DataError where the classes of the parts do not fit.
    """
    names = _checked_classes(by_part, shown)
    files = (
        file for classes in by_part.values() for name in sorted(classes) for file in classes[name]
    )
    remarks: list[str] = []
    for part, classes in by_part.items():
        if missing := [name for name in names if not classes.get(name)]:
            plural = "es" if len(missing) > 1 else ""
            remarks.append(f"{shown[part]} has no images of the class{plural} {listed(missing)}")
    return Listing(tuple(files), names, tuple(remarks))


def listed(names: Sequence[str]) -> str:
    """The first names in words, and how many more there are."""
    more = [f"{len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return one_of([*names[:_SHOWN], *more], "and")


def composed(name: str) -> str:
    """A name in Unicode's composed form, in which names are compared."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class _Folder:
    """A folder with the name that messages show. Raises DataError where it cannot be read."""

    path: Path
    shown: str

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """What is in the folder, in the order of the names, without what systems leave there."""
        try:
            with os.scandir(self.path) as entries:
                kept = [entry for entry in entries if not _is_ignored(entry.name)]
        except OSError as error:
            message = f"{self.shown} cannot be read: {error.strerror or error}"
            raise DataError(message, "check the permissions of the folder") from None
        yield from sorted(kept, key=lambda entry: (composed(entry.name), entry.name))

    def folders(self) -> list[_Folder]:
        return [self / entry.name for entry in self.entries() if entry.is_dir()]

    @property
    def name(self) -> str:
        return composed(self.path.name)

    @property
    def has_images(self) -> bool:
        """Whether image files are directly in it."""
        return any(_is_image(entry) for entry in self.entries())

    def __truediv__(self, name: str) -> _Folder:
        return _Folder(self.path / name, f"{self.shown.rstrip('/')}/{composed(name)}")


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def _is_image(entry: os.DirEntry[str]) -> bool:
    return Path(entry.name).suffix.lower() in SUFFIXES and not entry.is_dir()


@dataclass
class _Search:
    """Collects the image files of folders, and the files that are left out."""

    others: list[str] = field(default_factory=list[str])
    loose: list[str] = field(default_factory=list[str])

    def files(
        self, folder: _Folder, label: str | None, part: str | None, *, nested: bool
    ) -> list[ImageFile]:
        """The image files in a folder; with `nested`, also those in the folders inside it."""
        return list(self._walk(folder, label, part, nested, frozenset()))

    def _walk(
        self,
        folder: _Folder,
        label: str | None,
        part: str | None,
        nested: bool,  # noqa: FBT001 - of `files`
        above: frozenset[tuple[int, int]],
    ) -> Iterator[ImageFile]:
        state = folder.path.stat()
        if (here := (state.st_dev, state.st_ino)) in above:
            return  # a link to a folder that it is in
        for entry in folder.entries():
            inside = folder / entry.name
            if entry.is_dir():
                if nested:
                    yield from self._walk(inside, label, part, nested, above | {here})
            elif _is_image(entry):
                yield ImageFile(inside.path, inside.shown, label, part)
            else:
                self.others.append(inside.shown)

    def remarks(self, shown: str) -> tuple[str, ...]:
        """What was left out, a sentence for each kind."""
        sentences: list[str] = []
        if self.others:
            are = "files in it are" if len(self.others) > 1 else "file in it is"
            sentences.append(
                f"{shown}: {len(self.others):,} {are} left out, whose names do not end like "
                f"names of {KINDS} files: {listed(self.others)}"
            )
        if self.loose:
            are = "images in it are" if len(self.loose) > 1 else "image in it is"
            sentences.append(
                f"{shown}: {len(self.loose):,} {are} left out, in the folder of no class: "
                f"{listed(self.loose)}"
            )
        return tuple(sentences)


def _parts(root: _Folder, *, labelled: bool) -> dict[str | None, _Folder]:
    """The folders of the parts; only the folder itself, as None, where it has no parts.

    A folder called train may be a class of trains, or a part: it is a part where all folders next
    to it have the names of parts, or where it contains only folders.
    """
    folders = root.folders()
    named = [child for child in folders if child.name.lower() in PARTS]
    others = [child for child in folders if child not in named]
    train = [child for child in named if PARTS[child.name.lower()] == "train"]
    only_folders = any(child.folders() and not child.has_images for child in train)
    if not named or (others and not only_folders):
        return {None: root}
    if not train:
        message = f"{root.shown} has {one_of([child.name for child in named], 'and')}, and no train"
        raise DataError(message, "add the folder train, or name the folder of the images itself")
    if others:
        message = (
            f"{root.shown} has the parts {one_of([child.name for child in named], 'and')}, and "
        )
        message += f"{listed([child.name for child in others])} next to them"
        raise DataError(message, "a folder has only parts, or only classes: move the others away")
    parts: dict[str | None, _Folder] = {}
    for child in named:
        part = PARTS[child.name.lower()]
        if part in parts:
            message = f"{parts[part].shown} and {child.shown} are both the {part} part"
            raise DataError(message, "put the images into one of them")
        parts[part] = child
    if labelled and not only_folders and train[0].has_images:
        raise _no_classes(train[0])
    return {part: parts[part] for part in dict.fromkeys(PARTS.values()) if part in parts}


def _classes(search: _Search, folder: _Folder, part: str | None) -> dict[str, list[ImageFile]]:
    """The image files of every class in a folder, by the name of the class."""
    classes: dict[str, list[ImageFile]] = {}
    for child in folder.folders():
        if child.name in classes:
            message = (
                f"{folder.shown} has two folders with the name {child.name}, which differ only"
            )
            raise DataError(
                f"{message} in how Unicode writes it", "rename one, or put them into one"
            )
        classes[child.name] = search.files(child, child.name, part, nested=True)
    loose = search.files(folder, None, part, nested=False)
    if not classes and loose:
        raise _no_classes(folder)
    search.loose += [file.name for file in loose]
    return classes


def _checked_classes(
    by_part: Mapping[str | None, Mapping[str, Sequence[ImageFile]]],
    shown: Mapping[str | None, str],
) -> tuple[str, ...]:
    """The names of the classes, in their order. Raises DataError where they do not fit."""
    first = "train" if "train" in by_part else None
    classes, place = by_part[first], shown[first]
    if not any(classes.values()):
        raise _no_images(place)
    if empty := [name for name, files in classes.items() if not files]:
        message = f"{place} has no images of the class{'es' if len(empty) > 1 else ''}"
        help = "add images, or remove the folder; other files than images are not counted"
        raise DataError(f"{message} {listed(empty)}", help)
    names = tuple(sorted(classes))
    if len(names) == 1:
        message = f"{place} has only one class, {names[0]}"
        raise DataError(message, "a classifier needs the images of two or more classes")
    for part, others in by_part.items():
        for name in others:
            if name not in classes:
                meant = nearest(name, names)
                help = f"did you mean {meant}? " if meant else ""
                message = f"{shown[part]} has the class {name}, and {place} has not"
                raise DataError(message, f"{help}the classes are {listed(names)}")
    return names


def _no_classes(folder: _Folder) -> DataError:
    message = f"{folder.shown} has images, and no folders of classes"
    help = f"put the images of each class into a folder with its name, as {folder.shown}/cat/1.jpg"
    return DataError(message, f"{help}; or name the classes in a CSV file, as `labels: labels.csv`")


def _no_images(shown: str) -> DataError:
    message = f"{shown} has no images"
    help = f"images are in one folder per class, as {shown}/cat/1.jpg, and are {KINDS} files"
    return DataError(message, help)
