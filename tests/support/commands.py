"""Runs commands as a user does, and returns how they ended."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from netspec.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int | str | None
    out: str
    err: str

    @property
    def results(self) -> str:
        """What it printed, where it ended well and had nothing to complain about."""
        assert (self.status, self.err) == (0, "")
        return self.out

    @property
    def fault(self) -> str:
        """The message of an error, which is the only output."""
        assert (self.status, self.out) == (1, "")
        assert self.err.startswith("error")
        assert "Traceback" not in self.err
        return self.err


def netspec_(*arguments: str | Path) -> Ended:
    """Run a command in this process, as the console script does."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["netspec", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Ended(ended.value.code, out.getvalue(), err.getvalue())
