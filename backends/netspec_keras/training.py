"""Writes the training of a Keras module: its optimizer."""

from __future__ import annotations

from netspec.backend.emit.code import Code, arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import function
from netspec.language.spec import Train
from netspec.language.training.optimizers import Optimizer, Sgd
from netspec.language.training.schedules import ReduceOnPlateau, Schedule
from netspec_keras import schedules


def training_parts(train: Train) -> list[Document]:
    """The function build_optimizer, the learning rate where it changes, and set_precision."""
    return [*_precision(train), *schedules.schedule_parts(train), _build_optimizer(train)]


def _precision(train: Train) -> list[Document]:
    if train.precision in ("float32", "tf32"):
        return []
    doc = "Layers that are made after this compute in 16 bits; the weights stay float32."
    line = call("keras.config.set_dtype_policy", arguments([train.precision], {}))
    return [function("set_precision", [], "None", [line], doc=[doc])]


def _build_optimizer(train: Train) -> Document:
    scaled = train.precision == "mixed_float16"
    head = f"{'inner =' if scaled else 'return'} keras.optimizers.{class_name(train.optimizer)}"
    lines = [call(head, arguments([], _arguments(train)))]
    if scaled:
        lines.append("return keras.optimizers.LossScaleOptimizer(inner)")
    scheduled = isinstance(train.optimizer.learning_rate, Schedule)
    return function(
        "build_optimizer",
        ["learning_rate"] if scheduled else [],
        "keras.optimizers.Optimizer",
        lines,
        doc=["`learning_rate` is a number, or what build_schedule returns."] if scheduled else [],
    )


def class_name(optimizer: Optimizer) -> str:
    """Keras's class."""
    return "SGD" if isinstance(optimizer, Sgd) else type(optimizer).__name__


def _arguments(train: Train) -> dict[str, object]:
    rate = train.optimizer.learning_rate
    match rate:
        case Schedule():
            rate = Code("learning_rate")
        case ReduceOnPlateau():
            rate = rate.first
        case _:
            pass
    named: dict[str, object] = {"learning_rate": rate}
    named |= train.optimizer.model_dump(exclude_defaults=True, exclude={"learning_rate"})
    if train.gradient_accumulation_steps:
        named["gradient_accumulation_steps"] = train.gradient_accumulation_steps
    return named
