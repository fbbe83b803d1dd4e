"""Augmentation with every option, in prediction; a separate test covers training."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

OUTSIDE = ("fill_mode: wrap", "interpolation: nearest", "fill_mode: constant, fill_value: 0.5")

CASES: dict[str, tuple[Case, ...]] = {
    "RandomFlip": each("RandomFlip", (4, 5, 2), "", "mode: vertical"),
    "RandomTranslation": each(
        "RandomTranslation",
        (4, 5, 2),
        *(f"height_factor: 0.5, width_factor: [-0.2, 0.1], {option}" for option in OUTSIDE),
    ),
    "RandomRotation": each(
        "RandomRotation", (4, 5, 2), *(f"factor: 0.5, {option}" for option in OUTSIDE)
    ),
    "RandomZoom": each(
        "RandomZoom",
        (4, 5, 2),
        "height_factor: 0.5, width_factor: [-0.2, 0.1]",
        *(f"height_factor: 0.5, {option}" for option in OUTSIDE),
    ),
}
