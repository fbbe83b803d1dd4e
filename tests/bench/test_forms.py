"""The forms of every backend return the predictions of the backend."""

from __future__ import annotations

import numpy as np
import pytest

from frameworks import require
from netspec.bench import forms
from netspec.bench.subject import of_spec
from netspec.network import loads

TWO_OF_EACH = """\
netspec: 1
name: two_of_each
input: {left: [4], right: [4]}
layers:
  - Add: {inputs: [left, right], name: sum}
  - Dense: {units: 3, activation: softmax, name: kind}
  - Dense: {units: 2, inputs: sum, name: size}
output: [kind, size]
"""


TOLERANCES = {
    "keras": 1e-5,
    "torch": 1e-5,
    "torch-compiled": 1e-5,
    "onnx": 1e-5,
    "onnx-fp16": 2e-3,
    "onnx-int8": 2e-2,
}
"""The maximum difference from the backend's predictions, relative to the largest prediction."""


@pytest.mark.parametrize("name", TOLERANCES)
def test_a_form_returns_its_backends_predictions(name, monkeypatch):
    require(forms.known()[name].backend)
    compile_options = []
    if name == "torch-compiled":  # without the C++ compiler
        import torch

        torch_compile = torch.compile

        def compiled(model, **options):
            compile_options.append(options)
            return torch_compile(model, backend="eager", **options)

        monkeypatch.setattr(torch, "compile", compiled)
    workload = of_spec(loads(TWO_OF_EACH), 5)
    backend = forms.made(name)
    arguments = (workload.network, workload.weights, "cpu", workload.inputs)
    form = backend.form(name, *arguments)
    predictor = backend.predictor(workload.network, workload.weights, "cpu")
    assert form.device == predictor.device
    outputs = form.outputs(*workload.inputs)
    for values, expected in zip(outputs, predictor.outputs(*workload.inputs), strict=True):
        np.testing.assert_allclose(values, expected, 0, TOLERANCES[name] * np.abs(expected).max())
    assert compile_options == ([{"dynamic": False}] if name == "torch-compiled" else [])
