"""Python modules: what they import, and their parts in order."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from symtable import SymbolTable, symtable

from netspec.backend.emit.code import WIDTH, call
from netspec.backend.emit.document import NEWLINE, Document, Nest, joined, render


def module(doc: Sequence[str], imports: Iterable[str], parts: Iterable[Document]) -> str:
    """The source of a module: its docstring, the imports that it uses, and its parts.

    Each import binds one name, such as "import torch" or "from torch import nn".
    """
    body = render(joined([part for part in parts if part], 3 * (NEWLINE,)), WIDTH)
    used = _global_names(symtable(body, "", "exec"))
    head = [docstring(*doc), *_sections([line for line in imports if line.split()[-1] in used])]
    return f"{render(joined(head, 2 * (NEWLINE,)), WIDTH)}\n\n\n{body}\n"


def _global_names(scope: SymbolTable) -> set[str]:
    """The global names that a scope and the scopes in it use."""
    names = {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return names.union(*map(_global_names, scope.get_children()))


def _sections(imports: Iterable[str]) -> list[Document]:
    """Imports as isort sorts them: the standard library first, and one line for each module."""
    ordered = sorted((not _is_standard(line), line.startswith("from"), line) for line in imports)
    return [
        joined(list(_merged(line for *_, line in section)), NEWLINE)
        for _, section in groupby(ordered, key=lambda key: key[0])
    ]


def _is_standard(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _merged(lines: Iterable[str]) -> Iterable[Document]:
    """Sorted imports, with several names from one module in one line."""
    for head, group in groupby(lines, key=lambda line: line.partition(" import ")[0]):
        names = [name for line in group if (name := line.partition(" import ")[2])]
        yield f"{head} import {', '.join(names)}" if names else head


def docstring(first: str, *paragraphs: str) -> Document:
    """A docstring of one line, or of paragraphs."""
    if not paragraphs:
        return f'"""{first}"""'
    text = joined([f'"""{first}', *paragraphs], 2 * (NEWLINE,))
    return (text, NEWLINE, '"""')


def block(head: Document, lines: Iterable[Document]) -> Document:
    """A statement and the lines that belong to it."""
    return (head, Nest(tuple((NEWLINE, line) for line in lines)))


def function(
    name: str,
    parameters: Sequence[str],
    returns: str,
    lines: Iterable[Document],
    *,
    doc: Sequence[str] = (),
    decorator: str = "",
) -> Document:
    """A function, or a method where a class contains it."""
    head = call(f"def {name}", parameters, f" -> {returns}:" if returns else ":")
    body = [docstring(*doc), *lines] if doc else lines
    return ((decorator, NEWLINE) if decorator else "", block(head, body))


def class_(name: str, base: str, doc: str, members: Iterable[Document]) -> Document:
    """A class with its methods."""
    body = joined([docstring(doc), *members], 2 * (NEWLINE,))
    return (f"class {name}({base}):", Nest((NEWLINE, body)))


def table(comment: str, name: str, rows: Sequence[Document]) -> Document:
    """A dictionary with a comment before it, one row a line."""
    if not rows:
        return (f"# {comment}", NEWLINE, f"{name} = {{}}")
    return (f"# {comment}", NEWLINE, block(f"{name} = {{", rows), NEWLINE, "}")


def lines_of(text: str) -> Document:
    """Source as a document of its lines."""
    return joined(text.strip("\n").split("\n"), NEWLINE)


def main(line: str) -> Document:
    """What a module does when it is run."""
    return block('if __name__ == "__main__":', [line])
