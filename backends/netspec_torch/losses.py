"""The losses of a PyTorch module: PyTorch's own where they are Keras's, else `parts/losses.py`.

Each returns the mean over the batch. With the attribute `reduction` at "none" it returns values,
whose first axis is the examples of the batch.
"""

from __future__ import annotations

from netspec.backend.emit.code import arguments
from netspec.checks.objectives import Objective
from netspec.language.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)


def loss_call(objective: Objective) -> tuple[str, list[str]]:
    """The class of an output's loss, and its arguments; a class without a dot is in the module."""
    loss, one_vector = objective.loss, len(objective.shape) == 1
    match loss:
        case SparseCategoricalCrossentropy(ignore_class=int(index)):
            smoothing = {"label_smoothing": loss.label_smoothing} if loss.label_smoothing else {}
            return "MaskedCrossEntropy", arguments([index], smoothing)
        case SparseCategoricalCrossentropy() | CategoricalCrossentropy():
            options = loss.model_dump(exclude_defaults=True, exclude={"from_logits"})
            return "nn.CrossEntropyLoss" if one_vector else "CrossEntropy", arguments([], options)
        case BinaryCrossentropy() if loss.label_smoothing:
            return "SmoothedBinaryCrossEntropy", arguments([loss.label_smoothing], {})
        case Huber():
            return "nn.HuberLoss", arguments([], {"delta": loss.delta})
        case _:
            name, *values = _WITHOUT_OPTIONS[type(loss)]
            return name, values


_WITHOUT_OPTIONS: dict[type[Loss], tuple[str, ...]] = {
    BinaryCrossentropy: ("nn.BCEWithLogitsLoss",),
    MeanSquaredError: ("nn.MSELoss",),
    MeanAbsoluteError: ("nn.L1Loss",),
    Poisson: ("nn.PoissonNLLLoss", "log_input=False", "eps=1e-7"),
    KLDivergence: ("KLDivergence",),
    Hinge: ("Hinge", "power=1"),
    SquaredHinge: ("Hinge", "power=2"),
    CategoricalHinge: ("CategoricalHinge",),
    CosineSimilarity: ("CosineSimilarity",),
}
"""The class of each loss without options, and its arguments."""
