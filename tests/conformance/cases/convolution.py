"""Convolutions with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, activated, each

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
}
