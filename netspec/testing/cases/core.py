"""Layers without an idea of space with every option that changes their values."""

from __future__ import annotations

from netspec.testing.cases.base import Case, activated, chain, each

CASES: dict[str, tuple[Case, ...]] = {
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
    "Activation": (
        *activated("Activation", (6,)),
        *activated("Activation", (3, 4, 2)),
        *each("Activation", (3, 4), "activation: softmax", "activation: mish"),
    ),
    "EinsumDense": (
        *each(
            "EinsumDense",
            (3, 4),
            'equation: "abc,cd->abd", output_shape: [3, 5]',
            'equation: "abc,cd->abd", output_shape: [3, 5], bias_axes: d, activation: softmax',
            'equation: "abc,cde->abde", output_shape: [3, 2, 5], bias_axes: de, activation: tanh',
            'equation: "abc,bd->adc", output_shape: [5, 4], bias_axes: d',
            'equation: "abc,bcd->abd", output_shape: [3, 5], bias_axes: bd',
            'equation: "aBc,cd->ad", output_shape: 5',
            'equation: "...c,cd->...d", output_shape: 5, bias_axes: d, activation: relu',
            'equation: "ab...,bd->ad...", output_shape: 5, bias_axes: d',
        ),
        *each("EinsumDense", (4,), 'equation: "...c,cd->...d", output_shape: 2, bias_axes: d'),
        *each(
            "EinsumDense",
            (3, 4, 2),
            'equation: "...cd,cde->...e", output_shape: 5',
            'equation: "abcd,cde->abe", output_shape: [3, 5], bias_axes: e',
        ),
    ),
    "Identity": (
        *each("Identity", (4, 5, 3), ""),
        chain((3,), "Identity", "Dense: {units: 2, inputs: identity}", "Identity"),
        Case((4,), ("Identity", "Embedding: {input_dim: 6, output_dim: 3}"), whole=6),
    ),
    "Embedding": (
        *each("Embedding", (4,), "input_dim: 6, output_dim: 3", whole=6),
        *each("Embedding", (2, 3), "input_dim: 6, output_dim: 1", whole=6),
    ),
    "ReLU": (
        *each(
            "ReLU",
            (3, 4),
            "",
            "max_value: 0.7",
            "max_value: 6",
            "negative_slope: 0.1",
            "threshold: 0.5",
            "max_value: 0.7, negative_slope: 0.1",
            "max_value: 1, threshold: 0.5",
            "negative_slope: 0.1, threshold: 0.5",
            "max_value: 1, negative_slope: 0.1, threshold: 0.5",
        ),
    ),
    "LeakyReLU": (*each("LeakyReLU", (3, 4), "", "negative_slope: 0.05", "negative_slope: 0"),),
    "PReLU": (
        *each("PReLU", (4,), ""),
        *each("PReLU", (4, 5, 3), "", "shared_axes: [1, 2]", "shared_axes: 3"),
    ),
    "ELU": (*each("ELU", (3, 4), "", "alpha: 0.5", "alpha: -0.5"),),
    "Softmax": (
        *each("Softmax", (4,), ""),
        *each("Softmax", (4, 5, 3), "", "axis: 1", "axis: [1, -1]", "axis: [1, 2, 3]"),
    ),
}
