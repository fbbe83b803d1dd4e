"""A spec that is written to do harm is refused with a message, in little time and memory."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from hostile import CODE, HOSTILE, NAMES, PATHS
from measured import Measured, measured
from netspec.data.idx import read_idx
from netspec.data.npz import read_npz
from netspec.network import loads
from netspec.text.diagnostics import MAX_FAULTS, DataError, SpecError

MEBIBYTES = 200  # more than a command needs for an ordinary spec
CHARACTERS = 100_000

LARGE = (
    "boundaries_by_the_ten_thousand",
    "dollars_by_the_million",
    "fields_that_are_wrong_by_the_thousand",
    "inputs_from_behind_by_the_thousand",
    "list_of_two_megabytes",
    "names_in_the_way_of_automatic_ones",
    "references_by_the_hundred_thousand",
    "repeats_of_a_large_list",
    "repeats_of_an_unknown_field",
)
"""Specs that take a second or more each. Smaller ones of the same kinds are in every run."""

SPECS = [pytest.param(name, marks=pytest.mark.nightly if name in LARGE else ()) for name in HOSTILE]
HARMLESS = [name for name, (code, _) in HOSTILE.items() if code is None]
COMPILED = [name for name in (*NAMES, *PATHS) if name in HARMLESS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every hostile spec in a file."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (_, make_text) in HOSTILE.items():
        (folder / f"{name}.yaml").write_text(make_text(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def small_specs(folder: Path) -> dict[str, Measured]:
    """The results of `netspec check` for each small spec, and for an ordinary spec."""
    before = set(folder.iterdir())
    names = ["name_x", *(name for name in HOSTILE if name not in LARGE)]
    results = measured([["check", f"{name}.yaml"] for name in names], folder)
    assert set(folder.iterdir()) == before  # no file was created or removed
    return {"": results[0], **dict(zip(names[1:], results[1:], strict=True))}


@pytest.fixture(scope="module")
def checked(folder: Path, small_specs: dict[str, Measured]) -> Callable[[str], Measured]:
    """A function from the name of a spec to the result of `netspec check`; "" is an ordinary spec."""

    @cache
    def result_of(name: str) -> Measured:
        if name not in LARGE:
            return small_specs[name]
        (result,) = measured([["check", f"{name}.yaml"]], folder)
        return result

    return result_of


@pytest.mark.parametrize("name", SPECS)
def test_a_hostile_spec_is_refused_or_harmless(
    name: str, checked: Callable[[str], Measured]
) -> None:
    code, _ = HOSTILE[name]
    result = checked(name)

    assert "Traceback" not in result.out
    if code is None:
        assert result.status == 0
        assert "no faults" in result.out
    else:
        assert result.status == 1
        assert result.out.startswith(f"error[{code}]: ")
        assert f"--> {name}.yaml:" in result.out
    assert len(result.out) < CHARACTERS
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", result.out)


@pytest.mark.parametrize("name", SPECS)
def test_a_hostile_spec_takes_little_memory(name: str, checked: Callable[[str], Measured]) -> None:
    assert checked(name).mebibytes - checked("").mebibytes < MEBIBYTES


@pytest.fixture(scope="module")
def compiled(folder: Path) -> dict[tuple[str, str], Measured]:
    """The modules of valid specs with hostile texts, by spec and backend."""
    pairs = [(name, backend) for name in COMPILED for backend in ("keras", "torch")]
    commands = [["compile", f"{name}.yaml", "--backend", backend] for name, backend in pairs]
    return dict(zip(pairs, measured(commands, folder), strict=True))


@pytest.mark.parametrize("backend", ["keras", "torch"])
@pytest.mark.parametrize("name", COMPILED)
def test_no_text_of_a_spec_becomes_code(
    name: str, backend: str, compiled: dict[tuple[str, str], Measured]
) -> None:
    module = ast.parse(compiled[name, backend].out)

    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    assert not names & {node.id for node in ast.walk(ast.parse(CODE)) if isinstance(node, ast.Name)}


def test_only_the_first_errors_are_shown() -> None:
    _, make_text = HOSTILE["layers_that_are_unknown_by_the_thousand"]

    with pytest.raises(SpecError) as caught:
        loads(make_text())

    assert [fault.place.line for fault in caught.value.diagnostics] == [*range(5, 5 + MAX_FAULTS)]
    assert str(caught.value).endswith("\n\nthere are more faults than these 100")


def test_the_maximum_of_errors_is_shown_completely() -> None:
    layers = "".join(f"  - Conv{rank}D\n" for rank in range(4, 4 + MAX_FAULTS))

    with pytest.raises(SpecError) as caught:
        loads(f"netspec: 1\nname: a\ninput: [8]\nlayers:\n{layers}")

    assert (len(caught.value.diagnostics), caught.value.more) == (MAX_FAULTS, False)


def test_a_long_text_is_shortened_in_messages() -> None:
    with pytest.raises(SpecError) as caught:
        loads(f"netspec: 1\n? {'x' * 100_000}\n: 1\n")

    assert len(str(caught.value)) < 4_000


def test_control_characters_are_not_in_the_help() -> None:
    # The help repeats the key, because a space seems to be missing after it.
    with pytest.raises(SpecError) as caught:
        loads('netspec: 1\nname: a\ninput: [8]\nlayers:\n  - Dense: {"units:\\e[2J": 1}\n')

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("read", [read_npz, read_idx])
def test_a_pipe_is_no_data_set(read, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer

    with pytest.raises(DataError, match="pipe cannot be read: it is no regular file"):
        read(tmp_path / "pipe")


@pytest.mark.parametrize("read", [read_npz, read_idx])
def test_a_device_is_no_data_set(read) -> None:
    with pytest.raises(DataError, match="/dev/zero cannot be read: it is no regular file"):
        read(Path("/dev/zero"))


@pytest.mark.parametrize("read", [read_npz, read_idx])
def test_a_path_with_null_is_no_data_set(read) -> None:
    with pytest.raises(DataError, match="cannot be read: a path has no null character") as caught:
        read(Path("a\0b"))

    assert "\0" not in str(caught.value)
