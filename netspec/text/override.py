"""Values of a spec that are set from outside its file, as by `--set train.epochs=3`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netspec.text.codes import Code
from netspec.text.diagnostics import SpecError
from netspec.text.source import Data, Fault, Node, Source, Text, compose, single

COMMAND_LINE = "<command line>"


@dataclass(frozen=True)
class Override:
    """A value by its path: `typed` is what a diagnostic shows, `value` is YAML.

    Steps of the path are keys, or for lists numbers that count from 0, with dots between them.
    """

    typed: str
    path: str
    value: str

    @property
    def text(self) -> Text:
        return Text(COMMAND_LINE, (self.typed,))

    def node(self) -> Node:
        """The value, at the place where the user typed it. Raises SpecError for faulty YAML."""
        try:
            node = compose(self.value if self.value.strip() else "null", COMMAND_LINE)
        except SpecError as error:
            (fault,) = error.diagnostics
            place = self.text.place(0, self.typed.rfind(self.value), len(self.value))
            raise single(replace(fault, place=place)) from None
        column = self.typed.rfind(self.value) if self.value else len(self.typed)
        end = column + max(1, len(self.value))
        return replace(node, text=self.text, start=(0, column), end=(0, end))

    def step(self, steps: list[str]) -> Node:
        """The first of the last steps of the path, where the user typed it."""
        start = max(0, self.typed.find(self.path))
        column = start + len(self.path) - len(".".join(steps))
        return Node(self.text, (0, column), (0, column + max(1, len(steps[0]))), steps[0])


def apply(source: Source, override: Override) -> Source:
    """The source with a value set; mappings that the path leads through are made where missing.

    Raises SpecError where the path leads through something else.
    """
    steps = override.path.split(".")
    return Source(_with(source.root, steps, override))


def _with(parent: Node, steps: list[str], override: Override) -> Node:
    """A copy of `parent` in which the steps lead to the override's value."""
    if not steps:
        return replace(override.node(), former=parent)
    step, *rest = steps
    if isinstance(parent.data, dict):
        child = parent.members.get(step) or replace(override.step(steps), data={})
        keys = {**parent.keys, step: parent.keys.get(step) or override.step(steps)}
        members = {**parent.members, step: _with(child, rest, override)}
        data: Data = {str(name): member.data for name, member in members.items()}
        return replace(parent, data=data, keys=keys, members=members)
    if isinstance(parent.data, list):
        if not _is_index(step, len(parent.data)):
            message = f"there is no item {step!r}; the list has {len(parent.data)}"
            raise _fault(override, steps, message, "items count from 0, as in layers.0")
        members = {**parent.members, int(step): _with(parent.members[int(step)], rest, override)}
        return replace(parent, data=[member.data for member in members.values()], members=members)
    message = f"{parent.data!r} holds nothing named {step!r}"
    raise _fault(override, steps, message, "the path leads through mappings and lists")


def _is_index(step: str, count: int) -> bool:
    """Whether a step is a number below the count; Python reads no number of 5,000 digits."""
    return step.isascii() and step.isdecimal() and len(step) < 10 and int(step) < count


def _fault(override: Override, steps: list[str], message: str, help: str) -> Exception:
    return single(Source(override.step(steps)).diagnostic(Fault((), Code.SET, message, help)))
