"""Normalization with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, each

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
}
