"""GPUs in TensorFlow: their memory grows from the start, and their names are read."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("netspec_keras.framework")

from netspec.text.diagnostics import BackendError
from netspec_keras import predictor
from netspec_keras.gpus import grow_memory


def tensorflow(gpus, set_memory_growth):
    """The part of TensorFlow that `grow_memory` uses."""
    experimental = SimpleNamespace(set_memory_growth=set_memory_growth)
    config = SimpleNamespace(list_physical_devices=lambda _: gpus, experimental=experimental)
    return SimpleNamespace(config=config)


def test_memory_grows_on_every_gpu():
    growing = {}
    grow_memory(tensorflow(["GPU 0", "GPU 1"], growing.__setitem__))
    assert growing == {"GPU 0": True, "GPU 1": True}


def test_gpus_that_are_open_stay_as_they_are():
    def refuse(_gpu, _grows):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    grow_memory(tensorflow(["GPU 0"], refuse))


@pytest.fixture
def two_gpus(monkeypatch):
    config = predictor.tf.config
    monkeypatch.setattr(config, "list_physical_devices", lambda _: ["GPU 0", "GPU 1"])
    monkeypatch.setattr(
        config.experimental, "get_device_details", lambda gpu: {"device_name": f"the {gpu}"}
    )
    before = config.experimental.tensor_float_32_execution_enabled()
    yield
    config.experimental.enable_tensor_float_32_execution(before)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("cpu", ("/CPU:0", "cpu")),
        ("auto", ("/GPU:0", "cuda (the GPU 0)")),
        ("cuda:1", ("/GPU:1", "cuda:1 (the GPU 1)")),
    ],
)
def test_a_name_becomes_tensorflows(two_gpus, name, device):
    assert predictor.find_device(name) == device


def test_an_absent_gpu_names_the_devices_present(two_gpus):
    with pytest.raises(BackendError, match="TensorFlow sees no cuda:2") as caught:
        predictor.find_device("cuda:2")
    assert caught.value.help == "use one of cpu, cuda:0, cuda:1"


def test_tensorrt_is_not_a_device_of_keras():
    with pytest.raises(BackendError, match="keras backend does not run on tensorrt"):
        predictor.find_device("tensorrt")
