"""How many threads TensorFlow computes an operation with on a CPU."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

USER_SETTING = "TF_NUM_INTRAOP_THREADS"
"""The environment variable by which a user sets the number of threads."""


def limit_threads(tf: Any, count: int | None) -> int | None:  # Any: TensorFlow has no types
    """Let TensorFlow compute operations with so many threads; the number that it has, if any.

    The number is one for the whole process, and TensorFlow refuses another one once it has
    computed. Independent operations still run at the same time.
    """
    if count is not None and not os.environ.get(USER_SETTING):
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(count)
    return tf.config.threading.get_intra_op_parallelism_threads() or None
