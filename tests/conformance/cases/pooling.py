"""Pooling with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, each

CASES: dict[str, tuple[Case, ...]] = {
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
}
