"""Keras on TensorFlow, imported in silence and without what netspec does not use.

TensorFlow has some settings for the whole process only. What they are here stays, because
TensorFlow refuses to change them once it has computed: GPU memory grows (`gpus.py`), and the number
of threads is the user's (`threads.py`).
"""

from __future__ import annotations

from netspec.cores import threads_set_by_user
from netspec.process import environment, is_own_process
from netspec.text.diagnostics import BackendError
from netspec_keras.gpus import grow_memory
from netspec_keras.quiet import quiet_stderr, without
from netspec_keras.threads import limit_threads

READ_AT_IMPORT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # without notices, which are of no use
    # By itself TensorFlow 2.21 uses oneDNN only on processors with VNNI (core/util/port.cc).
    # Without oneDNN training is slower, and dilated transposed convolutions have no kernel.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}
"""Environment variables that Keras and TensorFlow read once, when they are imported."""

# A program that imports netspec may go on to use these packages with Keras.
UNUSED = ("jax", "sklearn", "matplotlib") if is_own_process() else ()

with environment(READ_AT_IMPORT), quiet_stderr(), without(UNUSED):
    import keras
    import tensorflow as tf

grow_memory(tf)
limit_threads(tf, threads_set_by_user())

if keras.backend.backend() != "tensorflow":
    raise BackendError(
        f"Keras is set to run on {keras.backend.backend()}, and netspec runs it on TensorFlow",
        "unset KERAS_BACKEND",
    )

__all__ = ["keras", "tf"]
