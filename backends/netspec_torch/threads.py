"""How long the threads of PyTorch wait for each other on a CPU."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from netspec.process import environment

WAITING = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "1"}
"""How long threads of GNU's and of LLVM's OpenMP spin, in rounds and in milliseconds.

GNU's default of 300,000 rounds takes about 10 ms. On a busy core the other threads cannot run
meanwhile, and the program waits for them at the end of every operation.
"""

WAITING_SETTINGS = ("OMP_WAIT_POLICY", *WAITING)
"""Environment variables by which a user sets how threads wait."""


def short_waits() -> AbstractContextManager[None]:
    """Import PyTorch meanwhile: its OpenMP reads the environment once, when it is loaded."""
    set_by_user = any(name in os.environ for name in WAITING_SETTINGS)
    return environment({} if set_by_user else WAITING)
