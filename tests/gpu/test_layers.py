"""Every layer has equal values and gradients on a GPU and on the CPU, to 1e-4."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from conformance.gradients import gradients
from conformance.networks import found
from gpu.machine import DEVICE, some_of
from netspec.numerics.weights import Array
from netspec.testing.cases import ALL, Case
from netspec.testing.networks import all_random_inputs, of_case, random_cotangents, random_weights

CLOSE = 1e-4


def check_close(value: Array, expected: Array, name: str = "") -> None:
    """Compare within 1e-4 of the largest value, because of cancellation in sums."""
    absolute = CLOSE * np.abs(expected).max(initial=0) + 1e-6
    np.testing.assert_allclose(value, expected, CLOSE, absolute, err_msg=name)


@pytest.mark.parametrize("case", some_of(ALL, 20), ids=str)
def test_values_and_gradients_equal_the_cpus(case: Case) -> None:
    tested = of_case(case)
    weights = random_weights(tested.graph)
    inputs = all_random_inputs(tested.graph, 3, whole=case.whole)

    outputs, cpu_outputs = (
        found("torch").predictor(tested, weights, device).outputs(*inputs)
        for device in (DEVICE, "cpu")
    )
    for output, expected in zip(outputs, cpu_outputs, strict=True):
        check_close(output, expected)

    cotangents = random_cotangents(cpu_outputs)
    by_gpu, by_cpu = (
        gradients(
            "torch",
            tested,
            weights,
            inputs,
            cotangents,
            training=not case.is_random,
            device=device,
        )
        for device in (DEVICE, "cpu")
    )
    for gradient, expected in zip(by_gpu.inputs, by_cpu.inputs, strict=True):
        check_close(gradient, expected, "an input")
    for key, expected in by_cpu.weights.items():
        check_close(by_gpu.weights[key], expected, key)
    for key, expected in by_cpu.statistics.items():
        check_close(by_gpu.statistics[key], expected, key)
