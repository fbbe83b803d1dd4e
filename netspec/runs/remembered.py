"""Whether an optimizer can go on from a state: compared with its state before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Trainer
from netspec.text.diagnostics import RunError

State: TypeAlias = Mapping[str, NDArray[Any]]


def restore(trainer: Trainer, state: State, steps: int, origin: str) -> None:
    """Let a trainer that took no step go on from what an optimizer remembered after `steps`.

    Raises RunError where this optimizer cannot have remembered it: kernels of frameworks write
    beyond the end of arrays that are smaller than their weights.
    """
    if fault := _find_fault(state, trainer.optimizer_state(), trainer.never_negative, steps):
        message = f"{origin}: in the state of the optimizer {fault}"
        raise RunError(message, "copy the run again, or train again")
    trainer.restore(dict(state))


def _find_fault(
    state: State, fresh: State, never_negative: frozenset[str], steps: int
) -> str | None:
    """What an optimizer whose state was `fresh` cannot have come to in as many steps."""
    for key in (*fresh, *state):
        if key not in state:
            return f"there is no {key}"
        if key not in fresh:
            return f"{key} is unknown"
        value, first = state[key], fresh[key]
        if (value.shape, value.dtype) != (first.shape, first.dtype):
            return f"{key} is {value.dtype} {value.shape}, not {first.dtype} {first.shape}"
        if not np.isfinite(value).all():
            return f"{key} has values that are not finite"
        if key in never_negative and (value < 0).any():
            return f"{key} has negative values"
        is_count = np.issubdtype(value.dtype, np.integer)
        if is_count and ((value < 0) | (value > np.maximum(first, steps))).any():
            return f"{key} counts {value}, and {steps} steps were taken"
    return None
