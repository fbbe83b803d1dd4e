"""Texts through a whole run: training, test, an ONNX file that takes texts, predictions."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from frameworks import TRAINING, require
from netspec.runs.folder import Run

pytest.importorskip("pyarrow")

SPEC = """\
netspec: 1
name: pets
input: [6]
layers:
  - Embedding: {input_dim: 40, output_dim: 4}
  - GlobalAveragePooling1D
  - Dense: {units: 2, activation: softmax}
data: {dataset: text, path: pets.csv, max_tokens: 40}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.05}}
  epochs: 10
  batch_size: 8
  validation: {fraction: 0.2, stratify: true}
"""
WORDS = {"cat": ["The cat purrs", "A cat, asleep!"], "dog": ["The dog barks", "A dog, running!"]}
NEW = ["a PURRING cat", "dog?", "", "unknown \u732b words"]


@pytest.fixture(scope="module", params=TRAINING)
def run(request, tmp_path_factory) -> Run:
    require(request.param, "onnx")
    folder = tmp_path_factory.mktemp("pets")
    rows = [
        f'"{text} {count}",{name}' for name in WORDS for text in WORDS[name] for count in range(20)
    ]
    (folder / "pets.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    network = netspec.loads(SPEC)
    (folder / "pets.yaml").write_text(SPEC, encoding="utf-8")
    network = netspec.load(folder / "pets.yaml")
    return netspec.train(network, request.param, device="cpu", runs=folder / "runs")


def test_a_run_of_texts_is_right_about_its_test_part(run):
    assert netspec.evaluate(run).figures["test_accuracy"] == 1


def test_an_exported_file_takes_texts(run):
    import onnxruntime

    path = netspec.export(run).path
    session = onnxruntime.InferenceSession(path)
    (of_file,) = session.run(None, {"text": np.array(NEW, object)})
    of_run = run.predict({"text": NEW})
    np.testing.assert_allclose(of_file, of_run, atol=1e-6)
    assert of_run[:2].argmax(-1).tolist() == [0, 1]
    assert netspec.evaluate(path).figures == pytest.approx(netspec.evaluate(run).figures, abs=1e-5)


@pytest.mark.parametrize("quantize", ["int8", "fp16"])
def test_a_smaller_file_takes_texts_too(run, quantize):
    exported = netspec.export(run, run.path / f"{quantize}.onnx", quantize=quantize, force=True)
    outputs = netspec.predict(exported.path, {"text": NEW})
    np.testing.assert_allclose(outputs, run.predict({"text": NEW}), atol=0.1)
