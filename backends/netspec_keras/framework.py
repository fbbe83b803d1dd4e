"""Keras on TensorFlow, imported in silence and without what netspec does not use."""

from __future__ import annotations

import os
import sys

from netspec.backend.cores import threads_set_by_user
from netspec.text.diagnostics import BackendError
from netspec_keras.gpus import grow_memory
from netspec_keras.quiet import quiet_stderr, without
from netspec_keras.threads import limit_threads

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's C++ notices say nothing of use
# Otherwise TensorFlow 2.21 uses oneDNN only on processors with VNNI (tensorflow/core/util/port.cc).
# Without oneDNN training is slower, and dilated transposed convolutions have no kernel.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# A program that imports netspec may go on to use them with Keras; the command line does not.
UNUSED = ("jax", "sklearn", "matplotlib") if "netspec.cli" in sys.modules else ()

with quiet_stderr(), without(UNUSED):
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
