"""The forms in which the installed backends predict, and the forms that a user requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netspec.backend import Target, find, installed
from netspec.text.diagnostics import BackendError, NetspecError, nearest, one_of


@dataclass(frozen=True)
class Named:
    """A form: the name in `--forms`, the title in the table, and the name of its backend."""

    name: str
    title: str
    backend: str


FILE = "file"
"""The name of the form that is an exported file, unchanged."""


def of_file(path: Path) -> Named:
    """The form of an exported file."""
    return Named(FILE, path.name, "onnx")


def known() -> dict[str, Named]:
    """Every form of the installed backends by its name, also without its framework.

    Forms of the frameworks come first, then forms of exported files.
    """
    backends = [find(name, framework=False) for name in installed()]
    backends.sort(key=lambda backend: not backend.trains)
    return {
        name: Named(name, title, backend.name)
        for backend in backends
        for name, title in backend.forms.items()
    }


def chosen(names: Sequence[str] | None) -> tuple[list[Named], list[str]]:
    """The forms of these names, by default all; and a line for each form that is left out.

    Raises NetspecError for an unknown name, and where no form is left.
    """
    every = known()
    for name in names or ():
        if name not in every:
            meant = nearest(name, list(every))
            help = f"did you mean {meant}?" if meant else f"there are {one_of(list(every), 'and')}"
            raise NetspecError(f"there is no form named {name!r}", help)
    requested = [every[name] for name in dict.fromkeys(every if names is None else names)]
    missing: dict[str, BackendError] = {}
    for name in {form.backend for form in requested}:
        try:
            find(name)
        except BackendError as error:
            missing[name] = error
    present = [form for form in requested if form.backend not in missing]
    if not present:
        raise next(iter(missing.values()))
    lines = [
        f"{form.title} is left out: {missing[form.backend].message}"
        for form in requested
        if form.backend in missing
    ]
    return present, lines


def made(name: str) -> Target:
    """The backend of a form. Raises BackendError where its framework is missing."""
    return find(known()[name].backend)
