"""Normalization with every option that changes their values."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

CASES: dict[str, tuple[Case, ...]] = {
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
    "LayerNormalization": (
        *each(
            "LayerNormalization",
            (4, 5, 3),
            "",
            "epsilon: 0.5",
            "scale: false",
            "center: false",
            "scale: false, center: false",
            "axis: [2, 3]",
            "axis: 1",
            "axis: [1, -1]",
            "axis: -2, scale: false",
        ),
        *each("LayerNormalization", (6,), ""),
    ),
    "GroupNormalization": (
        *each(
            "GroupNormalization",
            (4, 5, 6),
            "groups: 2",
            "groups: 3, epsilon: 0.5",
            "groups: -1",
            "groups: 2, scale: false",
            "groups: 2, center: false",
            "groups: 6, scale: false, center: false",
            "groups: 2, axis: 1",
            "groups: 5, axis: -2",
        ),
        *each("GroupNormalization", (5, 4), "groups: 2", "groups: 5, axis: 1"),
        *each("GroupNormalization", (6,), "groups: 2"),
    ),
    "RMSNormalization": (
        *each("RMSNormalization", (6,), "", "epsilon: 0.5"),
        *each("RMSNormalization", (4, 5, 3), "", "axis: [-1, -2]", "axis: [1, 2, 3]"),
    ),
    "UnitNormalization": (
        *each("UnitNormalization", (6,), ""),
        *each("UnitNormalization", (4, 5, 3), "", "axis: 1", "axis: [1, 2]", "axis: [3, 1, 2]"),
    ),
}
