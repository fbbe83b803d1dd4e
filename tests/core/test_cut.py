"""Definitions are copied out of source files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from netspec.backend.emit.cut import Folder, Function, cut
from netspec.backend.emit.module import lines_of, module
from netspec_keras import prelude as keras_prelude
from netspec_torch import prelude as torch_prelude

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


@pytest.mark.parametrize("prelude", [keras_prelude, torch_prelude])
def test_every_part_of_a_backend_is_complete(prelude: ModuleType, tmp_path: Path) -> None:
    folder: Folder = prelude.PARTS
    names = [name for name in folder.names if name != "set_weights"]  # it needs tables of a network
    for name in names:
        parts = map(lines_of, folder.with_needed([name]).values())
        (tmp_path / f"{name}.py").write_text(module(["One part."], prelude.IMPORTS, parts), "utf-8")

    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F", str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)

    assert names
    assert process.stdout == "All checks passed!\n"


BODY = '''def move(self, weights, momentum, *, rate, fast=False):
    """Move the weights."""
    if fast:
        # A comment.
        weights.add_(
            momentum, fast=fast, exact=self.fast
        )  # noqa: F821 - a reason
    else:
        weights.sub_(rate)
    if weights.any():
        weights.zero_()


def numbers(self, lr):
    half = lr / 2
    return [half, self.power**2]
'''


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.py"
    path.write_text(BODY, encoding="utf-8")
    return path


def test_a_body_has_the_branch_of_a_constant(body: Path) -> None:
    move, last = Function(body, "move"), ["if weights.any():", "    weights.zero_()"]
    assert move.body({"fast": False}) == ["weights.sub_(rate)", *last]
    assert move.body({"fast": True}) == [
        "# A comment.",
        "weights.add_(",
        "    momentum, fast=True, exact=self.fast",
        ")",
        *last,
    ]


NESTED = '''def moved(step, *, cosine=False, slow=False):
    """Moved."""
    for _ in range(step):
        # A comment.
        step += 1
        if cosine:
            step = 0
            if slow:
                step = 1
            else:
                # Fast.
                step = 2
    return step
'''


def test_a_branch_in_a_loop_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "nested.py"
    path.write_text(NESTED, "utf-8")
    start = ["for _ in range(step):", "    # A comment.", "    step += 1"]
    end = ["return step"]
    moved = Function(path, "moved")
    assert moved.lines({"cosine": False, "slow": True}) == [*start, *end]
    branch = ["    step = 0", "    # Fast.", "    step = 2"]
    assert moved.lines({"cosine": True, "slow": False}) == [*start, *branch, *end]
    assert moved.body({"cosine": True, "slow": True}) == [*start, "    step = 0", "    step = 1"]


def test_a_function_names_its_parameters(body: Path) -> None:
    move = Function(body, "move")
    assert (move.doc, move.parameters) == ("Move the weights.", ["self", "weights", "momentum"])
    assert move.keywords == ["rate"]


def test_the_returned_list_is_cut_by_elements(body: Path) -> None:
    numbers = Function(body, "numbers")
    assert (numbers.body({}), numbers.returned) == (["half = lr / 2"], ["half", "self.power**2"])
