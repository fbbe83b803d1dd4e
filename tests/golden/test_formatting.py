"""Generated modules are formatted, and a linter reports nothing."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from frameworks import TRAINING
from golden.writing import ALL, written_module
from netspec.network import Network, load, loads

pytestmark = pytest.mark.parametrize("backend", TRAINING)

LONGEST = "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x"


def test_modules_of_known_networks_are_formatted(backend, tmp_path):
    check(written_modules(backend), tmp_path)


def test_modules_import_nothing_of_netspec(backend):
    for source in written_modules(backend).values():
        assert "import torch" in source or "import keras" in source
        assert not re.search(r"^\s*(import|from) netspec", source, re.MULTILINE)


@cache
def written_modules(backend: str) -> dict[str, str]:
    """The modules of all networks, by name."""
    return {name: written_module(load(path), backend) for name, path in ALL.items()}


def test_modules_with_the_longest_names_are_formatted(backend, tmp_path):
    check({"longest": written_module(longest_names(), backend)}, tmp_path)


LONG = 0.12345678901234567
RATES = [
    f"exponential_decay: {{initial_learning_rate: {LONG}, decay_rate: {LONG}, staircase: true}}",
    f"inverse_time_decay: {{initial_learning_rate: {LONG}, decay_rate: {LONG}, staircase: true}}",
    f"polynomial_decay: {{initial_learning_rate: {LONG}, end_learning_rate: {LONG}, power: {LONG}, "
    "cycle: true}",
    f"cosine_decay: {{initial_learning_rate: {LONG}, alpha: {LONG}, warmup_target: {LONG}, "
    "warmup_steps: 123456789, unit: epochs}",
    f"cosine_decay_restarts: {{initial_learning_rate: {LONG}, first_decay_steps: 123456789, "
    f"t_mul: 1{LONG}, m_mul: {LONG}, alpha: {LONG}, unit: epochs}}",
    f"piecewise_constant_decay: {{boundaries: {[*range(20)]}, values: {[LONG] * 21}}}",
    f"one_cycle: {{max_learning_rate: {LONG}, pct_start: {LONG}, three_phase: true}}",
    f"reduce_on_plateau: {{initial_learning_rate: {LONG}, monitor: loss, factor: {LONG}}}",
]


def test_modules_with_any_learning_rate_are_formatted(backend, tmp_path):
    optimizers = [f"{{sgd: {{learning_rate: {{{rate}}}}}}}" for rate in RATES]
    networks = [trained_with(optimizer, "epochs: 123456") for optimizer in optimizers]
    check(write_numbered(networks, backend), tmp_path)


MODIFIERS = f"weight_decay: {LONG}, clipnorm: {LONG}, use_ema: true, ema_overwrite_frequency: 3"


RULES = [
    "adam: {amsgrad: true, ",
    "sgd: {momentum: 0.5, nesterov: true, ",
    "rmsprop: {momentum: 0.5, centered: true, ",
    *("adamw: {", "adagrad: {", "adamax: {", "nadam: {", "lion: {", "sgd: {"),
]


def test_modules_with_any_optimizer_are_formatted(backend, tmp_path):
    more = "gradient_accumulation_steps: 1000, precision: mixed_float16"
    networks = [trained_with(f"{{{rule}{MODIFIERS}}}}}", more) for rule in RULES]
    check(write_numbered(networks, backend), tmp_path)


LINES = [
    "Cropping2D: {cropping: [[1, 2], [3, 4]]",
    "UpSampling2D: {size: [2, 3], interpolation: bilinear",
    "GlobalMaxPooling2D: {keepdims: true",
    "Permute: {dims: [3, 1, 2]",
    "Rescaling: {scale: 0.00392156862745098, offset: -1",
    "Normalization: {mean: 0.123456789, variance: 2",
    "Resizing: {height: 30, width: 31, pad_to_aspect_ratio: true, fill_value: -1.5",
    "Activation: {activation: linear",
]


@pytest.mark.parametrize("length", [20, 40, 63])
def test_modules_with_long_names_of_tensors_are_formatted(backend, length, tmp_path):
    networks = [long_tensor_names(layer, "a" * length) for layer in LINES]
    check(write_numbered(networks, backend), tmp_path)


def write_numbered(networks: Iterable[Network], backend: str) -> dict[str, str]:
    """The modules of the networks, with names in their order."""
    return {f"_{number}": written_module(net, backend) for number, net in enumerate(networks)}


def check(modules: Mapping[str, str], folder: Path) -> None:
    """Compare the modules with the output of ruff without this project's settings."""
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    assert ruff("format", "--diff", folder=folder) == ""
    rules = ("--select", "E,F,W", "--output-format", "concise", "--quiet")
    assert ruff("check", *rules, folder=folder) == ""


def ruff(*arguments: str, folder: Path) -> str:
    """The output of ruff for the modules of a folder."""
    options = ("--isolated", "--no-cache", "--line-length", "100", str(folder))
    command = [find_ruff_bin(), *arguments, *options]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode in (0, 1), process.stderr
    return process.stdout


def long_tensor_names(layer: str, name: str) -> Network:
    """A network with the layer, and with tensors of long names before and after it."""
    layers = [
        f"Activation: {{activation: relu, name: {name}b}}",
        f"{layer}, name: {name}c}}",
        f"{layer}, name: {name}d, inputs: {name}b}}",
    ]
    lines = ["netspec: 1", "name: long", "input: [333, 444, 1]", "layers:"]
    lines += [*(f"  - {line}" for line in layers), f"output: [{name}d, {name}c]"]
    return loads("\n".join(lines))


def trained_with(optimizer: str, more: str) -> Network:
    """A network whose training has this optimizer, and one more field."""
    loss = "{sparse_categorical_crossentropy: {from_logits: true}}"
    return loads(
        "netspec: 1\nname: example\ninput: [3]\nlayers: [Dense: {units: 2}]\n"
        f"train: {{loss: {loss}, optimizer: {optimizer}, {more}}}\n"
    )


def longest_names() -> Network:
    """Layers with the longest possible lines in a module."""
    name = LONGEST[:-2]
    layers = [
        f"Conv2D: {{filters: 10000, kernel_size: [2, 4], padding: same, name: {name}_a}}",
        f"BatchNormalization: {{axis: 1, name: {name}_b}}",
        f"BatchNormalization: {{axis: 2, name: {name}_h}}",
        "BatchNormalization: {axis: 2, name: a_name_of_forty_letters_or_nearly_so}",
        f"MaxPooling2D: {{pool_size: [2, 3], strides: [1, 2], padding: same, name: {name}_c}}",
        f"AveragePooling2D: {{pool_size: [3, 2], padding: same, name: {name}_d}}",
        f"SeparableConv2D: {{filters: 100, kernel_size: [3, 20], depth_multiplier: 2, name: {name}_i, "
        "depthwise_initializer: orthogonal, depthwise_constraint: max_norm}",
        f"Conv2DTranspose: {{filters: 7, kernel_size: [3, 5], strides: 2, padding: same, "
        f"output_padding: 0, name: {name}_j}}",
        f"Dropout: {{rate: 0.123456789, noise_shape: [null, 1, null], name: {name}_e}}",
        f"GlobalAveragePooling2D: {{name: {name}_f}}",
        f"Dense: {{units: 10, activation: softmax, name: {name}_g}}",
    ]
    lines = [
        "netspec: 1",
        f"name: {LONGEST}",
        "input: [333, 444, 1]",
        "layers:",
        *(f"  - {layer}" for layer in layers),
        "data: {dataset: npz, path: a.npz, scale: 123.456}",
        "train: {loss: sparse_categorical_crossentropy}",
    ]
    return loads("\n".join(lines))
