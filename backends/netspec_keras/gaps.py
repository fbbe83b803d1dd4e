"""Reports what TensorFlow cannot compute on a device, at the place of the layer in the spec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import Any

from netspec.backend import Program
from netspec.language.layers.convolution import ConvTranspose
from netspec.text.diagnostics import NetspecError
from netspec_keras.framework import tf
from netspec_keras.source import layer_name

_CPU = "/CPU:0"

_HELP = "check the values that this layer reads, or use the torch backend"


def check_kernels(program: Program, device: str) -> None:
    """Raise NetspecError where TensorFlow has no kernel for a layer on a device.

    On a CPU, only oneDNN computes transposed convolutions with a dilation above 1
    (tensorflow/core/kernels/conv_grad_input_ops.h, 2.21).
    """
    if device != _CPU:
        return
    for node in program.graph.nodes:
        layer: Any = getattr(node.layer, "layer", node.layer)  # Any: the layer in a wrapper
        dilated = isinstance(layer, ConvTranspose) and max(layer.dilation_rate) > 1
        if dilated and not _has_dilated_transposed_convolutions():
            message = "TensorFlow without oneDNN computes no transposed convolution with a dilation"
            help = "unset TF_ENABLE_ONEDNN_OPTS or set it to 1, or use the torch backend"
            raise program.layer_error(node.name, message, help)


@lru_cache(maxsize=1)
def _has_dilated_transposed_convolutions() -> bool:
    """Whether a small example runs. TensorFlow has no public function that reports oneDNN."""
    image, kernel = tf.ones([1, 1, 1, 1]), tf.ones([2, 2, 1, 1])
    try:
        with tf.device(_CPU):
            tf.nn.conv2d_transpose(image, kernel, [1, 3, 3, 1], 1, "VALID", dilations=2)
    except tf.errors.InvalidArgumentError:
        return False
    return True


@contextmanager
def errors_at_layers(program: Program) -> Iterator[None]:
    """Raise TensorFlow's error about an operation as an error at the place of its layer."""
    try:
        yield
    except (
        tf.errors.AbortedError,
        tf.errors.InvalidArgumentError,
        tf.errors.UnimplementedError,
    ) as error:
        located = _located(program, error)
        if located is None:
            raise
        raise located from error


def _located(program: Program, error: Exception) -> NetspecError | None:
    """The error at the layer that TensorFlow names, None where it names none."""
    match = re.search(r"([^\n]+)\n\s*\[\[{{node ([^}]+)}}", str(error))
    if match is None:
        return None
    reason, path = match.groups()
    names = {layer_name(node.name): node.name for node in program.graph.nodes}
    root = layer_name(program.graph.name)
    scopes = path.split("/")
    for scope, inner in pairwise(scopes):
        if _without_count(scope) == root and _without_count(inner) in names:
            message = f"TensorFlow cannot compute this layer: {reason.strip().rstrip('.')}"
            return program.layer_error(names[_without_count(inner)], message, _HELP)
    return None


def _without_count(scope: str) -> str:
    """A scope's name without the number that TensorFlow adds to make it unique."""
    return re.sub(r"_[0-9]+$", "", scope)
