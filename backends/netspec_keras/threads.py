"""How many threads TensorFlow computes an operation with on a CPU."""

from __future__ import annotations

import os
from contextlib import suppress

from netspec_keras.framework import tf

USER_SETTING = "TF_NUM_INTRAOP_THREADS"
"""The environment variable by which a user sets the number of threads."""


def limit_threads(count: int | None) -> int | None:
    """Let TensorFlow compute operations with so many threads; the number that it has, if any.

    The number is one for the whole process. TensorFlow refuses another one once it has computed.
    Independent operations still run at the same time.
    """
    if count is not None and not os.environ.get(USER_SETTING):
        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(count)
    return tf.config.threading.get_intra_op_parallelism_threads() or None
