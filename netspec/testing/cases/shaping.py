"""Layers that move values with every option that changes them."""

from __future__ import annotations

from netspec.testing.cases.base import Case, chain, each

CASES: dict[str, tuple[Case, ...]] = {
    "Reshape": (
        *each("Reshape", (4, 3, 2), "target_shape: [2, 12]", "target_shape: [3, -1, 4]"),
        *each("Reshape", (12,), "target_shape: [2, 3, 2]"),
        *each("Reshape", (4, 3), "target_shape: [-1]", "target_shape: [1, 4, 3, 1]"),
        chain((5, 4, 2), "MaxPooling2D", "Reshape: {target_shape: [8]}", "Dense: {units: 3}"),
        chain((24,), "Reshape: {target_shape: [4, 3, 2]}", "MaxPooling2D", "Flatten"),
    ),
    "Permute": (
        *each("Permute", (2, 3, 4), "dims: [3, 1, 2]", "dims: [2, 1, 3]"),
        *each("Permute", (3, 4), "dims: [2, 1]"),
        *each("Permute", (2, 3, 4, 2), "dims: [4, 2, 1, 3]"),
        chain((5, 4, 2), "MaxPooling2D", "Permute: {dims: [2, 3, 1]}", "AveragePooling2D"),
    ),
    "RepeatVector": (
        *each("RepeatVector", (4,), "n: 3", "n: 1"),
        chain((4,), "RepeatVector: {n: 3}", "MaxPooling1D: {padding: same}"),
    ),
    "ZeroPadding1D": each("ZeroPadding1D", (4, 3), "", "padding: 2", "padding: [0, 3]"),
    "ZeroPadding2D": (
        *each("ZeroPadding2D", (3, 4, 2), "", "padding: [2, 0]", "padding: [[1, 0], [2, 3]]"),
        chain((3, 4, 2), "ZeroPadding2D: {padding: [[0, 1], 2]}", "MaxPooling2D", "Flatten"),
    ),
    "ZeroPadding3D": each(
        "ZeroPadding3D", (2, 3, 1, 2), "", "padding: [2, 0, 1]", "padding: [[1, 0], [0, 2], [1, 3]]"
    ),
    "Cropping1D": each("Cropping1D", (5, 3), "", "cropping: 2", "cropping: [0, 3]"),
    "Cropping2D": (
        *each("Cropping2D", (6, 5, 2), "", "cropping: 1", "cropping: [[1, 0], [2, 2]]"),
        chain((6, 5, 2), "Cropping2D: {cropping: [2, 1]}", "MaxPooling2D", "Flatten"),
    ),
    "Cropping3D": each(
        *("Cropping3D", (3, 5, 4, 2)),
        *("", "cropping: [1, 0, 1]", "cropping: [[0, 1], [3, 0], [1, 2]]"),
    ),
    "UpSampling1D": each("UpSampling1D", (3, 2), "", "size: 3"),
    "UpSampling2D": (
        *each("UpSampling2D", (3, 4, 2), "", "size: [3, 1]"),
        *each("UpSampling2D", (3, 4, 2), "interpolation: bilinear"),
        *each("UpSampling2D", (2, 1, 3), "size: [3, 5], interpolation: bilinear"),
        chain((3, 4, 2), "MaxPooling2D", "UpSampling2D: {size: 3}", "AveragePooling2D"),
    ),
    "UpSampling3D": each("UpSampling3D", (2, 3, 1, 2), "", "size: [1, 3, 2]"),
}
