"""Writes the training of a PyTorch module: its optimizer."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import function
from netspec.language.spec import Train
from netspec.language.training.optimizers import Optimizer
from netspec.language.training.schedules import Schedule
from netspec_torch import optimizers, schedules


def training_parts(train: Train, *, frozen: bool) -> list[Document]:
    """The function build_optimizer, and the learning rate where it changes.

    With `frozen` some weights are not trained.
    """
    named = {"learning_rate": first_rate(train.optimizer), **optimizers.arguments(train)}
    weights = "model.parameters()"
    if frozen:
        weights = "[weight for weight in model.parameters() if weight.requires_grad]"
    scheduled = isinstance(train.optimizer.learning_rate, Schedule)
    doc = 'Before every step, `optimizer.param_groups[0]["lr"]` becomes its rate.'
    build = call(
        f"return {optimizers.class_name(train.optimizer)}", [weights, *arguments([], named)]
    )
    return [
        *_precision(train),
        *schedules.schedule_parts(train),
        function(
            "build_optimizer",
            ["model: nn.Module"],
            "torch.optim.Optimizer",
            [build],
            doc=[doc] if scheduled else [],
        ),
    ]


def first_rate(optimizer: Optimizer) -> float:
    """The learning rate to begin with."""
    rate = optimizer.learning_rate
    return rate if isinstance(rate, float) else rate.first


def _precision(train: Train) -> list[Document]:
    """The functions autocast and build_scaler, where layers compute in 16 bits."""
    if train.precision in ("float32", "tf32"):
        return []
    dtype = train.precision.removeprefix("mixed_")
    autocast = function(
        "autocast",
        ["device: str"],
        "torch.autocast",
        [f"return torch.autocast(device, torch.{dtype})"],
        doc=["Inside it layers compute in 16 bits; the weights stay float32."],
    )
    if train.precision == "mixed_bfloat16":
        return [autocast]
    scaler = function(
        "build_scaler",
        ["device: str"],
        "torch.amp.GradScaler",
        ["return torch.amp.GradScaler(device, init_scale=2.0**15)"],
        doc=["Keras's scale of the loss: halved by an overflow, doubled after 2,000 steps."],
    )
    return [autocast, scaler]
