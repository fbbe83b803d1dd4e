"""What the compiler writes for the specs here and in specs/, held against golden files.

`pytest --update tests/golden` rewrites them; read the difference before committing it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from frameworks import TRAINING, require
from netspec.backend import Trainer, execute, find, find_exporting, find_training
from netspec.data import Examples
from netspec.graph.summary import summarize, table, totals
from netspec.network import Network, load, loads
from netspec.numerics.initial import initial
from netspec.numerics.weights import to_bytes
from netspec.passes import for_inference
from shared_folder import shared_folder

HERE = Path(__file__).parent
TUTORIALS = HERE.parents[1] / "specs"
SPECS = {
    path.stem: path
    for path in (
        TUTORIALS / "mnist_cnn.yaml",
        TUTORIALS / "digits_cnn.yaml",
        *sorted((HERE / "specs").glob("*.yaml")),
    )
}

NETWORKS = {path.stem: path for path in TUTORIALS.glob("*.yaml") if path.stem not in SPECS}
"""Known networks, whose tables are kept; their modules too, but for the longest."""

LONG = ("resnet50", "mobilenet_v2", "densenet121")
KEPT = {**SPECS, **{name: path for name, path in NETWORKS.items() if name not in LONG}}
ALL = {**SPECS, **NETWORKS}

MODULES = [(spec, backend) for spec in KEPT for backend in TRAINING]
ALL_MODULES = [(spec, backend) for spec in ALL for backend in TRAINING]
LONGEST = "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x"


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with its golden file, or with --update rewrites the file."""

    def compare(spec: str, name: str, text: str) -> None:
        path = HERE / "out" / spec / name
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), "there is no golden file: run pytest --update tests/golden"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.mark.parametrize("spec", ALL)
def test_the_table_is_the_golden_one(spec, golden):
    result = summarize(load(ALL[spec]).graph)
    figures = [f"{name}: {figure}" for name, figure in totals(result)]
    golden(spec, "summary.txt", "\n".join([table(result), "", *figures]) + "\n")


@pytest.mark.parametrize("spec", SPECS)
def test_the_summary_as_json_is_the_golden_one(spec, golden):
    result = summarize(load(SPECS[spec]).graph).to_json()
    golden(spec, "summary.json", json.dumps(result, indent=2) + "\n")


@pytest.mark.parametrize(("spec", "backend"), MODULES)
def test_the_module_is_the_golden_one(spec, backend, golden):
    golden(spec, f"{backend}_module.py", written_module(load(KEPT[spec]), backend))


@pytest.mark.parametrize("spec", [spec for spec in KEPT if spec != "vgg16"])  # 528 MiB
def test_the_onnx_graph_is_the_golden_one(spec, golden):
    require("onnx")
    golden(spec, "onnx_graph.txt", onnx_text(load(KEPT[spec])))


@pytest.mark.parametrize(("spec", "backend"), ALL_MODULES)
def test_a_formatter_changes_nothing_in_the_module(spec, backend):
    source = written_module(load(ALL[spec]), backend)
    assert formatted(source) == source


@pytest.mark.parametrize(("spec", "backend"), ALL_MODULES)
def test_a_linter_finds_nothing_in_the_module(spec, backend):
    assert linted(written_module(load(ALL[spec]), backend)) == []


@pytest.mark.parametrize(("spec", "backend"), ALL_MODULES)
def test_the_module_imports_nothing_of_netspec(spec, backend):
    lines = written_module(load(ALL[spec]), backend).splitlines()
    imports = [line for line in lines if line.lstrip().startswith(("import ", "from "))]
    assert imports
    assert not any("netspec" in line for line in imports)


@pytest.mark.parametrize("backend", TRAINING)
def test_the_module_of_several_outputs_and_losses_is_the_golden_one(backend, golden):
    source = written_module(load(HERE / "several_outputs.yaml"), backend)
    golden("several_outputs", f"{backend}_module.py", source)
    assert formatted(source) == source
    assert linted(source) == []


# Modules at the limits of the language: what is longest, and names that a module uses itself.


@pytest.mark.parametrize("backend", TRAINING)
def test_a_formatter_changes_nothing_where_every_name_is_the_longest(backend):
    source = written_module(longest_names(), backend)
    assert formatted(source) == source


@pytest.mark.parametrize("backend", TRAINING)
def test_a_linter_finds_nothing_where_every_name_is_the_longest(backend):
    assert linted(written_module(longest_names(), backend)) == []


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


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("backend", TRAINING)
def test_a_formatter_and_a_linter_change_no_learning_rate(backend, rate):
    optimizer = f"{{sgd: {{learning_rate: {{{rate}}}}}}}"
    source = written_module(trained_with(optimizer, "epochs: 123456"), backend)
    assert formatted(source) == source
    assert linted(source) == []


MODIFIERS = f"weight_decay: {LONG}, clipnorm: {LONG}, use_ema: true, ema_overwrite_frequency: 3"


@pytest.mark.parametrize(
    "rule",
    [
        "adam: {amsgrad: true, ",
        "sgd: {momentum: 0.5, nesterov: true, ",
        "rmsprop: {momentum: 0.5, centered: true, ",
        *("adamw: {", "adagrad: {", "adamax: {", "nadam: {", "lion: {", "sgd: {"),
    ],
)
@pytest.mark.parametrize("backend", TRAINING)
def test_a_formatter_and_a_linter_change_no_optimizer(backend, rule):
    more = "gradient_accumulation_steps: 1000, precision: mixed_float16"
    network = trained_with(f"{{{rule}{MODIFIERS}}}}}", more)
    source = written_module(network, backend)
    assert formatted(source) == source
    assert linted(source) == []


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


@pytest.mark.parametrize("layer", LINES)
@pytest.mark.parametrize("length", [20, 40, 63])
@pytest.mark.parametrize("backend", TRAINING)
def test_a_formatter_changes_nothing_where_tensors_have_long_names(backend, length, layer):
    name = "a" * length
    layers = [
        f"Activation: {{activation: relu, name: {name}b}}",
        f"{layer}, name: {name}c}}",
        f"{layer}, name: {name}d, inputs: {name}b}}",
    ]
    lines = ["netspec: 1", "name: long", "input: [333, 444, 1]", "layers:"]
    lines += [*(f"  - {each}" for each in layers), f"output: [{name}d, {name}c]"]
    source = written_module(loads("\n".join(lines)), backend)
    assert formatted(source) == source


NAMES = """
class none "true" "false" adam sGD f tensor nn torch keras layers wEIGHTS batchNormalization a__b_
"""


@pytest.mark.parametrize("name", NAMES.split())
@pytest.mark.parametrize("backend", TRAINING)
def test_a_network_may_have_any_name(backend, name):
    require(backend)
    layers = "BatchNormalization, Activation: {activation: relu}, Dense: {units: 2}"
    optimizer = "{sgd: {momentum: 0.5}}" if name == "sGD" else "adam"
    loss = "{sparse_categorical_crossentropy: {from_logits: true}}"
    network = loads(
        f"netspec: 1\nname: {name}\ninput: [3]\nlayers: [{layers}]\n"
        f"train: {{loss: {loss}, optimizer: {optimizer}}}\n"
    )
    module = execute(written_module(network, backend), "named")
    model = module.build_model()
    module.build_optimizer(*([model] if backend == "torch" else []))
    assert outputs_for_zeros(model, backend).shape == (1, 2)


@pytest.mark.parametrize(
    ("reserved", "other"),
    [("class", "class_"), ("train", "train_"), ("requires_grad", "requires_grad_")],
)
def test_a_layer_named_like_the_way_out_of_a_reserved_name_stays_a_layer_of_its_own(
    reserved, other
):
    require("torch")
    network = chain(f"Dense: {{units: 3, name: {reserved}}}", f"Dense: {{units: 3, name: {other}}}")
    model = find_training("torch").model(network, random_weights(network))
    assert sum(parameter.numel() for parameter in model.parameters()) == 32  # 12 + 12 + 8


@pytest.mark.parametrize("backend", TRAINING)
def test_a_layer_named_softmax_keeps_its_name_in_training(backend):
    trainer = trained_on_three_images(
        backend,
        "netspec: 1\nname: example\ninput: [3]\n"
        "layers: [Dense: {units: 2, activation: softmax, name: softmax}]\n"
        "train: {loss: sparse_categorical_crossentropy}\n",
    )
    assert trainer.weights().keys() == {"softmax.kernel", "softmax.bias"}


def test_no_layer_takes_an_attribute_of_nn_module():
    require("torch")
    from torch import nn

    from netspec_torch.prelude import ATTRIBUTES

    taken = {*dir(nn.Module), *vars(nn.Module()), "training"}
    assert {name for name in taken if name[0] != "_"} <= ATTRIBUTES


@pytest.mark.parametrize(
    "initializer",
    [
        "identity: {gain: 2}",
        "truncated_normal: {stddev: 0}",
        "random_normal: {stddev: 0}",
        "random_uniform: {minval: 0.5, maxval: 0.5}",
        "random_uniform: {minval: 1, maxval: -1}",
        "orthogonal: {gain: -1}",
    ],
)
@pytest.mark.parametrize("backend", TRAINING)
def test_a_module_makes_its_own_initial_values_wherever_netspec_does(backend, initializer):
    require(backend)
    layer = f"Dense: {{units: 3, kernel_initializer: {{{initializer}}}, name: first}}"
    module = execute(written_module(chain(layer), backend), "initialized")
    assert callable(module.build_model())


# The modules as a person keeps them: run where netspec cannot be imported.


RUNNER = Path(__file__).with_name("without_netspec.py")


@pytest.fixture(scope="module", params=TRAINING)
def kept(request, tmp_path_factory) -> tuple[str, Path]:
    """A backend, and the folder of what its modules gave in one process without netspec."""
    backend: str = request.param
    require(backend)
    return backend, shared_folder(tmp_path_factory, f"kept_{backend}", partial(run_kept, backend))


def run_kept(backend: str, folder: Path) -> None:
    for spec, path in SPECS.items():
        network = load(path)
        (folder / spec).mkdir()
        (folder / spec / "module.py").write_text(written_module(network, backend), "utf-8")
        weights = to_bytes(network.graph, random_weights(network))
        (folder / spec / "weights.safetensors").write_bytes(weights)
        np.save(folder / spec / "inputs.npy", images(network))
    command = [sys.executable, str(RUNNER), backend, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr


def result(folder: Path, name: str) -> Path:
    """A file that the process without netspec wrote for a spec."""
    error = folder / "error.txt"
    assert not error.exists(), error.read_text(encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("spec", SPECS)
def test_a_kept_module_predicts_what_the_backend_predicts(spec, kept):
    backend, folder = kept
    network = load(SPECS[spec])
    predictor = find(backend).predictor(network, random_weights(network), "cpu")
    outputs = np.load(result(folder / spec, "outputs.npy"))
    # Keras runs the kept module without compiling it, so that sums may round otherwise.
    np.testing.assert_allclose(outputs, predictor.predict(images(network)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec != "names_in_use"])
def test_a_kept_module_takes_a_step_of_training(spec, kept):
    _, folder = kept
    before, after = np.load(result(folder / spec, "losses.npy"))
    assert np.isfinite(after)
    assert after != before


@pytest.mark.parametrize("spec", SPECS)
def test_a_kept_module_shows_its_layers_when_it_is_run(spec, kept):
    _, folder = kept
    shown = result(folder / spec, "shown.txt").read_text(encoding="utf-8")
    assert "Dense" in shown or "Linear" in shown


def written_module(network: Network, backend: str) -> str:
    return find_training(backend, framework=False).source(network)


def onnx_text(network: Network) -> str:
    """ONNX's own text of the graph. Constants are shown by their values, but for weights and many.

    The metadata is left out: it holds the spec, which is not what the compiler wrote.
    """
    import onnx

    trained = random_weights(network)
    content = find_exporting("onnx").export(network, trained, opset=None, raw_input=False)
    model = onnx.load_from_string(content)
    del model.metadata_props[:]
    _, weights = for_inference(network, trained)
    constants = [
        _constant(tensor.name, onnx.numpy_helper.to_array(tensor), weights)
        for tensor in model.graph.initializer
    ]
    del model.graph.initializer[:]
    return "\n".join([onnx.printer.to_text(model), "", *constants]) + "\n"


def _constant(name: str, values: NDArray[np.generic], weights: Collection[str]) -> str:
    shape = f"{values.dtype}[{','.join(map(str, values.shape))}] {name}"
    if name in weights or values.size > 100:
        return shape
    alike = values.size > 1 and (values == values.flat[0]).all()
    return f"{shape} = {f'{values.flat[0]} throughout' if alike else values.tolist()}"


def random_weights(network: Network) -> dict[str, NDArray[np.float32]]:
    """Weights of which none is 0 or 1 throughout, so that each of them shows in the outputs."""
    random = np.random.default_rng(5)
    values: dict[str, NDArray[np.float32]] = {}
    for key, weight in network.graph.weights():
        low, high = (0.5, 1.5) if key.endswith(("gamma", "variance")) else (-0.4, 0.4)
        values[key] = random.uniform(low, high, weight.shape).astype(np.float32)
    return values


def images(network: Network) -> NDArray[np.float32]:
    random = np.random.default_rng(6)
    return random.random((3, *network.graph.input_shape), np.float32)


def outputs_for_zeros(model, backend: str) -> NDArray[np.float32]:
    zeros = np.zeros((1, 3), np.float32)
    if backend == "keras":
        return model(zeros).numpy()
    import torch

    return model.eval()(torch.from_numpy(zeros)).detach().numpy()


def trained_on_three_images(backend: str, spec: str) -> Trainer:
    """A network in training, after one step."""
    require(backend)
    network = loads(spec)
    examples = Examples((np.eye(3, dtype=np.float32),), (np.zeros(3, np.int32),))
    trainer = find_training(backend).trainer(network, initial(network.graph, 0), examples, "cpu")
    list(trainer.epoch(np.arange(3), 3, np.array([0.1], np.float32), 0))
    return trainer


def chain(*layers: str) -> Network:
    """A network of three inputs and two classes through some layers."""
    lines = [f"  - {layer}" for layer in (*layers, "Dense: {units: 2, activation: softmax}")]
    return loads("\n".join(["netspec: 1", "name: example", "input: [3]", "layers:", *lines]))


def trained_with(optimizer: str, more: str) -> Network:
    """A network whose training has this optimizer, and one more field."""
    loss = "{sparse_categorical_crossentropy: {from_logits: true}}"
    return loads(
        "netspec: 1\nname: example\ninput: [3]\nlayers: [Dense: {units: 2}]\n"
        f"train: {{loss: {loss}, optimizer: {optimizer}, {more}}}\n"
    )


def longest_names() -> Network:
    """Layers whose lines in a module are as long as they can be."""
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


def formatted(source: str) -> str:
    return ruff("format", "--line-length", "100", source=source)


def linted(source: str) -> list[str]:
    rules = ["--select", "E,F,W", "--line-length", "100", "--output-format", "concise", "--quiet"]
    return ruff("check", *rules, source=source).splitlines()


def ruff(*arguments: str, source: str) -> str:
    """What ruff gives for a source, without the settings of this project."""
    name, *options = arguments
    command = [sys.executable, "-m", "ruff", name, "--isolated", *options, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout
