"""The masks inside recurrent layers in training: one for all steps, and whose it is.

The layers here are linear, with weights that let the masks through as they are: an input of ones
comes out as the mask that it went through.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from conformance.networks import TRAINING
from conformance.test_dropout import masks
from netspec.numerics.weights import Array

UNITS, STEPS = 200, 3
LINEAR = f"units: {UNITS}, activation: linear, name: tested, return_sequences: true"
GATES = f"{LINEAR}, recurrent_activation: linear"

ONE, NONE = np.eye(UNITS, dtype=np.float32), np.zeros((UNITS, UNITS), np.float32)

pytestmark = pytest.mark.parametrize("name", TRAINING)


def weights(kernels: list[Array], recurrent: list[Array], biases: list[float]) -> dict[str, Array]:
    """The weights of the layer, gate by gate."""
    return {
        "tested.kernel": np.concatenate(kernels, -1),
        "tested.recurrent_kernel": np.concatenate(recurrent, -1),
        "tested.bias": np.repeat(np.float32(biases), UNITS),
    }


def is_half(dropped: Array, part: float = 0.5) -> bool:
    """Whether about this part of some mask is dropped."""
    return abs(dropped.mean() - part) < 4 * sqrt(part * (1 - part) / dropped.size)


def test_the_input_has_one_mask_for_all_steps(name: str) -> None:
    constants = weights([ONE], [NONE], [0])

    (drawn,) = masks(
        name, (STEPS, UNITS), f"SimpleRNN: {{{LINEAR}, dropout: 0.5}}", weights=constants
    )

    np.testing.assert_array_equal(drawn, np.broadcast_to(drawn[0], drawn.shape))
    assert set(np.unique(drawn)) == {0, 2}
    assert is_half(drawn[0] == 0)


def test_the_state_has_one_mask_for_all_steps(name: str) -> None:
    constants = weights([ONE], [ONE], [0])

    (drawn,) = masks(
        name, (STEPS, UNITS), f"SimpleRNN: {{{LINEAR}, recurrent_dropout: 0.5}}", weights=constants
    )

    # h[0] = 1, and h[t] = 1 + mask h[t-1] with a mask of 0 or 2.
    kept = drawn[1] == 3
    np.testing.assert_array_equal(drawn[0], 1)
    np.testing.assert_array_equal(drawn[1], np.where(kept, 3, 1))
    np.testing.assert_array_equal(drawn[2], np.where(kept, 7, 1))
    assert is_half(~kept)


@pytest.mark.parametrize(
    ("rates", "dropped"),
    [("dropout: 0.5", 0.5), ("dropout: 0.5, recurrent_dropout: 0.1", 0.75)],
)
def test_the_gates_of_an_lstm_share_a_mask_unless_the_state_has_masks_too(
    name: str, rates: str, dropped: float
) -> None:
    # i = g = mask x, f = 0 and o = 1: the output is the product of two masks.
    constants = weights([ONE, NONE, ONE, NONE], [NONE] * 4, [0, 0, 0, 1])

    (drawn,) = masks(name, (STEPS, UNITS), f"LSTM: {{{GATES}, {rates}}}", weights=constants)

    np.testing.assert_array_equal(drawn, np.broadcast_to(drawn[0], drawn.shape))
    assert set(np.unique(drawn)) == {0, 4}
    assert is_half(drawn[0] == 0, dropped)


@pytest.mark.parametrize("reset_after", ["true", "false"])
def test_every_gate_of_a_gru_has_its_own_mask_of_the_state(name: str, reset_after: str) -> None:
    # z = mask h and n = 1 + mask h. h[0] = 1, h[1] = z h[0] + (1 - z) n is one of four values.
    fields = f"{GATES}, reset_after: {reset_after}, recurrent_dropout: 0.5"
    biases = [0, 1, 1]
    constants = weights([NONE] * 3, [ONE, NONE, ONE], biases)
    if reset_after == "true":
        both = np.zeros((2, 3 * UNITS), np.float32)
        both[0] = constants["tested.bias"]
        constants["tested.bias"] = both

    (drawn,) = masks(name, (STEPS, UNITS), f"GRU: {{{fields}}}", weights=constants)

    np.testing.assert_array_equal(drawn[0], 1)
    # z, n from (0, 1), (0, 3), (2, 1) and (2, 3).
    values, counts = np.unique(drawn[1], return_counts=True)
    np.testing.assert_array_equal(values, [-1, 1, 3])
    assert is_half(np.arange(UNITS) < counts[1])


def test_the_seed_of_an_epoch_decides_the_masks(name: str) -> None:
    first, again, other = masks(
        name,
        (STEPS, UNITS),
        f"SimpleRNN: {{{LINEAR}, dropout: 0.5}}",
        weights=weights([ONE], [NONE], [0]),
        seeds=(7, 7, 8),
    )

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
