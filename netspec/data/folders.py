"""The files of examples in a folder: their classes and parts by the names of their folders.

What operating systems and programs leave in folders is ignored: names that begin with a dot, and
`IGNORED`. Names are compared in Unicode's composed form (NFC), because systems store the same name
in different forms, and are in the order of their characters: 1, 10, 2.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from netspec.data.decoding import KINDS
from netspec.data.table import composed
from netspec.text.diagnostics import DataError, listed, nearest, one_of

IMAGE_SUFFIXES = frozenset(
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


@dataclass(frozen=True)
class FileKind:
    """The files of which each is an example: in words, and by the ends of their names."""

    plural: str
    formats: str
    suffixes: frozenset[str]
    example: str
    """The name of a file, as it is written in a remedy."""
    csv_field: str
    """How a spec names a CSV file with the classes."""

    def count(self, number: int) -> str:
        """`1 image in it is` or `2 images in it are`."""
        noun, verb = (self.plural, "are") if number > 1 else (self.plural[:-1], "is")
        return f"{number:,} {noun} in it {verb}"


IMAGES = FileKind("images", KINDS, IMAGE_SUFFIXES, "1.jpg", "labels: labels.csv")
TEXTS = FileKind("texts", "text", frozenset((".txt",)), "1.txt", "path: texts.csv")


@dataclass(frozen=True)
class ExampleFile:
    """The file of an example, and the name that is shown and sorted by.

    `label` and `part` are None where they are unknown.
    """

    path: Path
    name: str
    label: str | None = None
    part: str | None = None


@dataclass(frozen=True)
class Listing:
    """The files of a data set in a fixed order, the classes, and what is odd about them.

    Either every file has a part, or none. `remarks` are sentences.
    """

    files: tuple[ExampleFile, ...]
    class_names: tuple[str, ...] | None
    remarks: tuple[str, ...] = ()


def list_files(root: Path, shown: str, *, labelled: bool, kind: FileKind = IMAGES) -> Listing:
    """The files of a kind in a folder, with their classes where they are `labelled`.

    `shown` is the folder as the spec writes it. Raises DataError.
    """
    if not root.is_dir():
        message = f"{shown} is not a folder"
        raise DataError(
            message, f"name the folder with the {kind.plural}; several arrays are an npz file"
        )
    search = _Search(kind)
    folder = _Folder(root, shown)
    parts = _parts(folder, search, labelled=labelled)
    if not labelled:
        files = [
            file
            for part, child in parts.items()
            for file in search.files(child, None, part, nested=True)
        ]
        if not files:
            raise _no_files(shown, kind)
        return Listing(tuple(files), None, search.remarks(shown))
    by_part = {part: _classes(search, child, part) for part, child in parts.items()}
    listing = classified(by_part, {part: child.shown for part, child in parts.items()}, kind)
    return replace(listing, remarks=(*search.remarks(shown), *listing.remarks))


def kind_below(root: Path) -> FileKind:
    """The kind of the examples in a folder: texts where there are texts and no images, or images.

    A folder of images may have a text about them.
    """
    suffixes: set[str] = set()
    for _, _, names in os.walk(root, followlinks=False):
        suffixes |= {Path(name).suffix.lower() for name in names if not _is_ignored(name)}
        if suffixes & IMAGES.suffixes:
            return IMAGES
    return TEXTS if suffixes & TEXTS.suffixes else IMAGES


def images_below(root: Path, shown: str) -> list[Path]:
    """The image files in a folder and in the folders inside it. Raises DataError without any."""
    files = _Search(IMAGES).files(_Folder(root, shown), None, None, nested=True)
    if not files:
        raise DataError(f"{shown} has no images", f"images are {KINDS} files")
    return [file.path for file in files]


def classified(
    by_part: Mapping[str | None, Mapping[str, Sequence[ExampleFile]]],
    shown: Mapping[str | None, str],
    kind: FileKind = IMAGES,
) -> Listing:
    """The listing of files by part and class; `shown` is the name of every part in messages.

    Raises DataError where the classes of the parts do not fit.
    """
    names = _checked_classes(by_part, shown, kind)
    files = (
        file for classes in by_part.values() for name in sorted(classes) for file in classes[name]
    )
    remarks: list[str] = []
    for part, classes in by_part.items():
        if missing := [name for name in names if not classes.get(name)]:
            plural = "es" if len(missing) > 1 else ""
            remarks.append(
                f"{shown[part]} has no {kind.plural} of the class{plural} {listed(missing)}"
            )
    return Listing(tuple(files), names, tuple(remarks))


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

    def __truediv__(self, name: str) -> _Folder:
        return _Folder(self.path / name, f"{self.shown.rstrip('/')}/{composed(name)}")


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


@dataclass
class _Search:
    """Collects the files of a kind in folders, and the files that are left out."""

    kind: FileKind
    others: list[str] = field(default_factory=list[str])
    loose: list[str] = field(default_factory=list[str])

    def is_example(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry of a folder is a file of this kind."""
        return Path(entry.name).suffix.lower() in self.kind.suffixes and not entry.is_dir()

    def has_examples(self, folder: _Folder) -> bool:
        """Whether files of this kind are directly in a folder."""
        return any(self.is_example(entry) for entry in folder.entries())

    def files(
        self, folder: _Folder, label: str | None, part: str | None, *, nested: bool
    ) -> list[ExampleFile]:
        """The files in a folder; with `nested`, also those in the folders inside it."""
        return list(self._walk(folder, label, part, nested, frozenset()))

    def _walk(
        self,
        folder: _Folder,
        label: str | None,
        part: str | None,
        nested: bool,  # noqa: FBT001 - of `files`
        above: frozenset[tuple[int, int]],
    ) -> Iterator[ExampleFile]:
        state = folder.path.stat()
        if (here := (state.st_dev, state.st_ino)) in above:
            return  # a link to a folder that it is in
        for entry in folder.entries():
            inside = folder / entry.name
            if entry.is_dir():
                if nested:
                    yield from self._walk(inside, label, part, nested, above | {here})
            elif self.is_example(entry):
                yield ExampleFile(inside.path, inside.shown, label, part)
            else:
                self.others.append(inside.shown)

    def remarks(self, shown: str) -> tuple[str, ...]:
        """What was left out, a sentence for each kind."""
        sentences: list[str] = []
        if self.others:
            are = "files in it are" if len(self.others) > 1 else "file in it is"
            sentences.append(
                f"{shown}: {len(self.others):,} {are} left out, whose names do not end like "
                f"names of {self.kind.formats} files: {listed(self.others)}"
            )
        if self.loose:
            sentences.append(
                f"{shown}: {self.kind.count(len(self.loose))} left out, in the folder of no "
                f"class: {listed(self.loose)}"
            )
        return tuple(sentences)


def _parts(root: _Folder, search: _Search, *, labelled: bool) -> dict[str | None, _Folder]:
    """The folders of the parts; only the folder itself, as None, where it has no parts.

    A folder called train may be a class of trains, or a part: it is a part where all folders next
    to it have the names of parts, or where it contains only folders.
    """
    folders = root.folders()
    named = [child for child in folders if child.name.lower() in PARTS]
    others = [child for child in folders if child not in named]
    train = [child for child in named if PARTS[child.name.lower()] == "train"]
    only_folders = any(child.folders() and not search.has_examples(child) for child in train)
    if not named or (others and not only_folders):
        return {None: root}
    if not train:
        message = f"{root.shown} has {one_of([child.name for child in named], 'and')}, and no train"
        raise DataError(
            message, f"add the folder train, or name the folder of the {search.kind.plural} itself"
        )
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
            raise DataError(message, f"put the {search.kind.plural} into one of them")
        parts[part] = child
    if labelled and not only_folders and search.has_examples(train[0]):
        raise _no_classes(train[0], search.kind)
    return {part: parts[part] for part in dict.fromkeys(PARTS.values()) if part in parts}


def _classes(search: _Search, folder: _Folder, part: str | None) -> dict[str, list[ExampleFile]]:
    """The files of every class in a folder, by the name of the class."""
    classes: dict[str, list[ExampleFile]] = {}
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
        raise _no_classes(folder, search.kind)
    search.loose += [file.name for file in loose]
    return classes


def _checked_classes(
    by_part: Mapping[str | None, Mapping[str, Sequence[ExampleFile]]],
    shown: Mapping[str | None, str],
    kind: FileKind,
) -> tuple[str, ...]:
    """The names of the classes, in their order. Raises DataError where they do not fit."""
    first = "train" if "train" in by_part else None
    classes, place = by_part[first], shown[first]
    if not any(classes.values()):
        raise _no_files(place, kind)
    if empty := [name for name, files in classes.items() if not files]:
        message = f"{place} has no {kind.plural} of the class{'es' if len(empty) > 1 else ''}"
        help = f"add {kind.plural}, or remove the folder; other files are not counted"
        raise DataError(f"{message} {listed(empty)}", help)
    names = tuple(sorted(classes))
    if len(names) == 1:
        message = f"{place} has only one class, {names[0]}"
        raise DataError(message, f"a classifier needs the {kind.plural} of two or more classes")
    for part, others in by_part.items():
        for name in others:
            if name not in classes:
                meant = nearest(name, names)
                help = f"did you mean {meant}? " if meant else ""
                message = f"{shown[part]} has the class {name}, and {place} has not"
                raise DataError(message, f"{help}the classes are {listed(names)}")
    return names


def _no_classes(folder: _Folder, kind: FileKind) -> DataError:
    message = f"{folder.shown} has {kind.plural}, and no folders of classes"
    example = f"{folder.shown}/cat/{kind.example}"
    help = f"put the {kind.plural} of each class into a folder with its name, as {example}"
    return DataError(message, f"{help}; or name the classes in a CSV file, as `{kind.csv_field}`")


def _no_files(shown: str, kind: FileKind) -> DataError:
    message = f"{shown} has no {kind.plural}"
    example = f"{shown}/cat/{kind.example}"
    help = f"{kind.plural} are in one folder per class, as {example}, and are {kind.formats} files"
    return DataError(message, help)
