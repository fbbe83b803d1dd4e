"""What a Python program does during a training: called after batches, epochs and the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.runs.folder import Run
    from netspec.runs.metrics import Record


class Callback:
    """A part of a program that follows a training. Override the methods that are needed.

    `logs` are losses and metrics by name, as in `run.history`. A method that returns True stops the
    training after the epoch: a run consists of whole epochs. An error that a method raises ends
    `netspec.train`, and the run can be resumed.
    """

    def on_batch_end(self, batch: int, logs: Record) -> bool | None:
        """After `batch` steps of an epoch, with the mean of these steps.

        A backend may compute several steps at once; this is called after the last one of them.
        """

    def on_epoch_end(self, epoch: int, logs: Record) -> bool | None:
        """After an epoch, from 1, whose weights the run contains now."""

    def on_train_end(self, run: Run, logs: Record) -> None:
        """After the test, with its results, such as `test_loss`."""


class Callbacks:
    """Several callbacks as one, which remembers whether any of them stops the training."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = callbacks
        self.stop = False

    def on_batch_end(self, batch: int, logs: Record) -> None:
        for callback in self._callbacks:
            self.stop |= callback.on_batch_end(batch, dict(logs)) is True

    def on_epoch_end(self, epoch: int, logs: Record) -> None:
        for callback in self._callbacks:
            self.stop |= callback.on_epoch_end(epoch, dict(logs)) is True

    def on_train_end(self, run: Run, logs: Record) -> None:
        for callback in self._callbacks:
            callback.on_train_end(run, dict(logs))
