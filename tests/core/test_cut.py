"""Definitions are copied out of source files."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.backend.emit.cut import Folder, cut

FIRST = '''"""About it."""

import other

CONSTANT = 1


class Base:
    """A class."""

    attribute = other.CONSTANT  # noqa: F821 - a reason


@other.decorator
def first(x: Base) -> Base:
    # A comment.
    return second(x, CONSTANT)  # pyright: ignore[reportCallIssue] - a reason


class Derived(Base):
    def method(self) -> None:
        first(self)
'''

SECOND = """def second(x, y):
    return second(x, y) if x else first
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "first.py").write_text(FIRST, encoding="utf-8")
    (tmp_path / "second.py").write_text(SECOND, encoding="utf-8")
    return Folder(tmp_path)


def test_definitions_keep_decorators_and_lose_pragmas(folder: Folder) -> None:
    assert cut(folder.path / "first.py", "first") == (
        "@other.decorator\n"
        "def first(x: Base) -> Base:\n"
        "    # A comment.\n"
        "    return second(x, CONSTANT)"
    )
    assert cut(folder.path / "first.py", "Base").endswith("attribute = other.CONSTANT")


def test_a_definition_comes_after_definitions_it_needs(folder: Folder) -> None:
    assert [*folder.with_needed(["Derived"])] == ["Base", "second", "first", "Derived"]
    assert [*folder.with_needed(["second", "Base"])] == ["Base", "first", "second"]


def test_definitions_that_need_each_other_are_cut_once(folder: Folder) -> None:
    assert [*folder.with_needed(["first", "second"])].count("second") == 1
