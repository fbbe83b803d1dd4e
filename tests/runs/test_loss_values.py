"""The losses in NumPy, computed manually from their formulas."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import pytest

from example_losses import by_example
from netspec.language.training.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)

# Logits of the probabilities 2/3, 1/6, 1/6, and of 3/4.
THREE, ONE = [log(4), 0, 0], [log(3)]
RIGHT, WRONG = log(3 / 2), log(6)
SPREAD = (RIGHT + 2 * WRONG) / 3

# A loss, an output or its logits, a target, and the value.
CASES: list[tuple[Loss, list[float], Any, float]] = [
    (SparseCategoricalCrossentropy(), THREE, 0, RIGHT),
    (SparseCategoricalCrossentropy(), THREE, 2, WRONG),
    (SparseCategoricalCrossentropy(label_smoothing=0.3), THREE, 2, 0.7 * WRONG + 0.3 * SPREAD),
    (CategoricalCrossentropy(), THREE, [0, 1, 0], WRONG),
    (CategoricalCrossentropy(), THREE, [0.5, 0.25, 0.25], 0.5 * RIGHT + 0.5 * WRONG),
    (CategoricalCrossentropy(label_smoothing=0.3), THREE, [0, 1, 0], 0.7 * WRONG + 0.3 * SPREAD),
    (BinaryCrossentropy(), ONE, [1], log(4 / 3)),
    (BinaryCrossentropy(), ONE, [0], log(4)),
    (BinaryCrossentropy(label_smoothing=0.2), ONE, [1], 0.9 * log(4 / 3) + 0.1 * log(4)),
    (BinaryCrossentropy(label_smoothing=0.2), ONE, [0], 0.1 * log(4 / 3) + 0.9 * log(4)),
    (BinaryCrossentropy(), [log(3), 0], [1, 1], (log(4 / 3) + log(2)) / 2),
    (MeanSquaredError(), [1, 3], [0, 6], (1 + 9) / 2),
    (MeanAbsoluteError(), [1, 3], [0, 6], (1 + 3) / 2),
    (Huber(), [1.5, 3], [1, 6], (0.5**2 / 2 + (3 - 0.5)) / 2),
    (Huber(delta=2), [1.5, 3], [0, 6], (1.5**2 / 2 + (2 * 3 - 2)) / 2),
    (KLDivergence(), [0.25, 0.75], [0.5, 0.5], 0.5 * log(2) + 0.5 * log(2 / 3)),
    (KLDivergence(), [0.5, 0.5], [0, 1], 1e-7 * log(1e-7 / 0.5) + log(2)),
    (KLDivergence(), [0, 1], [0.5, 0.5], 0.5 * log(0.5e7) + 0.5 * log(0.5)),
    (KLDivergence(), [2, 0.5], [0.5, 0.5], 0.5 * log(0.5)),
    (KLDivergence(), [0.5, 0.5], [2, 0.5], log(2)),
    (Poisson(), [2, 1], [3, 0], (2 - 3 * log(2 + 1e-7) + 1) / 2),
    (Poisson(), [0, 1], [3, 0], (0 - 3 * log(1e-7) + 1) / 2),
    (Hinge(), [0.5, 0.25], [1, -1], (0.5 + 1.25) / 2),
    (Hinge(), [0.5, 0.25], [1, 0], (0.5 + 1.25) / 2),
    (Hinge(), [2, -3], [1, -1], 0),
    (SquaredHinge(), [0.5, 0.25], [1, -1], (0.5**2 + 1.25**2) / 2),
    (CategoricalHinge(), [3, 2, 0.5], [0, 1, 0], 3 - 2 + 1),
    (CategoricalHinge(), [-1, -2, -3], [0, 1, 0], 0 + 2 + 1),
    (CategoricalHinge(), [1, 2.5, 0.5], [0, 1, 0], 0),
    (CosineSimilarity(), [3, 4], [8, 6], -(3 * 8 + 4 * 6) / (5 * 10)),
    (CosineSimilarity(), [0, 0], [8, 6], 0),
]


def kind(value: Any) -> type:
    return np.int32 if isinstance(value, int) else np.float32


def test_every_loss_has_a_value() -> None:
    assert {type(loss) for loss, *_ in CASES} == {*LOSSES.values()}


@pytest.mark.parametrize(("loss", "output", "target", "expected"), CASES, ids=str)
def test_a_loss_follows_its_formula(
    loss: Loss, output: list[float], target: Any, expected: float
) -> None:
    values = by_example(loss, np.float32([output]), np.array([target], kind(target)))

    assert values == pytest.approx(np.array([expected]), rel=1e-6, abs=1e-12)
    assert values.dtype == np.float64


@pytest.mark.parametrize(("loss", "output", "target", "expected"), CASES, ids=str)
def test_the_loss_of_an_example_is_the_mean_over_its_steps(
    loss: Loss, output: list[float], target: Any, expected: float
) -> None:
    same, other = np.float32(output), np.float32(output) + 1
    targets = np.array(3 * [target], kind(target))
    expected_other = by_example(loss, other[None], targets[:1])[0]

    # Two examples of three steps each.
    outputs = np.stack([[same, same, same], [same, other, same]])
    values = by_example(loss, outputs, np.stack([targets, targets]))

    means = [expected, (2 * expected + expected_other) / 3]
    assert values == pytest.approx(np.array(means), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("logit", [-1000, -20, 20, 1000])
def test_far_logits_have_their_own_loss(logit: float) -> None:
    binary = by_example(BinaryCrossentropy(), np.float32([[logit]]), np.float32([[logit < 0]]))
    classes = by_example(
        SparseCategoricalCrossentropy(), np.float32([[logit, 0]]), np.int32([int(logit > 0)])
    )

    assert binary == pytest.approx([abs(logit)], rel=1e-6)
    assert classes == pytest.approx([abs(logit)], rel=1e-6)
