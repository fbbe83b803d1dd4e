"""The passes of a graph that becomes an ONNX file."""

from __future__ import annotations

from netspec.passes import INFERENCE, LAYOUT, NEEDED_EXTENT

PASSES = (*INFERENCE, NEEDED_EXTENT, *LAYOUT)
"""Without activation_after_pooling: ONNX Runtime activates inside a convolution next to it.

The tutorial's network was .95 to 1 times as fast with that pass (1.32, CPU). In an int8 file the
pooling would have other ranges before and after it, and be computed in float32.
"""
