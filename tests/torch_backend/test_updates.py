"""The functions whose statements optimizers contain, compared with their formulas."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from netspec_torch import updates


def tensors(*values: list[float]) -> list[torch.Tensor]:
    return [torch.tensor(row) for row in values]


def assert_equal(actual: list[torch.Tensor], *expected: list[float]) -> None:
    torch.testing.assert_close(actual, tensors(*expected))


def test_clipnorm_limits_each_norm():
    gradients = tensors([3.0, 4.0], [0.3, 0.4])
    updates.clipnorm(SimpleNamespace(clipnorm=1.0), gradients)
    assert_equal(gradients, [0.6, 0.8], [0.3, 0.4])


def test_global_clipnorm_limits_the_norm_of_all():
    gradients = tensors([3.0], [4.0])
    updates.global_clipnorm(SimpleNamespace(global_clipnorm=1.0), gradients)
    assert_equal(gradients, [0.6], [0.8])


def test_clipvalue_limits_each_value():
    gradients = tensors([-3.0, 0.1, 3.0])
    updates.clipvalue(SimpleNamespace(clipvalue=0.5), gradients)
    assert_equal(gradients, [-0.5, 0.1, 0.5])


def test_nesterov_moves_ahead_of_the_velocity():
    weights, gradients, velocity = tensors([1.0]), tensors([2.0]), tensors([0.5])
    updates.nesterov(SimpleNamespace(momentum=0.9), weights, gradients, velocity, rate=0.1)
    moved = 0.9 * 0.5 - 0.1 * 2
    assert_equal(velocity, [moved])
    assert_equal(weights, [1 + 0.9 * moved - 0.1 * 2])


def test_centered_rmsprop_divides_by_the_deviation():
    weights, gradients, squares, means = (tensors([value]) for value in (1.0, 2.0, 3.0, 0.5))
    optimizer = SimpleNamespace(rho=0.9, epsilon=1e-7)
    updates.rmsprop(optimizer, weights, gradients, squares, means, [], rate=0.1, centered=True)
    square, mean = 0.9 * 3 + 0.1 * 4, 0.9 * 0.5 + 0.1 * 2
    assert_equal(weights, [1 - 0.1 * 2 / (square - mean**2 + 1e-7) ** 0.5])


def test_first_average_is_the_weights():
    weights, average = tensors([3.0]), tensors([7.0])
    optimizer = SimpleNamespace(ema_momentum=0.9)
    updates.average(optimizer, {"steps": 1}, weights, average)
    assert_equal(average, [3.0])
    updates.average(optimizer, {"steps": 2}, tensors([4.0]), average)
    assert_equal(average, [3.1])
