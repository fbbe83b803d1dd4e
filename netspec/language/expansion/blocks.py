"""The blocks of a spec: layers under one name, with parameters, called like a layer."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from netspec.language.expansion.expression import ExpressionFault, evaluate
from netspec.language.expansion.values import (
    INDEX,
    Reference,
    Scope,
    Values,
    fits,
    kind,
    parts,
    shown,
)
from netspec.language.expansion.variables import bound, is_name
from netspec.language.layers import LAYERS
from netspec.language.names import is_identifier, snake_case
from netspec.language.spec import MAX_LAYERS
from netspec.text.codes import Code
from netspec.text.diagnostics import one_of
from netspec.text.source import Data, Node, Note

MAX_NESTING = 32  # of calls within calls
MAX_SHOWN = 8  # names in a message
CALL_FIELDS = ("name", "inputs", "repeat")

_STEMS = {snake_case(tag): tag for tag in LAYERS}


@dataclass(frozen=True)
class Block:
    """Layers under a name. A parameter without a default is None."""

    name: str
    key: Node
    parameters: dict[str, Node | None]
    layers: Node


@dataclass(frozen=True)
class Written:
    """A call or a layer as a list of layers holds it; `fields` is None where there are none."""

    item: Node
    tag: str
    key: Node
    fields: Node | None

    def field(self, name: str) -> Node | None:
        """The node of a field, where it is written."""
        return self.fields.members.get(name) if self.fields else None


def written(item: Node) -> Written | None:
    """The item of a list of layers, or None where it has not the form of one."""
    if isinstance(item.data, str):
        return Written(item, item.data, item, None)
    if isinstance(item.data, dict) and len(item.data) == 1:
        ((tag, fields),) = item.members.items()
        return Written(item, str(tag), item.keys[str(tag)], None if fields.data is None else fields)
    return None


def read_blocks(root: Node, values: Values, variables: dict[str, Node | None]) -> dict[str, Block]:
    """The blocks by name, without those that are at fault."""
    section = root.members.get("blocks")
    if section is None or section.data is None:
        return {}
    if not isinstance(section.data, dict):
        message = f"blocks must be a mapping, not {shown(section.data)}"
        values.fault(section, Code.TYPE, message, f"write each as `name: {_FORM}`")
        return {}
    blocks: dict[str, Block] = {}
    for name, node in section.members.items():
        if block := _block(section.keys[str(name)], node, values, Scope(variables)):
            blocks[str(name)] = block
    return blocks


_FORM = "{parameters: {…}, layers: […]}"


def _block(key: Node, node: Node, values: Values, scope: Scope) -> Block | None:
    name = str(key.data)
    if not is_identifier(name):
        message = f"{name!r} cannot be the name of a block"
        values.fault(key, Code.NAME, message, "a letter, then letters, digits and underscores")
        return None
    if layer := _STEMS.get(snake_case(name)):
        message = f"a block cannot be named {name!r}, for there is the layer {layer}"
        values.fault(key, Code.NAME, message, "choose another name for the block")
        return None
    if not isinstance(node.data, dict):
        message = f"the block {name} must be a mapping, not {shown(node.data)}"
        values.fault(node if node.data else key, Code.TYPE, message, f"write `{name}: {_FORM}`")
        return None
    for field in node.keys.values():
        if field.data not in ("parameters", "layers"):
            meant = values.near(str(field.data), ["parameters", "layers"])
            help = f"did you mean `{meant}`?" if meant else "it has parameters and layers"
            message = f"a block has no field {field.data!r}"
            values.fault(field, Code.UNKNOWN_FIELD, message, help)
    parameters = _parameters(node.members.get("parameters"), values, scope)
    layers = node.members.get("layers")
    if layers is None or not isinstance(layers.data, list) or not layers.data:
        message = f"the block {name} needs layers, a list of at least one"
        place = key if layers is None or not layers.members else layers
        values.fault(
            place, Code.MISSING_FIELD, message, "write one layer a line, each after a dash"
        )
        return None
    known = ChainMap(parameters, {INDEX: None}, scope.variables)
    for item in layers.members.values():
        if item.members:  # the name of a layer is never a reference
            values.check(item, known)
    return Block(name, key, parameters, layers)


def _parameters(node: Node | None, values: Values, scope: Scope) -> dict[str, Node | None]:
    if node is None or node.data is None:
        return {}
    if not isinstance(node.data, dict):
        message = f"parameters must be a mapping, not {shown(node.data)}"
        help = "write each as `name: default`, or `name:` where a call must set it"
        values.fault(node, Code.TYPE, message, help)
        return {}
    parameters: dict[str, Node | None] = {}
    for name, default in node.members.items():
        key = node.keys[str(name)]
        if key.data in CALL_FIELDS:
            message = f"every call has a field {key.data!r}"
            values.fault(key, Code.NAME, message, "choose another name for the parameter")
        elif is_name(key, "parameter", values):
            required = default.data is None
            what = f"the default of {name}"
            parameters[str(name)] = None if required else bound(default, scope, values, what)
    return parameters


def check_nesting(blocks: Mapping[str, Block], values: Values) -> None:
    """Whether a block calls itself, or the calls are nested too deep. Raises SpecError."""
    heights: dict[str, int] = {}
    for name in blocks:
        _height(name, [], blocks, heights, values)


def _height(
    name: str,
    path: list[str],
    blocks: Mapping[str, Block],
    heights: dict[str, int],
    values: Values,
) -> int:
    """How many calls are nested in a block, itself counted."""
    if name in heights:
        return heights[name]
    path.append(name)
    height = 1
    for call in _calls(blocks[name], blocks):
        if call.tag in path:
            _cycle(call, path, values)
            raise values.stop()
        inner = 1
        if len(path) <= MAX_NESTING:
            inner = _height(call.tag, path, blocks, heights, values)
        height = max(height, 1 + inner)
        if len(path) + inner > MAX_NESTING:
            message = f"blocks are nested more than {MAX_NESTING} deep"
            values.fault(call.key, Code.LIMIT, message, "let a block call fewer others")
            raise values.stop()
    path.pop()
    heights[name] = height
    return height


def _cycle(call: Written, path: list[str], values: Values) -> None:
    circle = [*path[path.index(call.tag) :], call.tag]
    message = f"the block {call.tag} calls itself"
    if len(circle) > 2:
        message += f": {' → '.join(circle)}"
    values.fault(call.key, Code.BLOCK, message, "use `repeat: N` for several copies in a chain")


def _calls(block: Block, blocks: Mapping[str, Block]) -> Iterator[Written]:
    for item in block.layers.members.values():
        call = written(item)
        if call is not None and call.tag in blocks:
            yield call


def check_uncalled(layers: Node | None, blocks: Mapping[str, Block], values: Values) -> None:
    """Check the layers of blocks that nothing calls; validation checks the others."""
    open_ = [layers] if layers is not None else []
    called: set[str] = set()
    while open_:
        for item in open_.pop().members.values():
            call = written(item)
            if call is not None and call.tag in blocks and call.tag not in called:
                called.add(call.tag)
                open_.append(blocks[call.tag].layers)
    for block in blocks.values():
        for item in block.layers.members.values() if block.name not in called else ():
            call = written(item)
            if call is None:
                message = "a layer is a mapping with one key, its type"
                help = "write `- Dense: {units: 10}` or `- Flatten`"
                values.fault(item, Code.TYPE, message, help)
            elif call.tag not in LAYERS and call.tag not in blocks:
                _no_layer(call, values.near(call.tag, chain(LAYERS, blocks)), values)


def _no_layer(call: Written, meant: str | None, values: Values, note: Note | None = None) -> None:
    help = f"did you mean `{meant}`?" if meant else "`netspec layers` lists the vocabulary"
    values.fault(call.key, Code.UNKNOWN_NAME, f"there is no layer named {call.tag!r}", help, note)


def least_layers(blocks: Mapping[str, Block], variables: dict[str, Node | None]) -> dict[str, int]:
    """The minimum number of layers of a call of each block, counted up to the limit.

    What is repeated by a parameter or an index counts as nothing; the rest is known in advance.
    """
    counts: dict[str, int] = {}

    def least(name: str) -> int:
        if name not in counts:
            block, total = blocks[name], 0
            for item in block.layers.members.values():
                call = written(item)
                times = 1 if call is None else _times(call, block, variables)
                nested = call is not None and call.tag in blocks
                total += times and times * (least(call.tag) if call and nested else 1)
            counts[name] = min(total, MAX_LAYERS + 1)
        return counts[name]

    for name in blocks:
        least(name)
    return counts


def _times(call: Written, block: Block, variables: dict[str, Node | None]) -> int:
    repeat = call.field("repeat")
    if repeat is None:
        return 1
    times = _known(repeat.data, block, variables)
    return max(0, times) if isinstance(times, int) else 0


def _known(data: Data, block: Block, variables: dict[str, Node | None]) -> Data:
    """The value of a scalar that depends only on variables, else None."""
    if not isinstance(data, str):
        return data
    scope = Scope(variables, parameters=dict.fromkeys(block.parameters))
    try:
        pieces = parts(data)
        if len(pieces) == 1 and isinstance(pieces[0], Reference):
            return evaluate(pieces[0].expression, lambda name: _value(scope.find(name)))
    except ExpressionFault:  # reported where the value is needed
        return None
    return None


def _value(value: Node | int | None) -> Data:
    return value.data if isinstance(value, Node) else value


def unknown_call(call: Written, blocks: Mapping[str, Block], values: Values, scope: Scope) -> bool:
    """Whether nothing has the name of the call, and a block has nearly that name."""
    if call.tag in LAYERS or call.tag in blocks or not blocks:
        return False
    meant = values.near(call.tag, chain(LAYERS, blocks))
    if meant not in blocks:
        return False
    _no_layer(call, meant, values, scope.note)
    return True


def arguments(
    call: Written, block: Block, values: Values, caller: Scope
) -> dict[str, Node | None] | None:
    """The values of the block's parameters in a call, or None after a fault."""
    before = values.failures
    if call.fields is not None and not isinstance(call.fields.data, dict):
        message = f"the fields of {block.name} must be a mapping, not {shown(call.fields.data)}"
        values.fault(call.fields, Code.TYPE, message, f"write `{_example(block)}`", caller.note)
        return None
    bindings: dict[str, Node | None] = dict(block.parameters)
    for name, node in call.fields.members.items() if call.fields else ():
        if name in CALL_FIELDS:
            continue
        if name not in bindings:
            assert call.fields is not None
            _unknown_parameter(call.fields.keys[str(name)], block, values, caller)
            continue
        default = block.parameters[str(name)]
        bindings[str(name)] = value = bound(node, caller, values, str(name))
        if value is not None and default is not None and not fits(value.data, default.data):
            message = f"{name} must be {kind(default.data)}, not {shown(value.data)}"
            help = "a parameter has the type of its default"
            related = ("the default", default)
            values.fault(node, Code.TYPE, message, help, caller.note, related)
    fields = call.fields.members if call.fields else {}
    missing = [name for name, value in bindings.items() if value is None and name not in fields]
    if missing and values.failures == before:
        message = f"{block.name} needs {_some(missing)}"
        help, related = f"write `{_example(block)}`", ("the block", block.key)
        values.fault(call.key, Code.MISSING_FIELD, message, help, caller.note, related)
    return bindings if values.failures == before else None


def _unknown_parameter(key: Node, block: Block, values: Values, caller: Scope) -> None:
    known = [*CALL_FIELDS, *block.parameters]
    meant = values.near(str(key.data), known)
    help = f"did you mean `{meant}`?" if meant else f"it has {_some(known)}"
    message = f"{block.name} has no parameter {key.data!r}"
    values.fault(key, Code.UNKNOWN_FIELD, message, help, caller.note, ("the block", block.key))


def _some(names: list[str]) -> str:
    """The first of some names."""
    return one_of([*names[:MAX_SHOWN], "more"] if len(names) > MAX_SHOWN else names, "and")


def _example(block: Block) -> str:
    names = [name for name, default in block.parameters.items() if default is None]
    required = ", ".join(f"{name}: …" for name in names[:MAX_SHOWN])
    return f"- {block.name}: {{{required}}}" if required else f"- {block.name}"
