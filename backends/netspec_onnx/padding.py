"""Zeros around the input of a convolution, put there by the convolution itself."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from onnx import NodeProto, TensorProto, numpy_helper

from netspec_onnx.lower import Builder


def pad_in_convolutions(to: Builder, outputs: Collection[str]) -> None:
    """Take out every Pad of zeros that convolutions alone read, and give them its cells.

    A convolution has pads of its own, which are zeros too; those of pooling are not. `outputs` are
    the tensors that the graph gives.
    """
    constants = {each.name: each for each in to.constants.values()}
    for pad in [node for node in to.nodes if node.op_type == "Pad"]:
        readers = [node for node in to.nodes if pad.output[0] in node.input]
        zeros = len(pad.input) == 2  # another value would be the third
        if zeros and pad.output[0] not in outputs and all(_convolves(it) for it in readers):
            for reader in readers:
                _pad(reader, constants[pad.input[1]])
                reader.input[0] = pad.input[0]
            to.nodes.remove(pad)
            _forget(pad.input[1], to)


def _forget(name: str, to: Builder) -> None:
    """Drop a constant that no node reads any more."""
    if not any(name in node.input for node in to.nodes):
        (held,) = (key for key, each in to.constants.items() if each.name == name)
        del to.constants[held]


def _convolves(node: NodeProto) -> bool:
    return node.op_type == "Conv"


def _pad(convolution: NodeProto, cells: TensorProto) -> None:
    """Add cells, which have those of the batch and the channels in front, to the pads."""
    added = numpy_helper.to_array(cells).reshape(2, -1)[:, 2:].ravel()
    (pads,) = (each for each in convolution.attribute if each.name == "pads")
    pads.ints[:] = (np.array(pads.ints) + added).tolist()
