"""Augmentation in ONNX: no nodes, because it acts in training only."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.augmentation import Augmentation
from netspec_onnx.lower.base import Builder, lower


@lower.register
def _(_layer: Augmentation, _node: Node, _to: Builder, x: str) -> str:
    return x
