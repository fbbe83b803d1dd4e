"""Convolutions with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, activated, each, joined

CASES: dict[str, tuple[Case, ...]] = {
    "Conv1D": (
        *each(
            "Conv1D",
            (9, 3),
            "filters: 4, kernel_size: 3",
            "filters: 4, kernel_size: 4, padding: same, use_bias: false",
            "filters: 4, kernel_size: 3, padding: same, strides: 2",
            "filters: 4, kernel_size: 2, strides: 3",
            "filters: 4, kernel_size: 3, dilation_rate: 3",
            "filters: 4, kernel_size: 3, padding: causal",
            "filters: 4, kernel_size: 4, padding: causal, strides: 2",
            "filters: 4, kernel_size: 3, padding: causal, dilation_rate: 2",
        ),
        *each(
            "Conv1D",
            (6, 4),
            "filters: 6, kernel_size: 3, groups: 2, padding: causal",
            "filters: 4, kernel_size: 2, groups: 4, dilation_rate: 2, padding: same",
        ),
        *each("Conv1D", (2, 3), "filters: 2, kernel_size: 5, padding: causal"),
        *each("Conv1D", (5, 2), "filters: 3, kernel_size: 2, activation: softmax"),
    ),
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
    "Conv3D": (
        *each(
            "Conv3D",
            (5, 6, 7, 2),
            "filters: 3, kernel_size: 2",
            "filters: 3, kernel_size: [1, 2, 3], padding: same, use_bias: false",
            "filters: 3, kernel_size: 3, strides: 2, padding: same",
            "filters: 3, kernel_size: [3, 2, 1], strides: [1, 2, 3]",
            "filters: 3, kernel_size: 2, dilation_rate: [1, 2, 3], padding: same",
        ),
        *each(
            "Conv3D",
            (4, 3, 5, 4),
            "filters: 6, kernel_size: 2, groups: 2",
            "filters: 4, kernel_size: 3, groups: 4, padding: same, strides: 2",
        ),
        *each("Conv3D", (2, 3, 3, 2), "filters: 3, kernel_size: 2, activation: softmax"),
        joined(  # of two ranks, which in PyTorch want to lie differently in memory
            {"a": (4, 5, 2), "b": (3, 4, 5, 2)},
            "Conv2D: {filters: 3, kernel_size: 2, inputs: a}",
            "Conv3D: {filters: 3, kernel_size: 2, inputs: b}",
            "output: [conv2d, conv3d]",
        ),
    ),
}
