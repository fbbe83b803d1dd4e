"""How much memory data may take."""

from __future__ import annotations

import pytest

from netspec.data.memory import half_of_memory
from netspec.numerics import memory


@pytest.mark.parametrize(
    ("machine", "group", "half"),
    [(1001, None, 500), (1001, 401, 200), (1001, 2000, 500), (1001, 0, 0)],
)
def test_data_may_take_half_of_free_memory(
    machine: int, group: int | None, half: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_of_machine", lambda: machine)
    monkeypatch.setattr(memory, "_of_group", lambda: group)
    assert half_of_memory() == half
