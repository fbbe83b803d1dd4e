"""Closed and full streams, pipes, and other surroundings end a command with one message."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from commands import netspec_

COMMAND = [sys.executable, "-c", "from netspec.cli import main; main()"]
ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such streams")
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@FULL
@pytest.mark.parametrize("arguments", [["schema"], ["--version"], ["check", "SPEC"]])
def test_a_full_output_is_a_fault(arguments, spec):
    words = [str(spec) if word == "SPEC" else word for word in arguments]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.run(
            [*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert process.returncode == 1
    assert process.stderr == (
        "error: the output cannot be read or written: No space left on device\n"
    )


@ON_POSIX
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_closed_stream_changes_nothing_else(number, spec):
    shell = f'exec {number}>&-; exec "$@"'
    process = subprocess.run(
        ["sh", "-c", shell, "sh", *COMMAND, "check", str(spec)], capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert ("no faults" in process.stdout) == (number != 1)


@ON_POSIX
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "PIPE"], "pipe cannot be read: it is no regular file"),
        (["summary", "PIPE"], "pipe cannot be read: it is no regular file"),
        (["predict", "PIPE", "PIPE"], "there is no run"),
        (["evaluate", "PIPE"], "there is no run"),
        (["evaluate", "PIPE.onnx"], "pipe.onnx cannot be read: it is no regular file"),
        (["bench", "PIPE.onnx"], "pipe.onnx cannot be read: it is no regular file"),
    ],
)
def test_a_pipe_ends_no_command_in_waiting(arguments, message, tmp_path):
    for name in ("pipe", "pipe.onnx"):
        os.mkfifo(tmp_path / name)
    words = [word.replace("PIPE", str(tmp_path / "pipe")) for word in arguments]
    assert message in netspec_(*words).err


@ON_POSIX
@pytest.mark.parametrize("name", ["run.json", "spec.yaml", "weights.safetensors", "manifest.json"])
def test_a_pipe_in_a_run_ends_no_command_in_waiting(name, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("{}", encoding="utf-8")
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    assert "error: " in netspec_("evaluate", run).fault


@pytest.mark.parametrize(
    "arguments",
    [["predict", "LONG", "x.png"], ["check", "LONG"], ["evaluate", "LONG"], ["bench", "LONG"]],
)
def test_a_name_that_no_file_can_have_is_a_fault(arguments, tmp_path):
    words = [str(tmp_path / ("a" * 300)) if word == "LONG" else word for word in arguments]
    assert netspec_(*words).err.startswith("error: ")


def test_a_module_is_written_under_a_name_of_250_letters(spec, tmp_path):
    output = tmp_path / ("a" * 247 + ".py")
    assert netspec_("compile", spec, "--backend", "keras", "-o", output).results
    assert [path.name for path in tmp_path.iterdir() if path != spec] == [output.name]


@ON_POSIX
def test_a_module_is_written_to_the_standard_output_without_another_line(spec):
    command = [*COMMAND, "compile", str(spec), "--backend", "torch"]
    plain = subprocess.run(command, capture_output=True, text=True, check=True)
    named = subprocess.run(
        [*command, "-o", "/dev/stdout"], capture_output=True, text=True, check=True
    )
    assert named.stdout == plain.stdout
    assert named.stderr == "Wrote /dev/stdout\n"


def test_warnings_of_libraries_are_not_shown(monkeypatch):
    def warn(*_arguments, **_options):
        warnings.warn("of a library", RuntimeWarning)

    monkeypatch.setattr("netspec.cli.app.app", warn)
    assert netspec_().err == ""


def test_too_little_memory_is_a_fault(monkeypatch):
    def exhaust(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr("netspec.cli.app.app", exhaust)
    assert "the memory of this machine is not enough" in netspec_().fault


def test_weights_that_do_not_fit_into_the_memory_are_known_before(spec, monkeypatch):
    monkeypatch.setattr("netspec.numerics.initial.free_memory", lambda: 1 << 30)
    text = spec.read_text("utf-8").replace(
        "  - Flatten\n", "  - Flatten\n" + 2 * "  - Dense: {units: 90000}\n"
    )
    spec.write_text(text, encoding="utf-8")
    fault = netspec_("train", spec, "--backend", "torch", "--runs", spec.parent / "runs").fault
    assert "small_digits needs 2 times 30" in fault
    assert "netspec summary" in fault


def test_the_cache_of_no_user_is_a_fault(spec, monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_CACHE", "~nosuchuser/x")
    text = spec.read_text("utf-8").replace("input: [8, 8, 1]", "input: [28, 28, 1]")
    spec.write_text(text.replace("{dataset: digits, scale: 16}", "{dataset: mnist}"), "utf-8")
    fault = netspec_("train", spec, "--backend", "torch", "--runs", tmp_path / "runs").fault
    assert "NETSPEC_CACHE is ~nosuchuser/x, the home of no user" in fault
