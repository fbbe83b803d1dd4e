"""The printer of documents: where lines end, and how they are indented."""

from __future__ import annotations

import pytest

from netspec.backend.emit.document import (
    LINE,
    NEWLINE,
    SOFT,
    Choice,
    Document,
    Group,
    IfBroken,
    Nest,
    joined,
    render,
)


def bracket(*items: Document) -> Document:
    return Group(("(", Nest((SOFT, joined(items, (",", LINE)), IfBroken(","))), SOFT, ")"))


CALL = ("f", bracket("aa", ("g", bracket("bb", "cc"))))


@pytest.mark.parametrize(
    ("document", "width", "expected"),
    [
        (CALL, 16, "f(aa, g(bb, cc))"),
        (CALL, 15, "f(\n    aa,\n    g(bb, cc),\n)"),
        (CALL, 13, "f(\n    aa,\n    g(\n        bb,\n        cc,\n    ),\n)"),
    ],
)
def test_groups_break_from_the_outside(document: Document, width: int, expected: str) -> None:
    assert render(document, width) == expected


def test_text_after_a_group_counts_until_newline() -> None:
    document = ("f", bracket("aa"), ".g", bracket("bb"))

    assert render(document, 12) == "f(aa).g(bb)"
    assert render(document, 8) == "f(aa).g(\n    bb,\n)"
    assert render(document, 7) == "f(\n    aa,\n).g(bb)"


def test_text_before_a_group_counts() -> None:
    assert render(("abc", bracket("d")), 6) == "abc(d)"
    assert render(("abcd", bracket("d")), 6) == "abcd(\n    d,\n)"


def test_indentation_counts_and_empty_lines_have_none() -> None:
    body = Nest((NEWLINE, "a", NEWLINE, NEWLINE, bracket("b", "c")))

    assert render(("if x:", body), 10) == "if x:\n    a\n\n    (b, c)"
    assert render(("if x:", body), 9) == "if x:\n    a\n\n    (\n        b,\n        c,\n    )"


def test_lines_after_the_first_begin_at_the_indentation() -> None:
    assert render((SOFT, "a", NEWLINE, "b"), 10, indent=2, column=2) == "\n  a\n  b"


def test_a_line_that_always_ends_breaks_its_group() -> None:
    assert render(Group(("a", LINE, "b", NEWLINE, "c")), 80) == "a\nb\nc"


@pytest.mark.parametrize(("width", "expected"), [(8, "x = long"), (7, "x = a\nb"), (4, "x = y")])
def test_the_first_choice_that_fits_is_printed(width: int, expected: str) -> None:
    choice = Choice("long", lambda: (("a", NEWLINE, "b"), "y"))

    assert render(("x = ", choice), width) == expected


def test_documents_may_be_nested_deeper_than_python_recurses() -> None:
    document: Document = "x"
    for _ in range(5_000):
        document = Group(("(", document, ")"))

    assert render(document, 10) == 5_000 * "(" + "x" + 5_000 * ")"
