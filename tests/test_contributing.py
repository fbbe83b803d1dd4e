"""CONTRIBUTING.md lists the files of every kind of change; an example of each kind is in these files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SOURCES = [
    (path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    for folder in ("netspec", "backends")
    for path in (ROOT / folder).rglob("*.py")
]


@dataclass(frozen=True)
class Change:
    """A section of the page: its title, its example and the files of the example."""

    title: str
    example: str
    files: tuple[str, ...]


def changes() -> Iterator[Change]:
    for section in PAGE.split("\n## Adding a")[1:]:
        title, _, text = section.partition("\n")
        example = re.search(r"Example: `(\w+)`(?:,? in\s+`(<\w+>)` = `(\w+)`)?", text)
        if example is None:  # a backend: its package has any files
            continue
        name, placeholder, value = example.groups()
        files = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
        if placeholder:
            files = [file.replace(placeholder, value) for file in files]
        yield Change(title.lstrip("n "), name, tuple(files))


CHANGES = list(changes())


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.title)
def test_every_listed_file_contains_the_example(change: Change):
    word = re.compile(rf"\b{change.example.lower()}\b")
    texts = {file: (ROOT / file).read_text("utf-8") for file in change.files}
    without = [
        file
        for file, text in texts.items()
        if not word.search(text.lower()) and not word.search(text.lower().replace("_", ""))
    ]
    assert len(change.files) >= 3
    assert without == []


@pytest.mark.parametrize(
    "change",
    [change for change in CHANGES if change.title != "command"],
    ids=lambda change: change.title,
)
def test_no_other_source_file_names_the_example(change: Change):
    word = re.compile(rf"\b{change.example}\b")
    named = {file for file, text in SOURCES if word.search(text)}
    assert named == {file for file in change.files if file.startswith(("netspec/", "backends/"))}


def test_the_page_covers_every_kind_of_change():
    kinds = {"layer", "pass", "loss", "metric", "schedule", "optimizer", "data source", "command"}
    assert {change.title for change in CHANGES} == kinds
