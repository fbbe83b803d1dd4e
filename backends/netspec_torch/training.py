"""Writes the training of a PyTorch module: its optimizer and its loss."""

from __future__ import annotations

from netspec.code import arguments, call
from netspec.optimizers import Optimizer
from netspec.spec import Train
from netspec_torch import optimizers


def parts(train: Train) -> tuple[str, str]:
    """The functions build_optimizer and build_loss."""
    named = {"learning_rate": first_rate(train.optimizer), **optimizers.arguments(train)}
    name = optimizers.class_name(train.optimizer)
    made = call(f"    return {name}", ["model.parameters()", *arguments([], named)])
    return (
        f"def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:\n{made}",
        'def build_loss() -> nn.Module:\n    """The loss on logits."""\n'
        "    return nn.CrossEntropyLoss()",
    )


def first_rate(optimizer: Optimizer) -> float:
    """The learning rate to begin with."""
    rate = optimizer.learning_rate
    return rate if isinstance(rate, float) else rate.first
