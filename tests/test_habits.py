"""What the project promises of its documents and its specs."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from netspec.network import load

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
ALL_SPECS = [*SPECS, *sorted((ROOT / "tests/golden/specs").rglob("*.yaml"))]
SCHEMA = ROOT / "netspec/netspec.schema.json"

LINK = re.compile(
    r"!?\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)=\"([^\"]+)\"",
    re.MULTILINE,
)
EXAMPLES = [
    path for path in sorted((ROOT / "netspec").rglob("*.py")) if ">>> " in path.read_text("utf-8")
]
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def test_the_readme_has_at_most_two_hundred_lines():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document):
    links = links_of(document.read_text(encoding="utf-8"))
    files = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [file for file in files if not (document.parent / file).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_heading_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    anchors = [link[1:] for link in links_of(text) if link.startswith("#")]
    assert set(anchors) - headings_of(text) == set()


def links_of(text: str) -> list[str]:
    return ["".join(groups) for groups in LINK.findall(FENCED.sub("", text))]


def headings_of(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    titles = re.findall(r"^#+ +(.+?) *#*$", FENCED.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_is_without_faults(path):
    assert load(path).spec.name == path.stem


@pytest.mark.parametrize("path", ALL_SPECS, ids=lambda path: path.stem)
def test_every_spec_tells_editors_where_its_schema_is(path):
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    head, _, schema = first.partition("$schema=")
    assert head == "# yaml-language-server: "
    assert (path.parent / schema).resolve() == SCHEMA


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_docstrings_are_right(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_tests_import_tensorflow_through_netspec():
    direct = re.compile(
        r"^\s*(import|from) (keras|tensorflow)\b|importorskip\(\"(keras|tensorflow)\"\)",
        re.MULTILINE,
    )
    folder = ROOT / "tests"
    # Generated modules and the program that runs them without netspec import Keras themselves.
    files = [path for path in folder.rglob("*.py") if folder / "golden" not in path.parents]
    assert [path for path in files if direct.search(path.read_text(encoding="utf-8"))] == []


def test_the_examples_of_the_architecture_are_right(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(ROOT / "docs/architecture.md"), module_relative=False)
    assert result.attempted > 20
    assert result.failed == 0
