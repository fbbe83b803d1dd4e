"""Early stopping, only from the metrics of the epochs, so a resumed run stops at the same epoch.

The rule is from keras/src/callbacks/early_stopping.py (3.15).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netspec.language.spec import EarlyStopping
from netspec.runs.metrics import Record


@dataclass(frozen=True)
class Watch:
    """The result of the epochs: the best of them, and whether to stop.

    `best` is None until an epoch was watched; epochs count from 1.
    """

    best: int | None
    stopped: bool


def watch(
    settings: EarlyStopping, more_is_better: Mapping[str, bool], history: Sequence[Record]
) -> Watch:
    """Read the records of all epochs; `more_is_better` has an entry for every metric.

    A better value restarts the wait, if it is also better than the baseline. Training stops as soon
    as `patience` epochs, and at least one, were no better.
    """
    sign = 1 if _rises(settings, more_is_better) else -1
    best: float | None = None
    best_epoch, wait = None, 0
    for epoch, record in enumerate(history):
        if epoch < settings.start_from_epoch:
            continue
        value = record[settings.monitor]
        assert not isinstance(value, list)
        value = sign * value - settings.min_delta
        best_epoch, wait = best_epoch or epoch + 1, wait + 1
        if best is None or value > best:
            best, best_epoch = value + settings.min_delta, epoch + 1
            if settings.baseline is None or value > sign * settings.baseline:
                wait = 0
        elif settings.patience is not None and wait >= settings.patience and epoch > 0:
            return Watch(best_epoch, stopped=True)
    return Watch(best_epoch, stopped=False)


def _rises(settings: EarlyStopping, more_is_better: Mapping[str, bool]) -> bool:
    if settings.mode == "auto":
        return more_is_better[settings.monitor.removeprefix("val_")]
    return settings.mode == "max"
