"""A spec with its graph: read, validated, inferred, and held against its data and training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from netspec import objective
from netspec.diagnostics import BackendError, NetspecError
from netspec.expansion import expand
from netspec.graph.indices import index_faults, index_inputs
from netspec.graph.inference import infer, unread
from netspec.graph.nodes import Graph
from netspec.layers import Dense, Flatten, written
from netspec.layers.activations import ActivationName
from netspec.layers.pooling import GlobalPooling
from netspec.objective import Objective
from netspec.override import Override, apply
from netspec.source import Fault, Source, parse, read, uncollected
from netspec.spec import DataSpec, Npz, Spec
from netspec.validation import foreign_fault, leading_layers, validate


@dataclass(frozen=True)
class Network:
    """A spec without faults, with its graph and the folder that its paths are seen from.

    `passes` names the optimizations that it is compiled with; None is all of them. `source` is the
    text that the spec was read from, by which later errors have a place.
    """

    spec: Spec
    graph: Graph
    folder: Path
    passes: frozenset[str] | None = None
    source: Source | None = field(default=None, compare=False, repr=False)

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """What training asks of every output; nothing where the spec does not say how to train."""
        return objective.objectives(self.spec, self.graph.ends) if self.spec.train else ()

    @cached_property
    def scales(self) -> dict[str, float]:
        """What the data of every input are divided by, by its name; indices are never divided."""
        scale = self.spec.data.scale if self.spec.data else 1.0
        indices = index_inputs(self.graph)
        return {each.name: 1.0 if each.name in indices else scale for each in self.graph.inputs}

    @property
    def rounds_to_tf32(self) -> bool:
        """Whether training may round the factors of products to TF32 on NVIDIA GPUs."""
        return self.spec.train is not None and self.spec.train.precision == "tf32"

    @cached_property
    def taken_off(self) -> tuple[ActivationName | None, ...]:
        """The activation of every output that a loss on logits is computed before.

        Without training it is the softmax or sigmoid that an output ends in.
        """
        if self.spec.train:
            return tuple(each.taken_off for each in self.objectives)
        if not any(self.graph.weights()):
            return (None,) * len(self.graph.outputs)
        return tuple(
            end.activation if end.activation in ("softmax", "sigmoid") and not end.read else None
            for end in self.graph.ends
        )

    def layer_error(self, name: str, message: str, help: str) -> NetspecError:
        """The error that a backend cannot compute a layer, at the layer's place in the spec."""
        if self.source is None:
            return BackendError(f"{name}: {message}", help)
        names = [node.name for node in self.graph.nodes]
        index = names.index(name)
        location = ("layers", index, self.graph.nodes[index].layer.tag)
        return self.source.error([Fault(location, "device", message, help, key=True)])


def load(path: str | Path, overrides: Sequence[Override] = ()) -> Network:
    """Read, validate and infer the spec in a file, some of its values set from outside.

    Raises SpecError with every fault that could be found.
    """
    return build(overridden(path, overrides), Path(path).parent)


def overridden(path: str | Path, overrides: Sequence[Override]) -> Source:
    """The spec in a file, some of its values set from outside. Raises SpecError."""
    source = read(Path(path))
    for override in overrides:
        source = apply(source, override)
    return source


def loads(text: str, folder: Path = Path()) -> Network:
    """Read, validate and infer a spec from its text; see `load`."""
    return build(parse(text), folder)


@uncollected()
def build(source: Source, folder: Path) -> Network:
    """The network that a source describes. Raises SpecError with every fault that can be found."""
    if fault := foreign_fault(source.data):
        raise source.error([fault])
    source = expand(source)
    spec = validate(source.data)
    if isinstance(spec, Spec):
        graph, faults = infer(spec.name, spec.input, spec.layers, spec.output)
        faults = faults or unread(graph) or index_faults(graph)
        if not faults:
            faults = _training_faults(spec, graph)
        if not faults:
            return Network(spec, graph, folder, source=source)
    else:
        faults = spec
        if isinstance(source.data, dict) and (start := leading_layers(source.data, faults)):
            faults = faults + infer("faulty", *start)[1]
    raise source.error(faults)


def _training_faults(spec: Spec, graph: Graph) -> list[Fault]:
    """What does not fit between the layers, the data and the loss."""
    faults = _image_faults(spec.data, graph) + _name_faults(spec.data) if spec.data else []
    if spec.train:
        faults += _weightless_faults(graph)
        found = objective.faults(spec, graph.ends)
        flat = [
            fault for fault in found if fault.code == "output" and fault.location[0] == "layers"
        ]
        faults += (_unflattened(graph) if flat else []) or found
    return faults


def _image_faults(data: DataSpec, graph: Graph) -> list[Fault]:
    if len(graph.inputs) > 1 and not isinstance(data, Npz):
        message = f"{graph.name} has {len(graph.inputs)} inputs, and {data.dataset} has one"
        return [Fault(("data",), "data", message, "put the arrays into an npz file")]
    if len(graph.outputs) > 1 and not isinstance(data, Npz):
        message = f"{graph.name} has {len(graph.outputs)} outputs, and {data.dataset} has one label"
        return [Fault(("data",), "data", message, "put the arrays into an npz file")]
    if data.target == "input" and [graph.input_shape] != [
        node.shape for node in graph.output_nodes
    ]:
        gives = ", ".join(written(node.shape) for node in graph.output_nodes)
        message = f"the target is the input {written(graph.input_shape)}, and the output is {gives}"
        help = "an autoencoder gives one output of its input's shape"
        return [Fault(("data", "target"), "data", message, help)]
    if data.image_shape is None or data.image_shape == graph.input_shape:
        return []
    message = (
        f"the images of {data.dataset} are {written(data.image_shape)}, and the input is "
        f"{written(graph.input_shape)}"
    )
    return [Fault(("input",), "data", message, f"write `input: {list(data.image_shape)}`")]


def _name_faults(data: DataSpec) -> list[Fault]:
    if data.class_names is None:
        return []
    names, at = len(data.class_names), ("data", "class_names")
    if data.classes not in (None, names):
        message = f"{data.dataset} has {data.classes} classes, and class_names has {names} names"
        help = "one name for every class, in the order of their labels"
        return [Fault(at, "classes", message, help)]
    repeated = [name for name, count in Counter(data.class_names).items() if count > 1]
    if repeated:
        message = f"two classes have the name {repeated[0]!r}"
        return [Fault(at, "classes", message, "give every class another name")]
    return []


def _weightless_faults(graph: Graph) -> list[Fault]:
    if any(weight.trainable for _, weight in graph.weights()):
        return []
    message = f"{graph.name} has no weights to train"
    return [Fault(("layers",), "weights", message, "add a Dense or a Conv2D", key=True)]


def _unflattened(graph: Graph) -> list[Fault]:
    """A Dense that gets an image, where nothing before it flattens."""
    for index, node in enumerate(graph.nodes):
        if isinstance(node.layer, Flatten | GlobalPooling):
            break
        if isinstance(node.layer, Dense) and len(node.input_shape) == 3:
            message = (
                f"{node.name} gets the image {written(node.input_shape)}, of which Dense takes "
                f"each cell by itself"
            )
            help = "put `- Flatten` before this layer"
            return [Fault(("layers", index, "Dense"), "flatten", message, help, key=True)]
    return []
