"""Augmentation with every option, at prediction; what it does in training has a test of its own."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

OUTSIDE = ("fill_mode: wrap", "interpolation: nearest", "fill_mode: constant, fill_value: 0.5")

CASES: dict[str, tuple[Case, ...]] = {
    "RandomFlip": each("RandomFlip", (4, 5, 2), "", "mode: vertical"),
    "RandomTranslation": each(
        "RandomTranslation",
        (4, 5, 2),
        *(f"height_factor: 0.5, width_factor: [-0.2, 0.1], {it}" for it in OUTSIDE),
    ),
    "RandomRotation": each("RandomRotation", (4, 5, 2), *(f"factor: 0.5, {it}" for it in OUTSIDE)),
    "RandomZoom": each(
        "RandomZoom",
        (4, 5, 2),
        "height_factor: 0.5, width_factor: [-0.2, 0.1]",
        *(f"height_factor: 0.5, {it}" for it in OUTSIDE),
    ),
}
