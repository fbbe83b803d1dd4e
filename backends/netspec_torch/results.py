"""The results of the steps of a training beside new weights, gathered until they are reported."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from netspec.backend import Steps


@dataclass(frozen=True)
class Results:
    """The results of some steps: `netspec.backend.Steps` as tensors on the device."""

    losses: Tensor
    by_output: Tensor | None
    correct: Tensor | None
    logits: tuple[Tensor, ...]

    def by_step(self) -> list[Tensor]:
        """The tensors with a row for every step; the logits have one for every example."""
        tensors = (self.losses, self.by_output, self.correct)
        return [tensor for tensor in tensors if tensor is not None]

    def tensors(self) -> list[Tensor]:
        """All tensors."""
        return [*self.by_step(), *self.logits]

    def reported(self) -> Steps:
        """The same for the core, after the device has computed them."""
        return Steps(
            self.losses.cpu().numpy(),
            None if self.correct is None else self.correct.int().cpu().numpy(),
            None if self.by_output is None else self.by_output.cpu().numpy(),
            tuple(logits.cpu().numpy() for logits in self.logits),
        )


class Gathered:
    """The results of a number of steps and examples, in tensors that are created once for all.

    Small tensors of every step would lie between the large tensors that are freed, whose memory
    could then not be used again: the tutorial took 160 MB more.
    """

    def __init__(self, steps: int, examples: int) -> None:
        self._steps = steps
        self._examples = examples
        self._steps_added = 0
        self._examples_added = 0
        self._results: Results | None = None

    def add(self, results: Results) -> None:
        """Copy the results of the next steps, whose tensors may change afterwards."""
        if self._results is None:
            self._results = Results(
                _room(self._steps, results.losses),
                None if results.by_output is None else _room(self._steps, results.by_output),
                None if results.correct is None else _room(self._steps, results.correct),
                tuple(_room(self._examples, logits) for logits in results.logits),
            )
        steps = slice(self._steps_added, self._steps_added + len(results.losses))
        for room, values in zip(self._results.by_step(), results.by_step(), strict=True):
            room[steps] = values
        self._steps_added = steps.stop
        if results.logits:
            count = len(results.logits[0])
            examples = slice(self._examples_added, self._examples_added + count)
            for room, values in zip(self._results.logits, results.logits, strict=True):
                room[examples] = values
            self._examples_added = examples.stop

    def results(self) -> Results:
        """The results of all steps. All of them must have been added."""
        assert self._results is not None
        assert self._steps_added == self._steps
        return self._results


def _room(count: int, like: Tensor) -> Tensor:
    """A new tensor with `count` rows of the shape and type of the rows of `like`."""
    return like.new_empty((count, *like.shape[1:]))
