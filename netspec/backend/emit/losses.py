"""The losses of a generated module: the function build_loss, and what each loss counts for."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.backend.emit.code import arguments, call
from netspec.backend.emit.document import NEWLINE, Document
from netspec.backend.emit.module import block, function
from netspec.checks.objectives import Objective


def loss_parts(
    objectives: Sequence[Objective], base: str, calls: Sequence[tuple[str, Sequence[str]]]
) -> list[Document]:
    """LOSS_WEIGHTS and the function build_loss, which returns a list for several outputs.

    `base` is the type of a loss, and `calls` the call and the arguments of the loss of each output.
    """
    logits = any(objective.loss.probabilities for objective in objectives)
    if len(calls) == 1:
        doc = f"The loss{' on logits' if logits else ''}."
        ((name, values),) = calls
        lines = [call(f"return {name}", values)]
        return [*_weights(objectives), function("build_loss", [], base, lines, doc=[doc])]
    doc = f"The loss of every output{', of cross-entropies on logits' if logits else ''}."
    items = [call(name, values, ",") for name, values in calls]
    lines = [block("return [", items), "]"]
    return [*_weights(objectives), function("build_loss", [], f"list[{base}]", lines, doc=[doc])]


def _weights(objectives: Sequence[Objective]) -> list[Document]:
    """What the loss of each output counts for, where that is not 1."""
    if all(objective.weight == 1 for objective in objectives):
        return []
    values = arguments([objective.weight for objective in objectives], {})
    comment = "# What the loss of every output counts for."
    return [(comment, NEWLINE, call("LOSS_WEIGHTS = ", values, brackets="[]"))]
