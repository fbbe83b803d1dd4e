"""Rows in the order of time: where windows begin, and in which part each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 1.5
"""How many times the median distance in its group a distance is at least that is a gap."""

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """How windows are cut: numbers of rows, and whether a window may contain a gap in time."""

    history: int
    gap: int
    horizon: int
    step: int = 1
    bridge: bool = False

    @property
    def length(self) -> int:
        """The number of rows from the first of the history to the last that is predicted."""
        return self.history + self.gap + self.horizon


@dataclass(frozen=True)
class Calendar:
    """The times (n,) of rows and their groups (n,), from 0, sorted by group and time.

    `order` (n,) are the indices of the rows as they are stored.
    """

    order: Indices
    times: NDArray[np.float64]
    groups: Indices

    @classmethod
    def of(cls, times: NDArray[np.float64], groups: Indices) -> Calendar:
        """The calendar of rows in any order."""
        order = np.lexsort((times, groups))
        return cls(order, times[order], groups[order])

    def __len__(self) -> int:
        return len(self.order)

    def repeated(self) -> Indices:
        """The rows with the time of the row before, of the same group."""
        return 1 + np.flatnonzero((np.diff(self.times) == 0) & (np.diff(self.groups) == 0))

    def sizes(self) -> Indices:
        """How many rows each group has."""
        return np.bincount(self.groups)

    def gaps(self) -> Indices:
        """The rows after which is a gap in time: their distance to the next of their group."""
        inside = np.flatnonzero(np.diff(self.groups) == 0)
        distances = np.diff(self.times)
        return inside[distances[inside] >= GAP * self.usual()[self.groups[inside]]]

    def usual(self) -> NDArray[np.float64]:
        """The median distance of two neighbours in each group; NaN in a group of one row."""
        ends = np.cumsum(self.sizes())
        groups = np.split(self.times, ends[:-1])
        return np.array([np.median(np.diff(some)) if len(some) > 1 else np.nan for some in groups])

    def starts(self, cut: Cut) -> Indices:
        """Where windows begin: in one group each, and where `cut` allows it, without a gap."""
        ends = np.diff(self.groups) != 0
        if not cut.bridge:
            ends[self.gaps()] = True
        # Rows that follow one another are a stretch; every stretch has separate windows.
        firsts = np.concatenate([[0], 1 + np.flatnonzero(ends)])
        sizes = np.diff(np.append(firsts, len(self)))
        counts: Indices = np.maximum(0, (sizes - cut.length) // cut.step + 1)
        number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(firsts, counts) + cut.step * number

    def boundary(self, fraction: float, end: float = np.inf) -> float:
        """The time at which the last fraction of the rows before `end` begins."""
        times = np.sort(self.times[self.times < end])
        # As Keras's validation_split rounds.
        return float(times[min(int(len(times) * (1 - fraction)), len(times) - 1)])

    def parts(self, starts: Indices, cut: Cut, begin: Mapping[str, float]) -> dict[str, Indices]:
        """The windows of each part, by the times at which the parts begin, the earliest first.

        All rows that a window predicts are in its part. Rows of the history may be earlier: they
        are known when it is predicted. A window that predicts rows of two parts is in none.
        """
        first = self.times[starts + cut.length - cut.horizon]
        last = self.times[starts + cut.length - 1]
        ends = [*[*begin.values()][1:], np.inf]
        return {
            part: starts[(first >= time) & (last < end)]
            for (part, time), end in zip(begin.items(), ends, strict=True)
        }

    def covered(self, starts: Indices, length: int) -> NDArray[np.bool_]:
        """Which rows (n,) are in one of the windows."""
        changes = np.zeros(len(self) + 1, np.int64)
        np.add.at(changes, starts, 1)
        np.add.at(changes, starts + length, -1)
        return np.cumsum(changes[:-1]) > 0
