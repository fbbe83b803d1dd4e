"""The minimum accuracies of trainings, as long as nothing has become worse."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev

from scipy.stats import t as student

RARELY = 0.001
"""The probability that a training is below the bound by chance."""


def lower_bound(measured: Sequence[float], count: int = 1) -> float:
    """The bound that the mean of `count` new trainings misses once in a thousand times.

    This is the one-sided prediction limit of normal values with unknown mean and variance, of which
    `measured` are a sample (Hahn and Meeker, Statistical Intervals, 1991).
    """
    spread = stdev(measured) * sqrt(1 / count + 1 / len(measured))
    return mean(measured) - float(student.ppf(1 - RARELY, len(measured) - 1)) * spread
