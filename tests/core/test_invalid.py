"""Every fault of a spec is shown at its place, in the words of the text beside the spec.

`invalid/<fault>.yaml` holds the spec, `invalid/<fault>.txt` what a person reads. What is too large
for a file, or no text at all, is made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from anywhere import Change, changed, changes, located
from netspec.network import Network, build, load, loads
from netspec.text.diagnostics import SpecError

FOLDER = Path(__file__).parent / "invalid"
WRITTEN = sorted(path.stem for path in FOLDER.glob("*.yaml"))

BEGINNING = "netspec: 1\nname: example\ninput: [8, 8, 1]\n"
LAYERS = "layers:\n  - Flatten\n  - Dense: {units: 10, activation: softmax}\n"

MADE: dict[str, Callable[[], bytes]] = {
    "file_of_three_megabytes": lambda: (BEGINNING + "# large\n" * 400_000 + LAYERS).encode(),
    "number_of_5000_digits": lambda: (BEGINNING + LAYERS).replace("10", "1" * 5000).encode(),
    "hexadecimal_of_5000_digits": lambda: (
        (BEGINNING + LAYERS).replace("10", "0x" + "f" * 5000).encode()
    ),
    "line_of_5000_characters": lambda: (
        f"{BEGINNING}layers: [{'Flatten, ' * 500}Flaten, {'Flatten, ' * 50}]\n".encode()
    ),
    "nesting_of_100000": lambda: (BEGINNING + "layers: " + "[" * 100_000 + "\n").encode(),
    "twenty_thousand_layers_and_one": lambda: (
        BEGINNING + "layers:\n" + "  - Flatten\n" * 20_001
    ).encode(),
    "variable_list_in_many_copies": lambda: (
        BEGINNING
        + f"variables: {{sizes: [{', '.join(['1'] * 1_000)}]}}\n"
        + "layers:\n  - Conv2D: {filters: 8, kernel_size: $sizes, repeat: 1000}\n"
    ).encode(),
    "ten_thousand_keys_and_one": lambda: (
        BEGINNING + "variables:\n" + "".join(f"  v{at}: 1\n" for at in range(10_001)) + LAYERS
    ).encode(),
    "not_utf8": lambda: (BEGINNING + "description: f\xfcr\n" + LAYERS).encode("latin-1"),
    "utf16": lambda: (BEGINNING + LAYERS).encode("utf-16-le"),
    "nul_byte": lambda: (BEGINNING + "description: a\0b\n" + LAYERS).encode(),
    "terminal_escape": lambda: (BEGINNING + "description: \x1b[2J\n" + LAYERS).encode(),
    "bytes_of_an_archive": lambda: b"PK\x03\x04\x14\x00\x08\x00\x08\x00\xc8\x9a\x8f\x5a\x00\x00",
}


@pytest.mark.parametrize("name", [*WRITTEN, *MADE])
def test_the_fault_reads_as_written(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if name in MADE:
        (tmp_path / "invalid").mkdir()
        (tmp_path / "invalid" / f"{name}.yaml").write_bytes(MADE[name]())
    monkeypatch.chdir(tmp_path if name in MADE else FOLDER.parent)

    with pytest.raises(SpecError) as caught:
        load(f"invalid/{name}.yaml")

    said, expected = f"{caught.value}\n", FOLDER / f"{name}.txt"
    if request.config.getoption("--update"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def test_every_text_belongs_to_a_spec() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*WRITTEN, *MADE}


@pytest.mark.parametrize("name", [*WRITTEN, *MADE])
def test_the_text_has_the_form_of_a_diagnostic(name: str) -> None:
    for said in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n").split("\n\n"):
        first, *_ = said.splitlines()

        assert re.fullmatch(r"error\[[a-z-]+\]: .*[^.]", first)
        assert f"--> invalid/{name}.yaml:" in said
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)  # harmless on a terminal


def test_every_kind_of_fault_is_shown() -> None:
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")]

    assert {
        code for text in texts for code in re.findall(r"^error\[(.*?)\]", text, re.MULTILINE)
    } == {
        *("alias", "depth", "duplicate-key", "empty", "encoding", "key", "number", "size", "tag"),
        *("yaml", "limit", "missing-field", "type", "unknown-field", "unknown-name", "value"),
        *("classes", "data", "duplicate-name", "flatten", "loss", "output", "shape"),
        *("block", "expression", "indices", "inputs", "name", "unused"),
        *("character", "format", "merge"),
    }


def test_a_chain_of_aliases_thousands_deep_is_refused() -> None:
    links = [f"b{i}: &b{i} {'[' * 25}*b{i - 1}{']' * 25}\n" for i in range(1, 120)]

    with pytest.raises(SpecError):
        loads(BEGINNING + "b0: &b0 []\n" + "".join(links) + "layers: *b119\n")


# Every field of the language, so that a fault can be put anywhere.
WHOLE: Any = yaml.safe_load("""
netspec: 1
name: whole
description: Everything at once.
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: [3, 3], strides: 1, padding: same, dilation_rate: [2, 1],
             groups: 1, activation: relu, use_bias: true, name: first,
             kernel_initializer: {random_normal: {mean: 0.0, stddev: 0.1}}, bias_initializer: ones}
  - BatchNormalization: {axis: -1, momentum: 0.9, epsilon: 0.01, center: true, scale: false}
  - Activation: {activation: elu}
  - MaxPooling2D: {pool_size: [2, 2], strides: null, padding: valid}
  - Dropout: {rate: 0.5, noise_shape: [1, null, 4]}
  - GlobalAveragePooling2D: {keepdims: true}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: npz, path: a.npz, scale: 2, class_names: [a, b, c, d, e, f, g, h, i, j],
       target: labels}
train:
  loss: {sparse_categorical_crossentropy: {from_logits: false, label_smoothing: 0.1}}
  loss_weights: {dense: 2}
  class_weights: {a: 2, b: 0.5}
  early_stopping: {monitor: val_accuracy, min_delta: 0.1, patience: 2, mode: max, baseline: 0.5,
                   start_from_epoch: 1, restore_best_weights: true}
  optimizer: {sgd: {learning_rate: {cosine_decay: {initial_learning_rate: 0.1, decay_steps: null,
                                                   alpha: 0.1, warmup_target: 1, warmup_steps: 2,
                                                   unit: epochs}},
                    momentum: 0.9, nesterov: true, weight_decay: 0.1, clipnorm: 1, use_ema: true,
                    ema_momentum: 0.9, ema_overwrite_frequency: 3}}
  gradient_accumulation_steps: 2
  metrics: {dense: [accuracy, top_k_categorical_accuracy: {k: 2}, auc: {curve: PR}]}
  epochs: 1
  batch_size: 2
  validation_split: 0.5
  seed: 1
""")


@given(changes(WHOLE))
@settings(deadline=None, max_examples=300)
def test_any_data_is_a_network_or_refused(changes: list[Change]) -> None:
    try:
        network = build(changed(WHOLE, changes), Path())
    except SpecError as error:
        assert str(error).startswith("error[")
    else:
        assert isinstance(network, Network)


def test_the_whole_language_is_valid() -> None:
    assert build(located(WHOLE), Path()).graph.output.shape == (10,)
