"""Regularization with every option that changes their values."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

CASES: dict[str, tuple[Case, ...]] = {
    "Dropout": (
        *each("Dropout", (6,), "rate: 0.5", "rate: 0.0"),
        *each("Dropout", (3, 4), "rate: 0.3, noise_shape: [1, null]"),
        *each("Dropout", (3, 4, 2), "rate: 0.9", "rate: 0.25, noise_shape: [1, null, 2]"),
    ),
    "SpatialDropout1D": each("SpatialDropout1D", (3, 4), "rate: 0.5"),
    "SpatialDropout2D": each("SpatialDropout2D", (3, 2, 4), "rate: 0.5"),
    "SpatialDropout3D": each("SpatialDropout3D", (3, 2, 2, 4), "rate: 0.5"),
    "GaussianNoise": each("GaussianNoise", (3, 4), "stddev: 0.5"),
    "GaussianDropout": each("GaussianDropout", (3, 4), "rate: 0.5"),
}
