"""Every example in docs/language.md shows the output of netspec."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from commands import netspec_
from netspec.language.expansion import expand
from netspec.text.source import parse

DOCUMENT = Path(__file__).parents[2] / "docs/language.md"
FENCES = re.findall(r"```(\w+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
PAIRS = [*pairwise(FENCES)]

BECOMES = [
    (before, after)
    for (_, before), (kind, after) in PAIRS
    if kind == "yaml"
    and not after.startswith("netspec:")
    and f"{before}```\n\nbecomes\n" in DOCUMENT.read_text(encoding="utf-8")
]
SESSIONS = [(spec, session) for (_, spec), (kind, session) in PAIRS if kind == "console"]


def test_every_example_is_tried() -> None:
    assert 2 * len(BECOMES) + 2 * len(SESSIONS) == len(FENCES)


@pytest.mark.parametrize(("before", "after"), BECOMES, ids=range(len(BECOMES)))
def test_a_spec_becomes_the_shown_flat_spec(before: str, after: str) -> None:
    assert expand(parse(before)).data == parse(after).data


@pytest.mark.parametrize(("spec", "session"), SESSIONS, ids=range(len(SESSIONS)))
def test_a_command_prints_the_shown_text(
    spec: str, session: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.yaml").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ netspec (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)

    assert commands
    for command, expected in commands:
        result = netspec_(*command.split())
        assert (result.out + result.err).rstrip("\n") == expected.rstrip("\n")
