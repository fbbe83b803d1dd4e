"""Python source as the backends write it: where a line that is too long is broken."""

from __future__ import annotations

import pytest

from netspec.backend.emit.code import WIDTH, call

LONG = 40 * "x"


@pytest.mark.parametrize(
    "text",
    [
        '"a, b"',
        '"a) b"',
        '"(a, b"',
        '"[a, b"',
        '"a, b", "c, d"',
        "f(1, 2)",
        "[1, 2]",
        "((1, 2), 3)",
    ],
)
def test_a_long_call_is_broken_only_between_its_arguments(text: str) -> None:
    found = call("make", [f"layer({LONG}, {text}, {LONG}, {LONG})"])

    texts = text.split(', "')
    parts = [texts[0], *(f'"{part}' for part in texts[1:])] if text.count('"') > 2 else [text]
    inside = [f"        {part}," for part in (LONG, *parts, LONG, LONG)]
    assert found == "\n".join(["make(", "    layer(", *inside, "    ),", ")"])


@pytest.mark.parametrize("item", ['"a, b"', "(1, 2)", "f(1, 2)"])
def test_a_long_list_is_broken_only_between_its_items(item: str) -> None:
    items = WIDTH // len(item) * [item]

    found = call("make", [f"[{', '.join(items)}]"])

    assert found == "\n".join(
        ["make(", "    [", *(f"        {each}," for each in items), "    ],", ")"]
    )
