"""Calls of blocks, and repeated layers, written out as the flat list of layers that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from netspec.language.expansion.blocks import (
    CALL_FIELDS,
    Block,
    Written,
    arguments,
    least_layers,
    unknown_call,
    written,
)
from netspec.language.expansion.values import Scope, Values, rebuilt, shown
from netspec.language.names import MAX_NAME, MAX_PATH, automatic, is_identifier
from netspec.language.spec import INPUT, MAX_LAYERS
from netspec.text.codes import Code
from netspec.text.diagnostics import one_of
from netspec.text.source import Data, Node, Note

MAX_CALLS = 3 * MAX_LAYERS  # of layers and blocks, also of those without a layer

Names = tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A layer or a call of a block, with its name and the number of its copies."""

    written: Written
    name: str
    times: int | None  # None where nothing is repeated: the name then has no number

    @property
    def place(self) -> Node:
        """The node that a message points at: the call's name, where it has one."""
        return self.written.field("name") or self.written.key


@dataclass
class Frame:
    """A list of layers that is being written out: what its names mean, and what comes in.

    `names` contains the full names of a local name. `calls` contains the call of each local name,
    also before it is written out. `empty` contains the calls without a layer.
    """

    scope: Scope
    reads: Names  # what the first layer reads
    inputs: dict[str, Names]
    prefix: str = ""
    block: Block | None = None
    names: dict[str, Names] = field(default_factory=dict[str, Names])
    calls: dict[str, Call] = field(default_factory=dict[str, Call])
    empty: set[str] = field(default_factory=set[str])


@dataclass
class Layer:
    """A layer of the flat list. Without `named`, its name is left to be counted."""

    item: Node
    tag: str
    name: str
    named: bool


class Calls:
    """Writes lists of layers out, within the limits of a spec."""

    def __init__(
        self, blocks: Mapping[str, Block], variables: dict[str, Node | None], values: Values
    ) -> None:
        self.blocks = blocks
        self.variables = variables
        self.values = values
        self.least = least_layers(blocks, variables)
        self.layers: list[Layer] = []
        self.last: Names = ()  # what a layer without `inputs` reads
        self.calls = 0

    def expand(self, items: Node, frame: Frame) -> None:
        """Write out the list of layers of the spec itself."""
        self.last = frame.reads
        self._list(items, frame)

    def _list(self, items: Node, frame: Frame) -> Names:
        """Write out a list of layers; the names of what its last layer is."""
        previous = frame.reads
        for call in self._called(items, frame):
            previous = self._call(call, frame, previous)
        return previous

    def _called(self, items: Node, frame: Frame) -> list[Call]:
        """The layers and calls of a list with their names. Faulty calls are left out."""
        calls: list[tuple[Written, str | None, int | None]] = []
        for item in items.members.values():
            call = written(item)
            if call is None:  # validation explains what a layer looks like
                self._emit(self.values.substitute(item, frame.scope), "", "", item, frame.scope)
                continue
            if unknown_call(call, self.blocks, self.values, frame.scope):
                continue
            before = self.values.failures
            times, name = self._repeat(call, frame), self._name(call, frame)
            if self.values.failures == before:
                calls.append((call, name, times))
            elif name is not None:
                frame.names[name] = ()  # what reads it is not at fault
        return self._named(calls, frame)

    def _repeat(self, call: Written, frame: Frame) -> int | None:
        """How many copies the call requests, or None without `repeat`."""
        node = call.field("repeat")
        times = None if node is None else self._times(node, frame)
        copies = 1 if times is None else times
        self.calls += max(1, copies)
        least = self.least.get(call.tag, 1)
        if len(self.layers) + copies * least > MAX_LAYERS:
            message = f"with this the spec has more than {MAX_LAYERS:,} layers, the limit"
        elif self.calls > MAX_CALLS:
            message = f"with this the spec has more than {MAX_CALLS:,} calls, the limit"
        else:
            return times
        help = "repeat less; blocks that repeat blocks multiply"
        self._fault(node or call.key, Code.LIMIT, message, help, frame)
        raise self.values.stop()

    def _times(self, node: Node, frame: Frame) -> int | None:
        """The number of copies that `repeat` requests, or None where it is at fault."""
        before = self.values.failures
        times = self.values.substitute(node, frame.scope).data
        if self.values.failures > before:
            return None
        if not isinstance(times, int):
            message = f"repeat must be a whole number, not {shown(times)}"
            self._fault(node, Code.TYPE, message, "for example `repeat: 3`", frame)
            return None
        if times < 0:
            message = f"repeat must be at least 0, not {times}"
            self._fault(node, Code.VALUE, message, "0 leaves it out", frame)
            return None
        return int(times)

    def _name(self, call: Written, frame: Frame) -> str | None:
        """The name that is written in the call."""
        node = call.field("name")
        if node is None or node.data is None:
            return None
        name = self.values.substitute(node, frame.scope).data
        plain = call.tag not in self.blocks and call.field("repeat") is None
        if frame.block is None and plain:  # validation knows what it may be
            return name if isinstance(name, str) else None
        if not isinstance(name, str) or not is_identifier(name):
            rule = "a letter, then letters, digits and underscores"
            message = f"name must be {rule}, not {shown(name)}"
            self._fault(node, Code.VALUE, message, f"it has at most {MAX_NAME} characters", frame)
        elif name in frame.inputs:
            of = "block" if frame.block else "network"
            message = f"{name!r} is the name of the {of}'s input"
            self._fault(
                node, Code.DUPLICATE_NAME, message, "choose another name for the layer", frame
            )
        else:
            return name
        return None

    def _named(
        self, calls: list[tuple[Written, str | None, int | None]], frame: Frame
    ) -> list[Call]:
        """The calls with written or automatic names; the frame knows all of them."""
        used_names = {INPUT, *frame.inputs}
        for _, name, times in calls:
            if name is not None:
                used_names.update((name, *(f"{name}_{index}" for index in range(times or 0))))
        counts: dict[str, int] = {}
        named_calls: list[Call] = []
        for call, written_name, times in calls:
            name = written_name or automatic(call.tag, used_names, counts)
            named_calls.append(Call(call, name, times))
            copies = [f"{name}_{index}" for index in range(times or 0)]
            used_names.update(copies)
            for alias in (name, *copies):
                self._define(alias, named_calls[-1], frame)
        return named_calls

    def _define(self, name: str, call: Call, frame: Frame) -> None:
        first = frame.calls.setdefault(name, call)
        if first is not call:
            message = f"two layers are named {name!r}"
            help = "names are unique; the name of a copy ends in its index"
            note, related = frame.scope.note, ("the first is here", first.place)
            self.values.fault(call.place, Code.DUPLICATE_NAME, message, help, note, related)

    def _call(self, call: Call, frame: Frame, previous: Names) -> Names:
        """Write out the copies of a call, each after the previous one."""
        before, start = self.values.failures, len(self.layers)
        inputs = None if call.times == 0 else self._inputs(call.written, frame)
        reads = previous if inputs is None else tuple(str(node.data) for node in inputs)
        for index in range(1 if call.times is None else call.times):
            name = call.name if call.times is None else f"{call.name}_{index}"
            scope = frame.scope if call.times is None else frame.scope.copy(index)
            if call.written.tag in self.blocks:
                self._block(call, name, reads, frame, scope)
            else:
                self._layer(call, name, reads, inputs, frame, scope)
            if len(self.layers) > start:
                inputs, reads = None, (self.layers[-1].name,)
                frame.names[name] = frame.names[call.name] = reads
        if self.values.failures > before:
            frame.names[call.name] = ()
        elif len(self.layers) == start:
            frame.empty.add(call.name)
        return previous if len(self.layers) == start else reads

    def _block(self, call: Call, name: str, reads: Names, frame: Frame, caller: Scope) -> None:
        """Write out one copy of a call of a block."""
        block, key = self.blocks[call.written.tag], call.written.key
        self.values.add(call.written.item.size + len(block.parameters), key, caller.note)
        parameters = arguments(call.written, block, self.values, caller)
        if parameters is None:
            return
        index = 0 if call.times is None else caller.index
        copy = "" if call.times is None else f" with $index {index}"
        note = Note(f"in {block.name}, called here{copy}", key, frame.scope.note)
        scope = Scope(self.variables, parameters, index, (), note)
        inputs = {INPUT: reads} if len(reads) == 1 else {}
        if len(reads) > 1:
            inputs = {f"{INPUT}_{number}": (read_name,) for number, read_name in enumerate(reads)}
        inner = Frame(scope, reads, inputs, f"{frame.prefix}{name}/", block, dict(inputs))
        self._list(block.layers, inner)

    def _layer(
        self,
        call: Call,
        name: str,
        reads: Names,
        inputs: tuple[Node, ...] | None,
        frame: Frame,
        scope: Scope,
    ) -> None:
        """Write out one copy of a layer."""
        layer, note = call.written, scope.note
        if repeat := layer.field("repeat"):
            note = Note(f"$index is {scope.index} here", repeat, note)
            scope = replace(scope, note=note)
        if layer.fields is not None and not isinstance(layer.fields.data, dict):
            item = self.values.substitute(layer.item, scope)  # validation explains what fields are
            self._emit(replace(item, note=note), layer.tag, "", layer.key, scope)
            return
        fields = self._fields(layer, scope)
        name_node, full = layer.field("name"), f"{frame.prefix}{name}"
        if frame.block or repeat:
            fields["name"] = _at(name_node or layer.key, full)
            self._check_length(full, fields["name"], scope)
        elif (
            name_node is not None and name_node.data is not None
        ):  # validation knows what it may be
            fields["name"] = self.values.substitute(name_node, scope)
        if inputs is None and reads != self.last:
            inputs = tuple(
                _at(layer.field("inputs") or layer.key, read_name) for read_name in reads
            )
        if inputs:
            fields["inputs"] = inputs[0] if len(inputs) == 1 else _listed(inputs)
        item = _item(layer, fields, note)
        self._emit(item, layer.tag, full, layer.key, scope, named="name" in fields)

    def _check_length(self, full: str, node: Node, scope: Scope) -> None:
        if len(full) > MAX_PATH:
            message = f"with the calls around it this name has {len(full):,} characters"
            help = f"choose shorter names for the calls; {MAX_PATH} is the limit"
            self.values.fault(node, Code.LIMIT, message, help, scope.note)

    def _fields(self, layer: Written, scope: Scope) -> dict[str | int, Node]:
        """The fields of a layer, but those that every call has."""
        return {
            name: self.values.substitute(node, scope)
            for name, node in (layer.fields.members.items() if layer.fields else ())
            if name not in CALL_FIELDS
        }

    def _fault(self, node: Node, code: Code, message: str, help: str, frame: Frame) -> None:
        self.values.fault(node, code, message, help, frame.scope.note)

    def _emit(
        self, item: Node, tag: str, name: str, place: Node, scope: Scope, *, named: bool = True
    ) -> None:
        self.values.add(item.size, place, scope.note)
        self.layers.append(Layer(item, tag, name, named))
        self.last = (name,)

    def _inputs(self, call: Written, frame: Frame) -> tuple[Node, ...] | None:
        """The inputs that are written in the call, by full names; None without `inputs`."""
        node = call.field("inputs")
        if node is None or node.data is None:
            return None
        before = self.values.failures
        names = _names(self.values.substitute(node, frame.scope))
        if not names:
            message = "inputs must be a name or a list of names"
            self._fault(node, Code.TYPE, message, "for example `inputs: [first, second]`", frame)
        if self.values.failures > before:
            return None
        return tuple(full_name for name in names for full_name in self._meant(name, frame))

    def resolved(self, output: Node, frame: Frame) -> Node:
        """The outputs of the network by full names; validation knows what else they may be."""
        names = tuple(
            full_name for name in _names(output) for full_name in self._meant(name, frame)
        )
        if not names:
            return output
        return _listed(names) if isinstance(output.data, list) else names[0]

    def _meant(self, node: Node, frame: Frame) -> list[Node]:
        """The layer that a name means, by its full name. An unknown one of the spec is kept."""
        name = str(node.data)
        if name in frame.names:
            return [replace(node, data=full) for full in frame.names[name]]
        call = frame.calls.get(name)
        if call is not None and (frame.block or call.times is not None or self._is_block(call)):
            self._not_before(node, call, frame)
        elif frame.block:
            self._unknown(node, name, frame)
        else:
            return [node]
        return []

    def _is_block(self, call: Call) -> bool:
        return call.written.tag in self.blocks

    def _not_before(self, node: Node, call: Call, frame: Frame) -> None:
        related = ("it is here", call.place)
        if call.name in frame.empty:
            message = f"{call.name} is left out, so that nothing can read it"
            help = "its `repeat` is 0 here; without `inputs` a layer reads the one before"
        else:
            message = f"{call.name} comes after the layer that reads it"
            help = "move it before this layer; a layer reads only earlier layers"
        self.values.fault(node, Code.INPUTS, message, help, frame.scope.note, related)

    def _unknown(self, node: Node, name: str, frame: Frame) -> None:
        """Report that a block has nothing of this name."""
        assert frame.block is not None
        message = f"there is no layer named {name!r} in the block {frame.block.name}"
        meant = self.values.near(name, chain(frame.inputs, frame.calls))
        if name == INPUT and frame.inputs:
            message = f"the block {frame.block.name} has {len(frame.inputs)} inputs here"
            help = f"they are {one_of(list(frame.inputs), 'and')}"
        elif meant:
            help = f"did you mean `{meant}`?"
        else:
            known = one_of(list(frame.inputs) or ["no input"], "and")
            help = f"inside a block only its layers are known, and {known}"
        self._fault(node, Code.INPUTS, message, help, frame)

    def finish(self, inputs: Names) -> list[Node]:
        """The items of the flat list.

        An automatic name is written down where the flat list would count it differently than the
        list of the spec.
        """
        used_names = {INPUT, *inputs, *(layer.name for layer in self.layers if layer.named)}
        counts: dict[str, int] = {}
        differing = {
            layer.tag
            for layer in self.layers
            if not layer.named and automatic(layer.tag, used_names, counts) != layer.name
        }
        return [
            _with_name(layer) if layer.tag in differing and not layer.named else layer.item
            for layer in self.layers
        ]


def _at(node: Node, data: str) -> Node:
    """A text at the place of another value."""
    return Node(node.text, node.start, node.end, data)


def _names(node: Node) -> tuple[Node, ...]:
    """A name or a list of names as its names, or nothing where it is something else."""
    names = tuple(node.members.values()) if isinstance(node.data, list) else (node,)
    return names if all(isinstance(name.data, str) for name in names) else ()


def _listed(names: tuple[Node, ...]) -> Node:
    first = names[0]
    data: Data = [name.data for name in names]
    size = 1 + len(names)
    return Node(first.text, first.start, first.end, data, {}, dict(enumerate(names)), size)


def _item(layer: Written, fields: dict[str | int, Node], note: Note | None) -> Node:
    """The layer with these fields."""
    if not layer.item.members and not fields:
        return layer.item
    item = layer.item if layer.item.members else rebuilt(layer.item, {}, {})
    keys = layer.fields.keys if layer.fields else {}
    place = layer.fields or layer.key
    inner = rebuilt(place, fields, {str(name): keys.get(str(name), layer.key) for name in fields})
    return rebuilt(item, {layer.tag: inner}, {layer.tag: layer.key}, note)


def _with_name(layer: Layer) -> Node:
    """The item with its name written down."""
    call = written(layer.item)
    assert call is not None
    fields = dict(call.fields.members) if call.fields else {}
    return _item(call, {**fields, "name": _at(call.key, layer.name)}, layer.item.note)
