"""What the steps of a training give beside new weights, gathered until it is reported."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from netspec.backend import Steps


@dataclass(frozen=True)
class Figures:
    """What some steps gave: `netspec.backend.Steps` as tensors on the device."""

    losses: Tensor
    by_output: Tensor | None
    correct: Tensor | None
    logits: tuple[Tensor, ...]

    def by_step(self) -> list[Tensor]:
        """What has a row for every step; the logits have one for every example."""
        some = (self.losses, self.by_output, self.correct)
        return [each for each in some if each is not None]

    def tensors(self) -> list[Tensor]:
        """Everything that it holds."""
        return [*self.by_step(), *self.logits]

    def reported(self) -> Steps:
        """The same for the core, for which the device is waited."""
        return Steps(
            self.losses.cpu().numpy(),
            None if self.correct is None else self.correct.int().cpu().numpy(),
            None if self.by_output is None else self.by_output.cpu().numpy(),
            tuple(each.cpu().numpy() for each in self.logits),
        )


class Gathered:
    """The figures of so many steps and examples, in tensors that are made once for all of them.

    Were each step's own tensors kept, they would lie between the large ones that come and go, whose
    memory could not be used again: the tutorial took 160 MB more.
    """

    def __init__(self, steps: int, examples: int) -> None:
        self._steps = steps
        self._examples = examples
        self._done = 0
        self._seen = 0
        self._figures: Figures | None = None

    def add(self, figures: Figures) -> None:
        """Keep the figures of the next steps, whose tensors may be written over after this."""
        if self._figures is None:
            self._figures = Figures(
                _room(self._steps, figures.losses),
                None if figures.by_output is None else _room(self._steps, figures.by_output),
                None if figures.correct is None else _room(self._steps, figures.correct),
                tuple(_room(self._examples, each) for each in figures.logits),
            )
        done = slice(self._done, self._done + len(figures.losses))
        for room, values in zip(self._figures.by_step(), figures.by_step(), strict=True):
            room[done] = values
        self._done = done.stop
        if figures.logits:
            seen = slice(self._seen, self._seen + len(figures.logits[0]))
            for room, values in zip(self._figures.logits, figures.logits, strict=True):
                room[seen] = values
            self._seen = seen.stop

    def figures(self) -> Figures:
        """Those of all steps, once they are all there."""
        assert self._figures is not None
        assert self._done == self._steps
        return self._figures


def _room(count: int, like: Tensor) -> Tensor:
    """Room for so many rows of a tensor."""
    return like.new_empty((count, *like.shape[1:]))
