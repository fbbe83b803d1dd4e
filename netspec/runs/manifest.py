"""The manifest of a run: the hash of every file, by which readers notice damage and changes.

The files of a run are replaced together. First all of them are written under temporary names, then
the manifest is replaced, then the files get their names. The manifest contains the hashes of the
files before the change too. So a reader at any moment, and after a process was killed at any
moment, knows of every file whether it is new, old or damaged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from time import monotonic, sleep

from pydantic import ValidationError

from netspec.language.layers.tagged import Model
from netspec.text.diagnostics import RunError
from netspec.text.files import open_regular, read_regular, write_partial

MANIFEST = "manifest.json"
FORMAT = "netspec-manifest-1"
PREFIX = "run-"
"""How the names of files begin that will belong to a run."""

PATIENCE = 2.0
"""Seconds in which files that another process replaces are read again."""


_COPY = "copy the run again, or train again"


@dataclass(frozen=True)
class Manifest:
    """The SHA-256 of every file of a run by its name, and the same before the last change."""

    files: Mapping[str, str]
    before: Mapping[str, str] = field(default_factory=dict[str, str])

    def to_bytes(self) -> bytes:
        """The content of the file. It ends in a hash of the rest, so that it covers itself."""
        about: dict[str, object] = {"format": FORMAT, "files": {**self.files}}
        about["before"] = {**self.before}
        digest = content_hash(json.dumps(about).encode())
        return json.dumps({**about, "sha256": digest}, indent=1).encode() + b"\n"

    def allows(self, name: str, digest: str) -> bool:
        """Whether a file may have this hash, now or before the last change."""
        return digest in (self.files.get(name), self.before.get(name))

    def agrees(self, digests: Mapping[str, str]) -> bool:
        """Whether these files are all from now, or all from before the last change."""
        return any(
            all(files.get(name) == digest for name, digest in digests.items())
            for files in (self.files, self.before)
        )


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a run, None where it was written before runs had one. Raises RunError."""
    path = folder / MANIFEST
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", _COPY) from None
    try:
        parts = _Parts.model_validate_json(content)
    except ValidationError:
        raise damaged(path) from None
    if parts.format.startswith(FORMAT[:-1]) and parts.format != FORMAT:
        message = f"{path} is a {parts.format}, not a {FORMAT}"
        raise RunError(message, "use the netspec that wrote the run")
    manifest = Manifest(parts.files, parts.before)
    if manifest.to_bytes() != content:
        raise damaged(path)
    return manifest


class _Parts(Model):
    format: str
    files: dict[str, str]
    before: dict[str, str]
    sha256: str


def damaged(path: Path) -> RunError:
    """The error that a file of a run is not the one that netspec wrote."""
    return RunError(f"{path} is damaged: it is not what netspec wrote", _COPY)


def replace_files(
    folder: Path, files: Mapping[str, bytes], present: Mapping[str, str] | None = None
) -> None:
    """Replace files of a run together. Only one process may do so at a time.

    `present` are the hashes of the files in the folder, by default the hashes of the manifest. A
    process that is killed on the way leaves a manifest that fits the old files, the new ones, and
    any mixture of them. Raises OSError and RunError.
    """
    manifest = read_manifest(folder)
    before = present or (present_hashes(folder) if manifest is None else manifest.files)
    new = {**before, **{name: content_hash(content) for name, content in files.items()}}
    written = dict(files)
    if manifest is None or manifest.files != new:
        written = {MANIFEST: Manifest(new, before).to_bytes(), **files}
    partials: dict[str, Path] = {}
    try:
        for name, content in written.items():
            partials[name] = write_partial(folder, content, PREFIX)
        for name, partial in partials.items():
            partial.replace(folder / name)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def present_hashes(folder: Path) -> dict[str, str]:
    """The hashes of the files that a run has. Raises RunError where one is missing or damaged."""
    manifest = read_manifest(folder)
    if manifest is None:
        names = [name for name in COVERED if (folder / name).is_file()]
    else:
        names = list(manifest.files)
    hashes: dict[str, str] = {}
    for name in names:
        with _open(folder / name) as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
        if manifest is not None and not manifest.allows(name, hashes[name]):
            raise damaged(folder / name)
    return hashes


COVERED = (
    "spec.yaml",
    "model.py",
    "run.json",
    "checkpoint.safetensors",
    "reference.safetensors",
    "weights.safetensors",
    "metrics.jsonl",
)
"""The files of a run. Others, such as exports and notes of the user, are none of its business."""


def read_files(folder: Path, names: Sequence[str], *, whole: bool = True) -> dict[str, bytes]:
    """The content of some files of a run, all of one moment.

    Where the run is read as a whole, the hashes of its other files are compared too. Without a
    manifest nothing is compared. Raises RunError where a file is missing, damaged, or where only
    some of the files were replaced before a process was killed.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return {name: _read_unchecked(folder / name) for name in names}
    ends = monotonic() + PATIENCE
    while True:
        checked = {*names, *(manifest.files if whole else ())}
        content = _attempt(folder, manifest, names, checked)
        if isinstance(content, dict):
            return content
        if monotonic() > ends:
            break
        sleep(0.001)
        manifest = content
    message = f"the files of {folder} are of two epochs: the run was stopped as it wrote them"
    raise RunError(message, "train with --resume first, which completes them")


def _attempt(
    folder: Path, manifest: Manifest, names: Sequence[str], checked: Collection[str]
) -> dict[str, bytes] | Manifest:
    """The content of the files, or the manifest to try again with.

    The files are opened first: an open file keeps its content when another one gets its name.
    """
    with ExitStack() as stack:
        opened = {name: stack.enter_context(_open(folder / name)) for name in checked}
        now = read_manifest(folder)
        if now != manifest:
            return now or manifest
        contents: dict[str, bytes] = {}
        digests: dict[str, str] = {}
        for name, file in opened.items():
            contents |= {name: file.read()} if name in names else {}
            digests[name] = (
                content_hash(contents[name])
                if name in names
                else hashlib.file_digest(file, "sha256").hexdigest()
            )
            if not manifest.allows(name, digests[name]):
                raise damaged(folder / name)
    return contents if manifest.agrees(digests) else manifest


def _open(path: Path) -> BufferedReader:
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(path, error) from None


def _read_unchecked(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> RunError:
    """The error that a file of a run cannot be read."""
    message = f"{path.parent} is not a run: {path.name} cannot be read: {error.strerror}"
    return RunError(message, "name the folder that `netspec train` wrote")


def content_hash(content: bytes) -> str:
    """The hash of a file's content, as a manifest has it."""
    return hashlib.sha256(content).hexdigest()
