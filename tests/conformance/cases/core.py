"""Layers without an idea of space with every option that changes their values."""

from __future__ import annotations

from conformance.cases.base import Case, activated, each

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
}
