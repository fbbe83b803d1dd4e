"""Writes the training of a PyTorch module: its optimizer."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, call
from netspec.language.spec import Train
from netspec.language.training.optimizers import Optimizer
from netspec.language.training.schedules import Schedule
from netspec_torch import optimizers, schedules


def imports(train: Train) -> str:
    """What the learning rate needs beside PyTorch."""
    return "import math\n\n" if "math." in "".join(schedules.parts(train)) else ""


def parts(train: Train, *, frozen: bool) -> tuple[str, ...]:
    """The function build_optimizer, and the learning rate where it moves.

    With `frozen` some weights are not trained.
    """
    named = {"learning_rate": first_rate(train.optimizer), **optimizers.arguments(train)}
    name = optimizers.class_name(train.optimizer)
    weights = "model.parameters()"
    if frozen:
        weights = "[weight for weight in model.parameters() if weight.requires_grad]"
    made = call(f"    return {name}", [weights, *arguments([], named)])
    doc = ""
    if isinstance(train.optimizer.learning_rate, Schedule):
        doc = '    """Before every step, `optimizer.param_groups[0]["lr"]` becomes its rate."""\n'
    return (
        *_precision(train),
        *schedules.parts(train),
        f"def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:\n{doc}{made}",
    )


def first_rate(optimizer: Optimizer) -> float:
    """The learning rate to begin with."""
    rate = optimizer.learning_rate
    return rate if isinstance(rate, float) else rate.first


def _precision(train: Train) -> tuple[str, ...]:
    """The functions autocast and build_scaler, where layers compute in 16 bits."""
    if train.precision in ("float32", "tf32"):
        return ()
    dtype = train.precision.removeprefix("mixed_")
    doc = "Inside it layers compute in 16 bits; the weights stay float32."
    autocast = (
        f'def autocast(device: str) -> torch.autocast:\n    """{doc}"""\n'
        f"    return torch.autocast(device, torch.{dtype})"
    )
    if train.precision == "mixed_bfloat16":
        return (autocast,)
    doc = "Keras's scale of the loss: halved by an overflow, doubled after 2,000 steps."
    scaler = (
        f'def build_scaler(device: str) -> torch.amp.GradScaler:\n    """{doc}"""\n'
        "    return torch.amp.GradScaler(device, init_scale=2.0**15)"
    )
    return autocast, scaler
