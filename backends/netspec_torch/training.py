"""Writes the training of a PyTorch module: its optimizer and its loss."""

from __future__ import annotations

from netspec.code import arguments, call
from netspec.spec import Train
from netspec_torch.optimizers import class_name


def parts(train: Train) -> tuple[str, str]:
    """The functions build_optimizer and build_loss."""
    name = class_name(train.optimizer)
    fields = train.optimizer.model_dump()
    made = call(f"    return {name}", ["model.parameters()", *arguments([], fields)])
    return (
        f"def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:\n{made}",
        'def build_loss() -> nn.Module:\n    """The loss on logits."""\n'
        "    return nn.CrossEntropyLoss()",
    )
