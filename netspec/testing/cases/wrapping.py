"""Layers around a layer with every option that changes their values."""

from __future__ import annotations

from netspec.testing.cases.base import Case, each

CASES: dict[str, tuple[Case, ...]] = {
    "Bidirectional": each(
        "Bidirectional",
        (4, 3),
        "layer: {LSTM: {units: 3}}",
        "layer: {LSTM: {units: 3, return_sequences: true}}, merge_mode: sum",
        "layer: {GRU: {units: 3}}, merge_mode: ave",
        "layer: {GRU: {units: 2, return_sequences: true}}",
        "layer: {GRU: {units: 2, use_bias: false, reset_after: false}}, merge_mode: mul",
        "layer: {SimpleRNN: {units: 2, return_sequences: true}}, merge_mode: mul",
        "layer: {SimpleRNN: {units: 2, use_bias: false}}",
        "layer: {LSTM: {units: 2, activation: gelu, return_sequences: true}}, merge_mode: ave",
        "layer: {GRU: {units: 2, activation: silu}}, merge_mode: sum",
        "layer: {LSTM: {units: 2, dropout: 0.5, return_sequences: true}}",
    ),
    "TimeDistributed": (
        *each(
            "TimeDistributed",
            (3, 4),
            "layer: {Dense: {units: 5}}",
            "layer: {Dense: {units: 2, activation: softmax, use_bias: false}}",
        ),
        *each("TimeDistributed", (2, 3, 4), "layer: Flatten", "layer: {LSTM: {units: 2}}"),
        *each(
            "TimeDistributed",
            (2, 5, 4, 3),
            "layer: {Conv2D: {filters: 2, kernel_size: 2, activation: relu}}",
            "layer: {MaxPooling2D: {pool_size: 2}}",
            "layer: GlobalAveragePooling2D",
            "layer: {Activation: {activation: softmax}}",
        ),
    ),
}
