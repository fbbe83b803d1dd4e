"""The commands that need no framework: what they print, where, and with which status they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import netspec.backend
import netspec.backend.contract
import netspec.backend.environment
from commands import netspec_
from frameworks import TRAINING, require
from netspec.backend import find, find_training
from netspec.backend.environment import Conflict
from netspec.language.layers import LAYERS
from netspec.network import load
from netspec.text.codes import Code

MNIST = Path(__file__).parents[2] / "specs/mnist_cnn.yaml"

COMMANDS = [
    "check",
    "data",
    "summary",
    "compile",
    "train",
    "evaluate",
    "export",
    "predict",
    "bench",
    "backends",
    "layers",
    "explain",
    "schema",
    "new",
]


# All commands.


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    assert f"netspec {command} " in netspec_(command, "--help").results


def test_the_help_lists_every_command():
    shown = netspec_("--help").results
    listed = re.findall(r"^  ([a-z]+) ", shown.partition("Commands:")[2], re.MULTILINE)
    assert listed == COMMANDS


def test_a_command_that_there_is_not_is_a_fault_of_usage():
    ended = netspec_("trane")
    assert (ended.status, ended.out) == (2, "")
    assert "trane" in ended.err


@pytest.mark.parametrize(
    "command", ["check", "data", "summary", "compile", "train", "predict", "bench", "new"]
)
def test_a_missing_argument_is_a_fault_of_usage(command):
    ended = netspec_(command)
    assert (ended.status, ended.out) == (2, "")
    assert "Missing" in ended.err


@pytest.mark.parametrize("arguments", [["summary", str(MNIST)], ["schema"]])
def test_a_reader_that_stops_early_sees_no_traceback(arguments):
    command = [sys.executable, "-c", "from netspec.cli import main; main()", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


# A spec that cannot be read, for every command that takes one.

READERS = [
    ("check",),
    ("data",),
    ("summary",),
    ("compile", "--backend", "keras"),
    ("train", "--backend", "keras"),
]


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_spec_that_is_not_there_is_a_fault(command, tmp_path):
    assert "there is no file" in netspec_(*command, tmp_path / "nowhere.yaml").fault


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_folder_is_no_spec(command, tmp_path):
    # A folder may contain images, for which train writes a spec.
    message = "has no images" if command[0] == "train" else f"{tmp_path} cannot be read"
    assert message in netspec_(*command, tmp_path).fault


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_spec_that_may_not_be_read_is_a_fault(command, spec):
    spec.chmod(0)
    assert f"{spec} cannot be read" in netspec_(*command, spec).fault


@pytest.mark.parametrize("command", READERS, ids=lambda command: command[0])
def test_a_spec_that_is_no_text_is_a_fault(command, spec):
    spec.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert f"{spec}:1:1" in netspec_(*command, spec).fault


# check


def test_check_shows_what_a_sound_spec_is():
    ended = netspec_("check", MNIST)
    assert ended.results == f"{MNIST}: 8 layers, 93,322 parameters, no faults\n"


def test_check_shows_every_fault_of_every_file(tmp_path, spec):
    text = spec.read_text(encoding="utf-8")
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(text.replace("Flatten", "Flaten").replace("epochs: 2", "epochs: 0"), "utf-8")
    second.write_text(text.replace("units: 10", "units: 11"), "utf-8")
    ended = netspec_("check", first, spec, second)
    assert ended.status == 1
    places = re.findall(r"--> (\S+)", ended.err)
    assert places == [f"{first}:6:5", f"{first}:12:11", f"{second}:7:20"]
    assert ended.out == f"{spec}: 3 layers, 410 parameters, no faults\n"


BLOCKS = """\
netspec: 1
name: blocks
description: costs $$5
input: [8, 8, 1]
variables: {width: 4, rate: 0.5, activation: relu, sizes: [3, 3], double: $(2 * width)}
blocks:
  unit:
    parameters: {filters: }
    layers:
      - Conv2D: {filters: $filters, kernel_size: $sizes, activation: $activation}
      - BatchNormalization
layers:
  - unit: {filters: "$(width * (index + 1))", repeat: 2}
  - Flatten
  - Dropout: {rate: $rate}
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.fixture
def blocks(tmp_path) -> Path:
    path = tmp_path / "blocks.yaml"
    path.write_text(BLOCKS, encoding="utf-8")
    return path


def test_check_lists_the_variables_with_their_values(blocks):
    # 4 filters of 3x3x1 and 8 of 3x3x4 with biases; 4 values a channel; 10 units of 4x4x8
    assert (
        netspec_("check", blocks).results
        == f"""\
{blocks}: 7 layers, {4 * 10 + 8 * 37 + 4 * 12 + 10 * 129:,} parameters, no faults
  width: 4
  rate: 0.5
  activation: relu
  sizes: [3, 3]
  double: 8
"""
    )


def test_check_sets_variables(blocks):
    shown = netspec_("check", blocks, "--set", "variables.width=8").results
    assert re.findall(r"(?:width|double): (\d+)", shown) == ["8", "16"]


def test_check_refuses_a_variable_of_another_type(blocks):
    ended = netspec_("check", blocks, "--set", "variables.width=wide")
    assert (ended.status, ended.out) == (1, "")
    assert "width must stay a whole number, and is set to the text 'wide'" in ended.err


def test_check_prints_what_a_spec_becomes(blocks):
    assert (
        netspec_("check", "--expanded", blocks).results
        == """\
netspec: 1
name: blocks
description: "costs $$5"
input: [8, 8, 1]
layers:
  - Conv2D: {name: unit_0/conv2d, filters: 4, kernel_size: [3, 3], activation: relu}
  - BatchNormalization: {name: unit_0/batch_normalization}
  - Conv2D: {name: unit_1/conv2d, filters: 8, kernel_size: [3, 3], activation: relu}
  - BatchNormalization: {name: unit_1/batch_normalization}
  - Flatten
  - Dropout: {rate: 0.5}
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16.0}
train:
  loss: sparse_categorical_crossentropy
"""
    )


def test_what_a_spec_becomes_is_the_same_network(blocks, tmp_path):
    flat = tmp_path / "flat.yaml"
    flat.write_text(netspec_("check", "--expanded", blocks).results, encoding="utf-8")
    assert load(flat).graph == load(blocks).graph
    assert load(flat).spec == load(blocks).spec


def test_check_prints_what_one_spec_becomes(blocks):
    assert "--expanded prints one spec" in netspec_("check", "--expanded", blocks, blocks).fault


# summary: the numbers are from the TensorFlow tutorial, https://www.tensorflow.org/tutorials/images/cnn

TUTORIAL = [
    ("conv2d (Conv2D)", "(26, 26, 32)", "320", "320"),
    ("max_pooling2d (MaxPooling2D)", "(13, 13, 32)", "0", "320"),
    ("conv2d_1 (Conv2D)", "(11, 11, 64)", "18,496", "18,816"),
    ("max_pooling2d_1 (MaxPooling2D)", "(5, 5, 64)", "0", "18,816"),
    ("conv2d_2 (Conv2D)", "(3, 3, 64)", "36,928", "55,744"),
    ("flatten (Flatten)", "(576)", "0", "55,744"),
    ("dense (Dense)", "(64)", "36,928", "92,672"),
    ("dense_1 (Dense)", "(10)", "650", "93,322"),
]


def table_of(shown: str) -> list[tuple[str, ...]]:
    """The texts of a table, with at least two spaces between them."""
    _, _, rows = shown.partition("─\n")
    lines = rows.partition("\n\n")[0].splitlines()
    return [tuple(re.split(r"  +", line.strip())) for line in lines]


def test_summary_prints_the_table_of_the_tutorial():
    rows = table_of(netspec_("summary", MNIST).results)
    assert [row[:4] for row in rows] == TUTORIAL


def test_summary_prints_the_total_of_the_tutorial():
    lines = netspec_("summary", MNIST).results.splitlines()
    assert [line.split() for line in lines[-7:-4]] == [
        ["Parameters", "93,322"],
        ["Trainable", "93,322"],
        ["Non-trainable", "0"],
    ]


def test_summary_loses_no_digit_where_the_terminal_is_narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert [row[:4] for row in table_of(netspec_("summary", MNIST).results)] == TUTORIAL


@pytest.mark.parametrize("arguments", [("summary", MNIST), ("layers",)], ids=["summary", "layers"])
def test_a_terminal_that_knows_no_more_than_ascii_gets_the_text(arguments):
    command = [sys.executable, "-m", "netspec", *map(str, arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    process = subprocess.run(command, capture_output=True, check=False, env=environment)

    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout.isascii()


def test_summary_gives_the_same_figures_as_json():
    data = json.loads(netspec_("summary", MNIST, "--json").results)
    rows = [
        (
            f"{row['name']} ({row['type']})",
            f"({', '.join(map(str, row['output_shape']))})",
            f"{row['parameters']:,}",
            f"{row['subtotal']:,}",
        )
        for row in data["rows"]
    ]
    assert rows == TUTORIAL
    assert data["parameters"] == 93322


def test_summary_takes_values_from_the_command_line(digits):
    setting = "layers.0.Conv2D.filters=8"
    rows = table_of(netspec_("summary", digits, "--set", setting).results)
    assert rows[0][1:3] == ("(3, 3, 8)", "80")  # 3 * 3 * 1 * 8 + 8


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("filters", "is not of the form KEY.PATH=VALUE"),
        ("=8", "is not of the form KEY.PATH=VALUE"),
        ("layers.0.Conv2D.filters=many", "filters must be a whole number"),
        ("layers.0.Conv2D.filters=", "filters must be a whole number"),
        ("layers.0.Conv2D.filtres=8", "did you mean `filters`?"),
        ("layers.7.Conv2D.filters=8", "there is no item '7'"),
        ("layers.x=8", "there is no item 'x'"),
        ("name.first=8", "name"),
        ("train.epochs=[1", "while parsing a flow sequence"),
        ("train.epochs=!!python/name:os.system 1", "tag"),
        ("..=1", "--set ..=1"),
    ],
)
def test_a_setting_that_does_not_fit_is_shown_as_it_was_typed(digits, setting, message):
    fault = netspec_("summary", digits, "--set", setting).fault
    assert message in fault
    assert setting.partition("=")[0] in fault


# compile


@pytest.mark.parametrize("backend", TRAINING)
def test_compile_prints_the_module(digits, backend):
    source = find_training(backend, framework=False).source(load(digits))
    assert netspec_("compile", digits, "--backend", backend).results == source


def test_compile_writes_the_module_into_a_file(digits, tmp_path):
    file = tmp_path / "module.py"
    ended = netspec_("compile", digits, "--backend", "torch", "-o", file)
    assert ended.results == f"Wrote {file}\n"
    assert file.read_text(encoding="utf-8") == find_training("torch").source(load(digits))


def test_compile_takes_values_from_the_command_line(digits):
    setting = "layers.0.Conv2D.filters=8"
    shown = netspec_("compile", digits, "--backend", "torch", "--set", setting).results
    assert "nn.Conv2d(1, 8, 3" in shown


@pytest.mark.parametrize("backend", TRAINING)
def test_compile_without_passes_prints_what_the_author_wrote(backend):
    plain = netspec_("compile", MNIST, "--backend", backend, "--passes", "none").results
    assert "# (26, 26, 32)" in plain.replace("(32, 26, 26)", "(26, 26, 32)")
    assert netspec_("compile", MNIST, "--backend", backend).results != plain


@pytest.mark.parametrize("backend", TRAINING)
def test_compile_shows_what_a_pass_changes(backend):
    command = ["compile", MNIST, "--backend", backend]
    plain = netspec_(*command, "--passes", "none").results.splitlines()
    optimized = netspec_(*command, "--passes", "-needed_extent").results.splitlines()
    shown = netspec_(*command, "--passes", "-needed_extent", "--diff").results.splitlines()
    before = [line[1:] for line in shown[2:] if line[0] in " -"]
    after = [line[1:] for line in shown[2:] if line[0] in " +"]
    assert {*before} <= {*plain}
    assert {*after} <= {*optimized}
    assert {*plain} - {*optimized} <= {*before}


@pytest.mark.parametrize(
    ("backend", "passes"),
    [
        ("keras", ["activation_after_pooling", "needed_extent"]),
        ("torch", ["needed_extent", "unwrapped", "channels_first"]),
        ("onnx", ["drop_training_layers", "fold_padding", "needed_extent", "channels_first"]),
    ],
)
def test_compile_shows_the_graph_after_every_pass(backend, passes):
    command = ["compile", MNIST, "--backend", backend, "--stages"]
    lines = netspec_(*command).results.splitlines()
    names = [line[2:].removesuffix(": no change") for line in lines if line.startswith("# ")]
    assert names[0] == "the spec"
    assert [name for name in names if name in passes] == passes
    assert "max_pooling2d: (13, 13, 32) = MaxPooling2D(conv2d)" in lines
    off = netspec_(*command, "--passes", "-needed_extent").results
    assert "# needed_extent" in lines
    assert "needed_extent" not in off


def test_compile_shows_one_thing(digits):
    command = ["compile", digits, "--backend", "torch", "--stages", "--diff"]
    assert "leave one of them out" in netspec_(*command).fault


def test_a_pass_that_there_is_not_is_a_fault_that_names_the_nearest(digits):
    command = ["compile", digits, "--backend", "torch", "--passes", "needed_extend"]
    assert "did you mean needed_extent?" in netspec_(*command).fault


@pytest.mark.parametrize("output", ["nowhere/module.py", ".", "/", "folder", "file/module.py", ""])
def test_a_module_that_cannot_be_written_is_a_fault(digits, output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").write_text("a file", encoding="utf-8")
    ended = netspec_("compile", digits, "--backend", "torch", "-o", output)
    assert "cannot be written" in ended.fault
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("command", ["compile", "train"])
@pytest.mark.parametrize(
    ("backend", "message"),
    [("kera", "did you mean keras?"), ("onnx", "the onnx backend cannot train"), ("", "''")],
)
def test_a_backend_that_cannot_do_it_is_a_fault(digits, command, backend, message):
    assert message in netspec_(command, digits, "--backend", backend).fault


# backends


def test_backends_lists_every_backend_with_its_versions():
    rows = json.loads(netspec_("backends", "--json").results)
    expected = {
        name: {
            framework.module: framework.version
            for framework in find(name, framework=False).frameworks
        }
        for name in ("keras", "onnx", "torch")
    }
    assert {row["name"]: row["versions"] for row in rows} == expected


def test_backends_shows_a_line_for_each():
    lines = netspec_("backends").results.splitlines()
    assert [line.split()[0] for line in lines] == ["keras", "onnx", "torch"]


def test_backends_shows_how_to_install_what_is_missing(monkeypatch):
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(netspec.backend.contract, "version", missing)
    lines = netspec_("backends").results.splitlines()
    commands = [line.partition("pip install ")[2] for line in lines]
    assert commands == ["'netspec[keras]'", "'netspec[onnx]'", "'netspec[torch]'"]


@pytest.fixture
def conflict(monkeypatch) -> Conflict:
    """A conflict that the environment is reported to have."""
    conflict = Conflict(("a-cu12", "a-cu13"), "a-cu12 and a-cu13 overwrite each other", "use one")
    monkeypatch.setattr(
        netspec.backend.environment, "find_conflicts", lambda distributions: (conflict,)
    )
    return conflict


def test_backends_shows_conflicts_below_the_table(conflict):
    shown = netspec_("backends").results
    assert shown.endswith(f"\n\n{conflict}\n")


def test_backends_prints_conflicts_as_json(conflict):
    rows = json.loads(netspec_("backends", "--json").results)
    expected = {
        "distributions": ["a-cu12", "a-cu13"],
        "message": conflict.message,
        "help": conflict.help,
    }
    assert [row["conflicts"] for row in rows] == [[expected]] * 3


def test_a_framework_that_is_missing_is_a_fault_that_says_how_to_install_it(digits, monkeypatch):
    monkeypatch.setattr(netspec.backend, "find_spec", lambda module: None)
    fault = netspec_("train", digits, "--backend", "torch").fault
    assert "pip install 'netspec[torch]'" in fault


# explain


def test_explain_lists_every_code():
    lines = netspec_("explain").results.splitlines()
    assert [line.split()[0] for line in lines[: len(Code)]] == list(Code)
    assert max(map(len, lines)) <= 88


def test_explain_prints_the_paragraph_of_a_code():
    name, empty, *paragraph = netspec_("explain", "shape").results.splitlines()
    assert (name, empty) == ("shape", "")
    assert " ".join(paragraph) == Code.SHAPE.explanation


def test_explain_takes_a_code_as_a_message_shows_it():
    assert netspec_("explain", "error[shape]").results == netspec_("explain", "shape").results


@pytest.mark.parametrize(
    ("typed", "help"), [("shap", "did you mean shape?"), ("x", "`netspec explain` lists them")]
)
def test_explain_names_the_nearest_code(typed, help):
    ended = netspec_("explain", typed)
    assert ended.status == 1
    assert ended.err == f"error: there is no code named {typed!r}\n  help: {help}\n"


# layers


def test_layers_lists_the_vocabulary():
    lines = netspec_("layers").results.splitlines()
    assert [line.split()[0] for line in lines[: len(LAYERS)]] == list(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_shows_every_field_of_a_layer_with_its_meaning(name):
    shown = netspec_("layers", name).results
    listed = re.findall(r"^  (\w+)  ", shown.partition("Fields:")[2], re.MULTILINE)
    fields = list(LAYERS[name].model_fields)
    assert listed[: len(fields)] == fields
    assert "None" not in shown


@pytest.mark.parametrize(
    ("name", "help"), [("Conv2d", "did you mean Conv2D?"), ("Zzz", "`netspec layers` lists them")]
)
def test_a_layer_that_there_is_not_is_a_fault(name, help):
    assert help in netspec_("layers", name).fault


# new


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("argument", ["my_network", "my_network.yaml"])
def test_new_writes_a_spec_without_faults(here, argument):
    assert "Wrote my_network.yaml." in netspec_("new", argument).results
    assert load(here / "my_network.yaml").spec.name == "my_network"


def test_new_writes_a_spec_that_trains_as_it_stands(here):
    require("torch")
    assert netspec_("new", "my_network").results
    arguments = ["--backend", "torch", "--epochs", "1", "--device", "cpu"]
    shown = netspec_("train", "my_network.yaml", *arguments).results
    assert shown.splitlines()[-1].startswith("Wrote runs/my_network-torch-1: ")


def test_new_does_not_write_over_a_file(here):
    (here / "mine.yaml").write_text("mine", encoding="utf-8")
    assert "mine.yaml is there already" in netspec_("new", "mine").fault
    assert (here / "mine.yaml").read_text(encoding="utf-8") == "mine"


def test_new_writes_over_a_file_by_force(here):
    (here / "mine.yaml").write_text("mine", encoding="utf-8")
    assert netspec_("new", "mine", "--force").results
    assert load(here / "mine.yaml").spec.name == "mine"


@pytest.mark.parametrize("name", ["true", "null", "Null", "False", "none", "class", "x" * 64])
def test_every_name_that_new_takes_makes_a_spec_without_faults(here, name):
    assert netspec_("new", name).results
    assert load(here / f"{name}.yaml").spec.name == name


@pytest.mark.parametrize("name", ["a-b", "1a", "", "../x", "a/b", ".yaml", "é", "a b", "x" * 65])
def test_new_refuses_a_name_that_a_spec_cannot_have(here, name):
    assert "cannot name a network" in netspec_("new", name).fault
    assert list(here.iterdir()) == []
