"""YAML text to plain data, with the place of every key and value.

The language is the YAML 1.2 core schema without tags. PyYAML's parser supplies the events; the
composer here builds the data from them, so that depth, aliases and size are bounded while the text
is read, and nothing in a file can name a Python object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from netspec.text import foreign
from netspec.text.codes import Code
from netspec.text.diagnostics import Diagnostic, NetspecError, Place, SpecError
from netspec.text.files import open_regular
from netspec.text.lookalikes import find_lookalike

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_KEYS = 10_000  # of one mapping
MAX_VALUES = 250_000  # counted with every alias written out
MAX_DIGITS = 40

MERGE = "<<"
"""The key whose value is merged into its mapping (https://yaml.org/type/merge.html)."""

Scalar: TypeAlias = str | int | float | bool | None
Data: TypeAlias = "Scalar | list[Data] | dict[str, Data]"
Location: TypeAlias = tuple[str | int, ...]

Event: TypeAlias = Any  # PyYAML's events are untyped

# PyYAML's C parser is ten times as fast; a build without libyaml has only the Python one.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: one of two classes

_NUMBER = (
    r"(?P<int>[-+]?[0-9]+)|(?P<radix>0o[0-7]+|0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
_NUMBERS = re.compile(_NUMBER)
_FORMS = re.compile(
    rf"{_NUMBER}|(?P<null>~|null|Null|NULL|)|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)"
    r"|(?P<infinite>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)

# What libyaml does not read: control characters, surrogates, and byte order marks in the text.
_FORBIDDEN_ASCII = r"[^\t\n\r\x20-\x7e]"
_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


@dataclass(frozen=True)
class Text:
    """The lines of a file, or of a value on the command line."""

    file: str
    lines: tuple[str, ...]

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """The place at a line and a column that count from 0."""
        line = min(line, max(0, len(self.lines) - 1))
        text = self.lines[line] if self.lines else ""
        return Place(self.file, line + 1, column + 1, text, length)


@dataclass(slots=True)
class Node:
    """A value of the text: its data, its place, and the nodes of its keys and members.

    `note` is how a value came to a place where it was not written; `former` is the value that one
    from outside has replaced.
    """

    text: Text
    start: tuple[int, int]
    end: tuple[int, int]
    data: Data
    keys: dict[str, Node] = field(default_factory=dict[str, "Node"])
    members: dict[str | int, Node] = field(default_factory=dict[str | int, "Node"])
    size: int = 1
    note: Note | None = None
    former: Node | None = None

    @property
    def place(self) -> Place:
        line, column = self.start
        length = self.end[1] - column if self.end[0] == line else 1
        if self.members:  # a mapping or a list is pointed at by its beginning
            length = 1
        return self.text.place(line, column, length)


@dataclass(frozen=True, slots=True)
class Note:
    """A place that a value came through on its way, and the note of that place."""

    label: str
    node: Node
    outer: Note | None = None

    @property
    def places(self) -> tuple[tuple[str, Place], ...]:
        """The places from here outwards."""
        places: list[tuple[str, Place]] = []
        note: Note | None = self
        while note is not None:
            places.append((note.label, note.node.place))
            note = note.outer
        return tuple(places)


@dataclass(frozen=True)
class Fault:
    """What is wrong with the value at a location, or with its key."""

    location: Location
    code: Code
    message: str
    help: str | None = None
    key: bool = False
    related: tuple[str, Location] | None = None


@dataclass(frozen=True)
class Source:
    """A spec as plain data that knows the place of each of its values."""

    root: Node

    @property
    def data(self) -> Data:
        return self.root.data

    def place(self, location: Location, *, key: bool = False) -> Place:
        """The place of the value at a location, or of its key.

        A step that the text does not have is passed over, so the place of a missing field is the
        mapping that lacks it.
        """
        node, key_node = self.root, None
        for step in location:
            if step in node.members:
                key_node = node.keys.get(str(step))
                node = node.members[step]
            elif node.data == step:
                key_node = None  # a bare name is the key that it could be
        return key_node.place if key and key_node else node.place

    def trail(self, location: Location) -> tuple[tuple[str, Place], ...]:
        """Through which places the value at a location came to where it is, the nearest first."""
        node, notes = self.root, [self.root.note]
        for step in location:
            if step in node.members:
                node = node.members[step]
                notes.append(node.note)
        return tuple(place for note in reversed(notes) if note for place in note.places)

    def diagnostic(self, fault: Fault) -> Diagnostic:
        """The fault at its place in the text."""
        place = self.place(fault.location, key=fault.key)
        related = fault.related and (fault.related[0], self.place(fault.related[1]))
        trail = self.trail(fault.location)
        return Diagnostic(fault.code, fault.message, place, fault.help, related, trail)

    def error(self, faults: Iterable[Fault]) -> SpecError:
        """The faults at their places; a fault of many copies of a layer is reported for the first.

        Where characters look like others, the faults are due to them.
        """
        pairs = [(fault, self.diagnostic(fault)) for fault in faults]
        misleading = [
            _misleading(diagnostic.place)
            for fault, diagnostic in pairs
            if fault.location[:2] != ("train", "class_weights")  # whose names may be any text
        ]
        lookalikes = [diagnostic for diagnostic in misleading if diagnostic]
        return SpecError(distinct(lookalikes or [diagnostic for _, diagnostic in pairs]))


def read(path: Path) -> Source:
    """Read a spec file; see `parse`. Raises NetspecError where the file cannot be read."""
    try:
        with open_regular(path, pipes=True) as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        help = "`netspec new NAME` writes a spec to start from"
        raise NetspecError(f"there is no file {path}", help) from None
    except OSError as error:
        raise NetspecError(
            f"{path} cannot be read: {error.strerror}", "write the path of a file"
        ) from None
    return parse(content, str(path))


def parse(content: str | bytes, file: str = "<spec>") -> Source:
    """Read a spec from its text. Raises SpecError with the fault that keeps it from being read."""
    return Source(compose(_decode(content, file), file))


def _decode(content: str | bytes, file: str) -> str:
    if isinstance(content, bytes) and (about := foreign.of_bytes(content[: foreign.HEAD])):
        what, help = about
        raise _fault(Code.FORMAT, f"the file is {what}", Place(file, 1, 1, ""), help)
    if len(content) > MAX_BYTES:
        raise _fault(
            Code.SIZE,
            f"the file is larger than {MAX_BYTES:,} bytes, the limit of a spec",
            Place(file, 1, 1, ""),
            "a spec holds a network's description; keep data in a data set",
        )
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        read = error.object  # without the byte order mark
        text = Text(file, tuple(read.decode(errors="replace").splitlines()))
        place = _place_after(read[: error.start].decode(), text)
        message = f"byte 0x{read[error.start]:02x} is not UTF-8"
        raise _fault(Code.ENCODING, message, place, "save the file as UTF-8") from None


def _place_after(beginning: str, text: Text) -> Place:
    """The place of the character after the beginning of a text."""
    lines = (beginning + "|").splitlines()
    return text.place(len(lines) - 1, len(lines[-1]) - 1)


def _fault(
    code: Code,
    message: str,
    place: Place,
    help: str | None = None,
    related: tuple[str, Place] | None = None,
) -> SpecError:
    return single(Diagnostic(code, message, place, help, related))


def distinct(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, of which no two say the same of the same place."""
    by_place: dict[tuple[str, Place], Diagnostic] = {}
    for diagnostic in diagnostics:
        by_place.setdefault((diagnostic.message, diagnostic.place), diagnostic)
    return list(by_place.values())


def single(diagnostic: Diagnostic) -> SpecError:
    """A fault that keeps the rest of the spec from being looked at."""
    return SpecError([diagnostic])


def compose(content: str, file: str) -> Node:
    """The nodes of a YAML document. Raises SpecError."""
    text = Text(file, tuple(content.splitlines()))
    # The second pattern takes milliseconds to compile, which few specs need.
    if forbidden := re.search(_FORBIDDEN_ASCII if content.isascii() else _FORBIDDEN, content):
        message = f"the character U+{ord(forbidden[0]):04X} is not allowed in a spec"
        place = _place_after(content[: forbidden.start()], text)
        raise _fault(Code.YAML, message, place, "remove it, or write it as an escape in quotes")
    try:
        return _Composer(text, _events(content)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is None or mark.line >= len(text.lines):  # the end of the file explains nothing
            mark = error.context_mark or mark
        place = text.place(mark.line, mark.column) if mark else text.place(0, 0)
        if misleading := _misleading_line(text, place.line - 1):
            raise single(misleading) from None
        context = f" {error.context}" if error.context else ""
        raise _fault(Code.YAML, f"{error.problem}{context}", place, _syntax_help(place)) from None


def _misleading(place: Place) -> Diagnostic | None:
    """What is wrong with the characters of a place, where they look like others."""
    lookalike = find_lookalike(place.text, place.column - 1, place.column - 1 + place.length)
    if lookalike is None:
        return None
    exact_place = Place(place.file, place.line, lookalike.index + 1, place.text, lookalike.length)
    return Diagnostic(Code.CHARACTER, lookalike.message, exact_place, lookalike.help)


def _misleading_line(text: Text, line: int) -> Diagnostic | None:
    """The same of a line that is no YAML, or of one before it that reads as its beginning."""
    indices = [line, line - 1] if line and ":" not in text.lines[line - 1] else [line]
    places = (text.place(index, 0, len(text.lines[index])) for index in indices)
    return next(filter(None, map(_misleading, places)), None)


def _events(content: str) -> Iterator[Event]:
    return yaml.parse(content, Loader=_PARSER)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType] - see Event


def _syntax_help(place: Place) -> str | None:
    line = place.text
    if re.search(r"\\u[dD][89a-fA-F]", line):
        return 'write the character itself, or as in "\\U0001F600": YAML has no pairs of escapes'
    if "\t" in line:
        return "YAML is indented with spaces; this line holds a tab"
    if "${" in line:
        return "a reference is written without braces, as in `$width`, or `$(2 * width)`"
    if "%" in line or "@" in line or "`" in line:
        return "a text that begins with a special character needs quotes"
    if line[: place.column - 1].count(": ") and line[place.column - 1 :].startswith(": "):
        return "a text that contains a colon and a space needs quotes"
    return "look for a missing dash, a space after a colon, an open bracket, or uneven indentation"


class _Composer:
    """Builds nodes from the parser's events, within the bounds of this module."""

    def __init__(self, text: Text, events: Iterator[Event]) -> None:
        self.text = text
        self.events = events
        self.anchors: dict[str, Node | None] = {}  # None while the anchored value is being read
        self.size = 0

    def document(self) -> Node:
        next(self.events)  # the start of the stream
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _fault(Code.EMPTY, "the file is empty", self.text.place(0, 0), _EMPTY_HELP)
        node = self.node(next(self.events), depth=0)
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self.fault(event, Code.YAML, "a second document begins here", _DOCUMENT_HELP)
        return node

    def node(self, event: Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.fault(event, Code.TAG, f"the tag {tag!r} is not allowed", _TAG_HELP)
        if depth > MAX_DEPTH:
            message = f"the values are nested more than {MAX_DEPTH} deep"
            raise self.fault(event, Code.DEPTH, message, "a spec needs fewer than ten levels")
        self.count(event, 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = self.at(event, self.scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event, depth)
        else:
            node = self.mapping(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Event) -> Node:
        if event.anchor not in self.anchors:
            message = f"nothing before this is named &{event.anchor}"
            raise self.fault(event, Code.ALIAS, message, "an alias repeats a value with an anchor")
        node = self.anchors[event.anchor]
        if node is None:
            raise self.fault(event, Code.ALIAS, f"*{event.anchor} contains itself", _ALIAS_HELP)
        self.count(event, node.size)
        return node

    def count(self, event: Event, values: int) -> None:
        self.size += values
        if self.size > MAX_VALUES:
            message = f"the spec holds more than {MAX_VALUES:,} values, aliases written out"
            raise self.fault(event, Code.SIZE, message, _ALIAS_HELP)

    def scalar(self, event: Event) -> Scalar:
        text: str = event.value
        if not event.implicit[0]:  # quoted, or a block
            return text
        if len(text) > MAX_DIGITS and _NUMBERS.fullmatch(text):
            message = f"this number is longer than {MAX_DIGITS} characters"
            raise self.fault(event, Code.NUMBER, message, "write it in exponent form, as in 1e-3")
        return resolve(text)

    def sequence(self, event: Event, depth: int) -> Node:
        members: dict[str | int, Node] = {}
        while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
            members[len(members)] = self.node(item, depth + 1)
        data: Data = [member.data for member in members.values()]
        return self.at(event, data, item, members=members)

    def mapping(self, event: Event, depth: int) -> Node:
        """A mapping of texts; where all of its keys are whole numbers, of these as texts."""
        numbers: dict[str, Event | None] = {}
        keys: dict[str, Node] = {}
        members: dict[str | int, Node] = {}
        plain_merge = False
        while not isinstance(item := next(self.events), yaml.MappingEndEvent):
            if len(keys) == MAX_KEYS:
                message = f"this mapping has more than {MAX_KEYS:,} keys"
                raise self.fault(item, Code.SIZE, message, "a spec needs fewer than a hundred")
            key = self.key(item, keys)
            name = str(key.data)
            if name == MERGE and item.implicit[0]:
                plain_merge = True
            else:
                numbers[name] = item if isinstance(key.data, int) else None
            members[name] = self.node(next(self.events), depth + 1)
            key.data, keys[name] = name, key
        if plain_merge:
            merged = self.merged(keys.pop(MERGE), members.pop(MERGE))
            keys = {name: key for name, (key, _) in merged.items()} | keys
            members = {name: node for name, (_, node) in merged.items()} | members
        number = next(filter(None, numbers.values()), None)
        if number and None in numbers.values():
            raise self.not_a_text(number)
        data: Data = {name: members[name].data for name in keys}
        return self.at(event, data, item, keys=keys, members=members)

    def merged(self, key: Node, value: Node) -> dict[str, tuple[Node, Node]]:
        """The keys and values of a mapping, or of several of which the first one counts."""
        mappings = list(value.members.values()) if isinstance(value.data, list) else [value]
        entries: dict[str, tuple[Node, Node]] = {}
        for mapping in reversed(mappings):
            if not isinstance(mapping.data, dict):
                message = f"`{MERGE}` merges a mapping, or a list of mappings"
                help = f"name one that has an anchor, as in `{MERGE}: *name`"
                raise _fault(Code.MERGE, message, mapping.place, help)
            for name, node in mapping.members.items():
                note = Note("merged here", key, node.note)
                entries[str(name)] = mapping.keys[str(name)], replace(node, note=note)
        return entries

    def key(self, event: Event, seen: dict[str, Node]) -> Node:
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None or event.anchor:
            raise self.fault(event, Code.KEY, "a key must be a plain text", "write `key: value`")
        self.count(event, 1)
        node = self.at(event, self.scalar(event))
        whole = type(node.data) is int and event.value == str(node.data)  # not 0x1, 007 or true
        if not (whole or isinstance(node.data, str)):
            raise self.not_a_text(event)
        if (text := str(node.data)) in seen:
            first = ("first written here", seen[text].place)
            message = f"the key {text!r} is written twice"
            raise _fault(Code.DUPLICATE_KEY, message, node.place, "keep one of the two", first)
        return node

    def not_a_text(self, event: Event) -> SpecError:
        message = f"a key must be a text, not {event.value or 'nothing'}"
        return self.fault(event, Code.KEY, message, f'quote it: "{event.value}"')

    def at(
        self,
        event: Event,
        data: Data,
        last: Event = None,
        keys: dict[str, Node] | None = None,
        members: dict[str | int, Node] | None = None,
    ) -> Node:
        start, end = event.start_mark, (last or event).end_mark
        span = (start.line, start.column), (end.line, end.column)
        if not members:
            return Node(self.text, *span, data)
        keys = keys or {}
        size = 1 + len(keys) + sum(member.size for member in members.values())
        return Node(self.text, *span, data, keys, members, size)

    def fault(self, event: Event, code: Code, message: str, help: str) -> SpecError:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return _fault(code, message, self.text.place(start.line, start.column, length), help)


_EMPTY_HELP = "`netspec new NAME` writes a spec to start from"
_DOCUMENT_HELP = "a spec is one document: remove the line `---` and keep one spec a file"
_TAG_HELP = "a spec holds plain values: texts, numbers, true, false, null, lists and mappings"
_ALIAS_HELP = "write the values out, or use fewer aliases"


def resolve(text: str) -> Scalar:
    """The value of a plain scalar under the core schema of YAML 1.2 (section 10.3.2).

    >>> resolve("1e-3"), resolve("no"), resolve("0x10"), resolve("~")
    (0.001, 'no', 16, None)
    """
    form = _FORMS.fullmatch(text)
    match form and form.lastgroup:
        case "null":
            return None
        case "true" | "false" as word:
            return word == "true"
        case "int":
            return int(text)
        case "radix":
            return int(text, 0)
        case "float":
            return float(text)
        case "infinite":
            return float(text.replace(".", ""))
        case _:
            return text
