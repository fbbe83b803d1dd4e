"""netspec's command line, which prints a line as soon as the first step of a training is done.

The trainer runs only the first batch of the epoch; everything before it is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Device, Steps, Target, Trainer
from netspec.cli import main
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.runs import training

LINE = "first step"


class OneStep:
    """A trainer whose epoch is its first batch, after which it prints a line."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)

    def epoch(
        self, order: NDArray[np.int64], batch_size: int, learning_rates: Array, mask_seed: int
    ) -> Iterator[Steps]:
        first = order[:batch_size]
        yield from self._trainer.epoch(first, batch_size, learning_rates[:1], mask_seed)
        print(LINE, flush=True)


class OneStepBackend:
    """A backend that trains so."""

    def __init__(self, backend: Target) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def trainer(
        self,
        network: Network,
        weights: Weights,
        examples: Examples,
        device: Device,
        threads: int | None,
    ) -> OneStep:
        return OneStep(self._backend.trainer(network, weights, examples, device, threads))


if __name__ == "__main__":
    find_training = training.find_training
    training.find_training = lambda name: OneStepBackend(find_training(name))
    main()
