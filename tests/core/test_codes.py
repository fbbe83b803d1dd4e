"""Every code of an error is used, and nothing else is used as a code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from netspec.text.codes import Code

SOURCES = [*(Path(__file__).parents[2] / "netspec").rglob("*.py")]

CODE_AT = {"Fault": 1, "Diagnostic": 0, "ExpressionFault": 3}
"""The position of the code among the arguments of each function that creates an error."""


def _trees() -> list[ast.Module]:
    files = [path for path in SOURCES if path.name != "codes.py"]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


def test_every_code_is_used() -> None:
    codes = {
        node.attr
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Code"
    }
    assert codes == set(Code.__members__)


def test_no_string_is_used_as_a_code() -> None:
    strings = [
        ast.unparse(node)
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(_code_of(node), ast.Constant)
    ]
    assert strings == []


def _code_of(call: ast.Call) -> ast.expr | None:
    """The argument of a call that contains the code of an error."""
    function = ast.unparse(call.func).rpartition(".")[2]
    position = CODE_AT.get(function)
    keyword_value = next(
        (keyword.value for keyword in call.keywords if keyword.arg == "code"), None
    )
    return (
        call.args[position] if position is not None and position < len(call.args) else keyword_value
    )


@pytest.mark.parametrize("code", Code)
def test_an_explanation_is_a_paragraph(code: Code) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert code.name == code.replace("-", "_").upper()
    assert re.fullmatch(r"[A-Z`].{40,600}\.", code.explanation)
