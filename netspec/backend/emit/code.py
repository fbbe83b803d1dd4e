"""Python source as a formatter leaves it, for the backends that write modules.

Only validated values come in here: numbers, checked identifiers, and words of closed sets.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from inspect import getsource
from typing import Any

from netspec.backend.emit.document import NEWLINE, Choice, Nest, render
from netspec.backend.emit.expressions import in_lines, parse
from netspec.graph import Graph
from netspec.language.layers import written
from netspec.language.training.schedules import Schedule
from netspec.numerics.mismatch import find_mismatch
from netspec.text.diagnostics import one_of

WIDTH = 100


class Code(str):
    """Text that is source already."""

    __slots__ = ()


def literal(value: Any) -> str:  # Any: every value that a field can have
    """A field's value as Python source, with double quotes.

    >>> literal("same"), literal((3, 3)), literal(1e-3)
    ('"same"', '(3, 3)', '0.001')
    """
    match value:
        case Code():
            return str(value)
        case str():
            return f'"{value}"'
        case tuple():
            items = [literal(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - as above
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case _:
            return repr(value)


def square(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """3 for (3, 3), and for (3,), as people write it."""
    return sizes[0] if len(set(sizes)) == 1 else sizes


def arguments(positional: Iterable[object], named: Mapping[str, object]) -> list[str]:
    """The arguments of a call as source."""
    return [*map(literal, positional), *(f"{key}={literal(item)}" for key, item in named.items())]


def call(
    head: str, arguments: Sequence[str], tail: str = "", comment: str = "", brackets: str = "()"
) -> str:
    """A statement `head(arguments)tail  # comment`, one argument a line where it is too long."""
    after = f"{tail}  # {comment}" if comment else tail
    opening, closing = brackets
    line = f"{head}{opening}{', '.join(arguments)}{closing}{after}"
    if len(line) <= WIDTH or not arguments:
        return line
    items = [parse(argument).in_brackets for argument in arguments]
    document = (head, in_lines(opening, items, closing), after)
    return render(document, WIDTH, _indentation(head))


def statement(head: str, expression: str, comment: str) -> str:
    """A statement `head expression  # comment`, in several lines where it is too long for one.

    Its brackets are broken; where that does not help, new ones are written around all of it.
    """
    after = f"  # {comment}"
    line = f"{head}{expression}{after}"
    if len(line) <= WIDTH:
        return line
    parsed = parse(expression)
    around = ("(", Nest((NEWLINE, parsed.in_brackets)), NEWLINE, ")", after)
    broken = (parsed.on_its_own, after)
    if expression.isidentifier():
        options = (("(", Nest((NEWLINE, expression, after)), NEWLINE, ")"), broken)
    elif parsed.breaks_in_brackets:
        options = (broken, around, broken)
    else:
        options = (around,)
    return render((head, Choice(options)), WIDTH, _indentation(head))


def _indentation(head: str) -> int:
    return len(head) - len(head.lstrip())


def identifiers(names: Iterable[str], reserved: Collection[str]) -> dict[str, str]:
    """A Python identifier for every name, none of them twice or among the reserved ones.

    >>> identifiers(["block/conv2d", "class", "x"], {"x"})
    {'block/conv2d': 'block_conv2d', 'class': 'class_', 'x': 'x_'}
    """
    taken = {*keyword.kwlist, *reserved}
    found: dict[str, str] = {}
    for name in names:
        wanted = re.sub(r"\W", "_", name)
        while wanted in taken:
            wanted += "_"
        taken.add(wanted)
        found[name] = wanted
    return found


def variables(graph: Graph, only_input: str, reserved: Collection[str]) -> dict[str, str]:
    """The variable that holds each tensor of a graph.

    A tensor that the next node alone reads is `x`; every other has a name of its own. An only input
    is `only_input` where that is safe, and `inputs` where `x` would be overwritten too early.
    """
    reads: dict[str, set[int]] = {}
    for at, node in enumerate(graph.nodes):
        for name in node.inputs:
            reads.setdefault(name, set()).add(at)
    for name in graph.outputs:
        reads.setdefault(name, set()).add(len(graph.nodes))
    own = [each.name for at, each in enumerate(graph.nodes) if reads.get(each.name) != {at + 1}]
    taken = {"x", "inputs", *reserved}
    if len(graph.inputs) > 1:
        held = identifiers([each.name for each in graph.inputs], taken)
    else:
        name = next(each.name for each in graph.inputs)
        held = {name: only_input if reads.get(name) == {0} else "inputs"}
    named = identifiers(own, {*taken, *held.values()})
    return {**{each.name: "x" for each in graph.nodes}, **named, **held}


def taken_and_given(graph: Graph, about: str, named: str) -> str:
    """A line that says what a model takes, something about it, and what it gives.

    That is the shapes, or how many there are where those are too long for a docstring's line.
    """
    inputs = ", ".join(written(each.shape) for each in graph.inputs)
    outputs = ", ".join(written(node.shape) for node in graph.output_nodes)
    line = f"Inputs {inputs}{about} to {named} {outputs}."
    if len(line) <= WIDTH - 10:
        return line
    return f"{len(graph.inputs)} inputs{about} to {len(graph.outputs)} outputs."


def division(scales: Mapping[str, float]) -> str:
    """What a line about a model adds where its inputs are divided, by the names of the inputs.

    >>> division({"image": 255.0, "words": 1.0})
    ', all but words divided by 255,'
    """
    left = [name for name, scale in scales.items() if scale == 1]
    if len(left) == len(scales):
        return ""
    named = f", all but {one_of(left, 'and')} divided" if left else ", divided"
    return f"{named} by {next(scale for scale in scales.values() if scale != 1):g},"


def camel_case(name: str) -> str:
    """The class name for a spec's name.

    >>> camel_case("mnist_cnn")
    'MnistCnn'
    """
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)


def length(count: int | None, schedule: Schedule, epochs: int) -> str:
    """A schedule's length in steps as source; where it counts epochs, of `steps_per_epoch`.

    None is the whole training, as everywhere.
    """
    if count is None:
        return f"{epochs} * steps_per_epoch"
    if schedule.unit == "steps" or count == 0:
        return str(count)
    return "steps_per_epoch" if count == 1 else f"{count} * steps_per_epoch"


def weights_check(graph: Graph) -> str:
    """The axes of every weight as source, and the function that finds weights without them."""
    lines = ["# The axes of every weight in a weights file.", "AXES = {"]
    for key, weight in graph.weights():
        sizes = [f'"{role}": {size}' for role, size in weight.sizes.items()]
        lines.append(call(f'    "{key}": ', sizes, ",", brackets="{}"))
    table = "\n".join([*lines, "}"]) if len(lines) > 2 else f"{lines[0]}\nAXES = {{}}"
    return module(table, _PRAGMA.sub("", getsource(find_mismatch)))


_PRAGMA = re.compile(r"  # pyright: .*")


def module(*parts: str) -> str:
    """The parts of a module, two empty lines between them."""
    return "\n\n\n".join(part.strip("\n") for part in parts if part) + "\n"
