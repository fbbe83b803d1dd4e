"""A program that uses netspec keeps the settings of its process."""

from __future__ import annotations

import gc
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from frameworks import require
from netspec.process import environment, is_own_process, own_process

SPEC = """\
netspec: 1
name: small
input: [6]
layers:
  - Dense: {units: 5, activation: relu}
  - Dropout: {rate: 0.5}
  - Dense: {units: 3, activation: softmax}
data: {dataset: npz, path: data.npz}
train:
  loss: sparse_categorical_crossentropy
  epochs: 2
  batch_size: 8
  precision: PRECISION
"""

SETTINGS: dict[str, Callable[[], Any]] = {
    "environment": lambda: dict(os.environ),
    "modules marked as missing": lambda: {name for name in sys.modules if not sys.modules[name]},
    "import path": lambda: list(sys.path),
    "warning filters": lambda: list(warnings.filters),
    "garbage collector": lambda: (gc.isenabled(), gc.get_threshold()),
    "signal handlers": lambda: {n: signal.getsignal(n) for n in signal.valid_signals()},
    "exception hooks": lambda: (sys.excepthook, threading.excepthook),
    "recursion limit": sys.getrecursionlimit,
    "working directory": Path.cwd,
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "log": lambda: (logging.root.level, list(logging.root.handlers), logging.root.manager.disable),
    "streams": lambda: (sys.stdin, sys.stdout, sys.stderr),
    "random": random.getstate,
    "numpy.random": lambda: repr(np.random.get_state()),  # noqa: NPY002 - the state that is meant
    "numpy errors": np.geterr,
    "numpy printing": np.get_printoptions,
}
"""The settings of a process, each with the function that reads it."""


def torch_settings() -> dict[str, Callable[[], Any]]:
    import torch
    import torch._dynamo  # which sets a variable and a filter of warnings at its first import

    backends = torch.backends
    return {
        "random": lambda: torch.random.get_rng_state().tolist(),
        "tf32": lambda: (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32),
        "fp32_precision": lambda: (
            torch.get_float32_matmul_precision(),
            backends.cuda.matmul.fp32_precision,
            backends.cudnn.conv.fp32_precision,
            backends.cudnn.rnn.fp32_precision,
            backends.mkldnn.matmul.fp32_precision,
        ),
        "threads": lambda: (torch.get_num_threads(), torch.get_num_interop_threads()),
        "type": torch.get_default_dtype,
        "device": torch.get_default_device,
        "gradients": torch.is_grad_enabled,
        "deterministic": torch.are_deterministic_algorithms_enabled,
        "cudnn": lambda: (backends.cudnn.enabled, backends.cudnn.benchmark),
    }


def keras_settings() -> dict[str, Callable[[], Any]]:
    from netspec_keras.framework import keras, tf

    return {
        "random": lambda: tf.random.get_global_generator().state.numpy().tolist(),
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled,
        "policy": lambda: keras.config.dtype_policy().name,
        "type": keras.config.floatx,
        "image format": keras.config.image_data_format,
        "epsilon": keras.config.epsilon,
        "eager": tf.executing_eagerly,
        "traceback filtering": keras.config.is_traceback_filtering_enabled,
        "threads": tf.config.threading.get_inter_op_parallelism_threads,
    }


OF_FRAMEWORK = {"torch": torch_settings, "keras": keras_settings}


def read(settings: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    return {name: setting() for name, setting in settings.items()}


@pytest.fixture
def network(tmp_path: Path) -> Callable[[str], netspec.Network]:
    generator = np.random.default_rng(0)
    x, other = generator.normal(size=(2, 24, 6)).astype(np.float32)
    y = np.arange(24, dtype=np.int32) % 3
    np.savez(tmp_path / "data.npz", x_train=x, y_train=y, x_test=other, y_test=y)

    def network(precision: str) -> netspec.Network:
        path = tmp_path / "small.yaml"
        path.write_text(SPEC.replace("PRECISION", precision), encoding="utf-8")
        return netspec.load(path)

    return network


def changed_by(backend: str, small: netspec.Network, runs: Path) -> list[str]:
    """The settings that are others after a network is compiled, trained and evaluated."""
    of_framework = {f"{backend}: {name}": read for name, read in OF_FRAMEWORK[backend]().items()}
    settings = SETTINGS | of_framework
    before = read(settings)
    netspec.compile(small, backend)
    netspec.evaluate(netspec.train(small, backend, device="cpu", runs=runs))
    after = read(settings)
    return [name for name in settings if after[name] != before[name]]


def test_pytorch_keeps_the_settings_of_the_process(network, tmp_path):
    require("torch")
    assert changed_by("torch", network("tf32"), tmp_path / "runs") == []


def test_keras_keeps_the_settings_of_the_process(network, tmp_path):
    require("keras")
    assert changed_by("keras", network("mixed_bfloat16"), tmp_path / "runs") == []


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_the_users_precision_of_products_is_restored(precision):
    torch = pytest.importorskip("torch")
    from netspec_torch.process import rounding_to_tf32

    original = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    settings = torch_settings()
    before = read(settings)
    with rounding_to_tf32(torch.device("cuda"), allowed=True):
        assert settings["tf32"]() == (True, True)
    after = read(settings)
    torch.set_float32_matmul_precision(original)
    assert after == before


def test_settings_of_an_own_process_end_with_it():
    thresholds = gc.get_threshold()
    with own_process():
        assert is_own_process()
        assert gc.get_threshold() != thresholds
    assert not is_own_process()
    assert gc.get_threshold() == thresholds


def test_variables_of_the_user_stay(monkeypatch):
    monkeypatch.setenv("NETSPEC_TEST_SET", "user")
    monkeypatch.delenv("NETSPEC_TEST_UNSET", raising=False)
    with environment({"NETSPEC_TEST_SET": "1", "NETSPEC_TEST_UNSET": "2"}):
        assert (os.environ["NETSPEC_TEST_SET"], os.environ["NETSPEC_TEST_UNSET"]) == ("user", "2")
    assert os.environ["NETSPEC_TEST_SET"] == "user"
    assert "NETSPEC_TEST_UNSET" not in os.environ


IMPORTS = """\
from test_process import SETTINGS, read
before = read(SETTINGS)
import netspec.api, netspec.runs.training, netspec.runs.prediction, netspec.runs.export
import netspec_keras, netspec_torch, netspec_onnx
netspec.loads(SPEC)
after = read(SETTINGS)
print([name for name in SETTINGS if after[name] != before[name]])
"""


def test_importing_netspec_keeps_the_settings_of_the_process():
    program = f"SPEC = {SPEC.replace('PRECISION', 'float32')!r}\n{IMPORTS}"
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.stdout, process.stderr) == ("[]\n", "")
