"""Zeros around the input of a convolution, put there by the convolution itself."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from onnx import NodeProto, TensorProto, numpy_helper

from netspec_onnx.lower import Builder


def pad_in_convolutions(to: Builder, outputs: Collection[str]) -> None:
    """Remove every Pad of zeros that only convolutions read, and add its padding to theirs.

    The padding of a convolution is zeros too; the padding of pooling is not. `outputs` are the
    output tensors of the graph.
    """
    constants = {constant.name: constant for constant in to.constants.values()}
    for pad in [node for node in to.nodes if node.op_type == "Pad"]:
        readers = [node for node in to.nodes if pad.output[0] in node.input]
        zeros = len(pad.input) == 2  # another value would be the third
        if zeros and pad.output[0] not in outputs and all(_convolves(reader) for reader in readers):
            for reader in readers:
                _pad(reader, constants[pad.input[1]])
                reader.input[0] = pad.input[0]
            to.nodes.remove(pad)
            _forget(pad.input[1], to)


def _forget(name: str, to: Builder) -> None:
    """Drop a constant that no node reads any more."""
    if not any(name in node.input for node in to.nodes):
        (key,) = (key for key, constant in to.constants.items() if constant.name == name)
        del to.constants[key]


def _convolves(node: NodeProto) -> bool:
    return node.op_type == "Conv"


def _pad(convolution: NodeProto, padding: TensorProto) -> None:
    """Add padding, in which the batch and the channels come first, to the pads."""
    added = numpy_helper.to_array(padding).reshape(2, -1)[:, 2:].ravel()
    (pads,) = (attribute for attribute in convolution.attribute if attribute.name == "pads")
    pads.ints[:] = (np.array(pads.ints) + added).tolist()
