"""GPUs as TensorFlow takes them."""

from __future__ import annotations

from typing import Any


def grow_memory(tf: Any) -> None:  # Any: the module TensorFlow, which has no types
    """Let TensorFlow take a GPU's memory as it needs it, and not nearly all of it at once.

    TensorFlow opens all GPUs together with the CPU, and refuses this afterwards. So it comes right
    after the import, whatever the device.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except (RuntimeError, ValueError):  # the program has opened the GPUs, as it chose to
            return
