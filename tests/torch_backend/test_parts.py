"""The classes and functions that generated modules contain, where they are written."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")

import torch
from torch.autograd.functional import jacobian

from netspec_torch.parts import constraints, convolution, core, losses, merging, pooling

WEIGHT = torch.tensor([[3.0, 0.3, 0.0], [4.0, 0.4, 0.0]])
"""Its columns have the norms 5, 0.5 and 0."""


@pytest.mark.parametrize(
    ("constrained", "norms"),
    [
        (constraints.max_norm(WEIGHT, 2.0, (0,)), [2.0, 0.5, 0.0]),
        (constraints.unit_norm(WEIGHT, (0,)), [1.0, 1.0, 0.0]),
        (constraints.min_max_norm(WEIGHT, 1.0, 2.0, 1.0, (0,)), [2.0, 1.0, 0.0]),
        (constraints.min_max_norm(WEIGHT, 1.0, 2.0, 0.5, (0,)), [3.5, 0.75, 0.0]),
    ],
)
def test_constraints_set_the_norms(constrained, norms):
    expected = torch.tensor(norms)
    torch.testing.assert_close(constrained.norm(dim=0), expected, rtol=1e-6, atol=1e-6)


OUTPUTS, TARGETS = torch.tensor([[0.2, 0.8], [0.5, -2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("loss", "values"),
    [
        (losses.Hinge(1), [(0.8 + 1.8) / 2, (1.5 + 3.0) / 2]),
        (losses.Hinge(2), [(0.8**2 + 1.8**2) / 2, (1.5**2 + 3.0**2) / 2]),
        (losses.CategoricalHinge(), [0.8 - 0.2 + 1, 0.5 + 2.0 + 1]),
        (losses.CosineSimilarity(), [-0.2 / math.hypot(0.2, 0.8), 2.0 / math.hypot(0.5, 2.0)]),
        (losses.KLDivergence(), [math.log(1 / 0.2), math.log(1e7)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_losses_follow_their_formulas(loss, values):
    mean = loss(OUTPUTS, TARGETS).item()
    loss.reduction = "none"

    assert loss(OUTPUTS, TARGETS).tolist() == pytest.approx(values, rel=1e-5, abs=1e-5)
    assert mean == pytest.approx(sum(values) / 2, rel=1e-5)


def test_cross_entropy_is_along_the_last_axis():
    outputs = torch.randn(2, 5, 3, generator=torch.manual_seed(0))
    classes = torch.tensor([[0, 1, 2, 0, 1], [2, 2, 0, 1, 1]])
    log_probabilities = outputs.log_softmax(-1).gather(-1, classes[..., None])

    for targets in (classes, torch.nn.functional.one_hot(classes, 3).float()):
        torch.testing.assert_close(
            losses.CrossEntropy()(outputs, targets), -log_probabilities.mean()
        )


def test_smoothed_targets_move_towards_a_half():
    loss = losses.SmoothedBinaryCrossEntropy(0.2)(torch.tensor([2.0]), torch.tensor([1.0]))

    assert loss.item() == pytest.approx(math.log1p(math.exp(2.0)) - 0.9 * 2.0)


@pytest.mark.parametrize(
    ("function", "slope"), [(core.selu, 1.0507009873554805), (core.PReLU(1), 0.0)]
)
def test_activations_have_the_slope_of_keras_at_zero(function, slope):
    assert jacobian(function, torch.zeros(1)).item() == pytest.approx(slope)


@pytest.mark.parametrize("function", [merging.maximum, merging.minimum])
def test_the_first_of_equal_values_has_the_gradient(function):
    first, second = jacobian(function, (torch.ones(1), torch.ones(1)))
    assert (first.item(), second.item()) == (1, 0)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_padding_does_not_count_in_a_mean(rank):
    x, pads = torch.ones(1, 1, *[3] * rank), (0, 1) * rank
    pool = getattr(pooling, f"average_pool{rank}d_padded")

    assert torch.equal(pool(x, 2, 2, pads), torch.ones(1, 1, *[2] * rank))


@pytest.mark.parametrize("rank", [1, 2])
def test_a_separable_convolution_is_two_convolutions(rank):
    layer = getattr(convolution, f"SeparableConv{rank}d")(2, 5, 3, multiplier=2, padding=1)

    assert layer(torch.zeros(1, 2, *[4] * rank)).shape == (1, 5, *[4] * rank)
    assert [weight.shape[:2] for weight in layer.parameters()] == [(4, 1), (5, 4), (5,)]
