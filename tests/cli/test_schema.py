"""The JSON Schema that editors check specs with, against what netspec takes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import netspec_
from netspec.network import loads
from netspec.text.source import parse

TESTS = Path(__file__).parents[1]
SPECS = [*(TESTS.parent / "specs").glob("*.yaml"), *(TESTS / "golden/specs").glob("*.yaml")]


@pytest.fixture(scope="module")
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(netspec_("schema").results)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_schema_takes_every_spec_of_the_project(validator, path):
    validator.validate(parse(path.read_text(encoding="utf-8")).data)


FORMS = [
    "[Flatten, Dense: {units: 2}]",
    "[Flatten: , Dense: {units: 2}]",
    "[Flatten: {}, Dense: {units: 2}]",
    "[Conv2D: {filters: 2, kernel_size: [2, 1], activation: null}]",
    "[MaxPooling2D: {strides: null}]",
    "[Dropout: {rate: 0.5, noise_shape: [null, 1, null]}]",
    "[Dense: {units: 2, kernel_initializer: zeros}]",
    "[Dense: {units: 2, kernel_initializer: {zeros: }}]",
    "[Dense: {units: 2, kernel_initializer: {constant: {value: 1}}}]",
    "[Dense: {units: 2, name: null}]",
]


@pytest.mark.parametrize("layers", FORMS)
def test_the_schema_takes_every_way_to_write_a_layer(validator, layers):
    text = f"netspec: 1\nname: example\ninput: [4, 4, 1]\nlayers: {layers}\n"
    assert loads(text)
    validator.validate(parse(text).data)


BLOCKS = """\
netspec: 1
name: example_$size
input: [$size, 8, 1]
variables: {size: 8, rate: 1e-3, sizes: [3, 3], pads: [[1, 1], [0, 0]], on: true, data: digits}
blocks:
  unit:
    parameters: {filters: , activation: relu}
    layers:
      - Conv2D: {filters: "$(2 * filters)", kernel_size: [3, $size], activation: $activation}
      - MaxPooling2D: {repeat: 0}
  pair:
    layers: [unit: {filters: 3, repeat: 2}]
layers:
  - unit: {filters: 4, name: first, inputs: input}
  - pair
  - pair: {repeat: $(1 > 0)}
  - Conv2D: {filters: 2, kernel_size: $sizes, use_bias: $on, name: c_$size}
  - Flatten: {inputs: [c_$size]}
  - Dense: {units: 10, repeat: 2, kernel_initializer: {constant: {value: $rate}}}
  - Activation: {activation: softmax}
data: {dataset: $data, scale: $size}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: $rate}}
  epochs: $size
"""


def test_the_schema_takes_variables_blocks_and_repetition(validator):
    validator.validate(parse(BLOCKS).data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("layers: [unit", "layer: [unit"),
        ("parameters: {", "parameter: {"),
        ("variables: {size", "variables: {size-x: 3, size"),
        ("rate: 1e-3", "rate: {of: 1e-3}"),
        ("  - pair\n", "  - pa-ir\n"),
        ("- Flatten: {inputs: [c_$size]}", "- Flatten: {input: [c_$size]}"),
        ("units: 10, repeat: 2", "units: 10, repeat: twice"),
        ("units: 10, repeat: 2", "units: 10, repeat: -1"),
        ("  - pair\n", "  - Dense\n"),
        ('filters: "$(2 * filters)"', 'filters: "2 * filters"'),
        ("unit: {filters: 4", "unit: {filters: {of: 4}"),
    ],
)
def test_the_schema_refuses_wrong_variables_blocks_and_repetition(validator, old, new):
    assert old in BLOCKS
    assert not validator.is_valid(parse(BLOCKS.replace(old, new)).data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("filters: 4", "filtres: 4"),
        ("filters: 4", "filters: four"),
        ("filters: 4", "filters: 0"),
        ("Flatten", "Flaten"),
        ("  - Flatten", "  - Flatten: {}\n    Dense: {units: 2}"),
        ("relu", "rely"),
        ("dataset: digits", "dataset: digit"),
        ("adam", "adma"),
        ("netspec: 1", "netspec: 2"),
        ("name: small_digits", "name: small-digits"),
        ("input: [8, 8, 1]", "inputs: [8, 8, 1]"),
    ],
)
def test_the_schema_refuses_what_netspec_refuses(validator, spec, old, new):
    text = spec.read_text(encoding="utf-8")
    assert old in text
    assert not validator.is_valid(parse(text.replace(old, new)).data)
