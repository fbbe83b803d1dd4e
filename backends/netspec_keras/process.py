"""Settings of the whole process in TensorFlow and Keras: changed for a while, and restored."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager

from netspec_keras.framework import tf


@contextmanager
def rounding_to_tf32(*, allowed: bool) -> Generator[None]:
    """Let NVIDIA GPUs round the factors of products to TF32 for a while, or not.

    float32 means float32 elsewhere: with TF32 the backends would differ in the fourth digit.
    """
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


@contextmanager
def random_numbers_kept() -> Generator[None]:
    """Keep the state of Python's random numbers.

    Keras draws a seed from them for every layer that gets none (keras/src/random/seed_generator.py,
    3.15).
    """
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)
