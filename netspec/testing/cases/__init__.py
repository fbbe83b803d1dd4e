"""One table of cases: every layer with every option that changes its values.

A case is a few layers as a spec writes them, and the shape of their input. Initializers have no
rows here: the weights of a case are random, whatever they would start as.
"""

from __future__ import annotations

from netspec.language.layers.families import family_modules
from netspec.testing.cases.base import ACTIVATIONS, Case, chain, each, joined

FAMILIES = family_modules(__name__)

CASES: dict[str, tuple[Case, ...]] = {
    tag: cases for family in FAMILIES for tag, cases in family.CASES.items()
}
"""The cases of every layer, by its class name."""

CHAINS: tuple[Case, ...] = (
    chain((6, 6, 2), "Conv2D: {filters: 3, kernel_size: 3, activation: softmax}", "MaxPooling2D"),
    chain((6, 6, 2), "MaxPooling2D", "Activation: {activation: log_softmax}", "AveragePooling2D"),
    chain((6, 5, 2), "AveragePooling2D", "Activation: {activation: gelu}", "MaxPooling2D"),
    chain((6, 5, 2), "Conv2D: {filters: 3, kernel_size: 2}", "Dense: {units: 4}", "MaxPooling2D"),
    chain((6, 5, 2), "MaxPooling2D", "BatchNormalization: {axis: 1}", "Flatten"),
    chain(
        (6, 5, 2),
        "Conv2D: {filters: 3, kernel_size: 2, use_bias: false}",
        "BatchNormalization",
        "Activation: {activation: relu}",
        "MaxPooling2D",
        "Dropout: {rate: 0.5}",
        "Conv2D: {filters: 2, kernel_size: 2, padding: same}",
    ),
    chain((4, 4, 3), "MaxPooling2D", "Dropout: {rate: 0.5, noise_shape: [1, 1, null]}", "Flatten"),
    chain(
        (5, 4, 2),
        "GlobalAveragePooling2D: {keepdims: true}",
        "Conv2D: {filters: 3, kernel_size: 1}",
        "Dense: {units: 2, activation: softplus}",
        "Flatten",
    ),
    chain((5, 4, 2), "GlobalAveragePooling2D", "BatchNormalization", "Dense: {units: 3}"),
    chain((5,), "Flatten", "Flatten", "Activation: {activation: softmax}"),
    chain(
        (6, 5, 2),
        "MaxPooling2D",
        "PReLU",
        "PReLU: {shared_axes: [1, 2]}",
        "Softmax: {axis: [1, 2]}",
        "Softmax: {axis: -1}",
        "ReLU: {max_value: 0.3}",
        "MaxPooling2D",
    ),
    chain(
        (6, 5, 2),
        "Conv2D: {filters: 4, kernel_size: 2}",
        "GroupNormalization: {groups: 2}",
        "UnitNormalization: {axis: [1, 2]}",
        "LayerNormalization",
        "UnitNormalization",
        "MaxPooling2D",
    ),
)
"""Layers in a row whose tensors have different layouts in memory."""

BRANCHES: tuple[Case, ...] = (
    chain(
        (6, 6, 3),
        "Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu, name: stem}",
        "Dense: {units: 2, inputs: input, name: side}",
        "Flatten: {inputs: stem}",
        "output: [flatten, side]",
    ),
    chain(
        (6, 5, 3),
        "Conv2D: {filters: 3, kernel_size: 3, padding: same, name: conv}",
        "Add: {inputs: [input, conv], name: shortcut}",
        "GlobalAveragePooling2D: {keepdims: true}",
        "Dense: {units: 3, activation: sigmoid, name: gate}",
        "Multiply: {inputs: [shortcut, gate], name: excited}",
        "Concatenate: {inputs: [excited, conv, input], name: all}",
        "Concatenate: {inputs: [all, all], axis: 2}",
        "MaxPooling2D",
        "Flatten",
    ),
)
"""Graphs that branch; a last line may name their outputs."""

ALL = (*(case for cases in CASES.values() for case in cases), *CHAINS, *BRANCHES)

__all__ = ["ACTIVATIONS", "ALL", "CASES", "CHAINS", "FAMILIES", "Case", "chain", "each", "joined"]
