"""What is done to values before a network sees them, with every option that changes them."""

from __future__ import annotations

from netspec.testing.cases.base import Case, chain, each

CASES: dict[str, tuple[Case, ...]] = {
    "Rescaling": (
        *each("Rescaling", (4, 3, 2), "scale: 0.00392156862745098", "scale: 2, offset: -1"),
        *each("Rescaling", (4, 2), "scale: [0.5, 2], offset: [1, -3]"),
        *each("Rescaling", (3,), "scale: 0.5, offset: [1, 0, -3]", "scale: [1, 2, 3]"),
        chain((4, 3, 2), "MaxPooling2D", "Rescaling: {scale: [0.5, -2], offset: 1}", "Flatten"),
        chain(
            (4, 3, 2),
            "MaxPooling2D",
            "Rescaling: {scale: [0.5, 2]}",
            "AveragePooling2D: {pool_size: 1}",
        ),
    ),
    "Normalization": (
        *each(
            "Normalization",
            (4, 3, 2),
            "mean: 0.5, variance: 4",
            "mean: [0.5, -1], variance: [4, 0.3]",
            "mean: [0.5, -1], variance: [4, 0.3], invert: true",
            "axis: 1, mean: [1, 2, 3, 4], variance: [0.1, 0.2, 3, 4]",
            "axis: [1, -2], mean: [1, 2, 3], variance: [0.2, 3, 4]",
            "axis: null, mean: -0.5, variance: 2",
            "mean: 3, variance: 0.25, invert: true",
            "mean: 0, variance: 2",
        ),
        *each("Normalization", (3,), "mean: [1, 2, 3], variance: [0.2, 3, 4]"),
        *each("Normalization", (3,), "mean: 2, variance: 1e-16, invert: true"),
        chain(
            (4, 5, 2),
            "MaxPooling2D",
            "Normalization: {axis: [1, 2], mean: [1, 2], variance: [0.2, 3]}",
            "AveragePooling2D: {pool_size: 1}",
            "Normalization: {mean: [1, 2], variance: [0.2, 3]}",
            "Flatten",
        ),
    ),
    "CenterCrop": (
        *each("CenterCrop", (5, 6, 2), "height: 2, width: 3", "height: 5, width: 3"),
        *each("CenterCrop", (5, 6, 2), "height: 7, width: 3", "height: 4, width: 9"),
        chain((7, 8, 2), "MaxPooling2D", "CenterCrop: {height: 2, width: 1}", "Flatten"),
    ),
    "Resizing": (
        *each(
            "Resizing",
            (5, 6, 2),
            "height: 7, width: 4",
            "height: 3, width: 6",
            "height: 5, width: 6",
            "height: 7, width: 4, interpolation: nearest",
            "height: 2, width: 13, interpolation: nearest",
            "height: 4, width: 2, crop_to_aspect_ratio: true",
            "height: 9, width: 2, crop_to_aspect_ratio: true, interpolation: nearest",
            "height: 2, width: 5, pad_to_aspect_ratio: true",
            "height: 3, width: 4, pad_to_aspect_ratio: true, fill_value: -1.5",
            "height: 5, width: 2, pad_to_aspect_ratio: true, fill_value: 2",
        ),
        # Here float32 puts a center into another pixel than exact arithmetic would.
        *each("Resizing", (2, 4, 1), "height: 41, width: 47, interpolation: nearest"),
        chain((6, 9, 2), "MaxPooling2D", "Resizing: {height: 5, width: 3}", "MaxPooling2D"),
    ),
}
