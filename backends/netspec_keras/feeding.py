"""Feeds the steps of a training: from examples on the device, or from a stream of their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import chunks
from netspec.data import Examples
from netspec.data.streaming import steps_of_stream, streamed
from netspec_keras.framework import tf

Fed = tuple[NDArray[np.int64], list[tf.Tensor]]
"""Batches of indices (steps, batch size), and the tensors (n, …) that they point into."""


class Feed:
    """Examples as they are stored; the graph gathers, casts and divides the batches.

    The tensors are the inputs, the targets unless these are the inputs, and the weights where there
    are any.
    """

    def __init__(self, examples: Examples, device: str) -> None:
        self._examples = examples
        self._device = device
        self._targets = 0 if examples.own_targets else len(examples.targets)
        self._resident = None if examples.streamed else self._placed(examples)
        # A variable: by a constant, TensorFlow multiplies with its reciprocal, which rounds
        # differently (tensorflow/core/grappler/optimizers/constant_folding.h).
        self._scales = [
            None if scale == 1 else tf.Variable(scale, trainable=False, dtype=tf.float32)
            for scale in examples.scales
        ]

    def _arrays(self, examples: Examples) -> list[Any]:
        weights = [] if examples.weights is None else [examples.weights]
        return [*examples.inputs, *examples.targets[: self._targets], *weights]

    def _placed(self, examples: Examples) -> list[tf.Tensor]:
        with tf.device(self._device):  # in every thread: each has a separate device
            return [tf.constant(np.asarray(array)) for array in self._arrays(examples)]

    @property
    def signature(self) -> list[tf.TensorSpec]:
        """The types and shapes of the tensors."""
        return [
            tf.TensorSpec((None, *array.shape[1:]), tf.as_dtype(array.dtype))
            for array in self._arrays(self._examples)
        ]

    def steps(self, batch_size: int, most: int) -> int:
        """How many steps are fed at once, at most `most`."""
        if self._resident is not None:
            return most
        return steps_of_stream(self._examples, batch_size, most)

    def parts(self, order: NDArray[np.int64], batch_size: int, steps: int) -> Iterator[Fed]:
        """The examples in this order, the examples of `steps` steps at a time, in whole batches."""
        if self._resident is not None:
            batches = order.reshape(-1, batch_size)
            for part in chunks(len(batches), steps):
                yield batches[part], self._resident
            return
        for tensors in streamed(self._examples, order, steps * batch_size, self._placed):
            yield np.arange(len(tensors[0])).reshape(-1, batch_size), tensors

    def batch(
        self, tensors: Sequence[tf.Tensor], chosen: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor], tf.Tensor | None]:
        """The inputs of the network, the targets, and the weights of a batch."""
        count = len(self._examples.inputs)
        gathered = [tf.gather(tensor, chosen) for tensor in tensors]
        inputs = [
            _values(stored, scale)
            for stored, scale in zip(gathered[:count], self._scales, strict=True)
        ]
        targets = gathered[count : count + self._targets] or inputs
        return inputs, targets, None if self._examples.weights is None else gathered[-1]


def _values(stored: tf.Tensor, scale: tf.Variable | None) -> tf.Tensor:
    """The values of an input, as `scaled` of netspec.data.examples computes them."""
    values = tf.cast(stored, tf.float32)
    return values if scale is None else values / scale
