"""One table of cases: every layer with every option that changes its values.

A case is a few layers as a spec writes them, and the shape of their input. Initializers have no
rows here: the weights of a case are random, whatever they would start as.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from netspec.layers import Shape
from netspec.layers.activations import ActivationName

ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)


@dataclass(frozen=True)
class Case:
    """Layers in a row, each as YAML, and the shape of their input without the batch axis."""

    shape: Shape
    layers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' > '.join(self.layers)} on {'x'.join(map(str, self.shape))}"


def chain(shape: Shape, *layers: str) -> Case:
    """A case of several layers."""
    return Case(shape, layers)


def each(tag: str, shape: Shape, *fields: str) -> tuple[Case, ...]:
    """A case of one layer for every set of fields; the empty set is the bare layer."""
    return tuple(
        Case(shape, (f"{tag}: {{{one}}}",)) if one else Case(shape, (tag,)) for one in fields
    )


def activated(tag: str, shape: Shape, fields: str = "") -> tuple[Case, ...]:
    """A case of one layer for every activation."""
    start = f"{fields}, " if fields else ""
    return each(tag, shape, *(f"{start}activation: {name}" for name in ACTIVATIONS))


CASES: dict[str, tuple[Case, ...]] = {
    "Conv2D": (
        *each(
            "Conv2D",
            (7, 8, 3),
            "filters: 4, kernel_size: 1",
            "filters: 4, kernel_size: 3",
            "filters: 4, kernel_size: [2, 5]",
            "filters: 4, kernel_size: 3, use_bias: false",
            "filters: 4, kernel_size: 3, strides: 2",
            "filters: 4, kernel_size: 2, strides: [3, 1]",
            "filters: 4, kernel_size: 3, padding: same",
            "filters: 4, kernel_size: [4, 2], padding: same",
            "filters: 4, kernel_size: 3, padding: same, strides: 2",
            "filters: 4, kernel_size: [3, 2], padding: same, strides: [3, 2]",
            "filters: 4, kernel_size: 1, padding: same, strides: 3",
            "filters: 4, kernel_size: 3, dilation_rate: 2",
            "filters: 4, kernel_size: 3, dilation_rate: [3, 1]",
            "filters: 4, kernel_size: 2, dilation_rate: [2, 3], padding: same",
        ),
        *each(
            "Conv2D",
            (5, 6, 4),
            "filters: 6, kernel_size: 3, groups: 2",
            "filters: 4, kernel_size: 2, groups: 4, padding: same",
            "filters: 8, kernel_size: 3, groups: 4, padding: same, strides: 2, use_bias: false",
            "filters: 4, kernel_size: 2, groups: 2, dilation_rate: 2, activation: tanh",
        ),
        *each("Conv2D", (3, 2, 2), "filters: 3, kernel_size: 5, padding: same"),
        *each("Conv2D", (1, 1, 1), "filters: 1, kernel_size: 1"),
        *activated("Conv2D", (4, 4, 2), "filters: 3, kernel_size: 2"),
    ),
    "MaxPooling2D": (
        *each(
            "MaxPooling2D",
            (7, 8, 3),
            "",
            "pool_size: 3",
            "pool_size: [1, 4]",
            "pool_size: 2, strides: 1",
            "pool_size: 2, strides: [3, 1]",
            "pool_size: 3, padding: same",
            "pool_size: 2, strides: 1, padding: same",
            "pool_size: 3, strides: [1, 2], padding: same",
            "pool_size: [2, 3], strides: [3, 2], padding: same",
            "pool_size: 1, strides: 2, padding: same",
        ),
        *each("MaxPooling2D", (3, 2, 2), "pool_size: 4, padding: same"),
    ),
    "AveragePooling2D": (
        *each(
            "AveragePooling2D",
            (7, 8, 3),
            "",
            "pool_size: 3",
            "pool_size: [1, 4]",
            "pool_size: 2, strides: 1",
            "pool_size: 2, strides: [3, 1]",
            "pool_size: 3, padding: same",
            "pool_size: 2, strides: 1, padding: same",
            "pool_size: 3, strides: 1, padding: same",
            "pool_size: 3, strides: [1, 2], padding: same",
            "pool_size: [2, 3], strides: [3, 2], padding: same",
        ),
        *each("AveragePooling2D", (3, 2, 2), "pool_size: 4, padding: same"),
    ),
    "GlobalAveragePooling2D": (
        *each("GlobalAveragePooling2D", (5, 4, 3), "", "keepdims: true"),
        *each("GlobalAveragePooling2D", (1, 1, 2), ""),
    ),
    "Flatten": (
        *each("Flatten", (2, 3, 4), ""),
        *each("Flatten", (3, 4), ""),
        *each("Flatten", (5,), ""),
    ),
    "Dense": (
        *each("Dense", (6,), "units: 4", "units: 4, use_bias: false", "units: 1"),
        *each(
            "Dense", (3, 4), "units: 5", "units: 5, use_bias: false", "units: 5, activation: elu"
        ),
        *each("Dense", (3, 4, 2), "units: 5", "units: 5, use_bias: false, activation: softmax"),
        *activated("Dense", (6,), "units: 4"),
    ),
    "Dropout": (
        *each("Dropout", (6,), "rate: 0.5", "rate: 0.0"),
        *each("Dropout", (3, 4), "rate: 0.3, noise_shape: [1, null]"),
        *each("Dropout", (3, 4, 2), "rate: 0.9", "rate: 0.25, noise_shape: [1, null, 2]"),
    ),
    "BatchNormalization": (
        *each(
            "BatchNormalization",
            (4, 5, 3),
            "",
            "momentum: 0.6",
            "momentum: 0.0",
            "momentum: 1.0",
            "epsilon: 0.5",
            "scale: false",
            "center: false",
            "scale: false, center: false",
            "axis: 3",
            "axis: 1, momentum: 0.6",
            "axis: -2, momentum: 0.6, scale: false",
        ),
        *each("BatchNormalization", (4, 6), "", "axis: 1, momentum: 0.6", "axis: 2, center: false"),
        *each("BatchNormalization", (6,), "", "momentum: 0.6, epsilon: 1e-5", "scale: false"),
    ),
    "Activation": (
        *activated("Activation", (6,)),
        *activated("Activation", (3, 4, 2)),
        *each("Activation", (3, 4), "activation: softmax", "activation: mish"),
    ),
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
)
"""Layers in a row whose tensors want to lie differently in memory."""

ALL = (*(case for cases in CASES.values() for case in cases), *CHAINS)
