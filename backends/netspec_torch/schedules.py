"""The learning rates of generated PyTorch modules: one function, or a scheduler for a plateau."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import function
from netspec.backend.emit.schedules import learning_rate
from netspec.language.spec import Train
from netspec.language.training.schedules import ReduceOnPlateau, Schedule


def schedule_parts(train: Train) -> list[Document]:
    """The function learning_rate or build_scheduler, where the learning rate is not a number."""
    rate = train.optimizer.learning_rate
    if isinstance(rate, ReduceOnPlateau):
        return [_scheduler(rate)]
    if not isinstance(rate, Schedule):
        return []
    return [learning_rate(rate, train.epochs)]


def _scheduler(plateau: ReduceOnPlateau) -> Document:
    """PyTorch's scheduler with Keras's counts.

    PyTorch waits for one bad epoch more than `patience`, and rests for one epoch more than
    `cooldown`; its minimum change of the rate is 0 in Keras.
    """
    named: dict[str, object] = {
        "mode": "min" if plateau.smaller_is_better else "max",
        "factor": plateau.factor,
        "patience": max(plateau.patience - 1, 0),
        "threshold": plateau.min_delta,
        "threshold_mode": "abs",
        "cooldown": max(plateau.cooldown - 1, 0),
        "min_lr": plateau.min_lr,
        "eps": 0.0,
    }
    kind = "torch.optim.lr_scheduler.ReduceLROnPlateau"
    return function(
        "build_scheduler",
        ["optimizer"],
        kind,
        [call(f"return {kind}", ["optimizer", *arguments([], named)])],
        doc=[f"Call `step({plateau.monitor})` of it after every epoch."],
    )
