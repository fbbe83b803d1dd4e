"""Regularization with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, each

CASES: dict[str, tuple[Case, ...]] = {
    "Dropout": (
        *each("Dropout", (6,), "rate: 0.5", "rate: 0.0"),
        *each("Dropout", (3, 4), "rate: 0.3, noise_shape: [1, null]"),
        *each("Dropout", (3, 4, 2), "rate: 0.9", "rate: 0.25, noise_shape: [1, null, 2]"),
    ),
}
