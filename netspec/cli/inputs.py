"""Reads what options and arguments name: networks, runs, values of a spec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.text.diagnostics import NetspecError

if TYPE_CHECKING:
    from netspec.network import Network
    from netspec.runs.folder import Run
    from netspec.text.override import Override


def read_network(path: Path, overrides: list[Override], passes: str | None = None) -> Network:
    """The network of a spec file. Raises NetspecError."""
    from netspec.network import load

    network = load(path, overrides)
    return network if passes is None else replace(network, passes=chosen_passes(passes))


def chosen_passes(text: str | None) -> frozenset[str] | None:
    """The passes that --passes names; None, which is all, without it. Raises NetspecError."""
    from netspec.passes import chosen

    return None if text is None else chosen(text)


def overrides_of(settings: list[str] | None) -> list[Override]:
    """The values of a spec that --set replaces. Raises NetspecError."""
    from netspec.text.override import Override

    overrides: list[Override] = []
    for setting in settings or []:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            message = f"--set {setting} is not of the form KEY.PATH=VALUE"
            raise NetspecError(message, "for example --set train.optimizer.adam.learning_rate=0.01")
        overrides.append(Override(f"--set {setting}", path, value))
    return overrides


def find_run(runs: Path, chosen: Path | None) -> Run:
    """A run by its folder or its name in `runs`; the newest one without it. Raises RunError."""
    from netspec.runs.folder import find

    return find(runs, chosen)
