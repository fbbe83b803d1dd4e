"""What netspec changes in the whole process: temporarily, or where only netspec uses the process.

Only netspec uses the process of the command line. A program that imports netspec keeps
its settings.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_OWN: ContextVar[bool] = ContextVar("_OWN", default=False)  # an argument of all that is called

COLLECTION_THRESHOLD = 50_000
"""New objects between two collections. What is imported stays; collections of it take 10 ms a
command, and in a spec of thousands of layers a fifth of the time."""


@contextmanager
def own_process() -> Generator[None]:
    """Let netspec change the settings of the process, until the block ends.

    Frameworks are then imported without packages that netspec does not use, and the garbage
    collector runs less often.
    """
    token, thresholds = _OWN.set(True), gc.get_threshold()
    gc.set_threshold(COLLECTION_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        _OWN.reset(token)


def is_own_process() -> bool:
    """Whether netspec may change the settings of the process."""
    return _OWN.get()


@contextmanager
def environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set environment variables for a while. What the user has set stays.

    A library that reads the environment once, at its import, is imported meanwhile.
    """
    names = [name for name in variables if name not in os.environ]
    os.environ.update({name: variables[name] for name in names})
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
