"""The measured weights and inputs of a spec and of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import abacus
from netspec.bench import subject
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec.runs.training import train
from netspec.text.diagnostics import NetspecError

TWO_INPUTS = """\
netspec: 1
name: tagged
input: {image: [2, 2, 1], words: [5]}
layers:
  - Flatten: {inputs: image, name: flat}
  - Embedding: {input_dim: 7, output_dim: 3, inputs: words}
  - Flatten
  - Concatenate: {inputs: [flat, flatten]}
  - Dense: {units: 2}
"""


def test_inputs_of_an_embedding_are_indices():
    picture, words = subject.random_inputs(loads(TWO_INPUTS).graph, 100)
    assert picture.shape == (100, 2, 2, 1)
    assert len(np.unique(picture)) == picture.size
    assert words.shape == (100, 5)
    assert set(words.ravel().tolist()) == set(range(7))


def test_a_spec_has_its_seeds_initial_weights(network):
    workload = subject.of_spec(network, 2)
    np.testing.assert_equal(workload.weights, initial(network.graph, 0))
    assert workload.inputs[0].shape == (2, 2, 2, 1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    abacus.install(monkeypatch)
    return train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")


def test_a_run_has_weights_and_repeated_test_images(run):
    images = abacus.arrays()["x_test"][..., None] / np.float32(255)
    workload = subject.of_run(run, frozenset(), 50)
    assert workload.network == replace(run.network, passes=frozenset())
    np.testing.assert_equal(workload.weights, run.weights())
    np.testing.assert_array_equal(workload.inputs[0], np.concatenate([images, images, images[:10]]))
    assert workload.origin == f"the weights of {run.path}, test images"


def test_a_run_without_data_has_random_inputs(run, tmp_path):
    (tmp_path / "images.npz").unlink()
    workload = subject.of_run(run, None, 50)
    assert workload.inputs[0].shape == (50, 2, 2, 1)
    assert f"random inputs (there is no file {tmp_path / 'images.npz'})" in workload.origin


def test_another_process_reads_the_written_workload(tmp_path):
    network = replace(loads(TWO_INPUTS), passes=frozenset())
    workload = subject.of_spec(network, 5)
    subject.write(workload, tmp_path)
    read, weights = subject.read_network(tmp_path, [])
    assert (read.spec, read.graph, read.passes) == (network.spec, network.graph, network.passes)
    np.testing.assert_equal(weights, workload.weights)
    inputs = subject.read_inputs(read.graph, tmp_path, 3)
    np.testing.assert_equal(inputs, tuple(array[:3] for array in workload.inputs))


def test_inputs_larger_than_memory_are_refused():
    large = loads("netspec: 1\nname: large\ninput: [512, 512, 3]\nlayers: [Flatten]")
    with pytest.raises(NetspecError, match="a batch of 65,536 takes 192"):
        subject.of_spec(large, 65_536)
