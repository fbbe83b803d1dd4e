"""Pooling with every option that changes their values."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

SEQUENCES = (
    "",
    "pool_size: 3",
    "pool_size: 3, strides: 1",
    "pool_size: 3, padding: same",
    "pool_size: 2, strides: 1, padding: same",
    "pool_size: 4, strides: 3, padding: same",
)
VOLUMES = (
    "",
    "pool_size: [1, 3, 2]",
    "pool_size: [2, 1, 3], strides: [1, 3, 2]",
    "pool_size: 3, padding: same",
    "pool_size: 2, strides: 1, padding: same",
    "pool_size: [3, 2, 1], strides: [2, 1, 2], padding: same",
)

CASES: dict[str, tuple[Case, ...]] = {
    "MaxPooling1D": (
        *each("MaxPooling1D", (8, 3), *SEQUENCES),
        *each("MaxPooling1D", (2, 2), "pool_size: 5, padding: same"),
    ),
    "AveragePooling1D": (
        *each("AveragePooling1D", (8, 3), *SEQUENCES),
        *each("AveragePooling1D", (2, 2), "pool_size: 5, padding: same"),
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
    "MaxPooling3D": (
        *each("MaxPooling3D", (3, 4, 5, 2), *VOLUMES),
        *each("MaxPooling3D", (2, 1, 3, 2), "pool_size: [2, 3, 1], padding: same"),
    ),
    "AveragePooling3D": (
        *each("AveragePooling3D", (3, 4, 5, 2), *VOLUMES),
        *each("AveragePooling3D", (2, 1, 3, 2), "pool_size: [2, 3, 1], padding: same"),
    ),
    "GlobalMaxPooling1D": each("GlobalMaxPooling1D", (5, 3), "", "keepdims: true"),
    "GlobalMaxPooling2D": each("GlobalMaxPooling2D", (5, 4, 3), "", "keepdims: true"),
    "GlobalMaxPooling3D": each("GlobalMaxPooling3D", (2, 3, 4, 3), "", "keepdims: true"),
    "GlobalAveragePooling1D": each("GlobalAveragePooling1D", (5, 3), "", "keepdims: true"),
    "GlobalAveragePooling3D": each("GlobalAveragePooling3D", (2, 3, 4, 3), "", "keepdims: true"),
}
