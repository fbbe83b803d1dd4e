"""Quantized files of older versions of netspec: with int8 weights of 8 bits."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from netspec_onnx.seal import HASH, KEY


def with_8_bits(content: bytes) -> bytes:
    """A quantized file with weights up to 127 instead of 64, and without a hash."""
    model = onnx.load_from_string(without_hash(content))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type == TensorProto.INT8 and values.ndim > 1:
            values_of_8_bits = np.clip(values.astype(int) * 2, -127, 127).astype(np.int8)
            tensor.CopyFrom(numpy_helper.from_array(values_of_8_bits, tensor.name))
    return model.SerializeToString()


def without_hash(content: bytes) -> bytes:
    """A file of a version of netspec without hashes in files."""
    model = onnx.load_from_string(content)
    entries = [entry for entry in model.metadata_props if entry.key not in (HASH, KEY)]
    del model.metadata_props[:]
    model.metadata_props.extend(entries)
    return model.SerializeToString()
