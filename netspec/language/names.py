"""The names of layers: what a name may be, and the one that a layer gets by itself."""

from __future__ import annotations

import re
from collections.abc import Container

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MAX_NAME = 64
MAX_PATH = 4 * MAX_NAME  # of a name in blocks, through the calls around it


def is_identifier(name: str) -> bool:
    """Whether this can be a name: a letter, then letters, digits and underscores."""
    return len(name) <= MAX_NAME and bool(IDENTIFIER.fullmatch(name))


def automatic(tag: str, used_names: Container[str], counts: dict[str, int]) -> str:
    """Keras's automatic name, counted past those in use.

    >>> counts = {}
    >>> [automatic("Conv2D", {"conv2d_1"}, counts) for _ in range(2)]
    ['conv2d', 'conv2d_2']
    """
    stem = snake_case(tag)
    while True:
        count = counts.get(stem, 0)
        counts[stem] = count + 1
        name = f"{stem}_{count}" if count else stem
        if name not in used_names:
            return name


def snake_case(tag: str) -> str:
    """Keras's stem of automatic names (keras/src/utils/naming.py, 3.15).

    >>> snake_case("Conv2D"), snake_case("GlobalAveragePooling2D")
    ('conv2d', 'global_average_pooling2d')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", tag)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
