"""What `import netspec` offers: its names, their signatures, and that they work together."""

from __future__ import annotations

import inspect
import pkgutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from frameworks import TRAINING, require

NAMES = [
    "BackendError",
    "DataError",
    "NetspecError",
    "RunError",
    "SpecError",
    "WeightsError",
    "compile",
    "evaluate",
    "export",
    "inspect",
    "load",
    "loads",
    "predict",
    "run",
    "summarize",
    "to_source",
    "train",
]
FUNCTIONS = [name for name in NAMES if name.islower()]
ERRORS = [name for name in NAMES if name.endswith("Error")]

SPEC = """\
netspec: 1
name: small_digits
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, strides: 2, activation: relu}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train: {loss: sparse_categorical_crossentropy, epochs: 2}
"""


def test_the_public_names_are_these():
    assert sorted(netspec.__all__) == NAMES


def test_no_public_name_is_that_of_a_submodule():
    # Importing a submodule puts it into the package under its name, in place of what was there.
    submodules = {module.name for module in pkgutil.iter_modules(netspec.__path__)}
    assert submodules.intersection(NAMES) == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_and_result_has_a_type(name):
    signature = inspect.signature(getattr(netspec, name))
    parameters = signature.parameters.values()
    assert [
        parameter.name for parameter in parameters if parameter.annotation is parameter.empty
    ] == []
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented(name):
    document = inspect.getdoc(getattr(netspec, name))
    assert document is not None
    assert document.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_can_be_caught_as_one_of_netspec(name):
    assert issubclass(getattr(netspec, name), netspec.NetspecError)


def test_the_types_are_shipped():
    assert (Path(netspec.__path__[0]) / "py.typed").is_file()


def test_load_reads_a_file_and_loads_a_text(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    assert netspec.load(path).spec == netspec.load(str(path)).spec == netspec.loads(SPEC).spec


def test_load_takes_settings_of_every_kind(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    settings = {
        "train.epochs": 3,
        "train.optimizer": {"adam": {"learning_rate": 1e-07}},
        "layers.0.Conv2D.kernel_size": [2, 3],
        "layers.0.Conv2D.activation": None,
        "layers.0.Conv2D.use_bias": False,
        "name": "true",
    }
    network = netspec.load(path, settings)
    assert network.spec.train.epochs == 3
    assert network.spec.train.optimizer.learning_rate == 1e-07
    assert network.spec.layers[0].kernel_size == (2, 3)
    assert network.spec.layers[0].activation == "linear"
    assert network.spec.layers[0].use_bias is False
    assert network.spec.name == "true"


def test_a_faulty_spec_raises_every_fault_with_its_place():
    with pytest.raises(netspec.SpecError) as raised:
        netspec.loads(SPEC.replace("Flatten", "Flat").replace("epochs: 2", "epochs: 0"))
    places = [(fault.code, fault.place.line) for fault in raised.value.diagnostics]
    assert places == [("unknown-name", 6), ("value", 9)]


def test_summarize_gives_the_rows_and_the_totals():
    summary = netspec.summarize(netspec.loads(SPEC))
    assert [row.parameters for row in summary.rows] == [40, 0, 370]  # 9 * 4 + 4, 36 * 10 + 10
    assert summary.parameters == 410


@pytest.mark.parametrize("backend", TRAINING)
def test_to_source_gives_a_module(backend):
    require(backend)
    namespace = {"__name__": "kept"}
    exec(netspec.to_source(netspec.loads(SPEC), backend), namespace)
    assert callable(namespace["build_model"])


def test_a_function_can_be_called_again():
    network = netspec.loads(SPEC)
    assert netspec.summarize(network) == netspec.summarize(network)
    assert netspec.to_source(network, "torch") == netspec.to_source(network, "torch")


def test_compile_gives_a_keras_model():
    require("keras")
    from netspec_keras.framework import keras

    assert isinstance(netspec.compile(netspec.loads(SPEC), "keras"), keras.Model)


def test_compile_gives_a_torch_module():
    require("torch")
    from torch import nn

    assert isinstance(netspec.compile(netspec.loads(SPEC), "torch"), nn.Module)


def test_compiled_models_predict_the_same():
    require(*TRAINING)
    import torch

    network = netspec.loads(SPEC)
    images = np.random.default_rng(0).random((5, 8, 8, 1), np.float32)
    with torch.inference_mode():
        of_torch = netspec.compile(network, "torch")(torch.from_numpy(images)).numpy()
    of_keras = netspec.compile(network, "keras")(images).numpy()
    np.testing.assert_allclose(of_keras, of_torch, atol=1e-6)
    np.testing.assert_allclose(of_keras.sum(-1), np.ones(5), rtol=1e-5)


@pytest.mark.parametrize("backend", TRAINING)
def test_from_a_text_to_predictions(backend, tmp_path):
    require(backend, "onnx")
    runs, picture = tmp_path / "runs", tmp_path / "picture.png"
    Image.new("L", (8, 8), 100).save(picture)
    network = netspec.loads(SPEC)
    run = netspec.train(network, backend, device="cpu", runs=str(runs))
    assert netspec.run(runs=runs).path == netspec.run(run.path.name, runs=runs).path == run.path
    assert netspec.evaluate(run).figures == netspec.evaluate(run, backend, "cpu").figures
    exported = netspec.export(run, tmp_path / "model.onnx")
    assert exported.difference <= 1e-5
    (of_run,) = netspec.predict(run, [picture], device="cpu")
    (of_file,) = netspec.predict(str(exported.path), [str(picture)], device="cpu")
    assert of_run == of_file


def test_compile_takes_the_weights_of_a_run(tmp_path):
    require("torch", "onnx")
    import torch

    run = netspec.train(netspec.loads(SPEC), "torch", device="cpu", runs=tmp_path)
    reference = run.reference()
    model = netspec.compile(run.network, "torch", run.weights())
    with torch.inference_mode():
        outputs = model(torch.from_numpy(reference.inputs[0])).numpy()
    np.testing.assert_allclose(outputs, reference.outputs[0], atol=1e-6)


@pytest.mark.parametrize("function", [netspec.compile, netspec.train, netspec.to_source])
def test_a_backend_that_is_not_there_raises(function):
    with pytest.raises(netspec.BackendError, match="there is no backend named 'jax'"):
        function(netspec.loads(SPEC), "jax")
