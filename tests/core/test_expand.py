"""Variables, blocks and repetition become a flat spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.language.expansion import expand, variables
from netspec.language.expansion.values import parts
from netspec.language.spec import resolved
from netspec.network import load, loads
from netspec.text.diagnostics import SpecError
from netspec.text.override import Override, apply
from netspec.text.source import Source, parse

BEGINNING = "netspec: 1\nname: example\ninput: [8, 8, 3]\n"


def expand_spec(text: str, *settings: str) -> Any:
    """The data of the flat spec."""
    return expand(parse_spec(text, *settings)).data


def parse_spec(text: str, *settings: str) -> Source:
    source = parse(text)
    for setting in settings:
        path, _, value = setting.partition("=")
        source = apply(source, Override(f"--set {setting}", path, value))
    return source


def layers(text: str, *settings: str) -> Any:
    return expand_spec(text, *settings)["layers"]


def value(text: str, **defaults: str) -> Any:
    """The value after expansion, where these variables are defined."""
    definitions = "".join(f"  {key}: {default}\n" for key, default in defaults.items())
    return expand_spec(f"variables:\n{definitions}value: {text}\n")["value"]


def faults(text: str, *settings: str) -> str:
    with pytest.raises(SpecError) as caught:
        expand(parse_spec(text, *settings))
    return str(caught.value)


# Values.


@pytest.mark.parametrize(
    ("text", "expected_type"),
    [
        *(("3", int), ("0.5", float), ("1e-3", float), ("true", bool), ("relu", str)),
        *(('"3"', str), ("[3, 5]", list), ("[[1, 1], [2, 2]]", list)),
    ],
)
def test_a_single_reference_keeps_its_variables_type(text, expected_type):
    actual = value("$v", v=text)

    assert (type(actual), actual) == (expected_type, parse(text).data)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        # arithmetic on 7 and 2, 0.5, and true, as in Python's reference, "Expressions"
        ("a + b", 9),
        ("a - b", 5),
        ("a * b", 14),
        ("a // b", 3),
        ("-a // b", -4),
        ("a % b", 1),
        ("-a % b", 1),
        ("a % -b", -1),
        ("a - b - b", 3),
        ("a // b // b", 1),
        ("a + b * b", 11),
        ("(a + b) * b", 18),
        ("-a * -b", 14),
        ("--a", 7),
        ("2 - -3", 5),
        ("a * half", 3.5),
        ("a // half", 14.0),
        ("min(a, b, 5)", 2),
        ("max(a, b * 4)", 8),
        ("min(a, max(b, 3))", 3),
        ("max(a)", 7),
        ("a < b", False),
        ("a <= 7", True),
        ("a > b", True),
        ("a >= 8", False),
        ("a == b + 5", True),
        ("a != 7", False),
        ("1 + (a > b)", 2),
        ("a * on", 7),
        ("on", True),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2e-3", 0.002),
        ("  a  ", 7),
        ("1000000000 * 1000000000", 10**18),
    ],
)
def test_arithmetic_has_the_values_of_python(expression, result):
    actual = value(f'"$({expression})"', a="7", b="2", half="0.5", on="true")

    assert (type(actual), actual) == (type(result), result)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("conv_$a", "conv_7"),
        ("$(a)_$(a + 1)", "7_8"),
        ("$name$name", "netnet"),
        ("$half of $on", "0.5 of true"),
        ("costs $$5", "costs $5"),
        ("$$a", "$a"),
        ("$$", "$"),
        ("$$$a", "$7"),
    ],
)
def test_references_within_a_text_become_text(text, result):
    assert value(text, a="7", name="net", half="0.5", on="true") == result


def test_variables_are_known_in_values_not_keys():
    spec = """\
variables: {size: 8, epochs: 3, rate: 0.1, name: digits}
name: $name
input: [$size, $size, 1]
data: {dataset: $name, $name: 1}
train: {epochs: $epochs, optimizer: {adam: {learning_rate: $(rate * 0.5)}}}
"""
    assert expand_spec(spec) == {
        "name": "digits",
        "input": [8, 8, 1],
        "data": {"dataset": "digits", "$name": 1},
        "train": {"epochs": 3, "optimizer": {"adam": {"learning_rate": 0.05}}},
    }


def test_a_variable_may_use_variables_above_it():
    source = parse("variables: {a: 3, b: $(2 * a), c: [$a, $b], d: n_$b}\n")

    assert variables(source) == {"a": 3, "b": 6, "c": [3, 6], "d": "n_6"}


def test_a_spec_without_variables_stays_unchanged():
    source = parse(BEGINNING + "layers: [Flatten, Dense: {units: 2}]\n")

    assert expand(source) is source


def test_a_text_without_references_is_one_part():
    assert parts("no reference") == ("no reference",)


# Values from outside.

WIDTH = BEGINNING + "variables: {width: 8, rate: 0.5, double: $(2 * width)}\nlayers:\n"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("variables.width=16", {"width": 16, "rate": 0.5, "double": 32}),
        ("variables.width=$(4 * 4)", {"width": 16, "rate": 0.5, "double": 32}),
        ("variables.rate=2", {"width": 8, "rate": 2, "double": 16}),
        ("variables.double=3", {"width": 8, "rate": 0.5, "double": 3}),
        ("variables={width: 4}", {"width": 4}),
    ],
)
def test_a_variable_is_set_from_outside(setting, expected):
    assert variables(parse_spec(WIDTH, setting)) == expected


def test_a_later_setting_of_a_variable_wins():
    source = parse_spec(WIDTH, "variables.width=16", "variables.width=32")

    assert variables(source)["width"] == 32


def test_a_set_value_may_reference_a_variable():
    text = WIDTH + "  - Dense: {units: 3}\n"

    assert layers(text, "layers.0.Dense.units=$double") == [{"Dense": {"units": 16}}]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("variables.width=wide", "width must stay a whole number, and is set to the text 'wide'"),
        ("variables.width=0.5", "width must stay a whole number, and is set to 0.5"),
        ("variables.width=true", "width must stay a whole number, and is set to true"),
        ("variables.rate=true", "rate must stay a number, and is set to true"),
        ("variables.double=x", "double must stay a whole number, and is set to the text 'x'"),
        ("variables={width: x}", "width must stay a whole number, and is set to the text 'x'"),
        ("variables.width=", "the variable width has no value"),
    ],
)
def test_a_variable_keeps_its_type(setting, message):
    assert message in faults(WIDTH, setting)


@pytest.mark.parametrize(
    ("default", "argument", "kernel"),
    [("1", "[1, 7]", [1, 7]), ("[3, 3]", "5", 5), ("0.5", "[1, 0.25]", [1, 0.25])],
)
def test_a_size_is_a_number_or_list(default, argument, kernel):
    block = f"blocks: {{unit: {{parameters: {{k: {default}}}, layers: [Layer: {{size: $k}}]}}}}"
    text = f"{block}\nlayers: [unit: {{k: {argument}}}]\n"
    variable = f"variables: {{k: {default}}}\nlayers: [Layer: {{size: $k}}]\n"

    assert layers(text)[0]["Layer"]["size"] == kernel
    assert layers(variable, f"variables.k={argument}")[0]["Layer"]["size"] == kernel


def test_a_wrong_setting_shows_both_places():
    assert (
        faults(WIDTH, "variables.width=wide")
        == """\
error[type]: width must stay a whole number, and is set to the text 'wide'
 --> <command line>:1:23
  |
1 | --set variables.width=wide
  |                       ^^^^
 --> <spec>:4:20
  |
4 | variables: {width: 8, rate: 0.5, double: $(2 * width)}
  |                    ^ the spec's value
  |
  = help: a variable keeps the type of its value in the spec"""
    )


@pytest.mark.parametrize(
    ("text", "help"),
    [(WIDTH, "did you mean `width`?"), (BEGINNING, "`netspec check` lists the variables")],
)
def test_an_unknown_variable_cannot_be_set(text, help):
    message = faults(text, "variables.widht=16")

    assert "the spec has no variable 'widht'" in message
    assert help in message


# Repetition.


def test_copies_are_chained_and_counted_from_0():
    text = "layers:\n  - Dense: {units: $(8 * (index + 1)), repeat: 3}\n  - Dense: {units: 2}\n"

    assert layers(text) == [
        {"Dense": {"units": 8, "name": "dense_0"}},
        {"Dense": {"units": 16, "name": "dense_1"}},
        {"Dense": {"units": 24, "name": "dense_2"}},
        {"Dense": {"units": 2, "name": "dense_3"}},
    ]


def test_the_first_copy_reads_the_calls_inputs():
    text = "layers: [Dense: {units: 2, name: a}, Flatten, Dense: {units: 2, name: b, inputs: a, repeat: 2}]"

    assert layers(text)[2:] == [
        {"Dense": {"units": 2, "name": "b_0", "inputs": "a"}},
        {"Dense": {"units": 2, "name": "b_1"}},
    ]


def test_a_repeated_layer_names_its_last_copy():
    text = (
        "layers: [Dense: {units: 2, name: a, repeat: 3}, Flatten: {inputs: a},"
        " Flatten: {inputs: a_0}, Flatten: {inputs: [a_1, a]}]\noutput: a\n"
    )
    flat_spec = expand_spec(text)

    assert [layer["Flatten"]["inputs"] for layer in flat_spec["layers"][3:]] == [
        "a_2",
        "a_0",
        ["a_1", "a_2"],
    ]
    assert flat_spec["output"] == "a_2"


@pytest.mark.parametrize(("times", "count"), [("0", 0), ("1", 1), ("false", 0), ("true", 1)])
def test_repeat_is_the_number_of_copies(times, count):
    assert len(layers(f"layers: [Dense: {{units: 2, repeat: {times}}}]")) == count


def test_the_chain_skips_omitted_layers():
    text = "layers: [Flatten, Dense: {units: 2, repeat: $(1 > 2)}, Dense: {units: 3}]\n"

    assert layers(text) == ["Flatten", {"Dense": {"units": 3, "name": "dense_1"}}]


def test_the_index_may_be_in_layer_names():
    text = """\
blocks:
  pick: {layers: [Flatten: {name: "f_$index"}, Dense: {units: 2}, Flatten: {inputs: "f_$(index)"}]}
layers: [pick: {repeat: 2}]
"""
    assert [layer["Flatten"]["inputs"] for layer in layers(text)[2::3]] == [
        "pick_0/f_0",
        "pick_1/f_1",
    ]


# Blocks.

UNIT = """\
blocks:
  unit:
    parameters: {filters: , size: 3}
    layers:
      - Conv2D: {filters: $filters, kernel_size: $size}
      - BatchNormalization
      - Conv2D: {filters: $(2 * filters), kernel_size: 1}
"""


def test_a_call_becomes_the_layers_of_its_block():
    assert layers(UNIT + "layers: [unit: {filters: 4}]") == [
        {"Conv2D": {"filters": 4, "kernel_size": 3, "name": "unit/conv2d"}},
        {"BatchNormalization": {"name": "unit/batch_normalization"}},
        {"Conv2D": {"filters": 8, "kernel_size": 1, "name": "unit/conv2d_1"}},
    ]


def names(text: str) -> list[str]:
    """The full names of the layers that have a field `name`."""
    fields = [next(iter(layer.values())) for layer in layers(text) if isinstance(layer, dict)]
    return [mapping["name"] for mapping in fields if "name" in mapping]


@pytest.mark.parametrize(
    ("calls", "first"),
    [
        ("unit: {filters: 4}, unit: {filters: 4}", ["unit", "unit_1"]),
        ("unit: {filters: 4, name: a}, unit: {filters: 4}", ["a", "unit"]),
        ("unit: {filters: 4, name: unit_1}, unit: {filters: 4}", ["unit_1", "unit"]),
        ("unit: {filters: 4, name: unit}, unit: {filters: 4}", ["unit", "unit_1"]),
        ("unit: {filters: 4, repeat: 2}", ["unit_0", "unit_1"]),
        ("unit: {filters: 4, repeat: 2}, unit: {filters: 4}", ["unit_0", "unit_1", "unit_2"]),
        ("unit: {filters: 4, repeat: 1, name: a}", ["a_0"]),
        ("unit: {filters: 4}, Flatten, unit: {filters: 4}", ["unit", "unit_1"]),
    ],
)
def test_calls_are_named_as_keras_counts(calls, first):
    call_names = [name.partition("/")[0] for name in names(UNIT + f"layers: [{calls}]")]

    assert list(dict.fromkeys(call_names)) == first


def test_the_default_call_name_is_snake_case():
    text = "blocks: {ResidualUnit: {layers: [Flatten]}}\nlayers: [ResidualUnit]"

    assert names(text) == ["residual_unit/flatten"]


def test_blocks_do_not_change_each_others_names():
    text = UNIT + "layers: [unit: {filters: 4}, Conv2D: {filters: 1, kernel_size: 1}]"
    without = UNIT + "layers: [unit: {filters: 4}]"

    assert names(text) == names(without)


def test_arguments_shadow_variables_and_defaults():
    text = """\
variables: {filters: 1, size: 7, base: 5}
blocks:
  unit: {parameters: {filters: , size: $base}, layers: [Conv2D: {filters: $filters, kernel_size: $size}]}
layers: [unit: {filters: $(filters + 1)}, unit: {filters: 3, size: $size}]
"""
    assert [layer["Conv2D"]["filters"] for layer in layers(text)] == [2, 3]
    assert [layer["Conv2D"]["kernel_size"] for layer in layers(text)] == [5, 7]


def test_a_block_cannot_read_its_callers_parameters():
    text = """\
blocks:
  inner: {layers: [Dense: {units: $units}]}
  outer: {parameters: {units: }, layers: [inner]}
layers: [outer: {units: 3}]
"""
    assert "there is no variable named 'units'" in faults(text)


def test_the_index_belongs_to_the_nearest_repetition():
    text = """\
blocks:
  inner: {parameters: {n: }, layers: [Dense: {units: $(100 * n + 10 * index)}]}
  outer: {layers: [inner: {n: $index}, inner: {n: $index, repeat: 2}, Dense: {units: $index, repeat: 2}, Dense: {units: $index}]}
layers: [outer: {repeat: 2}]
"""
    assert [layer["Dense"]["units"] for layer in layers(text)] == [
        *(0, 0, 110, 0, 1, 0),
        *(100, 0, 110, 0, 1, 1),
    ]


def test_names_of_nested_calls_go_through_every_call():
    text = """\
blocks:
  inner: {layers: [Flatten]}
  outer: {layers: [inner: {repeat: 2}, inner: {name: last}]}
layers: [outer: {name: a}]
"""
    assert names(text) == ["a/inner_0/flatten", "a/inner_1/flatten", "a/last/flatten"]


BRANCHES = """\
blocks:
  branches:
    layers:
      - Conv2D: {filters: 4, kernel_size: 1, name: a}
      - Conv2D: {filters: 4, kernel_size: 1, name: b, inputs: input}
      - Concatenate: {inputs: [a, b]}
"""


@pytest.mark.parametrize(
    ("before", "read"),
    [
        ("", "input"),
        ("Flatten, ", "flatten"),
        ("Flatten, Flatten, ", "flatten_1"),
        ("Flatten: {name: own}, ", "own"),
        ("Flatten: {repeat: 2}, ", "flatten_1"),
        ("branches, ", "branches/concatenate"),
        ("branches: {repeat: 2}, ", "branches_1/concatenate"),
        ("Flatten, Flatten: {repeat: 0}, ", "flatten"),
    ],
)
def test_a_block_reads_the_layer_before_its_call(before, read):
    *_, a, b, concatenation = layers(BRANCHES + f"layers: [{before}branches: {{name: end}}]")

    assert a == {"Conv2D": {"filters": 4, "kernel_size": 1, "name": "end/a"}}
    assert b["Conv2D"]["inputs"] == read
    assert concatenation["Concatenate"]["inputs"] == ["end/a", "end/b"]


def test_a_call_may_have_inputs():
    text = BRANCHES + "layers: [Flatten: {name: x}, Flatten, branches: {inputs: x}]"
    _, _, a, b, _ = layers(text)

    assert a["Conv2D"]["inputs"] == b["Conv2D"]["inputs"] == "x"


def test_the_inputs_of_a_block_have_numbers():
    text = """\
blocks:
  join: {layers: [Add, Subtract: {inputs: [input_1, input_0]}, Add: {inputs: [add, subtract]}]}
layers: [Flatten: {name: x}, Flatten: {name: y}, join: {inputs: [x, y]}]
"""
    assert layers(text)[2:] == [
        {"Add": {"name": "join/add", "inputs": ["x", "y"]}},
        {"Subtract": {"name": "join/subtract", "inputs": ["y", "x"]}},
        {"Add": {"name": "join/add_1", "inputs": ["join/add", "join/subtract"]}},
    ]


def test_a_call_is_named_for_its_last_layer():
    text = (
        BRANCHES + "layers: [branches, branches: {name: b, repeat: 2}, Flatten: {inputs: branches},"
        " Flatten: {inputs: [b_0, b]}]\noutput: [branches, b]\n"
    )
    flat_spec = expand_spec(text)

    assert flat_spec["layers"][-2:] == [
        {"Flatten": {"inputs": "branches/concatenate"}},
        {"Flatten": {"inputs": ["b_0/concatenate", "b_1/concatenate"]}},
    ]
    assert flat_spec["output"] == ["branches/concatenate", "b_1/concatenate"]


def test_a_nested_call_names_its_last_layer():
    text = (
        BRANCHES
        + "  outer: {layers: [branches, Flatten, Add: {inputs: [branches, flatten]}]}\n"
        + "layers: [outer]\n"
    )
    assert layers(text)[-1]["Add"]["inputs"] == ["outer/branches/concatenate", "outer/flatten"]


def test_a_block_without_layers_keeps_the_chain():
    text = """\
blocks: {maybe: {parameters: {on: }, layers: [Dense: {units: 2, repeat: $on}]}}
layers: [Flatten: {name: a}, maybe: {on: false}, Dense: {units: 3, name: end}]
"""
    assert layers(text) == [{"Flatten": {"name": "a"}}, {"Dense": {"units": 3, "name": "end"}}]


def test_a_block_is_left_out_by_repeat_0():
    assert layers(UNIT + "layers: [unit: {filters: 4, repeat: 0}, Flatten]") == ["Flatten"]


def test_omitted_layers_do_not_need_their_inputs():
    text = """\
blocks:
  unit:
    parameters: {wide: }
    layers:
      - Dense: {units: 4, name: wider, repeat: $wide}
      - Activation: {activation: relu, inputs: wider, name: end, repeat: $wide}
      - Dense: {units: 2, name: narrow}
layers: [unit: {wide: 0}]
"""
    assert layers(text) == [{"Dense": {"units": 2, "name": "unit/narrow"}}]


def test_named_inputs_are_read_by_name():
    text = BRANCHES + "input: {image: [8, 8, 3]}\nlayers: [branches]\n"
    _, b, _ = layers(text)

    assert b["Conv2D"]["inputs"] == "image"


def test_names_that_counting_would_change_are_written():
    text = BRANCHES + "layers: [branches: {name: dense}, Dense: {units: 2}, Dense: {units: 3}]"

    assert layers(text)[-2:] == [
        {"Dense": {"units": 2, "name": "dense_1"}},
        {"Dense": {"units": 3, "name": "dense_2"}},
    ]


# From the text to the network.

NETWORK = """\
netspec: 1
name: whole
description: costs $$5
input: [16, 16, 3]
variables: {width: 4, classes: 10}
blocks:
  unit:
    parameters: {filters: , stride: 1}
    layers:
      - Conv2D: {filters: $filters, kernel_size: 3, strides: $stride, padding: same}
      - BatchNormalization
      - Activation: {activation: relu}
  stage:
    parameters: {filters: }
    layers:
      - unit: {filters: $filters, stride: $(1 + (index == 0)), repeat: 2}
layers:
  - Conv2D: {filters: $width, kernel_size: 3}
  - stage: {filters: "$(width * (index + 1))", repeat: 2}
  - Flatten
  - Dense: {units: $classes, activation: softmax}
data: {dataset: npz, path: "$$file.npz"}
train: {loss: sparse_categorical_crossentropy}
"""


def test_the_flat_spec_is_the_same_network():
    network = loads(NETWORK)
    again = loads(resolved(network.spec))

    assert (again.spec, again.graph) == (network.spec, network.graph)
    assert again.spec.description == "costs $5"


@pytest.mark.parametrize("name", ["0", "no", "true", "a: b", "c, d"])
def test_the_name_of_a_class_reads_back(name: str):
    data = f'data: {{dataset: npz, path: a.npz, class_names: ["{name}", other]}}\n'
    weights = f'{{"{name}": 2.0}}'
    train = f"train: {{loss: sparse_categorical_crossentropy, class_weights: {weights}}}\n"
    head, _ = NETWORK.replace("classes: 10", "classes: 2").split("data:")
    spec = loads(head + data + train).spec

    assert loads(resolved(spec)).spec == spec


def test_a_network_of_blocks_is_inferred():
    shapes = {node.name: node.shape for node in loads(NETWORK).graph.nodes}

    assert shapes["stage_0/unit_0/conv2d"] == (7, 7, 4)
    assert shapes["stage_1/unit_1/activation"] == (4, 4, 8)


def test_a_file_is_expanded_with_set_variables(tmp_path: Path):
    path = tmp_path / "whole.yaml"
    path.write_text(NETWORK, encoding="utf-8")
    network = load(path, [Override("--set variables.width=8", "variables.width", "8")])

    assert network.graph.nodes[0].shape == (14, 14, 8)


def test_a_variable_is_set_from_python(tmp_path: Path):
    path = tmp_path / "whole.yaml"
    path.write_text(NETWORK, encoding="utf-8")

    assert netspec.load(path, {"variables.width": 8}).graph.nodes[0].shape == (14, 14, 8)


def test_ten_thousand_layers_share_equal_parts():
    text = BEGINNING + "layers:\n  - Conv2D: {filters: 3, kernel_size: [1, 1], repeat: 10000}\n"
    root = expand(parse(text)).root
    sizes = [
        item.members["Conv2D"].members["kernel_size"]
        for item in root.members["layers"].members.values()
    ]

    assert len(sizes) == 10_000
    assert all(size is sizes[0] for size in sizes)
