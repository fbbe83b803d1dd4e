"""Dropout of attention in training: it falls on the weights of the values, for each pair anew."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from conformance.networks import TRAINING
from conformance.test_dropout import masks

pytestmark = pytest.mark.parametrize("name", TRAINING)

STEPS = 100

SCORING = [
    "Attention: {dropout: 0.5, inputs: [input, input]}",
    "Attention: {dropout: 0.5, score_mode: concat, inputs: [input, input]}",
    "AdditiveAttention: {dropout: 0.5, inputs: [input, input]}",
]


@pytest.mark.parametrize("layer", SCORING)
def test_half_of_the_values_are_dropped_for_every_query(name: str, layer: str) -> None:
    (drawn,) = masks(name, (STEPS, 3), layer)

    # All scores are equal, so a query gets the mean of as many masks of 0 or 2 as there are steps.
    np.testing.assert_allclose(drawn, np.broadcast_to(drawn[:, :1], drawn.shape), 1e-5)
    means = drawn[:, 0]
    assert abs(means.mean() - 1) < 4 / STEPS
    assert abs(means.var() * STEPS - 1) < 4 * sqrt(2 / STEPS)


def test_every_head_drops_values_of_its_own(name: str) -> None:
    heads = 400
    layer = f"MultiHeadAttention: {{num_heads: {heads}, key_dim: 1, dropout: 0.5, name: tested}}"
    constants = {
        "tested.value.bias": np.ones((heads, 1), np.float32),
        "tested.attention_output.kernel": np.eye(heads, dtype=np.float32)[:, None],
    }

    (drawn,) = masks(name, (2, heads), layer, weights=constants)

    # Of two equal steps, the output of a head is the mean of two masks of 0 or 2.
    means = np.round(drawn)
    np.testing.assert_allclose(drawn, means, atol=1e-5)
    assert set(np.unique(means)) == {0, 1, 2}
    assert abs((means[0] == 1).mean() - 0.5) < 2 / sqrt(heads)
