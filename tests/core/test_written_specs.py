"""A spec that netspec writes reads back as the same spec, whatever texts it contains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import netspec_
from netspec.language.expansion import expand
from netspec.language.spec import Spec, resolved
from netspec.network import loads
from netspec.text.diagnostics import SpecError
from netspec.text.source import Data, parse
from netspec.text.writer import flow

EMOJI = "\U0001f600 é 网络"

SPEC: dict[str, Any] = {
    "netspec": 1,
    "name": "example",
    "input": (8,),
    "layers": ({"Dense": {"units": 2, "activation": "softmax"}},),
}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=10,
)

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


@given(VALUES)
@settings(deadline=None)
def test_any_value_reads_back(value: Data) -> None:
    assert parse(f"{flow(value)}\n").data == value


def test_every_character_reads_back() -> None:
    parts = ["".join(CHARACTERS[start : start + 50_000]) for start in range(0, 1_112_064, 50_000)]

    assert [parse(flow(part)).data for part in parts] == parts


@pytest.mark.parametrize("name", ["a" * 2_000, "é" * 2_000, "\U0001f600" * 2_000])
def test_a_long_key_reads_back(name: str) -> None:
    value: Data = {name: 1, "b": {name: [2]}}

    assert parse(flow(value)).data == value


@given(st.text(), st.text(), st.tuples(st.text(), st.text()), st.text())
@settings(deadline=None)
def test_any_texts_read_back(
    description: str, path: str, names: tuple[str, str], other: str
) -> None:
    data = {"dataset": "npz", "path": path, "class_names": names}
    weights = {names[0]: 2.0, other: 1.0}
    train = {"loss": "sparse_categorical_crossentropy", "class_weights": weights}
    spec = Spec.model_validate({**SPEC, "description": description, "data": data, "train": train})

    assert Spec.model_validate(expand(parse(resolved(spec))).data) == spec


@given(st.text(st.sampled_from("$({a})\\\"'\n ")))
@settings(deadline=None)
def test_dollars_read_back(description: str) -> None:
    spec = Spec.model_validate({**SPEC, "description": description})

    assert loads(resolved(spec)).spec == spec


@given(st.text(st.sampled_from("$({a})\\\"'\n ")))
@settings(deadline=None)
def test_keys_with_dollars_read_back(name: str) -> None:
    train = {"loss": "sparse_categorical_crossentropy", "class_weights": {name: 2.0}}
    spec = Spec.model_validate({**SPEC, "train": train})

    assert Spec.model_validate(expand(parse(resolved(spec))).data) == spec


def test_a_checked_emoji_is_printed_as_spec(tmp_path: Path) -> None:
    path, again = tmp_path / "emoji.yaml", tmp_path / "again.yaml"
    lines = ["netspec: 1", "name: example", f"description: {EMOJI}", "input: [8]"]
    lines += ["layers:", "  - Dense: {units: 2}", f"data: {{dataset: npz, path: '{EMOJI}.npz'}}"]
    path.write_text("\n".join(lines), encoding="utf-8")

    again.write_text(netspec_("check", path, "--expanded").results, encoding="utf-8")

    assert EMOJI in again.read_text(encoding="utf-8")
    assert netspec_("check", again).results.endswith("no faults\n")


def test_half_of_a_pair_of_escapes_is_refused() -> None:
    with pytest.raises(SpecError):
        parse('description: "\\ud83d"\n')
