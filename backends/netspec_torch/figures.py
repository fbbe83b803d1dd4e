"""What the steps of a training give beside new weights, gathered until it is reported."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from netspec.backend import Steps


@dataclass(frozen=True)
class Figures:
    """What a step gave: see `netspec.backend.Steps`, of which this is one."""

    loss: Tensor
    by_output: Tensor | None
    correct: Tensor | None
    outputs: tuple[Tensor, ...]

    def tensors(self) -> list[Tensor]:
        """Everything that it holds."""
        some = [self.loss, self.by_output, self.correct, *self.outputs]
        return [each for each in some if each is not None]


class Gathered:
    """The figures of some steps, in tensors that are made once for all of them.

    Were each step's own tensors kept, they would lie between the large ones that come and go, whose
    memory could not be used again: the tutorial took 160 MB more.
    """

    def __init__(self, steps: int, first: Figures) -> None:
        self._losses = _room(steps, first.loss)
        self._by_output = None if first.by_output is None else _room(steps, first.by_output)
        self._correct = None if first.correct is None else _room(steps, first.correct)
        self._outputs = [_room(steps * len(each), each[0]) for each in first.outputs]
        self._done = 0
        self._examples = 0

    def add(self, figures: Figures) -> None:
        """Keep the figures of the next step, whose tensors may be written over after this."""
        self._losses[self._done] = figures.loss
        if self._by_output is not None:
            self._by_output[self._done] = figures.by_output
        if self._correct is not None:
            self._correct[self._done] = figures.correct
        for room, output in zip(self._outputs, figures.outputs, strict=True):
            room[self._examples : self._examples + len(output)] = output
        self._done += 1
        self._examples += len(figures.outputs[0]) if figures.outputs else 0

    def steps(self) -> Steps:
        """All of them, for which the device is waited."""
        return Steps(
            self._losses.cpu().numpy(),
            None if self._correct is None else self._correct.int().cpu().numpy(),
            None if self._by_output is None else self._by_output.cpu().numpy(),
            tuple(each[: self._examples].cpu().numpy() for each in self._outputs),
        )


def _room(count: int, one: Tensor) -> Tensor:
    return torch.empty((count, *one.shape), dtype=one.dtype, device=one.device)
