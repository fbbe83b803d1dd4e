"""A spec with its graph: read, validated, inferred and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from netspec.checks import check
from netspec.checks.ends import End, ends
from netspec.checks.indices import index_inputs
from netspec.checks.objectives import Objective, objectives
from netspec.graph.inference import infer
from netspec.graph.nodes import Graph
from netspec.language.data import Passed
from netspec.language.expansion import expand
from netspec.language.layers.activations import ActivationName
from netspec.language.spec import Spec
from netspec.language.validation import foreign_fault, leading_layers, validate
from netspec.text.codes import Code
from netspec.text.diagnostics import BackendError, NetspecError
from netspec.text.override import Override, apply
from netspec.text.source import Fault, Source, parse, read


@dataclass(frozen=True)
class Network:
    """A spec without faults, with its graph and the folder of its relative paths.

    `passes` names the optimizations that it is compiled with; None means all of them. `source` is
    the text of the spec; it has the places for later errors. `passed` are data that are read
    instead of files.
    """

    spec: Spec
    graph: Graph
    folder: Path
    passes: frozenset[str] | None = None
    source: Source | None = field(default=None, compare=False, repr=False)
    passed: Passed | None = field(default=None, compare=False, repr=False)

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """The objective of every output; none where the spec has no `train`."""
        return objectives(self.spec, self.ends) if self.spec.train else ()

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """The end of every output."""
        return ends(self.graph)

    @cached_property
    def scales(self) -> dict[str, float]:
        """The divisor of the data of every input, by name; indices are never divided."""
        scale = self.spec.data.scale if self.spec.data else 1.0
        indices = index_inputs(self.graph)
        return {
            input_.name: 1.0 if input_.name in indices else scale for input_ in self.graph.inputs
        }

    @property
    def seed(self) -> int:
        """The seed of the training; 0 where the spec has no `train`."""
        return self.spec.train.seed if self.spec.train else 0

    def uses(self, name: str) -> bool:
        """Whether an optional pass is switched on."""
        return self.passes is None or name in self.passes

    @cached_property
    def taken_off(self) -> tuple[ActivationName | None, ...]:
        """The activation of every output that is removed for a loss on logits.

        Without training it is the softmax or sigmoid that an output ends in.
        """
        if self.spec.train:
            return tuple(objective.taken_off for objective in self.objectives)
        if not any(self.graph.weights()):
            return (None,) * len(self.graph.outputs)
        return tuple(
            end.activation if end.activation in ("softmax", "sigmoid") and not end.read else None
            for end in self.ends
        )

    def layer_error(
        self, name: str, message: str, help: str, code: Code = Code.DEVICE
    ) -> NetspecError:
        """The error for a layer that a backend cannot compute, at the layer's place in the spec.

        A node that a pass has inserted has no place.
        """
        names = [node.name for node in self.graph.nodes]
        if self.source is None or name not in names:
            return BackendError(f"{name}: {message}", help)
        index = names.index(name)
        location = ("layers", index, self.graph.nodes[index].layer.tag)
        return self.source.error([Fault(location, code, message, help, key=True)])


def load(path: str | Path, overrides: Sequence[Override] = ()) -> Network:
    """Read, validate and infer the spec in a file, with some values replaced.

    Raises SpecError with every fault that was found.
    """
    return build(overridden(path, overrides), Path(path).parent)


def overridden(path: str | Path, overrides: Sequence[Override]) -> Source:
    """The spec in a file, with some values replaced. Raises SpecError."""
    source = read(Path(path))
    for override in overrides:
        source = apply(source, override)
    return source


def loads(text: str, folder: Path = Path()) -> Network:
    """Read, validate and infer a spec from its text; see `load`."""
    return build(parse(text), folder)


def build(source: Source, folder: Path) -> Network:
    """The network that a source describes. Raises SpecError with every fault that was found."""
    if fault := foreign_fault(source.data):
        raise source.error([fault])
    source = expand(source)
    spec = validate(source.data)
    if isinstance(spec, Spec):
        graph, faults = infer(spec.name, spec.input, spec.layers, spec.output)
        faults = faults or check(spec, graph)
        if not faults:
            return Network(spec, graph, folder, source=source)
    else:
        faults = spec
        if isinstance(source.data, dict) and (start := leading_layers(source.data, faults)):
            faults = faults + infer("faulty", *start)[1]
    raise source.error(faults)
