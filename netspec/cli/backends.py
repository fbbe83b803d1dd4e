"""The command `netspec backends`."""

from __future__ import annotations

from netspec.cli.options import JsonOption
from netspec.cli.output import print_json


def backends(json_: JsonOption = False) -> None:
    """List the backends: whether they are installed, which version, which devices.

    Below the table are the installed packages that overwrite each other's files, such as the
    libraries of two CUDA versions, and what to do about them.
    """
    from importlib.metadata import distributions

    from netspec.backend import listing
    from netspec.backend.environment import find_conflicts

    rows, conflicts = listing(), find_conflicts(distributions())
    if json_:
        from dataclasses import asdict

        environment = {"conflicts": [asdict(conflict) for conflict in conflicts]}
        print_json([row | environment for row in rows])
        return
    for row in rows:
        frameworks = ", ".join(
            f"{name} {installed or 'missing'}" for name, installed in row["versions"].items()
        )
        devices = ", ".join(row["devices"]) or f"pip install 'netspec[{row['name']}]'"
        print(f"{row['name']:8}{frameworks:42}{devices}")
    for conflict in conflicts:
        print(f"\n{conflict}")
