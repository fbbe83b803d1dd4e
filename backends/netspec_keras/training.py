"""Writes the training of a Keras module: its optimizer."""

from __future__ import annotations

from netspec.backend.emit.code import Code, arguments, call
from netspec.language.spec import Train
from netspec.language.training.optimizers import Optimizer, Sgd
from netspec.language.training.schedules import ReduceOnPlateau, Schedule
from netspec_keras import schedules


def imports(train: Train) -> str:
    """What the learning rate needs beside Keras."""
    return "import math\n\n" if "math." in "".join(schedules.parts(train)) else ""


def parts(train: Train) -> tuple[str, ...]:
    """The function build_optimizer, the learning rate where it moves, and set_precision."""
    return *_precision(train), *schedules.parts(train), _build_optimizer(train)


def _precision(train: Train) -> tuple[str, ...]:
    if train.precision in ("float32", "tf32"):
        return ()
    doc = "Layers that are made after this compute in 16 bits; the weights stay float32."
    lines = [
        "def set_precision() -> None:",
        f'    """{doc}"""',
        call("    keras.config.set_dtype_policy", arguments([train.precision], {})),
    ]
    return ("\n".join(lines),)


def _build_optimizer(train: Train) -> str:
    scaled = train.precision == "mixed_float16"
    made = call(
        f"    {'inner =' if scaled else 'return'} keras.optimizers.{class_name(train.optimizer)}",
        arguments([], _arguments(train)),
    )
    if scaled:
        made += "\n    return keras.optimizers.LossScaleOptimizer(inner)"
    if not isinstance(train.optimizer.learning_rate, Schedule):
        return f"def build_optimizer() -> keras.optimizers.Optimizer:\n{made}"
    doc = '    """`learning_rate` is a number, or what build_schedule gives."""'
    return f"def build_optimizer(learning_rate) -> keras.optimizers.Optimizer:\n{doc}\n{made}"


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
