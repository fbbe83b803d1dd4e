"""The JSON Schema that editors check specs with, against what netspec takes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from commands import netspec_
from netspec.network import loads
from netspec.text.source import parse

TESTS = Path(__file__).parents[1]
SPECS = [*(TESTS.parent / "specs").glob("*.yaml"), *(TESTS / "golden/specs").rglob("*.yaml")]


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(netspec_("schema").results)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_is_small(validator):
    assert len(json.dumps(validator.schema, indent=2).splitlines()) < 10_000
    assert len(json.dumps(validator.schema, separators=(",", ":"))) < 300_000


WRONG_FIELDS = [
    ("layers: [Conv2D: {filtres: 4, kernel_size: 3}]", "filtres"),
    ("layers: [Dense: {units: 4, activations: relu}]", "activations"),
    ("layers: [Flatten: {unit: 4}]", "unit"),
    ("layers: [TimeDistributed: {layer: {Dense: {unit: 4}}}]", "unit"),
    ("layers: [Bidirectional: {layer: {GRU: {unit: 4}}}]", "unit"),
    ("layers: [Dense: {units: 4, kernel_initializer: {constant: {valu: 1}}}]", "valu"),
    ("layers: [Dense: {units: 4, kernel_regularizer: {l2: {l3: 1}}}]", "l3"),
    ("layers: [Dense: {units: 4, kernel_constraint: {max_norm: {max: 1}}}]", "max"),
    ("blocks: {unit: {layers: [Flatten]}}\nlayers: [Dense: {unit: 4}]", "unit"),
    ("layers: [Flatten]\ntrain: {loss: {huber: {delt: 1}}}", "delt"),
    ("layers: [Flatten]\ntrain: {loss: {left: {huber: {delt: 1}}}}", "delt"),
    ("layers: [Flatten]\ntrain: {loss: poisson, optimizer: {adam: {lr: 1}}}", "lr"),
    ("layers: [Flatten]\ntrain: {loss: poisson, metrics: [auc: {curv: PR}]}", "curv"),
    ("layers: [Flatten]\ndata: {dataset: mnist, scal: 255}", "scal"),
    ("layers: [Dens: {units: 4}]", "Dens"),
    ("layers: [Dens]", "Dens"),
    ("layers: [Flatten]\ntrain: {loss: poisson, optimizer: {adm: {}}}", "adm"),
]


@pytest.mark.parametrize(("text", "wrong"), WRONG_FIELDS)
def test_the_schema_names_the_wrong_field(validator, text, wrong):
    data = parse(f"netspec: 1\nname: example\ninput: [8, 8, 1]\n{text}\n").data
    errors = list(validator.iter_errors(data))
    assert repr(wrong) in best_match(errors).message
    assert sum(map(_messages, errors)) <= 8


def test_the_schema_names_the_field_of_a_wrong_value(validator):
    data = parse(BLOCKS.replace("units: 10, repeat: 2", "units: ten")).data
    error = best_match(validator.iter_errors(data))
    assert list(error.absolute_path) == ["layers", 5, "Dense", "units"]


def _messages(error) -> int:
    """The number of messages that an editor can show for an error."""
    return 1 + sum(map(_messages, error.context))


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
    "[Dense: {units: 2, kernel_regularizer: null, kernel_constraint: non_neg}]",
    "[Reshape: {target_shape: [16, 1]}, Bidirectional: {layer: {LSTM: {units: 2}}}]",
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
variables: {size: 8, rate: 1e-3, sizes: [3, 3], pads: [[1, 1], [0, 0]], on: true, data: digits,
            start: zeros, penalty: l2}
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
  - Dense: {units: 10, repeat: 2, kernel_initializer: {constant: {value: $rate}},
            bias_initializer: $start, kernel_regularizer: $penalty}
  - Activation: {activation: softmax}
data: {dataset: $data, scale: $size}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: $rate}}
  epochs: $size
"""


LOSSES = [
    "huber",
    "{huber: }",
    "{huber: {}}",
    "{huber: {delta: 2}}",
    "{huber: mean_squared_error}",
    "{huber: {mean_squared_error: {}}}",
    "{dense: huber}",
    "{dense: {huber: {delta: 2}}, huber: poisson}",
    "$loss",
    "{dense: $loss}",
]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_schema_takes_every_form_of_a_loss(validator, loss):
    text = f"netspec: 1\nname: a\ninput: [4]\nlayers: [Flatten]\ntrain: {{loss: {loss}}}\n"
    validator.validate(parse(text).data)


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
        ("input: [8, 8, 1]", "input: []"),
        ("input: [8, 8, 1]", "input: [8, 8, 1, 1, 1]"),
    ],
)
def test_the_schema_refuses_what_netspec_refuses(validator, spec, old, new):
    text = spec.read_text(encoding="utf-8")
    assert old in text
    assert not validator.is_valid(parse(text.replace(old, new)).data)
