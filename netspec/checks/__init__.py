"""Rules across the graph, the data and the training of a spec."""

from __future__ import annotations

from netspec.checks.data import array_faults, image_faults, name_faults
from netspec.checks.ends import ends
from netspec.checks.indices import index_faults
from netspec.checks.training import training_faults, unflattened, weightless_faults
from netspec.graph.inference import unread
from netspec.graph.nodes import Graph
from netspec.language.spec import Spec
from netspec.text.codes import Code
from netspec.text.source import Fault


def check(spec: Spec, graph: Graph) -> list[Fault]:
    """The faults between the layers, the data and the training of a spec."""
    if faults := unread(graph) or index_faults(graph):
        return faults
    faults: list[Fault] = []
    if spec.data:
        faults += image_faults(spec.data, graph) + name_faults(spec.data)
        faults += array_faults(spec.data, graph)
    if spec.train is None:
        return faults
    faults_of_training = training_faults(spec, ends(graph))
    flat = [
        fault
        for fault in faults_of_training
        if fault.code == Code.OUTPUT and fault.location[0] == "layers"
    ]
    return (
        faults
        + weightless_faults(graph)
        + ((unflattened(graph) if flat else []) or faults_of_training)
    )
