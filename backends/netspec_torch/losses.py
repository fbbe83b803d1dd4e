"""Writes the losses of a PyTorch module: PyTorch's own where they are Keras's, others as classes.

Each gives the mean over the batch; with the attribute `reduction` at "none" it gives values, of
which the examples of the batch are the first axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netspec.backend.emit.code import arguments, call
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
from netspec_torch.lower import Part

_LOSS = Part(
    "Loss",
    '''
class Loss(nn.Module):
    """The mean of some values of every example, or with `reduction` at "none" the values."""

    reduction = "mean"

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = self.values(outputs, targets)
        return values.mean() if self.reduction == "mean" else values
''',
)

_CROSS_ENTROPY = Part(
    "CrossEntropy",
    '''
class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy along the last axis, where nn.CrossEntropyLoss takes the second."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            targets = targets.movedim(-1, 1)
        return super().forward(outputs.movedim(-1, 1), targets)
''',
)

_SMOOTHED = Part(
    "SmoothedBinaryCrossEntropy",
    '''
class SmoothedBinaryCrossEntropy(nn.BCEWithLogitsLoss):
    """Binary cross-entropy of targets that are moved towards 1/2."""

    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        smoothed = (1 - self.label_smoothing) * targets + self.label_smoothing / 2
        return super().forward(outputs, smoothed)
''',
)

_KL_DIVERGENCE = Part(
    "KLDivergence",
    '''
class KLDivergence(Loss):
    """sum of t log(t / y), both within 1e-7 and 1."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        y, t = outputs.clamp(1e-7, 1), targets.clamp(1e-7, 1)
        return (t * torch.log(t / y)).sum(-1)
''',
    (_LOSS,),
)

_HINGE = Part(
    "Hinge",
    '''
class Hinge(Loss):
    """mean of max(1 - t y, 0) to a power, for targets -1 and 1; zeros are taken as -1."""

    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        signs = torch.where(targets == 0, -1, targets)
        return F.relu(1 - signs * outputs).pow(self.power).mean(-1)
''',
    (_LOSS,),
)

_CATEGORICAL_HINGE = Part(
    "CategoricalHinge",
    '''
class CategoricalHinge(Loss):
    """max(largest wrong output - the right one + 1, 0)."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        right = (targets * outputs).sum(-1)
        wrong = ((1 - targets) * outputs).amax(-1)
        return F.relu(wrong - right + 1)
''',
    (_LOSS,),
)

_COSINE_SIMILARITY = Part(
    "CosineSimilarity",
    '''
class CosineSimilarity(Loss):
    """-cos of the angle between outputs and targets."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        y, t = (F.normalize(each, dim=-1, eps=1e-7) for each in (outputs, targets))
        return -(y * t).sum(-1)
''',
    (_LOSS,),
)


def definitions(asked: Sequence[Objective]) -> Iterator[Part]:
    """The classes that the losses are made of."""
    for each in asked:
        if part := _made(each)[0]:
            yield part


def parts(asked: Sequence[Objective]) -> tuple[str, ...]:
    """The function build_loss, which for several outputs gives a list in their order.

    LOSS_WEIGHTS then holds what each counts for.
    """
    logits = " on logits" if any(each.loss.probabilities for each in asked) else ""
    made = [_made(each) for each in asked]
    if len(asked) == 1:
        doc = f'    """The loss{logits}."""'
        _, name, given = made[0]
        only = call(f"    return {name}", given)
        return *_weights(asked), f"def build_loss() -> nn.Module:\n{doc}\n{only}"
    doc = f'    """The loss of every output{logits and ", of cross-entropies on logits"}."""'
    lines = [call(f"        {name}", given, ",") for _, name, given in made]
    body = "\n".join(["    return [", *lines, "    ]"])
    return *_weights(asked), f"def build_loss() -> list[nn.Module]:\n{doc}\n{body}"


def _weights(asked: Sequence[Objective]) -> tuple[str, ...]:
    """What the loss of each output counts for, where that is not 1."""
    if all(each.weight == 1 for each in asked):
        return ()
    values = arguments([each.weight for each in asked], {})
    comment = "# What the loss of every output counts for."
    return (f"{comment}\n{call('LOSS_WEIGHTS = ', values, brackets='[]')}",)


def _made(asked: Objective) -> tuple[Part | None, str, list[str]]:
    """The class of the module that a loss needs, what is called, and with which arguments."""
    loss, one_vector = asked.loss, len(asked.shape) == 1
    match loss:
        case SparseCategoricalCrossentropy() | CategoricalCrossentropy():
            smoothed = arguments(
                [], loss.model_dump(exclude_defaults=True, exclude={"from_logits"})
            )
            if one_vector:
                return None, "nn.CrossEntropyLoss", smoothed
            return _CROSS_ENTROPY, "CrossEntropy", smoothed
        case BinaryCrossentropy() if loss.label_smoothing:
            return _SMOOTHED, "SmoothedBinaryCrossEntropy", arguments([loss.label_smoothing], {})
        case Huber():
            return None, "nn.HuberLoss", arguments([], {"delta": loss.delta})
        case _:
            part, name, given = _FIXED[type(loss)]
            return part, name, list(given)


_FIXED: dict[type[Loss], tuple[Part | None, str, tuple[str, ...]]] = {
    BinaryCrossentropy: (None, "nn.BCEWithLogitsLoss", ()),
    MeanSquaredError: (None, "nn.MSELoss", ()),
    MeanAbsoluteError: (None, "nn.L1Loss", ()),
    Poisson: (None, "nn.PoissonNLLLoss", ("log_input=False", "eps=1e-7")),
    KLDivergence: (_KL_DIVERGENCE, "KLDivergence", ()),
    Hinge: (_HINGE, "Hinge", ("power=1",)),
    SquaredHinge: (_HINGE, "Hinge", ("power=2",)),
    CategoricalHinge: (_CATEGORICAL_HINGE, "CategoricalHinge", ()),
    CosineSimilarity: (_COSINE_SIMILARITY, "CosineSimilarity", ()),
}
"""Losses without options: the class that the module holds, the call, and its arguments."""
