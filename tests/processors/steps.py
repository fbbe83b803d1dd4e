"""Prints the losses of the tutorial's first 50 steps: `steps.py BACKEND ...`, as JSON by backend."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from netspec import load as load_spec
from netspec.backend import find_training
from netspec.data import Examples, epoch_order, load
from netspec.network import Network
from netspec.numerics.initial import initial
from netspec.numerics.weights import Weights

SPEC = Path(__file__).parents[2] / "specs/mnist_cnn.yaml"
STEPS = 50
BATCH = 32


def tutorial() -> tuple[Network, Weights, Examples]:
    """The tutorial's network, its initial weights, and the images of its first steps in order."""
    network = load_spec(SPEC)
    settings = network.spec.train
    assert settings is not None
    assert settings.batch_size == BATCH
    images = load(network).train
    order = epoch_order(len(images), settings.seed, 1)
    return network, initial(network.graph, settings.seed), images[order[: STEPS * BATCH]]


def losses_of(backend: str) -> list[float]:
    """The loss of every step."""
    network, weights, images = tutorial()
    trainer = find_training(backend).trainer(network, weights, images, "cpu")
    rates = np.full(STEPS, 1e-3, np.float32)
    reports = trainer.epoch(np.arange(len(images)), BATCH, rates, 0)
    return [float(loss) for report in reports for loss in report.losses]


if __name__ == "__main__":
    print(json.dumps({backend: losses_of(backend) for backend in sys.argv[1:]}))
