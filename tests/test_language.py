"""The prose and the variables use the words of the field, for readers whose first language is another."""

from __future__ import annotations

from pathlib import Path

import pytest

import words


def test_prose_and_variables_use_the_words_of_the_field():
    assert [str(finding) for path in words.files() for finding in words.findings(path)] == []


PYTHON = """\
def use(given, x):
    \"\"\"A function that
    stands behind the others.\"\"\"
    for each in x:  # nothing of `held` but
        # that alone
        raise ValueError(f"{held} is in front "
            f"of {x.given}")
"""
YAML = "given: alone  # a picture\n"
MARKDOWN = "`given` at\nthe most\n```\nheld to\n```\n[a cell](the/own.md)"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.py",
            PYTHON,
            [
                "1: the variable given",
                "3: stands",
                "3: behind",
                "4: the variable each",
                "5: alone",
                "6: in front of",
            ],
        ),
        ("a.md", MARKDOWN, ["1: at the most", "6: cell"]),
        ("a.yaml", YAML, ["1: picture"]),
    ],
)
def test_each_finding_has_its_line_and_word(
    name: str, text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setattr(words, "ROOT", tmp_path)
    assert [f"{found.line}: {found.word}" for found in words.findings(Path(name))] == expected


def test_a_finding_shows_what_to_write():
    finding = words.Finding(Path("a.md"), 3, "behind", "after")
    assert str(finding) == "a.md:3: behind: write after"
