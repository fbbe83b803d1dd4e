"""The tutorial's network trained for speed: in less than an epoch of the real MNIST, 99% on both backends."""

from pathlib import Path

import pytest

import netspec
from frameworks import TRAINING, require

SPECS = Path(__file__).parents[2] / "specs"


@pytest.mark.parametrize("backend", TRAINING)
def test_a_part_of_an_epoch_reaches_99_percent_on_the_test_images(backend, tmp_path):
    require(backend)
    run = netspec.train(netspec.load(SPECS / "mnist_fast.yaml"), backend, runs=tmp_path)
    epoch, test = run.history
    assert epoch["epoch"] == 1
    assert epoch["seconds"] * epoch["images_per_second"] < 45_000
    assert test["test_accuracy"] >= 0.99


def test_the_network_is_the_tutorials_but_for_its_initial_values():
    fast, tutorial = (described(f"{name}.yaml") for name in ("mnist_fast", "mnist_cnn"))
    assert fast == tutorial


def described(name: str) -> list[object]:
    """The input of a spec and its layers, without the initial values of kernels."""
    graph = netspec.load(SPECS / name).graph
    fields = [node.layer.model_dump(exclude={"kernel_initializer"}) for node in graph.nodes]
    nodes = [(node.name, type(node.layer), node.inputs) for node in graph.nodes]
    return [graph.input_shape, *zip(nodes, fields, strict=True)]
