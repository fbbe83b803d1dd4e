"""ONNX Runtime predicts the same on CUDA, on TensorRT and on the CPU, and never falls back."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime

from gpu.machine import DEVICE, some_of
from netspec.backend import find_exporting
from netspec.testing.cases import ALL, Case
from netspec.testing.networks import all_random_inputs, of_case, random_weights
from netspec.text.diagnostics import BackendError

BACKEND = find_exporting("onnx")

PROVIDERS = onnxruntime.get_available_providers()

without_cuda = pytest.mark.skipif(
    DEVICE == "cpu" or "CUDAExecutionProvider" not in PROVIDERS,
    reason="ONNX Runtime has no CUDA provider",
)
without_tensorrt = pytest.mark.skipif(
    DEVICE == "cpu" or "TensorrtExecutionProvider" not in PROVIDERS,
    reason="ONNX Runtime has no TensorRT provider",
)


def check_equal_to_cpu(case: Case, device: str, provider: str, close: float) -> None:
    tested = of_case(case)
    inputs = all_random_inputs(tested.graph, 3, whole=case.whole)
    content = BACKEND.export(tested, random_weights(tested.graph))
    predictor = BACKEND.open(content, device)
    assert provider in predictor.device
    expected = BACKEND.open(content, "cpu").outputs(*inputs)
    for _ in range(3):  # the second call may launch a CUDA graph
        for output, values in zip(predictor.outputs(*inputs), expected, strict=True):
            absolute = close * np.abs(values).max(initial=0) + 1e-6
            np.testing.assert_allclose(output, values, close, absolute)


@without_cuda
@pytest.mark.parametrize("case", some_of(ALL[::4], 40), ids=str)
def test_predictions_on_cuda_equal_the_cpus(case: Case) -> None:
    check_equal_to_cpu(case, "cuda", "CUDAExecutionProvider", 1e-4)


@without_tensorrt
@pytest.mark.parametrize("case", some_of(ALL[::64], 5), ids=str)
def test_predictions_on_tensorrt_equal_the_cpus(case: Case) -> None:
    # TensorRT may round the factors of products to TF32, which has 10 bits.
    check_equal_to_cpu(case, "tensorrt", "TensorrtExecutionProvider", 1e-2)


@pytest.mark.parametrize("case", some_of(ALL[::64], 4), ids=str)
def test_predictions_on_auto_equal_the_cpus(case: Case) -> None:
    check_equal_to_cpu(case, "auto", "ExecutionProvider", 1e-4)


@pytest.mark.skipif("CUDAExecutionProvider" in PROVIDERS, reason="ONNX Runtime has CUDA")
def test_cuda_is_refused_without_its_provider() -> None:
    tested = of_case(ALL[0])
    content = BACKEND.export(tested, random_weights(tested.graph))
    with pytest.raises(BackendError, match="cannot use a GPU"):
        BACKEND.open(content, "cuda")
