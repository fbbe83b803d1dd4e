"""The variables of a spec: names for values of the type in the spec."""

from __future__ import annotations

from netspec.language.expansion.expression import FUNCTIONS
from netspec.language.expansion.values import INDEX, Scope, Values, fits, is_plain, kind, shown
from netspec.language.names import is_identifier
from netspec.text.codes import Code
from netspec.text.override import COMMAND_LINE
from netspec.text.source import Node

RESERVED = (INDEX, *FUNCTIONS)


def read_variables(root: Node, values: Values) -> dict[str, Node | None]:
    """The variables by name, each computed from the variables above it. None is a faulty one."""
    section = root.members.get("variables")
    if section is None or section.data is None:
        return {}
    if not isinstance(section.data, dict):
        message = f"variables must be a mapping, not {shown(section.data)}"
        values.fault(section, Code.TYPE, message, "write each as `name: value`")
        return {}
    variables: dict[str, Node | None] = {}
    scope = Scope(variables, later=section.data)
    for name, node in section.members.items():
        key = section.keys[str(name)]
        if not is_name(key, "variable", values) or not _is_there(key, section, values):
            variables[str(name)] = None
            continue
        variables[str(name)] = value = bound(node, scope, values, f"the variable {name}")
        if value is not None and (before := _former(str(name), node, section)) is not None:
            former = bound(before, scope, Values(), str(name))
            if former is not None and not fits(value.data, former.data):
                variables[str(name)] = None
                message = f"{name} must stay {kind(former.data)}, and is set to {shown(value.data)}"
                help = "a variable keeps the type of its value in the spec"
                values.fault(node, Code.TYPE, message, help, related=("the spec's value", before))
    return variables


def is_name(key: Node, what: str, values: Values) -> bool:
    """Whether a variable or a parameter may be called this."""
    if not is_identifier(str(key.data)):
        message = f"{key.data!r} cannot be the name of a {what}"
        values.fault(key, Code.NAME, message, "a letter, then letters, digits and underscores")
    elif key.data in RESERVED:
        message = f"{key.data!r} has a fixed meaning in expressions"
        values.fault(key, Code.NAME, message, f"choose another name for the {what}")
    else:
        return True
    return False


def bound(node: Node, scope: Scope, values: Values, what: str) -> Node | None:
    """The value that a name will have, or None where it is at fault."""
    before = values.failures
    value = values.substitute(node, scope)
    if values.failures > before:
        return None
    if value.data is None:
        values.fault(node, Code.TYPE, f"{what} has no value", _PLAIN, scope.note)
        return None
    if not is_plain(value.data):
        form = "a mapping" if isinstance(value.data, dict) else "a list of lists of lists"
        values.fault(node, Code.TYPE, f"{what} cannot be {form}", _PLAIN, scope.note)
        return None
    return value


_PLAIN = "it is a number, a text, true, false, or a list of them"


def _former(name: str, node: Node, section: Node) -> Node | None:
    """The value in the file, where the command line sets another."""
    former = node.former
    if former is None and section.former is not None:
        former = section.former.members.get(name)
    while former is not None and former.former is not None:
        former = former.former
    return former if former is not None and former.text.file != COMMAND_LINE else None


def _is_there(key: Node, section: Node, values: Values) -> bool:
    """Whether the spec has the variable that the command line sets."""
    if key.text.file != COMMAND_LINE or section.former is not None:
        return True
    known = [
        str(name) for name, key_node in section.keys.items() if key_node.text.file != COMMAND_LINE
    ]
    meant = values.near(str(key.data), known)
    help = f"did you mean `{meant}`?" if meant else "`netspec check` lists the variables"
    values.fault(key, Code.UNKNOWN_NAME, f"the spec has no variable {key.data!r}", help)
    return False
